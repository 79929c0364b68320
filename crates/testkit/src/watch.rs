//! Watching core as an interface would, and waiting for something to become true.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Result, bail};
use hugmedo_chat_core::{
    Changes, Core, ErrorCode,
    view::{
        ChannelItem, ConnectionState, ConnectionView, Delivery, LockView, MessageView, RoomView, SessionView,
        TypingPerson, ViewChange,
    },
};
use hugmedo_chat_protocol::RoomId;
use tokio::time::timeout;

/// Longer than anything in a test takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// What an interface would show, kept up to date from core's changes alone.
pub struct Watch {
    changes: Changes,
    /// Who is signed in.
    pub session: Option<SessionView>,
    /// What a locked app shows.
    pub lock: Option<LockView>,
    /// The standing trouble, if any.
    pub trouble: Option<ErrorCode>,
    /// The link.
    pub connection: ConnectionView,
    /// The rooms.
    pub rooms: BTreeMap<RoomId, RoomView>,
    /// Rows that changes brought, by key.
    pub messages: BTreeMap<RoomId, BTreeMap<String, MessageView>>,
    /// Who is writing.
    pub typing: BTreeMap<RoomId, Vec<TypingPerson>>,
    /// Every change so far, oldest first.
    pub history: Vec<ViewChange>,
}

impl Watch {
    /// Subscribes.
    ///
    /// # Errors
    /// If the snapshot cannot be had.
    pub async fn of(core: &Core) -> Result<Self> {
        let (snapshot, changes) = core.subscribe().await?;
        Ok(Self {
            changes,
            session: snapshot.session,
            lock: snapshot.lock,
            trouble: snapshot.trouble,
            connection: snapshot.connection,
            rooms: snapshot.rooms.into_iter().map(|room| (room.id.clone(), room)).collect(),
            messages: BTreeMap::new(),
            typing: BTreeMap::new(),
            history: Vec::new(),
        })
    }

    /// Takes in changes until `is_true` holds.
    ///
    /// # Errors
    /// If it does not come to hold, naming `what` was waited for.
    pub async fn until(&mut self, what: &str, is_true: impl Fn(&Self) -> bool) -> Result<()> {
        let waiting = async {
            // What holds only between two changes of a batch has held.
            let mut held = is_true(self);
            while !held {
                match self.changes.next().await {
                    Some(ChannelItem::Events { events }) => {
                        for event in events {
                            self.apply(event.change);
                            held |= is_true(self);
                        }
                    }
                    Some(ChannelItem::Lagged) => bail!("the watch lagged behind"),
                    None => bail!("core ended while waiting for: {what}"),
                }
            }
            Ok(())
        };
        match timeout(PATIENCE, waiting).await {
            Ok(result) => result,
            Err(_) => bail!("waited in vain for: {what}; the link is {:?}", self.connection),
        }
    }

    /// Waits for the link to be up and up to date.
    ///
    /// # Errors
    /// See [`Watch::until`].
    pub async fn until_live(&mut self) -> Result<()> {
        self.until("a live link", |watch| watch.connection.state == ConnectionState::Live).await
    }

    /// Waits for a row with this text to have come at least this far (others' rows have no delivery; `None` means any).
    ///
    /// # Errors
    /// See [`Watch::until`].
    pub async fn until_message(
        &mut self,
        room: &RoomId,
        text: &str,
        delivery: Option<Delivery>,
    ) -> Result<MessageView> {
        self.until("a message", |watch| watch.message(room, text).is_some_and(|row| row.delivery >= delivery)).await?;
        match self.message(room, text) {
            Some(row) => Ok(row.clone()),
            None => bail!("the row is gone again"),
        }
    }

    /// The row with this text, if a change has brought one.
    pub fn message(&self, room: &RoomId, text: &str) -> Option<&MessageView> {
        self.messages.get(room)?.values().find(|row| row.content.as_str() == text)
    }

    /// How many rows with this text changes have brought.
    pub fn count(&self, room: &RoomId, text: &str) -> usize {
        self.messages.get(room).map_or(0, |rows| rows.values().filter(|row| row.content.as_str() == text).count())
    }

    fn apply(&mut self, change: ViewChange) {
        self.history.push(change.clone());
        match change {
            ViewChange::SessionChanged { session, .. } => {
                if session.is_none() {
                    self.rooms.clear();
                    self.messages.clear();
                }
                self.session = session;
            }
            ViewChange::LockChanged { lock } => self.lock = lock,
            ViewChange::TroubleChanged { trouble } => self.trouble = trouble,
            ViewChange::ConnectionChanged { connection } => self.connection = connection,
            ViewChange::RoomUpserted { room } => drop(self.rooms.insert(room.id.clone(), room)),
            ViewChange::RoomRemoved { room_id } => {
                self.rooms.remove(&room_id);
                self.messages.remove(&room_id);
            }
            ViewChange::MessagesUpserted { room_id, messages } => {
                let rows = self.messages.entry(room_id).or_default();
                rows.extend(messages.into_iter().map(|row| (row.key.clone(), row)));
            }
            ViewChange::MessageRemoved { room_id, key } => {
                if let Some(rows) = self.messages.get_mut(&room_id) {
                    rows.remove(&key);
                }
            }
            ViewChange::TypingChanged { room_id, typing } => drop(self.typing.insert(room_id, typing)),
            ViewChange::PresenceChanged { .. }
            | ViewChange::AttachmentChanged { .. }
            | ViewChange::TimelineReset { .. }
            | ViewChange::PreferencesChanged { .. }
            | ViewChange::ServerOffered { .. }
            | ViewChange::RoomRequested { .. } => {}
        }
    }
}
