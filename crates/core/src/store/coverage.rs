//! Which stretches of a room's log are stored here without a hole.
//!
//! Invariant: ranges of one room neither overlap nor touch. A timeline is only ever shown from within one range, so that a
//! missing message can never look like silence.

use hugmedo_chat_protocol::{RoomId, Seq};
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::Error;

/// Notes that every position from `first` to `last` is stored.
pub(crate) fn add(connection: &Connection, room: &RoomId, first: Seq, last: Seq) -> Result<(), Error> {
    if last < first {
        return Ok(());
    }
    let (mut first, mut last) = (number(first), number(last));
    // Swallow every range that overlaps or touches the new one.
    let touching: Option<(Option<i64>, Option<i64>)> = connection
        .query_row(
            "SELECT min(first_seq), max(last_seq) FROM coverage WHERE room_id = ? AND last_seq >= ? - 1 AND first_seq <= ? + 1",
            params![room.as_str(), first, last],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    if let Some((Some(low), Some(high))) = touching {
        connection.execute(
            "DELETE FROM coverage WHERE room_id = ? AND last_seq >= ? - 1 AND first_seq <= ? + 1",
            params![room.as_str(), first, last],
        )?;
        first = first.min(low);
        last = last.max(high);
    }
    connection.execute(
        "INSERT INTO coverage (room_id, first_seq, last_seq) VALUES (?, ?, ?)",
        params![room.as_str(), first, last],
    )?;
    Ok(())
}

/// The range that holds `seq`, if it is stored.
pub(crate) fn around(connection: &Connection, room: &RoomId, seq: Seq) -> Result<Option<(Seq, Seq)>, Error> {
    Ok(connection
        .query_row(
            "SELECT first_seq, last_seq FROM coverage WHERE room_id = ?1 AND first_seq <= ?2 AND last_seq >= ?2",
            params![room.as_str(), number(seq)],
            |row| Ok((position(row.get(0)?), position(row.get(1)?))),
        )
        .optional()?)
}

/// The range with the newest positions.
pub(crate) fn newest(connection: &Connection, room: &RoomId) -> Result<Option<(Seq, Seq)>, Error> {
    Ok(connection
        .query_row(
            "SELECT first_seq, last_seq FROM coverage WHERE room_id = ? ORDER BY first_seq DESC LIMIT 1",
            params![room.as_str()],
            |row| Ok((position(row.get(0)?), position(row.get(1)?))),
        )
        .optional()?)
}

/// How much of all rooms' logs is stored here, and how much there is.
pub(crate) fn share(connection: &Connection) -> Result<(u64, u64), Error> {
    let sum = |sql| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let stored = sum("SELECT coalesce(sum(last_seq - first_seq + 1), 0) FROM coverage")?;
    let all = sum("SELECT coalesce(sum(last_seq), 0) FROM room")?;
    Ok((u64::try_from(stored).unwrap_or(0), u64::try_from(all).unwrap_or(0)))
}

/// A room whose log is not stored back to its beginning, and the position before which it is missing; the room in which
/// something was said last comes first.
pub(crate) fn next_missing(connection: &Connection) -> Result<Option<(RoomId, Seq)>, Error> {
    Ok(connection
        .query_row(
            "SELECT n.room_id, n.first_seq
             FROM (SELECT room_id, max(first_seq) AS first_seq FROM coverage GROUP BY room_id) n
             WHERE n.first_seq > 1
             ORDER BY (SELECT m.created_at FROM message m WHERE m.room_id = n.room_id AND m.seq IS NOT NULL
                       ORDER BY m.seq DESC LIMIT 1) DESC
             LIMIT 1",
            [],
            |row| Ok((RoomId::new(row.get::<_, String>(0)?), position(row.get(1)?))),
        )
        .optional()?)
}

/// A position as SQLite holds it. Positions stay below 2^53, see the contract.
pub(super) fn number(seq: Seq) -> i64 {
    i64::try_from(seq.get()).unwrap_or(i64::MAX)
}

/// The reverse of [`number`].
pub(super) fn position(number: i64) -> Seq {
    Seq::new(u64::try_from(number).unwrap_or(0))
}
