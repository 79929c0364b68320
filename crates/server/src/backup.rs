//! Copies of a data folder, taken while a server works on it, and put back.
//!
//! Invariants: a copy under its own name is whole and was checked, and so is what is put back; nothing is ever put over a store
//! that is there. A restored store is another store to its clients: cursors of before are gone, so they fetch everything anew;
//! no position of a room's log is given out twice; and no session lives on, for it may have been ended since.

mod files;
mod restore;

pub use restore::restore;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use hugmedo_chat_protocol::Timestamp;
use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};

use crate::{
    attachments, audit,
    error::Error,
    store::{self, Store, StoreError, sql::Transaction},
};

const MANIFEST: &str = "backup.json";

/// What a copy holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Backup {
    /// The version of the server that took it.
    pub version: String,
    /// When.
    pub taken_at: Timestamp,
    /// Entries of the audit in it.
    pub audit_entries: u64,
    /// SHA-256 of each file, by its path within the copy.
    files: BTreeMap<String, String>,
}

impl Backup {
    /// How many files people sent are in it, small copies included.
    pub fn attachments(&self) -> usize {
        self.files.keys().filter(|path| path.starts_with(attachments::FOLDER)).count()
    }
}

/// Something is wrong with a copy.
fn unsound(path: &Path, what: &'static str) -> Error {
    Error::Backup { path: path.to_owned(), what }
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::DataDir { path, source }
}

/// Copies a data folder, whose store is open here, into a folder that is not there yet.
pub(crate) async fn take(store: &Store, data_dir: &Path, into: &Path) -> Result<Backup, Error> {
    if into.exists() {
        return Err(unsound(into, "is there already"));
    }
    // Complete or not there: it gets its name at the end.
    let mut name = into.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = into.with_file_name(name);
    let (from, to, copy) = (data_dir.to_owned(), partial.clone(), into.to_owned());
    let wanted = blocking(move || {
        // What lies there may be of any origin, so it is not this program's to remove.
        if to.exists() {
            return Err(unsound(&to, "is in the way: a copy that broke off, unless something else; remove it first"));
        }
        crate::private_folder(&to).map_err(failed(&to))?;
        // The checkpoints before the store: none of them speaks of an entry the copy does not have.
        files::copy_beside(&from, &to)?;
        store::copy(&from, &to)?;
        let connection = look_into(&to.join(store::FILE))?;
        check(&connection, &to)?;
        files::wanted(&connection)
    })
    .await?;

    let (from, to) = (data_dir.to_owned(), partial.clone());
    let missing = blocking(move || files::copy_attachments(&from, &to, &wanted)).await?;
    for id in missing {
        let path = data_dir.join(attachments::FOLDER).join(&id);
        // Taken back since the store was copied, or lost.
        if store.read(move |tx| store::attachments::is_known(tx, &id)).await? {
            return Err(unsound(&path, "is missing"));
        }
    }

    blocking(move || {
        let connection = look_into(&partial.join(store::FILE))?;
        let tx = connection.unchecked_transaction().map_err(StoreError::from)?;
        let report = audit::verify(&Transaction::Sqlite(&tx), &partial)?;
        if !report.findings.is_empty() {
            return Err(unsound(&partial, "holds an audit that is not as it was written; see `audit verify`"));
        }
        drop(tx);
        let backup = Backup {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            taken_at: Timestamp::now(),
            audit_entries: report.entries,
            files: files::sums(&partial)?,
        };
        files::write_manifest(&partial.join(MANIFEST), &backup)?;
        std::fs::rename(&partial, &copy).map_err(failed(&copy))?;
        Ok(backup)
    })
    .await
}

/// Opens a store of a copy without leaving anything beside it.
fn look_into(path: &Path) -> Result<Connection, Error> {
    let mut url = String::from("file:");
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'%' | b'?' | b'#' | 0x80.. => url.push_str(&format!("%{byte:02x}")),
            _ => url.push(char::from(byte)),
        }
    }
    url.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    Ok(Connection::open_with_flags(url, flags).map_err(StoreError::from)?)
}

/// Whether a copied store is sound as a file and in what it says.
fn check(connection: &Connection, of: &Path) -> Result<(), Error> {
    let sound: String =
        connection.query_row("PRAGMA integrity_check", (), |row| row.get(0)).map_err(StoreError::from)?;
    let mut foreign = connection.prepare("PRAGMA foreign_key_check").map_err(StoreError::from)?;
    let dangling = foreign.exists(()).map_err(StoreError::from)?;
    if sound != "ok" || dangling {
        return Err(unsound(of, "holds a store that is damaged"));
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Error::Store(StoreError::Closed)))
}

/// Where a store is that is not yet put in its place.
fn unfinished(data_dir: &Path) -> PathBuf {
    data_dir.join("restoring.sqlite3")
}
