//! Own messages on their way to the server.
//!
//! Invariants: a message and its outbox row are written together and settled together; attempts are counted before they
//! are made; a message that failed for good stays where it is, in sight, and holds up nobody.

use hugmedo_chat_protocol::{ClientMessageId, RoomId, SendMessage, Sensitive, Timestamp, User, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    attachments,
    columns::{name_of, named},
    messages::{self, Settled},
    rooms,
    rows::Extras,
    uploads,
};
use crate::{
    error::{Error, ErrorCode},
    view::OutgoingMessage,
};

/// A message whose turn has come.
#[derive(Clone)]
pub(crate) struct DueMessage {
    /// Its row.
    pub(crate) local_id: i64,
    /// What to send.
    pub(crate) message: SendMessage,
    /// How often it has been tried before.
    pub(crate) attempts: u32,
}

/// What came of an attempt.
#[derive(Clone)]
pub(crate) enum SendOutcome {
    /// The server has it.
    Settled(Settled),
    /// It stays in the queue and is tried again, not before this time.
    Waits(ErrorCode, Timestamp),
    /// It is out of the queue until the person decides.
    Fails(ErrorCode),
    /// The server does not know one of its files: they are brought again, once.
    FilesUnknown(ErrorCode),
}

/// Puts a message into the timeline and the queue. Returns its row, and `None` if it was put there before.
pub(crate) fn enqueue(connection: &Connection, me: &User, outgoing: &OutgoingMessage) -> Result<Option<i64>, Error> {
    rooms::ensure(connection, &outgoing.room_id)?;
    let extras = Extras {
        reply_to: outgoing.reply_to.clone(),
        mentions: outgoing.mentions.clone(),
        files: u32::try_from(outgoing.attachments.len()).unwrap_or(u32::MAX),
        attachments: Vec::new(),
        metadata: serde_json::Value::Null,
    };
    let added = connection.execute(
        "INSERT INTO message (room_id, client_message_id, user_id, user_name, user_type, content, extras, priority, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (user_id, client_message_id) WHERE client_message_id IS NOT NULL DO NOTHING",
        params![
            outgoing.room_id.as_str(),
            outgoing.client_message_id.as_str(),
            me.id.as_str(),
            me.name.as_str(),
            name_of(me.user_type),
            outgoing.content.as_str(),
            extras.write(),
            name_of(outgoing.priority),
            Timestamp::now().as_millis(),
        ],
    )?;
    if added == 0 {
        return Ok(None);
    }
    let local_id = connection.last_insert_rowid();
    connection.execute(
        "INSERT INTO outbox (local_id, room_id) VALUES (?, ?)",
        params![local_id, outgoing.room_id.as_str()],
    )?;
    attachments::attach(connection, &outgoing.room_id, local_id, &outgoing.attachments)?;
    Ok(Some(local_id))
}

/// The longest a message waits for its next attempt, in milliseconds. One that seems to have to wait longer was put off by
/// a clock that has been set back since, and is due.
pub(crate) const LONGEST_WAIT_MS: u32 = 10 * 60_000;

/// Takes the next message whose time has come and whose files the server has, oldest first, and counts the attempt. A room
/// whose oldest waiting message must still wait is passed over, so that order within a room holds; only an urgent message goes
/// past one that waits for its files, and what is behind that.
pub(crate) fn take_due(connection: &Connection, now: Timestamp) -> Result<Option<DueMessage>, Error> {
    let (waits, earlier_waits) = (attachments::waits_for_files("m"), attachments::waits_for_files("above"));
    let query = format!(
        "SELECT o.local_id, o.room_id, m.client_message_id, m.content, m.priority, o.attempts, m.extras
         FROM outbox o JOIN message m USING (local_id)
         WHERE o.state = 'queued' AND (o.not_before <= ?1 OR o.not_before > ?1 + ?2) AND NOT ({waits})
           AND NOT EXISTS (
             SELECT 1 FROM outbox earlier
             WHERE earlier.room_id = o.room_id AND earlier.local_id < o.local_id AND earlier.state <> 'failed'
               AND NOT (m.priority = 'urgent' AND EXISTS (
                 SELECT 1 FROM outbox stuck JOIN message above USING (local_id)
                 WHERE stuck.room_id = o.room_id AND stuck.local_id <= earlier.local_id AND stuck.state = 'queued'
                   AND {earlier_waits})))
         ORDER BY o.local_id LIMIT 1"
    );
    let mut due = connection
        .prepare_cached(&query)?
        .query_row(params![now.as_millis(), LONGEST_WAIT_MS], |row| {
            let extras = Extras::read(row.get_ref(6)?.as_str()?);
            Ok(DueMessage {
                local_id: row.get(0)?,
                message: SendMessage {
                    room_id: RoomId::new(row.get::<_, String>(1)?),
                    content: Sensitive::new(row.get::<_, String>(3)?),
                    attachments: Vec::new(),
                    metadata: hugmedo_chat_protocol::Opaque(serde_json::json!({})),
                    client_message_id: row.get::<_, Option<String>>(2)?.map(ClientMessageId::new),
                    priority: named(row.get(4)?).unwrap_or_default(),
                    reply_to: extras.reply_to,
                    mentions: extras.mentions,
                    user_id: None,
                },
                attempts: row.get(5)?,
            })
        })
        .optional()?;
    if let Some(due) = &mut due {
        due.message.attachments = attachments::named_for_sending(connection, due.local_id)?;
        connection.execute(
            "UPDATE outbox SET state = 'sending', attempts = attempts + 1, problem = NULL WHERE local_id = ?",
            params![due.local_id],
        )?;
    }
    Ok(due)
}

/// When the next waiting message may be tried, if any waits for its time.
pub(crate) fn next_due_at(connection: &Connection) -> Result<Option<Timestamp>, Error> {
    let waits = attachments::waits_for_files("m");
    let earliest: Option<i64> = connection
        .prepare_cached(&format!(
            "SELECT min(o.not_before) FROM outbox o JOIN message m USING (local_id) WHERE o.state = 'queued' AND NOT ({waits})"
        ))?
        .query_row([], |row| row.get(0))?;
    Ok(earliest.map(Timestamp::from_millis))
}

/// Writes down what came of an attempt.
pub(crate) fn conclude(connection: &Connection, due: &DueMessage, outcome: &SendOutcome) -> Result<(), Error> {
    let room = &due.message.room_id;
    match outcome {
        SendOutcome::Settled(settled) => {
            if messages::settle(connection, due.local_id, settled)? {
                super::coverage::add(connection, room, settled.seq, settled.seq)?;
            }
            rooms::raise_last_seq(connection, room, settled.seq)?;
            rooms::raise_read_seq(connection, room, settled.seq)?;
        }
        SendOutcome::Waits(problem, not_before) => {
            connection.execute(
                "UPDATE outbox SET state = 'queued', problem = ?, not_before = ? WHERE local_id = ?",
                params![name_of(problem), not_before.as_millis(), due.local_id],
            )?;
        }
        SendOutcome::FilesUnknown(_) if uploads::bring_again(connection, due.local_id)? => {
            connection.execute("UPDATE outbox SET state = 'queued' WHERE local_id = ?", params![due.local_id])?;
        }
        SendOutcome::Fails(problem) | SendOutcome::FilesUnknown(problem) => {
            connection.execute(
                "UPDATE outbox SET state = 'failed', problem = ? WHERE local_id = ?",
                params![name_of(problem), due.local_id],
            )?;
        }
    }
    Ok(())
}

/// Puts messages that were on their way back into the queue, at once. Returns their rows.
pub(crate) fn requeue_unanswered(connection: &Connection) -> Result<Vec<i64>, Error> {
    let mut statement = connection
        .prepare("UPDATE outbox SET state = 'queued', not_before = 0 WHERE state = 'sending' RETURNING local_id")?;
    let rows = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(rows)
}

/// Lets every waiting message go at once: the link is back.
pub(crate) fn wake_all(connection: &Connection) -> Result<(), Error> {
    connection.execute("UPDATE outbox SET not_before = 0 WHERE state = 'queued'", [])?;
    Ok(())
}

/// Gives up on messages that a baseline server has not echoed: it may or may not have them, and sending again could show
/// them twice to everyone. The person decides. Returns their rows.
pub(crate) fn fail_unanswered(connection: &Connection, problem: ErrorCode) -> Result<Vec<i64>, Error> {
    let mut statement = connection
        .prepare("UPDATE outbox SET state = 'failed', problem = ? WHERE state = 'sending' RETURNING local_id")?;
    let rows = statement.query_map(params![name_of(problem)], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(rows)
}

/// As [`fail_unanswered`], for one row. Returns whether it was still without an answer.
pub(crate) fn fail_one_unanswered(connection: &Connection, local_id: i64, problem: ErrorCode) -> Result<bool, Error> {
    let failed = connection.execute(
        "UPDATE outbox SET state = 'failed', problem = ? WHERE local_id = ? AND state = 'sending'",
        params![name_of(problem), local_id],
    )?;
    Ok(failed > 0)
}

/// Puts a failed message back into the queue. Returns its row; `None` if it has not failed.
pub(crate) fn retry(connection: &Connection, me: &UserId, id: &ClientMessageId) -> Result<Option<i64>, Error> {
    let row = connection
        .query_row(
            "UPDATE outbox SET state = 'queued', problem = NULL, not_before = 0
             WHERE state = 'failed'
               AND local_id = (SELECT local_id FROM message WHERE user_id = ? AND client_message_id = ?)
             RETURNING local_id",
            params![me.as_str(), id.as_str()],
            |row| row.get(0),
        )
        .optional()?;
    if let Some(row) = row {
        uploads::forget_problems(connection, row)?;
    }
    Ok(row)
}

/// Takes back a message that is not on its way. Returns its room; `None` if it is being sent or was sent.
pub(crate) fn discard(connection: &Connection, me: &UserId, id: &ClientMessageId) -> Result<Option<RoomId>, Error> {
    Ok(connection
        .query_row(
            "DELETE FROM message
             WHERE user_id = ? AND client_message_id = ?
               AND local_id IN (SELECT local_id FROM outbox WHERE state <> 'sending')
             RETURNING room_id",
            params![me.as_str(), id.as_str()],
            |row| Ok(RoomId::new(row.get::<_, String>(0)?)),
        )
        .optional()?)
}
