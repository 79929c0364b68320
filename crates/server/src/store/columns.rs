//! How the wire's types stand in columns.

use hugmedo_chat_protocol::{
    ClientMessageId, Message, MessageId, Opaque, RoomId, Sensitive, Seq, TakenOn, Timestamp, User, UserId,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    StoreError, reactions,
    sql::{Row, Transaction},
};

/// A position as SQLite holds it.
pub(crate) fn seq(number: i64) -> Seq {
    Seq::new(u64::try_from(number).unwrap_or(0))
}

/// A position for SQLite. Positions are below 2^53.
pub(crate) fn number(seq: Seq) -> i64 {
    i64::try_from(seq.get()).unwrap_or(i64::MAX)
}

/// An enum by the word it has on the wire.
pub(crate) fn word<T: DeserializeOwned + Default>(text: &str) -> T {
    serde_json::from_value(Value::from(text)).unwrap_or_default()
}

/// The word an enum has on the wire.
pub(crate) fn as_word<T: Serialize>(value: &T) -> Result<String, StoreError> {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => Ok(word),
        _ => Err(StoreError::Unreadable("word")),
    }
}

/// JSON for a column.
pub(crate) fn as_json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Unreadable("JSON"))
}

// serde's message may quote what it read, so it is dropped.
fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T, StoreError> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|_| StoreError::Unreadable("JSON"))
}

/// A user from the columns `id, name, user_type, role`, the first of which is at `first`.
pub(crate) fn user(row: &Row<'_>, first: usize) -> Result<User, StoreError> {
    Ok(User {
        id: UserId::new(row.get::<String>(first)?),
        name: Sensitive::new(row.get::<String>(first + 1)?),
        user_type: word(&row.get::<String>(first + 2)?),
        role: row.get(first + 3)?,
        avatar_url: None,
    })
}

const MESSAGE: &str = "message.id, message.room_id, message.user_id, message.user_name, message.user_type, \
    message.content, message.attachments, message.metadata, message.created_at, message.seq, \
    message.client_message_id, message.priority, message.reply_to, message.mentions, message.edited_at, \
    message.deleted_at";

/// Who has taken an urgent message on, as one column, which is read by [`taken_on`].
fn taken_on_column(tx: &Transaction<'_>) -> String {
    let all = tx.json_pairs("user_id, at", "at, user_id", "acknowledgement WHERE message_id = message.id");
    format!("CASE message.priority WHEN 'urgent' THEN {all} ELSE '[]' END")
}

fn taken_on(rows: Vec<(String, i64)>) -> Vec<TakenOn> {
    rows.into_iter().map(|(user, at)| TakenOn { user_id: UserId::new(user), at: Timestamp::from_millis(at) }).collect()
}

/// The columns [`message`] reads, in its order; the table must stand under its own name.
pub(crate) fn of_message(tx: &Transaction<'_>) -> String {
    format!("{MESSAGE}, {}, {}", reactions::column(tx), taken_on_column(tx))
}

/// A message from the columns of [`of_message`], which must come first.
pub(crate) fn message(row: &Row<'_>) -> Result<Message, StoreError> {
    Ok(Message {
        id: MessageId::new(row.get::<String>(0)?),
        room_id: RoomId::new(row.get::<String>(1)?),
        user_id: UserId::new(row.get::<String>(2)?),
        user_name: Sensitive::new(row.get::<String>(3)?),
        user_type: word(&row.get::<String>(4)?),
        content: Sensitive::new(row.get::<String>(5)?),
        attachments: json::<Vec<Opaque>>(row, 6)?,
        metadata: json(row, 7)?,
        created_at: Timestamp::from_millis(row.get(8)?),
        seq: Some(seq(row.get(9)?)),
        client_message_id: row.get::<Option<String>>(10)?.map(ClientMessageId::new),
        priority: word(&row.get::<String>(11)?),
        reply_to: row.get::<Option<String>>(12)?.map(MessageId::new),
        mentions: json(row, 13)?,
        edited_at: row.get::<Option<i64>>(14)?.map(Timestamp::from_millis),
        deleted_at: row.get::<Option<i64>>(15)?.map(Timestamp::from_millis),
        reactions: reactions::grouped(json(row, 16)?),
        acknowledged_by: taken_on(json(row, 17)?),
    })
}
