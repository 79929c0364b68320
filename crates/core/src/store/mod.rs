//! What one person's account holds on this computer: an encrypted SQLite database (SQLCipher), or one in memory for a
//! session that must leave no trace.
//!
//! Invariants: one writer; every change is one transaction, durable when the call returns (`synchronous = FULL`); a file is
//! never opened without its key and never written in the clear. A file that the key does not open is set aside, not
//! overwritten: it may be the only copy of what was not yet sent.

mod columns;
pub(crate) mod coverage;
pub(crate) mod drafts;
pub(crate) mod messages;
pub(crate) mod meta;
mod migrations;
pub(crate) mod notified;
pub(crate) mod outbox;
pub(crate) mod receipts;
pub(crate) mod rooms;

#[cfg(test)]
mod tests;

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use hugmedo_chat_protocol::{Secret, Timestamp};
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::{
    error::{Error, ErrorCode},
    surroundings::Surroundings,
};

pub(crate) use messages::Settled;
pub(crate) use meta::Mode;
pub(crate) use outbox::{DueMessage, SendOutcome};

/// The oldest SQLite whose write-ahead log cannot be corrupted by a reset race between two connections (fixed in 3.51.3).
const OLDEST_SAFE_SQLITE: i32 = 3_051_003;

/// A handle on an account's store; cheap to clone.
#[derive(Clone)]
pub(crate) struct Store {
    connections: Arc<Connections>,
    surroundings: Surroundings,
}

struct Connections {
    /// `None` once closed.
    writer: Mutex<Option<Connection>>,
    /// Readers never wait for a commit. An in-memory store has none: its one connection serves both.
    reader: Option<Mutex<Option<Connection>>>,
}

impl Store {
    /// Opens the store in a file, creating it if there is none. `key` is 64 hexadecimal digits, see [`new_key`].
    pub(crate) fn open(path: &Path, key: &Secret, surroundings: Surroundings) -> Result<Self, Error> {
        match Self::open_file(path, key, surroundings.clone()) {
            Err(error) if error.code() == ErrorCode::StoreUnreadable => {
                tracing::warn!("the store cannot be opened with its key; it is set aside");
                set_aside(path)?;
                Self::open_file(path, key, surroundings)
            }
            result => result,
        }
    }

    fn open_file(path: &Path, key: &Secret, surroundings: Surroundings) -> Result<Self, Error> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut writer = Connection::open(path)?;
        unlock(&writer, key)?;
        writer.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
             PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;",
        )?;
        writer.busy_timeout(std::time::Duration::from_secs(5))?;
        check_version()?;
        migrations::run(&mut writer)?;
        recover(&mut writer)?;

        let reader =
            Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        unlock(&reader, key)?;
        reader.execute_batch("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;")?;
        reader.busy_timeout(std::time::Duration::from_secs(5))?;
        Ok(Self {
            connections: Arc::new(Connections {
                writer: Mutex::new(Some(writer)),
                reader: Some(Mutex::new(Some(reader))),
            }),
            surroundings,
        })
    }

    /// A store that vanishes with its last handle.
    pub(crate) fn in_memory(surroundings: Surroundings) -> Result<Self, Error> {
        let mut connection = Connection::open_in_memory()?;
        connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;")?;
        migrations::run(&mut connection)?;
        let connections = Arc::new(Connections { writer: Mutex::new(Some(connection)), reader: None });
        Ok(Self { connections, surroundings })
    }

    /// Runs `work` in one transaction, committed if it succeeds. Off the event loop.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let connections = Arc::clone(&self.connections);
        let work = move || {
            let mut guard = connections.writer.lock().unwrap_or_else(PoisonError::into_inner);
            let connection = guard.as_mut().ok_or_else(closed)?;
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        };
        self.surroundings.off_loop(work).await
    }

    /// Runs `work` on a consistent state. Off the event loop.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let connections = Arc::clone(&self.connections);
        let work = move || {
            let slot = connections.reader.as_ref().unwrap_or(&connections.writer);
            let mut guard = slot.lock().unwrap_or_else(PoisonError::into_inner);
            let connection = guard.as_mut().ok_or_else(closed)?;
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
            work(&transaction)
        };
        self.surroundings.off_loop(work).await
    }

    /// Closes the files. Every later call fails.
    pub(crate) async fn close(&self) {
        let connections = Arc::clone(&self.connections);
        let closing = self.surroundings.off_loop(move || {
            if let Some(reader) = &connections.reader {
                drop(reader.lock().unwrap_or_else(PoisonError::into_inner).take());
            }
            drop(connections.writer.lock().unwrap_or_else(PoisonError::into_inner).take());
            Ok(())
        });
        if let Err(error) = closing.await {
            tracing::warn!(%error, "closing the store");
        }
    }
}

/// A fresh random key: 32 bytes as hexadecimal digits.
pub(crate) fn new_key() -> Secret {
    let bytes: [u8; 32] = rand::random();
    Secret::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// Removes a closed store's files.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    for file in files_of(path) {
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// Moves a store that cannot be opened out of the way, keeping it.
pub(crate) fn set_aside(path: &Path) -> Result<(), Error> {
    let suffix = format!(".unreadable-{}", Timestamp::now().as_millis());
    for file in files_of(path) {
        let mut target = file.clone().into_os_string();
        target.push(&suffix);
        match std::fs::rename(&file, target) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(())
}

/// SQLite keeps a write-ahead log and its index beside the database.
fn files_of(path: &Path) -> [std::path::PathBuf; 3] {
    ["", "-wal", "-shm"].map(|suffix| {
        let mut file = path.as_os_str().to_owned();
        file.push(suffix);
        file.into()
    })
}

fn closed() -> Error {
    Error::new(ErrorCode::NotSignedIn, "the store is closed")
}

/// The key first, then a read that fails if it is the wrong one, then everything else.
fn unlock(connection: &Connection, key: &Secret) -> Result<(), Error> {
    connection.pragma_update(None, "key", format!("x'{}'", key.expose()))?;
    connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0))?;
    Ok(())
}

fn check_version() -> Result<(), Error> {
    if rusqlite::version_number() < OLDEST_SAFE_SQLITE {
        return Err(Error::new(
            ErrorCode::StoreFailed,
            format!("SQLite {} is too old to be safe", rusqlite::version()),
        ));
    }
    Ok(())
}

/// What was on its way when the app ended may or may not have arrived. The client id makes sending it again harmless, but
/// not on a baseline server, which ignores it.
fn recover(connection: &mut Connection) -> Result<(), Error> {
    let transaction = connection.transaction()?;
    if meta::mode(&transaction)? == Some(Mode::Baseline) {
        outbox::fail_unanswered(&transaction, ErrorCode::Timeout)?;
    } else {
        outbox::requeue_unanswered(&transaction)?;
    }
    transaction.commit()?;
    Ok(())
}
