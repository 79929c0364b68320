//! Putting a copy back.

use std::{fs, path::Path};

use super::{Backup, check, failed, files, look_into, unfinished, unsound};
use crate::{attachments, audit, belonging, error::Error, store};

/// Puts a copy into a data folder that has no store, for a server to start on. Everyone has to sign in again.
///
/// # Errors
/// If the copy is not whole and as it was taken, a store is there or in a database, or a server works on the folder.
pub async fn restore(copy: &Path, data_dir: &Path) -> Result<Backup, Error> {
    let (copy, data_dir) = (copy.to_owned(), data_dir.to_owned());
    super::blocking(move || put_back(&copy, &data_dir)).await
}

fn put_back(copy: &Path, data_dir: &Path) -> Result<Backup, Error> {
    let backup = files::read(copy)?;
    check(&look_into(&copy.join(store::FILE))?, copy)?;
    crate::private_folder(data_dir).map_err(failed(data_dir))?;
    let _alone = crate::lock(data_dir, false)?;
    let place = data_dir.join(store::FILE);
    if place.exists() {
        return Err(unsound(data_dir, "has a store already; move what is in it elsewhere first"));
    }
    if belonging::is_of_database(data_dir)? {
        return Err(unsound(data_dir, "belongs to a store in a database; put the copy into a folder of its own"));
    }
    if audit::has_key(data_dir) && !audit::is_same_key(data_dir, copy) {
        return Err(unsound(data_dir, "has the keys of another store; move what is in it elsewhere first"));
    }
    belonging::release(data_dir)?;
    files::copy_beside(copy, data_dir)?;
    let (from, to) = (copy.join(attachments::FOLDER), data_dir.join(attachments::FOLDER));
    crate::private_folder(&to).map_err(failed(&to))?;
    for entry in fs::read_dir(&from).map_err(failed(&from))? {
        let entry = entry.map_err(failed(&from))?;
        files::copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    // The store last, and ready before it gets its name: a server never starts on half of it.
    let unfinished = unfinished(data_dir);
    if unfinished.exists() {
        fs::remove_file(&unfinished).map_err(failed(&unfinished))?;
    }
    files::copy(&copy.join(store::FILE), &unfinished)?;
    store::begin_anew(&unfinished, backup.taken_at)?;
    fs::rename(&unfinished, &place).map_err(failed(&place))?;
    Ok(backup)
}
