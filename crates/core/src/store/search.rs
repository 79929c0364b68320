//! The index of what was said, and of what the files are called that messages carry.
//!
//! A row of `message_search` is the message's terms (see `crate::search`); the text itself is not kept a second time. Its key
//! rises with the message's time, so that the newest hits come first without sorting.
//!
//! Invariants: a message is in the index if and only if it has a position, was not taken back, and has its `search_key`; the
//! index changes in the transaction that changes the message. Only messages from before the index wait for theirs.

use std::borrow::Cow;

use hugmedo_chat_protocol::{RoomId, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{Extras, views};
use crate::{
    carried,
    error::Error,
    search::{fold, of_message, question},
    view::MessageView,
};

/// Bits of a key below the time: they tell messages of one millisecond apart.
const KEY_BITS: u32 = 20;
/// Times of keys, in milliseconds; until the year 2109.
const TIMES: std::ops::RangeInclusive<i64> = 0..=(1 << 42) - 1;

/// The lowest key a message of this time can have.
fn first_key(at: Timestamp) -> i64 {
    at.as_millis().clamp(*TIMES.start(), *TIMES.end()) << KEY_BITS
}

/// Brings the index up to date with one message, whatever has become of it.
pub(super) fn refresh(connection: &Connection, local_id: i64) -> Result<(), Error> {
    let found = connection
        .prepare_cached(
            "SELECT search_key, seq IS NOT NULL AND deleted_at IS NULL, room_id, user_id, content, created_at, extras
             FROM message WHERE local_id = ?",
        )?
        .query_row(params![local_id], |row| {
            let is_shown: bool = row.get(1)?;
            let terms = if is_shown {
                let text = |column| -> rusqlite::Result<&str> { Ok(row.get_ref(column)?.as_str()?) };
                Some(of_message(&fold(&searched(text(4)?, text(6)?)), text(2)?, text(3)?))
            } else {
                None
            };
            Ok((row.get::<_, Option<i64>>(0)?, terms, Timestamp::from_millis(row.get(5)?)))
        })
        .optional()?;
    let Some((key, terms, created_at)) = found else { return Ok(()) };
    if let Some(key) = key {
        connection.prepare_cached("DELETE FROM message_search WHERE rowid = ?")?.execute([key])?;
    }
    let new_key = match (&terms, key) {
        (Some(_), Some(key)) => Some(key),
        (Some(_), None) => Some(free_key(connection, local_id, created_at)?),
        (None, _) => None,
    };
    if new_key != key {
        connection
            .prepare_cached("UPDATE message SET search_key = ? WHERE local_id = ?")?
            .execute(params![new_key, local_id])?;
    }
    if let (Some(terms), Some(key)) = (terms, new_key) {
        connection
            .prepare_cached("INSERT INTO message_search (rowid, terms) VALUES (?, ?)")?
            .execute(params![key, terms])?;
    }
    Ok(())
}

/// What of a message is looked through: its text, and what its files are called.
fn searched<'a>(content: &'a str, extras: &str) -> Cow<'a, str> {
    let attachments = Extras::read(extras).attachments;
    if attachments.is_empty() {
        return Cow::Borrowed(content);
    }
    Cow::Owned(format!("{content}\n{}", carried::names(&attachments)))
}

fn free_key(connection: &Connection, local_id: i64, created_at: Timestamp) -> Result<i64, Error> {
    let mut key = first_key(created_at) | (local_id & ((1 << KEY_BITS) - 1));
    let mut taken = connection.prepare_cached("SELECT 1 FROM message WHERE search_key = ?")?;
    while taken.exists([key])? {
        key += 1;
    }
    Ok(key)
}

/// Takes everything of a room out, before the room goes.
pub(super) fn forget_room(connection: &Connection, room: &RoomId) -> Result<(), Error> {
    connection.execute(
        "DELETE FROM message_search
         WHERE rowid IN (SELECT search_key FROM message WHERE room_id = ? AND search_key IS NOT NULL)",
        params![room.as_str()],
    )?;
    Ok(())
}

/// Empties the index, when the history goes.
pub(super) fn forget_all(connection: &Connection) -> Result<(), Error> {
    connection.execute_batch(
        "INSERT INTO message_search (message_search) VALUES ('delete-all');
         UPDATE message SET search_key = NULL WHERE search_key IS NOT NULL;",
    )?;
    Ok(())
}

const TO_INDEX: &str =
    "SELECT local_id FROM message WHERE search_key IS NULL AND seq IS NOT NULL AND deleted_at IS NULL";

/// Whether messages from before the index wait for theirs.
pub(crate) fn is_behind(connection: &Connection) -> Result<bool, Error> {
    Ok(connection.prepare_cached(TO_INDEX)?.exists([])?)
}

/// Indexes some of them, the newest first.
pub(crate) fn index_some(connection: &Connection, limit: u32) -> Result<(), Error> {
    let rows: Vec<i64> = connection
        .prepare_cached(&format!("{TO_INDEX} ORDER BY local_id DESC LIMIT ?"))?
        .query_map([limit], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    rows.into_iter().try_for_each(|row| refresh(connection, row))
}

/// What is looked for. Everything given must hold.
#[derive(Clone, Default)]
pub(crate) struct Wanted {
    /// Folded; each must occur.
    pub(crate) words: Vec<String>,
    pub(crate) room: Option<RoomId>,
    pub(crate) author: Option<UserId>,
    /// From this time on.
    pub(crate) since: Option<Timestamp>,
    /// Before this time.
    pub(crate) until: Option<Timestamp>,
    /// Older than the hit with this key.
    pub(crate) after: Option<i64>,
}

impl Wanted {
    /// Whether a message that may be a hit is one.
    fn holds(&self, room: &str, author: &str, text: &str, created_at: Timestamp) -> bool {
        self.room.as_ref().is_none_or(|wanted| wanted.as_str() == room)
            && self.author.as_ref().is_none_or(|wanted| wanted.as_str() == author)
            && self.since.is_none_or(|since| created_at >= since)
            && self.until.is_none_or(|until| created_at < until)
            && {
                let folded = if self.words.is_empty() { String::new() } else { fold(text) };
                self.words.iter().all(|word| folded.contains(word.as_str()))
            }
    }
}

/// Some hits.
pub(crate) struct Found {
    /// The newest first.
    pub(crate) messages: Vec<MessageView>,
    /// The key of the last one, if there are more.
    pub(crate) next: Option<i64>,
}

/// The newest hits, at most `limit`.
pub(crate) fn find(connection: &Connection, me: &UserId, wanted: &Wanted, limit: usize) -> Result<Found, Error> {
    let mut hits: Vec<(i64, i64)> = Vec::new();
    let room = wanted.room.as_ref().map(RoomId::as_str);
    let Some(question) = question(&wanted.words, room, wanted.author.as_ref().map(UserId::as_str)) else {
        return Ok(Found { messages: Vec::new(), next: None });
    };
    let until = wanted.until.map_or(i64::MAX, first_key).min(wanted.after.unwrap_or(i64::MAX));
    let since = wanted.since.map_or(0, first_key);
    let mut candidates = connection.prepare_cached(
        "SELECT rowid FROM message_search WHERE message_search MATCH ? AND rowid < ? AND rowid >= ? ORDER BY rowid DESC",
    )?;
    let mut texts = connection.prepare_cached(
        "SELECT local_id, room_id, user_id, content, created_at, extras FROM message WHERE search_key = ?",
    )?;
    let mut rows = candidates.query(params![question, until, since])?;
    while let Some(row) = rows.next()? {
        let key: i64 = row.get(0)?;
        let hit = texts
            .query_row([key], |row| {
                let text = |column| -> rusqlite::Result<&str> { Ok(row.get_ref(column)?.as_str()?) };
                let created_at = Timestamp::from_millis(row.get(4)?);
                Ok((row.get::<_, i64>(0)?, wanted.holds(text(1)?, text(2)?, &searched(text(3)?, text(5)?), created_at)))
            })
            .optional()?;
        let Some((local_id, true)) = hit else { continue };
        if hits.len() == limit {
            let next = hits.last().map(|(key, _)| *key);
            return Ok(Found { messages: shown(connection, me, &hits)?, next });
        }
        hits.push((key, local_id));
    }
    Ok(Found { messages: shown(connection, me, &hits)?, next: None })
}

fn shown(connection: &Connection, me: &UserId, hits: &[(i64, i64)]) -> Result<Vec<MessageView>, Error> {
    let mut messages = Vec::with_capacity(hits.len());
    for (_, local_id) in hits {
        messages.append(&mut views(connection, me, "m.local_id = ?1", params![local_id])?);
    }
    Ok(messages)
}
