//! Messages: taking in what the server tells, and reading a timeline.
//!
//! Invariants: a message is one row, whatever way and however often it arrives (live, by sync, by history, as the echo of
//! an own one); a change never gives way to an older one; a timeline is read from within one covered range.

use hugmedo_chat_protocol::{
    ClientMessageId, Message, MessageChanged, MessageId, Reaction, RoomId, Seq, Timestamp, UserId,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

use super::{
    columns::name_of,
    coverage::{self, number, position},
    rooms,
    rows::views,
    search,
};
use crate::{error::Error, view::MessageView};

/// Answers shown anew at once when the message they quote changes; others are right when they are next read.
const ROWS_PER_ORIGIN: u32 = 200;

/// What taking in one message came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Incoming {
    /// Its row.
    pub(crate) local_id: i64,
    /// Its position.
    pub(crate) seq: Seq,
    /// Whether it was not here before, in any form.
    pub(crate) new: bool,
    /// Whether positions before it are missing here.
    pub(crate) gap: bool,
}

/// An own message that the server now has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Settled {
    /// The server's name.
    pub(crate) id: MessageId,
    /// Its position.
    pub(crate) seq: Seq,
    /// When the server stored it.
    pub(crate) created_at: Timestamp,
}

/// Takes in a message as the server tells it.
pub(crate) fn take_in(connection: &Connection, me: &UserId, message: &Message) -> Result<Incoming, Error> {
    rooms::ensure(connection, &message.room_id)?;
    let room = &message.room_id;
    let known = find(connection, me, message)?;
    let seq = match (message.seq, known) {
        (Some(seq), _) => seq,
        // A baseline server counts nothing, so arrivals are counted here.
        (None, Some(Known { seq: Some(seq), .. })) => seq,
        (None, _) => rooms::last_seq(connection, room)?.next(),
    };
    let local_id = match known {
        Some(known) => {
            settle(
                connection,
                known.local_id,
                &Settled { id: message.id.clone(), seq, created_at: message.created_at },
            )?;
            // A telling of the original may be older than what is here, by a change or by a page of history. It stands where
            // none is here yet, or where it tells of an edit or a deletion that is not known.
            let updated = connection.execute(
                "UPDATE message SET content = ?1, edited_at = ?2, deleted_at = ?3, reactions = ?4
                 WHERE local_id = ?5 AND changed_seq = 0
                   AND (?6 OR (deleted_at IS NULL AND (?3 IS NOT NULL OR coalesce(edited_at, 0) < ?2)))
                   AND (content, edited_at, deleted_at, reactions) IS NOT (?1, ?2, ?3, ?4)",
                params![
                    message.content.as_str(),
                    message.edited_at.map(Timestamp::as_millis),
                    message.deleted_at.map(Timestamp::as_millis),
                    written(&message.reactions),
                    known.local_id,
                    known.seq.is_none()
                ],
            )?;
            if updated > 0 {
                search::refresh(connection, known.local_id)?;
            }
            known.local_id
        }
        None => insert(connection, me, message, seq)?,
    };
    let covered_before = coverage::newest(connection, room)?;
    coverage::add(connection, room, seq, seq)?;
    rooms::raise_last_seq(connection, room, seq)?;
    if message.user_id == *me {
        // Who writes has read what stands above.
        rooms::raise_read_seq(connection, room, seq)?;
    }
    let expected = covered_before.map_or(Seq::ZERO, |(_, last)| last).next();
    Ok(Incoming { local_id, seq, new: known.is_none(), gap: seq > expected })
}

/// Takes in an edit, a deletion or a reaction. Returns the row and those that quote it; none if a newer change was here
/// already.
pub(crate) fn take_in_change(connection: &Connection, me: &UserId, change: &MessageChanged) -> Result<Vec<i64>, Error> {
    rooms::ensure(connection, &change.room_id)?;
    coverage::add(connection, &change.room_id, change.seq, change.seq)?;
    rooms::raise_last_seq(connection, &change.room_id, change.seq)?;
    let message = &change.message;
    let local_id = match find(connection, me, message)? {
        Some(known) => known.local_id,
        // Its original lies in a stretch that is not here; the row waits there, out of sight, for the rest.
        None => match message.seq {
            Some(seq) => insert(connection, me, message, seq)?,
            None => return Ok(Vec::new()),
        },
    };
    // The same change again is taken in: an own one may have been applied here before the server told it.
    let updated = connection.execute(
        "UPDATE message SET content = ?, edited_at = ?, deleted_at = ?, reactions = ?, changed_seq = ?
         WHERE local_id = ? AND changed_seq <= ?",
        params![
            message.content.as_str(),
            message.edited_at.map(Timestamp::as_millis),
            message.deleted_at.map(Timestamp::as_millis),
            written(&message.reactions),
            number(change.seq),
            local_id,
            number(change.seq)
        ],
    )?;
    if updated == 0 {
        return Ok(Vec::new());
    }
    search::refresh(connection, local_id)?;
    let mut rows = answers_to(connection, &change.room_id, &message.id)?;
    rows.push(local_id);
    Ok(rows)
}

/// Rows that quote a message, the newest.
pub(super) fn answers_to(connection: &Connection, room: &RoomId, origin: &MessageId) -> Result<Vec<i64>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT local_id FROM message WHERE room_id = ? AND reply_to = ? AND reply_to IS NOT NULL
         ORDER BY local_id DESC LIMIT ?",
    )?;
    let rows = statement.query_map(params![room.as_str(), origin.as_str(), ROWS_PER_ORIGIN], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Reactions as they stand in their column.
pub(super) fn written(reactions: &[Reaction]) -> String {
    serde_json::to_string(reactions).unwrap_or_else(|_| "[]".to_owned())
}

/// The server has an own message: its name and position go onto the row and it leaves the outbox, in one transaction.
pub(crate) fn settle(connection: &Connection, local_id: i64, settled: &Settled) -> Result<(), Error> {
    let updated = connection.execute(
        "UPDATE message SET id = ?, seq = ?, created_at = ? WHERE local_id = ? AND (id IS NULL OR seq IS NULL)",
        params![settled.id.as_str(), number(settled.seq), settled.created_at.as_millis(), local_id],
    )?;
    if updated > 0 {
        search::refresh(connection, local_id)?;
    }
    connection.execute("DELETE FROM outbox WHERE local_id = ?", params![local_id])?;
    Ok(())
}

#[derive(Clone, Copy)]
struct Known {
    local_id: i64,
    seq: Option<Seq>,
}

/// The row this message already has: by the server's name; by the client's; or, where a baseline server echoes no name of
/// ours, as the oldest own message of the same words that is still without an answer.
fn find(connection: &Connection, me: &UserId, message: &Message) -> Result<Option<Known>, Error> {
    let known = |row: &Row<'_>| Ok(Known { local_id: row.get(0)?, seq: row.get::<_, Option<i64>>(1)?.map(position) });
    let by_id = connection
        .query_row(
            "SELECT local_id, seq FROM message WHERE room_id = ? AND id = ?",
            params![message.room_id.as_str(), message.id.as_str()],
            known,
        )
        .optional()?;
    if by_id.is_some() {
        return Ok(by_id);
    }
    if let Some(client_message_id) = &message.client_message_id {
        return Ok(connection
            .query_row(
                "SELECT local_id, seq FROM message WHERE user_id = ? AND client_message_id = ?",
                params![message.user_id.as_str(), client_message_id.as_str()],
                known,
            )
            .optional()?);
    }
    if message.seq.is_none() && message.user_id == *me {
        return Ok(connection
            .query_row(
                "SELECT m.local_id, m.seq FROM outbox o JOIN message m USING (local_id)
                 WHERE o.room_id = ? AND o.attempts > 0 AND m.content = ? ORDER BY m.local_id LIMIT 1",
                params![message.room_id.as_str(), message.content.as_str()],
                known,
            )
            .optional()?);
    }
    Ok(None)
}

fn insert(connection: &Connection, me: &UserId, message: &Message, seq: Seq) -> Result<i64, Error> {
    let extras = json!({
        "attachments": message.attachments,
        "metadata": message.metadata,
        "replyTo": message.reply_to,
        "mentions": message.mentions,
    });
    connection.execute(
        "INSERT INTO message (room_id, id, client_message_id, seq, user_id, user_name, user_type, content, extras, priority,
                              created_at, edited_at, deleted_at, reactions, mentions_me)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            message.room_id.as_str(),
            message.id.as_str(),
            message.client_message_id.as_ref().map(ClientMessageId::as_str),
            number(seq),
            message.user_id.as_str(),
            message.user_name.as_str(),
            name_of(message.user_type),
            message.content.as_str(),
            extras.to_string(),
            name_of(message.priority),
            message.created_at.as_millis(),
            message.edited_at.map(Timestamp::as_millis),
            message.deleted_at.map(Timestamp::as_millis),
            written(&message.reactions),
            message.mentions.contains(me),
        ],
    )?;
    let local_id = connection.last_insert_rowid();
    search::refresh(connection, local_id)?;
    Ok(local_id)
}

/// Rows of a room that have no position yet. By way of the outbox, which is short: asked for directly, every row of the
/// store would be looked at.
const PENDING: &str =
    "m.local_id IN (SELECT local_id FROM outbox WHERE outbox.room_id = ?1) AND m.room_id = ?1 AND m.seq IS NULL";

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

/// One row.
pub(crate) fn one(connection: &Connection, me: &UserId, local_id: i64) -> Result<Option<MessageView>, Error> {
    Ok(views(connection, me, "m.local_id = ?1", params![local_id])?.pop())
}

const UNSENT: &str = "m.local_id IN (SELECT local_id FROM outbox) ORDER BY m.local_id";

/// Own rows that the server does not have, in the order they go out.
pub(crate) fn unsent(connection: &Connection, me: &UserId) -> Result<Vec<MessageView>, Error> {
    views(connection, me, UNSENT, ())
}

/// The newest row of a room, waiting ones included.
pub(crate) fn last(connection: &Connection, me: &UserId, room: &RoomId) -> Result<Option<MessageView>, Error> {
    let pending =
        views(connection, me, &format!("{PENDING} ORDER BY m.local_id DESC LIMIT 1"), params![room.as_str()])?.pop();
    if pending.is_some() {
        return Ok(pending);
    }
    Ok(views(
        connection,
        me,
        "m.room_id = ?1 AND m.seq IS NOT NULL ORDER BY m.seq DESC LIMIT 1",
        params![room.as_str()],
    )?
    .pop())
}

/// Own sent rows with `after < seq <= up_to`, the newest `limit`.
pub(crate) fn own_between(
    connection: &Connection,
    me: &UserId,
    room: &RoomId,
    (after, up_to): (Seq, Seq),
    limit: u32,
) -> Result<Vec<MessageView>, Error> {
    views(
        connection,
        me,
        "m.room_id = ?1 AND m.seq > ?2 AND m.seq <= ?3 AND m.user_id = ?4 ORDER BY m.seq DESC LIMIT ?5",
        params![room.as_str(), number(after), number(up_to), me.as_str(), limit],
    )
}

/// The row of an own message by the client's name for it.
pub(crate) fn by_client_id(
    connection: &Connection,
    me: &UserId,
    client_message_id: &ClientMessageId,
) -> Result<Option<MessageView>, Error> {
    Ok(views(
        connection,
        me,
        "m.user_id = ?1 AND m.client_message_id = ?2",
        params![me.as_str(), client_message_id.as_str()],
    )?
    .pop())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        store::{Store, rows::select},
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
