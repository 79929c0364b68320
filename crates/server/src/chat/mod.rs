//! What people do in rooms, the same for sockets, HTTP and those who live in the server.
//!
//! Invariant: authorise, validate, persist, answer, tell the others, in this order. A deed returns [`Settled`]: its answer,
//! already durable, with the room's turn still held. The caller answers first and then calls [`Settled::announce`].

mod changes;
pub(crate) mod escalate;
mod presence;
mod reactions;
mod receipts;
pub(crate) mod retention;
mod rooms;
mod say;
mod validate;

pub(crate) use changes::{delete, edit};
pub(crate) use presence::{enter, leave, pass_on_typing, set_presence, type_notice};
pub(crate) use reactions::react;
pub(crate) use receipts::{acknowledge, deliver, read};
pub(crate) use rooms::begin;
pub(crate) use say::say;

use std::{collections::BTreeMap, sync::Arc};

use hugmedo_chat_protocol::{Message, MessageChanged, Notification, Receipt, Room, RoomId, Seq, ServerEvent, UserId};

use crate::{
    app::App,
    audit::{self, Deed},
    failure::Failure,
    fanout::Heard,
    store::{StoreError, messages},
    turns::Turn,
};

/// A durable deed that still has to be told.
#[must_use = "answer, then announce"]
pub(crate) struct Settled<T> {
    answer: T,
    news: Option<News>,
    turn: Turn,
}

/// What the others have to hear, and who they are, as read in the deed's own transaction.
enum News {
    Said(Box<Message>, Vec<UserId>),
    Changed(Box<MessageChanged>, Vec<UserId>),
    /// Several changes of one room.
    Expired(Vec<MessageChanged>, Vec<UserId>),
    Receipts(Vec<Receipt>, Vec<UserId>),
    /// A room, as each of its members sees it; see [`crate::store::rooms::changed`].
    Rooms(Vec<(UserId, Room)>),
}

impl<T> Settled<T> {
    fn new(answer: T, news: Option<News>, turn: Turn) -> Self {
        Self { answer, news, turn }
    }

    /// The answer, to be given first, and the rest, to be announced after it.
    pub(crate) fn split(self) -> (T, Settled<()>) {
        (self.answer, Settled { answer: (), news: self.news, turn: self.turn })
    }

    /// Tells the others and returns the answer: for a call, behind which nothing of the same caller waits.
    pub(crate) async fn told(self, app: &App) -> T {
        let (answer, untold) = self.split();
        untold.announce(app).await;
        answer
    }
}

impl Settled<()> {
    /// Tells the members and gives the room's turn back.
    pub(crate) async fn announce(self, app: &App) {
        if let Some(nodes) = app.nodes.as_ref().filter(|_| self.news.is_some()) {
            // Told from the database, here as at the other servers.
            let (number, room) = (nodes.moved(), self.turn.room().clone());
            drop(self);
            return nodes.until_told(number, &room).await;
        }
        match self.news {
            None => return,
            Some(News::Said(message, members)) => said(app, *message, &members).await,
            Some(News::Changed(change, members)) => {
                let room = change.room_id.clone();
                app.fanout.to_joined(&room, &members, &ServerEvent::MessageChanged(*change));
            }
            Some(News::Expired(changes, members)) => {
                for change in changes {
                    let room = change.room_id.clone();
                    app.fanout.to_joined(&room, &members, &ServerEvent::MessageChanged(change));
                }
            }
            Some(News::Receipts(receipts, members)) => {
                for receipt in receipts {
                    tell_receipt(app, receipt, &members);
                }
            }
            Some(News::Rooms(views)) => {
                let members: Vec<UserId> = views.iter().map(|(user, _)| user.clone()).collect();
                app.fanout.room_changed(views);
                crate::presence::acquaint(app, members).await;
            }
        }
        app.fanout.wake();
    }
}

/// Writes into the audit that these messages were handed out: one entry for each room. Before they are.
pub(crate) async fn note_fetch(
    app: &App,
    reader: UserId,
    messages: impl Iterator<Item = (&RoomId, Option<Seq>)>,
) -> Result<(), Failure> {
    let mut reached: BTreeMap<RoomId, Option<Seq>> = BTreeMap::new();
    for (room, seq) in messages {
        let highest = reached.entry(room.clone()).or_default();
        *highest = (*highest).max(seq);
    }
    if reached.is_empty() {
        return Ok(());
    }
    app.store
        .write(move |tx| {
            for (room, seq) in &reached {
                audit::append(tx, Some(&reader), Deed::Fetch, Some(room), None, *seq)?;
            }
            Ok::<_, Failure>(())
        })
        .await
}

pub(crate) fn tell_receipt(app: &App, receipt: Receipt, members: &[UserId]) {
    let others: Vec<UserId> = members.iter().filter(|member| **member != receipt.user_id).cloned().collect();
    let (room, reader) = (receipt.room_id.clone(), receipt.user_id.clone());
    let event = ServerEvent::Receipt(receipt);
    app.fanout.to_joined(&room, &others, &event);
    // The reader's own devices, wherever they look: their badges must clear.
    app.fanout.to_user(&reader, &event);
}

pub(crate) async fn said(app: &App, message: Message, members: &[UserId]) {
    let message = Arc::new(message);
    let event = ServerEvent::NewMessage(Message::clone(&message));
    let mut elsewhere = app.fanout.to_joined(&message.room_id, members, &event);
    elsewhere.retain(|user| *user != message.user_id);
    if !elsewhere.is_empty() {
        match unread(app, &message.room_id, elsewhere).await {
            Ok(counts) => {
                for (user, unread) in counts {
                    app.fanout.notify(&user, notification(&message, unread));
                }
            }
            // Only a hint is lost; sync has the message.
            Err(error) => tracing::warn!(%error, "unread could not be counted"),
        }
    }
    app.fanout.hear(Heard::Said(message));
}

fn notification(message: &Message, unread: u64) -> Notification {
    Notification {
        room_id: message.room_id.clone(),
        room: message.room_id.clone(),
        unread,
        seq: message.seq,
        priority: message.priority,
        user_name: Some(message.user_name.clone()),
    }
}

async fn unread(app: &App, room: &RoomId, users: Vec<UserId>) -> Result<Vec<(UserId, u64)>, Failure> {
    let room = room.clone();
    app.store
        .read(move |tx| {
            let counts: Result<_, StoreError> =
                users.into_iter().map(|user| messages::unread(tx, &room, &user).map(|unread| (user, unread))).collect();
            Ok(counts?)
        })
        .await
}
