//! One attempt to connect: a socket, or single HTTPS calls where the network blocks sockets.
//!
//! Invariants: a fresh token for each attempt, renewed at most once when it is refused; calls stand in for a socket only
//! where they get through and it does not, and within 10 s.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::FusedFuture};
use hugmedo_chat_protocol::{ConnectAuth, PROTOCOL_VERSION, SessionEndReason};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{Ended, Established};
use crate::{
    account::{Account, end_reason},
    error::ErrorCode,
    tokens::TokenFailure,
    transport::{ConnectFailure, Connection, Https, Transport},
};

/// How long a socket may take before calls are tried beside it.
const HEAD_START: Duration = Duration::from_secs(4);
/// How long a socket that failed gets once more when calls do get through: the server may have only just come up.
const SECOND_CHANCE: Duration = Duration::from_secs(3);
/// How long after the beginning calls are still waited for when a socket has failed that was waited for till then.
const STAND_IN: Duration = Duration::from_secs(10);

/// A connection the server has accepted, or why there is none.
pub(super) async fn establish(account: &Arc<Account>) -> Result<Established, Ended> {
    let latest = Instant::now() + STAND_IN;
    let socket = connect(account, account.network.transport.as_ref());
    if account.is_baseline() {
        return Ok(live(socket.await?));
    }
    let https = Https::new(Arc::clone(&account.network.http));
    let calls = connect(account, &https).fuse();
    tokio::pin!(socket, calls);

    let early = tokio::select! {
        biased;
        outcome = &mut socket => Some(outcome),
        () = sleep(HEAD_START) => None,
    };
    match early {
        Some(Ok(connection)) => Ok(live(connection)),
        Some(Err(Ended::Link(Some(code)))) if may_be_blocked(code) => {
            let Ok(calls) = calls.await else { return Err(Ended::Link(Some(code))) };
            if code == ErrorCode::ProxyInUse {
                return Ok(Established { connection: calls, limited: Some(code) });
            }
            match timeout(SECOND_CHANCE, socket_only(account)).await {
                Ok(Ok(connection)) => Ok(live(connection)),
                _ => Ok(limited(calls)),
            }
        }
        Some(Err(ended)) => Err(ended),
        // It neither comes about nor fails: whoever is first.
        None => tokio::select! {
            biased;
            outcome = &mut socket => match outcome {
                Err(Ended::Link(Some(code))) if may_be_blocked(code) && !calls.is_terminated() => {
                    match timeout_at(latest, calls).await {
                        Ok(Ok(connection)) => Ok(limited(connection)),
                        _ => Err(Ended::Link(Some(code))),
                    }
                }
                outcome => outcome.map(live),
            },
            Ok(connection) = calls.as_mut() => Ok(limited(connection)),
        },
    }
}

/// A socket or nothing.
pub(super) async fn socket_only(account: &Arc<Account>) -> Result<Connection, Ended> {
    connect(account, account.network.transport.as_ref()).await
}

fn live(connection: Connection) -> Established {
    Established { connection, limited: None }
}

fn limited(calls: Connection) -> Established {
    Established { connection: calls, limited: Some(ErrorCode::WebSocketBlocked) }
}

/// Whether a socket that failed so may be one that is blocked on the way. What the server itself has said is no such sign.
fn may_be_blocked(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::Unreachable | ErrorCode::Timeout | ErrorCode::ProxyInUse | ErrorCode::UntrustedCertificate
    )
}

async fn connect(account: &Arc<Account>, transport: &dyn Transport) -> Result<Connection, Ended> {
    let mut token = match account.tokens.fresh().await {
        Ok(token) => token,
        Err(TokenFailure::Ended) => return Err(Ended::Session(SessionEndReason::Expired)),
        Err(TokenFailure::Failed(code)) => return Err(Ended::Link(Some(code))),
    };
    let mut renewed = false;
    loop {
        let auth = ConnectAuth {
            token: token.clone(),
            protocol: Some(PROTOCOL_VERSION),
            device_id: Some(account.device.clone()),
        };
        match transport.connect(auth).await {
            Ok(connection) => return Ok(connection),
            Err(ConnectFailure::Failed(code)) => return Err(Ended::Link(Some(code))),
            Err(ConnectFailure::Refused(code)) => match code.as_str() {
                "rate_limited" => return Err(Ended::Link(Some(ErrorCode::RateLimited))),
                "unavailable" => return Err(Ended::Link(Some(ErrorCode::ServerUnavailable))),
                // The computer slept in between, say. That the token was granted shows that the session lives.
                "token_expired" if renewed => return Err(Ended::Link(Some(ErrorCode::SessionExpired))),
                // One renewal and one more attempt; a second refusal is final.
                _ if renewed => return Err(Ended::Session(end_reason(&code))),
                _ => match account.tokens.after_refusal().await {
                    Ok(fresh) => (token, renewed) = (fresh, true),
                    Err(TokenFailure::Ended) => return Err(Ended::Session(end_reason(&code))),
                    Err(TokenFailure::Failed(code)) => return Err(Ended::Link(Some(code))),
                },
            },
        }
    }
}
