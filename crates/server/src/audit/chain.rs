//! The entries, each chained to the one before.

use hugmedo_chat_protocol::{DeviceId, RoomId, Seq, UserId};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::credential::SessionId;
pub(super) use crate::key_file::hex;
use crate::store::{
    StoreError, columns, now,
    sql::{OptionalExtension, Row, Transaction},
};

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
    /// Someone became an administrator.
    GrantAdmin,
    /// And is none any more.
    WithdrawAdmin,
    /// An administrator looked at what there is: users, rooms, devices, the audit.
    Inspect,
    /// An administrator chose how long rooms of a kind keep what is said in them.
    SetRetention,
    /// A message was past its time, and the server removed what it said.
    Expire,
    /// Nothing of a room may be lost any more.
    Hold,
    /// It may again.
    Release,
    /// The operator looked at what was kept of a held room.
    ExportKept,
    /// The operator copied everything.
    Backup,
    /// A copy was put back; `object` is when it had been taken.
    Restore,
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
            Self::GrantAdmin => "grant_admin",
            Self::WithdrawAdmin => "withdraw_admin",
            Self::Inspect => "inspect",
            Self::SetRetention => "set_retention",
            Self::Expire => "expire",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::ExportKept => "export_kept",
            Self::Backup => "backup",
            Self::Restore => "restore",
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

/// The end of sessions, as the audit tells of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    SignedOut(SessionId),
    /// A token of it was used twice.
    Reused(SessionId),
    /// All that a person had then.
    AllOf(UserId),
    /// All on a device, by the name it gives itself.
    Device(DeviceId),
}

/// What sessions ended after a place.
pub(crate) fn ended_after(tx: &Transaction<'_>, after: i64) -> Result<Vec<Ended>, StoreError> {
    let ended = tx
        .prepare_cached(
            "SELECT action, object FROM audit
             WHERE id > ?1 AND object IS NOT NULL
               AND action IN ('sign_out', 'token_reuse', 'set_password', 'disable_user', 'revoke_device')
             ORDER BY id",
        )?
        .query_map((after,), |row| {
            let (action, object): (String, String) = (row.get(0)?, row.get(1)?);
            Ok(match action.as_str() {
                "sign_out" => Ended::SignedOut(SessionId::new(object)),
                "token_reuse" => Ended::Reused(SessionId::new(object)),
                "revoke_device" => Ended::Device(DeviceId::new(object)),
                _ => Ended::AllOf(UserId::new(object)),
            })
        })?;
    ended.collect()
}

/// How many entries are in memory at a time.
const AT_ONCE: usize = 1_000;

/// Passes every entry after a place to `each`, in order, some at a time: an audit may be larger than the memory.
pub(crate) fn entries<E: From<StoreError>>(
    tx: &Transaction<'_>,
    mut after: i64,
    mut each: impl FnMut(Entry) -> Result<(), E>,
) -> Result<(), E> {
    loop {
        let (page, has_more) = page(tx, after, AT_ONCE)?;
        for entry in page {
            after = entry.id;
            each(entry)?;
        }
        if !has_more {
            return Ok(());
        }
    }
}

/// A page of entries after a place, and whether there is more.
pub(crate) fn page(tx: &Transaction<'_>, after: i64, limit: usize) -> Result<(Vec<Entry>, bool), StoreError> {
    let mut some = tx.prepare_cached(
        "SELECT id, at, actor, action, room_id, object, seq, hash FROM audit WHERE id > ?1 ORDER BY id LIMIT ?2",
    )?;
    let asked = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut page = some.query_map((after, asked), entry)?.collect::<Result<Vec<_>, _>>()?;
    let has_more = page.len() > limit;
    page.truncate(limit);
    Ok((page, has_more))
}

fn entry(row: &Row<'_>) -> Result<Entry, StoreError> {
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
