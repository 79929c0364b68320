//! The ledger as a socket speaks to it: an event's name and argument in, its ack out.

use hugmedo_chat_protocol::{
    Ack, ClientEvent, DeleteMessage, Delivered, EditMessage, Empty, ErrorCode, Heartbeat, HeartbeatAnswer, JoinRoom,
    JoinedRoom, LogPosition, React, Read, Refusal, Renew, Renewed, RoomId, SendMessage, Timestamp, Typing,
    TypingNotice,
};
use serde::Serialize;
use serde_json::Value;

use super::{Ledger, News, sessions::Bearer};

/// What an event came to.
#[derive(Debug)]
pub struct Answer {
    /// The ack.
    pub ack: Value,
    /// What the sockets have to hear.
    pub news: Vec<News>,
    /// The room this socket is in from now on.
    pub joined: Option<RoomId>,
    /// What this socket stands for from now on.
    pub renewed: Option<Bearer>,
}

impl Answer {
    fn of<T: Serialize>(outcome: Result<(T, Vec<News>), Refusal>) -> Self {
        let (ack, news) = match outcome {
            Ok((answer, news)) => (Ack::Done(answer), news),
            Err(refusal) => (Ack::Refused(refusal), Vec::new()),
        };
        Self { ack: serde_json::to_value(ack).unwrap_or_default(), news, joined: None, renewed: None }
    }

    /// A refusal.
    pub fn refused(refusal: Refusal) -> Self {
        Self::of::<Empty>(Err(refusal))
    }
}

fn wish<E: ClientEvent>(payload: Value) -> Result<E, Refusal> {
    serde_json::from_value(payload).map_err(|_| Refusal::new(ErrorCode::BadRequest, "the argument does not fit"))
}

impl Ledger {
    /// Does what a socket asks.
    pub fn hear(&mut self, bearer: &Bearer, event: &str, payload: Value) -> Answer {
        let me = &bearer.user;
        match event {
            JoinRoom::NAME => {
                let entered = wish::<JoinRoom>(payload).and_then(|wish| {
                    let last_seq = self.entered(&wish.room_id, me)?.last;
                    let read_seq = self.room_for(&wish.room_id, me).map(|room| room.read_seq).unwrap_or_default();
                    Ok(JoinedRoom { room_id: wish.room_id, last_seq, read_seq })
                });
                let joined = entered.as_ref().ok().map(|entered| entered.room_id.clone());
                Answer { joined, ..Answer::of(entered.map(|entered| (entered, Vec::new()))) }
            }
            SendMessage::NAME => Answer::of(wish::<SendMessage>(payload).and_then(|wish| self.say(me, wish))),
            Read::NAME => {
                Answer::of(wish::<Read>(payload).and_then(|wish| self.read(me, &wish.room_id, wish.up_to_seq)))
            }
            Delivered::NAME => {
                Answer::of(wish::<Delivered>(payload).and_then(|wish| self.deliver(me, &wish.room_id, wish.up_to_seq)))
            }
            EditMessage::NAME => Answer::of(wish::<EditMessage>(payload).and_then(|wish| {
                let text = wish.content.as_str();
                let (seq, news) = self.change(me, &wish.room_id, &wish.message_id, Some(text))?;
                Ok((LogPosition { seq }, news))
            })),
            DeleteMessage::NAME => Answer::of(wish::<DeleteMessage>(payload).and_then(|wish| {
                let (seq, news) = self.change(me, &wish.room_id, &wish.message_id, None)?;
                Ok((LogPosition { seq }, news))
            })),
            React::NAME => Answer::of(wish::<React>(payload).and_then(|wish| {
                let (seq, news) = self.react(me, &wish)?;
                Ok((LogPosition { seq }, news))
            })),
            Typing::NAME => Answer::of(wish::<Typing>(payload).map(|wish| (Empty {}, self.typing(bearer, wish)))),
            Heartbeat::NAME => Answer::of(Ok((HeartbeatAnswer { server_time: self.now }, Vec::new()))),
            Renew::NAME => {
                let renewed = wish::<Renew>(payload).and_then(|wish| {
                    let fresh = self.bearer(&wish.token)?;
                    if fresh.user == *me { Ok(fresh) } else { Err(Refusal::new(ErrorCode::Forbidden, "another's")) }
                });
                let fresh = renewed.as_ref().ok().cloned();
                let answer = renewed.map(|fresh| (Renewed { expires_at: fresh.expires_at }, Vec::new()));
                Answer { renewed: fresh, ..Answer::of(answer) }
            }
            _ => Answer::refused(Refusal::new(ErrorCode::BadRequest, "no such event")),
        }
    }

    fn typing(&self, bearer: &Bearer, wish: Typing) -> Vec<News> {
        let notice = |name| TypingNotice {
            room_id: wish.room_id.clone(),
            user_id: bearer.user.clone(),
            user_name: name,
            is_typing: wish.is_typing,
        };
        let Some(writer) = self.users.get(&bearer.user) else { return Vec::new() };
        let others = self.members(&wish.room_id).into_iter().filter(|member| *member != bearer.user);
        let event = hugmedo_chat_protocol::ServerEvent::Typing(notice(writer.name.clone()));
        others.map(|member| News::Told(member, Box::new(event.clone()))).collect()
    }

    /// Sets the server's clock.
    pub fn set_clock(&mut self, now: Timestamp) {
        self.now = now;
    }
}
