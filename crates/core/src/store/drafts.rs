//! What a person has begun to write, per room.

use hugmedo_chat_protocol::{RoomId, Sensitive, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::Error;

pub(crate) fn draft(connection: &Connection, room: &RoomId) -> Result<Sensitive, Error> {
    let content: Option<String> = connection
        .query_row("SELECT content FROM draft WHERE room_id = ?", params![room.as_str()], |row| row.get(0))
        .optional()?;
    Ok(Sensitive::new(content.unwrap_or_default()))
}

/// Keeps a draft; an empty one is forgotten.
pub(crate) fn save_draft(connection: &Connection, room: &RoomId, content: &Sensitive) -> Result<(), Error> {
    if content.as_str().is_empty() {
        connection.execute("DELETE FROM draft WHERE room_id = ?", params![room.as_str()])?;
    } else {
        connection.execute(
            "INSERT INTO draft (room_id, content, updated_at) VALUES (?, ?, ?)
             ON CONFLICT (room_id) DO UPDATE SET content = excluded.content, updated_at = excluded.updated_at",
            params![room.as_str(), content.as_str(), Timestamp::now().as_millis()],
        )?;
    }
    Ok(())
}
