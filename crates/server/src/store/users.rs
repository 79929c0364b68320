//! People and what they sign in with.

use hugmedo_chat_protocol::{Timestamp, User, UserId};
use serde::Serialize;

use super::{
    StoreError, columns, now,
    sql::{OptionalExtension, Transaction},
};
use crate::authorize;

/// Puts a person on call or takes them off. False if there is no such person.
pub(crate) fn set_on_call(tx: &Transaction<'_>, user: &UserId, on_call: bool) -> Result<bool, StoreError> {
    let changed =
        tx.execute("UPDATE user SET on_call = ?2 WHERE id = ?1 AND disabled_at IS NULL", (user.as_str(), on_call))?;
    Ok(changed > 0)
}

/// Makes a person an administrator or takes that from them. False if there is no such person.
pub(crate) fn set_admin(tx: &Transaction<'_>, user: &UserId, is_admin: bool) -> Result<bool, StoreError> {
    let changed =
        tx.execute("UPDATE user SET is_admin = ?2 WHERE id = ?1 AND disabled_at IS NULL", (user.as_str(), is_admin))?;
    Ok(changed > 0)
}

/// A person, as administrators see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Person {
    /// As everyone sees them.
    #[serde(flatten)]
    pub user: User,
    /// Whether they administer this server.
    pub is_admin: bool,
    /// Whether they are on call.
    pub is_on_call: bool,
    /// When the account was closed.
    pub disabled_at: Option<Timestamp>,
}

/// Everyone but the server itself.
pub(crate) fn everyone(tx: &Transaction<'_>) -> Result<Vec<Person>, StoreError> {
    let mut statement = tx.prepare(
        "SELECT id, name, user_type, role, is_admin, on_call, disabled_at FROM user WHERE id <> ?1 ORDER BY id",
    )?;
    let people = statement.query_map((authorize::SERVER,), |row| {
        Ok(Person {
            user: columns::user(row, 0)?,
            is_admin: row.get(4)?,
            is_on_call: row.get(5)?,
            disabled_at: row.get::<Option<i64>>(6)?.map(Timestamp::from_millis),
        })
    })?;
    people.collect::<Result<_, _>>()
}

/// What a sign-in is checked against.
pub(crate) struct Account {
    pub(crate) user: User,
    /// PHC string; empty if nobody signs in here with a password.
    pub(crate) password_hash: String,
    pub(crate) disabled: bool,
}

pub(crate) fn insert(tx: &Transaction<'_>, user: &User, password_hash: &str) -> Result<bool, StoreError> {
    let added = tx.execute(
        "INSERT INTO user (id, name, user_type, role, password_hash, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (id) DO NOTHING",
        (
            user.id.as_str(),
            user.name.as_str(),
            columns::as_word(&user.user_type)?,
            user.role.as_deref(),
            password_hash,
            now(),
        ),
    )?;
    Ok(added == 1)
}

pub(crate) fn account(tx: &Transaction<'_>, id: &str) -> Result<Option<Account>, StoreError> {
    tx.prepare_cached("SELECT id, name, user_type, role, password_hash, disabled_at FROM user WHERE id = ?1")?
        .query_row((id,), |row| {
            Ok(Account {
                user: columns::user(row, 0)?,
                password_hash: row.get(4)?,
                disabled: row.get::<Option<i64>>(5)?.is_some(),
            })
        })
        .optional()
}

pub(crate) fn set_password(tx: &Transaction<'_>, id: &UserId, password_hash: &str) -> Result<bool, StoreError> {
    Ok(tx.execute("UPDATE user SET password_hash = ?2 WHERE id = ?1", (id.as_str(), password_hash))? == 1)
}

pub(crate) fn disable(tx: &Transaction<'_>, id: &UserId) -> Result<bool, StoreError> {
    let changed =
        tx.execute("UPDATE user SET disabled_at = coalesce(disabled_at, ?2) WHERE id = ?1", (id.as_str(), now()))?;
    Ok(changed == 1)
}

/// Whether anybody is here at all, beside the server itself.
pub(crate) fn any(tx: &Transaction<'_>) -> Result<bool, StoreError> {
    tx.query_row("SELECT EXISTS (SELECT 1 FROM user WHERE id <> ?1)", (authorize::SERVER,), |row| row.get(0))
}
