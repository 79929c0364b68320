//! Which messages have raised a notification, and which urgent ones do so again.

use hugmedo_chat_protocol::{
    Message, MessageId, Opaque, Priority, RoomId, Sensitive, Seq, Timestamp, UserId, UserType,
};
use rusqlite::{Connection, Row, params};

use super::{columns::named, coverage::position, rows::Extras};
use crate::error::Error;

/// What a message's notification is worded from, of `message m`.
const COLUMNS: &str =
    "m.id, m.room_id, m.seq, m.user_id, m.user_name, m.user_type, m.content, m.created_at, m.priority, m.extras";

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let extras = Extras::read(row.get_ref(9)?.as_str().unwrap_or_default());
    let carried = extras.attachments.into_iter().map(Opaque).collect();
    Ok(Message {
        id: MessageId::new(row.get::<_, String>(0)?),
        room_id: RoomId::new(row.get::<_, String>(1)?),
        seq: Some(position(row.get(2)?)),
        user_id: UserId::new(row.get::<_, String>(3)?),
        user_name: Sensitive::new(row.get::<_, String>(4)?),
        user_type: named::<UserType>(row.get(5)?).unwrap_or_default(),
        content: Sensitive::new(row.get::<_, String>(6)?),
        created_at: Timestamp::from_millis(row.get(7)?),
        priority: named::<Priority>(row.get(8)?).unwrap_or_default(),
        attachments: carried,
        metadata: Default::default(),
        client_message_id: None,
        reply_to: None,
        mentions: Vec::new(),
        edited_at: None,
        deleted_at: None,
        reactions: Vec::new(),
        acknowledged_by: Vec::new(),
    })
}

/// Unread urgent messages of others that nobody has taken on and that have raised none: the app ended in between, or they came with the history.
pub(crate) fn urgent_unheard(connection: &Connection, me: &UserId) -> Result<Vec<Message>, Error> {
    let query = format!(
        "SELECT {COLUMNS}
         FROM room r JOIN message m ON m.room_id = r.id AND m.seq > r.read_seq
         WHERE m.user_id <> ?1 AND m.deleted_at IS NULL AND m.priority = 'urgent'
           AND NOT EXISTS (SELECT 1 FROM notified n WHERE n.room_id = m.room_id AND n.message_id = m.id)
           AND NOT EXISTS (SELECT 1 FROM acknowledgement a WHERE a.room_id = m.room_id AND a.message_id = m.id)
         ORDER BY m.created_at"
    );
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map(params![me.as_str()], message)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Unread messages of others that have raised a notification, everywhere or in one room, in their order.
pub(crate) fn unread(connection: &Connection, me: &UserId, room: Option<&RoomId>) -> Result<Vec<Message>, Error> {
    let query = format!(
        "SELECT {COLUMNS}
         FROM room r JOIN message m ON m.room_id = r.id AND m.seq > r.read_seq
         WHERE m.user_id <> ?1 AND m.deleted_at IS NULL AND (?2 IS NULL OR r.id = ?2)
           AND EXISTS (SELECT 1 FROM notified n WHERE n.room_id = m.room_id AND n.message_id = m.id)
         ORDER BY m.room_id, m.seq"
    );
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map(params![me.as_str(), room.map(RoomId::as_str)], message)?;
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

/// An urgent message that nobody has taken on.
pub(crate) struct Unanswered {
    pub(crate) message: Message,
    pub(crate) seq: Seq,
    /// When it raised its first notification.
    pub(crate) first_at: Timestamp,
    /// When it raised its last one.
    pub(crate) last_at: Timestamp,
}

/// Urgent messages of others that raised their first notification at or after `since`, and that nobody has taken on.
pub(crate) fn unanswered(connection: &Connection, me: &UserId, since: Timestamp) -> Result<Vec<Unanswered>, Error> {
    let query = format!(
        "SELECT {COLUMNS}, n.first_at, n.last_at
         FROM notified n JOIN message m ON m.room_id = n.room_id AND m.id = n.message_id
         WHERE n.first_at >= ?2 AND m.user_id <> ?1 AND m.deleted_at IS NULL
           AND NOT EXISTS (SELECT 1 FROM acknowledgement a WHERE a.room_id = m.room_id AND a.message_id = m.id)
         ORDER BY n.first_at"
    );
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map(params![me.as_str(), since.as_millis()], |row| {
        Ok(Unanswered {
            message: message(row)?,
            seq: position(row.get(2)?),
            first_at: Timestamp::from_millis(row.get(10)?),
            last_at: Timestamp::from_millis(row.get(11)?),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Notes that an urgent message has raised a notification.
pub(crate) fn note_raised(
    connection: &Connection,
    room: &RoomId,
    message: &MessageId,
    at: Timestamp,
) -> Result<(), Error> {
    connection.execute(
        "UPDATE notified SET first_at = coalesce(first_at, ?3), last_at = ?3 WHERE room_id = ?1 AND message_id = ?2",
        params![room.as_str(), message.as_str(), at.as_millis()],
    )?;
    Ok(())
}
