//! `POST /api/events/{event}`: a client's event as a call of its own, for networks that block sockets.
//!
//! The body is the event's payload, the answer its ack's fields, and the deed the very same as on a socket. Joining and
//! leaving are not here: they are about a socket. A message has a route of its own, `POST /api/rooms/{id}/messages`.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, State},
};
use hugmedo_chat_protocol::{
    Acknowledge, ClientEvent, DeleteMessage, Delivered, EditMessage, ErrorCode, Heartbeat, HeartbeatAnswer, React,
    Read, Refusal, Renew, Renewed, SetPresence, Timestamp, Typing,
};
use serde_json::{Value, json};

use super::{
    extract::{Body, Caller},
    failure::ApiFailure,
};
use crate::{
    app::App,
    authorize::Principal,
    chat::{self, Settled},
    failure::Failure,
    issuer, socket,
};

pub(super) async fn event(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(name): Path<String>,
    Body(payload): Body<Value>,
) -> Result<Json<Value>, ApiFailure> {
    let unknown = || Refusal::new(ErrorCode::NotFound, "no such event here");
    app.throttle.check(socket::bucket(&name).ok_or_else(unknown)?, caller.who.id())?;
    let Caller { who, token } = caller;
    match name.as_str() {
        Read::NAME => settle(app, payload, async move |app, wish| chat::read(app, token, wish).await).await,
        Delivered::NAME => settle(app, payload, async move |app, wish| chat::deliver(app, token, wish).await).await,
        Acknowledge::NAME => {
            settle(app, payload, async move |app, wish| chat::acknowledge(app, token, wish).await).await
        }
        EditMessage::NAME => settle(app, payload, async move |app, wish| chat::edit(app, token, wish).await).await,
        DeleteMessage::NAME => settle(app, payload, async move |app, wish| chat::delete(app, token, wish).await).await,
        React::NAME => settle(app, payload, async move |app, wish| chat::react(app, token, wish).await).await,
        Typing::NAME => {
            chat::type_notice(&app, token, parse(payload)?).await?;
            Ok(Json(json!({})))
        }
        SetPresence::NAME => Ok(Json(answer(&chat::set_presence(&app, token, parse(payload)?).await?)?)),
        Heartbeat::NAME => Ok(Json(answer(&HeartbeatAnswer { server_time: Timestamp::now() })?)),
        Renew::NAME => Ok(Json(answer(&renew(&app, &who, parse(payload)?).await?)?)),
        _ => Err(unknown().into()),
    }
}

/// Does a deed, tells the others, answers.
async fn settle<E, F>(app: Arc<App>, payload: Value, deed: F) -> Result<Json<Value>, ApiFailure>
where
    E: ClientEvent + Send + 'static,
    F: AsyncFnOnce(&App, E) -> Result<Settled<E::Answer>, Failure>,
{
    let done = deed(&app, parse(payload)?).await?.told(&app).await;
    Ok(Json(answer(&done)?))
}

/// Whether another token of the same person is good, and until when. Nothing is kept of it: a call shows its own token.
async fn renew(app: &App, caller: &Principal, wish: Renew) -> Result<Renewed, Failure> {
    let (_, who) = issuer::principal(app, &wish.token).await?;
    if who.id() == caller.id() { Ok(Renewed { expires_at: who.expires_at() }) } else { Err(Failure::forbidden()) }
}

fn parse<E: ClientEvent>(payload: Value) -> Result<E, Failure> {
    serde_json::from_value(payload).map_err(|_| Failure::bad_request("a field is missing or of the wrong type"))
}

fn answer(fields: &impl serde::Serialize) -> Result<Value, Refusal> {
    serde_json::to_value(fields).map_err(|_| Refusal::new(ErrorCode::Internal, "the server failed"))
}
