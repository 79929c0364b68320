//! The files of a copy: which, and whether they are what they were.

use std::{
    collections::BTreeMap,
    fs,
    io::{Read as _, Write as _},
    path::Path,
};

use rusqlite::Connection;
use sha2::{Digest as _, Sha256};

use super::{Backup, MANIFEST, failed, unsound};
use crate::{
    attachments, belonging,
    error::Error,
    store::{self, StoreError},
};

/// Copies everything that lies beside the store: keys, checkpoints, and what later versions put there. Not what is about the folder.
pub(super) fn copy_beside(from: &Path, to: &Path) -> Result<(), Error> {
    for entry in fs::read_dir(from).map_err(failed(from))? {
        let entry = entry.map_err(failed(from))?;
        let name = entry.file_name();
        let is_file = entry.file_type().map_err(failed(from))?.is_file();
        let is_the_stores = name.to_string_lossy().starts_with(store::FILE);
        let is_the_folders = [crate::LOCK_FILE, belonging::FILE, MANIFEST].iter().any(|it| name == *it);
        if is_file && !is_the_stores && !is_the_folders {
            copy(&entry.path(), &to.join(name))?;
        }
    }
    Ok(())
}

/// Copies one file and brings it to the disk.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    fs::copy(from, to).map_err(failed(to))?;
    fs::File::open(to).and_then(|file| file.sync_all()).map_err(failed(to))
}

/// The files a copied store knows, and what they have to hold.
pub(super) fn wanted(connection: &Connection) -> Result<Vec<(String, String)>, Error> {
    let mut statement =
        connection.prepare("SELECT id, sha256 FROM attachment ORDER BY id").map_err(StoreError::from)?;
    let wanted = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?))).map_err(StoreError::from)?;
    Ok(wanted.collect::<Result<_, _>>().map_err(StoreError::from)?)
}

/// Copies the wanted files with their small copies. Returns those that are not there.
pub(super) fn copy_attachments(from: &Path, to: &Path, wanted: &[(String, String)]) -> Result<Vec<String>, Error> {
    let (from, to) = (from.join(attachments::FOLDER), to.join(attachments::FOLDER));
    crate::private_folder(&to).map_err(failed(&to))?;
    let mut missing = Vec::new();
    for (id, sum) in wanted {
        let (source, target) = (from.join(id), to.join(id));
        if !source.exists() {
            missing.push(id.clone());
            continue;
        }
        copy(&source, &target)?;
        if sha256(&target)? != *sum {
            return Err(unsound(&source, "is not what was sent"));
        }
        let small = attachments::small_path(&source);
        if small.exists() {
            copy(&small, &attachments::small_path(&target))?;
        }
    }
    Ok(missing)
}

/// Of every file of a copy but its manifest.
pub(super) fn sums(copy: &Path) -> Result<BTreeMap<String, String>, Error> {
    let mut sums = BTreeMap::new();
    for folder in ["", attachments::FOLDER] {
        let path = copy.join(folder);
        for entry in fs::read_dir(&path).map_err(failed(&path))? {
            let entry = entry.map_err(failed(&path))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().map_err(failed(&path))?.is_file() && name != MANIFEST {
                let name = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                sums.insert(name, sha256(&entry.path())?);
            }
        }
    }
    Ok(sums)
}

fn sha256(path: &Path) -> Result<String, Error> {
    let mut file = fs::File::open(path).map_err(failed(path))?;
    let mut hash = Sha256::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        let read = file.read(&mut piece).map_err(failed(path))?;
        if read == 0 {
            return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hash.update(piece.get(..read).unwrap_or_default());
    }
}

pub(super) fn write_manifest(path: &Path, backup: &Backup) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(backup).map_err(std::io::Error::from).map_err(failed(path))?;
    let mut file = fs::File::create(path).map_err(failed(path))?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed(path))
}

/// What a copy says of itself, if every file is what it was.
pub(super) fn read(copy: &Path) -> Result<Backup, Error> {
    let path = copy.join(MANIFEST);
    let text = fs::read_to_string(&path).map_err(|_| unsound(copy, "is no backup, or not a whole one"))?;
    let backup: Backup = serde_json::from_str(&text).map_err(|_| unsound(&path, "cannot be read"))?;
    if sums(copy)? != backup.files {
        return Err(unsound(copy, "holds files that are not what they were"));
    }
    Ok(backup)
}
