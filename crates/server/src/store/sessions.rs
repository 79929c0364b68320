//! Sessions and the tokens that descend from them.
//!
//! Invariants: a refresh token works once, and again only for the same renewal; any other second use ends its whole session; a session's end ends all of its tokens; a
//! device that is to remove what it has stored is told so whenever it shows a token of one of those sessions.

use std::time::Duration;

use hugmedo_chat_protocol::{DeviceId, Timestamp, UserId};
use serde::Serialize;

use super::{
    StoreError, now,
    sql::{OptionalExtension, Transaction},
};
use crate::credential::{Seed, SessionId, TokenHash};

/// How long an ended token is remembered, so that it is answered `token_expired` rather than `unauthorized`.
const REMEMBERED: i64 = 24 * 60 * 60 * 1000;

/// How long a session that is over is remembered, so that a device that has been away for long can be told to remove what it has
/// stored.
const DEVICES_REMEMBERED: i64 = 100 * REMEMBERED;

/// What became of a presented refresh token.
pub(crate) enum Refresh {
    /// It was good, and is now used up; or it is the renewal that used it up, again.
    Granted { session: SessionId, user: UserId, seed: Option<Seed> },
    /// It was used before: the session is over.
    Reused { session: SessionId },
    /// Its session is over, and the device is to remove what it has stored for it.
    Erase {
        /// The session, if the device has not been told before.
        first_told: Option<SessionId>,
    },
    /// Unknown, or its session is over.
    Unknown,
}

/// A device a person has signed in on, by all of their sessions there that are remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Device {
    /// As it names itself.
    pub id: DeviceId,
    /// When the oldest session began.
    pub first_signed_in_at: Timestamp,
    /// When it last connected.
    pub seen_at: Timestamp,
    /// Whether one of the sessions lives.
    pub is_signed_in: bool,
    /// When it was last to remove what it has stored.
    pub erase_asked_at: Option<Timestamp>,
    /// When it was last told so.
    pub erase_told_at: Option<Timestamp>,
}

pub(crate) fn open(tx: &Transaction<'_>, user: &UserId, ttl: Duration) -> Result<SessionId, StoreError> {
    let session = SessionId::generate();
    tx.execute(
        "INSERT INTO session (id, user_id, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)",
        (session.as_str(), user.as_str(), now(), now().saturating_add(millis(ttl))),
    )?;
    Ok(session)
}

/// Gives a session one more access token, or one of its own for longer, and returns when that ends, which is never later than the
/// session.
pub(crate) fn add_access_token(
    tx: &Transaction<'_>,
    session: &SessionId,
    token: &TokenHash,
    ttl: Duration,
) -> Result<Timestamp, StoreError> {
    tx.execute("DELETE FROM access_token WHERE expires_at < ?1", (now() - REMEMBERED,))?;
    let ends = tx.query_row(
        "INSERT INTO access_token (hash, session_id, expires_at)
         SELECT ?1, id, CASE WHEN expires_at < ?3 THEN expires_at ELSE ?3 END FROM session WHERE id = ?2
         ON CONFLICT (hash) DO UPDATE SET expires_at = excluded.expires_at RETURNING expires_at",
        (token, session.as_str(), now().saturating_add(millis(ttl))),
        |row| row.get(0),
    )?;
    Ok(Timestamp::from_millis(ends))
}

/// Whether this access token was given or noted before, ended or not.
pub(crate) fn knows_access_token(tx: &Transaction<'_>, token: &TokenHash) -> Result<bool, StoreError> {
    tx.query_row("SELECT EXISTS (SELECT 1 FROM access_token WHERE hash = ?1)", (token,), |row| row.get(0))
}

pub(crate) fn add_refresh_token(
    tx: &Transaction<'_>,
    session: &SessionId,
    token: &TokenHash,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO refresh_token (hash, session_id, seed) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        (token, session.as_str(), Seed::generate()),
    )?;
    Ok(())
}

/// Uses a refresh token up. One that was used is good again while the token that `successor` makes of its seed is there and unused: then
/// this is the renewal that used it, asked for again.
pub(crate) fn take_refresh_token(
    tx: &Transaction<'_>,
    token: &TokenHash,
    successor: impl FnOnce(&Seed) -> Option<TokenHash>,
) -> Result<Refresh, StoreError> {
    let found = tx
        .query_row(
            "SELECT session.id, session.user_id, token.used_at, token.seed,
                    session.ended_at IS NULL AND session.expires_at > ?2 AND user.disabled_at IS NULL,
                    session.erase_at IS NOT NULL OR user.disabled_at IS NOT NULL
             FROM refresh_token AS token
             JOIN session ON session.id = token.session_id
             JOIN user ON user.id = session.user_id
             WHERE token.hash = ?1",
            (token, now()),
            |row| {
                let session = SessionId::new(row.get::<String>(0)?);
                let user = UserId::new(row.get::<String>(1)?);
                let used = row.get::<Option<i64>>(2)?.is_some();
                Ok((session, user, used, row.get::<Option<Seed>>(3)?, row.get::<bool>(4)?, row.get::<bool>(5)?))
            },
        )
        .optional()?;
    match found {
        Some((session, _, _, _, _, true)) => {
            let told = tx.execute(
                "UPDATE session SET erase_told_at = ?2 WHERE id = ?1 AND erase_told_at IS NULL",
                (session.as_str(), now()),
            )?;
            Ok(Refresh::Erase { first_told: (told > 0).then_some(session) })
        }
        None | Some((_, _, _, _, false, false)) => Ok(Refresh::Unknown),
        Some((session, user, true, seed, true, false)) => {
            let next = seed.as_ref().and_then(successor);
            let is_repeated = match next {
                Some(next) => is_unused(tx, &next)?,
                None => false,
            };
            if is_repeated {
                return Ok(Refresh::Granted { session, user, seed });
            }
            end(tx, &session)?;
            Ok(Refresh::Reused { session })
        }
        Some((session, user, false, seed, true, false)) => {
            tx.execute("UPDATE refresh_token SET used_at = ?2 WHERE hash = ?1", (token, now()))?;
            Ok(Refresh::Granted { session, user, seed })
        }
    }
}

fn is_unused(tx: &Transaction<'_>, token: &TokenHash) -> Result<bool, StoreError> {
    let unused = "SELECT EXISTS (SELECT 1 FROM refresh_token WHERE hash = ?1 AND used_at IS NULL)";
    tx.query_row(unused, (token,), |row| row.get(0))
}

pub(crate) fn end(tx: &Transaction<'_>, session: &SessionId) -> Result<(), StoreError> {
    tx.execute("UPDATE session SET ended_at = coalesce(ended_at, ?2) WHERE id = ?1", (session.as_str(), now()))?;
    Ok(())
}

pub(crate) fn end_all_of(tx: &Transaction<'_>, user: &UserId) -> Result<(), StoreError> {
    tx.execute("UPDATE session SET ended_at = ?2 WHERE user_id = ?1 AND ended_at IS NULL", (user.as_str(), now()))?;
    Ok(())
}

/// Learns on which device a session lives, and that it does.
pub(crate) fn note_device(
    tx: &Transaction<'_>,
    session: &SessionId,
    device: Option<&DeviceId>,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE session SET device_id = coalesce(?2, device_id), seen_at = ?3 WHERE id = ?1",
        (session.as_str(), device.map(DeviceId::as_str), now()),
    )?;
    Ok(())
}

/// The device a session lives on, if it is known.
pub(crate) fn device_of(tx: &Transaction<'_>, session: &SessionId) -> Result<Option<DeviceId>, StoreError> {
    let device = tx
        .query_row("SELECT device_id FROM session WHERE id = ?1", (session.as_str(),), |row| row.get(0))
        .optional()?;
    Ok(device.flatten().map(|id: String| DeviceId::new(id)))
}

/// The devices of a person, the one that was heard of last first.
pub(crate) fn devices(tx: &Transaction<'_>, user: &UserId) -> Result<Vec<Device>, StoreError> {
    let mut statement = tx.prepare(
        "SELECT device_id, min(created_at), max(coalesce(seen_at, created_at)),
                max(CASE WHEN ended_at IS NULL AND expires_at > ?2 THEN 1 ELSE 0 END),
                max(erase_at), max(erase_told_at)
         FROM session WHERE user_id = ?1 AND device_id IS NOT NULL GROUP BY device_id ORDER BY 3 DESC, 1",
    )?;
    let time = |at: Option<i64>| at.map(Timestamp::from_millis);
    let rows = statement.query_map((user.as_str(), now()), |row| {
        Ok(Device {
            id: DeviceId::new(row.get::<String>(0)?),
            first_signed_in_at: Timestamp::from_millis(row.get(1)?),
            seen_at: Timestamp::from_millis(row.get(2)?),
            is_signed_in: row.get(3)?,
            erase_asked_at: time(row.get(4)?),
            erase_told_at: time(row.get(5)?),
        })
    })?;
    rows.collect::<Result<_, _>>()
}

/// Ends a person's sessions on a device and lets it be told to remove what it has stored. Whether there were any.
pub(crate) fn revoke_device(tx: &Transaction<'_>, user: &UserId, device: &DeviceId) -> Result<bool, StoreError> {
    let revoked = tx.execute(
        "UPDATE session SET ended_at = coalesce(ended_at, ?3), erase_at = coalesce(erase_at, ?3)
         WHERE user_id = ?1 AND device_id = ?2",
        (user.as_str(), device.as_str(), now()),
    )?;
    Ok(revoked > 0)
}

/// Whether a person is signed in by name and password: such sessions, and only they, have refresh tokens.
pub(crate) fn is_signed_in(tx: &Transaction<'_>, user: &UserId) -> Result<bool, StoreError> {
    tx.query_row(
        "SELECT EXISTS (
            SELECT 1 FROM access_token AS token JOIN session ON session.id = token.session_id
            WHERE session.user_id = ?1 AND session.ended_at IS NULL AND token.expires_at > ?2
              AND EXISTS (SELECT 1 FROM refresh_token WHERE session_id = session.id))",
        (user.as_str(), now()),
        |row| row.get(0),
    )
}

/// Forgets sessions that were over long ago, and of those that were over a while ago the tokens nobody will show again.
pub(crate) fn forget_old(tx: &Transaction<'_>) -> Result<(), StoreError> {
    let over = "SELECT id FROM session WHERE expires_at < ?1 OR ended_at < ?1";
    tx.execute(&format!("DELETE FROM session WHERE id IN ({over})"), (now() - DEVICES_REMEMBERED,))?;
    // A device shows its newest token, or the one before where the answer to that was lost.
    tx.execute(
        &format!("DELETE FROM refresh_token WHERE session_id IN ({over}) AND used_at < ?1 - ?2"),
        (now() - REMEMBERED, REMEMBERED),
    )?;
    Ok(())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
