//! Urgent messages that nobody takes on, and what was said about them.

use hugmedo_chat_protocol::{MessageId, RoomId, UserId};

use super::{
    StoreError,
    sql::{OptionalExtension, Transaction},
};
use crate::authorize::Member;

/// What is older was missed while no server ran for days, and is history.
const OLDEST_MS: i64 = 24 * 60 * 60 * 1_000;

/// An urgent message that has waited longer than its room allows.
pub(crate) struct Overdue {
    pub(crate) room: RoomId,
    pub(crate) message: MessageId,
    /// How long that is, in milliseconds.
    pub(crate) after: i64,
}

/// Those that are due at `now` and were not told of yet.
pub(crate) fn overdue(tx: &Transaction<'_>, now: i64) -> Result<Vec<Overdue>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT message.room_id, message.id, room.escalate_after
         FROM message JOIN room ON room.id = message.room_id
         WHERE message.priority = 'urgent' AND message.created_at > ?1 - ?2
           AND room.escalate_after IS NOT NULL AND message.created_at + room.escalate_after <= ?1
           AND message.deleted_at IS NULL
           AND NOT EXISTS (SELECT 1 FROM acknowledgement WHERE message_id = message.id)
           AND NOT EXISTS (SELECT 1 FROM escalation WHERE message_id = message.id OR notice_id = message.id)
         ORDER BY message.created_at",
    )?;
    let found = statement.query_map((now, OLDEST_MS), |row| {
        Ok(Overdue {
            room: RoomId::new(row.get::<String>(0)?),
            message: MessageId::new(row.get::<String>(1)?),
            after: row.get(2)?,
        })
    })?;
    found.collect::<Result<_, _>>()
}

/// Notes that a message was told of again.
pub(crate) fn note(tx: &Transaction<'_>, message: &MessageId, notice: &MessageId) -> Result<(), StoreError> {
    tx.execute("INSERT INTO escalation (message_id, notice_id) VALUES (?1, ?2)", (message.as_str(), notice.as_str()))?;
    Ok(())
}

/// The message that is about the same: of one that was told again the notice, of the notice what it told of.
pub(crate) fn counterpart(tx: &Transaction<'_>, message: &MessageId) -> Result<Option<MessageId>, StoreError> {
    tx.prepare_cached(
        "SELECT notice_id FROM escalation WHERE message_id = ?1
             UNION ALL SELECT message_id FROM escalation WHERE notice_id = ?1",
    )?
    .query_row((message.as_str(),), |row| Ok(MessageId::new(row.get::<String>(0)?)))
    .optional()
}

/// Who is to be told: the members who are on call, or all of them if none is; never who wrote the message.
pub(crate) fn told(tx: &Transaction<'_>, room: &Member, author: &UserId) -> Result<Vec<UserId>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT member.user_id, user.on_call FROM member JOIN user ON user.id = member.user_id
         WHERE member.room_id = ?1 AND member.user_id <> ?2 AND user.disabled_at IS NULL ORDER BY member.user_id",
    )?;
    let members = statement
        .query_map((room.room().as_str(), author.as_str()), |row| {
            Ok((UserId::new(row.get::<String>(0)?), row.get::<bool>(1)?))
        })?
        .collect::<Result<Vec<_>, _>>()?;
    let nobody_on_call = !members.iter().any(|(_, on_call)| *on_call);
    Ok(members.into_iter().filter(|(_, on_call)| nobody_on_call || *on_call).map(|(user, _)| user).collect())
}
