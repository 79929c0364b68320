//! The store: one SQLite file or one Postgres database, one writer, several readers.
//!
//! Invariants: every write is done as a whole or not at all, and synced to disk before its caller learns of it; one transaction writes at a
//! time, in this process and in all that share a database; nothing here decides who may do what (see [`crate::authorize`]), but whatever touches a room
//! asks for a proof that someone did.

mod connection;
mod copies;
mod migrations;
mod postgres;
mod sqlite;

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
pub(crate) mod sql;
pub(crate) mod users;

pub(crate) use copies::{FILE, anew, begin_anew, copy};

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use hugmedo_chat_protocol::Timestamp;

use connection::{Connection, Worker};
use sql::Transaction;

use crate::{config::Database, metrics::Histogram};

/// Connections that only read. Two: history of one person must not wait for the search of another.
const READERS: usize = 2;
/// The same to a database, where most of a read is waiting for the network.
const READERS_OF_SHARED: usize = 4;

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
    #[error("the database refused the setting {0}")]
    Setting(&'static str),
    /// A row holds something no version of this server writes.
    #[error("the store holds an unreadable {0}")]
    Unreadable(&'static str),
    /// A row that has to be there is not.
    #[error("the store lacks a row")]
    NoRow,
    /// The server is stopping.
    #[error("the store is closed")]
    Closed,
    /// What was said of how to reach the database.
    #[error("{0} cannot be used")]
    Address(&'static str),
    /// The database cannot be reached, or the connection to it was lost.
    #[error("the database cannot be reached")]
    Unreachable,
    /// Postgres said no, by this code (SQLSTATE).
    #[error("the database failed with code {0}")]
    Postgres(String),
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
            // Connection, resources, an operator's doing, the system; a transaction in another's way; a standby that takes over.
            Self::Postgres(code) => {
                ["08", "53", "57", "58", "40"].iter().any(|class| code.starts_with(class))
                    || matches!(code.as_str(), "55P03" | "25P03" | "25006")
            }
            Self::Closed | Self::Together | Self::Unreachable => true,
            Self::File(_)
            | Self::SqliteTooOld(_)
            | Self::TooNew { .. }
            | Self::Setting(_)
            | Self::Address(_)
            | Self::Unreadable(_)
            | Self::NoRow => false,
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
            Self::Unreachable => Self::Unreachable,
            Self::Postgres(code) => Self::Postgres(code.clone()),
            _ => Self::Together,
        }
    }

    /// Whether the connection is gone, be it that the database said so with its last words.
    fn is_cut_off(&self) -> bool {
        matches!(self, Self::Unreachable) || matches!(self, Self::Postgres(code) if code.starts_with("57P"))
    }
}

/// The server's store.
#[derive(Debug)]
pub(crate) struct Store {
    writer: Worker,
    readers: Vec<Worker>,
    turn: AtomicUsize,
    id: String,
    /// Of a store that other servers may share.
    shared: Option<Arc<postgres::Server>>,
    read_times: Histogram,
    write_times: Histogram,
}

impl Store {
    /// Opens the store of a data folder, or the one in a database, making or migrating it first.
    pub(crate) fn open(data_dir: &Path, database: Option<&Database>) -> Result<Self, StoreError> {
        match database {
            None => Self::open_file(data_dir),
            Some(database) => {
                let opened = postgres::open(database, READERS_OF_SHARED)?;
                let worker = |link| Worker::spawn(Connection::Postgres(Box::new(link)));
                let readers = opened.readers.into_iter().map(worker).collect();
                Ok(Self::new(worker(opened.writer), readers, opened.id, Some(opened.server)))
            }
        }
    }

    fn open_file(data_dir: &Path) -> Result<Self, StoreError> {
        let path = data_dir.join(FILE);
        sqlite::require_sound_sqlite()?;
        let mut writer = sqlite::connect(&path)?;
        migrations::run(&mut writer)?;
        let id = sqlite::store_id(&mut writer)?;
        let readers = (0..READERS)
            .map(|_| {
                let reader = sqlite::connect(&path)?;
                reader.pragma_update(None, "query_only", true)?;
                Ok(Worker::spawn(Connection::Sqlite(reader)))
            })
            .collect::<Result<_, StoreError>>()?;
        Ok(Self::new(Worker::spawn(Connection::Sqlite(writer)), readers, id, None))
    }

    fn new(writer: Worker, readers: Vec<Worker>, id: String, shared: Option<Arc<postgres::Server>>) -> Self {
        let (turn, read_times, write_times) = Default::default();
        Self { writer, readers, turn, id, shared, read_times, write_times }
    }

    /// Whether other servers may be working on it too.
    pub(crate) fn is_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Of a shared store: whether its database was reached the last time it was tried, and how many connections were made.
    pub(crate) fn database_standing(&self) -> Option<(bool, u64)> {
        self.shared.as_ref().map(|server| server.standing())
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
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % self.readers.len().max(1);
        let Some(reader) = self.readers.get(turn) else { return Err(StoreError::Closed.into()) };
        let begun = Instant::now();
        let done = reader.run(move |connection| connection.read(work)).await;
        self.read_times.observe(begun.elapsed());
        done
    }

    /// A number that moves whenever *another process* wrote, which is how this one learns of the command line's work.
    pub(crate) async fn outside_version(&self) -> Result<i64, StoreError> {
        self.writer.run(Connection::outside_version).await
    }

    /// Finishes what was asked for and closes the file. Whatever is asked for afterwards is refused.
    pub(crate) async fn close(&self) {
        for reader in &self.readers {
            reader.close().await;
        }
        self.writer.close().await;
    }
}

/// The present instant as the store writes it.
pub(crate) fn now() -> i64 {
    Timestamp::now().as_millis()
}
