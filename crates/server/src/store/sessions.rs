//! Sessions and the tokens that descend from them.
//!
//! Invariants: a refresh token works once; its second use ends its whole session; a session's end ends all of its tokens.

use std::time::Duration;

use hugmedo_chat_protocol::{Timestamp, UserId};
use rusqlite::{OptionalExtension, Transaction};

use super::{StoreError, now};
use crate::credential::{SessionId, TokenHash};

/// How long an ended token is remembered, so that it is answered `token_expired` rather than `unauthorized`.
const REMEMBERED: i64 = 24 * 60 * 60 * 1000;

/// What became of a presented refresh token.
pub(crate) enum Refresh {
    /// It was good, and is now used up.
    Granted { session: SessionId, user: UserId },
    /// It was used before: the session is over.
    Reused { session: SessionId },
    /// Unknown, or its session is over.
    Unknown,
}

pub(crate) fn open(tx: &Transaction<'_>, user: &UserId, ttl: Duration) -> Result<SessionId, StoreError> {
    let session = SessionId::generate();
    tx.execute(
        "INSERT INTO session (id, user_id, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)",
        (session.as_str(), user.as_str(), now(), now().saturating_add(millis(ttl))),
    )?;
    Ok(session)
}

/// Gives a session one more access token and returns when that ends, which is never later than the session.
pub(crate) fn add_access_token(
    tx: &Transaction<'_>,
    session: &SessionId,
    token: &TokenHash,
    ttl: Duration,
) -> Result<Timestamp, StoreError> {
    tx.execute("DELETE FROM access_token WHERE expires_at < ?1", (now() - REMEMBERED,))?;
    let ends = tx.query_row(
        "INSERT INTO access_token (hash, session_id, expires_at)
         SELECT ?1, id, min(expires_at, ?3) FROM session WHERE id = ?2 RETURNING expires_at",
        (token, session.as_str(), now().saturating_add(millis(ttl))),
        |row| row.get(0),
    )?;
    Ok(Timestamp::from_millis(ends))
}

pub(crate) fn add_refresh_token(
    tx: &Transaction<'_>,
    session: &SessionId,
    token: &TokenHash,
) -> Result<(), StoreError> {
    tx.execute("INSERT INTO refresh_token (hash, session_id) VALUES (?1, ?2)", (token, session.as_str()))?;
    Ok(())
}

/// Uses a refresh token up.
pub(crate) fn take_refresh_token(tx: &Transaction<'_>, token: &TokenHash) -> Result<Refresh, StoreError> {
    let found = tx
        .query_row(
            "SELECT session.id, session.user_id, token.used_at,
                    session.ended_at IS NULL AND session.expires_at > ?2 AND user.disabled_at IS NULL
             FROM refresh_token AS token
             JOIN session ON session.id = token.session_id
             JOIN user ON user.id = session.user_id
             WHERE token.hash = ?1",
            (token, now()),
            |row| {
                let session = SessionId::new(row.get::<_, String>(0)?);
                let user = UserId::new(row.get::<_, String>(1)?);
                Ok((session, user, row.get::<_, Option<i64>>(2)?.is_some(), row.get::<_, bool>(3)?))
            },
        )
        .optional()?;
    match found {
        None | Some((_, _, _, false)) => Ok(Refresh::Unknown),
        Some((session, _, true, true)) => {
            end(tx, &session)?;
            Ok(Refresh::Reused { session })
        }
        Some((session, user, false, true)) => {
            tx.execute("UPDATE refresh_token SET used_at = ?2 WHERE hash = ?1", (token, now()))?;
            Ok(Refresh::Granted { session, user })
        }
    }
}

pub(crate) fn end(tx: &Transaction<'_>, session: &SessionId) -> Result<(), StoreError> {
    tx.execute("UPDATE session SET ended_at = coalesce(ended_at, ?2) WHERE id = ?1", (session.as_str(), now()))?;
    Ok(())
}

pub(crate) fn end_all_of(tx: &Transaction<'_>, user: &UserId) -> Result<(), StoreError> {
    tx.execute("UPDATE session SET ended_at = ?2 WHERE user_id = ?1 AND ended_at IS NULL", (user.as_str(), now()))?;
    Ok(())
}

/// Whether a person is signed in by name and password: such sessions, and only they, have refresh tokens.
pub(crate) fn is_signed_in(tx: &Transaction<'_>, user: &UserId) -> Result<bool, StoreError> {
    Ok(tx.query_row(
        "SELECT EXISTS (
            SELECT 1 FROM access_token AS token JOIN session ON session.id = token.session_id
            WHERE session.user_id = ?1 AND session.ended_at IS NULL AND token.expires_at > ?2
              AND EXISTS (SELECT 1 FROM refresh_token WHERE session_id = session.id))",
        (user.as_str(), now()),
        |row| row.get(0),
    )?)
}

/// Forgets sessions that were over long ago, and their tokens with them.
pub(crate) fn forget_old(tx: &Transaction<'_>) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM session WHERE min(expires_at, coalesce(ended_at, expires_at)) < ?1",
        (now() - REMEMBERED,),
    )?;
    Ok(())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
