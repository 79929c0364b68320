//! Own files on their way to the server, before the message they go with.
//!
//! Invariants: a file is brought for a message that waits in the outbox, and for none other; what the server has is not brought
//! again unless it says that it does not know it; a message that lost a file on this computer fails and never goes without it.

use hugmedo_chat_protocol::{Attachment, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    attachments::{StoredFile, one, waits_for_files},
    columns::name_of,
    outbox::LONGEST_WAIT_MS,
};
use crate::error::{Error, ErrorCode};

/// How often a message's files are brought to a server that no longer knows them, the first time included.
const MOST_UPLOADS: u32 = 2;

/// What the uploader has to do.
#[derive(Clone)]
pub(crate) enum NextUpload {
    /// This file's turn has come.
    Due(Box<StoredFile>),
    /// This message's files are not all here any more: it cannot go out.
    Lost(i64),
    /// Nothing before this time.
    Later(Option<Timestamp>),
}

/// The next file to bring to the server: the oldest message's first, as messages go.
pub(crate) fn next_upload(connection: &Connection, now: Timestamp) -> Result<NextUpload, Error> {
    let waits = waits_for_files("m");
    let due = connection
        .prepare_cached(&format!(
            "SELECT o.local_id FROM outbox o JOIN message m USING (local_id)
             WHERE o.state = 'queued' AND (o.not_before <= ?1 OR o.not_before > ?1 + ?2) AND {waits}
             ORDER BY o.local_id LIMIT 1"
        ))?
        .query_row(params![now.as_millis(), LONGEST_WAIT_MS], |row| row.get(0))
        .optional()?;
    if let Some(local_id) = due {
        let file = one(
            connection,
            "local_id = ? AND server_id IS NULL AND whole = 1 ORDER BY position LIMIT 1",
            params![local_id],
        )?;
        return Ok(file.map_or(NextUpload::Lost(local_id), |file| NextUpload::Due(Box::new(file))));
    }
    let later: Option<i64> = connection
        .prepare_cached(&format!(
            "SELECT min(o.not_before) FROM outbox o JOIN message m USING (local_id) WHERE o.state = 'queued' AND {waits}"
        ))?
        .query_row([], |row| row.get(0))?;
    Ok(NextUpload::Later(later.map(Timestamp::from_millis)))
}

/// Notes how far a file has gone; `None` once it is no longer on its way.
pub(crate) fn note_moved(connection: &Connection, file_id: i64, moved: Option<u32>) -> Result<(), Error> {
    connection.prepare_cached("UPDATE attachment SET moved = ? WHERE file_id = ?")?.execute(params![moved, file_id])?;
    Ok(())
}

/// No own file is on its way any more: the link has ended.
pub(crate) fn stop_uploads(connection: &Connection) -> Result<(), Error> {
    connection.execute("UPDATE attachment SET moved = NULL WHERE local_id IS NOT NULL AND moved IS NOT NULL", [])?;
    Ok(())
}

/// The server has an own file, under this name and with what it found out about it.
pub(crate) fn note_uploaded(connection: &Connection, file_id: i64, told: &Attachment) -> Result<(), Error> {
    connection.execute(
        "UPDATE attachment SET server_id = ?, name = ?, media_type = ?, sha256 = ?, width = ?, height = ?, moved = NULL,
                               problem = NULL, uploads = uploads + 1
         WHERE file_id = ? AND local_id IS NOT NULL",
        params![
            told.id.as_str(),
            told.name.as_str(),
            told.media_type,
            told.sha256,
            told.width,
            told.height,
            file_id
        ],
    )?;
    Ok(())
}

/// The server does not know a message's files, or one of them: they are brought again, unless that was tried before.
/// Returns whether they are.
pub(super) fn bring_again(connection: &Connection, local_id: i64) -> Result<bool, Error> {
    let brought = connection.execute(
        "UPDATE attachment SET server_id = NULL WHERE local_id = ? AND uploads < ?",
        params![local_id, MOST_UPLOADS],
    )?;
    Ok(brought > 0)
}

/// An own file goes no further, and its message with it, until the person decides.
pub(crate) fn fail_upload(
    connection: &Connection,
    local_id: i64,
    file_id: Option<i64>,
    problem: ErrorCode,
) -> Result<(), Error> {
    connection.execute(
        "UPDATE attachment SET problem = ?, moved = NULL WHERE file_id = ?",
        params![name_of(problem), file_id],
    )?;
    connection.execute(
        "UPDATE outbox SET state = 'failed', problem = ? WHERE local_id = ?",
        params![name_of(problem), local_id],
    )?;
    Ok(())
}

/// An own file is tried again, not before this time.
pub(crate) fn put_off_upload(
    connection: &Connection,
    (local_id, file_id): (i64, i64),
    problem: ErrorCode,
    not_before: Timestamp,
) -> Result<(), Error> {
    note_moved(connection, file_id, None)?;
    connection.execute(
        "UPDATE outbox SET problem = ?, not_before = ? WHERE local_id = ? AND state = 'queued'",
        params![name_of(problem), not_before.as_millis(), local_id],
    )?;
    Ok(())
}

/// Messages whose files are not all here any more go no further.
pub(super) fn fail_incomplete(connection: &Connection) -> Result<(), Error> {
    connection.execute(
        "UPDATE outbox SET state = 'failed', problem = ?1
         WHERE (SELECT coalesce(json_extract(m.extras, '$.files'), 0) FROM message m WHERE m.local_id = outbox.local_id)
               > (SELECT count(*) FROM attachment WHERE attachment.local_id = outbox.local_id)",
        params![name_of(ErrorCode::StoreUnreadable)],
    )?;
    Ok(())
}

/// The person wants a failed message tried again, and its files with it.
pub(super) fn forget_problems(connection: &Connection, local_id: i64) -> Result<(), Error> {
    connection.execute("UPDATE attachment SET problem = NULL, uploads = 0 WHERE local_id = ?", params![local_id])?;
    Ok(())
}
