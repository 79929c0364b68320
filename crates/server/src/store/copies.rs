//! Copying a store while it is used, and making a copy a store of its own.

use std::path::Path;

use hugmedo_chat_protocol::Timestamp;
use rusqlite::TransactionBehavior;

use super::{StoreError, migrations, now, sql::Transaction, sqlite::connect};
use crate::audit::{self, Deed};

/// The store's file in a data folder.
pub(crate) const FILE: &str = "server.sqlite3";

/// How many positions of every room's log a restored store leaves out. Nobody has seen so many since the copy was taken, so
/// what is said next stands above everything anyone has seen or read.
const POSITIONS_LEFT_OUT: i64 = 1_000_000_000;

/// Writes what the store of a data folder holds at this moment into another folder. Nobody waits for it.
pub(crate) fn copy(data_dir: &Path, into: &Path) -> Result<(), StoreError> {
    let copy = into.join(FILE);
    connect(&data_dir.join(FILE))?.execute("VACUUM INTO ?1", (copy.to_string_lossy(),))?;
    close_to_others(&copy)?;
    std::fs::File::open(&copy)?.sync_all()?;
    Ok(())
}

#[cfg(unix)]
fn close_to_others(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn close_to_others(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Makes a copied store one that its clients have never met: under another name, so that they fetch everything anew; with
/// positions nobody knows from before; and without sessions, some of which were ended since.
pub(crate) fn begin_anew(path: &Path, taken_at: Timestamp) -> Result<(), StoreError> {
    let mut connection = connect(path)?;
    migrations::run(&mut connection)?;
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    anew(&Transaction::Sqlite(&tx), Some(taken_at))?;
    tx.commit()?;
    // One file: what is beside it would be left behind when it is moved.
    connection.query_row("PRAGMA journal_mode = DELETE", (), |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}

/// Does so within a transaction.
pub(crate) fn anew(tx: &Transaction<'_>, taken_at: Option<Timestamp>) -> Result<(), StoreError> {
    tx.execute("UPDATE meta SET value = ?1 WHERE key = 'store_id'", (uuid::Uuid::new_v4().to_string(),))?;
    tx.execute("UPDATE room SET last_seq = last_seq + ?1", (POSITIONS_LEFT_OUT,))?;
    tx.execute("UPDATE session SET ended_at = coalesce(ended_at, ?1)", (now(),))?;
    let taken_at = taken_at.map(|at| at.to_string());
    audit::append(tx, None, Deed::Restore, None, taken_at.as_deref(), None)
}
