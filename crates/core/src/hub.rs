//! Changes on their way to whoever watches.
//!
//! Invariants: changes carry a rising revision; a watcher that is too slow learns that it lost some and asks for the whole
//! state again, so a lost change can never stay lost; while the app is locked, nothing of rooms, messages and people is told.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
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

/// What decides about the next change.
#[derive(Default)]
struct Now {
    revision: u32,
    locked: bool,
}

pub(crate) struct Hub {
    now: Mutex<Now>,
    sender: broadcast::Sender<ViewEvent>,
}

impl Hub {
    pub(crate) fn new() -> Self {
        Self { now: Mutex::default(), sender: broadcast::channel(BUFFER).0 }
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account of a session that leaves no trace stays open behind the lock, and has more to say than a locked screen may.
    pub(crate) fn set_locked(&self, locked: bool) {
        self.now().locked = locked;
    }

    pub(crate) fn publish(&self, change: ViewChange) {
        let mut now = self.now();
        if now.locked && change.is_of_an_account() {
            return;
        }
        now.revision = now.revision.wrapping_add(1);
        // No watcher is fine: a new one asks for the state first.
        let _ = self.sender.send(ViewEvent { revision: now.revision, change });
    }

    /// The present revision and every change after it.
    pub(crate) fn watch(&self) -> (u32, Changes) {
        let now = self.now();
        (now.revision, Changes { receiver: self.sender.subscribe() })
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
