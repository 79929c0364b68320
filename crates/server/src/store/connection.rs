//! One SQLite connection on one thread of its own, fed by a queue.
//!
//! Refused alternatives: a mutex around the connection inside `spawn_blocking` (a burst of senders would occupy the whole
//! blocking pool, waiting), and a pool that may write (SQLite has one writer; queueing for it belongs here, not in its
//! busy handler).

use std::thread;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::StoreError;

/// Jobs that may wait. Past it callers wait for their turn to queue, which slows the sockets that cause it.
const QUEUE: usize = 256;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

enum Order {
    Do(Job),
    Close,
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
            while let Some(order) = queue.blocking_recv() {
                match order {
                    Order::Do(job) => job(&mut connection),
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
            // Nobody listening is fine: the caller's socket went away meanwhile.
            let _ = answer.send(job(connection));
        });
        self.orders.send(Order::Do(job)).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Ends the thread after the jobs queued before.
    pub(super) async fn close(&self) {
        if self.orders.send(Order::Close).await.is_ok() {
            self.orders.closed().await;
        }
    }
}
