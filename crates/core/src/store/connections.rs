//! The connections of a store: opening them, keeping the log short, and replacing them when the file turns out damaged.
//!
//! Invariants: one writer, which alone commits and checkpoints; a page that fails its check never passes for data; the
//! database file is touched by a checkpoint only, which ends with an empty log, so that a log that is later cut or damaged
//! anywhere leaves a state that once was true, never a mixture of two.

use std::{
    path::PathBuf,
    sync::{
        Mutex, MutexGuard, PoisonError, TryLockError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hugmedo_chat_protocol::Secret;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::watch;

use super::{
    Mode, attachments, files, meta, migrations, outbox,
    rescue::{self, Rescue},
    upgrade,
};
use crate::error::{Error, ErrorCode};

/// The oldest SQLite whose write-ahead log cannot be corrupted by a reset race between two connections (fixed in 3.51.3).
const OLDEST_SAFE_SQLITE: i32 = 3_051_003;
/// So many reads go on at once. A slow one, such as the list of many rooms, then holds up no timeline; more would only
/// hold memory, because one computer has one person looking at it.
const READERS: usize = 3;
/// The log is written into the database once it is this long, as SQLite does by itself after 1,000 pages.
const LOG_DUE: u64 = 4 * 1024 * 1024;
/// A log this long is worth waiting for the readers.
const LOG_OVERDUE: u64 = 4 * LOG_DUE;
/// Nobody else uses the file; only another process that looks at it, such as a backup, makes us wait.
const BUSY: Duration = Duration::from_secs(5);

/// Where a store is and what opens it.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) key: Secret,
}

/// How often a store had to be built anew since it was opened, that opening included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Rebuilds {
    /// How often.
    pub(crate) count: u32,
    /// Whether something may be lost that the server does not have: unsent messages, drafts.
    pub(crate) lossy: bool,
}

pub(super) struct Connections {
    /// `None` for a store in memory, whose one connection serves reading and writing.
    place: Option<Place>,
    writer: Mutex<Slot>,
    readers: Vec<Mutex<Slot>>,
    next_reader: AtomicUsize,
    rebuilds: watch::Sender<Rebuilds>,
}

enum Slot {
    Open(Connection),
    /// The file is damaged and could not be replaced yet, for instance because the disk is full.
    Damaged,
    Closed,
}

impl Slot {
    fn connection(&mut self) -> Result<&mut Connection, Error> {
        match self {
            Self::Open(connection) => Ok(connection),
            Self::Damaged => Err(damaged()),
            Self::Closed => Err(Error::new(ErrorCode::NotSignedIn, "the store is closed")),
        }
    }
}

impl Connections {
    pub(super) fn open(place: Place) -> Result<Self, Error> {
        open_in(&place).map_err(|error| explain(&place, None, error))
    }

    pub(super) fn in_memory() -> Result<Self, Error> {
        let mut connection = Connection::open_in_memory()?;
        connection.execute_batch("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY;")?;
        migrations::run(&mut connection)?;
        Ok(Self::of(None, connection, Vec::new(), Rebuilds::default()))
    }

    fn of(place: Option<Place>, writer: Connection, readers: Vec<Connection>, rebuilds: Rebuilds) -> Self {
        Self {
            place,
            writer: Mutex::new(Slot::Open(writer)),
            readers: readers.into_iter().map(|reader| Mutex::new(Slot::Open(reader))).collect(),
            next_reader: AtomicUsize::new(0),
            rebuilds: watch::channel(rebuilds).0,
        }
    }

    pub(super) fn rebuilds(&self) -> watch::Receiver<Rebuilds> {
        self.rebuilds.subscribe()
    }

    /// This store took the place of one that could not be read at all.
    pub(super) fn note_lost(&self) {
        self.rebuilds.send_modify(|rebuilds| *rebuilds = Rebuilds { count: rebuilds.count + 1, lossy: true });
    }

    /// Runs `work` in one transaction; a second time, on a store built anew, if the file turns out damaged.
    pub(super) fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Clone) -> Result<T, Error> {
        let known = *self.rebuilds.borrow();
        match self.write_once(work.clone()) {
            Err(error) if self.is_healed(&error, known)? => self.write_once(work),
            result => result,
        }
    }

    /// As [`Connections::write`], on a connection that cannot write.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Error> + Clone) -> Result<T, Error> {
        let known = *self.rebuilds.borrow();
        match self.read_once(work.clone()) {
            Err(error) if self.is_healed(&error, known)? => self.read_once(work),
            result => result,
        }
    }

    pub(super) fn close(&self) {
        // What SQLite has read in the clear is wiped as it is freed: a locked app closes its store and goes on. SQLCipher cannot be
        // told to stop doing so, and it costs time with every allocation; so not before the first close.
        if let Ok(writer) = held(&self.writer).connection()
            && let Err(error) = writer.pragma_update(None, "cipher_memory_security", true)
        {
            tracing::warn!(%error, "the memory of the store is not wiped");
        }
        for slot in self.readers.iter().chain([&self.writer]) {
            drop(std::mem::replace(&mut *held(slot), Slot::Closed));
        }
    }

    fn write_once<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut slot = held(&self.writer);
        let connection = slot.connection()?;
        let result = self.run(connection, TransactionBehavior::Immediate, work);
        if result.is_ok() {
            self.shorten_log(connection);
        }
        result
    }

    fn read_once<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let mut slot = match self.idle_reader() {
            Some(slot) => slot,
            None => {
                let turn = self.next_reader.fetch_add(1, Ordering::Relaxed) % self.readers.len().max(1);
                held(self.readers.get(turn).unwrap_or(&self.writer))
            }
        };
        self.run(slot.connection()?, TransactionBehavior::Deferred, |transaction| work(transaction))
    }

    fn idle_reader(&self) -> Option<MutexGuard<'_, Slot>> {
        self.readers.iter().find_map(|slot| slot.try_lock().ok())
    }

    fn run<T>(
        &self,
        connection: &mut Connection,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let done = (|| {
            let transaction = connection.transaction_with_behavior(behavior)?;
            let result = work(&transaction)?;
            if self.place.is_some() {
                check_pages(&transaction)?;
            }
            transaction.commit()?;
            Ok(result)
        })();
        match &self.place {
            Some(place) => done.map_err(|error| explain(place, Some(connection), error)),
            None => done,
        }
    }

    /// What was committed stays committed if this fails, so it fails quietly: the next commit tries again.
    ///
    /// Readers are kept out, because a checkpoint that one of them stops half-way would leave the database between two
    /// states with only the log to tell which.
    fn shorten_log(&self, writer: &Connection) {
        let Some(place) = &self.place else { return };
        let length = files::log_length(&place.path);
        if length < LOG_DUE {
            return;
        }
        let mut kept_out = Vec::new();
        for slot in &self.readers {
            match slot.try_lock() {
                Ok(guard) => kept_out.push(guard),
                Err(TryLockError::Poisoned(poisoned)) => kept_out.push(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) if length < LOG_OVERDUE => return,
                Err(TryLockError::WouldBlock) => kept_out.push(held(slot)),
            }
        }
        if let Err(error) = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())) {
            tracing::warn!(%error, "the store's log was not written back");
        }
    }

    /// Whether the error was one that building the store anew has mended. `known` is what was known before it happened.
    fn is_healed(&self, error: &Error, known: Rebuilds) -> Result<bool, Error> {
        let Some(place) = self.place.as_ref().filter(|_| error.code() == ErrorCode::StoreUnreadable) else {
            return Ok(false);
        };
        let mut writer = held(&self.writer);
        if self.rebuilds.borrow().count != known.count {
            return Ok(true);
        }
        if matches!(*writer, Slot::Closed) {
            return Ok(false);
        }
        tracing::warn!(%error, "the store is damaged; it is built anew");
        let mut readers: Vec<_> = self.readers.iter().map(held).collect();
        for slot in readers.iter_mut().chain([&mut writer]) {
            let old = std::mem::replace(&mut **slot, Slot::Damaged);
            if let Slot::Open(connection) = &old {
                keep_log(connection);
            }
            drop(old);
        }
        let built = rebuild(place)
            .and_then(|rescue| Ok((open_writer(place)?, open_readers(place)?, rescue)))
            .map_err(|error| explain(place, None, error))?;
        let (new_writer, new_readers, rescue) = built;
        *writer = Slot::Open(new_writer);
        for (slot, reader) in readers.iter_mut().zip(new_readers) {
            **slot = Slot::Open(reader);
        }
        self.rebuilds.send_modify(|rebuilds| {
            rebuilds.count += 1;
            rebuilds.lossy |= rescue.lossy;
        });
        Ok(true)
    }
}

fn open_in(place: &Place) -> Result<Connections, Error> {
    if let Some(folder) = place.path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    files::finish_rebuilding(&place.path)?;
    let mut rebuilds = Rebuilds::default();
    if files::is_orphaned_log(&place.path) {
        tracing::warn!("the store's database is gone and its log is not; the log is set aside");
        files::set_aside(&place.path)?;
        rebuilds = Rebuilds { count: 1, lossy: true };
    }
    let opened = open_writer(place).and_then(|mut writer| {
        recover(&mut writer)?;
        check_pages(&writer)?;
        Ok((writer, open_readers(place)?))
    });
    let (writer, readers) = match opened {
        Err(error) if error.code() == ErrorCode::StoreUnreadable => {
            tracing::warn!(%error, "the store cannot be opened with its key; it is set aside");
            let rescue = rebuild(place)?;
            rebuilds = Rebuilds { count: 1, lossy: rescue.lossy };
            let mut writer = open_writer(place)?;
            recover(&mut writer)?;
            (writer, open_readers(place)?)
        }
        opened => opened?,
    };
    Ok(Connections::of(Some(place.clone()), writer, readers, rebuilds))
}

/// Builds a store beside the damaged one from what can still be read there, then exchanges the two.
fn rebuild(place: &Place) -> Result<Rescue, Error> {
    files::finish_rebuilding(&place.path)?;
    let workshop = Place { path: files::workshop(&place.path), key: place.key.clone() };
    let rescue = {
        let mut fresh = open_writer(&workshop)?;
        rescue::run(place, &mut fresh)?
        // Closing it writes its log back, so that it is one file.
    };
    files::set_aside(&place.path)?;
    files::put_in_place(&place.path)?;
    Ok(rescue)
}

fn open_writer(place: &Place) -> Result<Connection, Error> {
    let mut writer = Connection::open(&place.path)?;
    let ready = (|| {
        unlock(&writer, &place.key)?;
        writer.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
             PRAGMA wal_autocheckpoint = 0; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;",
        )?;
        writer.busy_timeout(BUSY)?;
        check_version()?;
        upgrade::run(&place.path, &mut writer)
    })();
    if ready.as_ref().is_err_and(|error: &Error| error.code() == ErrorCode::StoreUnreadable) {
        keep_log(&writer);
    }
    ready.map(|()| writer)
}

fn open_readers(place: &Place) -> Result<Vec<Connection>, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    (0..READERS)
        .map(|_| {
            let reader = Connection::open_with_flags(&place.path, flags)?;
            unlock(&reader, &place.key)?;
            reader.execute_batch("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;")?;
            reader.busy_timeout(BUSY)?;
            Ok(reader)
        })
        .collect()
}

/// The key first, then a read that fails if it is the wrong one, then everything else.
pub(super) fn unlock(connection: &Connection, key: &Secret) -> Result<(), Error> {
    // By itself SQLCipher writes to the standard error what we tell in our own words.
    connection.pragma_update(None, "cipher_log_level", "NONE")?;
    connection.pragma_update(None, "key", format!("x'{}'", key.expose()))?;
    connection.query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get::<_, i64>(0))?;
    Ok(())
}

/// Leaves a damaged store as it is: by default closing the last connection writes the log back and deletes it.
pub(super) fn keep_log(connection: &Connection) {
    let setting = rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    if let Err(error) = connection.set_db_config(setting, true) {
        tracing::warn!(%error, "the damaged store's log is written back");
    }
}

/// Fails if a page read by this connection has failed its check. SQLCipher hands such a page on as zeros, which SQLite
/// mostly, but not always, takes for damage: the last page of a long text just becomes zeros in the text.
pub(super) fn check_pages(connection: &Connection) -> Result<(), Error> {
    let status: String = connection.pragma_query_value(None, "cipher_status", |row| row.get(0))?;
    if status == "1" { Ok(()) } else { Err(damaged()) }
}

/// What an error of SQLite's means for the person.
fn explain(place: &Place, connection: Option<&Connection>, error: Error) -> Error {
    if connection.is_some_and(|connection| check_pages(connection).is_err()) {
        return damaged();
    }
    if error.code() == ErrorCode::StoreFailed && files::is_disk_full(&place.path) {
        return Error::new(ErrorCode::DiskFull, error.to_string());
    }
    error
}

fn damaged() -> Error {
    Error::new(ErrorCode::StoreUnreadable, "store: a page failed its check")
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
    attachments::recover(&transaction)?;
    if meta::mode(&transaction)? == Some(Mode::Baseline) {
        outbox::fail_unanswered(&transaction, ErrorCode::Timeout)?;
    } else {
        outbox::requeue_unanswered(&transaction)?;
    }
    transaction.commit()?;
    Ok(())
}

fn held(slot: &Mutex<Slot>) -> MutexGuard<'_, Slot> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
impl Connections {
    /// Runs on the writer, outside any transaction and any check.
    pub(super) fn on_writer<T>(&self, work: impl FnOnce(&mut Connection) -> T) -> T {
        work(held(&self.writer).connection().expect("open"))
    }
}
