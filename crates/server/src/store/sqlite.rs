//! Opening the SQLite file of a data folder.
//!
//! Invariant: what a connection answered is on the disk, and what was removed lingers nowhere in the file.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::StoreError;

pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    for_our_eyes_only(path)?;
    let connection = Connection::open(path)?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))?;
    if mode != "wal" {
        return Err(StoreError::Setting("journal_mode = WAL"));
    }
    // FULL: an answered message survives a power cut. It costs about 0.2 ms a message.
    connection.pragma_update(None, "synchronous", "FULL")?;
    let synchronous: i64 = connection.query_row("PRAGMA synchronous", (), |row| row.get(0))?;
    if synchronous != 2 {
        return Err(StoreError::Setting("synchronous = FULL"));
    }
    connection.pragma_update(None, "foreign_keys", true)?;
    // A deleted message's text must not linger in free pages.
    connection.query_row("PRAGMA secure_delete = ON", (), |_| Ok(()))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Makes the file before SQLite would, unreadable to other accounts; SQLite gives its side files the same mode.
#[cfg(unix)]
fn for_our_eyes_only(path: &Path) -> Result<(), StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    Ok(())
}

/// A folder below the profile is private already.
#[cfg(not(unix))]
fn for_our_eyes_only(_: &Path) -> Result<(), StoreError> {
    Ok(())
}

/// Versions before 3.51.3 can corrupt a WAL store that has two connections.
pub(super) fn require_sound_sqlite() -> Result<(), StoreError> {
    let version = rusqlite::version();
    let numbers: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    if numbers.as_slice() < [3, 51, 3].as_slice() {
        return Err(StoreError::SqliteTooOld(version.to_owned()));
    }
    Ok(())
}

pub(super) fn store_id(connection: &mut Connection) -> Result<String, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known =
        transaction.query_row("SELECT value FROM meta WHERE key = 'store_id'", (), |row| row.get(0)).optional()?;
    let id = match known {
        Some(id) => id,
        None => {
            let id = uuid::Uuid::new_v4().to_string();
            transaction.execute("INSERT INTO meta (key, value) VALUES ('store_id', ?1)", (&id,))?;
            id
        }
    };
    transaction.commit()?;
    Ok(id)
}
