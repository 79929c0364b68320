//! Which store a data folder belongs to.
//!
//! Invariant: before files of a folder are removed, replaced or signed for, it is known that the store which is opened is the one they
//! belong to. The folder says so in a file, which the first start of a store writes, whichever database that is in. A folder without
//! that file was begun by a version that wrote none, or has just been put back from a copy: it belongs to whoever opens it, unless a
//! store of the other kind was in it.

use std::{fs, io, path::Path};

use crate::{
    audit,
    error::Error,
    key_file,
    store::{self, Store},
};

/// Holds the kind of the store and its name, on one line.
pub(crate) const FILE: &str = "belongs-to";
/// Of a store in the folder.
const IN_FILE: &str = "sqlite";
/// Of a store that servers share.
const IN_DATABASE: &str = "postgres";

const OF_DATABASE: &str = "belongs to a store in a database, and none was named: set HUGMEDO_CHAT_DATABASE";
const OF_FILE: &str = "belongs to the store in its file server.sqlite3; one in a database needs a folder of its own";
const BESIDE_FILE: &str = "holds a store, server.sqlite3, and nothing says that it belongs to the database: give that a folder of its own, \
                           or move server.sqlite3 elsewhere if no server uses it";
const LOST: &str = "was used before, and the store it belongs to is not in it: if that is in a database, set HUGMEDO_CHAT_DATABASE; \
                    else put server.sqlite3 back, or `restore` a copy, or move everything in it elsewhere to begin anew";
const OF_ANOTHER: &str = "belongs to another store than the one that was opened; if they do belong together, remove the file belongs-to in it";

fn refused(data_dir: &Path, what: &'static str) -> Error {
    Error::Belonging { path: data_dir.to_owned(), what }
}

/// Refuses the folder of a store of the other kind. Before anything is made in it.
pub(crate) fn check_kind(data_dir: &Path, is_shared: bool) -> Result<(), Error> {
    let mark = read(data_dir)?;
    let kind = mark.as_deref().and_then(|mark| mark.split_whitespace().next());
    let has_store = data_dir.join(store::FILE).exists();
    match (kind, is_shared) {
        (Some(IN_DATABASE), false) => Err(refused(data_dir, OF_DATABASE)),
        (Some(IN_FILE), true) => Err(refused(data_dir, OF_FILE)),
        (None, true) if has_store => Err(refused(data_dir, BESIDE_FILE)),
        // The store is there before everything else is.
        (_, false) if !has_store && (kind.is_some() || audit::has_key(data_dir)) => Err(refused(data_dir, LOST)),
        _ => Ok(()),
    }
}

/// Refuses the folder of another store; one that says nothing is this store's from now on.
pub(crate) fn claim(data_dir: &Path, store: &Store) -> Result<(), Error> {
    let kind = if store.is_shared() { IN_DATABASE } else { IN_FILE };
    let ours = format!("{kind} {}", store.id());
    if read(data_dir)?.is_none() {
        match key_file::write_new(&data_dir.join(FILE), &format!("{ours}\n"), 0o600) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            written => written.map_err(failed(data_dir))?,
        }
    }
    if read(data_dir)?.is_some_and(|mark| mark.trim() == ours) { Ok(()) } else { Err(refused(data_dir, OF_ANOTHER)) }
}

/// Lets the next store that is opened have the folder: the one it belongs to is about to get another name.
pub(crate) fn release(data_dir: &Path) -> Result<(), Error> {
    match fs::remove_file(data_dir.join(FILE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(failed(data_dir)),
    }
}

/// Whether the folder says that it belongs to a store in a database.
pub(crate) fn is_of_database(data_dir: &Path) -> Result<bool, Error> {
    Ok(read(data_dir)?.is_some_and(|mark| mark.starts_with(IN_DATABASE)))
}

fn read(data_dir: &Path) -> Result<Option<String>, Error> {
    match fs::read_to_string(data_dir.join(FILE)) {
        Ok(mark) => Ok(Some(mark)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(data_dir)(error)),
    }
}

fn failed(data_dir: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = data_dir.join(FILE);
    move |source| Error::DataDir { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with these files.
    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_is_refused_to_the_other_kind_of_store_and_to_an_empty_one_if_its_own_is_missing() {
        const NEW: &[(&str, &str)] = &[];
        const STORE: (&str, &str) = (store::FILE, "");
        const KEY: (&str, &str) = ("audit-key", "");
        const SQLITE: (&str, &str) = (FILE, "sqlite one\n");
        const POSTGRES: (&str, &str) = (FILE, "postgres one\n");
        for (files, refused_to_file, refused_to_database) in [
            (NEW, None, None),
            // Of a version that left no mark.
            (&[STORE, KEY], None, Some(BESIDE_FILE)),
            (&[KEY], Some(LOST), None),
            // A start that broke off.
            (&[STORE], None, Some(BESIDE_FILE)),
            (&[STORE, KEY, SQLITE], None, Some(OF_FILE)),
            (&[KEY, SQLITE], Some(LOST), Some(OF_FILE)),
            (&[KEY, POSTGRES], Some(OF_DATABASE), None),
            (&[STORE, KEY, POSTGRES], Some(OF_DATABASE), None),
        ] {
            let folder = folder(files);
            for (is_shared, expected) in [(false, refused_to_file), (true, refused_to_database)] {
                let found = match check_kind(folder.path(), is_shared) {
                    Ok(()) => None,
                    Err(Error::Belonging { what, .. }) => Some(what),
                    Err(error) => panic!("{error}"),
                };
                assert_eq!(found, expected, "{files:?}, shared: {is_shared}");
            }
        }
    }

    #[tokio::test]
    async fn a_folder_belongs_to_the_first_store_that_claims_it() {
        let (here, there) = (folder(&[]), folder(&[]));
        let open = |folder: &tempfile::TempDir| Store::open(folder.path(), None).unwrap();
        let (ours, other) = (open(&here), open(&there));
        claim(here.path(), &ours).unwrap();
        claim(here.path(), &ours).unwrap();
        assert!(matches!(claim(here.path(), &other), Err(Error::Belonging { what: OF_ANOTHER, .. })));
        release(here.path()).unwrap();
        release(here.path()).unwrap();
        claim(here.path(), &other).unwrap();
        for store in [ours, other] {
            store.close().await;
        }
    }
}
