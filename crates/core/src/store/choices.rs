//! A person's own arrangement of their rooms, on this computer.

use hugmedo_chat_protocol::RoomId;
use rusqlite::{Connection, OptionalExtension, params};

use super::columns::{name_of, named};
use crate::{error::Error, view::RoomChoices};

pub(crate) fn of(connection: &Connection, room: &RoomId) -> Result<RoomChoices, Error> {
    let choices = connection
        .prepare_cached("SELECT pinned, notify FROM room_choice WHERE room_id = ?")?
        .query_row(params![room.as_str()], |row| {
            Ok(RoomChoices { pinned: row.get(0)?, notify: named(row.get(1)?).unwrap_or_default() })
        })
        .optional()?;
    Ok(choices.unwrap_or_default())
}

/// Keeps what the person chose.
pub(crate) fn set(connection: &Connection, room: &RoomId, choices: RoomChoices) -> Result<(), Error> {
    connection.execute(
        "INSERT INTO room_choice (room_id, pinned, notify) VALUES (?, ?, ?)
         ON CONFLICT (room_id) DO UPDATE SET pinned = excluded.pinned, notify = excluded.notify",
        params![room.as_str(), choices.pinned, name_of(choices.notify)],
    )?;
    Ok(())
}
