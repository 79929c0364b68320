//! The store's schema, built up by numbered steps that are only ever appended.

use rusqlite::Connection;

use crate::error::{Error, ErrorCode};

/// Step n brings a store of version n-1 to version n.
pub(super) const STEPS: &[&str] = &[
    include_str!("../../migrations/0001_create_store.sql"),
    include_str!("../../migrations/0002_add_conversation.sql"),
    include_str!("../../migrations/0003_add_search.sql"),
    include_str!("../../migrations/0004_add_templates.sql"),
    include_str!("../../migrations/0005_add_attachments.sql"),
    include_str!("../../migrations/0006_add_alerts.sql"),
    include_str!("../../migrations/0007_add_mark_unread.sql"),
    include_str!("../../migrations/0008_add_preferences.sql"),
    include_str!("../../migrations/0009_add_edit.sql"),
    include_str!("../../migrations/0010_index_file_names.sql"),
];

/// Brings the store to the newest version, in one transaction: all of it, or nothing.
pub(super) fn run(connection: &mut Connection) -> Result<(), Error> {
    run_steps(connection, STEPS)
}

pub(super) fn run_steps(connection: &mut Connection, steps: &[&str]) -> Result<(), Error> {
    let version = version(connection)?;
    if version > steps.len() {
        return Err(Error::new(
            ErrorCode::StoreTooNew,
            format!("the store has version {version}, this app knows {}", steps.len()),
        ));
    }
    if version == steps.len() {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for (step, number) in steps.iter().zip(1_u32..).skip(version) {
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", number)?;
    }
    if version > 0 {
        check(&transaction)?;
    }
    transaction.commit()?;
    Ok(())
}

/// 0 for a store that was just made.
pub(super) fn version(connection: &Connection) -> Result<usize, Error> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

/// Whether what the steps made of the store is sound.
fn check(connection: &Connection) -> Result<(), Error> {
    let unsound = |what: &str| Error::new(ErrorCode::StoreFailed, format!("store: after an upgrade {what}"));
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(unsound("a check fails"));
    }
    let mut orphans = connection.prepare("PRAGMA foreign_key_check")?;
    if orphans.exists([])? { Err(unsound("a row refers to none")) } else { Ok(()) }
}
