//! Opening and closing of sockets.
//!
//! Invariants: nobody is told anything before the token was checked; the queue stands before the client learns that it is
//! connected, so its first event finds it; `session` is the first event every socket gets.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::extract::ConnectInfo;
use hugmedo_chat_protocol::{
    ConnectAuth, ErrorCode, PROTOCOL_VERSION, Refusal, ServerEvent, SessionInfo, Timestamp, limits::MAX_ID_BYTES,
};
use serde_json::Value;
use socketioxide::{
    SocketIo,
    adapter::LocalAdapter,
    extract::{SocketRef, TryData},
    handler::{ConnectHandler, FromConnectParts, Value as Frame},
    socket::Socket,
};

use super::{
    Link,
    queue::{self, Queued},
};
use crate::{
    app::App,
    failure::Failure,
    fanout::{self, Fanout, Heard},
    issuer,
    limits::Kind,
    serve,
};

/// Optional parts this server offers.
const FEATURES: &[&str] =
    &["ack", "receipts", "sync", "edit", "delete", "acknowledge", "http_send", "reactions", "presence", "attachments"];

/// Lets sockets in.
pub(crate) fn serve(io: &SocketIo, app: Arc<App>) {
    let door = app.clone();
    let admit = async move |socket: SocketRef, TryData(auth): TryData<Value>| admit(&door, &socket, auth.ok()).await;
    let open = async move |Connected(socket): Connected| open(app, socket);
    io.ns("/", open.with(admit));
}

/// What `connect_error` says: a code.
struct Denied(ErrorCode);

impl std::fmt::Display for Denied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

async fn admit(app: &App, socket: &SocketRef, auth: Option<Value>) -> Result<(), Denied> {
    let auth = auth.and_then(|auth| serde_json::from_value::<ConnectAuth>(auth).ok());
    let Some(auth) = auth else { return Err(Denied(ErrorCode::Unauthorized)) };
    let denied = |failure: Failure| Denied(door_code(Refusal::from(failure).code));
    let (token, who) = issuer::principal(app, &auth.token).await.map_err(denied)?;
    app.throttle.check(Kind::Connect, who.id()).map_err(|refusal| Denied(refusal.code))?;
    if app.fanout.sockets_of(who.id()).len() >= app.config.limits.sockets_per_user {
        return Err(Denied(ErrorCode::RateLimited));
    }
    let from = address(socket);
    let seat = match from.filter(|from| !serve::is_within(&app.config.trusted_proxies, *from)) {
        Some(from) => app.seats.take(from),
        None => app.seats.take_any(),
    };
    let seat = seat.ok_or(Denied(ErrorCode::RateLimited))?;
    let device = auth.device_id.filter(|device| device.as_str().len() <= MAX_ID_BYTES);
    let link = Arc::new(Link::new(&who, token, device, &app.config.limits, seat));
    socket.extensions.insert(link);
    socket.on_fallback(async |_: Queued| {});
    socket.on_disconnect(async |socket: SocketRef| {
        if let Some(link) = fanout::link(&socket) {
            link.end_queue();
        }
    });
    Ok(())
}

/// Where a socket comes from, as the door has found out.
fn address(socket: &SocketRef) -> Option<IpAddr> {
    let from = socket.req_parts().extensions.get::<ConnectInfo<SocketAddr>>();
    from.map(|ConnectInfo(from)| from.ip())
}

/// The contract has four codes for a refused CONNECT.
fn door_code(code: ErrorCode) -> ErrorCode {
    match code {
        ErrorCode::Unauthorized | ErrorCode::TokenExpired | ErrorCode::RateLimited => code,
        _ => ErrorCode::Unavailable,
    }
}

/// The socket, with `session` sent inline: before any task could send something else.
struct Connected(SocketRef);

impl FromConnectParts<LocalAdapter> for Connected {
    type Error = Infallible;

    fn from_connect_parts(socket: &Arc<Socket>, _: &Option<Frame>) -> Result<Self, Infallible> {
        let socket = SocketRef::from(socket.clone());
        if let Some(link) = fanout::link(&socket) {
            let session = SessionInfo {
                protocol: PROTOCOL_VERSION,
                user: link.user().clone(),
                server_time: Timestamp::now(),
                features: FEATURES.iter().map(|feature| (*feature).to_owned()).collect(),
            };
            fanout::emit(&socket, &ServerEvent::Session(session));
            socket.join([Fanout::user_room(&link.user().id), Fanout::session_room(&link.session())]);
        }
        Ok(Self(socket))
    }
}

fn open(app: Arc<App>, socket: SocketRef) {
    let Some(link) = fanout::link(&socket) else { return };
    let Some(outlet) = link.take_outlet() else { return };
    app.fanout.hear(Heard::Arrived);
    tracing::debug!(socket = %socket.id, "connected");
    tokio::spawn(queue::work(app, socket, link, outlet));
}
