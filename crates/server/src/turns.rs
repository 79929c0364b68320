//! One after the other within a room: from persisting to telling the members nothing else happens in that room.
//!
//! So members hear of messages in the order of their positions, and nothing said after a removal reaches the removed.
//! A fixed number of locks, chosen by the room's name: names come from clients, and must not make anything grow.

use std::{
    hash::{BuildHasher, RandomState},
    sync::Arc,
};

use hugmedo_chat_protocol::RoomId;
use tokio::sync::{Mutex, OwnedMutexGuard};

const LOCKS: usize = 64;

#[derive(Debug)]
pub(crate) struct Turns {
    locks: Vec<Arc<Mutex<()>>>,
    choice: RandomState,
}

/// Held while something happens in a room. Never take a second one.
#[derive(Debug)]
pub(crate) struct Turn {
    room: RoomId,
    _lock: OwnedMutexGuard<()>,
}

impl Turn {
    /// Where it happens.
    pub(crate) fn room(&self) -> &RoomId {
        &self.room
    }
}

impl Turns {
    pub(crate) fn new() -> Self {
        Self { locks: (0..LOCKS).map(|_| Arc::default()).collect(), choice: RandomState::new() }
    }

    pub(crate) async fn take(&self, room: &RoomId) -> Turn {
        let index = self.choice.hash_one(room) % (LOCKS as u64);
        let lock = usize::try_from(index).ok().and_then(|index| self.locks.get(index)).cloned();
        // The index is always in range; a lock of its own would only lose the order.
        Turn { room: room.clone(), _lock: lock.unwrap_or_default().lock_owned().await }
    }
}
