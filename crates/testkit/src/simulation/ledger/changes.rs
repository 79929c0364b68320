//! Everything that happened, in one order across rooms, and how one person reads it.
//!
//! Invariants: positions are never reused; a reader gets changes of the rooms it is a member of now, and the news of its own
//! removals; payloads are made when they are read.

use hugmedo_chat_protocol::{
    Message, MessageChanged, Receipt, ReceiptKind, RoomChanged, RoomId, Seq, ServerEvent, Timestamp, UserId,
};

use super::{Ledger, removal};

#[derive(Debug, Clone)]
pub(in crate::simulation) struct Change {
    id: u64,
    room: RoomId,
    /// Receipts: whose. Of a room itself: the only reader.
    user: Option<UserId>,
    at: Timestamp,
    kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Message(Seq),
    /// Where the message stands, and the position of the change.
    MessageChanged(Seq, Seq),
    Receipt(ReceiptKind, Seq),
    Room,
    Removed,
}

impl Change {
    fn new(room: &RoomId, user: Option<&UserId>, at: Timestamp, kind: Kind) -> Self {
        Self { id: 0, room: room.clone(), user: user.cloned(), at, kind }
    }

    pub(super) fn message(message: &Message) -> Self {
        Self::new(&message.room_id, None, message.created_at, Kind::Message(message.seq.unwrap_or_default()))
    }

    pub(super) fn message_changed(change: &MessageChanged) -> Self {
        let kind = Kind::MessageChanged(change.message.seq.unwrap_or_default(), change.seq);
        Self::new(&change.room_id, None, change.message.created_at, kind)
    }

    pub(super) fn receipt(receipt: &Receipt) -> Self {
        let kind = Kind::Receipt(receipt.kind, receipt.up_to_seq.unwrap_or_default());
        Self::new(&receipt.room_id, Some(&receipt.user_id), receipt.at, kind)
    }

    pub(super) fn room(room: &RoomId, reader: &UserId) -> Self {
        Self::new(room, Some(reader), Timestamp::from_millis(0), Kind::Room)
    }

    pub(super) fn removed(room: &RoomId, reader: &UserId) -> Self {
        Self::new(room, Some(reader), Timestamp::from_millis(0), Kind::Removed)
    }
}

impl Ledger {
    pub(super) fn record(&mut self, mut change: Change) {
        if let Kind::Receipt(kind, _) = &change.kind {
            // A cumulative receipt says all its forerunners did.
            let replaced = |old: &Change| {
                old.room == change.room
                    && old.user == change.user
                    && matches!(&old.kind, Kind::Receipt(old_kind, _) if old_kind == kind)
            };
            self.changes.retain(|old| !replaced(old));
        }
        self.last_change += 1;
        change.id = self.last_change;
        self.changes.push(change);
    }

    /// Forgets what happened so far: older cursors are too old from now on.
    pub(in crate::simulation) fn forget_changes(&mut self) {
        self.changes.clear();
        self.floor = self.last_change;
    }

    /// What happened after a position, for one reader; where to go on; whether more is waiting. `None`: too old.
    pub(super) fn after(&self, user: &UserId, position: u64, limit: usize) -> Option<(Vec<ServerEvent>, u64, bool)> {
        if position < self.floor || position > self.last_change {
            return None;
        }
        let concerns = |change: &&Change| {
            change.id > position
                && match change.kind {
                    Kind::Room | Kind::Removed => change.user.as_ref() == Some(user),
                    _ => self.rooms.get(&change.room).is_some_and(|room| room.members.contains_key(user)),
                }
        };
        let mut rows: Vec<&Change> = self.changes.iter().filter(concerns).take(limit + 1).collect();
        let has_more = rows.len() > limit;
        rows.truncate(limit);
        let next = if has_more { rows.last().map_or(position, |row| row.id) } else { self.last_change };
        Some((rows.into_iter().filter_map(|row| self.told(row, user)).collect(), next, has_more))
    }

    fn told(&self, change: &Change, reader: &UserId) -> Option<ServerEvent> {
        let message = |seq| self.rooms.get(&change.room)?.messages.get(&seq).cloned();
        match change.kind {
            Kind::Message(seq) => message(seq).map(ServerEvent::NewMessage),
            Kind::MessageChanged(of, seq) => message(of).map(|message| {
                ServerEvent::MessageChanged(MessageChanged { room_id: change.room.clone(), seq, message })
            }),
            Kind::Receipt(kind, up_to) => Some(ServerEvent::Receipt(Receipt {
                room_id: change.room.clone(),
                user_id: change.user.clone()?,
                kind,
                up_to_seq: Some(up_to),
                message_id: None,
                at: change.at,
            })),
            Kind::Room => {
                self.room_for(&change.room, reader).map(|room| ServerEvent::RoomChanged(RoomChanged { room }))
            }
            Kind::Removed => Some(removal(&change.room)),
        }
    }
}
