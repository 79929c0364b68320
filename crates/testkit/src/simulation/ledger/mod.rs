//! The server of the simulation, in memory: small enough to be seen to be right, and the book that core is judged by.
//!
//! Invariants: a message is in it once for each `(sender, clientMessageId)`; a room's positions have no gaps; what is in it
//! stays. It answers what the real server answers; a test asks both the same things and compares.

mod changes;
mod door;
mod front;
mod sessions;

pub use door::Answer;
pub(super) use front::refused;
pub use sessions::Bearer;

use std::collections::{BTreeMap, BTreeSet};

use hugmedo_chat_protocol::{
    ClientMessageId, DeliveredUpTo, ErrorCode, Message, MessageChanged, MessageId, Notification, React, Reaction,
    ReadUpTo, Receipt, ReceiptKind, Refusal, Room, RoomChanged, RoomId, RoomKind, RoomRemoved, SendMessage,
    SentMessage, Seq, ServerEvent, Timestamp, User, UserId, limits::MAX_REACTIONS,
};

use changes::Change;
use sessions::Sessions;

/// Something the sockets have to hear.
#[derive(Debug, Clone)]
pub enum News {
    /// A message: to those who joined the room; the others' other sockets get a notification.
    Said(Box<Message>, Vec<UserId>),
    /// To those who joined the room.
    Changed(Box<MessageChanged>, Vec<UserId>),
    /// To the others who joined the room and to all sockets of its reader.
    Receipt(Receipt, Vec<UserId>),
    /// To all sockets of one person.
    Told(UserId, Box<ServerEvent>),
    /// The person is out: their sockets leave the room and hear of it.
    Expelled(UserId, RoomId),
    /// A session is over.
    Ended(u64),
}

impl News {
    /// What a socket of this person hears of it, having joined these rooms.
    pub fn for_socket(&self, user: &UserId, joined: &BTreeSet<RoomId>, ledger: &Ledger) -> Option<ServerEvent> {
        match self {
            Self::Said(message, members) if members.contains(user) => {
                if joined.contains(&message.room_id) {
                    return Some(ServerEvent::NewMessage(Message::clone(message)));
                }
                (message.user_id != *user).then(|| {
                    ServerEvent::Notification(Notification {
                        room_id: message.room_id.clone(),
                        room: message.room_id.clone(),
                        unread: ledger.unread(&message.room_id, user),
                        seq: message.seq,
                        priority: message.priority,
                        user_name: Some(message.user_name.clone()),
                    })
                })
            }
            Self::Changed(change, members) if members.contains(user) && joined.contains(&change.room_id) => {
                Some(ServerEvent::MessageChanged(MessageChanged::clone(change)))
            }
            Self::Receipt(receipt, members) => {
                let others = members.contains(user) && joined.contains(&receipt.room_id);
                (receipt.user_id == *user || others).then(|| ServerEvent::Receipt(receipt.clone()))
            }
            Self::Told(whom, event) if whom == user => Some(ServerEvent::clone(event)),
            _ => None,
        }
    }
}

/// How far one member has come.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    pub(super) read: Seq,
    pub(super) delivered: Seq,
}

#[derive(Debug, Clone)]
pub(super) struct RoomBook {
    pub(super) name: String,
    pub(super) kind: RoomKind,
    pub(super) last: Seq,
    pub(super) messages: BTreeMap<Seq, Message>,
    /// What stands under which message, by whom, in the order it came.
    pub(super) reactions: Vec<(MessageId, String, UserId)>,
    pub(super) members: BTreeMap<UserId, Standing>,
}

/// The book.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// The server's clock.
    pub(super) now: Timestamp,
    pub(super) users: BTreeMap<UserId, User>,
    pub(super) rooms: BTreeMap<RoomId, RoomBook>,
    /// What was asked with each client id, and the answer it got.
    pub(super) asked: BTreeMap<(UserId, ClientMessageId), (SendMessage, SentMessage)>,
    pub(super) changes: Vec<Change>,
    pub(super) last_change: u64,
    pub(super) floor: u64,
    pub(super) sessions: Sessions,
}

impl Ledger {
    /// An empty server.
    pub fn new(now: Timestamp, token_life_ms: i64) -> Self {
        Self {
            now,
            users: BTreeMap::new(),
            rooms: BTreeMap::new(),
            asked: BTreeMap::new(),
            changes: Vec::new(),
            last_change: 0,
            floor: 0,
            sessions: Sessions::new(token_life_ms),
        }
    }

    /// Adds a person.
    pub fn add_user(&mut self, user: User) {
        self.users.insert(user.id.clone(), user);
    }

    /// Adds an empty room.
    pub fn add_room(&mut self, id: RoomId, name: &str, kind: RoomKind) {
        let book = RoomBook {
            name: name.to_owned(),
            kind,
            last: Seq::ZERO,
            messages: BTreeMap::new(),
            reactions: Vec::new(),
            members: BTreeMap::new(),
        };
        self.rooms.insert(id, book);
    }

    /// Lets someone into a room.
    pub fn add_member(&mut self, id: &RoomId, user: &UserId) -> Vec<News> {
        let Some(room) = self.rooms.get_mut(id) else { return Vec::new() };
        if room.members.contains_key(user) {
            return Vec::new();
        }
        room.members.insert(user.clone(), Standing::default());
        self.room_changed(id)
    }

    /// Takes someone out of a room.
    pub fn remove_member(&mut self, id: &RoomId, user: &UserId) -> Vec<News> {
        let Some(room) = self.rooms.get_mut(id) else { return Vec::new() };
        if room.members.remove(user).is_none() {
            return Vec::new();
        }
        self.record(Change::removed(id, user));
        let mut news = vec![News::Expelled(user.clone(), id.clone())];
        news.extend(self.room_changed(id));
        news
    }

    fn room_changed(&mut self, id: &RoomId) -> Vec<News> {
        let mut news = Vec::new();
        for member in self.members(id) {
            self.record(Change::room(id, &member));
            if let Some(room) = self.room_for(id, &member) {
                news.push(News::Told(member, Box::new(ServerEvent::RoomChanged(RoomChanged { room }))));
            }
        }
        news
    }

    pub(super) fn members(&self, room: &RoomId) -> Vec<UserId> {
        self.rooms.get(room).map(|room| room.members.keys().cloned().collect()).unwrap_or_default()
    }

    /// A room as one of its members sees it.
    pub(super) fn room_for(&self, id: &RoomId, user: &UserId) -> Option<Room> {
        let room = self.rooms.get(id)?;
        let standing = room.members.get(user)?;
        Some(Room {
            id: id.clone(),
            name: room.name.as_str().into(),
            kind: room.kind,
            members: room.members.keys().filter_map(|member| self.users.get(member).cloned()).collect(),
            last_seq: room.last,
            read_seq: standing.read,
            last_message: room.messages.values().next_back().cloned(),
            direct: false,
        })
    }

    /// How many of others' messages stand above a member's read position.
    pub(super) fn unread(&self, id: &RoomId, user: &UserId) -> u64 {
        let Some(room) = self.rooms.get(id) else { return 0 };
        let Some(standing) = room.members.get(user) else { return 0 };
        let unread = room.messages.values().filter(|message| {
            message.seq > Some(standing.read) && message.user_id != *user && message.deleted_at.is_none()
        });
        unread.count() as u64
    }

    /// The room of a member.
    fn entered(&mut self, id: &RoomId, user: &UserId) -> Result<&mut RoomBook, Refusal> {
        match self.rooms.get_mut(id) {
            Some(room) if room.members.contains_key(user) => Ok(room),
            _ => Err(Refusal::new(ErrorCode::Forbidden, "no such room for this person")),
        }
    }

    /// Puts a message into a room's log. A repeat gets the first answer again and is told to nobody.
    pub fn say(&mut self, user: &UserId, wish: SendMessage) -> Result<(SentMessage, Vec<News>), Refusal> {
        let now = self.now;
        let author = self.users.get(user).cloned();
        self.entered(&wish.room_id, user)?;
        if wish.content.as_str().trim().is_empty() {
            return Err(Refusal::new(ErrorCode::BadRequest, "the message is empty"));
        }
        let key = wish.client_message_id.clone().map(|id| (user.clone(), id));
        if let Some((before, answer)) = key.as_ref().and_then(|key| self.asked.get(key)) {
            if *before == wish {
                return Ok((answer.clone(), Vec::new()));
            }
            return Err(Refusal::new(ErrorCode::Conflict, "this clientMessageId was used for another message"));
        }
        let room = self.entered(&wish.room_id, user)?;
        room.last = room.last.next();
        let seq = room.last;
        let Some(author) = author else { return Err(Refusal::new(ErrorCode::Unauthorized, "nobody")) };
        let message = Message {
            id: MessageId::new(format!("{}#{seq}", wish.room_id)),
            room_id: wish.room_id.clone(),
            user_id: user.clone(),
            user_name: author.name,
            user_type: author.user_type,
            content: wish.content.clone(),
            attachments: wish.attachments.clone(),
            metadata: wish.metadata.clone(),
            created_at: now,
            seq: Some(seq),
            client_message_id: wish.client_message_id.clone(),
            priority: wish.priority,
            reply_to: wish.reply_to.clone(),
            mentions: wish.mentions.clone(),
            edited_at: None,
            deleted_at: None,
            reactions: Vec::new(),
            acknowledged_by: Vec::new(),
        };
        room.messages.insert(seq, message.clone());
        let answer = SentMessage {
            id: message.id.clone(),
            room_id: wish.room_id.clone(),
            seq,
            client_message_id: wish.client_message_id.clone(),
            created_at: now,
        };
        self.record(Change::message(&message));
        let members = self.members(&wish.room_id);
        if let Some(key) = key {
            self.asked.insert(key, (wish, answer.clone()));
        }
        Ok((answer, vec![News::Said(Box::new(message), members)]))
    }

    /// Changes the text of an own message; `None` takes it back.
    pub fn change(
        &mut self,
        user: &UserId,
        id: &RoomId,
        message: &MessageId,
        text: Option<&str>,
    ) -> Result<(Seq, Vec<News>), Refusal> {
        let now = self.now;
        let room = self.entered(id, user)?;
        let found = room.messages.values_mut().find(|kept| kept.id == *message && kept.user_id == *user);
        let Some(found) = found else { return Err(Refusal::new(ErrorCode::Forbidden, "no such message of theirs")) };
        if found.deleted_at.is_some() {
            return Err(Refusal::new(ErrorCode::BadRequest, "the message was taken back"));
        }
        match text {
            Some(text) => (found.content, found.edited_at) = (text.into(), Some(now)),
            None => {
                found.content = "".into();
                found.mentions.clear();
                found.reactions.clear();
                found.deleted_at = Some(now);
            }
        }
        let message = found.clone();
        if message.deleted_at.is_some() {
            room.reactions.retain(|(under, _, _)| *under != message.id);
        }
        room.last = room.last.next();
        let seq = room.last;
        let change = MessageChanged { room_id: id.clone(), seq, message };
        self.record(Change::message_changed(&change));
        let members = self.members(id);
        Ok((seq, vec![News::Changed(Box::new(change), members)]))
    }

    /// Puts an emoji under a message or takes it away. Which strings are emoji is not this book's business.
    pub fn react(&mut self, user: &UserId, wish: &React) -> Result<(Seq, Vec<News>), Refusal> {
        let room = self.entered(&wish.room_id, user)?;
        let found = room.messages.values_mut().find(|kept| kept.id == wish.message_id);
        let Some(found) = found else { return Err(Refusal::new(ErrorCode::Forbidden, "no such message")) };
        if found.deleted_at.is_some() {
            return Err(Refusal::new(ErrorCode::BadRequest, "the message was taken back"));
        }
        let row = (wish.message_id.clone(), wish.emoji.clone(), user.clone());
        if room.reactions.contains(&row) == wish.on {
            return Ok((room.last, Vec::new()));
        }
        if wish.on {
            let is_new = found.reactions.iter().all(|it| it.emoji != wish.emoji);
            if is_new && found.reactions.len() >= MAX_REACTIONS {
                return Err(Refusal::new(ErrorCode::TooLarge, "too many different reactions"));
            }
            room.reactions.push(row);
        } else {
            room.reactions.retain(|kept| *kept != row);
        }
        found.reactions.clear();
        for (_, emoji, by) in room.reactions.iter().filter(|(under, _, _)| *under == wish.message_id) {
            match found.reactions.iter_mut().find(|it| it.emoji == *emoji) {
                Some(reaction) => reaction.user_ids.push(by.clone()),
                None => found.reactions.push(Reaction { emoji: emoji.clone(), user_ids: vec![by.clone()] }),
            }
        }
        room.last = room.last.next();
        let change = MessageChanged { room_id: wish.room_id.clone(), seq: room.last, message: found.clone() };
        self.record(Change::message_changed(&change));
        let members = self.members(&wish.room_id);
        Ok((change.seq, vec![News::Changed(Box::new(change), members)]))
    }

    /// Everything up to a position was before the person's eyes.
    pub fn read(&mut self, user: &UserId, id: &RoomId, up_to: Seq) -> Result<(ReadUpTo, Vec<News>), Refusal> {
        let room = self.entered(id, user)?;
        let up_to = up_to.min(room.last);
        let standing = room.members.entry(user.clone()).or_default();
        let rose = up_to > standing.read;
        if rose {
            standing.read = up_to;
            standing.delivered = standing.delivered.max(up_to);
        }
        let answer = ReadUpTo { room_id: id.clone(), read_seq: standing.read };
        Ok((answer, if rose { self.receipt(user, id, ReceiptKind::Read, up_to) } else { Vec::new() }))
    }

    /// Everything up to a position is stored on the person's device.
    pub fn deliver(&mut self, user: &UserId, id: &RoomId, up_to: Seq) -> Result<(DeliveredUpTo, Vec<News>), Refusal> {
        let room = self.entered(id, user)?;
        let up_to = up_to.min(room.last);
        let standing = room.members.entry(user.clone()).or_default();
        let rose = up_to > standing.delivered;
        if rose {
            standing.delivered = up_to;
        }
        let answer = DeliveredUpTo { room_id: id.clone(), delivered_seq: standing.delivered };
        Ok((answer, if rose { self.receipt(user, id, ReceiptKind::Delivered, up_to) } else { Vec::new() }))
    }

    fn receipt(&mut self, user: &UserId, room: &RoomId, kind: ReceiptKind, up_to: Seq) -> Vec<News> {
        let receipt = Receipt {
            room_id: room.clone(),
            user_id: user.clone(),
            kind,
            up_to_seq: Some(up_to),
            message_id: None,
            at: self.now,
        };
        self.record(Change::receipt(&receipt));
        let members = self.members(room);
        vec![News::Receipt(receipt, members)]
    }
}

/// The news of a removal, as its person hears it.
pub(super) fn removal(room: &RoomId) -> ServerEvent {
    ServerEvent::RoomRemoved(RoomRemoved { room_id: room.clone() })
}
