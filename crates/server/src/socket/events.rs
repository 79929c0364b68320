//! What each event of the wire contract does.

use std::sync::Arc;

use hugmedo_chat_protocol::{
    Ack as Outcome, Acknowledge, ClientEvent, DeleteMessage, Delivered, EditMessage, Empty, ErrorCode, Heartbeat,
    HeartbeatAnswer, JoinRoom, LeaveRoom, React, Read, Refusal, Renew, Renewed, SendMessage, SetPresence, Timestamp,
    Typing,
};
use serde_json::Value;
use socketioxide::{SendError, SocketError, extract::SocketRef};

use super::{
    Link,
    queue::{Ack, Incoming},
};
use crate::{
    app::App,
    authorize::{self, Principal},
    chat::{self, Settled},
    credential::TokenHash,
    failure::Failure,
    fanout::{self, Fanout},
    issuer,
    limits::Kind,
};

/// Every event a client may send, with the bucket it takes from. What is not listed is not heard.
const EVENTS: &[(&str, Kind)] = &[
    (JoinRoom::NAME, Kind::Signal),
    (LeaveRoom::NAME, Kind::Signal),
    (SendMessage::NAME, Kind::Message),
    (Typing::NAME, Kind::Typing),
    (SetPresence::NAME, Kind::Typing),
    (Read::NAME, Kind::Signal),
    (Delivered::NAME, Kind::Signal),
    (Acknowledge::NAME, Kind::Signal),
    (EditMessage::NAME, Kind::Message),
    (DeleteMessage::NAME, Kind::Message),
    (React::NAME, Kind::Message),
    (Renew::NAME, Kind::Signal),
    (Heartbeat::NAME, Kind::Signal),
];

/// The bucket an event takes from; `None` if clients have no such event.
pub(crate) fn bucket(name: &str) -> Option<Kind> {
    EVENTS.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

/// Where an event came from and where its answer goes.
struct Call<'a> {
    app: &'a Arc<App>,
    socket: &'a SocketRef,
    link: &'a Link,
    payload: Option<Value>,
    ack: Ack,
}

pub(super) async fn handle(app: &Arc<App>, socket: &SocketRef, link: &Link, incoming: Incoming) {
    let Incoming { name, payload, ack } = incoming;
    let call = Call { app, socket, link, payload, ack };
    let Some(kind) = bucket(&name) else {
        call.refuse(Refusal::new(ErrorCode::BadRequest, "no such event"));
        return;
    };
    if let Err(refusal) = app.throttle.check(kind, &link.user().id) {
        call.refuse(refusal);
        return;
    }
    let token = link.token();
    match name.as_str() {
        JoinRoom::NAME => join(call, token).await,
        LeaveRoom::NAME => leave(call, token).await,
        SendMessage::NAME => settle::<SendMessage, _>(call, async |app, wish| chat::say(app, token, wish).await).await,
        Typing::NAME => type_notice(call, token).await,
        Read::NAME => settle::<Read, _>(call, async |app, wish| chat::read(app, token, wish).await).await,
        Delivered::NAME => settle::<Delivered, _>(call, async |app, wish| chat::deliver(app, token, wish).await).await,
        Acknowledge::NAME => {
            settle::<Acknowledge, _>(call, async |app, wish| chat::acknowledge(app, token, wish).await).await;
        }
        EditMessage::NAME => settle::<EditMessage, _>(call, async |app, wish| chat::edit(app, token, wish).await).await,
        DeleteMessage::NAME => {
            settle::<DeleteMessage, _>(call, async |app, wish| chat::delete(app, token, wish).await).await;
        }
        React::NAME => settle::<React, _>(call, async |app, wish| chat::react(app, token, wish).await).await,
        SetPresence::NAME => set_presence(call, token).await,
        Renew::NAME => renew(call, token).await,
        Heartbeat::NAME => heartbeat(call, token).await,
        _ => call.refuse(Refusal::new(ErrorCode::BadRequest, "no such event")),
    }
}

impl Call<'_> {
    /// Reads the one argument. The reason it does not fit is not told: it could quote patient text.
    fn read<E: ClientEvent>(&mut self) -> Result<E, Failure> {
        let payload = self.payload.take().ok_or_else(|| Failure::bad_request("one object is expected"))?;
        serde_json::from_value(payload).map_err(|_| Failure::bad_request("a field is missing or of the wrong type"))
    }

    fn done<T: serde::Serialize>(self, answer: T) {
        self.answer(Outcome::Done(answer));
    }

    fn refuse(self, why: impl Into<Refusal>) {
        self.answer(Outcome::<Empty>::Refused(why.into()));
    }

    fn answer<T: serde::Serialize>(self, outcome: Outcome<T>) {
        if !self.ack.asked {
            return;
        }
        let Ok(outcome) = serde_json::to_value(&outcome) else {
            tracing::error!("an answer could not be written as JSON");
            return;
        };
        if let Err(SendError::Socket(SocketError::InternalChannelFull)) = self.ack.sender.send(&outcome) {
            tracing::info!(socket = %self.socket.id, "closing a socket that reads too slowly");
            fanout::hang_up(self.socket.clone());
        }
    }
}

/// Does a deed, answers, and only then tells the others.
async fn settle<E, F>(mut call: Call<'_>, deed: F)
where
    E: ClientEvent,
    F: AsyncFnOnce(&App, E) -> Result<Settled<E::Answer>, Failure>,
{
    let app = call.app.clone();
    let settled = match call.read::<E>() {
        Ok(wish) => deed(&app, wish).await,
        Err(failure) => Err(failure),
    };
    match settled {
        Ok(settled) => {
            let (answer, untold) = settled.split();
            call.done(answer);
            untold.announce(&app).await;
        }
        Err(failure) => call.refuse(failure),
    }
}

async fn join(mut call: Call<'_>, token: TokenHash) {
    let entered = match call.read::<JoinRoom>() {
        Ok(wish) => chat::enter(call.app, token, wish).await,
        Err(failure) => Err(failure),
    };
    match entered {
        // The room's turn is held until the end of this arm.
        Ok(settled) => {
            let (answer, _turn) = settled.split();
            call.link.join(answer.room_id.clone());
            call.done(answer);
        }
        Err(failure) => call.refuse(failure),
    }
}

async fn leave(mut call: Call<'_>, token: TokenHash) {
    let left = match call.read::<LeaveRoom>() {
        Ok(wish) => chat::leave(call.app, token, wish).await,
        Err(failure) => Err(failure),
    };
    match left {
        Ok(answer) => {
            call.link.leave(&answer.room_id);
            call.done(answer);
        }
        Err(failure) => call.refuse(failure),
    }
}

async fn type_notice(mut call: Call<'_>, token: TokenHash) {
    let told = match call.read::<Typing>() {
        Ok(wish) => chat::type_notice(call.app, token, wish).await,
        Err(failure) => Err(failure),
    };
    match told {
        Ok(()) => call.done(Empty {}),
        Err(failure) => call.refuse(failure),
    }
}

async fn set_presence(mut call: Call<'_>, token: TokenHash) {
    let set = match call.read::<SetPresence>() {
        Ok(wish) => chat::set_presence(call.app, token, wish).await,
        Err(failure) => Err(failure),
    };
    match set {
        Ok(answer) => call.done(answer),
        Err(failure) => call.refuse(failure),
    }
}

/// A fresh token of the same person; of whichever session, because organisations issue tokens of their own.
async fn renew(mut call: Call<'_>, old: TokenHash) {
    let wish = match call.read::<Renew>() {
        Ok(wish) => wish,
        Err(failure) => return call.refuse(failure),
    };
    match renewed(call.app, &old, &wish).await {
        Ok((fresh, who)) => {
            let before = call.link.renew(&who, fresh);
            if before != *who.session() {
                call.socket.leave([Fanout::session_room(&before)]);
                call.socket.join([Fanout::session_room(who.session())]);
            }
            call.done(Renewed { expires_at: who.expires_at() });
        }
        Err(failure) => call.refuse(failure),
    }
}

async fn renewed(app: &App, old: &TokenHash, wish: &Renew) -> Result<(TokenHash, Principal), Failure> {
    let old = *old;
    let before = app.store.read(move |tx| authorize::principal(tx, &old)).await?;
    let (fresh, who) = issuer::principal(app, &wish.token).await?;
    if who.id() == before.id() { Ok((fresh, who)) } else { Err(Failure::forbidden()) }
}

async fn heartbeat(mut call: Call<'_>, token: TokenHash) {
    let alive = match call.read::<Heartbeat>() {
        Ok(Heartbeat {}) => call.app.store.read(move |tx| authorize::principal(tx, &token)).await,
        Err(failure) => Err(failure),
    };
    match alive {
        Ok(_) => call.done(HeartbeatAnswer { server_time: Timestamp::now() }),
        Err(failure) => call.refuse(failure),
    }
}
