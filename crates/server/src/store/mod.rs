//! The store: one SQLite file, one writer, several readers.
//!
//! Invariants: every write is done as a whole or not at all, and synced to disk before its caller learns of it; only one connection of this
//! process ever writes; nothing here decides who may do what (see [`crate::authorize`]), but whatever touches a room
//! asks for a proof that someone did.

mod connection;
mod copies;
mod migrations;

pub(crate) mod attachments;
pub(crate) mod changes;
pub(crate) mod columns;
pub(crate) mod escalations;
pub(crate) mod messages;
pub(crate) mod reactions;
pub(crate) mod receipts;
pub(crate) mod retention;
pub(crate) mod rooms;
pub(crate) mod second_factors;
pub(crate) mod sessions;
pub(crate) mod users;

pub(crate) use copies::{FILE, begin_anew, copy};

use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    time::Instant,
};

use hugmedo_chat_protocol::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use connection::Worker;

use crate::metrics::Histogram;

/// Connections that only read. Two: history of one person must not wait for the search of another.
const READERS: usize = 2;

/// What can go wrong below the wire contract. Never holds a value that was stored or asked for.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite said no.
    #[error("the store failed: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The SQLite in this build has the WAL reset defect, which can corrupt a store with two connections.
    #[error("SQLite {0} is too old; 3.51.3 or newer is needed")]
    SqliteTooOld(String),
    /// Written by a later version of this server.
    #[error("the store has schema {found}, and this version knows up to {known}; use a newer version of the server")]
    TooNew {
        /// The store's schema.
        found: usize,
        /// Ours.
        known: usize,
    },
    /// The store's file could not be made or opened.
    #[error("the store's file cannot be opened: {0}")]
    File(#[from] std::io::Error),
    /// A setting that durability rests on did not take.
    #[error("SQLite refused the setting {0}")]
    Setting(&'static str),
    /// A row holds something no version of this server writes.
    #[error("the store holds an unreadable {0}")]
    Unreadable(&'static str),
    /// The server is stopping.
    #[error("the store is closed")]
    Closed,
    /// Another write failed in such a way that it took this one along.
    #[error("the store gave up what was being written")]
    Together,
}

impl StoreError {
    /// Whether the same wish may be granted later: the disk is full, the file busy, the server stopping.
    pub fn is_transient(&self) -> bool {
        use rusqlite::ErrorCode as Sqlite;
        match self {
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(Sqlite::DatabaseBusy | Sqlite::DatabaseLocked | Sqlite::DiskFull | Sqlite::SystemIoFailure)
            ),
            Self::Closed | Self::Together => true,
            Self::File(_) | Self::SqliteTooOld(_) | Self::TooNew { .. } | Self::Setting(_) | Self::Unreadable(_) => {
                false
            }
        }
    }
}

impl StoreError {
    /// The same for another write of the same transaction.
    fn told_again(&self) -> Self {
        match self {
            Self::Sqlite(rusqlite::Error::SqliteFailure(code, _)) => {
                Self::Sqlite(rusqlite::Error::SqliteFailure(*code, None))
            }
            _ => Self::Together,
        }
    }
}

/// The server's store.
#[derive(Debug)]
pub(crate) struct Store {
    writer: Worker,
    readers: Vec<Worker>,
    turn: AtomicUsize,
    id: String,
    read_times: Histogram,
    write_times: Histogram,
}

impl Store {
    /// Opens the store of a data folder, making or migrating it first.
    pub(crate) fn open(data_dir: &Path) -> Result<Self, StoreError> {
        let path = data_dir.join(FILE);
        require_sound_sqlite()?;
        let mut writer = connect(&path)?;
        migrations::run(&mut writer)?;
        let id = store_id(&mut writer)?;
        let readers = (0..READERS)
            .map(|_| {
                let reader = connect(&path)?;
                reader.pragma_update(None, "query_only", true)?;
                Ok(Worker::spawn(reader))
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(Self {
            writer: Worker::spawn(writer),
            readers,
            turn: AtomicUsize::new(0),
            id,
            read_times: Histogram::default(),
            write_times: Histogram::default(),
        })
    }

    /// How long reading and writing take, as whoever asks feels it.
    pub(crate) fn timings(&self) -> [(&'static str, &Histogram); 2] {
        [("read", &self.read_times), ("write", &self.write_times)]
    }

    /// A name for this very store, so that a cursor of another one is recognised.
    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    /// Writes. It is committed as a whole, and on the disk, if and only if this returns `Ok`.
    pub(crate) async fn write<T, E>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let begun = Instant::now();
        let done = self.writer.write(work).await;
        self.write_times.observe(begun.elapsed());
        done
    }

    /// Runs reads on one consistent snapshot.
    pub(crate) async fn read<T, E>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % READERS;
        let Some(reader) = self.readers.get(turn) else { return Err(StoreError::Closed.into()) };
        let begun = Instant::now();
        let done = reader
            .run(move |connection| {
                let transaction = connection.transaction().map_err(StoreError::from)?;
                work(&transaction)
            })
            .await;
        self.read_times.observe(begun.elapsed());
        done
    }

    /// A number that moves whenever *another process* wrote, which is how this one learns of the command line's work.
    pub(crate) async fn outside_version(&self) -> Result<i64, StoreError> {
        self.writer.run(|connection| Ok(connection.query_row("PRAGMA data_version", (), |row| row.get(0))?)).await
    }

    /// Finishes what was asked for and closes the file. Whatever is asked for afterwards is refused.
    pub(crate) async fn close(&self) {
        for reader in &self.readers {
            reader.close().await;
        }
        self.writer.close().await;
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
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
fn require_sound_sqlite() -> Result<(), StoreError> {
    let version = rusqlite::version();
    let numbers: Vec<u32> = version.split('.').filter_map(|part| part.parse().ok()).collect();
    if numbers.as_slice() < [3, 51, 3].as_slice() {
        return Err(StoreError::SqliteTooOld(version.to_owned()));
    }
    Ok(())
}

fn store_id(connection: &mut Connection) -> Result<String, StoreError> {
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

/// The present instant as the store writes it.
pub(crate) fn now() -> i64 {
    Timestamp::now().as_millis()
}
