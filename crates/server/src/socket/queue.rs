//! One socket's events, one after the other, in the order sent.
//!
//! socketioxide spawns a task per event, which would reorder them. Its extractors, though, run inline in the order of
//! arrival: [`Queued`] is an extractor that puts the event and its ack into the socket's queue, and one worker per socket
//! empties it. A full queue closes the socket, and so does a socket that sends more than its rate; dropping
//! single events would break the order silently.

use std::{convert::Infallible, sync::Arc, time::Instant};

use hugmedo_chat_protocol::{ErrorCode, SessionEndReason};
use serde_json::Value;
use socketioxide::{
    extract::{AckSender, SocketRef},
    handler::{FromMessageParts, Value as Frame},
    socket::Socket,
};
use tokio::sync::mpsc;

use super::{Link, events};
use crate::{app::App, authorize, failure::Failure, fanout, metrics::Closed, presence, store::sessions};

/// An event as it came.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) name: String,
    /// The one argument; `None` if there was none, more than one, or no JSON.
    pub(super) payload: Option<Value>,
    pub(super) ack: Ack,
    /// When.
    pub(super) arrived: Instant,
}

/// The way back to the caller, if it asked for one.
pub(super) struct Ack {
    pub(super) sender: AckSender,
    pub(super) asked: bool,
}

impl std::fmt::Debug for Ack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ack").field("asked", &self.asked).finish_non_exhaustive()
    }
}

/// The extractor that queues.
pub(super) struct Queued;

impl FromMessageParts<socketioxide::adapter::LocalAdapter> for Queued {
    type Error = Infallible;

    fn from_message_parts(socket: &Arc<Socket>, frame: &mut Frame, ack_id: &Option<i64>) -> Result<Self, Infallible> {
        let (name, payload) = read(frame);
        let bytes = if let Frame::Str(text, _) = frame { text.len() } else { 0 };
        let sender = AckSender::from_message_parts(socket, frame, ack_id)?;
        let incoming =
            Incoming { name, payload, ack: Ack { sender, asked: ack_id.is_some() }, arrived: Instant::now() };
        let socket = SocketRef::from(socket.clone());
        if let Some(link) = fanout::link(&socket)
            && !link.queue(incoming, bytes)
        {
            link.metrics.closed(Closed::QueueFull);
            tracing::info!(socket = %socket.id, "closing a socket that sends faster than it is heard");
            fanout::hang_up(socket);
        }
        Ok(Self)
    }
}

/// `["name", {...}]` and nothing else.
fn read(frame: &Frame) -> (String, Option<Value>) {
    let Frame::Str(text, binaries) = frame else { return Default::default() };
    let Ok(parts) = serde_json::from_str::<Vec<Value>>(text) else { return Default::default() };
    let has_binaries = binaries.as_ref().is_some_and(|binaries| !binaries.is_empty());
    let mut parts = parts.into_iter();
    let name = match parts.next() {
        Some(Value::String(name)) => name,
        _ => String::new(),
    };
    match (parts.next(), parts.next()) {
        (Some(payload @ Value::Object(_)), None) if !has_binaries => (name, Some(payload)),
        _ => (name, None),
    }
}

/// Does what a socket asks until it is gone, and ends it when its token's time is over.
pub(super) async fn work(app: Arc<App>, socket: SocketRef, link: Arc<Link>, mut queue: mpsc::Receiver<Incoming>) {
    // The session may have ended after the token was checked and before the socket could be found by its session.
    let token = link.token();
    let alive: Result<_, Failure> = app.store.read(move |tx| authorize::principal(tx, &token)).await;
    match alive {
        Ok(_) => {}
        Err(Failure::Refused(refusal)) => {
            let is_expired = refusal.code == ErrorCode::TokenExpired;
            return fanout::end(socket, if is_expired { SessionEndReason::Expired } else { SessionEndReason::Revoked });
        }
        // As in `crate::outside`.
        Err(Failure::Store(_)) => return fanout::hang_up(socket),
    }
    let (session, device) = (link.session(), link.device().cloned());
    let store = app.store.clone();
    // Nothing the socket asks for depends on it.
    tokio::spawn(async move {
        if let Err(error) = store.write(move |tx| sessions::note_device(tx, &session, device.as_ref())).await {
            tracing::warn!(%error, "the device of a session was not noted");
        }
    });
    presence::arrive(&app, &link.user().id);
    let statuses = tokio::spawn(presence::pass_on(socket.clone(), link.clone()));
    listen(&app, socket, &link, &mut queue).await;
    statuses.abort();
    presence::leave(&app, &link.user().id);
}

async fn listen(app: &Arc<App>, socket: SocketRef, link: &Link, queue: &mut mpsc::Receiver<Incoming>) {
    loop {
        tokio::select! {
            // The deadline first: a busy socket must not outlive it.
            biased;
            () = link.expiry() => {
                fanout::end(socket, SessionEndReason::Expired);
                return;
            }
            incoming = queue.recv() => match incoming {
                // In the heap: otherwise each idle socket would hold the room that the largest event needs.
                Some(incoming) => Box::pin(events::handle(app, &socket, link, incoming)).await,
                None => return,
            },
        }
    }
}
