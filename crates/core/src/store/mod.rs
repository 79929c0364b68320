//! What one person's account holds on this computer: an encrypted SQLite database (SQLCipher), or one in memory for a
//! session that must leave no trace.
//!
//! Invariants: one writer; every change is one transaction, durable when the call returns (`synchronous = FULL`); a file is
//! never opened without its key and never written in the clear. A file that its key does not open, or whose pages fail
//! their check, is set aside, not overwritten, and a fresh one takes its place with what was not yet sent; whoever uses the
//! store only notices that the history is gone, see [`Store::rebuilds`].

pub(crate) mod acknowledgements;
pub(crate) mod attachments;
pub(crate) mod choices;
mod columns;
mod connections;
pub(crate) mod coverage;
pub(crate) mod details;
pub(crate) mod drafts;
pub(crate) mod edits;
mod files;
pub(crate) mod messages;
pub(crate) mod meta;
mod migrations;
pub(crate) mod notified;
pub(crate) mod outbox;
pub(crate) mod own_changes;
pub(crate) mod pieces;
pub(crate) mod preferences;
pub(crate) mod receipts;
mod rescue;
pub(crate) mod rooms;
pub(crate) mod rows;
pub(crate) mod search;
pub(crate) mod stretches;
pub(crate) mod templates;
pub(crate) mod unread;
mod upgrade;
pub(crate) mod uploads;

#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc};

use hugmedo_chat_protocol::Secret;
use rusqlite::{Connection, Transaction};
use tokio::sync::watch;

use crate::{error::Error, surroundings::Surroundings, unfinished::Unfinished};
use connections::{Connections, Place};

pub(crate) use connections::Rebuilds;
pub(crate) use files::{remove, set_aside};
pub(crate) use messages::Settled;
pub(crate) use meta::Mode;
pub(crate) use outbox::{DueMessage, SendOutcome};
pub(crate) use own_changes::OwnChange;

/// The version of the schema.
pub(crate) const SCHEMA: usize = migrations::STEPS.len();

/// A handle on an account's store; cheap to clone.
#[derive(Clone)]
pub(crate) struct Store {
    connections: Arc<Connections>,
    surroundings: Surroundings,
    /// Writes that were begun. They are done whether or not someone still waits for them.
    writes: Unfinished,
}

impl Store {
    /// Opens the store in a file, creating it if there is none. `key` is 64 hexadecimal digits, see [`new_key`].
    pub(crate) fn open(path: &Path, key: &Secret, surroundings: Surroundings) -> Result<Self, Error> {
        let connections = Connections::open(Place { path: path.to_owned(), key: key.clone() })?;
        Ok(Self::over(connections, surroundings))
    }

    /// A store that vanishes with its last handle.
    pub(crate) fn in_memory(surroundings: Surroundings) -> Result<Self, Error> {
        Ok(Self::over(Connections::in_memory()?, surroundings))
    }

    fn over(connections: Connections, surroundings: Surroundings) -> Self {
        Self { connections: Arc::new(connections), surroundings, writes: Unfinished::default() }
    }

    /// Runs `work` in one transaction, committed if it succeeds. Off the event loop. `work` is run a second time if the
    /// file turns out damaged and is built anew, so it must have no effect but its result.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Clone + Send + 'static,
    ) -> Result<T, Error> {
        let (connections, begun) = (Arc::clone(&self.connections), self.writes.begun());
        let write = move || {
            let _begun = begun;
            connections.write(work)
        };
        self.surroundings.off_loop(write).await
    }

    /// Waits until every write that was begun is done, also those that nobody waits for any more.
    pub(crate) async fn settled(&self) {
        self.writes.settled().await;
    }

    /// Runs `work` on a consistent state. Off the event loop. See [`Store::write`] for when it is run twice.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Clone + Send + 'static,
    ) -> Result<T, Error> {
        let connections = Arc::clone(&self.connections);
        self.surroundings.off_loop(move || connections.read(work)).await
    }

    /// Tells when the store was built anew: the history is gone then, and the sync cursor with it, and has to be fetched.
    pub(crate) fn rebuilds(&self) -> watch::Receiver<Rebuilds> {
        self.connections.rebuilds()
    }

    /// Tells so of a store that took the place of one whose key is gone.
    pub(crate) fn note_lost(&self) {
        self.connections.note_lost();
    }

    /// Closes the files. Every later call fails.
    pub(crate) async fn close(&self) {
        let connections = Arc::clone(&self.connections);
        let closing = self.surroundings.off_loop(move || {
            connections.close();
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
