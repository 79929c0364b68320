//! Copying a store while it is used, and making a copy a store of its own.

use std::path::Path;

use hugmedo_chat_protocol::Timestamp;
use rusqlite::TransactionBehavior;

use super::{StoreError, connect, migrations, now};
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
    tx.execute("UPDATE meta SET value = ?1 WHERE key = 'store_id'", (uuid::Uuid::new_v4().to_string(),))?;
    tx.execute("UPDATE room SET last_seq = last_seq + ?1", (POSITIONS_LEFT_OUT,))?;
    tx.execute("UPDATE session SET ended_at = coalesce(ended_at, ?1)", (now(),))?;
    audit::append(&tx, None, Deed::Restore, None, Some(&taken_at.to_string()), None)?;
    tx.commit()?;
    // One file: what is beside it would be left behind when it is moved.
    connection.query_row("PRAGMA journal_mode = DELETE", (), |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error)?;
    Ok(())
}
