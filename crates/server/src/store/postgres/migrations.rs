//! Steps from an empty database to the present schema; append-only, one file each, beside those of SQLite.

use std::time::Duration;

use super::{ANSWERED_WITHIN, Link};
use crate::store::{
    StoreError,
    sql::{OptionalExtension as _, Transaction},
};

const STEPS: &[&str] = &[
    include_str!("../../../migrations/postgres/0001_create_store.sql"),
    include_str!("../../../migrations/postgres/0002_add_forgotten_fingerprints.sql"),
];

/// Brings the database to the present schema, all steps in one transaction. Servers that start together wait for each other.
pub(super) fn run(writer: &mut Link) -> Result<(), StoreError> {
    let open = writer.begin_writing()?;
    open.work(|session| {
        let tx = Transaction::Postgres(session);
        let found = schema(&tx)?;
        if found > STEPS.len() {
            return Err(StoreError::TooNew { found, known: STEPS.len() });
        }
        // A large store takes its time.
        session.batch("SET LOCAL statement_timeout = 0")?;
        session.wait_up_to(Duration::MAX);
        for step in STEPS.iter().skip(found) {
            session.batch(step)?;
        }
        session.wait_up_to(ANSWERED_WITHIN);
        tx.execute(
            "INSERT INTO meta (key, value) VALUES ('schema', ?1)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (STEPS.len().to_string(),),
        )?;
        Ok(())
    })?;
    open.commit()
}

fn schema(tx: &Transaction<'_>) -> Result<usize, StoreError> {
    let is_there: bool = tx.query_row("SELECT to_regclass('meta') IS NOT NULL", (), |row| row.get(0))?;
    if !is_there {
        return Ok(0);
    }
    let number: Option<String> =
        tx.query_row("SELECT value FROM meta WHERE key = 'schema'", (), |row| row.get(0)).optional()?;
    number.map_or(Ok(0), |number| number.parse().map_err(|_| StoreError::Unreadable("schema number")))
}
