//! A message looked at closely: how far it has come with each member of its room.

use std::collections::BTreeMap;

use hugmedo_chat_protocol::{MessageId, ReceiptKind, RoomId, Seq, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::{acknowledgements, columns::named, coverage::position, rooms, rows};
use crate::{
    error::{Error, ErrorCode},
    view::{MemberReceipt, MessageDetails},
};

/// Everything known of a message that is here.
pub(crate) fn of(connection: &Connection, me: &UserId, room: &RoomId, id: &MessageId) -> Result<MessageDetails, Error> {
    let missing = || Error::new(ErrorCode::NotFound, "no such message");
    let (local_id, edited_at) = connection
        .query_row(
            "SELECT local_id, edited_at FROM message WHERE room_id = ? AND id = ?",
            params![room.as_str(), id.as_str()],
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?)),
        )
        .optional()?
        .ok_or_else(missing)?;
    let message = rows::one(connection, me, local_id)?.ok_or_else(missing)?;
    let seq = message.seq.unwrap_or_default();
    let positions = positions(connection, me, room)?;
    let took_on: BTreeMap<UserId, Timestamp> = acknowledgements::of(connection, room, id)?.into_iter().collect();
    let members = rooms::members(connection, room)?
        .into_iter()
        .filter(|member| member.id != message.author.id)
        .map(|user| {
            let reached = |kind| positions.get(&(user.id.clone(), kind)).is_some_and(|up_to| *up_to >= seq);
            let acknowledged_at = took_on.get(&user.id).copied();
            let read = reached(Kind::Read) || acknowledged_at.is_some();
            MemberReceipt { delivered: read || reached(Kind::Delivered), read, acknowledged_at, user }
        })
        .collect();
    Ok(MessageDetails { message, edited_at: edited_at.map(Timestamp::from_millis), members })
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Delivered,
    Read,
}

/// How far everyone has come in a room, the reader by what is here.
fn positions(connection: &Connection, me: &UserId, room: &RoomId) -> Result<BTreeMap<(UserId, Kind), Seq>, Error> {
    let mut positions = BTreeMap::new();
    let mut statement = connection.prepare_cached("SELECT user_id, kind, up_to_seq FROM receipt WHERE room_id = ?")?;
    let mut rows = statement.query(params![room.as_str()])?;
    while let Some(row) = rows.next()? {
        let kind = match named::<ReceiptKind>(row.get(1)?) {
            Some(ReceiptKind::Delivered) => Kind::Delivered,
            Some(ReceiptKind::Read) => Kind::Read,
            Some(ReceiptKind::Acknowledged | ReceiptKind::Unknown) | None => continue,
        };
        positions.insert((UserId::new(row.get::<_, String>(0)?), kind), position(row.get(2)?));
    }
    let read: Option<i64> = connection
        .query_row("SELECT read_seq FROM room WHERE id = ?", params![room.as_str()], |row| row.get(0))
        .optional()?;
    positions.insert((me.clone(), Kind::Read), read.map_or(Seq::ZERO, position));
    positions.insert((me.clone(), Kind::Delivered), rooms::last_seq(connection, room)?);
    Ok(positions)
}
