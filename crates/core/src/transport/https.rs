//! Live enough without a socket: a long poll brings what happens, and every event is a call of its own.
//!
//! For networks that block WebSockets. To the rest of core it is a connection like any other; only that others' typing is
//! not heard on it. What the poll brings are hints, as on a socket: sync decides what is missing.

use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use hugmedo_chat_protocol::{
    ClientEvent, ConnectAuth, ErrorCode as WireCode, Heartbeat, HeartbeatAnswer, JoinRoom, LeaveRoom, PROTOCOL_VERSION,
    Renew, Secret, ServerEvent, SessionInfo, Typing,
};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    ConnectFailure, Connection, Events, Http, HttpFailure, Link, LinkFailure, Transport, socketio::check_size,
};
use crate::{api::Api, error::ErrorCode};

/// Events that may wait for core; then the poll waits too.
const EVENT_BUFFER: usize = 1024;

/// Connections to one server by HTTP calls only.
pub(crate) struct Https {
    api: Api,
}

impl Https {
    /// Over these calls.
    pub(crate) fn new(http: Arc<dyn Http>) -> Self {
        Self { api: Api::new(http) }
    }

    async fn open(&self, auth: ConnectAuth) -> Result<Connection, HttpFailure> {
        let token = auth.token;
        let user = self.api.me(&token).await?;
        let beat = self.api.say(&token, Heartbeat::NAME, json!({})).await?;
        let HeartbeatAnswer { server_time } = serde_json::from_value(beat).map_err(|_| HttpFailure::Foreign)?;
        let start = self.api.sync(&token, None).await?;
        let session = SessionInfo { protocol: PROTOCOL_VERSION, user, server_time, features: Vec::new() };

        let (events, receiver) = mpsc::channel(EVENT_BUFFER);
        let lost = CancellationToken::new();
        let token = Arc::new(Mutex::new(token));
        let poll = Poll { api: self.api.clone(), token: Arc::clone(&token), events, cursor: start.cursor };
        let (poll, over) = (poll.run(session), lost.clone());
        tokio::spawn(async move {
            tokio::select! {
                biased;
                () = poll => over.cancel(),
                () = over.cancelled() => {}
            }
        });
        let link = HttpsLink { api: self.api.clone(), token, lost: lost.clone(), _hang_up: lost.clone().drop_guard() };
        Ok(Connection { events: Events::new(receiver, lost), link: Arc::new(link) })
    }
}

impl Transport for Https {
    fn connect(&self, auth: ConnectAuth) -> BoxFuture<'_, Result<Connection, ConnectFailure>> {
        Box::pin(async move {
            self.open(auth).await.map_err(|failure| match failure {
                // A server without these calls; that says nothing of the token.
                HttpFailure::Refused(error) if error.code == WireCode::NotFound => {
                    ConnectFailure::Failed(ErrorCode::NotAChatServer)
                }
                HttpFailure::Refused(error) => ConnectFailure::Refused(error.code.as_str().to_owned()),
                HttpFailure::Foreign => ConnectFailure::Failed(ErrorCode::NotAChatServer),
                HttpFailure::Failed(code) => ConnectFailure::Failed(code),
            })
        })
    }
}

/// The listening half.
struct Poll {
    api: Api,
    token: Arc<Mutex<Secret>>,
    events: mpsc::Sender<ServerEvent>,
    cursor: String,
}

impl Poll {
    /// Returns when a call fails or nobody listens any more. A call may outlast its token; the next one carries the new one.
    async fn run(mut self, session: SessionInfo) {
        if self.events.send(ServerEvent::Session(session)).await.is_err() {
            return;
        }
        loop {
            let token = held(&self.token);
            let page = match self.api.wait(&token, &self.cursor).await {
                Ok(page) => page,
                Err(failure) => {
                    tracing::debug!(code = %failure.code(), "the long poll ended");
                    return;
                }
            };
            for change in page.changes {
                if self.events.send(change).await.is_err() {
                    return;
                }
            }
            self.cursor = page.cursor;
        }
    }
}

/// The speaking half.
struct HttpsLink {
    api: Api,
    token: Arc<Mutex<Secret>>,
    lost: CancellationToken,
    /// The last handle ends the poll.
    _hang_up: DropGuard,
}

impl HttpsLink {
    async fn say(&self, event: &'static str, payload: Value) -> Result<Value, LinkFailure> {
        check_size(&payload)?;
        let renewed = (event == Renew::NAME).then(|| serde_json::from_value::<Renew>(payload.clone()).ok()).flatten();
        let token = held(&self.token);
        let answer = tokio::select! {
            biased;
            answer = self.api.say(&token, event, payload) => answer,
            () = self.lost.cancelled() => return Err(LinkFailure::Lost),
        };
        match answer {
            Ok(mut answer) => {
                if let Some(renewed) = renewed {
                    *self.token.lock().unwrap_or_else(PoisonError::into_inner) = renewed.token;
                }
                if let Some(fields) = answer.as_object_mut() {
                    fields.insert("ok".to_owned(), Value::Bool(true));
                }
                Ok(answer)
            }
            Err(HttpFailure::Refused(error)) => Ok(json!({
                "ok": false, "code": error.code, "message": error.message, "retryAfterMs": error.retry_after_ms,
            })),
            Err(HttpFailure::Failed(ErrorCode::RateLimited)) => Ok(json!({ "ok": false, "code": "rate_limited" })),
            Err(HttpFailure::Failed(ErrorCode::ServerUnavailable)) => Ok(json!({ "ok": false, "code": "unavailable" })),
            Err(HttpFailure::Failed(ErrorCode::Timeout)) => Err(LinkFailure::TimedOut),
            Err(HttpFailure::Failed(_) | HttpFailure::Foreign) => Err(LinkFailure::Lost),
        }
    }
}

impl Link for HttpsLink {
    fn request(&self, event: &'static str, payload: Value) -> BoxFuture<'_, Result<Value, LinkFailure>> {
        Box::pin(async move {
            if event == JoinRoom::NAME || event == LeaveRoom::NAME {
                // There is nothing to join: the poll hears of every room.
                return Ok(json!({ "ok": true, "roomId": payload.get("roomId"), "lastSeq": 0, "readSeq": 0 }));
            }
            self.say(event, payload).await
        })
    }

    fn notify(&self, event: &'static str, payload: Value) -> BoxFuture<'_, Result<(), LinkFailure>> {
        Box::pin(async move {
            match self.say(event, payload).await {
                // Nobody misses a hint that others' servers refuse.
                Ok(_) => Ok(()),
                Err(LinkFailure::TimedOut) if event == Typing::NAME => Ok(()),
                Err(failure) => Err(failure),
            }
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move { self.lost.cancel() })
    }
}

fn held(token: &Mutex<Secret>) -> Secret {
    token.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
