//! Keeps an account connected: connects, catches up, stays live, notices loss, waits, and begins again.
//!
//! Invariants: a fresh client and a fresh token for each attempt; refused credentials end the session and are never retried
//! in a loop; the state that is shown is the state there is; after a gap in time (sleep) no connection is trusted.

mod attempt;
mod clock;
mod connected;

use std::{sync::Arc, time::Duration};

use hugmedo_chat_protocol::SessionEndReason;
use tokio::time::{Instant, sleep};

use crate::{
    account::Account,
    backoff::Backoff,
    error::ErrorCode,
    store::{outbox, uploads},
    transport::Connection,
    view::ConnectionState,
};

/// A connection must have stood this long before an outage starts the waits from the beginning.
const STABLE: Duration = Duration::from_secs(60);
/// A network that changes does not cut an attempt short that has only just begun.
const YOUNG_ATTEMPT: Duration = Duration::from_secs(2);

/// Why an attempt, or the connection it led to, is over.
enum Ended {
    /// The session is over; there is no use in trying again.
    Session(SessionEndReason),
    /// The link is gone or never came.
    Link(Option<ErrorCode>),
    /// The ground moved under an attempt: begin another at once.
    Again,
    /// A socket came about beside the calls that stood in for it.
    Socket(Connection),
    /// Core is closing the account.
    Stopped,
}

/// An accepted connection, and what it is.
struct Established {
    connection: Connection,
    /// Why it is single calls only; `None` for a socket.
    limited: Option<ErrorCode>,
}

/// Runs until the session is over (`Some`) or the account is closed (`None`).
pub(crate) async fn run(account: Arc<Account>) -> Option<SessionEndReason> {
    let mut backoff = Backoff::default();
    let mut at_hand = None;
    loop {
        let began = Instant::now();
        let ended = tokio::select! {
            biased;
            () = account.stop.cancelled() => Ended::Stopped,
            ended = attempt(&account, at_hand.take()) => ended,
        };
        hang_up(&account).await;
        let code = match ended {
            Ended::Stopped => return None,
            Ended::Session(reason) => {
                account.set_connection(ConnectionState::AuthRequired, Some(ErrorCode::SessionExpired), None);
                return Some(reason);
            }
            Ended::Socket(connection) => {
                at_hand = Some(Established { connection, limited: None });
                continue;
            }
            Ended::Again => continue,
            Ended::Link(code) => code.unwrap_or(ErrorCode::Unreachable),
        };
        if began.elapsed() >= STABLE {
            backoff.reset();
        }
        let wait = backoff.next(&account.settings(), account.surroundings.chance());
        let next = wait.map(|wait| account.surroundings.in_millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)));
        // Listened for before anyone is told that we wait.
        let network_changed = account.network_changed.notified();
        account.set_connection(ConnectionState::Offline, Some(code), next);
        tokio::select! {
            biased;
            () = account.stop.cancelled() => return None,
            () = account.hurry.notified() => backoff.reset(),
            () = network_changed => backoff.reset(),
            () = clock::sleep_awake(&account.surroundings, wait) => {}
        }
    }
}

/// One attempt, and the whole life of the connection it leads to.
async fn attempt(account: &Arc<Account>, at_hand: Option<Established>) -> Ended {
    let established = match at_hand {
        Some(established) => established,
        None => {
            account.set_connection(ConnectionState::Connecting, None, None);
            let outcome = tokio::select! {
                biased;
                outcome = attempt::establish(account) => outcome,
                () = ground_moved(account) => Err(Ended::Again),
            };
            match outcome {
                Ok(established) => established,
                Err(ended) => return ended,
            }
        }
    };
    match connected::stay(account, established).await {
        Ok(ended) => ended,
        Err(error) => {
            tracing::warn!(%error, "the connection is given up");
            Ended::Link(Some(error.code()))
        }
    }
}

/// Resolves once what an attempt was begun on is no more: the network is another, the computer has slept, or the person does
/// not want to wait for it.
async fn ground_moved(account: &Account) {
    let moved = async {
        // Listened for from the beginning: a change while the attempt is young cuts it short a little later.
        let network_changed = account.network_changed.notified();
        sleep(YOUNG_ATTEMPT).await;
        tokio::select! {
            biased;
            () = network_changed => {}
            () = account.hurry.notified() => {}
        }
    };
    tokio::select! {
        biased;
        () = moved => {}
        _ = clock::watch_sleep(account.surroundings.clone()) => {}
    }
}

/// What holds only while connected is undone, in the store and on screen.
async fn hang_up(account: &Account) {
    if let Some(link) = account.link() {
        account.set_link(None);
        if account.stop.is_cancelled() {
            link.close().await;
        }
    }
    let cleared = account.typing().clear();
    for room in cleared {
        account.publish_typing(&room);
    }
    let known = account.presence().clear();
    if known {
        account.publish_presence();
    }
    // A message that is only now being marked as on its way has to be seen here, or nothing would ever send it.
    account.settled().await;
    let baseline = account.is_baseline();
    let rows = account
        .store
        .write(move |transaction| {
            uploads::stop_uploads(transaction)?;
            if baseline {
                outbox::fail_unanswered(transaction, ErrorCode::Timeout)
            } else {
                outbox::requeue_unanswered(transaction)
            }
        })
        .await;
    match rows {
        Ok(rows) if rows.is_empty() => {}
        Ok(rows) => {
            let _ = account.publish_rows(rows).await;
        }
        Err(error) => tracing::debug!(%error, "messages on their way could not be put back"),
    }
}
