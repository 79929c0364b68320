//! What a window would show, from core's changes alone, and whether it may be shown.
//!
//! Invariants looked after with every change: a message has one row; a row's position never changes; how far a message has
//! come never goes back, but for a failure and its retry. What was said since the window has looked has to come by itself,
//! see [`Screen::lacks`].

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hugmedo_chat_core::{
    Core,
    view::{
        ChannelItem, ConnectionState, ConnectionView, Delivery, MessageView, RoomView, SessionView, Snapshot,
        ViewChange, ViewEvent,
    },
};
use hugmedo_chat_protocol::{ClientMessageId, MessageId, RoomId, Seq};

use super::post::SharedPost;

type Rows = BTreeMap<String, MessageView>;

/// One run of one computer.
#[derive(Debug, Default)]
pub(super) struct Screen {
    pub(super) session: Option<SessionView>,
    pub(super) connection: Option<ConnectionView>,
    pub(super) rooms: BTreeMap<RoomId, RoomView>,
    pub(super) rows: BTreeMap<RoomId, Rows>,
    /// Own messages that were shown as sent, in any run.
    pub(super) shown_as_sent: BTreeMap<ClientMessageId, RoomId>,
    /// What must not have been shown.
    pub(super) breaches: Vec<String>,
    /// How often the link came to life.
    pub(super) lives: u64,
    /// The newest position of each room when the window last looked; what comes later has to be told.
    looked_at: BTreeMap<RoomId, Seq>,
    by_place: BTreeMap<(RoomId, Seq), String>,
    by_id: BTreeMap<(RoomId, MessageId), String>,
}

impl Screen {
    pub(super) fn begin(&mut self, snapshot: Snapshot) {
        self.session = snapshot.session;
        self.connection = Some(snapshot.connection);
        self.rooms = snapshot.rooms.into_iter().map(|room| (room.id.clone(), room)).collect();
        self.rows.clear();
        self.by_place.clear();
        self.by_id.clear();
    }

    /// Core on this computer is no more; what it has shown stays on record.
    pub(super) fn go_dark(&mut self) {
        self.begin_anew();
        (self.session, self.connection) = (None, None);
    }

    pub(super) fn is_live(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| connection.state == ConnectionState::Live)
    }

    /// Whether a row that is in the store was never told.
    pub(super) fn lacks(&self, row: &MessageView) -> bool {
        let since = self.looked_at.get(&row.room_id).copied().unwrap_or_default();
        let is_shown = self.rows.get(&row.room_id).is_some_and(|rows| rows.contains_key(&row.key));
        row.seq.is_some_and(|seq| seq > since) && !is_shown
    }

    fn forget(&mut self, room: &RoomId) {
        self.rows.remove(room);
        self.by_place.retain(|(of, _), _| of != room);
        self.by_id.retain(|(of, _), _| of != room);
    }

    pub(super) fn apply(&mut self, change: ViewChange) {
        match change {
            ViewChange::SessionChanged { session, .. } => {
                if session.is_none() {
                    self.begin_anew();
                }
                self.session = session;
            }
            ViewChange::ConnectionChanged { connection } => {
                self.lives += u64::from(connection.state == ConnectionState::Live && !self.is_live());
                self.connection = Some(connection);
            }
            ViewChange::RoomUpserted { room } => drop(self.rooms.insert(room.id.clone(), room)),
            ViewChange::RoomRemoved { room_id } => {
                self.rooms.remove(&room_id);
                self.forget(&room_id);
            }
            ViewChange::MessagesUpserted { messages, .. } => messages.into_iter().for_each(|row| self.show(row)),
            ViewChange::MessageRemoved { room_id, key } => {
                if let Some(rows) = self.rows.get_mut(&room_id) {
                    rows.remove(&key);
                }
            }
            ViewChange::TimelineReset { room_id } => self.forget(&room_id),
            ViewChange::TypingChanged { .. }
            | ViewChange::PreferencesChanged { .. }
            | ViewChange::TroubleChanged { .. }
            | ViewChange::LockChanged { .. }
            | ViewChange::AttachmentChanged { .. }
            | ViewChange::ServerOffered { .. }
            | ViewChange::RoomRequested { .. } => {}
            // Kinds that a later version adds say nothing about messages.
            #[allow(unreachable_patterns, reason = "the list of changes grows")]
            _ => {}
        }
    }

    fn begin_anew(&mut self) {
        self.rooms.clear();
        self.rows.clear();
        self.by_place.clear();
        self.by_id.clear();
    }

    fn show(&mut self, row: MessageView) {
        self.check(&row);
        if let (Some(id), Some(delivery)) = (&row.client_message_id, row.delivery)
            && delivery >= Delivery::Sent
        {
            self.shown_as_sent.insert(id.clone(), row.room_id.clone());
        }
        self.rows.entry(row.room_id.clone()).or_default().insert(row.key.clone(), row);
    }

    fn check(&mut self, row: &MessageView) {
        let (room, key) = (&row.room_id, &row.key);
        if let Some(seq) = row.seq {
            let other = self.by_place.insert((room.clone(), seq), key.clone());
            if let Some(other) = other.filter(|other| other != key) {
                self.breaches.push(format!("rows {other} and {key} both stand at {room} {seq}"));
            }
        }
        if let Some(id) = &row.id {
            let other = self.by_id.insert((room.clone(), id.clone()), key.clone());
            if let Some(other) = other.filter(|other| other != key) {
                self.breaches.push(format!("rows {other} and {key} are both {id}"));
            }
        }
        let Some(before) = self.rows.get(room).and_then(|rows| rows.get(key)) else { return };
        if before.seq.is_some() && before.seq != row.seq {
            self.breaches.push(format!("row {key} moved from {:?} to {:?}", before.seq, row.seq));
        }
        if let (Some(old), Some(new)) = (before.delivery, row.delivery)
            && old >= Delivery::Sent
            && new < old
        {
            self.breaches.push(format!("row {key} went back from {old:?} to {new:?}"));
        }
    }
}

/// Shows what core tells until core is gone.
pub(super) async fn watch(core: Core, screen: Arc<Mutex<Screen>>, post: SharedPost) {
    let newest = || held(&post).ledger.rooms.iter().map(|(id, book)| (id.clone(), book.last)).collect();
    loop {
        let Ok((snapshot, mut changes)) = core.subscribe().await else { return };
        let now: BTreeMap<RoomId, Seq> = newest();
        held(&screen).begin(snapshot);
        held(&screen).looked_at = now;
        loop {
            match changes.next().await {
                Some(ChannelItem::Events { events }) => {
                    let now: BTreeMap<RoomId, Seq> = newest();
                    let mut screen = held(&screen);
                    for ViewEvent { change, .. } in events {
                        match &change {
                            ViewChange::SessionChanged { .. } => screen.looked_at = now.clone(),
                            ViewChange::TimelineReset { room_id } => {
                                let newest = now.get(room_id).copied().unwrap_or_default();
                                screen.looked_at.insert(room_id.clone(), newest);
                            }
                            _ => {}
                        }
                        screen.apply(change);
                    }
                }
                Some(ChannelItem::Lagged) => break,
                None => return,
            }
        }
    }
}

pub(super) fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
