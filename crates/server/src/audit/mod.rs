//! The audit: who signed in, read, sent, changed, took on and administered what, and when. Never what was said.
//!
//! Invariants: an entry is written in the transaction of the deed it tells of, so that neither exists without the other; each
//! entry's hash covers the one before, so that an edit, a deletion or another order shows; signed checkpoints beside the store
//! say how far the chain had come, so that cutting off its end shows too. [`verify`] looks for all of it.
//!
//! What it cannot show: entries that were cut off before the next checkpoint was taken (a minute at most), and the work of
//! someone who has the signing key as well as the store. Copies of the checkpoints elsewhere close both.

mod chain;
mod checkpoints;
mod verify;

pub(crate) use chain::{Deed, Ended, append, ended_after, entries, head, page};
pub(crate) use checkpoints::Checkpoints;
pub(crate) use verify::verify;
pub use verify::{Finding, Report};

use std::{sync::Arc, time::Duration};

use crate::{
    app::App,
    store::{Store, StoreError, now},
};

/// The longest an entry may be without a checkpoint that covers it.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(60);

/// Takes checkpoints until the server stops, which takes the last one itself.
pub(crate) async fn keep_checkpoints(app: Arc<App>) {
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(CHECKPOINT_EVERY) => checkpoint(&app.store, &app.checkpoints).await,
        }
    }
}

/// States how far the audit has come. A failure is for the operator: the deeds are in the chain all the same.
///
/// As a write, though it writes nothing into the store: one at a time among all servers that share it, and the checkpoints beside it.
pub(crate) async fn checkpoint(store: &Store, checkpoints: &Arc<Checkpoints>) {
    let checkpoints = checkpoints.clone();
    let stated = store.write(move |tx| {
        let (id, hash) = chain::head(tx)?;
        if id > 0 { Ok(checkpoints.add(id, &hash, now())?) } else { Ok(()) }
    });
    match stated.await {
        Ok(()) | Err(StoreError::Closed) => {}
        Err(error) => tracing::error!(%error, "no checkpoint of the audit"),
    }
}
