//! Who may do what: the one place that decides it. Default deny.
//!
//! Invariant: [`Principal`], [`Member`], [`Company`] and [`Administrator`] can only be made here, from rows read in the caller's
//! own transaction, and whatever reads or writes a room asks for them. So an unchecked path does not compile, and what was
//! checked still holds when it is acted on; only a call that reads and answers at once brings its [`Principal`] from the door.
//! Nothing is cached: an account disabled, a session ended or a membership withdrawn, by this process or by another, is felt
//! by the very next event.

use std::collections::BTreeMap;

use hugmedo_chat_protocol::{
    Attachment, AttachmentId, ErrorCode, RoomId, RoomKind, Seq, Timestamp, User, UserId, UserType,
};

use crate::{
    credential::{SessionId, TokenHash},
    failure::Failure,
    store::{
        StoreError, attachments, columns, now,
        sql::{OptionalExtension, Transaction},
    },
};

/// Proof that a live session stands behind a wish.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    user: User,
    session: SessionId,
    expires_at: Timestamp,
}

impl Principal {
    pub(crate) fn user(&self) -> &User {
        &self.user
    }

    pub(crate) fn id(&self) -> &UserId {
        &self.user.id
    }

    pub(crate) fn session(&self) -> &SessionId {
        &self.session
    }

    /// When the presented token ends.
    pub(crate) fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// A payload may name its sender, as the guide's clients do, but nobody else.
    pub(crate) fn is_named_by(&self, claimed: Option<&UserId>) -> Result<(), Failure> {
        match claimed {
            Some(claimed) if *claimed != self.user.id => Err(Failure::forbidden()),
            _ => Ok(()),
        }
    }
}

/// Proof that a principal is a member of a room now.
#[derive(Debug)]
pub(crate) struct Member {
    room: RoomId,
    user: UserId,
    kind: RoomKind,
    user_type: UserType,
    last_seq: Seq,
    read_seq: Seq,
    delivered_seq: Seq,
}

impl Member {
    pub(crate) fn room(&self) -> &RoomId {
        &self.room
    }

    pub(crate) fn user(&self) -> &UserId {
        &self.user
    }

    /// The room's last position when the proof was made.
    pub(crate) fn last_seq(&self) -> Seq {
        self.last_seq
    }

    pub(crate) fn read_seq(&self) -> Seq {
        self.read_seq
    }

    pub(crate) fn delivered_seq(&self) -> Seq {
        self.delivered_seq
    }

    /// Announcements are read by all and written by those who work here.
    pub(crate) fn may_post(self) -> Result<Poster, Failure> {
        let allowed = match self.kind {
            RoomKind::Announcement => works_here(self.user_type),
            RoomKind::Patient | RoomKind::Staff => true,
        };
        if allowed { Ok(Poster(self)) } else { Err(Failure::forbidden()) }
    }
}

/// Proof that a member may write in its room.
#[derive(Debug)]
pub(crate) struct Poster(Member);

impl std::ops::Deref for Poster {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.0
    }
}

/// Proof that a principal administers this server. It is no membership: administrators read what members read, and as members.
#[derive(Debug)]
pub(crate) struct Administrator(UserId);

impl Administrator {
    pub(crate) fn into_id(self) -> UserId {
        self.0
    }
}

/// Proof that a principal may begin a conversation with these people.
#[derive(Debug)]
pub(crate) struct Company(BTreeMap<UserId, UserType>);

impl Company {
    /// Everyone in it, the principal included.
    pub(crate) fn members(&self) -> impl Iterator<Item = &UserId> {
        self.0.keys()
    }

    /// What a room of theirs is: a patient reads along, or colleagues are among themselves.
    pub(crate) fn kind(&self) -> RoomKind {
        if self.0.values().all(|user_type| works_here(*user_type)) { RoomKind::Staff } else { RoomKind::Patient }
    }
}

/// Those who treat or work, as opposed to those who are treated and whoever a newer version knows.
fn works_here(user_type: UserType) -> bool {
    matches!(user_type, UserType::Clinician | UserType::Staff)
}

/// Who presents this token, if its session lives.
pub(crate) fn principal(tx: &Transaction<'_>, token: &TokenHash) -> Result<Principal, Failure> {
    let found = tx
        .prepare_cached(
            "SELECT token.expires_at, session.id, session.expires_at, session.ended_at, user.disabled_at,
                    user.id, user.name, user.user_type, user.role
             FROM access_token AS token
             JOIN session ON session.id = token.session_id
             JOIN user ON user.id = session.user_id
             WHERE token.hash = ?1",
        )?
        .query_row((token,), |row| {
            let token_end: i64 = row.get(0)?;
            let session_end: i64 = row.get(2)?;
            let ended: Option<i64> = row.get(3)?;
            let disabled: Option<i64> = row.get(4)?;
            let session = SessionId::new(row.get::<String>(1)?);
            Ok((token_end.min(session_end), ended.is_some() || disabled.is_some(), session, columns::user(row, 5)?))
        })
        .optional()?;
    let Some((end, over, session, user)) = found else { return Err(Failure::unauthorized()) };
    if over {
        return Err(Failure::unauthorized());
    }
    if end <= now() {
        return Err(Failure::refused(ErrorCode::TokenExpired, "the token's time is over"));
    }
    Ok(Principal { user, session, expires_at: Timestamp::from_millis(end) })
}

/// Whether a principal administers this server.
pub(crate) fn administrator(tx: &Transaction<'_>, who: &Principal) -> Result<Administrator, Failure> {
    let is_one: bool = tx
        .prepare_cached("SELECT is_admin FROM user WHERE id = ?1")?
        .query_row((who.id().as_str(),), |row| row.get(0))?;
    if is_one { Ok(Administrator(who.id().clone())) } else { Err(Failure::forbidden()) }
}

/// The server's own name in rooms. Nobody signs in with it.
pub(crate) const SERVER: &str = "server:alerts";

/// The server itself, which may tell a room what its members have to know.
pub(crate) fn server(tx: &Transaction<'_>, room: &RoomId) -> Result<(Principal, Poster), Failure> {
    let user = tx
        .prepare_cached("SELECT id, name, user_type, role FROM user WHERE id = ?1")?
        .query_row((SERVER,), |row| columns::user(row, 0))?;
    let (kind, last_seq) = tx
        .prepare_cached("SELECT kind, last_seq FROM room WHERE id = ?1")?
        .query_row((room.as_str(),), |row| Ok((columns::word(&row.get::<String>(0)?), columns::seq(row.get(1)?))))
        .optional()?
        .ok_or_else(Failure::forbidden)?;
    let member = Member {
        room: room.clone(),
        user: user.id.clone(),
        kind,
        user_type: user.user_type,
        last_seq,
        read_seq: Seq::ZERO,
        delivered_seq: Seq::ZERO,
    };
    let who = Principal { user, session: SessionId::new(SERVER), expires_at: Timestamp::from_millis(i64::MAX) };
    Ok((who, member.may_post()?))
}

/// Whether a principal is a member of a room.
pub(crate) fn member(tx: &Transaction<'_>, who: &Principal, room: &RoomId) -> Result<Member, Failure> {
    let found = tx
        .prepare_cached(
            "SELECT room.kind, room.last_seq, member.read_seq, member.delivered_seq
             FROM member JOIN room ON room.id = member.room_id
             WHERE member.room_id = ?1 AND member.user_id = ?2",
        )?
        .query_row((room.as_str(), who.id().as_str()), |row| {
            Ok(Member {
                room: room.clone(),
                user: who.id().clone(),
                kind: columns::word(&row.get::<String>(0)?),
                user_type: who.user.user_type,
                last_seq: columns::seq(row.get(1)?),
                read_seq: columns::seq(row.get(2)?),
                delivered_seq: columns::seq(row.get(3)?),
            })
        })
        .optional()?;
    found.ok_or_else(Failure::forbidden)
}

/// Everyone a principal may begin a conversation with: who works here, for those who do, and whoever they share a room with;
/// for anyone else only who works here and shares a room with them. Announcements, which all read, acquaint nobody.
pub(crate) fn people(tx: &Transaction<'_>, who: &Principal) -> Result<Vec<User>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT id, name, user_type, role, id IN (
                    SELECT other.user_id FROM member AS own
                    JOIN room ON room.id = own.room_id AND room.kind <> 'announcement'
                    JOIN member AS other ON other.room_id = own.room_id
                    WHERE own.user_id = ?1)
         FROM user WHERE id <> ?1 AND disabled_at IS NULL ORDER BY name, id",
    )?;
    let everyone = statement
        .query_map((who.id().as_str(),), |row| Ok((columns::user(row, 0)?, row.get(4)?)))?
        .collect::<Result<Vec<(User, bool)>, _>>()?;
    let may_meet = |user: &User, is_acquainted: bool| {
        let (asks, is_asked) = (works_here(who.user.user_type), works_here(user.user_type));
        (asks && is_asked) || (is_acquainted && (asks || is_asked))
    };
    Ok(everyone
        .into_iter()
        .filter(|(user, is_acquainted)| may_meet(user, *is_acquainted))
        .map(|(user, _)| user)
        .collect())
}

/// Who hears how a person can be reached: all who share a conversation with them, themselves included. Announcements are none.
pub(crate) fn circle(tx: &Transaction<'_>, user: &UserId) -> Result<Vec<UserId>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT ?1 UNION
         SELECT other.user_id FROM member AS own
         JOIN room ON room.id = own.room_id AND room.kind <> 'announcement'
         JOIN member AS other ON other.room_id = own.room_id
         WHERE own.user_id = ?1",
    )?;
    let found = statement.query_map((user.as_str(),), |row| Ok(UserId::new(row.get::<String>(0)?)))?;
    found.collect::<Result<_, _>>()
}

/// Whether a principal may begin a conversation with these people. Only those who work here begin any.
pub(crate) fn company(tx: &Transaction<'_>, who: &Principal, others: &[UserId]) -> Result<Company, Failure> {
    if !works_here(who.user.user_type) {
        return Err(Failure::forbidden());
    }
    let known: BTreeMap<UserId, UserType> =
        people(tx, who)?.into_iter().map(|user| (user.id, user.user_type)).collect();
    let mut company = BTreeMap::from([(who.id().clone(), who.user.user_type)]);
    for other in others.iter().filter(|other| *other != who.id()) {
        company.insert(other.clone(), *known.get(other).ok_or_else(Failure::forbidden)?);
    }
    Ok(Company(company))
}

/// Only who is in a room has anywhere to send a file.
pub(crate) fn uploader(tx: &Transaction<'_>, who: &Principal) -> Result<(), Failure> {
    let is_member: bool = tx
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM member WHERE user_id = ?1)")?
        .query_row((who.id().as_str(),), |row| row.get(0))?;
    if is_member { Ok(()) } else { Err(Failure::forbidden()) }
}

/// A file a principal may fetch: as a member of a room where a message carries it or, before one does, as who brought it.
pub(crate) fn attachment(tx: &Transaction<'_>, who: &Principal, id: &AttachmentId) -> Result<Attachment, Failure> {
    attachments::fetchable(tx, who.id(), id)?.ok_or_else(Failure::forbidden)
}
