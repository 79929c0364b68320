//! Everything that happened, in one order across rooms: what `GET /api/sync` reads.
//!
//! Invariants: a change is recorded in the transaction that makes it, so it exists if and only if it happened; positions
//! are never reused; a reader gets changes of the rooms it is a member of *now*, and the news of its own removals.
//! Payloads are made when they are read: a message deleted since comes as the empty message it now is.

use hugmedo_chat_protocol::{
    Message, MessageChanged, MessageId, Receipt, ReceiptKind, RoomChanged, RoomId, RoomRemoved, Seq, ServerEvent,
    Timestamp, UserId,
};

use super::{
    StoreError, columns, messages, now, rooms,
    sql::{self, OptionalExtension, Transaction},
};
use crate::authorize::Principal;

/// One stretch of the order, as one reader sees it.
pub(crate) struct Stretch {
    pub(crate) events: Vec<ServerEvent>,
    /// Where to go on.
    pub(crate) position: i64,
    pub(crate) has_more: bool,
}

struct Row {
    id: i64,
    kind: String,
    room: RoomId,
    user: Option<UserId>,
    message: Option<String>,
    seq: Option<Seq>,
    at: Timestamp,
}

impl Row {
    fn read(row: &sql::Row<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.get(0)?,
            kind: row.get(1)?,
            room: RoomId::new(row.get::<String>(2)?),
            user: row.get::<Option<String>>(3)?.map(UserId::new),
            message: row.get(4)?,
            seq: row.get::<Option<i64>>(5)?.map(columns::seq),
            at: Timestamp::from_millis(row.get(6)?),
        })
    }
}

fn record(
    tx: &Transaction<'_>,
    kind: &str,
    room: &RoomId,
    user: Option<&UserId>,
    message: Option<&MessageId>,
    seq: Option<Seq>,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO change (kind, room_id, user_id, message_id, seq, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute((
        kind,
        room.as_str(),
        user.map(UserId::as_str),
        message.map(MessageId::as_str),
        seq.map(columns::number),
        now(),
    ))?;
    Ok(())
}

pub(super) fn record_message(tx: &Transaction<'_>, message: &Message) -> Result<(), StoreError> {
    record(tx, "message", &message.room_id, None, Some(&message.id), message.seq)
}

pub(super) fn record_message_changed(tx: &Transaction<'_>, change: &MessageChanged) -> Result<(), StoreError> {
    record(tx, "message_changed", &change.room_id, None, Some(&change.message.id), Some(change.seq))
}

pub(super) fn record_receipt(tx: &Transaction<'_>, receipt: &Receipt) -> Result<(), StoreError> {
    let kind = match receipt.kind {
        ReceiptKind::Read => "read",
        ReceiptKind::Delivered => "delivered",
        ReceiptKind::Acknowledged => "acknowledged",
        ReceiptKind::Unknown => return Ok(()),
    };
    if receipt.up_to_seq.is_some() {
        // A cumulative receipt says all its forerunners did.
        tx.prepare_cached("DELETE FROM change WHERE room_id = ?1 AND user_id = ?2 AND kind = ?3")?.execute((
            receipt.room_id.as_str(),
            receipt.user_id.as_str(),
            kind,
        ))?;
    }
    record(tx, kind, &receipt.room_id, Some(&receipt.user_id), receipt.message_id.as_ref(), receipt.up_to_seq)
}

/// The room is, as each of its members sees it, not what it was.
pub(super) fn record_room_changed(tx: &Transaction<'_>, room: &RoomId) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO change (kind, room_id, user_id, at)
         SELECT 'room_changed', room_id, user_id, ?2 FROM member WHERE room_id = ?1 ORDER BY user_id",
    )?
    .execute((room.as_str(), now()))?;
    Ok(())
}

/// The reader has been removed from the room.
pub(crate) fn record_room_removed(tx: &Transaction<'_>, room: &RoomId, reader: &UserId) -> Result<(), StoreError> {
    record(tx, "room_removed", room, Some(reader), None, None)
}

/// The newest position.
pub(crate) fn head(tx: &Transaction<'_>) -> Result<i64, StoreError> {
    // Not max(id): the newest rows may have been replaced by none at all.
    let head = tx.prepare_cached(tx.change_head())?.query_row((), |row| row.get(0)).optional()?;
    Ok(head.unwrap_or(0))
}

/// The oldest position a reader can go on from.
pub(crate) fn floor(tx: &Transaction<'_>) -> Result<i64, StoreError> {
    let floor: Option<String> = tx
        .prepare_cached("SELECT value FROM meta WHERE key = 'change_floor'")?
        .query_row((), |row| row.get(0))
        .optional()?;
    Ok(floor.and_then(|floor| floor.parse().ok()).unwrap_or(0))
}

/// Forgets changes recorded before an instant and raises the floor over them.
pub(crate) fn forget_before(tx: &Transaction<'_>, instant: i64) -> Result<(), StoreError> {
    let last: Option<i64> = tx.query_row("SELECT max(id) FROM change WHERE at < ?1", (instant,), |row| row.get(0))?;
    if let Some(last) = last {
        tx.execute("DELETE FROM change WHERE id <= ?1", (last,))?;
        tx.execute(
            "INSERT INTO meta (key, value) VALUES ('change_floor', ?1)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (last.to_string(),),
        )?;
    }
    Ok(())
}

/// What happened after a position, for one reader.
pub(crate) fn after(tx: &Transaction<'_>, who: &Principal, position: i64, limit: usize) -> Result<Stretch, StoreError> {
    let head = head(tx)?;
    let mut statement = tx.prepare_cached(
        "SELECT id, kind, room_id, user_id, message_id, seq, at FROM change
         WHERE id > ?1 AND CASE WHEN kind IN ('room_changed', 'room_removed') THEN user_id = ?2
                                ELSE room_id IN (SELECT room_id FROM member WHERE user_id = ?2) END
         ORDER BY id LIMIT ?3",
    )?;
    let asked = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut rows =
        statement.query_map((position, who.id().as_str(), asked), Row::read)?.collect::<Result<Vec<_>, _>>()?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let position = if has_more { rows.last().map_or(head, |row| row.id) } else { head };
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        events.extend(event(tx, row, who.id())?);
    }
    Ok(Stretch { events, position, has_more })
}

/// A change, as it is to be told.
pub(crate) struct Told {
    pub(crate) room: RoomId,
    /// The only one to be told, of news that are one person's.
    pub(crate) reader: Option<UserId>,
    pub(crate) event: ServerEvent,
}

/// What happened after a position, for everyone; where to go on, and whether there is more.
pub(crate) fn all_after(
    tx: &Transaction<'_>,
    position: i64,
    limit: usize,
) -> Result<(Vec<Told>, i64, bool), StoreError> {
    let head = head(tx)?;
    let asked = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = tx
        .prepare_cached(
            "SELECT id, kind, room_id, user_id, message_id, seq, at FROM change WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?
        .query_map((position, asked), Row::read)?
        .collect::<Result<Vec<_>, _>>()?;
    let has_more = rows.len() >= limit;
    let position = if has_more { rows.last().map_or(head, |row| row.id) } else { head };
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        let (room, user) = (row.room.clone(), row.user.clone());
        let reader = user.clone().filter(|_| row.kind.starts_with("room_"));
        // Receipts have a person who is not their reader; the rest has none.
        let event = event(tx, row, &user.unwrap_or_else(|| UserId::new("")))?;
        all.extend(event.map(|event| Told { room, reader, event }));
    }
    Ok((all, position, has_more))
}

/// Rooms whose membership changed after a position, and for whom; for news of another process's work.
pub(crate) fn memberships_after(tx: &Transaction<'_>, position: i64) -> Result<Vec<(RoomId, UserId)>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT DISTINCT room_id, user_id FROM change
         WHERE id > ?1 AND kind IN ('room_changed', 'room_removed') AND user_id IS NOT NULL",
    )?;
    let found = statement
        .query_map((position,), |row| Ok((RoomId::new(row.get::<String>(0)?), UserId::new(row.get::<String>(1)?))))?;
    found.collect::<Result<_, _>>()
}

fn event(tx: &Transaction<'_>, row: Row, reader: &UserId) -> Result<Option<ServerEvent>, StoreError> {
    let receipt = |kind| {
        row.user.clone().map(|user_id| {
            ServerEvent::Receipt(Receipt {
                room_id: row.room.clone(),
                user_id,
                kind,
                up_to_seq: row.seq,
                message_id: row.message.clone().map(MessageId::new),
                at: row.at,
            })
        })
    };
    let message = |id: &Option<String>| match id {
        Some(id) => messages::by_id(tx, id),
        None => Ok(None),
    };
    Ok(match row.kind.as_str() {
        "message" => message(&row.message)?.map(ServerEvent::NewMessage),
        "message_changed" => match (message(&row.message)?, row.seq) {
            (Some(message), Some(seq)) => {
                Some(ServerEvent::MessageChanged(MessageChanged { room_id: row.room, seq, message }))
            }
            _ => None,
        },
        "read" => receipt(ReceiptKind::Read),
        "delivered" => receipt(ReceiptKind::Delivered),
        "acknowledged" => receipt(ReceiptKind::Acknowledged),
        // Not a member any more: the removal follows further on.
        "room_changed" => {
            rooms::as_seen_by(tx, &row.room, reader)?.map(|room| ServerEvent::RoomChanged(RoomChanged { room }))
        }
        "room_removed" => Some(ServerEvent::RoomRemoved(RoomRemoved { room_id: row.room })),
        _ => return Err(StoreError::Unreadable("change")),
    })
}
