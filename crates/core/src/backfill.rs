//! Fetching the history that is not here yet, quietly, once everything new is.
//!
//! A first sync brings the newest messages of each room and all that is unread, so that the app can be used at once; this
//! brings the rest, newest first, a page at a time. What is stored where is in the store, so it goes on where it ended
//! whenever the app starts again. Invariant: it never holds up the socket, sending, or a person who scrolls.

use std::{sync::Arc, time::Duration};

use hugmedo_chat_protocol::limits::MAX_PAGE;
use tokio::time::sleep;

use crate::{
    account::Account,
    api::Part,
    error::{Error, ErrorCode},
    store::coverage,
    sync,
};

/// As much history as is worth a computer's disk; what is older is fetched when someone scrolls there.
const ENOUGH: u64 = 200_000;
/// Between two pages, so that whoever else asks the store or the server gets a turn.
const BREATH: Duration = Duration::from_millis(50);
/// After a failed page.
const PAUSE: Duration = Duration::from_secs(30);

/// Runs while the connection stands.
pub(crate) async fn run(account: Arc<Account>) -> Result<(), Error> {
    loop {
        account.history_lags.notified().await;
        while let Err(error) = fetch_all(&account).await {
            if error.code() == ErrorCode::SessionExpired {
                return Err(error);
            }
            tracing::info!(%error, "fetching history pauses");
            sleep(PAUSE).await;
        }
        account.set_progress(None);
    }
}

async fn fetch_all(account: &Arc<Account>) -> Result<(), Error> {
    loop {
        let (stored, _) = account.store.read(coverage::share).await?;
        if stored >= ENOUGH {
            return Ok(());
        }
        let Some((room, before)) = account.store.read(coverage::next_missing).await? else { return Ok(()) };
        sync::report_progress(account).await?;
        let begins = sync::fetch_history(account, &room, Part::Before(before), MAX_PAGE).await?;
        if begins.is_none_or(|begins| begins < before) {
            sleep(BREATH).await;
        } else {
            // A server that answers nothing new would be asked for ever.
            return Err(Error::new(ErrorCode::NotAChatServer, "a page of history brought nothing"));
        }
    }
}
