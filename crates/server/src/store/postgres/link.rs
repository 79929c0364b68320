//! A connection that comes back by itself.
//!
//! Invariants: nothing waits for a database that is away longer than one attempt takes: it is answered that the store cannot be
//! reached, and the next attempt is made after a pause; a transaction whose end is unknown counts as failed, so that its wish is asked again.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Server, Session};
use crate::store::{StoreError, sql::Transaction};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// All writers of all nodes go one after the other: what the store takes for granted with one writer stays true with many. The
/// lock is taken before the transaction looks at anything, and is free once all others can see what was written; whatever the database's
/// default is, the transaction must not look with the eyes it had before it waited for the lock. A server that stops in the middle does
/// not hold up the others for long.
pub(super) const BEGIN_WRITING: &str =
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL idle_in_transaction_session_timeout = '10s';
     SELECT pg_advisory_xact_lock(20260041)";
const BEGIN_READING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// See the module.
#[derive(Debug)]
pub(crate) struct Link {
    server: Arc<Server>,
    session: Option<Session>,
    pause: Duration,
    next_attempt: Option<Instant>,
}

impl Link {
    /// Connects at once, so that a wrong address is known at the start.
    pub(super) fn open(server: Arc<Server>) -> Result<Self, StoreError> {
        let session = server.connect()?;
        Ok(Self { server, session: Some(session), pause: FIRST_PAUSE, next_attempt: None })
    }

    /// Works on one consistent snapshot.
    pub(crate) fn read<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut done = None;
        let open = self.begin(BEGIN_READING)?;
        open.work(|session| {
            done = Some(work(&Transaction::Postgres(session)));
            Ok(())
        })?;
        drop(open);
        done.unwrap_or_else(|| Err(StoreError::Unreachable.into()))
    }

    pub(crate) fn begin_writing(&mut self) -> Result<Open<'_>, StoreError> {
        self.begin(BEGIN_WRITING)
    }

    /// Takes the session along; it comes back when the transaction ends in order.
    fn begin(&mut self, words: &str) -> Result<Open<'_>, StoreError> {
        // A connection that was cut off while nobody used it is found out now: nothing has been done, so another is made.
        let begun = self.session.take().and_then(|session| match session.batch(words) {
            Ok(()) => Some(Ok(session)),
            Err(error) if session.is_closed() || error.is_cut_off() => None,
            Err(error) => Some(Err(error)),
        });
        let session = match begun {
            Some(begun) => begun?,
            None => {
                let session = self.reconnect()?;
                session.batch(words)?;
                session
            }
        };
        Ok(Open { link: self, session: Some(session) })
    }

    fn reconnect(&mut self) -> Result<Session, StoreError> {
        if self.next_attempt.is_some_and(|at| Instant::now() < at) {
            return Err(StoreError::Unreachable);
        }
        match self.server.connect() {
            Ok(session) => {
                (self.pause, self.next_attempt) = (FIRST_PAUSE, None);
                Ok(session)
            }
            Err(error) => {
                self.next_attempt = Some(Instant::now() + self.pause);
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                Err(error)
            }
        }
    }
}

/// A transaction, undone unless it is committed.
pub(crate) struct Open<'l> {
    link: &'l mut Link,
    session: Option<Session>,
}

impl Open<'_> {
    pub(crate) fn work<T>(&self, work: impl FnOnce(&Session) -> Result<T, StoreError>) -> Result<T, StoreError> {
        work(self.session.as_ref().ok_or(StoreError::Unreachable)?)
    }

    pub(crate) fn commit(mut self) -> Result<(), StoreError> {
        let session = self.session.take().ok_or(StoreError::Unreachable)?;
        // After a failure nobody knows whether it was committed; the connection goes with the question.
        session.batch("COMMIT")?;
        self.link.session = Some(session);
        Ok(())
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take()
            && session.batch("ROLLBACK").is_ok()
        {
            self.link.session = Some(session);
        }
    }
}
