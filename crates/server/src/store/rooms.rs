//! Rooms and who is in them.

use std::collections::HashMap;

use hugmedo_chat_protocol::{Room, RoomId, RoomKind, Sensitive, Seq, Timestamp, User, UserId};
use serde::Serialize;

use super::{
    StoreError, changes, columns, messages, now,
    sql::{OptionalExtension, Transaction},
};
use crate::authorize::{Company, Member, Principal};

pub(crate) fn insert(tx: &Transaction<'_>, id: &RoomId, name: &str, kind: RoomKind) -> Result<bool, StoreError> {
    let added = tx.execute(
        "INSERT INTO room (id, name, kind, created_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (id) DO NOTHING",
        (id.as_str(), name, columns::as_word(&kind)?, now()),
    )?;
    Ok(added == 1)
}

/// Whether a person could be a member: a conversation of two is closed to all others. `None` if there is no such room.
pub(crate) fn is_open_to(tx: &Transaction<'_>, id: &RoomId, user: &UserId) -> Result<Option<bool>, StoreError> {
    tx.query_row(
        "SELECT direct_a IS NULL OR ?2 IN (direct_a, direct_b) FROM room WHERE id = ?1",
        (id.as_str(), user.as_str()),
        |row| row.get(0),
    )
    .optional()
}

/// Makes a room of this company under a fresh id. Without a name it is the conversation of two, and if they have one, the
/// id of that is returned.
pub(crate) fn begin(
    tx: &Transaction<'_>,
    fresh: &RoomId,
    name: Option<&str>,
    company: &Company,
) -> Result<RoomId, StoreError> {
    if let Some(name) = name {
        insert(tx, fresh, name, company.kind())?;
    } else {
        let mut pair: Vec<&str> = company.members().map(UserId::as_str).collect();
        pair.sort_unstable();
        let &[a, b] = pair.as_slice() else { return Err(StoreError::Unreadable("pair")) };
        let before = tx
            .query_row("SELECT id FROM room WHERE direct_a = ?1 AND direct_b = ?2", (a, b), |row| row.get::<String>(0))
            .optional()?;
        if let Some(id) = before {
            return Ok(RoomId::new(id));
        }
        insert(tx, fresh, "", company.kind())?;
        tx.execute("UPDATE room SET direct_a = ?2, direct_b = ?3 WHERE id = ?1", (fresh.as_str(), a, b))?;
    }
    for member in company.members() {
        add_member(tx, fresh, member)?;
    }
    Ok(fresh.clone())
}

/// Records for every member that the room changed. Returns what each now sees, to be told; nothing where the record is what they are
/// told from.
pub(crate) fn changed(tx: &Transaction<'_>, room: &RoomId) -> Result<Vec<(UserId, Room)>, StoreError> {
    changes::record_room_changed(tx, room)?;
    let mut views = Vec::new();
    if tx.is_shared() {
        return Ok(views);
    }
    for member in member_ids(tx, room)? {
        if let Some(view) = as_seen_by(tx, room, &member)? {
            views.push((member, view));
        }
    }
    Ok(views)
}

pub(crate) fn add_member(tx: &Transaction<'_>, room: &RoomId, user: &UserId) -> Result<bool, StoreError> {
    let added = tx.execute(
        "INSERT INTO member (room_id, user_id, joined_at) VALUES (?1, ?2, ?3) ON CONFLICT (room_id, user_id) DO NOTHING",
        (room.as_str(), user.as_str(), now()),
    )?;
    Ok(added == 1)
}

pub(crate) fn remove_member(tx: &Transaction<'_>, room: &RoomId, user: &UserId) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM member WHERE room_id = ?1 AND user_id = ?2", (room.as_str(), user.as_str()))? == 1)
}

/// The ids of everyone in the room of a proven member.
pub(crate) fn members(tx: &Transaction<'_>, member: &Member) -> Result<Vec<UserId>, StoreError> {
    member_ids(tx, member.room())
}

/// Chooses how long urgent messages may wait, in milliseconds. False if there is no such room.
pub(crate) fn set_escalation(tx: &Transaction<'_>, room: &RoomId, after: Option<i64>) -> Result<bool, StoreError> {
    let changed = tx.execute("UPDATE room SET escalate_after = ?2 WHERE id = ?1", (room.as_str(), after))?;
    Ok(changed > 0)
}

/// A room, as administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomRecord {
    /// Its id.
    pub id: RoomId,
    /// Its name; empty for a conversation of two.
    pub name: Sensitive,
    /// Whom it is for.
    pub kind: RoomKind,
    /// Who is in it.
    pub member_ids: Vec<UserId>,
    /// How long its urgent messages may wait, in milliseconds.
    pub escalate_after_ms: Option<i64>,
    /// Since when nothing of it may be lost.
    pub held_at: Option<Timestamp>,
}

/// Every room there is, for administrators.
pub(crate) fn records(tx: &Transaction<'_>) -> Result<Vec<RoomRecord>, StoreError> {
    let mut members: HashMap<String, Vec<UserId>> = HashMap::new();
    let mut statement = tx.prepare("SELECT room_id, user_id FROM member ORDER BY user_id")?;
    for member in statement.query_map((), |row| Ok((row.get(0)?, UserId::new(row.get::<String>(1)?))))? {
        let (room, user) = member?;
        members.entry(room).or_default().push(user);
    }
    let mut statement = tx.prepare("SELECT id, name, kind, escalate_after, held_at FROM room ORDER BY id")?;
    let records = statement.query_map((), |row| {
        let id: String = row.get(0)?;
        Ok(RoomRecord {
            member_ids: members.remove(&id).unwrap_or_default(),
            id: RoomId::new(id),
            name: Sensitive::new(row.get::<String>(1)?),
            kind: columns::word(&row.get::<String>(2)?),
            escalate_after_ms: row.get(3)?,
            held_at: row.get::<Option<i64>>(4)?.map(Timestamp::from_millis),
        })
    })?;
    records.collect()
}

/// The ids of everyone in a room; for telling members what an administrator did, not for answering anyone.
pub(crate) fn member_ids(tx: &Transaction<'_>, room: &RoomId) -> Result<Vec<UserId>, StoreError> {
    let mut statement = tx.prepare_cached("SELECT user_id FROM member WHERE room_id = ?1 ORDER BY user_id")?;
    let ids = statement.query_map((room.as_str(),), |row| Ok(UserId::new(row.get::<String>(0)?)))?;
    ids.collect::<Result<_, _>>()
}

/// Every room of a principal, by the time of its newest message.
pub(crate) fn list(tx: &Transaction<'_>, who: &Principal) -> Result<Vec<Room>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT room.id FROM member JOIN room ON room.id = member.room_id WHERE member.user_id = ?1
         ORDER BY (SELECT max(created_at) FROM message WHERE room_id = room.id) DESC NULLS LAST, room.id",
    )?;
    let ids = statement
        .query_map((who.id().as_str(),), |row| Ok(RoomId::new(row.get::<String>(0)?)))?
        .collect::<Result<Vec<_>, _>>()?;
    let mut rooms = Vec::with_capacity(ids.len());
    for id in ids {
        rooms.extend(as_seen_by(tx, &id, who.id())?);
    }
    Ok(rooms)
}

/// A room as one of its members sees it now; `None` for anyone else.
pub(crate) fn as_seen_by(tx: &Transaction<'_>, room: &RoomId, user: &UserId) -> Result<Option<Room>, StoreError> {
    let found = tx
        .prepare_cached(
            // A conversation of two has the other's name.
            "SELECT CASE WHEN room.direct_a IS NULL THEN room.name
                         ELSE (SELECT name FROM user WHERE id IN (room.direct_a, room.direct_b) AND id <> ?2) END,
                    room.kind, room.last_seq, member.read_seq, room.direct_a IS NOT NULL
             FROM member JOIN room ON room.id = member.room_id
             WHERE member.room_id = ?1 AND member.user_id = ?2",
        )?
        .query_row((room.as_str(), user.as_str()), |row| {
            Ok(Room {
                id: room.clone(),
                name: row.get::<String>(0)?.as_str().into(),
                kind: columns::word(&row.get::<String>(1)?),
                members: Vec::new(),
                last_seq: columns::seq(row.get(2)?),
                read_seq: columns::seq(row.get(3)?),
                last_message: None,
                direct: row.get(4)?,
            })
        })
        .optional()?;
    let Some(mut found) = found else { return Ok(None) };
    found.members = people(tx, room)?;
    found.last_message = messages::newest(tx, room)?;
    Ok(Some(found))
}

fn people(tx: &Transaction<'_>, room: &RoomId) -> Result<Vec<User>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT user.id, user.name, user.user_type, user.role
         FROM member JOIN user ON user.id = member.user_id WHERE member.room_id = ?1 ORDER BY user.id",
    )?;
    let people = statement.query_map((room.as_str(),), |row| columns::user(row, 0))?;
    people.collect::<Result<_, _>>()
}

/// Takes the next position of a room's log. Taken in the transaction that uses it, so there are no gaps.
pub(crate) fn take_seq(tx: &Transaction<'_>, room: &RoomId) -> Result<Seq, StoreError> {
    let taken = tx
        .prepare_cached("UPDATE room SET last_seq = last_seq + 1 WHERE id = ?1 RETURNING last_seq")?
        .query_row((room.as_str(),), |row| row.get(0))?;
    Ok(columns::seq(taken))
}
