//! One connection to a database on one thread of its own, fed by a queue.
//!
//! Invariant: a write is answered once it is on the disk, and it is there as a whole or not at all, whatever it shared its
//! transaction with.
//!
//! Refused alternatives: a mutex around the connection inside `spawn_blocking` (a burst of senders would occupy the whole
//! blocking pool, waiting), and a pool that may write (SQLite has one writer, and every assumption of the store rests on there being
//! one; queueing for it belongs here, not in a busy handler).

use std::thread;

use rusqlite::TransactionBehavior;
use tokio::sync::{mpsc, oneshot};

use super::{StoreError, postgres, sql::Transaction};

/// Jobs that may wait. Past it callers wait for their turn to queue, which slows the sockets that cause it.
const QUEUE: usize = 256;

/// Writes that share one transaction at most. What waits while the disk works is then written with one wait for the disk.
const TOGETHER: usize = 64;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

enum Order {
    Do(Job),
    Write(Box<dyn Part>),
    Close,
}

/// A write, as part of a transaction.
trait Part: Send {
    /// Returns whether it is to be kept.
    fn work(&mut self, transaction: &Transaction<'_>) -> bool;

    /// Called once with what became of the transaction.
    fn answer(self: Box<Self>, end: Result<(), StoreError>);
}

struct Write<W, T, E> {
    work: Option<W>,
    done: Option<Result<T, E>>,
    answer: oneshot::Sender<Result<T, E>>,
}

impl<W, T, E> Part for Write<W, T, E>
where
    W: FnOnce(&Transaction<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<StoreError> + Send,
{
    fn work(&mut self, transaction: &Transaction<'_>) -> bool {
        self.done = self.work.take().map(|work| work(transaction));
        matches!(self.done, Some(Ok(_)))
    }

    fn answer(self: Box<Self>, end: Result<(), StoreError>) {
        let answer = match (self.done, end) {
            (Some(Err(error)), _) => Err(error),
            (Some(Ok(done)), Ok(())) => Ok(done),
            (_, Err(error)) => Err(error.into()),
            (None, Ok(())) => Err(StoreError::Closed.into()),
        };
        // Nobody listening is fine: the caller's socket went away meanwhile.
        let _ = self.answer.send(answer);
    }
}

/// The handle to a connection's thread.
#[derive(Debug)]
pub(super) struct Worker {
    orders: mpsc::Sender<Order>,
}

impl Worker {
    pub(super) fn spawn(mut connection: Connection) -> Self {
        let (orders, mut queue) = mpsc::channel(QUEUE);
        thread::spawn(move || {
            let mut next = None;
            while let Some(order) = next.take().or_else(|| queue.blocking_recv()) {
                match order {
                    Order::Do(job) => job(&mut connection),
                    Order::Write(part) => next = write_together(&mut connection, part, &mut queue),
                    Order::Close => break,
                }
            }
            // In this order: who waits for the queue's end may end the process, and the file must be closed by then.
            drop(connection);
            drop(queue);
        });
        Self { orders }
    }

    /// Runs a job on the connection's thread. Once queued it is done even if nobody waits for its answer any more.
    pub(super) async fn run<T, E>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let _ = answer.send(job(connection));
        });
        self.orders.send(Order::Do(job)).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Writes. Once queued it is done even if nobody waits for its answer any more.
    pub(super) async fn write<T, E>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let part = Box::new(Write { work: Some(work), done: None, answer });
        self.orders.send(Order::Write(part)).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Ends the thread after the jobs queued before.
    pub(super) async fn close(&self) {
        if self.orders.send(Order::Close).await.is_ok() {
            self.orders.closed().await;
        }
    }
}

/// A connection, and what is done with it, whichever database it leads to.
pub(super) enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(Box<postgres::Link>),
}

impl Connection {
    /// Works on one consistent snapshot.
    pub(super) fn read<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        match self {
            Self::Sqlite(connection) => {
                let transaction = connection.transaction().map_err(StoreError::from)?;
                work(&Transaction::Sqlite(&transaction))
            }
            Self::Postgres(link) => link.read(work),
        }
    }

    /// A number that moves whenever another process wrote.
    pub(super) fn outside_version(&mut self) -> Result<i64, StoreError> {
        match self {
            Self::Sqlite(connection) => Ok(connection.query_row("PRAGMA data_version", (), |row| row.get(0))?),
            // All that is written to a shared store is news, whoever wrote it: see `crate::nodes`.
            Self::Postgres(_) => Ok(0),
        }
    }

    fn begin_writing(&mut self) -> Result<Writing<'_>, StoreError> {
        match self {
            Self::Sqlite(connection) => {
                Ok(Writing::Sqlite(connection.transaction_with_behavior(TransactionBehavior::Immediate)?))
            }
            Self::Postgres(link) => Ok(Writing::Postgres(Box::new(link.begin_writing()?))),
        }
    }
}

/// A transaction that writes, undone unless it is committed.
enum Writing<'c> {
    Sqlite(rusqlite::Transaction<'c>),
    Postgres(Box<postgres::Open<'c>>),
}

impl Writing<'_> {
    /// One write's failure is no other's, except where the database gives up the transaction as a whole, as on a full disk.
    fn in_savepoint(&self, part: &mut dyn Part) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => {
                transaction.execute_batch("SAVEPOINT part")?;
                if part.work(&Transaction::Sqlite(transaction)) {
                    transaction.execute_batch("RELEASE part")?;
                } else if transaction.is_autocommit() {
                    return Err(StoreError::Together);
                } else {
                    transaction.execute_batch("ROLLBACK TO part; RELEASE part")?;
                }
                Ok(())
            }
            Self::Postgres(open) => open.work(|session| {
                session.batch("SAVEPOINT part")?;
                let end = if part.work(&Transaction::Postgres(session)) {
                    "RELEASE part"
                } else {
                    "ROLLBACK TO part; RELEASE part"
                };
                // Refused if a statement failed and the write went on all the same.
                session.batch(end)
            }),
        }
    }

    fn commit(self) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(transaction) => Ok(transaction.commit()?),
            Self::Postgres(open) => open.commit(),
        }
    }
}

/// Does this write, and those that wait behind it, in one transaction. Returns the order that was not a write.
fn write_together(
    connection: &mut Connection,
    first: Box<dyn Part>,
    queue: &mut mpsc::Receiver<Order>,
) -> Option<Order> {
    let writing = match connection.begin_writing() {
        Ok(writing) => writing,
        Err(error) => {
            first.answer(Err(error));
            return None;
        }
    };
    let (mut parts, mut next) = (Vec::new(), None);
    let end = work_all(writing, first, queue, &mut parts, &mut next);
    for part in parts {
        part.answer(end.as_ref().copied().map_err(StoreError::told_again));
    }
    next
}

/// Commits what all of them did.
fn work_all(
    writing: Writing<'_>,
    first: Box<dyn Part>,
    queue: &mut mpsc::Receiver<Order>,
    parts: &mut Vec<Box<dyn Part>>,
    next: &mut Option<Order>,
) -> Result<(), StoreError> {
    let mut waiting = Some(first);
    while let Some(mut part) = waiting.take() {
        let done = writing.in_savepoint(part.as_mut());
        parts.push(part);
        done?;
        if parts.len() < TOGETHER {
            match queue.try_recv() {
                Ok(Order::Write(part)) => waiting = Some(part),
                Ok(other) => *next = Some(other),
                Err(_) => {}
            }
        }
    }
    writing.commit()
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    /// A worker over a table of words, kept busy until the sender says otherwise.
    async fn busy(pages: u32) -> (Worker, std::sync::mpsc::Sender<()>) {
        let connection = rusqlite::Connection::open_in_memory().unwrap();
        connection.execute_batch(&format!("CREATE TABLE word (text TEXT); PRAGMA max_page_count = {pages}")).unwrap();
        let worker = Worker::spawn(Connection::Sqlite(connection));
        let (go, wait) = channel();
        let (begun, beginning) = oneshot::channel();
        let orders = worker.orders.clone();
        let job: Job = Box::new(move |_| {
            let _ = begun.send(());
            let _ = wait.recv();
        });
        assert!(orders.send(Order::Do(job)).await.is_ok());
        beginning.await.unwrap();
        (worker, go)
    }

    /// Queues writes of these words; the word `no` fails after it was written.
    async fn queue(worker: &Worker, words: &[String]) -> Vec<oneshot::Receiver<Result<(), StoreError>>> {
        let mut answers = Vec::new();
        for word in words.iter().cloned() {
            let (answer, answered) = oneshot::channel();
            let work = move |tx: &Transaction<'_>| {
                tx.execute("INSERT INTO word VALUES (?1)", (&word,))?;
                if word == "no" { Err(StoreError::Unreadable("word")) } else { Ok(()) }
            };
            let part = Box::new(Write { work: Some(work), done: None, answer });
            assert!(worker.orders.send(Order::Write(part)).await.is_ok());
            answers.push(answered);
        }
        answers
    }

    async fn words(worker: &Worker) -> i64 {
        worker
            .run(|connection| connection.read(|tx| tx.query_row("SELECT count(*) FROM word", (), |row| row.get(0))))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn of_writes_that_share_a_transaction_only_the_one_that_fails_is_undone() {
        let (worker, go) = busy(1_000).await;
        let wished = ["one", "no", "two", "three"].map(str::to_owned);
        let answers = queue(&worker, &wished).await;
        go.send(()).unwrap();
        for (word, answer) in wished.iter().zip(answers) {
            assert_eq!(answer.await.unwrap().is_ok(), word != "no", "{word}");
        }
        assert_eq!(words(&worker).await, 3);
    }

    #[tokio::test]
    async fn more_writes_than_share_a_transaction_are_all_done_in_order() {
        let (worker, go) = busy(1_000).await;
        let wished: Vec<String> = (0..TOGETHER * 2 + 3).map(|number| format!("{number:04}")).collect();
        let answers = queue(&worker, &wished).await;
        go.send(()).unwrap();
        for answer in answers {
            answer.await.unwrap().unwrap();
        }
        let kept: Vec<String> = worker
            .run(|connection| {
                connection.read(|tx| {
                    tx.prepare("SELECT text FROM word ORDER BY rowid")?.query_map((), |row| row.get(0))?.collect()
                })
            })
            .await
            .unwrap();
        assert_eq!(kept, wished);
    }

    #[tokio::test]
    async fn a_full_disk_takes_nothing_that_was_answered_and_can_be_tried_again() {
        let (worker, go) = busy(40).await;
        let mut wished: Vec<String> = (0..3).map(|number| number.to_string()).collect();
        wished.push("x".repeat(1_000_000));
        wished.push("after".to_owned());
        let answers = queue(&worker, &wished).await;
        go.send(()).unwrap();
        let mut kept = 0;
        for (number, answer) in answers.into_iter().enumerate() {
            match answer.await.unwrap() {
                Ok(()) => kept += 1,
                Err(error) => assert!(error.is_transient(), "write {number}: {error}"),
            }
        }
        assert_eq!(words(&worker).await, kept);
        worker.write(|tx| tx.execute("INSERT INTO word VALUES ('again')", ())).await.unwrap();
    }
}
