//! A computer's network, as core sees it: the real one's rules, with the post office in place of a wire.
//!
//! Invariants, as of the real one: one request waits for an answer at a time; an unanswered one ends the connection; dropping
//! the last handle on a link hangs up.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use hugmedo_chat_core::{
    ErrorCode,
    transport::{
        ConnectFailure, Connection, Events, Http, HttpCall, HttpFailure, Link, LinkFailure, Network, Transport,
    },
};
use hugmedo_chat_protocol::ConnectAuth;
use serde_json::Value;
use tokio::{
    sync::{Mutex, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    clock::Clock,
    post::{SharedPost, held},
};

/// The real one's limits.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
const ACK_TIMEOUT: Duration = Duration::from_secs(10);

/// The network of one computer.
pub(super) fn network(computer: usize, post: &SharedPost, clock: &Arc<Clock>) -> Network {
    let wire = Arc::new(Wire { computer, post: Arc::clone(post), clock: Arc::clone(clock) });
    Network { transport: Arc::clone(&wire) as _, http: wire }
}

struct Wire {
    computer: usize,
    post: SharedPost,
    clock: Arc<Clock>,
}

impl Transport for Wire {
    fn connect(&self, auth: ConnectAuth) -> BoxFuture<'_, Result<Connection, ConnectFailure>> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            held(&self.post).connect(self.computer, self.clock.world(), auth, reply);
            let accepted = match timeout(CONNECT_TIMEOUT, answer).await {
                Ok(Ok(result)) => result?,
                Ok(Err(_)) => return Err(ConnectFailure::Failed(ErrorCode::Unreachable)),
                Err(_) => return Err(ConnectFailure::Failed(ErrorCode::Timeout)),
            };
            let link = Arc::new(SimulatedLink {
                socket: accepted.socket,
                post: Arc::clone(&self.post),
                clock: Arc::clone(&self.clock),
                lost: accepted.lost.clone(),
                turn: Mutex::new(()),
            });
            Ok(Connection { events: Events::new(accepted.inbox, accepted.lost), link })
        })
    }
}

impl Http for Wire {
    fn call(&self, call: HttpCall) -> BoxFuture<'_, Result<Value, HttpFailure>> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let limit = call.timeout;
            held(&self.post).ask(self.computer, self.clock.world(), call, reply);
            match timeout(limit, answer).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(HttpFailure::Failed(ErrorCode::Unreachable)),
                Err(_) => Err(HttpFailure::Failed(ErrorCode::Timeout)),
            }
        })
    }
}

struct SimulatedLink {
    socket: u64,
    post: SharedPost,
    clock: Arc<Clock>,
    lost: CancellationToken,
    turn: Mutex<()>,
}

impl Link for SimulatedLink {
    fn request(&self, event: &'static str, payload: Value) -> BoxFuture<'_, Result<Value, LinkFailure>> {
        Box::pin(async move {
            let _turn = self.turn.lock().await;
            if self.lost.is_cancelled() {
                return Err(LinkFailure::Lost);
            }
            let (reply, answer) = oneshot::channel();
            held(&self.post).say(self.socket, self.clock.world(), event, payload, Some(reply));
            let result = tokio::select! {
                biased;
                answer = timeout(ACK_TIMEOUT, answer) => match answer {
                    Ok(Ok(result)) => result,
                    Ok(Err(_)) => Err(LinkFailure::Lost),
                    Err(_) => Err(LinkFailure::TimedOut),
                },
                () = self.lost.cancelled() => Err(LinkFailure::Lost),
            };
            if result.is_err() {
                self.lost.cancel();
            }
            result
        })
    }

    fn notify(&self, event: &'static str, payload: Value) -> BoxFuture<'_, Result<(), LinkFailure>> {
        Box::pin(async move {
            if self.lost.is_cancelled() {
                return Err(LinkFailure::Lost);
            }
            held(&self.post).say(self.socket, self.clock.world(), event, payload, None);
            Ok(())
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.lost.cancel();
        Box::pin(async {})
    }
}

impl Drop for SimulatedLink {
    fn drop(&mut self) {
        held(&self.post).hang_up(self.socket);
    }
}
