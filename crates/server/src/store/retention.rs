//! How long what was said is kept, and which rooms nothing may be lost of.
//!
//! Invariants: what is past its time goes whole, with its files and the fingerprint of its words; while a room is held, what
//! its members change or take back is kept as it was, where nobody fetches it; the audit is never touched.

use hugmedo_chat_protocol::{Message, MessageId, Opaque, RoomId, RoomKind, Sensitive, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::{
    StoreError, attachments, columns, now,
    sql::{OptionalExtension, Transaction},
};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// For how long rooms of a kind keep what is said in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RetentionRule {
    /// The rooms.
    pub kind: RoomKind,
    /// How many days.
    pub days: u32,
}

/// The rules there are; what no rule speaks of is kept for ever.
pub(crate) fn rules(tx: &Transaction<'_>) -> Result<Vec<RetentionRule>, StoreError> {
    let mut statement = tx.prepare("SELECT kind, days FROM retention ORDER BY kind")?;
    let rules = statement
        .query_map((), |row| Ok(RetentionRule { kind: columns::word(&row.get::<String>(0)?), days: row.get(1)? }))?;
    rules.collect::<Result<_, _>>()
}

pub(crate) fn set_rule(tx: &Transaction<'_>, kind: RoomKind, days: Option<u32>) -> Result<(), StoreError> {
    let kind = columns::as_word(&kind)?;
    match days {
        Some(days) => tx.execute(
            "INSERT INTO retention (kind, days) VALUES (?1, ?2) ON CONFLICT (kind) DO UPDATE SET days = excluded.days",
            (kind, days),
        )?,
        None => tx.execute("DELETE FROM retention WHERE kind = ?1", (kind,))?,
    };
    Ok(())
}

/// Messages that are past their time, room by room.
pub(crate) fn due(tx: &Transaction<'_>, now: i64, limit: usize) -> Result<Vec<(RoomId, MessageId)>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT message.room_id, message.id
         FROM retention JOIN room ON room.kind = retention.kind AND room.held_at IS NULL
         JOIN message ON message.room_id = room.id
         WHERE message.deleted_at IS NULL AND message.created_at < ?1 - retention.days * ?2
         ORDER BY message.room_id, message.seq LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let due = statement.query_map((now, DAY_MS, limit), |row| {
        Ok((RoomId::new(row.get::<String>(0)?), MessageId::new(row.get::<String>(1)?)))
    })?;
    due.collect::<Result<_, _>>()
}

/// Whether a message is past its time still: the rule may have changed, or the room be held, since it was looked for.
pub(crate) fn is_due(tx: &Transaction<'_>, message: &MessageId, now: i64) -> Result<bool, StoreError> {
    tx.prepare_cached(
        "SELECT EXISTS (
                SELECT 1 FROM message JOIN room ON room.id = message.room_id AND room.held_at IS NULL
                JOIN retention ON retention.kind = room.kind
                WHERE message.id = ?1 AND message.deleted_at IS NULL
                  AND message.created_at < ?2 - retention.days * ?3)",
    )?
    .query_row((message.as_str(), now, DAY_MS), |row| row.get(0))
}

/// Forgets the fingerprints of words that are gone and past their time, whoever took them back: a hash tells short words apart from
/// others. A repeat of such a send is a conflict from now on.
pub(crate) fn forget_fingerprints(tx: &Transaction<'_>, now: i64) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE message SET fingerprint = ?3 WHERE id IN (
                SELECT message.id
                FROM retention JOIN room ON room.kind = retention.kind AND room.held_at IS NULL
                JOIN message ON message.room_id = room.id
                WHERE message.deleted_at IS NOT NULL AND length(message.fingerprint) > 0
                  AND message.created_at < ?1 - retention.days * ?2)",
        (now, DAY_MS, [0_u8; 0].as_slice()),
    )?;
    Ok(())
}

/// Holds a room, or lets it go; then what was kept goes too. False if there is no such room.
pub(crate) fn set_hold(tx: &Transaction<'_>, room: &RoomId, on: bool) -> Result<bool, StoreError> {
    let at = on.then(now);
    let known = tx.execute(
        "UPDATE room SET held_at = CASE WHEN ?2 IS NULL THEN NULL ELSE coalesce(held_at, ?2) END WHERE id = ?1",
        (room.as_str(), at),
    )?;
    if !on {
        let mut gone = tx.prepare(
            "DELETE FROM kept WHERE message_id IN (SELECT id FROM message WHERE room_id = ?1) RETURNING attachments",
        )?;
        let carried = gone.query_map((room.as_str(),), |row| row.get::<String>(0))?;
        for carried in carried.collect::<Result<Vec<_>, _>>()? {
            let files: Vec<Value> = serde_json::from_str(&carried).map_err(|_| StoreError::Unreadable("attachment"))?;
            for id in files.iter().filter_map(|file| file.get("id").and_then(Value::as_str)) {
                attachments::end_unless_needed(tx, id)?;
            }
        }
    }
    Ok(known > 0)
}

/// Whether nothing of a room may be lost.
pub(super) fn is_held(tx: &Transaction<'_>, room: &RoomId) -> Result<bool, StoreError> {
    let held = tx
        .prepare_cached("SELECT held_at IS NOT NULL FROM room WHERE id = ?1")?
        .query_row((room.as_str(),), |row| row.get(0))
        .optional()?;
    Ok(held.unwrap_or(false))
}

/// Keeps a message as it is, before it is changed, if its room is held.
pub(super) fn keep(tx: &Transaction<'_>, message: &Message) -> Result<(), StoreError> {
    if is_held(tx, &message.room_id)? {
        tx.execute(
            "INSERT INTO kept (message_id, at, content, attachments, metadata) VALUES (?1, ?2, ?3, ?4, ?5)",
            (
                message.id.as_str(),
                now(),
                message.content.as_str(),
                columns::as_json(&message.attachments)?,
                columns::as_json(&message.metadata)?,
            ),
        )?;
    }
    Ok(())
}

/// What a message of a held room was before it was changed or taken back.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// The message.
    pub message_id: MessageId,
    /// Until when it stood like this.
    pub until: Timestamp,
    /// What it said.
    pub content: Sensitive,
    /// What it carried; the files are still in the data folder.
    pub attachments: Opaque,
    /// What else came with it.
    pub metadata: Opaque,
}

/// Everything that is kept of a room, in the order it was changed.
pub(crate) fn kept(tx: &Transaction<'_>, room: &RoomId) -> Result<Vec<Kept>, StoreError> {
    let mut statement = tx.prepare(
        "SELECT kept.message_id, kept.at, kept.content, kept.attachments, kept.metadata
         FROM kept JOIN message ON message.id = kept.message_id WHERE message.room_id = ?1 ORDER BY kept.id",
    )?;
    let json = |text: String| Opaque(serde_json::from_str(&text).unwrap_or_default());
    let kept = statement.query_map((room.as_str(),), |row| {
        Ok(Kept {
            message_id: MessageId::new(row.get::<String>(0)?),
            until: Timestamp::from_millis(row.get(1)?),
            content: Sensitive::new(row.get::<String>(2)?),
            attachments: json(row.get(3)?),
            metadata: json(row.get(4)?),
        })
    })?;
    kept.collect::<Result<_, _>>()
}
