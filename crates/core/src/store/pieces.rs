//! The bytes of files, in pieces: no transaction reads or writes a whole one.
//!
//! Invariants: the pieces of a file follow each other from its first byte on without a hole, as far as its row says that it is
//! held; copies take no more room than [`CACHE_BYTES`], the longest unused go first; what is unsent is never dropped. A file's
//! pieces are removed after its row, a few at a time (see [`sweep`]).

use hugmedo_chat_protocol::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::attachments::{StoredFile, by_id, by_row};
use crate::error::{Error, ErrorCode};

/// The longest piece, in bytes.
pub(crate) const PIECE_BYTES: usize = 512 * 1024;
/// What all copies together may take, thumbnails included.
pub(crate) const CACHE_BYTES: i64 = 500 * 1024 * 1024;
/// Pieces removed as one transaction.
const SWEPT_AT_ONCE: u32 = 8;

/// Takes in a piece of a file in a composer. What is here already changes nothing.
pub(crate) fn hand_over(connection: &Connection, id: &str, offset: u32, bytes: &[u8]) -> Result<StoredFile, Error> {
    let file = by_id(connection, id)?.ok_or_else(|| Error::new(ErrorCode::NotFound, "no such file"))?;
    let new = usize::try_from(file.held.saturating_sub(offset)).ok().and_then(|known| bytes.get(known..));
    let Some(new) = new.filter(|new| !new.is_empty()) else { return Ok(file) };
    if !file.is_in_composer() || offset > file.held {
        return Err(Error::new(ErrorCode::Refused, "not the next piece of a file that is handed over"));
    }
    if file.held == 0 {
        connection.execute(
            "UPDATE attachment SET media_type = ? WHERE file_id = ?",
            params![media_type(new), file.file_id],
        )?;
    }
    append(connection, &file, new)
}

/// What a file seems to be by its beginning. Only for showing it here: the server finds out by itself.
fn media_type(beginning: &[u8]) -> &'static str {
    infer::get(beginning).map_or("application/octet-stream", |kind| kind.mime_type())
}

/// Adds the next bytes of a file. It is whole once all are here, if they are its owner's own word for it; a copy has to be
/// checked first, see [`accept`].
pub(crate) fn append(connection: &Connection, file: &StoredFile, bytes: &[u8]) -> Result<StoredFile, Error> {
    let held = u32::try_from(bytes.len()).ok().and_then(|more| file.held.checked_add(more));
    let held = held
        .filter(|held| *held <= file.size)
        .ok_or_else(|| Error::new(ErrorCode::Refused, "more bytes than the file has"))?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO attachment_piece (file_id, start, bytes) VALUES (?, ?, ?)")?
        .execute(params![file.file_id, file.held, bytes])?;
    let is_own = file.server_id.is_none();
    let taken = connection
        .prepare_cached("UPDATE attachment SET held = ?1, whole = (?2 AND ?1 = size) WHERE file_id = ?3 AND held = ?4")?
        .execute(params![held, is_own, file.file_id, file.held])?;
    if taken == 0 {
        return Err(Error::new(ErrorCode::NotFound, "the file is gone"));
    }
    by_row(connection, file.file_id)?.ok_or_else(|| Error::new(ErrorCode::NotFound, "the file is gone"))
}

/// The piece that begins here, of those that are held.
pub(crate) fn piece(connection: &Connection, file_id: i64, start: u32) -> Result<Option<Vec<u8>>, Error> {
    Ok(connection
        .prepare_cached(
            "SELECT p.bytes FROM attachment_piece p JOIN attachment a USING (file_id)
             WHERE p.file_id = ?1 AND p.start = ?2 AND ?2 < a.held",
        )?
        .query_row(params![file_id, start], |row| row.get(0))
        .optional()?)
}

/// The bytes of a copy are those the server told of.
pub(crate) fn accept(connection: &Connection, file_id: i64) -> Result<(), Error> {
    connection
        .execute("UPDATE attachment SET whole = 1, moved = NULL WHERE file_id = ? AND held = size", params![file_id])?;
    Ok(())
}

/// Lets go of what is held of a copy, under a new key, so that what is still to be swept is not taken for what comes next.
pub(crate) fn let_go(connection: &Connection, file_id: i64) -> Result<(), Error> {
    connection.execute(
        "INSERT OR REPLACE INTO attachment (id, room_id, server_id, name, media_type, size, sha256, width, height, used_at)
         SELECT id, room_id, server_id, name, media_type, size, sha256, width, height, used_at FROM attachment
         WHERE file_id = ? AND local_id IS NULL AND server_id IS NOT NULL",
        params![file_id],
    )?;
    Ok(())
}

pub(crate) fn thumbnail(connection: &Connection, file_id: i64) -> Result<Option<Vec<u8>>, Error> {
    let kept = connection
        .query_row("SELECT thumbnail FROM attachment WHERE file_id = ?", params![file_id], |row| row.get(0))
        .optional()?;
    Ok(kept.flatten())
}

pub(crate) fn keep_thumbnail(connection: &Connection, file_id: i64, bytes: &[u8]) -> Result<(), Error> {
    connection.execute("UPDATE attachment SET thumbnail = ? WHERE file_id = ?", params![bytes, file_id])?;
    Ok(())
}

/// Notes that a file is wanted, which keeps it longer.
pub(crate) fn note_used(connection: &Connection, file_id: i64, now: Timestamp) -> Result<(), Error> {
    connection
        .prepare_cached("UPDATE attachment SET used_at = ? WHERE file_id = ?")?
        .execute(params![now.as_millis(), file_id])?;
    Ok(())
}

/// Drops the longest unused copies until this much more fits in beside the rest of them.
pub(crate) fn make_room(connection: &Connection, except: i64, needed: u32, bound: i64) -> Result<(), Error> {
    let mut statement = connection.prepare_cached(
        "SELECT file_id, held + coalesce(length(thumbnail), 0) FROM attachment
         WHERE local_id IS NULL AND server_id IS NOT NULL AND file_id <> ? AND moved IS NULL AND (held > 0 OR thumbnail IS NOT NULL)
         ORDER BY used_at DESC, file_id DESC",
    )?;
    let mut kept = i64::from(needed);
    let mut dropped = Vec::new();
    let mut rows = statement.query(params![except])?;
    while let Some(row) = rows.next()? {
        kept = kept.saturating_add(row.get(1)?);
        if kept > bound {
            dropped.push(row.get(0)?);
        }
    }
    dropped.into_iter().try_for_each(|file_id| let_go(connection, file_id))
}

/// Removes some pieces whose file is gone. Returns whether there may be more.
pub(crate) fn sweep(connection: &Connection) -> Result<bool, Error> {
    let removed = connection
        .prepare_cached(
            "DELETE FROM attachment_piece WHERE rowid IN
             (SELECT p.rowid FROM attachment_piece p LEFT JOIN attachment a USING (file_id) WHERE a.file_id IS NULL LIMIT ?)",
        )?
        .execute(params![SWEPT_AT_ONCE])?;
    Ok(removed > 0)
}

/// Whether pieces are left whose file is gone.
pub(crate) fn is_untidy(connection: &Connection) -> Result<bool, Error> {
    Ok(connection
        .prepare_cached(
            "SELECT 1 FROM attachment_piece p LEFT JOIN attachment a USING (file_id) WHERE a.file_id IS NULL LIMIT 1",
        )?
        .exists([])?)
}
