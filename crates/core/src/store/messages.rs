//! Messages: taking in what the server tells. See `rows` and `stretches` for reading them.
//!
//! Invariants: a message is one row, whatever way and however often it arrives (live, by sync, by history, as the echo of
//! an own one); a change never gives way to an older one.

use hugmedo_chat_protocol::{
    ClientMessageId, Message, MessageChanged, MessageId, Reaction, RoomId, Seq, Timestamp, UserId,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::json;

use super::{
    acknowledgements, attachments,
    columns::name_of,
    coverage::{self, number, position},
    edits, rooms, search,
};
use crate::{error::Error, naming};

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
    /// Whether it was here, and is another now.
    pub(crate) changed: bool,
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

/// Takes in a message as it was said. What has become of it since is told by its changes.
pub(crate) fn take_in(connection: &Connection, me: &UserId, message: &Message) -> Result<Incoming, Error> {
    take_in_as_of(connection, me, message, Seq::ZERO)
}

/// Takes in a message as it is: the server told of it with everything that had become of it up to `as_of`, a position in its
/// room's log, at least.
pub(crate) fn take_in_as_of(
    connection: &Connection,
    me: &UserId,
    message: &Message,
    as_of: Seq,
) -> Result<Incoming, Error> {
    rooms::ensure(connection, &message.room_id)?;
    let room = &message.room_id;
    let known = find(connection, me, message)?;
    let seq = match (message.seq, known) {
        (Some(seq), _) => seq,
        // A baseline server counts nothing, so arrivals are counted here.
        (None, Some(Known { seq: Some(seq), .. })) => seq,
        (None, _) => rooms::last_seq(connection, room)?.next(),
    };
    let mut changed = false;
    let local_id = match known {
        Some(known) => {
            changed = settle(
                connection,
                known.local_id,
                &Settled { id: message.id.clone(), seq, created_at: message.created_at },
            )?;
            // A telling of the original may be older than what is here, by a change or by a page of history. It stands where
            // none is here yet, or where it tells of an edit or a deletion that is not known.
            let updated = connection.execute(
                "UPDATE message SET content = ?1, edited_at = ?2, deleted_at = ?3, reactions = ?4
                 WHERE local_id = ?5 AND changed_seq <= ?7
                   AND (?6 OR (deleted_at IS NULL AND (?3 IS NOT NULL OR coalesce(edited_at, 0) < ?2)))
                   AND (content, edited_at, deleted_at, reactions) IS NOT (?1, ?2, ?3, ?4)",
                params![
                    message.content.as_str(),
                    message.edited_at.map(Timestamp::as_millis),
                    message.deleted_at.map(Timestamp::as_millis),
                    written(&message.reactions),
                    known.local_id,
                    known.seq.is_none() || as_of > Seq::ZERO,
                    number(as_of)
                ],
            )?;
            if as_of > Seq::ZERO {
                connection.execute(
                    "UPDATE message SET changed_seq = ?1 WHERE local_id = ?2 AND changed_seq < ?1",
                    params![number(as_of), known.local_id],
                )?;
            }
            if updated > 0 {
                changed = true;
                reworded(connection, known.local_id)?;
            }
            known.local_id
        }
        None => insert(connection, me, message, seq, as_of)?,
    };
    for taken_on in &message.acknowledged_by {
        let noted = acknowledgements::note(connection, room, &message.id, &taken_on.user_id, taken_on.at)?;
        changed |= known.is_some() && noted.is_some();
    }
    let covered_before = coverage::newest(connection, room)?;
    coverage::add(connection, room, seq, seq)?;
    rooms::raise_last_seq(connection, room, seq)?;
    if message.user_id == *me {
        // Who writes has read what stands above.
        rooms::raise_read_seq(connection, room, seq)?;
    }
    let expected = covered_before.map_or(Seq::ZERO, |(_, last)| last).next();
    Ok(Incoming { local_id, seq, new: known.is_none(), changed, gap: seq > expected })
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
            Some(seq) => insert(connection, me, message, seq, Seq::ZERO)?,
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
    reworded(connection, local_id)?;
    let mut rows = answers_to(connection, &change.room_id, &message.id)?;
    rows.push(local_id);
    Ok(rows)
}

/// A message says something else now, or nothing any more.
pub(super) fn reworded(connection: &Connection, local_id: i64) -> Result<(), Error> {
    attachments::forget_taken_back(connection, local_id)?;
    edits::forget_taken_back(connection, local_id)?;
    search::refresh(connection, local_id)
}

/// Rows that quote a message, the newest.
pub(crate) fn answers_to(connection: &Connection, room: &RoomId, origin: &MessageId) -> Result<Vec<i64>, Error> {
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

/// The server has an own message: its name and position go onto the row and it leaves the outbox, in one transaction. Returns
/// whether the row was still waiting for them: it may have got them by sync, and been forgotten with the history since.
pub(crate) fn settle(connection: &Connection, local_id: i64, settled: &Settled) -> Result<bool, Error> {
    let updated = connection.execute(
        "UPDATE message SET id = ?, seq = ?, created_at = ? WHERE local_id = ? AND (id IS NULL OR seq IS NULL)",
        params![settled.id.as_str(), number(settled.seq), settled.created_at.as_millis(), local_id],
    )?;
    if updated > 0 {
        attachments::settle(connection, local_id)?;
        search::refresh(connection, local_id)?;
    }
    connection.execute("DELETE FROM outbox WHERE local_id = ?", params![local_id])?;
    Ok(updated > 0)
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

fn insert(connection: &Connection, me: &UserId, message: &Message, seq: Seq, as_of: Seq) -> Result<i64, Error> {
    let extras = json!({
        "attachments": message.attachments,
        "metadata": message.metadata,
        "replyTo": message.reply_to,
        "mentions": message.mentions,
    });
    connection.execute(
        "INSERT INTO message (room_id, id, client_message_id, seq, user_id, user_name, user_type, content, extras, priority,
                              created_at, edited_at, deleted_at, reactions, mentions_me, changed_seq)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            message.room_id.as_str(),
            message.id.as_str(),
            message.client_message_id.as_ref().map(ClientMessageId::as_str),
            number(seq),
            message.user_id.as_str(),
            naming::shown(&message.user_name).as_str(),
            name_of(message.user_type),
            message.content.as_str(),
            extras.to_string(),
            name_of(message.priority),
            message.created_at.as_millis(),
            message.edited_at.map(Timestamp::as_millis),
            message.deleted_at.map(Timestamp::as_millis),
            written(&message.reactions),
            message.mentions.contains(me),
            number(as_of),
        ],
    )?;
    let local_id = connection.last_insert_rowid();
    search::refresh(connection, local_id)?;
    Ok(local_id)
}
