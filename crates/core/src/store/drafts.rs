//! What a person has begun to write, per room.

use hugmedo_chat_protocol::{MessageId, RoomId, Sensitive, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{error::Error, view::Draft};

pub(crate) fn draft(connection: &Connection, room: &RoomId) -> Result<Draft, Error> {
    let draft = connection
        .query_row("SELECT content, reply_to, mentions FROM draft WHERE room_id = ?", params![room.as_str()], |row| {
            Ok(Draft {
                content: Sensitive::new(row.get::<_, String>(0)?),
                reply_to: row.get::<_, Option<String>>(1)?.map(MessageId::new),
                mentions: serde_json::from_str(row.get_ref(2)?.as_str()?).unwrap_or_default(),
            })
        })
        .optional()?;
    Ok(draft.unwrap_or_default())
}

/// Keeps a draft; an empty one is forgotten.
pub(crate) fn save_draft(connection: &Connection, room: &RoomId, draft: &Draft) -> Result<(), Error> {
    if draft.content.as_str().is_empty() && draft.reply_to.is_none() {
        connection.execute("DELETE FROM draft WHERE room_id = ?", params![room.as_str()])?;
    } else {
        connection.execute(
            "INSERT INTO draft (room_id, content, reply_to, mentions, updated_at) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (room_id) DO UPDATE SET content = excluded.content, reply_to = excluded.reply_to,
                                                 mentions = excluded.mentions, updated_at = excluded.updated_at",
            params![
                room.as_str(),
                draft.content.as_str(),
                draft.reply_to.as_ref().map(MessageId::as_str),
                serde_json::to_string(&draft.mentions).unwrap_or_else(|_| "[]".into()),
                Timestamp::now().as_millis(),
            ],
        )?;
    }
    Ok(())
}
