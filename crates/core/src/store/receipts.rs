//! How far others have come with own messages, and what this person owes the server in return.

use std::collections::BTreeMap;

use hugmedo_chat_protocol::{Receipt, ReceiptKind, RoomId, Seq, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    columns::{name_of, named},
    coverage::{number, position},
    rooms,
};
use crate::{error::Error, view::Delivery};

/// How far each other member of one room has come.
pub(super) struct Progress {
    delivered: Vec<Seq>,
    read: Vec<Seq>,
}

impl Progress {
    /// How far an own message at this position has come, and how many have read it.
    pub(super) fn of(&self, seq: Seq) -> (Delivery, u32) {
        let readers = self.read.iter().filter(|up_to| **up_to >= seq).count();
        let delivery = if readers > 0 {
            Delivery::Read
        } else if self.delivered.iter().any(|up_to| *up_to >= seq) {
            Delivery::Delivered
        } else {
            Delivery::Sent
        };
        (delivery, u32::try_from(readers).unwrap_or(u32::MAX))
    }
}

pub(super) fn progress(connection: &Connection, me: &UserId, room: &RoomId) -> Result<Progress, Error> {
    let mut statement =
        connection.prepare_cached("SELECT kind, up_to_seq FROM receipt WHERE room_id = ? AND user_id <> ?")?;
    let mut rows = statement.query(params![room.as_str(), me.as_str()])?;
    let mut progress = Progress { delivered: Vec::new(), read: Vec::new() };
    while let Some(row) = rows.next()? {
        let up_to = position(row.get(1)?);
        match named::<ReceiptKind>(row.get(0)?) {
            Some(ReceiptKind::Delivered) => progress.delivered.push(up_to),
            Some(ReceiptKind::Read) => progress.read.push(up_to),
            Some(ReceiptKind::Acknowledged | ReceiptKind::Unknown) | None => {}
        }
    }
    Ok(progress)
}

/// Takes in a receipt. Returns the stretch `(after, up_to]` it newly covers; `None` if it says nothing new, or is this
/// person's own, from another device, which moves their read position instead.
pub(crate) fn take_in(connection: &Connection, me: &UserId, receipt: &Receipt) -> Result<Option<(Seq, Seq)>, Error> {
    let Some(up_to) = receipt.up_to_seq else { return Ok(None) };
    if !matches!(receipt.kind, ReceiptKind::Delivered | ReceiptKind::Read) {
        return Ok(None);
    }
    rooms::ensure(connection, &receipt.room_id)?;
    if receipt.user_id == *me {
        if receipt.kind == ReceiptKind::Read {
            rooms::raise_read_seq(connection, &receipt.room_id, up_to)?;
            rooms::note_read_acked(connection, &receipt.room_id, up_to)?;
        }
        return Ok(None);
    }
    let values = params![receipt.room_id.as_str(), receipt.user_id.as_str(), name_of(receipt.kind)];
    let before: Option<i64> = connection
        .query_row("SELECT up_to_seq FROM receipt WHERE room_id = ? AND user_id = ? AND kind = ?", values, |row| {
            row.get(0)
        })
        .optional()?;
    let before = before.map_or(Seq::ZERO, position);
    if up_to <= before {
        return Ok(None);
    }
    connection.execute(
        "INSERT INTO receipt (room_id, user_id, kind, up_to_seq) VALUES (?, ?, ?, ?)
         ON CONFLICT (room_id, user_id, kind) DO UPDATE SET up_to_seq = excluded.up_to_seq",
        params![receipt.room_id.as_str(), receipt.user_id.as_str(), name_of(receipt.kind), number(up_to)],
    )?;
    Ok(Some((before, up_to)))
}

/// What the server has not been told yet, per room.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct DueReceipts {
    /// Up to where the person has read.
    pub(crate) read: BTreeMap<RoomId, Seq>,
    /// Up to where messages are stored here.
    pub(crate) delivered: BTreeMap<RoomId, Seq>,
}

/// Receipts are not queued: they follow from what the store holds and what the server is known to hold.
pub(crate) fn due(connection: &Connection) -> Result<DueReceipts, Error> {
    let mut due = DueReceipts::default();
    let mut statement = connection.prepare_cached(
        "SELECT id, read_seq, read_acked, delivered_acked,
                (SELECT max(last_seq) FROM coverage WHERE room_id = room.id) FROM room",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let room = RoomId::new(row.get::<_, String>(0)?);
        let (read, read_acked): (i64, i64) = (row.get(1)?, row.get(2)?);
        let (delivered, stored): (i64, Option<i64>) = (row.get(3)?, row.get(4)?);
        if read > read_acked {
            due.read.insert(room.clone(), position(read));
        }
        if let Some(stored) = stored.filter(|stored| *stored > delivered) {
            due.delivered.insert(room, position(stored));
        }
    }
    Ok(due)
}

/// The server now knows what is stored here.
pub(crate) fn note_delivered_acked(connection: &Connection, room: &RoomId, up_to: Seq) -> Result<(), Error> {
    connection.execute(
        "UPDATE room SET delivered_acked = max(delivered_acked, ?) WHERE id = ?",
        params![number(up_to), room.as_str()],
    )?;
    Ok(())
}
