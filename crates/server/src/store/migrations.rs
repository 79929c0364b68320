//! Steps from an empty file to the present schema; append-only, one file each. Their order in this list is what counts; a number in
//! the names may be missing.

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

const STEPS: &[&str] = &[
    include_str!("../../migrations/0001_create_store.sql"),
    include_str!("../../migrations/0002_add_audit.sql"),
    include_str!("../../migrations/0003_add_reactions.sql"),
    include_str!("../../migrations/0004_add_direct_rooms.sql"),
    include_str!("../../migrations/0005_add_attachments.sql"),
    include_str!("../../migrations/0006_add_escalation.sql"),
    include_str!("../../migrations/0007_add_devices.sql"),
    include_str!("../../migrations/0008_add_second_factor.sql"),
    include_str!("../../migrations/0009_add_renewals.sql"),
    include_str!("../../migrations/0010_add_administrators.sql"),
    include_str!("../../migrations/0011_add_retention.sql"),
    include_str!("../../migrations/0012_add_forgotten_fingerprints.sql"),
];

/// Brings the store to the present schema. Each step and its number are one transaction.
pub(super) fn run(connection: &mut Connection) -> Result<(), StoreError> {
    let found = schema(connection)?;
    if found > STEPS.len() {
        return Err(StoreError::TooNew { found, known: STEPS.len() });
    }
    for (number, step) in (1_u32..).zip(STEPS).skip(found) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been faster.
        if schema(&transaction)? < usize::try_from(number).unwrap_or(usize::MAX) {
            transaction.execute_batch(step)?;
            transaction.pragma_update(None, "user_version", number)?;
            transaction.commit()?;
        }
    }
    Ok(())
}

fn schema(connection: &Connection) -> Result<usize, StoreError> {
    let number: i64 = connection.query_row("PRAGMA user_version", (), |row| row.get(0))?;
    usize::try_from(number).map_err(|_| StoreError::Unreadable("schema number"))
}
