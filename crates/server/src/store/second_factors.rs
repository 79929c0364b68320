//! The second factors of people, and their recovery codes.
//!
//! Invariants: a code of a time step works once, and none of an earlier step afterwards; a recovery code works once; what is
//! offered takes the place of what is in use only when a code of it was shown.

use hugmedo_chat_protocol::UserId;

use super::{
    StoreError, now,
    sql::{OptionalExtension, Transaction},
};
use crate::credential::TokenHash;

/// What is kept of a person's second factor; secrets are sealed.
#[derive(Default)]
pub(crate) struct SecondFactor {
    /// In use.
    pub(crate) secret: Option<Vec<u8>>,
    /// The newest time step whose code was used.
    pub(crate) last_step: i64,
    /// Handed out and not confirmed.
    pub(crate) offered: Option<Vec<u8>>,
    /// When that was.
    pub(crate) offered_at: i64,
}

pub(crate) fn of(tx: &Transaction<'_>, user: &UserId) -> Result<SecondFactor, StoreError> {
    let found = tx
        .prepare_cached("SELECT secret, last_step, offered, offered_at FROM second_factor WHERE user_id = ?1")?
        .query_row((user.as_str(),), |row| {
            Ok(SecondFactor {
                secret: row.get(0)?,
                last_step: row.get(1)?,
                offered: row.get(2)?,
                offered_at: row.get::<Option<i64>>(3)?.unwrap_or_default(),
            })
        })
        .optional()?;
    Ok(found.unwrap_or_default())
}

/// Whether a person has one in use.
pub(crate) fn is_in_use(tx: &Transaction<'_>, user: &UserId) -> Result<bool, StoreError> {
    tx.query_row(
        "SELECT EXISTS (SELECT 1 FROM second_factor WHERE user_id = ?1 AND secret IS NOT NULL)",
        (user.as_str(),),
        |row| row.get(0),
    )
}

/// Notes a secret that was handed out; an older offer is void.
pub(crate) fn offer(tx: &Transaction<'_>, user: &UserId, sealed: &[u8]) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO second_factor (user_id, offered, offered_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (user_id) DO UPDATE SET offered = excluded.offered, offered_at = excluded.offered_at",
        (user.as_str(), sealed, now()),
    )?;
    Ok(())
}

/// Puts the offered secret into use with these recovery codes, the code of `step` being used up.
pub(crate) fn confirm(
    tx: &Transaction<'_>,
    user: &UserId,
    step: i64,
    recovery_codes: &[TokenHash],
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE second_factor
         SET secret = offered, confirmed_at = ?2, last_step = ?3, offered = NULL, offered_at = NULL
         WHERE user_id = ?1 AND offered IS NOT NULL",
        (user.as_str(), now(), step),
    )?;
    tx.execute("DELETE FROM recovery_code WHERE user_id = ?1", (user.as_str(),))?;
    let mut add = tx.prepare("INSERT INTO recovery_code (user_id, hash) VALUES (?1, ?2)")?;
    for hash in recovery_codes {
        add.execute((user.as_str(), hash))?;
    }
    Ok(())
}

/// Uses up the code of a time step. `false` if it, or one of a later step, was used before.
pub(crate) fn use_step(tx: &Transaction<'_>, user: &UserId, step: i64) -> Result<bool, StoreError> {
    let used = tx.execute(
        "UPDATE second_factor SET last_step = ?2 WHERE user_id = ?1 AND last_step < ?2",
        (user.as_str(), step),
    )?;
    Ok(used == 1)
}

/// Uses up a recovery code. `false` if it is none of this person's, or was used before.
pub(crate) fn use_recovery_code(tx: &Transaction<'_>, user: &UserId, code: &TokenHash) -> Result<bool, StoreError> {
    let used = tx.execute(
        "UPDATE recovery_code SET used_at = ?3 WHERE user_id = ?1 AND hash = ?2 AND used_at IS NULL",
        (user.as_str(), code, now()),
    )?;
    Ok(used == 1)
}

/// How many recovery codes are left.
pub(crate) fn recovery_codes_left(tx: &Transaction<'_>, user: &UserId) -> Result<u32, StoreError> {
    tx.query_row("SELECT count(*) FROM recovery_code WHERE user_id = ?1 AND used_at IS NULL", (user.as_str(),), |row| {
        row.get(0)
    })
}

/// Forgets a person's second factor. `false` if there was none in use.
pub(crate) fn remove(tx: &Transaction<'_>, user: &UserId) -> Result<bool, StoreError> {
    let was_in_use = is_in_use(tx, user)?;
    tx.execute("DELETE FROM recovery_code WHERE user_id = ?1", (user.as_str(),))?;
    tx.execute("DELETE FROM second_factor WHERE user_id = ?1", (user.as_str(),))?;
    Ok(was_in_use)
}
