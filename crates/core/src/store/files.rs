//! The files of one store: what lies where, and moving them as a whole.
//!
//! Invariant: a store's database and its write-ahead log are never parted. Without its log a database may lack what was
//! last written, and SQLite throws away a log whose database is empty.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

use hugmedo_chat_protocol::Timestamp;

use crate::error::Error;

/// SQLite keeps a write-ahead log and its index beside the database.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// More than a small write needs, so that a disk this full is called full.
const PROBE_BYTES: usize = 64 * 1024;

/// Removes a closed store's files, and those of every store that was set aside in its place.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    for file in files_of(path) {
        remove_file(&file)?;
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return Ok(()) };
    let prefix = format!("{}.", name.to_string_lossy());
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&prefix) {
            remove_file(&entry.path())?;
        }
    }
    Ok(())
}

/// Moves a store that cannot be used out of the way, keeping it. Returns where it is now.
pub(crate) fn set_aside(path: &Path) -> Result<PathBuf, Error> {
    let mut moment = Timestamp::now().as_millis();
    let mut target = with_suffix(path, &format!(".unreadable-{moment}"));
    while target.exists() {
        moment = moment.saturating_add(1);
        target = with_suffix(path, &format!(".unreadable-{moment}"));
    }
    rename(path, &target)?;
    Ok(target)
}

/// Where the copy of a store is that was upgraded.
pub(super) fn before_upgrade(path: &Path) -> PathBuf {
    with_suffix(path, ".before-upgrade")
}

/// Where a store is built anew while the damaged one is still in its place.
pub(super) fn workshop(path: &Path) -> PathBuf {
    with_suffix(path, ".rebuilding")
}

/// Puts a finished, closed store from its workshop into its place.
pub(super) fn put_in_place(path: &Path) -> Result<(), Error> {
    rename(&workshop(path), path)
}

/// Removes what an earlier attempt to rebuild has left, or finishes it if only the last step was missing.
pub(super) fn finish_rebuilding(path: &Path) -> Result<(), Error> {
    let workshop = workshop(path);
    if !workshop.exists() {
        return Ok(());
    }
    if path.exists() {
        for file in files_of(&workshop) {
            remove_file(&file)?;
        }
        return Ok(());
    }
    // The damaged store is set aside only once the new one is complete; what is left of it must not meet the new one.
    set_aside(path)?;
    put_in_place(path)
}

/// Whether there is a log without the database it belongs to. SQLite would delete it.
pub(super) fn is_orphaned_log(path: &Path) -> bool {
    length(path) == 0 && length(&log_of(path)) > 0
}

/// How long the write-ahead log is.
pub(super) fn log_length(path: &Path) -> u64 {
    length(&log_of(path))
}

/// Whether the disk a store is on takes nothing more. SQLite calls that an I/O error, or does not say, in many places.
pub(super) fn is_disk_full(path: &Path) -> bool {
    let probe = with_suffix(path, ".probe");
    let written = std::fs::write(&probe, vec![0; PROBE_BYTES]);
    let _ = std::fs::remove_file(&probe);
    matches!(written, Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded))
}

fn log_of(path: &Path) -> PathBuf {
    with_suffix(path, "-wal")
}

fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn files_of(path: &Path) -> [PathBuf; 3] {
    SUFFIXES.map(|suffix| with_suffix(path, suffix))
}

/// The database first: what an interruption leaves in the old place is then a log without one, which is recognised.
fn rename(from: &Path, to: &Path) -> Result<(), Error> {
    for (from, to) in files_of(from).into_iter().zip(files_of(to)) {
        match std::fs::rename(from, to) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

fn remove_file(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut file = path.as_os_str().to_owned();
    file.push(suffix);
    file.into()
}
