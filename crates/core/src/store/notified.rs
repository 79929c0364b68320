//! Which messages have raised a notification.

use hugmedo_chat_protocol::{Message, MessageId, Priority, RoomId, Sensitive, Timestamp, UserId, UserType};
use rusqlite::{Connection, params};

use super::{columns::named, coverage::position};
use crate::error::Error;

/// Unread urgent messages of others that have raised none: the app ended in between, or they came with the history.
pub(crate) fn urgent_unheard(connection: &Connection, me: &UserId) -> Result<Vec<Message>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT m.id, m.room_id, m.seq, m.user_id, m.user_name, m.user_type, m.content, m.created_at
         FROM room r JOIN message m ON m.room_id = r.id AND m.seq > r.read_seq
         WHERE m.user_id <> ?1 AND m.deleted_at IS NULL AND m.priority = 'urgent'
           AND NOT EXISTS (SELECT 1 FROM notified n WHERE n.room_id = m.room_id AND n.message_id = m.id)
         ORDER BY m.created_at",
    )?;
    let rows = statement.query_map(params![me.as_str()], |row| {
        Ok(Message {
            id: MessageId::new(row.get::<_, String>(0)?),
            room_id: RoomId::new(row.get::<_, String>(1)?),
            seq: Some(position(row.get(2)?)),
            user_id: UserId::new(row.get::<_, String>(3)?),
            user_name: Sensitive::new(row.get::<_, String>(4)?),
            user_type: named::<UserType>(row.get(5)?).unwrap_or_default(),
            content: Sensitive::new(row.get::<_, String>(6)?),
            created_at: Timestamp::from_millis(row.get(7)?),
            priority: Priority::Urgent,
            attachments: Vec::new(),
            metadata: Default::default(),
            client_message_id: None,
            reply_to: None,
            mentions: Vec::new(),
            edited_at: None,
            deleted_at: None,
            reactions: Vec::new(),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Claims the one notification of a message. Returns false if it was raised before.
pub(crate) fn claim_notification(connection: &Connection, room: &RoomId, message: &MessageId) -> Result<bool, Error> {
    let added = connection.execute(
        "INSERT INTO notified (room_id, message_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
        params![room.as_str(), message.as_str()],
    )?;
    Ok(added > 0)
}
