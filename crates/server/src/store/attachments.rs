//! Files people sent, and which messages carry them. The bytes are the business of [`crate::attachments`].
//!
//! Invariant: a file has an end exactly while no message carries it and none of a held room did.

use hugmedo_chat_protocol::{Attachment, AttachmentId, Message, Opaque, Sensitive, UserId};

use super::{
    StoreError, now,
    sql::{OptionalExtension, Row, Transaction},
};
use crate::attachments::ID_PREFIX;

/// How long a file waits to be sent, in milliseconds.
const WAITS: i64 = 24 * 60 * 60 * 1000;

const COLUMNS: &str = "id, name, media_type, size, sha256, width, height";

fn attachment(row: &Row<'_>) -> Result<Attachment, StoreError> {
    Ok(Attachment {
        id: AttachmentId::new(row.get::<String>(0)?),
        name: Sensitive::new(row.get::<String>(1)?),
        media_type: row.get(2)?,
        size: bytes(row.get(3)?),
        sha256: row.get(4)?,
        width: row.get(5)?,
        height: row.get(6)?,
    })
}

fn bytes(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

pub(crate) fn insert(tx: &Transaction<'_>, user: &UserId, attachment: &Attachment) -> Result<(), StoreError> {
    let at = now();
    tx.execute(
        "INSERT INTO attachment (id, user_id, name, media_type, size, sha256, width, height, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        (
            attachment.id.as_str(),
            user.as_str(),
            attachment.name.as_str(),
            attachment.media_type.as_str(),
            i64::try_from(attachment.size).unwrap_or(i64::MAX),
            attachment.sha256.as_str(),
            attachment.width,
            attachment.height,
            at,
            at.saturating_add(WAITS),
        ),
    )?;
    Ok(())
}

/// How many bytes of a person's files no message carries.
pub(crate) fn waiting_bytes(tx: &Transaction<'_>, user: &UserId) -> Result<u64, StoreError> {
    let waiting = tx.query_row(
        "SELECT CAST(coalesce(sum(size), 0) AS BIGINT) FROM attachment WHERE user_id = ?1 AND expires_at IS NOT NULL",
        (user.as_str(),),
        |row| row.get(0),
    )?;
    Ok(bytes(waiting))
}

/// A file that a person may fetch: a member of a room where a message carries it and, before any does, who brought it.
pub(crate) fn fetchable(
    tx: &Transaction<'_>,
    user: &UserId,
    id: &AttachmentId,
) -> Result<Option<Attachment>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM attachment
         WHERE id = ?1 AND ((user_id = ?2 AND expires_at IS NOT NULL) OR EXISTS (
             SELECT 1 FROM carried JOIN message ON message.id = carried.message_id
             JOIN member ON member.room_id = message.room_id
             WHERE carried.attachment_id = attachment.id AND member.user_id = ?2))"
    );
    tx.prepare_cached(&sql)?.query_row((id.as_str(), user.as_str()), attachment).optional()
}

/// What a message carries, and which files of ours are among it.
type Resolved = (Vec<Opaque>, Vec<AttachmentId>);

/// What a message carries, as this server knows it: what names a file of ours becomes what is known of it, anything else
/// stays as it is. `None` if a file is not one this person brought.
pub(super) fn resolved(
    tx: &Transaction<'_>,
    user: &UserId,
    wished: Vec<Opaque>,
) -> Result<Option<Resolved>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM attachment WHERE id = ?1 AND user_id = ?2");
    let (mut carried, mut ids) = (Vec::with_capacity(wished.len()), Vec::new());
    for wish in wished {
        let Some(id) = wish.0.get("id").and_then(|id| id.as_str()).filter(|id| id.starts_with(ID_PREFIX)) else {
            carried.push(wish);
            continue;
        };
        let found = tx.prepare_cached(&sql)?.query_row((id, user.as_str()), attachment).optional()?;
        let Some(found) = found else { return Ok(None) };
        carried.push(Opaque(serde_json::to_value(&found).map_err(|_| StoreError::Unreadable("attachment"))?));
        ids.push(found.id);
    }
    Ok(Some((carried, ids)))
}

pub(super) fn carry(tx: &Transaction<'_>, message: &Message, ids: &[AttachmentId]) -> Result<(), StoreError> {
    for id in ids {
        tx.execute(
            "INSERT INTO carried (attachment_id, message_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            (id.as_str(), message.id.as_str()),
        )?;
        tx.execute("UPDATE attachment SET expires_at = NULL WHERE id = ?1", (id.as_str(),))?;
    }
    Ok(())
}

/// A message carries nothing any more. What no other carries ends now.
pub(super) fn release(tx: &Transaction<'_>, message: &Message) -> Result<(), StoreError> {
    let mut released = tx.prepare_cached("DELETE FROM carried WHERE message_id = ?1 RETURNING attachment_id")?;
    let ids = released.query_map((message.id.as_str(),), |row| row.get::<String>(0))?.collect::<Result<Vec<_>, _>>()?;
    for id in ids {
        end_unless_needed(tx, &id)?;
    }
    Ok(())
}

/// Ends a file that no message carries, unless one of a held room did. Such a one is there, and nobody fetches it.
pub(super) fn end_unless_needed(tx: &Transaction<'_>, id: &str) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE attachment SET expires_at = ?2
         WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM carried WHERE attachment_id = ?1)
           AND NOT EXISTS (SELECT 1 FROM kept WHERE replace(attachments, ?1, '') <> attachments)",
        (id, now()),
    )?;
    Ok(())
}

/// Forgets what has come to its end, and returns what it was.
pub(crate) fn forget_expired(tx: &Transaction<'_>, at: i64) -> Result<Vec<AttachmentId>, StoreError> {
    let mut gone = tx.prepare_cached("DELETE FROM attachment WHERE expires_at <= ?1 RETURNING id")?;
    let ids = gone.query_map((at,), |row| Ok(AttachmentId::new(row.get::<String>(0)?)))?;
    ids.collect::<Result<_, _>>()
}

/// Whether there is such a file.
pub(crate) fn is_known(tx: &Transaction<'_>, id: &str) -> Result<bool, StoreError> {
    tx.query_row("SELECT EXISTS (SELECT 1 FROM attachment WHERE id = ?1)", (id,), |row| row.get(0))
}

/// Every file there is.
pub(crate) fn ids(tx: &Transaction<'_>) -> Result<Vec<String>, StoreError> {
    let mut statement = tx.prepare("SELECT id FROM attachment")?;
    let ids = statement.query_map((), |row| row.get(0))?;
    ids.collect::<Result<_, _>>()
}
