//! The search index: which messages have which pieces of words. See migration 3 for how it is kept.
//!
//! Invariant: what is in the index is in the store and is as it was indexed; what is not there yet is due.

use hugmedo_chat_protocol::Timestamp;
use rusqlite::{Connection, params};

use crate::{error::Error, search::pieces};

/// Places within one millisecond.
const PLACES: i64 = 1 << 20;

/// A message that may be a hit.
pub(crate) struct Candidate {
    /// Its place among all: the newer, the higher.
    pub(crate) place: i64,
    pub(crate) local_id: i64,
    pub(crate) content: String,
}

/// Takes messages that are due into the index, the newest first. Returns how many.
pub(crate) fn index_due(connection: &Connection, limit: u32) -> Result<usize, Error> {
    let mut due = connection.prepare_cached(
        "SELECT m.local_id, m.content, m.room_id, m.user_id, m.created_at
         FROM search_due d CROSS JOIN message m USING (local_id) ORDER BY d.local_id DESC LIMIT ?",
    )?;
    let mut place_of = connection.prepare_cached(
        "SELECT coalesce(max(place) + 1, ?1) FROM search_place WHERE place >= ?1 AND place < ?1 + ?2",
    )?;
    let mut take_place = connection.prepare_cached("INSERT INTO search_place (place, local_id) VALUES (?, ?)")?;
    let mut add = connection.prepare_cached("INSERT INTO search_index (rowid, pieces) VALUES (?, ?)")?;
    let mut done = connection.prepare_cached("DELETE FROM search_due WHERE local_id = ?")?;
    let mut count = 0;
    let mut rows = due.query(params![limit])?;
    let mut read = Vec::new();
    // Read to the end first: the loop below changes what is being read.
    while let Some(row) = rows.next()? {
        let (content, room, author): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(3)?);
        read.push((row.get::<_, i64>(0)?, pieces::of_message(&content, &room, &author), row.get::<_, i64>(4)?));
    }
    for (local_id, pieces, created_at) in read {
        let place: i64 = place_of.query_row(params![first_place(created_at), PLACES], |row| row.get(0))?;
        take_place.execute(params![place, local_id])?;
        add.execute(params![place, pieces])?;
        done.execute(params![local_id])?;
        count += 1;
    }
    Ok(count)
}

/// Whether messages wait to be taken in.
pub(crate) fn has_due(connection: &Connection) -> Result<bool, Error> {
    Ok(connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM search_due)")?.query_row((), |row| row.get(0))?)
}

/// The messages for which an FTS5 condition holds, the newest first, within a time and before a place.
pub(crate) fn candidates(
    connection: &Connection,
    condition: &str,
    (since, until): (Option<Timestamp>, Option<Timestamp>),
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Candidate>, Error> {
    let first = since.map_or(0, |since| first_place(since.as_millis()));
    let end = until.map_or(i64::MAX, |until| first_place(until.as_millis())).min(before.unwrap_or(i64::MAX));
    let mut statement = connection.prepare_cached(
        "SELECT i.rowid, m.local_id, m.content
         FROM search_index i CROSS JOIN search_place p ON p.place = i.rowid CROSS JOIN message m ON m.local_id = p.local_id
         WHERE i.search_index MATCH ?1 AND i.rowid >= ?2 AND i.rowid < ?3 ORDER BY i.rowid DESC LIMIT ?4",
    )?;
    let found = statement.query_map(params![condition, first, end, limit], |row| {
        Ok(Candidate { place: row.get(0)?, local_id: row.get(1)?, content: row.get(2)? })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

fn first_place(millis: i64) -> i64 {
    millis.clamp(0, i64::MAX / PLACES - 1) * PLACES
}
