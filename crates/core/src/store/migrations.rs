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
];

/// Brings the store to the newest version, each step in a transaction of its own.
pub(super) fn run(connection: &mut Connection) -> Result<(), Error> {
    run_steps(connection, STEPS)
}

pub(super) fn run_steps(connection: &mut Connection, steps: &[&str]) -> Result<(), Error> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version > steps.len() {
        return Err(Error::new(
            ErrorCode::StoreTooNew,
            format!("the store has version {version}, this app knows {}", steps.len()),
        ));
    }
    for (step, number) in steps.iter().zip(1_u32..).skip(version) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", number)?;
        transaction.commit()?;
    }
    Ok(())
}
