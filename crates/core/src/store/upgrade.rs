//! Bringing a store of an older version to the newest, with a way back.
//!
//! Invariants: either every step is done and the result has been checked, or the store is as it was; before the first step there
//! is a copy of it, encrypted like it, which stays for a week: a fault that only shows later costs what was written since, and
//! not the store. A store of a newer version is not touched.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use rusqlite::Connection;

use super::{connections::check_pages, files, migrations};
use crate::error::{Error, ErrorCode};

/// How long the copy stays.
const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Upgrades the store behind this connection, the only one there is, if it is of an older version.
pub(super) fn run(path: &Path, connection: &mut Connection) -> Result<(), Error> {
    run_steps(path, connection, migrations::STEPS)
}

pub(super) fn run_steps(path: &Path, connection: &mut Connection, steps: &[&str]) -> Result<(), Error> {
    let version = migrations::version(connection)?;
    if version == 0 || version >= steps.len() {
        forget_old_copy(path);
        return migrations::run_steps(connection, steps);
    }
    tracing::info!(from = version, to = steps.len(), "the store is upgraded");
    copy(path, connection)?;
    migrations::run_steps(connection, steps).map_err(|error| {
        tracing::error!(%error, "the upgrade was taken back");
        // As it was, so that the copy is of no use.
        let _ = fs::remove_file(files::before_upgrade(path));
        match error.code() {
            // A full disk can be helped; damage is mended elsewhere.
            ErrorCode::DiskFull | ErrorCode::StoreUnreadable => error,
            _ if files::is_disk_full(path) => Error::new(ErrorCode::DiskFull, error.to_string()),
            _ if check_pages(connection).is_err() => Error::new(ErrorCode::StoreUnreadable, error.to_string()),
            _ => Error::new(ErrorCode::StoreUpgradeFailed, error.to_string()),
        }
    })
}

/// Copies the store, which nobody else has open, as one file. One that is interrupted leaves nothing that looks like a copy.
fn copy(path: &Path, connection: &Connection) -> Result<(), Error> {
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy != 0 {
        return Err(Error::new(ErrorCode::StoreFailed, "the store is in use"));
    }
    let place = files::before_upgrade(path);
    let draft: PathBuf = place.with_extension("copying");
    let copied =
        fs::copy(path, &draft).and_then(|_| File::open(&draft)?.sync_all()).and_then(|()| fs::rename(&draft, &place));
    if copied.is_err() {
        let _ = fs::remove_file(&draft);
    }
    Ok(copied?)
}

fn forget_old_copy(path: &Path) {
    let place = files::before_upgrade(path);
    let made = fs::metadata(&place).and_then(|metadata| metadata.modified());
    let Ok(age) = made.map(|made| SystemTime::now().duration_since(made).unwrap_or_default()) else { return };
    if age >= KEPT_FOR && fs::remove_file(&place).is_err() {
        tracing::warn!("the copy from before the last upgrade is still there");
    }
}
