//! Single values of an account.

use hugmedo_chat_protocol::User;
use rusqlite::{Connection, OptionalExtension, params};

use super::{attachments, search};
use crate::error::Error;

/// What the server speaks, as far as this store has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The guide's events only. `seq` is then our own count of arrivals.
    Baseline,
    /// With our extensions. `seq` is the server's.
    Extended,
}

pub(crate) fn cursor(connection: &Connection) -> Result<Option<String>, Error> {
    get(connection, "cursor")
}

/// Notes where sync goes on, unless the history was lost since the page that leads there was asked for: see
/// [`note_rebuilt`].
pub(crate) fn set_cursor(connection: &Connection, cursor: &str) -> Result<(), Error> {
    if get(connection, "rebuilt")?.is_some() {
        return Ok(());
    }
    set(connection, "cursor", cursor)
}

/// Where a snapshot began that is not whole yet.
pub(crate) fn snapshot_cursor(connection: &Connection) -> Result<Option<String>, Error> {
    get(connection, "snapshot")
}

pub(crate) fn set_snapshot_cursor(connection: &Connection, cursor: &str) -> Result<(), Error> {
    set(connection, "snapshot", cursor)
}

/// The snapshot is whole: sync goes on from where it began.
pub(crate) fn end_snapshot(connection: &Connection, cursor: &str) -> Result<(), Error> {
    connection.execute("DELETE FROM meta WHERE key = 'snapshot'", [])?;
    set_cursor(connection, cursor)
}

/// This store took the place of a damaged one and lacks its history. No cursor is taken until a snapshot has begun, which
/// forgets the rest of the history: one that was on its way from before would make the loss look like silence.
pub(super) fn note_rebuilt(connection: &Connection) -> Result<(), Error> {
    set(connection, "rebuilt", "true")
}

/// A room was forgotten because the live link said so. What came that way may have been overtaken by the word that the person
/// is in it again, so the server is asked which rooms are theirs.
pub(crate) fn doubt_rooms(connection: &Connection) -> Result<(), Error> {
    set(connection, "rooms_doubted", "true")
}

pub(crate) fn doubts_rooms(connection: &Connection) -> Result<bool, Error> {
    Ok(get(connection, "rooms_doubted")?.is_some())
}

pub(crate) fn trust_rooms(connection: &Connection) -> Result<(), Error> {
    connection.execute("DELETE FROM meta WHERE key = 'rooms_doubted'", [])?;
    Ok(())
}

pub(crate) fn mode(connection: &Connection) -> Result<Option<Mode>, Error> {
    Ok(get(connection, "mode")?.map(|mode| if mode == "baseline" { Mode::Baseline } else { Mode::Extended }))
}

/// Notes what the server speaks. When that changes, the history goes: its positions mean something else now.
/// Returns whether it went.
pub(crate) fn set_mode(connection: &Connection, new: Mode) -> Result<bool, Error> {
    let old = mode(connection)?;
    if old == Some(new) {
        return Ok(false);
    }
    if old.is_some() {
        forget_history(connection)?;
        attachments::forget_copies(connection)?;
        connection.execute_batch("DELETE FROM receipt; DELETE FROM acknowledgement;")?;
        connection.execute("UPDATE room SET read_seq = 0, read_acked = 0, delivered_acked = 0", [])?;
    }
    set(connection, "mode", if new == Mode::Baseline { "baseline" } else { "extended" })?;
    Ok(old.is_some())
}

/// The person this store belongs to, as last seen.
pub(crate) fn owner(connection: &Connection) -> Result<Option<User>, Error> {
    Ok(get(connection, "owner")?.and_then(|owner| serde_json::from_str(&owner).ok()))
}

pub(crate) fn set_owner(connection: &Connection, owner: &User) -> Result<(), Error> {
    set(connection, "owner", &serde_json::to_string(owner).unwrap_or_default())
}

/// Drops everything that can be fetched again. Drafts and unsent messages stay, and so do receipts: a snapshot does not
/// bring them, and an own message that others have read must not go back to 'sent'.
pub(crate) fn forget_history(connection: &Connection) -> Result<(), Error> {
    search::forget_all(connection)?;
    connection.execute_batch(
        "DELETE FROM message WHERE local_id NOT IN (SELECT local_id FROM outbox);
         DELETE FROM coverage;
         DELETE FROM meta WHERE key IN ('cursor', 'snapshot', 'rebuilt');
         UPDATE room SET last_seq = 0;",
    )?;
    Ok(())
}

fn get(connection: &Connection, key: &str) -> Result<Option<String>, Error> {
    Ok(connection.query_row("SELECT value FROM meta WHERE key = ?", params![key], |row| row.get(0)).optional()?)
}

fn set(connection: &Connection, key: &str, value: &str) -> Result<(), Error> {
    connection.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        params![key, value],
    )?;
    Ok(())
}
