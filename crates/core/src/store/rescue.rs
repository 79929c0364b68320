//! What is read out of a damaged store: only what the server does not have. The history is left to sync.
//!
//! Invariants: the damaged store is not changed; a row whose page fails its check is left out, never guessed; a message
//! keeps its client id and its row number, so that an answer still on its way finds it; no row number of the damaged store
//! is given to another message. Of a file that is not whole any more nothing is taken over; a message that had it fails.

use std::collections::BTreeSet;

use rusqlite::{Connection, ToSql, params_from_iter, types::Value};

use super::{
    connections::{Place, check_pages, keep_log, unlock},
    meta, uploads,
};
use crate::error::{Error, ErrorCode};

/// Added to the highest known row number where the number given last cannot be read.
const SAFE_DISTANCE: i64 = 1_000_000;

/// What a rescue came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rescue {
    /// Whether something that the server does not have could not be read.
    pub(super) lossy: bool,
}

/// Copies what the server does not have from a damaged store into a fresh one, in one transaction.
pub(super) fn run(place: &Place, fresh: &mut Connection) -> Result<Rescue, Error> {
    let mut source = Source { place, connection: None, lossy: false };
    let transaction = fresh.transaction()?;
    rooms_and_single_values(&mut source, &transaction)?;
    let mode_unread = source.lossy && meta::mode(&transaction)?.is_none();
    unsent(&mut source, &transaction, mode_unread)?;
    unsent_files(&mut source, &transaction)?;
    copy(&mut source, &transaction, "draft", &["room_id", "content", "reply_to", "mentions", "updated_at"])?;
    copy(&mut source, &transaction, "edit", &["room_id", "message_id", "content"])?;
    copy(&mut source, &transaction, "template", &["position", "id", "title", "content"])?;
    copy(&mut source, &transaction, "preference", &["name", "value"])?;
    let lossy = source.lossy;
    // Losing these costs at most a second notification, a mark or a press of a button.
    copy(&mut source, &transaction, "notified", &["room_id", "message_id", "first_at", "last_at"])?;
    copy(&mut source, &transaction, "acknowledgement", &["room_id", "message_id", "user_id", "at"])?;
    copy(&mut source, &transaction, "room_choice", &["room_id", "pinned", "notify"])?;
    receipts(&mut source, &transaction)?;
    meta::note_rebuilt(&transaction)?;
    transaction.commit()?;
    tracing::warn!(lossy, "unsent messages and drafts were taken over from the damaged store");
    Ok(Rescue { lossy })
}

fn rooms_and_single_values(source: &mut Source<'_>, fresh: &Connection) -> Result<(), Error> {
    copy(source, fresh, "meta", &["key", "value"])?;
    fresh.execute("DELETE FROM meta WHERE key NOT IN ('owner', 'mode')", [])?;
    // `last_seq` stays: the room then shows that something is missing instead of looking empty.
    let columns =
        ["id", "name", "kind", "members", "last_seq", "read_seq", "read_acked", "delivered_acked", "unread_from"];
    copy(source, fresh, "room", &columns)
}

/// Every table of ours has text and whole numbers only, so rows are copied as they are.
fn copy(source: &mut Source<'_>, fresh: &Connection, table: &str, columns: &[&str]) -> Result<(), Error> {
    let names = columns.join(", ");
    let (rows, whole) = source.rows(&format!("SELECT {names} FROM {table}"));
    source.lossy |= !whole;
    for row in rows {
        let marks = vec!["?"; columns.len()].join(", ");
        let insert = format!("INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})");
        fresh.execute(&insert, params_from_iter(row))?;
    }
    Ok(())
}

/// How far others have come: nothing brings that again, and what they have read must not go back to 'sent'.
fn receipts(source: &mut Source<'_>, fresh: &Connection) -> Result<(), Error> {
    let columns = "room_id, user_id, kind, up_to_seq";
    let (rows, _) = source.rows(&format!("SELECT {columns} FROM receipt"));
    for row in rows {
        let insert = format!(
            "INSERT OR IGNORE INTO receipt ({columns}) SELECT ?1, ?2, ?3, ?4
             WHERE EXISTS (SELECT 1 FROM room WHERE id = ?1)"
        );
        fresh.execute(&insert, params_from_iter(row))?;
    }
    Ok(())
}

fn unsent(source: &mut Source<'_>, fresh: &Connection, mode_unread: bool) -> Result<(), Error> {
    // Three ways to the same rows, of which one whole one is enough.
    let mut ids = BTreeSet::new();
    let mut all = false;
    for query in [
        "SELECT local_id FROM outbox NOT INDEXED",
        "SELECT local_id FROM outbox INDEXED BY outbox_by_room",
        "SELECT local_id FROM message NOT INDEXED WHERE seq IS NULL",
    ] {
        let (rows, whole) = source.rows(query);
        ids.extend(rows.iter().filter_map(|row| match row.as_slice() {
            [Value::Integer(id)] => Some(*id),
            _ => None,
        }));
        all |= whole;
        if all {
            break;
        }
    }
    source.lossy |= !all;
    for id in &ids {
        unsent_message(source, fresh, *id, mode_unread)?;
    }
    let (given, _) = source.rows("SELECT seq FROM sqlite_sequence WHERE name = 'message'");
    let given = match given.first().map(Vec::as_slice) {
        Some([Value::Integer(given)]) => Some(*given),
        _ => None,
    };
    let last = ids.last().copied().unwrap_or(0);
    let given = given.map_or(last.saturating_add(SAFE_DISTANCE), |given| given.max(last));
    let known = fresh.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = 'message'", [given])?;
    if known == 0 {
        fresh.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('message', ?)", [given])?;
    }
    Ok(())
}

fn unsent_message(source: &mut Source<'_>, fresh: &Connection, id: i64, mode_unread: bool) -> Result<(), Error> {
    let columns =
        "local_id, room_id, client_message_id, user_id, user_name, user_type, content, extras, priority, created_at";
    let Some(message) = source.one(&format!("SELECT {columns} FROM message WHERE local_id = ? AND seq IS NULL"), id)
    else {
        return Ok(());
    };
    let Some(room @ Value::Text(_)) = message.get(1).cloned() else { return Ok(()) };
    fresh.execute("INSERT OR IGNORE INTO room (id, name) VALUES (?1, ?1)", [&room])?;
    fresh.execute(
        &format!("INSERT OR IGNORE INTO message ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
        params_from_iter(message),
    )?;
    let waiting = source.one("SELECT state, attempts, problem, not_before FROM outbox WHERE local_id = ?", id);
    let waiting = waiting
        .unwrap_or_else(|| vec![Value::Text("sending".to_owned()), Value::Integer(1), Value::Null, Value::Integer(0)]);
    fresh.execute(
        "INSERT OR IGNORE INTO outbox (local_id, room_id, state, attempts, problem, not_before) VALUES (?, ?, ?, ?, ?, ?)",
        params_from_iter([Value::Integer(id), room].into_iter().chain(waiting)),
    )?;
    if mode_unread {
        // It may be a baseline server's, where sending again can show a message twice. The person decides.
        super::outbox::fail_one_unanswered(fresh, id, ErrorCode::Timeout)?;
    }
    Ok(())
}

/// Files in composers and of the messages that were taken over, a piece at a time.
fn unsent_files(source: &mut Source<'_>, fresh: &Connection) -> Result<(), Error> {
    let columns = "file_id, id, room_id, local_id, position, server_id, name, media_type, size, sha256, width, height, whole, uploads, \
                   problem, used_at";
    let (files, whole) = source.rows(&format!(
        "SELECT {columns} FROM attachment WHERE whole = 1 AND (local_id IS NOT NULL OR server_id IS NULL)"
    ));
    source.lossy |= !whole;
    for file in files {
        let (Some(&Value::Integer(id)), Some(&Value::Integer(size))) = (file.first(), file.get(8)) else { continue };
        let marks = vec!["?"; file.len()].join(", ");
        let room = file.get(2).cloned().unwrap_or(Value::Null);
        fresh.execute("INSERT OR IGNORE INTO room (id, name) VALUES (?1, ?1)", [room])?;
        let insert = format!(
            "INSERT OR IGNORE INTO attachment ({columns}) SELECT {marks}
             WHERE ?4 IS NULL OR EXISTS (SELECT 1 FROM outbox WHERE local_id = ?4)"
        );
        if fresh.execute(&insert, params_from_iter(file))? == 0 {
            continue;
        }
        if pieces(source, fresh, id)? == size {
            fresh.execute("UPDATE attachment SET held = size WHERE file_id = ?", [id])?;
        } else {
            source.lossy = true;
            fresh.execute("DELETE FROM attachment WHERE file_id = ?", [id])?;
        }
    }
    // Sent without a file it would say something else.
    uploads::fail_incomplete(fresh)
}

/// Returns how many bytes of a file were taken over, from its first on.
fn pieces(source: &mut Source<'_>, fresh: &Connection, file_id: i64) -> Result<i64, Error> {
    let mut held = 0;
    loop {
        let query = format!("SELECT bytes FROM attachment_piece WHERE file_id = {file_id} AND start = ?");
        let Some(Some(Value::Blob(bytes))) = source.one(&query, held).map(|mut row| row.pop()) else { return Ok(held) };
        fresh.execute(
            "INSERT OR REPLACE INTO attachment_piece (file_id, start, bytes) VALUES (?, ?, ?)",
            rusqlite::params![file_id, held, bytes],
        )?;
        held = held.saturating_add(i64::try_from(bytes.len()).unwrap_or(i64::MAX));
        if bytes.is_empty() {
            return Ok(held);
        }
    }
}

/// The damaged store. A connection that met a damaged page reads nothing but zeros afterwards, so it is made anew then.
struct Source<'a> {
    place: &'a Place,
    connection: Option<Connection>,
    lossy: bool,
}

impl Source<'_> {
    /// The rows of a query from its beginning up to damage, and from its end back to damage; and whether that is all.
    fn rows(&mut self, query: &str) -> (Vec<Vec<Value>>, bool) {
        let mut rows = Vec::new();
        if self.collect(query, &[], &mut rows).is_ok() {
            return (rows, true);
        }
        let _ = self.collect(&format!("{query} ORDER BY 1 DESC"), &[], &mut rows);
        (rows, false)
    }

    fn one(&mut self, query: &str, id: i64) -> Option<Vec<Value>> {
        let mut rows = Vec::new();
        self.lossy |= self.collect(query, &[&id], &mut rows).is_err();
        rows.pop()
    }

    fn collect(&mut self, query: &str, values: &[&dyn ToSql], into: &mut Vec<Vec<Value>>) -> Result<(), Error> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => open(self.place)?,
        };
        let mut statement = connection.prepare(query)?;
        let width = statement.column_count();
        let mut rows = statement.query(values)?;
        while let Some(row) = rows.next()? {
            let row = (0..width).map(|column| row.get(column)).collect::<Result<Vec<Value>, _>>()?;
            check_pages(&connection)?;
            into.push(row);
        }
        drop(rows);
        drop(statement);
        check_pages(&connection)?;
        self.connection = Some(connection);
        Ok(())
    }
}

fn open(place: &Place) -> Result<Connection, Error> {
    let connection = Connection::open(&place.path)?;
    keep_log(&connection);
    unlock(&connection, &place.key)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA temp_store = MEMORY;")?;
    Ok(connection)
}
