//! Changes on their way to whoever watches.
//!
//! Invariants: changes carry a rising revision; a watcher that is too slow learns that it lost some and asks for the whole
//! state again, so a lost change can never stay lost; while the app is locked, nothing of rooms, messages and people is told.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::{Instant, timeout_at},
};

use crate::view::{ChannelItem, ViewChange, ViewEvent};

/// Changes a watcher may be behind before it has to start over.
const BUFFER: usize = 4096;
/// Changes are gathered this long, about one frame, so that a burst is one drawing.
const FRAME: Duration = Duration::from_millis(12);
/// Changes of one batch.
const BATCH: usize = 50;

pub(crate) struct Hub {
    locked: AtomicBool,
    revision: Mutex<u32>,
    sender: broadcast::Sender<ViewEvent>,
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self { locked: AtomicBool::new(false), revision: Mutex::new(0), sender: broadcast::channel(BUFFER).0 }
    }

    /// The account of a session that leaves no trace stays open behind the lock, and has more to say than a locked screen may.
    pub(crate) fn set_locked(&self, locked: bool) {
        self.locked.store(locked, Ordering::SeqCst);
    }

    pub(crate) fn publish(&self, change: ViewChange) {
        let mut revision = self.revision.lock().unwrap_or_else(PoisonError::into_inner);
        if self.locked.load(Ordering::SeqCst) && change.is_of_an_account() {
            return;
        }
        *revision = revision.wrapping_add(1);
        // No watcher is fine: a new one asks for the state first.
        let _ = self.sender.send(ViewEvent { revision: *revision, change });
    }

    /// The present revision and every change after it.
    pub(crate) fn watch(&self) -> (u32, Changes) {
        let revision = self.revision.lock().unwrap_or_else(PoisonError::into_inner);
        (*revision, Changes { receiver: self.sender.subscribe() })
    }
}

/// The changes after a snapshot.
pub struct Changes {
    receiver: broadcast::Receiver<ViewEvent>,
}

impl Changes {
    /// The next changes, gathered for about a frame; `None` once core has ended.
    pub async fn next(&mut self) -> Option<ChannelItem> {
        let mut events = match self.receiver.recv().await {
            Ok(event) => vec![event],
            Err(RecvError::Lagged(_)) => return Some(ChannelItem::Lagged),
            Err(RecvError::Closed) => return None,
        };
        let deadline = Instant::now() + FRAME;
        while events.len() < BATCH {
            match timeout_at(deadline, self.receiver.recv()).await {
                Ok(Ok(event)) => events.push(event),
                Ok(Err(RecvError::Lagged(_))) => return Some(ChannelItem::Lagged),
                Ok(Err(RecvError::Closed)) | Err(_) => break,
            }
        }
        Some(ChannelItem::Events { events })
    }
}
