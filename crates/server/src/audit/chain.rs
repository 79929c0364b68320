//! The entries, each chained to the one before.

use hugmedo_chat_protocol::{RoomId, Seq, UserId};
use rusqlite::{OptionalExtension, Row, Transaction};
use serde::Serialize;
use sha2::{Digest, Sha256};

pub(super) use crate::key_file::hex;
use crate::store::{StoreError, columns, now};

/// What was done. The words are stored; they never change their meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    SignIn,
    SignInRefused,
    /// The password was right, the code of the second factor was not.
    SecondFactorRefused,
    /// A recovery code stood in for the second factor.
    UseRecoveryCode,
    SetSecondFactor,
    RemoveSecondFactor,
    /// An administrator removed someone's second factor.
    ResetSecondFactor,
    SignOut,
    TokenReuse,
    IssueToken,
    /// A token of the outside issuer was seen for the first time.
    AcceptToken,
    Send,
    Edit,
    Delete,
    React,
    Unreact,
    /// Messages were handed out over HTTP: a page of history or of sync.
    Fetch,
    /// A device told that it has stored everything up to `seq`.
    Receive,
    Read,
    Acknowledge,
    /// Nobody had taken an urgent message on, and the server said so.
    Escalate,
    Upload,
    Download,
    /// The small copy of a picture was handed out.
    Preview,
    AddUser,
    SetPassword,
    DisableUser,
    /// An administrator, or the person themselves, wants a device to remove what it has stored.
    RevokeDevice,
    /// The device was told.
    TellErase,
    AddRoom,
    AddMember,
    RemoveMember,
    /// An administrator put someone on call, or took them off.
    SetOnCall,
    /// An administrator chose how long urgent messages of a room may wait.
    SetEscalation,
}

impl Deed {
    fn word(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::SignInRefused => "sign_in_refused",
            Self::SecondFactorRefused => "second_factor_refused",
            Self::UseRecoveryCode => "use_recovery_code",
            Self::SetSecondFactor => "set_second_factor",
            Self::RemoveSecondFactor => "remove_second_factor",
            Self::ResetSecondFactor => "reset_second_factor",
            Self::SignOut => "sign_out",
            Self::TokenReuse => "token_reuse",
            Self::IssueToken => "issue_token",
            Self::AcceptToken => "accept_token",
            Self::Send => "send",
            Self::Edit => "edit",
            Self::Delete => "delete",
            Self::React => "react",
            Self::Unreact => "unreact",
            Self::Fetch => "fetch",
            Self::Receive => "receive",
            Self::Read => "read",
            Self::Acknowledge => "acknowledge",
            Self::Escalate => "escalate",
            Self::Upload => "upload",
            Self::Download => "download",
            Self::Preview => "preview",
            Self::AddUser => "add_user",
            Self::SetPassword => "set_password",
            Self::DisableUser => "disable_user",
            Self::RevokeDevice => "revoke_device",
            Self::TellErase => "tell_erase",
            Self::AddRoom => "add_room",
            Self::AddMember => "add_member",
            Self::RemoveMember => "remove_member",
            Self::SetOnCall => "set_on_call",
            Self::SetEscalation => "set_escalation",
        }
    }
}

/// One entry, as it is exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    /// Its place; 1 is the first.
    pub(crate) id: i64,
    /// Milliseconds since 1970 (UTC).
    pub(crate) at: i64,
    /// Who; empty for the operator at the command line.
    pub(crate) actor: String,
    /// What, see [`Deed`].
    pub(crate) action: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) room_id: Option<String>,
    /// The message, person or session it was done to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) object: Option<String>,
    /// The position it reached in the room's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) seq: Option<i64>,
    /// See [`Entry::chained`].
    #[serde(serialize_with = "as_hex")]
    pub(crate) hash: Vec<u8>,
}

impl Entry {
    /// The hash this entry has after the one before: SHA-256 over that hash and every field, each with its length before it,
    /// so that no two entries are told by the same bytes.
    pub(crate) fn chained(&self, before: &[u8]) -> Vec<u8> {
        let mut hash = Sha256::new();
        hash.update(before);
        hash.update(self.id.to_be_bytes());
        hash.update(self.at.to_be_bytes());
        let seq = self.seq.map(|seq| seq.to_string());
        for field in [Some(&self.actor), Some(&self.action), self.room_id.as_ref(), self.object.as_ref(), seq.as_ref()]
        {
            match field {
                Some(text) => {
                    hash.update([1]);
                    hash.update((text.len() as u64).to_be_bytes());
                    hash.update(text.as_bytes());
                }
                None => hash.update([0]),
            }
        }
        hash.finalize().to_vec()
    }
}

/// Appends what `actor` did, in the transaction in which it is done; `None` is the operator at the command line.
pub(crate) fn append(
    tx: &Transaction<'_>,
    actor: Option<&UserId>,
    deed: Deed,
    room: Option<&RoomId>,
    object: Option<&str>,
    seq: Option<Seq>,
) -> Result<(), StoreError> {
    let (last, before) = head(tx)?;
    let mut entry = Entry {
        id: last + 1,
        at: now(),
        actor: actor.map_or_else(String::new, |actor| actor.as_str().to_owned()),
        action: deed.word().to_owned(),
        room_id: room.map(|room| room.as_str().to_owned()),
        object: object.map(str::to_owned),
        seq: seq.map(columns::number),
        hash: Vec::new(),
    };
    entry.hash = entry.chained(&before);
    tx.prepare_cached(
        "INSERT INTO audit (id, at, actor, action, room_id, object, seq, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute((
        entry.id,
        entry.at,
        entry.actor,
        entry.action,
        entry.room_id,
        entry.object,
        entry.seq,
        entry.hash,
    ))?;
    Ok(())
}

/// The last entry's place and hash; 0 and nothing before the first.
pub(crate) fn head(tx: &Transaction<'_>) -> Result<(i64, Vec<u8>), StoreError> {
    let mut last = tx.prepare_cached("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1")?;
    Ok(last.query_row((), |row| Ok((row.get(0)?, row.get(1)?))).optional()?.unwrap_or_default())
}

/// Passes every entry after a place to `each`, in order, one at a time: an audit may be larger than the memory.
pub(crate) fn entries<E: From<StoreError>>(
    tx: &Transaction<'_>,
    after: i64,
    mut each: impl FnMut(Entry) -> Result<(), E>,
) -> Result<(), E> {
    let failed = |error| E::from(StoreError::from(error));
    let mut all = tx
        .prepare("SELECT id, at, actor, action, room_id, object, seq, hash FROM audit WHERE id > ?1 ORDER BY id")
        .map_err(failed)?;
    let mut rows = all.query((after,)).map_err(failed)?;
    while let Some(row) = rows.next().map_err(failed)? {
        each(entry(row).map_err(failed)?)?;
    }
    Ok(())
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: row.get(0)?,
        at: row.get(1)?,
        actor: row.get(2)?,
        action: row.get(3)?,
        room_id: row.get(4)?,
        object: row.get(5)?,
        seq: row.get(6)?,
        hash: row.get(7)?,
    })
}

fn as_hex<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex(bytes))
}
