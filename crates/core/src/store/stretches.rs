//! Stretches of a room's timeline, and where in it something stands.
//!
//! Invariant: a stretch is read from within one covered range, so that a missing message can never look like silence.

use hugmedo_chat_protocol::{MessageId, RoomId, Seq, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    coverage::{self, number, position},
    rooms,
    rows::{PENDING, views},
};
use crate::{error::Error, view::MessageView};

/// A stretch of a timeline and whether rows exist beside it, here or on the server.
pub(crate) struct Stretch {
    /// Ascending.
    pub(crate) messages: Vec<MessageView>,
    /// Whether older rows exist.
    pub(crate) has_earlier: bool,
    /// Whether newer rows exist.
    pub(crate) has_later: bool,
}

/// The newest rows of a room, at most `limit` sent ones, and all that wait to be sent.
pub(crate) fn newest(connection: &Connection, me: &UserId, room: &RoomId, limit: u32) -> Result<Stretch, Error> {
    let mut stretch = match coverage::newest(connection, room)? {
        Some((first, last)) => stretch(connection, me, room, first, last.next(), limit)?,
        None => {
            let has_earlier = rooms::last_seq(connection, room)? > Seq::ZERO;
            Stretch { messages: Vec::new(), has_earlier, has_later: false }
        }
    };
    stretch.has_later = false;
    stretch.messages.append(&mut pending(connection, me, room)?);
    Ok(stretch)
}

fn pending(connection: &Connection, me: &UserId, room: &RoomId) -> Result<Vec<MessageView>, Error> {
    views(connection, me, &format!("{PENDING} ORDER BY m.local_id"), params![room.as_str()])
}

/// The rows just before a position, or `None` if they are not stored here.
pub(crate) fn before(
    connection: &Connection,
    me: &UserId,
    room: &RoomId,
    before: Seq,
    limit: u32,
) -> Result<Option<Stretch>, Error> {
    let last = Seq::new(before.get().saturating_sub(1));
    if last == Seq::ZERO {
        return Ok(Some(Stretch { messages: Vec::new(), has_earlier: false, has_later: true }));
    }
    let Some((first, _)) = coverage::around(connection, room, last)? else { return Ok(None) };
    let stretch = stretch(connection, me, room, first, before, limit)?;
    // Positions of edits and deletions show nothing: what stands before them is as good as not stored.
    Ok((!stretch.messages.is_empty() || !stretch.has_earlier).then_some(stretch))
}

/// The rows just after a position, and after the newest all that wait to be sent; `None` if they are not stored here.
pub(crate) fn after(
    connection: &Connection,
    me: &UserId,
    room: &RoomId,
    after: Seq,
    limit: u32,
) -> Result<Option<Stretch>, Error> {
    let newest = rooms::last_seq(connection, room)?;
    let last = match coverage::around(connection, room, after.next())? {
        Some((_, last)) => last,
        None if after >= newest => after,
        None => return Ok(None),
    };
    let mut messages = views(
        connection,
        me,
        "m.room_id = ?1 AND m.seq > ?2 AND m.seq <= ?3 ORDER BY m.seq LIMIT ?4",
        params![room.as_str(), number(after), number(last), limit.saturating_add(1)],
    )?;
    let has_later = messages.len() > limit as usize || last < newest;
    messages.truncate(limit as usize);
    if messages.is_empty() && has_later {
        // As with `before`.
        return Ok(None);
    }
    if !has_later {
        messages.append(&mut pending(connection, me, room)?);
    }
    Ok(Some(Stretch { messages, has_earlier: after > Seq::ZERO, has_later }))
}

/// The position of a message that is here.
pub(crate) fn position_of(connection: &Connection, room: &RoomId, id: &MessageId) -> Result<Option<Seq>, Error> {
    let seq: Option<Option<i64>> = connection
        .query_row("SELECT seq FROM message WHERE room_id = ? AND id = ?", params![room.as_str(), id.as_str()], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(seq.flatten().map(position))
}

/// The messages that stand beside a time: the last one before it, and the first one at or after it.
pub(crate) fn beside_time(
    connection: &Connection,
    room: &RoomId,
    at: Timestamp,
) -> Result<(Option<Seq>, Option<Seq>), Error> {
    let one = |query| -> Result<Option<Seq>, Error> {
        let seq: Option<i64> =
            connection.query_row(query, params![room.as_str(), at.as_millis()], |row| row.get(0)).optional()?;
        Ok(seq.map(position))
    };
    Ok((one(LAST_BEFORE_TIME)?, one(FIRST_FROM_TIME)?))
}

const LAST_BEFORE_TIME: &str = "SELECT seq FROM message WHERE room_id = ? AND created_at < ? AND seq IS NOT NULL
                                ORDER BY created_at DESC, seq DESC LIMIT 1";
const FIRST_FROM_TIME: &str = "SELECT seq FROM message WHERE room_id = ? AND created_at >= ? AND seq IS NOT NULL
                               ORDER BY created_at, seq LIMIT 1";

fn stretch(
    connection: &Connection,
    me: &UserId,
    room: &RoomId,
    first: Seq,
    end: Seq,
    limit: u32,
) -> Result<Stretch, Error> {
    let mut messages = views(
        connection,
        me,
        "m.room_id = ?1 AND m.seq >= ?2 AND m.seq < ?3 ORDER BY m.seq DESC LIMIT ?4",
        params![room.as_str(), number(first), number(end), limit],
    )?;
    messages.reverse();
    let full = messages.len() >= limit as usize;
    let has_later = end <= rooms::last_seq(connection, room)?;
    Ok(Stretch { messages, has_earlier: full || first > Seq::new(1), has_later })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        store::{
            Store,
            rows::{UNSENT, select},
        },
        surroundings::Surroundings,
    };

    #[tokio::test]
    async fn what_a_timeline_asks_never_looks_at_every_message() {
        let store = Store::in_memory(Surroundings::real()).expect("opens");
        let conditions = [
            format!("{PENDING} ORDER BY m.local_id"),
            "m.room_id = ?1 AND m.seq >= ?2 AND m.seq < ?3 ORDER BY m.seq DESC LIMIT ?4".to_owned(),
            "m.room_id = ?1 AND m.seq > ?2 AND m.seq <= ?3 ORDER BY m.seq LIMIT ?4".to_owned(),
            "m.room_id = ?1 AND m.seq IS NOT NULL ORDER BY m.seq DESC LIMIT 1".to_owned(),
            UNSENT.to_owned(),
        ];
        let plans = store.read(move |connection| {
            let mut plans = Vec::new();
            let queries = conditions.iter().map(|condition| select(condition));
            for query in queries.chain([LAST_BEFORE_TIME, FIRST_FROM_TIME].map(str::to_owned)) {
                let mut explained = connection.prepare(&format!("EXPLAIN QUERY PLAN {query}"))?;
                let mut rows = explained.raw_query();
                while let Some(row) = rows.next()? {
                    plans.push((query.clone(), row.get::<_, String>(3)?));
                }
            }
            Ok(plans)
        });
        for (query, step) in plans.await.expect("explains") {
            assert!(!step.starts_with("SCAN m") && !step.contains("TEMP B-TREE"), "{query}: {step}");
        }
    }
}
