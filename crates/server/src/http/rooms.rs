//! `/api/rooms`, the history of one, and whom to begin a new one with.

use std::sync::Arc;

use axum::{Json, extract::State};
use hugmedo_chat_protocol::{
    MessagesPage, NewRoomRequest, PeopleList, Room, RoomsList, SendMessage, SentMessage, Seq, limits::MAX_PAGE,
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    extract::{Body, Caller, Params, RoomPath},
    failure::ApiFailure,
};
use crate::{
    app::App,
    authorize, chat,
    failure::Failure,
    limits::Kind,
    store::{messages, rooms},
};

/// How many messages a page has unless the caller says.
const PAGE: usize = 50;

pub(super) async fn list(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<RoomsList>, ApiFailure> {
    app.throttle.check(Kind::Read, caller.who.id())?;
    let rooms: Result<_, Failure> = app.store.read(move |tx| Ok(rooms::list(tx, &caller.who)?)).await;
    Ok(Json(RoomsList { rooms: rooms? }))
}

pub(super) async fn people(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<PeopleList>, ApiFailure> {
    app.throttle.check(Kind::Read, caller.who.id())?;
    let people: Result<_, Failure> = app.store.read(move |tx| Ok(authorize::people(tx, &caller.who)?)).await;
    Ok(Json(PeopleList { people: people? }))
}

pub(super) async fn begin(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(wish): Body<NewRoomRequest>,
) -> Result<Json<Room>, ApiFailure> {
    app.throttle.check(Kind::NewRoom, caller.who.id())?;
    Ok(Json(chat::begin(&app, caller.token, wish).await?.told(&app).await))
}

#[derive(Debug, Deserialize)]
pub(super) struct Range {
    before: Option<u64>,
    after: Option<u64>,
    limit: Option<usize>,
}

pub(super) async fn history(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    Params(range): Params<Range>,
) -> Result<Json<MessagesPage>, ApiFailure> {
    app.throttle.check(Kind::Read, caller.who.id())?;
    let limit = range.limit.unwrap_or(PAGE).clamp(1, MAX_PAGE);
    let (asked, reader) = (room.clone(), caller.who.id().clone());
    let page: Result<_, Failure> = app
        .store
        .read(move |tx| {
            let member = authorize::member(tx, &caller.who, &room)?;
            Ok(messages::page(tx, &member, range.before.map(Seq::new), range.after.map(Seq::new), limit)?)
        })
        .await;
    let page: MessagesPage = page?;
    chat::note_fetch(&app, reader, page.messages.iter().map(|message| (&asked, message.seq))).await?;
    Ok(Json(page))
}

/// The `message` event for networks without sockets: the same body and answer, the same path through the server.
pub(super) async fn say(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    Body(body): Body<Value>,
) -> Result<Json<SentMessage>, ApiFailure> {
    app.throttle.check(Kind::Message, caller.who.id())?;
    let wish = wish(room.as_str(), body)?;
    Ok(Json(chat::say(&app, caller.token, wish).await?.told(&app).await))
}

/// The body may leave the room to the path; it may not name another one.
fn wish(room: &str, mut body: Value) -> Result<SendMessage, Failure> {
    let misfit = || Failure::bad_request("the body is not a message of this room");
    let fields = body.as_object_mut().ok_or_else(misfit)?;
    let named = fields.entry("roomId").or_insert_with(|| Value::from(room));
    if named != room {
        return Err(misfit());
    }
    serde_json::from_value(body).map_err(|_| misfit())
}
