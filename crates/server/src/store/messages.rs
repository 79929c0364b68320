//! Messages and the log positions they take.
//!
//! Invariant: within a room positions are given out without gaps, to messages and to changes of messages alike.

use hugmedo_chat_protocol::{
    Message, MessageChanged, MessageId, MessagesPage, RoomId, SendMessage, Sensitive, SentMessage, Seq, Timestamp,
    UserId,
};
use sha2::{Digest, Sha256};

use super::{
    StoreError, attachments, changes, columns, now, reactions, retention, rooms,
    sql::{OptionalExtension, Transaction},
};
use crate::authorize::{Member, Poster, Principal};

/// How far unread is counted; a badge says "999+" long before.
const UNREAD_CAP: i64 = 1000;

/// What became of a wish to say something.
pub(crate) enum Inserted {
    /// It is in the log now.
    New(Box<Message>),
    /// It was there already; this is the answer it got then.
    Repeat(SentMessage),
    /// Its client id was used before for something else.
    Conflict,
    /// It carries a file its sender did not bring.
    UnknownFile,
}

/// Puts a message into the log of a poster's room. `at` is now, except for sample data.
pub(crate) fn insert(
    tx: &Transaction<'_>,
    poster: &Poster,
    who: &Principal,
    wish: SendMessage,
    at: i64,
) -> Result<Inserted, StoreError> {
    let fingerprint = fingerprint(&wish)?;
    if let Some(client_id) = &wish.client_message_id
        && let Some((before, answer)) = sent_before(tx, who.id(), client_id.as_str())?
    {
        return Ok(if before == fingerprint.as_slice() { Inserted::Repeat(answer) } else { Inserted::Conflict });
    }
    let Some((attachments, files)) = attachments::resolved(tx, who.id(), wish.attachments)? else {
        return Ok(Inserted::UnknownFile);
    };
    let user = who.user();
    let message = Message {
        id: MessageId::new(uuid::Uuid::now_v7().to_string()),
        room_id: poster.room().clone(),
        user_id: user.id.clone(),
        user_name: user.name.clone(),
        user_type: user.user_type,
        content: wish.content,
        attachments,
        metadata: wish.metadata,
        created_at: Timestamp::from_millis(at),
        seq: Some(rooms::take_seq(tx, poster.room())?),
        client_message_id: wish.client_message_id,
        priority: wish.priority,
        reply_to: wish.reply_to,
        mentions: wish.mentions,
        edited_at: None,
        deleted_at: None,
        reactions: Vec::new(),
        acknowledged_by: Vec::new(),
    };
    tx.prepare_cached(
        "INSERT INTO message (id, room_id, seq, user_id, user_name, user_type, content, attachments, metadata, priority,
                              reply_to, mentions, client_message_id, fingerprint, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
    )?
    .execute((
        message.id.as_str(),
        message.room_id.as_str(),
        columns::number(message.seq.unwrap_or_default()),
        message.user_id.as_str(),
        message.user_name.as_str(),
        columns::as_word(&message.user_type)?,
        message.content.as_str(),
        columns::as_json(&message.attachments)?,
        columns::as_json(&message.metadata)?,
        columns::as_word(&message.priority)?,
        message.reply_to.as_ref().map(MessageId::as_str),
        columns::as_json(&message.mentions)?,
        message.client_message_id.as_ref().map(|id| id.as_str()),
        fingerprint.as_slice(),
        at,
    ))?;
    attachments::carry(tx, &message, &files)?;
    changes::record_message(tx, &message)?;
    Ok(Inserted::New(Box::new(message)))
}

// What was asked, not what stands now: a repeat must be known even after an edit.
fn fingerprint(wish: &SendMessage) -> Result<[u8; 32], StoreError> {
    let asked = columns::as_json(&(
        &wish.room_id,
        &wish.content,
        &wish.attachments,
        &wish.metadata,
        wish.priority,
        &wish.reply_to,
        &wish.mentions,
    ))?;
    Ok(Sha256::digest(asked.as_bytes()).into())
}

fn sent_before(
    tx: &Transaction<'_>,
    sender: &UserId,
    client_id: &str,
) -> Result<Option<(Vec<u8>, SentMessage)>, StoreError> {
    tx.prepare_cached(
        "SELECT fingerprint, id, room_id, seq, client_message_id, created_at FROM message
             WHERE user_id = ?1 AND client_message_id = ?2",
    )?
    .query_row((sender.as_str(), client_id), |row| {
        let answer = SentMessage {
            id: MessageId::new(row.get::<String>(1)?),
            room_id: RoomId::new(row.get::<String>(2)?),
            seq: columns::seq(row.get(3)?),
            client_message_id: row.get::<Option<String>>(4)?.map(hugmedo_chat_protocol::ClientMessageId::new),
            created_at: Timestamp::from_millis(row.get(5)?),
        };
        Ok((row.get::<Vec<u8>>(0)?, answer))
    })
    .optional()
}

/// A message of a member's room.
pub(crate) fn find(tx: &Transaction<'_>, member: &Member, id: &MessageId) -> Result<Option<Message>, StoreError> {
    let sql = format!("SELECT {} FROM message WHERE id = ?1 AND room_id = ?2", columns::of_message(tx));
    tx.prepare_cached(&sql)?.query_row((id.as_str(), member.room().as_str()), columns::message).optional()
}

/// The newest message of a room, for those who may see the room.
pub(super) fn newest(tx: &Transaction<'_>, room: &RoomId) -> Result<Option<Message>, StoreError> {
    let sql = format!("SELECT {} FROM message WHERE room_id = ?1 ORDER BY seq DESC LIMIT 1", columns::of_message(tx));
    tx.prepare_cached(&sql)?.query_row((room.as_str(),), columns::message).optional()
}

/// A message by its id alone, for those whose membership the query around it has joined.
pub(super) fn by_id(tx: &Transaction<'_>, id: &str) -> Result<Option<Message>, StoreError> {
    let sql = format!("SELECT {} FROM message WHERE id = ?1", columns::of_message(tx));
    tx.prepare_cached(&sql)?.query_row((id,), columns::message).optional()
}

/// A stretch of history, ascending: the first after `after` if only that is given, else the last before `before`.
pub(crate) fn page(
    tx: &Transaction<'_>,
    member: &Member,
    before: Option<Seq>,
    after: Option<Seq>,
    limit: usize,
) -> Result<MessagesPage, StoreError> {
    let forward = after.is_some() && before.is_none();
    let sql = format!(
        "SELECT {} FROM message WHERE room_id = ?1 AND seq > ?2 AND seq < ?3 ORDER BY seq {} LIMIT ?4",
        columns::of_message(tx),
        if forward { "ASC" } else { "DESC" },
    );
    let range = (
        member.room().as_str(),
        columns::number(after.unwrap_or(Seq::ZERO)),
        before.map_or(i64::MAX, columns::number),
        // One more than asked tells whether more lie beyond.
        i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1),
    );
    let mut messages = tx.prepare_cached(&sql)?.query_map(range, columns::message)?.collect::<Result<Vec<_>, _>>()?;
    let has_more = messages.len() > limit;
    messages.truncate(limit);
    if !forward {
        messages.reverse();
    }
    Ok(MessagesPage { messages, has_more })
}

/// How many of others' messages stand above a person's read position.
pub(crate) fn unread(tx: &Transaction<'_>, room: &RoomId, user: &UserId) -> Result<u64, StoreError> {
    let count: i64 = tx
        .prepare_cached(
            "SELECT count(*) FROM (
                SELECT 1 FROM message JOIN member ON member.room_id = message.room_id AND member.user_id = ?2
                WHERE message.room_id = ?1 AND message.seq > member.read_seq
                  AND message.user_id <> ?2 AND message.deleted_at IS NULL
                LIMIT ?3) AS counted",
        )?
        .query_row((room.as_str(), user.as_str(), UNREAD_CAP), |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// Changes the text of a message.
pub(crate) fn edit(
    tx: &Transaction<'_>,
    poster: &Poster,
    message: Message,
    content: Sensitive,
) -> Result<MessageChanged, StoreError> {
    retention::keep(tx, &message)?;
    let at = now();
    tx.execute(
        "UPDATE message SET content = ?2, edited_at = ?3 WHERE id = ?1",
        (message.id.as_str(), content.as_str(), at),
    )?;
    changed(tx, poster, Message { content, edited_at: Some(Timestamp::from_millis(at)), ..message })
}

/// Takes a message back. Its place stays, its text goes.
pub(crate) fn delete(tx: &Transaction<'_>, poster: &Poster, message: Message) -> Result<MessageChanged, StoreError> {
    retention::keep(tx, &message)?;
    let at = now();
    tx.execute(
        "UPDATE message SET content = '', attachments = '[]', metadata = '{}', mentions = '[]', deleted_at = ?2
         WHERE id = ?1",
        (message.id.as_str(), at),
    )?;
    reactions::clear(tx, &message)?;
    attachments::release(tx, &message)?;
    let empty = Message {
        content: Sensitive::default(),
        attachments: Vec::new(),
        metadata: hugmedo_chat_protocol::Opaque(serde_json::Value::Object(serde_json::Map::new())),
        mentions: Vec::new(),
        deleted_at: Some(Timestamp::from_millis(at)),
        reactions: Vec::new(),
        acknowledged_by: Vec::new(),
        ..message
    };
    changed(tx, poster, empty)
}

/// Gives a change of a message its position in the log.
pub(super) fn changed(tx: &Transaction<'_>, member: &Member, message: Message) -> Result<MessageChanged, StoreError> {
    let seq = rooms::take_seq(tx, member.room())?;
    let change = MessageChanged { room_id: member.room().clone(), seq, message };
    changes::record_message_changed(tx, &change)?;
    Ok(change)
}
