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
pub(crate) use checkpoints::{Checkpoints, has_key, is_same_key};
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
/// Two steps. What is stated is read on its own: a writing transaction also sees what others have just written in it and what may yet be
/// undone. It is stated as a write, though it writes nothing into the store: one at a time among all servers that share it, and the
/// checkpoints beside it.
pub(crate) async fn checkpoint(store: &Store, checkpoints: &Arc<Checkpoints>) {
    match state(store, checkpoints.clone()).await {
        Ok(()) | Err(StoreError::Closed) => {}
        Err(error) => tracing::error!(%error, "no checkpoint of the audit"),
    }
}

async fn state(store: &Store, checkpoints: Arc<Checkpoints>) -> Result<(), StoreError> {
    let (id, hash) = store.read(chain::head).await?;
    if id == 0 || id == checkpoints.last() {
        return Ok(());
    }
    store.write(move |_| Ok(checkpoints.add(id, &hash, now())?)).await
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;
    use crate::store::sql::Transaction;

    fn deed(tx: &Transaction<'_>) -> Result<(), StoreError> {
        append(tx, None, Deed::Backup, None, None, None)
    }

    #[tokio::test]
    async fn a_checkpoint_never_speaks_of_what_was_not_committed_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), None).unwrap();
        let checkpoints = Arc::new(Checkpoints::open(folder.path()).unwrap());
        store.write(deed).await.unwrap();

        // One transaction of four: it is held open until the others wait for it, and the last of them takes all of them along.
        let (begun, beginning) = oneshot::channel();
        let (go, wait) = std::sync::mpsc::channel();
        let first = store.write(move |_| {
            let _ = begun.send(());
            let _ = wait.recv();
            Ok::<_, StoreError>(())
        });
        let rest = async {
            beginning.await.unwrap();
            tokio::join!(
                store.write(deed),
                checkpoint(&store, &checkpoints),
                store.write(|tx| tx.execute("ROLLBACK", ())),
                async { go.send(()).unwrap() },
            )
        };
        let (_, (lost, ..)) = tokio::join!(first, rest);
        assert!(lost.is_err(), "it was not committed");
        checkpoint(&store, &checkpoints).await;

        let path = folder.path().to_owned();
        let report = store.read(move |tx| verify(tx, &path)).await.unwrap();
        assert_eq!((report.findings, report.entries, checkpoints.last()), (Vec::new(), 1, 1));
        store.close().await;
    }
}
