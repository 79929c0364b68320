//! Who has taken an urgent message on, which is more than having read it.

use hugmedo_chat_protocol::{MessageId, Receipt, ReceiptKind, RoomId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::rooms;
use crate::error::Error;

/// Takes in word that someone took a message on. Returns the message's row, unless that was known or it is not here.
pub(crate) fn take_in(connection: &Connection, receipt: &Receipt) -> Result<Option<i64>, Error> {
    let (ReceiptKind::Acknowledged, Some(message)) = (receipt.kind, &receipt.message_id) else { return Ok(None) };
    note(connection, &receipt.room_id, message, &receipt.user_id, receipt.at)
}

/// As [`take_in`], once the server has said so to the person's own question.
pub(crate) fn note(
    connection: &Connection,
    room: &RoomId,
    message: &MessageId,
    user: &UserId,
    at: Timestamp,
) -> Result<Option<i64>, Error> {
    rooms::ensure(connection, room)?;
    let added = connection.execute(
        "INSERT INTO acknowledgement (room_id, message_id, user_id, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
        params![room.as_str(), message.as_str(), user.as_str(), at.as_millis()],
    )?;
    if added == 0 {
        return Ok(None);
    }
    Ok(connection
        .query_row(
            "SELECT local_id FROM message WHERE room_id = ? AND id = ?",
            params![room.as_str(), message.as_str()],
            |row| row.get(0),
        )
        .optional()?)
}

/// Everyone who has taken a message on, and when; the first comes first.
pub(crate) fn of(
    connection: &Connection,
    room: &RoomId,
    message: &MessageId,
) -> Result<Vec<(UserId, Timestamp)>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT user_id, at FROM acknowledgement WHERE room_id = ? AND message_id = ? ORDER BY at, user_id",
    )?;
    let rows = statement.query_map(params![room.as_str(), message.as_str()], |row| {
        Ok((UserId::new(row.get::<_, String>(0)?), Timestamp::from_millis(row.get(1)?)))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
