//! Which messages have raised a notification.

use hugmedo_chat_protocol::{MessageId, RoomId};
use rusqlite::{Connection, params};

use crate::error::Error;

/// Claims the one notification of a message. Returns false if it was raised before.
pub(crate) fn claim_notification(connection: &Connection, room: &RoomId, message: &MessageId) -> Result<bool, Error> {
    let added = connection.execute(
        "INSERT INTO notified (room_id, message_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
        params![room.as_str(), message.as_str()],
    )?;
    Ok(added > 0)
}
