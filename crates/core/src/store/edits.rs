//! Another wording of an own message that a person has begun, per room.
//!
//! Invariant: it does not outlast its message.

use hugmedo_chat_protocol::{MessageId, RoomId, Sensitive, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::rows;
use crate::{
    error::Error,
    view::{BegunEdit, EditText},
};

/// What was begun in a room; `None` too while its message is not here.
pub(crate) fn begun(connection: &Connection, me: &UserId, room: &RoomId) -> Result<Option<BegunEdit>, Error> {
    let found = connection
        .prepare_cached(
            "SELECT message.local_id, edit.content FROM edit
             JOIN message ON message.room_id = edit.room_id AND message.id = edit.message_id
             WHERE edit.room_id = ? AND message.deleted_at IS NULL",
        )?
        .query_row(params![room.as_str()], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    let Some((local_id, content)) = found else { return Ok(None) };
    let message = rows::one(connection, me, local_id)?;
    Ok(message.map(|message| BegunEdit { message, content: Sensitive::new(content) }))
}

/// Keeps what was begun in a room, in place of any other; `None` forgets it.
pub(crate) fn keep(connection: &Connection, room: &RoomId, edit: Option<&EditText>) -> Result<(), Error> {
    connection.execute("DELETE FROM edit WHERE room_id = ?", params![room.as_str()])?;
    if let Some(EditText { message_id, content }) = edit {
        connection.execute(
            "INSERT INTO edit (room_id, message_id, content) VALUES (?, ?, ?)",
            params![room.as_str(), MessageId::as_str(message_id), content.as_str()],
        )?;
    }
    Ok(())
}

/// Forgets what was begun of a message that was taken back.
pub(super) fn forget_taken_back(connection: &Connection, local_id: i64) -> Result<(), Error> {
    connection.execute(
        "DELETE FROM edit WHERE (room_id, message_id) IN
           (SELECT room_id, id FROM message WHERE local_id = ? AND deleted_at IS NOT NULL)",
        params![local_id],
    )?;
    Ok(())
}
