//! Rooms and what is unread in them.
//!
//! Invariant: unread is counted, never kept: others' messages above the read position, which only rises.

use hugmedo_chat_protocol::{Room, RoomId, RoomKind, Sensitive, Seq, User, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    choices,
    columns::{name_of, named},
    coverage::{number, position},
    rows::{self, preview},
    search,
};
use crate::{
    error::{Error, ErrorCode},
    naming,
    view::{LastMessageView, RoomView},
};

/// Takes in a room as the server tells it.
pub(crate) fn take_in(connection: &Connection, room: &Room) -> Result<(), Error> {
    let members: Vec<User> = room.members.iter().map(naming::person).collect();
    let members = serde_json::to_string(&members).unwrap_or_else(|_| "[]".to_owned());
    connection.execute(
        "INSERT INTO room (id, name, kind, members, last_seq, read_seq, read_acked) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, kind = excluded.kind, members = excluded.members,
           last_seq = max(last_seq, excluded.last_seq), read_seq = max(read_seq, excluded.read_seq),
           read_acked = max(read_acked, excluded.read_acked)",
        params![
            room.id.as_str(),
            naming::shown(&room.name).as_str(),
            name_of(room.kind),
            members,
            number(room.last_seq),
            number(room.read_seq)
        ],
    )?;
    Ok(())
}

/// Makes sure a room is known, by its id if by nothing else.
pub(crate) fn ensure(connection: &Connection, room: &RoomId) -> Result<bool, Error> {
    let added = connection
        .execute("INSERT INTO room (id, name) VALUES (?1, ?1) ON CONFLICT (id) DO NOTHING", params![room.as_str()])?;
    Ok(added > 0)
}

/// Makes sure a room is one of this person's, or fails with `NotFound`.
pub(crate) fn require(connection: &Connection, room: &RoomId) -> Result<(), Error> {
    let known =
        connection.query_row("SELECT 1 FROM room WHERE id = ?", params![room.as_str()], |_| Ok(())).optional()?;
    known.ok_or_else(|| Error::new(ErrorCode::NotFound, "no such room"))
}

/// Forgets a room with everything in it.
pub(crate) fn remove(connection: &Connection, room: &RoomId) -> Result<bool, Error> {
    search::forget_room(connection, room)?;
    connection.execute("DELETE FROM outbox WHERE room_id = ?", params![room.as_str()])?;
    connection.execute("DELETE FROM attachment WHERE room_id = ?", params![room.as_str()])?;
    connection.execute("DELETE FROM draft WHERE room_id = ?", params![room.as_str()])?;
    connection.execute("DELETE FROM edit WHERE room_id = ?", params![room.as_str()])?;
    connection.execute("DELETE FROM acknowledgement WHERE room_id = ?", params![room.as_str()])?;
    connection.execute("DELETE FROM room_choice WHERE room_id = ?", params![room.as_str()])?;
    connection.execute("DELETE FROM notified WHERE room_id = ?", params![room.as_str()])?;
    Ok(connection.execute("DELETE FROM room WHERE id = ?", params![room.as_str()])? > 0)
}

/// Everyone in a room; nobody if it is not known.
pub(super) fn members(connection: &Connection, room: &RoomId) -> Result<Vec<User>, Error> {
    let members: Option<String> = connection
        .prepare_cached("SELECT members FROM room WHERE id = ?")?
        .query_row(params![room.as_str()], |row| row.get(0))
        .optional()?;
    Ok(members.and_then(|members| serde_json::from_str(&members).ok()).unwrap_or_default())
}

/// Every room's id.
pub(crate) fn ids(connection: &Connection) -> Result<Vec<RoomId>, Error> {
    let mut statement = connection.prepare_cached("SELECT id FROM room ORDER BY id")?;
    let rows = statement.query_map([], |row| Ok(RoomId::new(row.get::<_, String>(0)?)))?.collect::<Result<_, _>>()?;
    Ok(rows)
}

pub(crate) fn last_seq(connection: &Connection, room: &RoomId) -> Result<Seq, Error> {
    let last: Option<i64> = connection
        .query_row("SELECT last_seq FROM room WHERE id = ?", params![room.as_str()], |row| row.get(0))
        .optional()?;
    Ok(last.map_or(Seq::ZERO, position))
}

pub(crate) fn raise_last_seq(connection: &Connection, room: &RoomId, seq: Seq) -> Result<(), Error> {
    connection
        .execute("UPDATE room SET last_seq = max(last_seq, ?) WHERE id = ?", params![number(seq), room.as_str()])?;
    Ok(())
}

/// Moves the read position up, never down; whoever reads on wants nothing to stay marked as unread. Returns whether it moved.
pub(crate) fn raise_read_seq(connection: &Connection, room: &RoomId, seq: Seq) -> Result<bool, Error> {
    let seq = number(seq);
    let moved = connection.execute(
        "UPDATE room SET read_seq = ?1, unread_from = NULL WHERE id = ?2 AND read_seq < ?1",
        params![seq, room.as_str()],
    )?;
    Ok(moved > 0)
}

/// Counts what stands from a position on as unread again, here alone: nobody else learns of it.
pub(crate) fn mark_unread(connection: &Connection, room: &RoomId, from: Seq) -> Result<(), Error> {
    connection.execute("UPDATE room SET unread_from = ? WHERE id = ?", params![number(from), room.as_str()])?;
    Ok(())
}

/// Ends that once the person has read as far as to there. Returns whether anything was marked. No part of
/// [`raise_read_seq`], which also hears of what was read before it was marked, from another device or as an echo of our own
/// receipt: that is below the old read position, so it must end no mark.
pub(crate) fn end_mark(connection: &Connection, room: &RoomId, read: Seq) -> Result<bool, Error> {
    let ended = connection.execute(
        "UPDATE room SET unread_from = NULL WHERE id = ? AND unread_from <= ?",
        params![room.as_str(), number(read)],
    )?;
    Ok(ended > 0)
}

/// Up to where a room is read, less what is marked as unread. For a query over `room` as `r`.
pub(super) const READ: &str = "min(r.read_seq, coalesce(r.unread_from - 1, r.read_seq))";

/// The server holds this read position.
pub(crate) fn note_read_acked(connection: &Connection, room: &RoomId, seq: Seq) -> Result<(), Error> {
    connection
        .execute("UPDATE room SET read_acked = max(read_acked, ?) WHERE id = ?", params![number(seq), room.as_str()])?;
    Ok(())
}

/// Whether positions up to the last known one are missing at the top of a room's log, or nothing of what is stored there
/// can be shown: edits and deletions take positions too.
pub(crate) fn is_behind(connection: &Connection, room: &RoomId) -> Result<bool, Error> {
    let (first, stored) = super::coverage::newest(connection, room)?.unwrap_or_default();
    let shows: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM message WHERE room_id = ? AND seq BETWEEN ? AND ?)",
        params![room.as_str(), number(first), number(stored)],
        |row| row.get(0),
    )?;
    Ok(last_seq(connection, room)? > stored || (first > Seq::new(1) && !shows))
}

/// A room as the list shows it.
pub(crate) fn view(connection: &Connection, me: &UserId, room: &RoomId) -> Result<Option<RoomView>, Error> {
    let row = connection
        .prepare_cached(&format!("SELECT name, kind, members, {READ} FROM room r WHERE id = ?"))?
        .query_row(params![room.as_str()], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get::<_, i64>(3)?))
        })
        .optional()?;
    let Some((name, kind, members, read_seq)) = row else { return Ok(None) };
    let (unsent, has_draft) = connection.query_row(
        "SELECT (SELECT count(*) FROM outbox WHERE room_id = ?1),
                EXISTS (SELECT 1 FROM draft WHERE room_id = ?1) OR EXISTS (
                  SELECT 1 FROM attachment WHERE room_id = ?1 AND local_id IS NULL AND server_id IS NULL)",
        params![room.as_str()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(Some(RoomView {
        id: room.clone(),
        name: Sensitive::new(name),
        kind: named::<RoomKind>(kind).unwrap_or_default(),
        members: serde_json::from_str::<Vec<User>>(&members).unwrap_or_default(),
        unread: unread_where(connection, me, room, read_seq, ANY)?,
        read_seq: position(read_seq),
        last_message: rows::last(connection, me, room)?.map(|last| LastMessageView {
            preview: preview(last.content.as_str(), || {
                let names: Vec<&str> = last.attachments.iter().map(|file| file.name.as_str()).collect();
                names.join(", ")
            }),
            author_name: last.author.name,
            own: last.own,
            created_at: last.created_at,
            delivery: last.delivery,
            deleted: last.deleted,
        }),
        unsent,
        has_draft,
        unread_mentions: unread_where(connection, me, room, read_seq, NAMES_ME)?,
        unread_urgent: unread_where(connection, me, room, read_seq, IS_URGENT)?,
        choices: choices::of(connection, room)?,
    }))
}

const ANY: &str = "";
const NAMES_ME: &str = "AND mentions_me = 1";
const IS_URGENT: &str = "AND priority = 'urgent'";

/// Each kind is served by an index alone: `message_by_seq`, `message_naming_me`, `message_urgent`.
fn unread_where(
    connection: &Connection,
    me: &UserId,
    room: &RoomId,
    read_seq: i64,
    kind: &'static str,
) -> Result<u32, Error> {
    Ok(connection
        .prepare_cached(&unread_query(kind))?
        .query_row(params![room.as_str(), read_seq, me.as_str()], |row| row.get(0))?)
}

fn unread_query(kind: &str) -> String {
    format!(
        "SELECT count(*) FROM message WHERE room_id = ? AND seq > ? AND user_id <> ? AND deleted_at IS NULL
         AND seq IS NOT NULL {kind}"
    )
}

/// Every room as the list shows it.
pub(crate) fn views(connection: &Connection, me: &UserId) -> Result<Vec<RoomView>, Error> {
    let mut views = Vec::new();
    for room in ids(connection)? {
        views.extend(view(connection, me, &room)?);
    }
    Ok(views)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{store::Store, surroundings::Surroundings};

    #[tokio::test]
    async fn what_the_list_counts_is_served_by_an_index_alone() {
        let store = Store::in_memory(Surroundings::real()).expect("opens");
        for (kind, index) in [(ANY, "message_by_seq"), (NAMES_ME, "message_naming_me"), (IS_URGENT, "message_urgent")] {
            let query = format!("EXPLAIN QUERY PLAN {}", unread_query(kind));
            let explained = store.read(move |connection| {
                let values = params!["a", 1, "b"];
                Ok(connection.query_row(&query, values, |row| row.get::<_, String>("detail"))?)
            });
            let plan = explained.await.expect("explains");
            assert!(plan.starts_with("SEARCH") && plan.contains(&format!("COVERING INDEX {index} ")), "{kind}: {plan}");
        }
    }
}
