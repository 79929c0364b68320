//! Which messages are unread, by their ids alone: what a locked app goes on counting from.

use hugmedo_chat_protocol::{MessageId, RoomId, Seq, UserId};
use rusqlite::{Connection, params};

use super::{coverage::position, rooms::READ};
use crate::error::Error;

/// An unread message of someone else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unread {
    pub(crate) room_id: RoomId,
    pub(crate) seq: Seq,
    pub(crate) id: MessageId,
    pub(crate) urgent: bool,
}

/// All of them, as the room list counts them.
pub(crate) fn all(connection: &Connection, me: &UserId) -> Result<Vec<Unread>, Error> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT m.room_id, m.seq, m.id, m.priority = 'urgent'
         FROM room r JOIN message m ON m.room_id = r.id AND m.seq > {READ}
         WHERE m.user_id <> ?1 AND m.deleted_at IS NULL AND m.id IS NOT NULL"
    ))?;
    let rows = statement.query_map(params![me.as_str()], |row| {
        Ok(Unread {
            room_id: RoomId::new(row.get::<_, String>(0)?),
            seq: position(row.get(1)?),
            id: MessageId::new(row.get::<_, String>(2)?),
            urgent: row.get(3)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
