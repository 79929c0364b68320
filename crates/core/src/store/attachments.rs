//! Files: own ones until they are sent, and copies of what messages carry. Their bytes are in [`super::pieces`].
//!
//! A file is one of three things, which its columns tell: it waits in a composer (no message, unknown to the server), it goes
//! with an unsent message, or it is a copy of what the server has. Sending moves it on in the transaction that moves the message.
//!
//! Invariants: a message never goes out without all of its files, whatever was lost meanwhile; a copy can be dropped at any
//! time, the other two never; what a message carries is read from the message, and a copy only says how much of it is here.

use hugmedo_chat_protocol::{Attachment, AttachmentId, Opaque, RoomId, Sensitive, Timestamp, limits::MAX_LIST_ITEMS};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Value, json};

use super::columns::named;
use crate::{
    carried::{self, Carried},
    error::{Error, ErrorCode},
    view::{AttachmentState, AttachmentView, NewAttachment},
};

/// A file's row.
#[derive(Clone)]
pub(crate) struct StoredFile {
    /// Its row, and the key of its pieces.
    pub(crate) file_id: i64,
    /// Its name towards the interface.
    pub(crate) id: String,
    pub(crate) room: RoomId,
    /// The unsent message it goes with.
    pub(crate) local_id: Option<i64>,
    /// The server's name for it.
    pub(crate) server_id: Option<AttachmentId>,
    pub(crate) name: Sensitive,
    pub(crate) media_type: String,
    pub(crate) size: u32,
    pub(crate) sha256: Option<String>,
    /// Bytes that are here, from the first on.
    pub(crate) held: u32,
    /// Whether all are here and right.
    pub(crate) whole: bool,
    width: Option<u32>,
    height: Option<u32>,
    moved: Option<u32>,
    problem: Option<ErrorCode>,
}

impl StoredFile {
    /// Whether it waits in a composer.
    pub(crate) fn is_in_composer(&self) -> bool {
        self.local_id.is_none() && self.server_id.is_none()
    }

    fn state(&self) -> AttachmentState {
        let is_copy = self.local_id.is_none() && self.server_id.is_some();
        match (self.problem, self.moved) {
            (Some(problem), _) => AttachmentState::Failed { problem },
            _ if self.whole && self.server_id.is_some() => AttachmentState::Here,
            (None, Some(_)) if is_copy => AttachmentState::Downloading { bytes: self.held },
            _ if is_copy => AttachmentState::Remote,
            _ if !self.whole => AttachmentState::Reading { bytes: self.held },
            (None, Some(bytes)) => AttachmentState::Uploading { bytes },
            (None, None) => AttachmentState::Waiting,
        }
    }

    pub(crate) fn view(&self) -> AttachmentView {
        AttachmentView {
            id: self.id.clone(),
            name: self.name.clone(),
            media_type: self.media_type.clone(),
            size: self.size,
            width: self.width,
            height: self.height,
            state: self.state(),
        }
    }
}

const COLUMNS: &str = "file_id, id, room_id, local_id, server_id, name, media_type, size, sha256, held, whole, width, height, \
                       moved, problem";

fn stored(row: &Row<'_>) -> rusqlite::Result<StoredFile> {
    Ok(StoredFile {
        file_id: row.get(0)?,
        id: row.get(1)?,
        room: RoomId::new(row.get::<_, String>(2)?),
        local_id: row.get(3)?,
        server_id: row.get::<_, Option<String>>(4)?.map(AttachmentId::new),
        name: Sensitive::new(row.get::<_, String>(5)?),
        media_type: row.get(6)?,
        size: row.get(7)?,
        sha256: row.get(8)?,
        held: row.get(9)?,
        whole: row.get(10)?,
        width: row.get(11)?,
        height: row.get(12)?,
        moved: row.get(13)?,
        problem: row.get::<_, Option<String>>(14)?.and_then(named::<ErrorCode>),
    })
}

pub(super) fn one(
    connection: &Connection,
    condition: &str,
    values: impl rusqlite::Params,
) -> Result<Option<StoredFile>, Error> {
    let query = format!("SELECT {COLUMNS} FROM attachment WHERE {condition}");
    Ok(connection.prepare_cached(&query)?.query_row(values, stored).optional()?)
}

fn all(connection: &Connection, condition: &str, values: impl rusqlite::Params) -> Result<Vec<StoredFile>, Error> {
    let query = format!("SELECT {COLUMNS} FROM attachment WHERE {condition}");
    let mut statement = connection.prepare_cached(&query)?;
    let rows = statement.query_map(values, stored)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn by_id(connection: &Connection, id: &str) -> Result<Option<StoredFile>, Error> {
    one(connection, "id = ?", params![id])
}

pub(crate) fn by_row(connection: &Connection, file_id: i64) -> Result<Option<StoredFile>, Error> {
    one(connection, "file_id = ?", params![file_id])
}

/// Puts a file into a room's composer. The same one again is left as it is.
pub(crate) fn add(connection: &Connection, new: &NewAttachment, now: Timestamp) -> Result<StoredFile, Error> {
    super::rooms::require(connection, &new.room_id)?;
    if by_id(connection, &new.id)?.is_none() {
        if composing(connection, &new.room_id)?.len() >= MAX_LIST_ITEMS {
            return Err(Error::new(ErrorCode::Refused, "more files than a message may carry"));
        }
        connection.execute(
            "INSERT INTO attachment (id, room_id, name, media_type, size, used_at)
             VALUES (?, ?, ?, 'application/octet-stream', ?, ?)",
            params![new.id, new.room_id.as_str(), new.name.as_str(), new.size, now.as_millis()],
        )?;
    }
    by_id(connection, &new.id)?
        .filter(|file| file.room == new.room_id && file.size == new.size)
        .ok_or_else(|| Error::new(ErrorCode::Refused, "the id was used for another file"))
}

/// The files in a room's composer, in the order they were chosen.
pub(crate) fn composing(connection: &Connection, room: &RoomId) -> Result<Vec<StoredFile>, Error> {
    all(connection, "room_id = ? AND local_id IS NULL AND server_id IS NULL ORDER BY file_id", params![room.as_str()])
}

/// Takes a file out of its composer. Returns its room; `None` if it is in none.
pub(crate) fn remove(connection: &Connection, id: &str) -> Result<Option<RoomId>, Error> {
    Ok(connection
        .query_row(
            "DELETE FROM attachment WHERE id = ? AND local_id IS NULL AND server_id IS NULL RETURNING room_id",
            params![id],
            |row| Ok(RoomId::new(row.get::<_, String>(0)?)),
        )
        .optional()?)
}

/// Moves files from their composer to an unsent message.
pub(super) fn attach(connection: &Connection, room: &RoomId, local_id: i64, ids: &[String]) -> Result<(), Error> {
    for (id, position) in ids.iter().zip(0_i64..) {
        let moved = connection.execute(
            "UPDATE attachment SET local_id = ?, position = ?
             WHERE id = ? AND room_id = ? AND whole = 1 AND local_id IS NULL AND server_id IS NULL",
            params![local_id, position, id, room.as_str()],
        )?;
        if moved == 0 {
            return Err(Error::new(ErrorCode::NotFound, "a file is not in the composer, or not whole"));
        }
    }
    Ok(())
}

/// Whether the outbox's message `alias` waits for files: it says how many it has, so that none can get lost unnoticed.
pub(super) fn waits_for_files(alias: &str) -> String {
    format!(
        "coalesce(json_extract({alias}.extras, '$.files'), 0)
         > (SELECT count(*) FROM attachment file WHERE file.local_id = {alias}.local_id AND file.server_id IS NOT NULL)"
    )
}

/// What an unsent message's files are called in the event that sends it.
pub(super) fn named_for_sending(connection: &Connection, local_id: i64) -> Result<Vec<Opaque>, Error> {
    let files = of_unsent(connection, local_id)?;
    Ok(files.into_iter().filter_map(|file| Some(Opaque(json!({ "id": file.server_id? })))).collect())
}

fn of_unsent(connection: &Connection, local_id: i64) -> Result<Vec<StoredFile>, Error> {
    all(connection, "local_id = ? ORDER BY position", params![local_id])
}

/// The files of an unsent message, as they are shown.
pub(super) fn views_of_unsent(connection: &Connection, local_id: i64) -> Result<Vec<AttachmentView>, Error> {
    Ok(of_unsent(connection, local_id)?.iter().map(StoredFile::view).collect())
}

/// The files a message carries, as they are shown.
pub(super) fn views_of(connection: &Connection, attachments: &[Value]) -> Result<Vec<AttachmentView>, Error> {
    let views = carried::files(attachments).map(|carried| match carried {
        Carried::File(file) => {
            let copy = one(connection, "server_id = ?", params![file.id.as_str()])?;
            Ok(copy.map_or_else(|| remote(file), |copy| copy.view()))
        }
        Carried::Foreign(view) => Ok(view),
    });
    views.collect()
}

fn remote(file: Attachment) -> AttachmentView {
    AttachmentView {
        id: file.id.as_str().to_owned(),
        name: file.name,
        media_type: file.media_type,
        size: u32::try_from(file.size).unwrap_or(u32::MAX),
        width: file.width,
        height: file.height,
        state: AttachmentState::Remote,
    }
}

/// The server has an unsent message: its files are copies of what the message carries from now on.
pub(super) fn settle(connection: &Connection, local_id: i64) -> Result<(), Error> {
    let files = of_unsent(connection, local_id)?;
    if files.is_empty() {
        return Ok(());
    }
    let carried: Vec<Value> = files
        .iter()
        .filter_map(|file| {
            let told = Attachment {
                id: file.server_id.clone()?,
                name: file.name.clone(),
                media_type: file.media_type.clone(),
                size: file.size.into(),
                sha256: file.sha256.clone()?,
                width: file.width,
                height: file.height,
            };
            serde_json::to_value(told).ok()
        })
        .collect();
    connection.execute(
        "UPDATE message SET extras = json_set(json_remove(extras, '$.files'), '$.attachments', json(?)) WHERE local_id = ?",
        params![Value::Array(carried).to_string(), local_id],
    )?;
    connection
        .execute("UPDATE attachment SET local_id = NULL, problem = NULL WHERE local_id = ?", params![local_id])?;
    Ok(())
}

/// A message that was taken back carries nothing, and what it carried is not kept.
pub(super) fn forget_taken_back(connection: &Connection, local_id: i64) -> Result<(), Error> {
    let carried = connection
        .prepare_cached(
            "SELECT json_extract(extras, '$.attachments') FROM message
             WHERE local_id = ? AND deleted_at IS NOT NULL AND json_array_length(extras, '$.attachments') > 0",
        )?
        .query_row(params![local_id], |row| row.get::<_, String>(0))
        .optional()?;
    let Some(carried) = carried else { return Ok(()) };
    for carried in carried::files(&serde_json::from_str::<Vec<Value>>(&carried).unwrap_or_default()) {
        if let Carried::File(file) = carried {
            connection.execute(
                "DELETE FROM attachment WHERE server_id = ? AND local_id IS NULL",
                params![file.id.as_str()],
            )?;
        }
    }
    connection.execute(
        "UPDATE message SET extras = json_remove(extras, '$.attachments') WHERE local_id = ?",
        params![local_id],
    )?;
    Ok(())
}

/// A file of a room by its name towards the interface, or the server's; if a message there carries it, with a row for its copy.
pub(crate) fn in_room(
    connection: &Connection,
    room: &RoomId,
    id: &str,
    now: Timestamp,
) -> Result<Option<StoredFile>, Error> {
    let known = by_id(connection, id)?;
    if known.as_ref().is_some_and(|file| file.room == *room) {
        return Ok(known);
    }
    let server_id = known.and_then(|file| file.server_id).map_or_else(|| id.to_owned(), |id| id.as_str().to_owned());
    let Some(file) = carried_in(connection, room, &server_id)? else { return Ok(None) };
    connection.execute(
        "INSERT INTO attachment (id, room_id, server_id, name, media_type, size, sha256, width, height, used_at)
         VALUES (?1, ?2, ?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        params![
            file.id.as_str(),
            room.as_str(),
            file.name.as_str(),
            file.media_type,
            u32::try_from(file.size).unwrap_or(u32::MAX),
            file.sha256,
            file.width,
            file.height,
            now.as_millis(),
        ],
    )?;
    one(connection, "server_id = ?", params![server_id])
}

/// What a message of the room says of the file.
fn carried_in(connection: &Connection, room: &RoomId, server_id: &str) -> Result<Option<Attachment>, Error> {
    let found = connection
        .prepare_cached(
            "SELECT json_extract(extras, '$.attachments') FROM message
             WHERE room_id = ?1 AND json_array_length(extras, '$.attachments') > 0 AND deleted_at IS NULL
               AND EXISTS (SELECT 1 FROM json_each(extras, '$.attachments') AS carried
                           WHERE carried.type = 'object' AND json_extract(carried.value, '$.id') = ?2)
             ORDER BY local_id DESC LIMIT 1",
        )?
        .query_row(params![room.as_str(), server_id], |row| row.get::<_, String>(0))
        .optional()?;
    let attachments: Vec<Value> = found.and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
    Ok(carried::files(&attachments).find_map(|carried| match carried {
        Carried::File(file) if file.id.as_str() == server_id => Some(file),
        _ => None,
    }))
}

/// Drops every copy: the history it belongs to is gone.
pub(super) fn forget_copies(connection: &Connection) -> Result<(), Error> {
    connection.execute("DELETE FROM attachment WHERE local_id IS NULL AND server_id IS NOT NULL", [])?;
    Ok(())
}

/// The app has begun anew: nothing is on its way, and whoever was handing a file over is gone.
pub(super) fn recover(connection: &Connection) -> Result<(), Error> {
    connection.execute("UPDATE attachment SET moved = NULL WHERE moved IS NOT NULL", [])?;
    connection.execute("DELETE FROM attachment WHERE local_id IS NULL AND server_id IS NULL AND whole = 0", [])?;
    Ok(())
}
