//! What an administrator does: people, rooms, memberships. Used by the command line, `/api/admin`, the sample data and tests.
//!
//! Invariants: what changes for a connected person is told at once: in the same step when the server runs in this process,
//! within a second when it runs in another (see [`crate::outside`]); whoever acts by a session is an administrator in the very
//! transaction of the deed, and the audit names them.

mod listing;
mod records;
mod retention;
mod roles;

use std::{path::Path, sync::Arc, time::Duration};

use hugmedo_chat_protocol::{
    DeviceId, Room, RoomId, RoomKind, Secret, Sensitive, SessionEndReason, User, UserId, UserType, limits::MAX_ID_BYTES,
};

use crate::{
    app::App,
    audit::{self, Checkpoints, Deed},
    authorize,
    config::Database,
    credential::TokenHash,
    error::Error,
    failure::Failure,
    nodes, outside,
    password::Passwords,
    presence, sign_in,
    store::{
        Store, changes, rooms, second_factors,
        sessions::{self, Device},
        sql::Transaction,
        users,
    },
};

/// Longest name to sign in with.
pub(crate) const MAX_USERNAME_BYTES: usize = 64;
/// NIST SP 800-63B asks for eight at least and forbids further rules.
const MIN_PASSWORD_CHARS: usize = 8;

/// The administrator's side of a store, with or without a server running on it in this process.
#[derive(Debug)]
pub struct Admin {
    store: Arc<Store>,
    reach: Reach,
    authority: Authority,
}

/// On whose word something is done.
#[derive(Debug, Clone, Copy)]
enum Authority {
    /// Who may use the data folder may do everything with it: the command line.
    Operator,
    /// Whoever presents this token, if they are an administrator.
    Session(TokenHash),
}

impl Authority {
    /// Whom the audit names; nobody for the operator.
    fn actor(self, tx: &Transaction<'_>) -> Result<Option<UserId>, Failure> {
        match self {
            Self::Operator => Ok(None),
            Self::Session(token) => {
                let who = authorize::principal(tx, &token)?;
                Ok(Some(authorize::administrator(tx, &who)?.into_id()))
            }
        }
    }
}

#[derive(Debug)]
enum Reach {
    /// A server runs in this process.
    Live(Arc<App>),
    /// Only the store and the checkpoints beside it.
    StoreOnly(Box<(Passwords, Arc<Checkpoints>)>),
}

impl Admin {
    /// The store of a data folder, which a server in another process may be using.
    ///
    /// # Errors
    /// If the folder or the store cannot be used.
    pub fn open(data_dir: &Path) -> Result<Self, Error> {
        Self::open_with(data_dir, None)
    }

    /// [`Admin::open`], where the store may be in a database.
    ///
    /// # Errors
    /// As [`Admin::open`], or if the database cannot be used.
    pub fn open_with(data_dir: &Path, database: Option<&Database>) -> Result<Self, Error> {
        let store = Arc::new(crate::open_store(data_dir, database)?);
        let checkpoints = crate::open_checkpoints(data_dir)?;
        let reach = Reach::StoreOnly(Box::new((Passwords::only_hashing(), checkpoints)));
        Ok(Self { store, reach, authority: Authority::Operator })
    }

    pub(crate) fn live(app: Arc<App>) -> Self {
        Self { store: app.store.clone(), reach: Reach::Live(app), authority: Authority::Operator }
    }

    /// On the word of whoever presents this token.
    pub(crate) fn by_session(app: Arc<App>, token: TokenHash) -> Self {
        Self { authority: Authority::Session(token), ..Self::live(app) }
    }

    fn passwords(&self) -> &Passwords {
        match &self.reach {
            Reach::Live(app) => &app.passwords,
            Reach::StoreOnly(only) => &only.0,
        }
    }

    fn app(&self) -> Option<&Arc<App>> {
        match &self.reach {
            Reach::Live(app) => Some(app),
            Reach::StoreOnly(..) => None,
        }
    }

    /// Does something on this authority's word, or nothing. The work is told whom the audit has to name.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>, Option<&UserId>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let authority = self.authority;
        self.store.write(move |tx| work(tx, authority.actor(tx)?.as_ref())).await
    }

    async fn hash(&self, password: Secret) -> Result<String, Error> {
        if password.expose().chars().count() < MIN_PASSWORD_CHARS {
            return Err(Error::Invalid("a password needs at least 8 characters"));
        }
        self.passwords().hash(password).await.map_err(|_| Error::Invalid("the password could not be hashed"))
    }

    /// Adds a person, who signs in with `username`; it is also the user id.
    ///
    /// # Errors
    /// If the name is taken or not usable, or the password is too short.
    pub async fn add_user(
        &self,
        username: &str,
        password: impl Into<Secret>,
        name: impl Into<Sensitive>,
        user_type: UserType,
    ) -> Result<UserId, Error> {
        self.add_person(username, password.into(), name.into(), user_type, None).await
    }

    /// [`Admin::add_user`] with a ward or function to show beside the name.
    ///
    /// # Errors
    /// As [`Admin::add_user`].
    pub async fn add_person(
        &self,
        username: &str,
        password: Secret,
        name: Sensitive,
        user_type: UserType,
        role: Option<String>,
    ) -> Result<UserId, Error> {
        let usable = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
        if username.is_empty() || username.len() > MAX_USERNAME_BYTES || !username.chars().all(usable) {
            return Err(Error::Invalid("a user name is 1 to 64 of a-z, A-Z, 0-9, '.', '_', '-' and '@'"));
        }
        if name.as_str().trim().is_empty() {
            return Err(Error::Invalid("a person needs a name"));
        }
        if user_type == UserType::Unknown {
            return Err(Error::Invalid("a person is a clinician, a patient or of the staff"));
        }
        let hash = self.hash(password).await?;
        let id = UserId::new(username);
        let user = User { id: id.clone(), name, user_type, role, avatar_url: None };
        self.write(move |tx, actor| {
            if !users::insert(tx, &user, &hash)? {
                return Err(Error::Exists("user"));
            }
            Ok(audit::append(tx, actor, Deed::AddUser, None, Some(user.id.as_str()), None)?)
        })
        .await?;
        Ok(id)
    }

    /// Sets a password and signs the person out everywhere.
    ///
    /// # Errors
    /// If there is no such person or the password is too short.
    pub async fn set_password(&self, user: &UserId, password: impl Into<Secret>) -> Result<(), Error> {
        let hash = self.hash(password.into()).await?;
        let id = user.clone();
        self.write(move |tx, actor| {
            if !users::set_password(tx, &id, &hash)? {
                return Err(Error::NotFound("user"));
            }
            audit::append(tx, actor, Deed::SetPassword, None, Some(id.as_str()), None)?;
            Ok(sessions::end_all_of(tx, &id)?)
        })
        .await?;
        self.revoke(user);
        Ok(())
    }

    /// Removes a person's second factor and recovery codes, if they have any; where one is required, they set up another when they
    /// sign in.
    ///
    /// # Errors
    /// If there is no such person.
    pub async fn reset_second_factor(&self, user: &UserId) -> Result<(), Error> {
        let id = user.clone();
        self.write(move |tx, actor| {
            users::account(tx, id.as_str())?.ok_or(Error::NotFound("user"))?;
            if second_factors::remove(tx, &id)? {
                audit::append(tx, actor, Deed::ResetSecondFactor, None, Some(id.as_str()), None)?;
            }
            Ok(())
        })
        .await
    }

    /// Closes an account: nobody signs in with it, and its sessions are over.
    ///
    /// # Errors
    /// If there is no such person, or an administrator would close their own account: so there is always one left.
    pub async fn disable_user(&self, user: &UserId) -> Result<(), Error> {
        let id = user.clone();
        self.write(move |tx, actor| {
            if actor == Some(&id) {
                return Err(Error::Invalid("an account is closed by another administrator or at the command line"));
            }
            if !users::disable(tx, &id)? {
                return Err(Error::NotFound("user"));
            }
            audit::append(tx, actor, Deed::DisableUser, None, Some(id.as_str()), None)?;
            Ok(sessions::end_all_of(tx, &id)?)
        })
        .await?;
        self.revoke(user);
        Ok(())
    }

    /// The devices a person has signed in on within the last hundred days, the one that was heard of last first.
    ///
    /// # Errors
    /// If there is no such person.
    pub async fn devices(&self, user: &UserId) -> Result<Vec<Device>, Error> {
        let id = user.clone();
        self.write(move |tx, actor| {
            users::account(tx, id.as_str())?.ok_or(Error::NotFound("user"))?;
            listing::note(tx, actor, "devices")?;
            Ok(sessions::devices(tx, &id)?)
        })
        .await
    }

    /// Signs a person out on one device, which is told to remove what it has stored for them, whenever it is next heard of.
    ///
    /// # Errors
    /// If the person has not signed in there.
    pub async fn revoke_device(&self, user: &UserId, device: &DeviceId) -> Result<(), Error> {
        let (id, named) = (user.clone(), device.clone());
        self.write(move |tx, actor| {
            if !sessions::revoke_device(tx, &id, &named)? {
                return Err(Error::NotFound("device"));
            }
            Ok(audit::append(tx, actor, Deed::RevokeDevice, None, Some(named.as_str()), None)?)
        })
        .await?;
        if let Some(app) = self.app() {
            outside::end_dead(app, app.fanout.sockets_of(user)).await;
            nodes::moved(app);
        }
        Ok(())
    }

    fn revoke(&self, user: &UserId) {
        if let Some(app) = self.app() {
            app.fanout.end(app.fanout.sockets_of(user), SessionEndReason::Revoked);
            nodes::moved(app);
        }
    }

    /// Chooses how long an urgent message of a room may wait for someone to take it on, before the server tells of it again;
    /// `None` for ever.
    ///
    /// # Errors
    /// If there is no such room.
    pub async fn set_escalation(&self, room: &RoomId, after: Option<Duration>) -> Result<(), Error> {
        let id = room.clone();
        let after = after.map(|after| i64::try_from(after.as_millis()).unwrap_or(i64::MAX));
        self.write(move |tx, actor| {
            if !rooms::set_escalation(tx, &id, after)? {
                return Err(Error::NotFound("room"));
            }
            Ok(audit::append(tx, actor, Deed::SetEscalation, Some(&id), None, None)?)
        })
        .await
    }

    /// Adds a room without members.
    ///
    /// # Errors
    /// If the id is taken or not usable.
    pub async fn add_room(&self, id: &str, name: impl Into<Sensitive>, kind: RoomKind) -> Result<RoomId, Error> {
        if id.is_empty()
            || id.len() > MAX_ID_BYTES
            || id.chars().any(|c| c.is_control() || matches!(c, '/' | '?' | '#'))
        {
            return Err(Error::Invalid("a room id is 1 to 128 bytes without '/', '?', '#' and control characters"));
        }
        let room = RoomId::new(id);
        let (new, name) = (room.clone(), name.into());
        self.write(move |tx, actor| {
            if !rooms::insert(tx, &new, name.as_str(), kind)? {
                return Err(Error::Exists("room"));
            }
            Ok(audit::append(tx, actor, Deed::AddRoom, Some(&new), None, None)?)
        })
        .await?;
        Ok(room)
    }

    /// Makes a person a member. Everyone in the room learns of it.
    ///
    /// # Errors
    /// If there is no such room or person, or the room is the conversation of two others.
    pub async fn add_member(&self, room: &RoomId, user: &UserId) -> Result<(), Error> {
        let turn = self.turn(room).await;
        let (room_id, user_id) = (room.clone(), user.clone());
        let views = self
            .write(move |tx, actor| {
                if !rooms::is_open_to(tx, &room_id, &user_id)?.ok_or(Error::NotFound("room"))? {
                    return Err(Error::Invalid("a conversation of two takes nobody else"));
                }
                if users::account(tx, user_id.as_str())?.is_none() {
                    return Err(Error::NotFound("user"));
                }
                if !rooms::add_member(tx, &room_id, &user_id)? {
                    return Ok(Vec::new());
                }
                audit::append(tx, actor, Deed::AddMember, Some(&room_id), Some(user_id.as_str()), None)?;
                Ok(rooms::changed(tx, &room_id)?)
            })
            .await?;
        self.tell(views).await;
        drop(turn);
        Ok(())
    }

    /// Ends a membership. In the same step the person's sockets lose the room; nothing said afterwards reaches them.
    ///
    /// # Errors
    /// If the person is no member.
    pub async fn remove_member(&self, room: &RoomId, user: &UserId) -> Result<(), Error> {
        let turn = self.turn(room).await;
        let (room_id, user_id) = (room.clone(), user.clone());
        let views = self
            .write(move |tx, actor| {
                if !rooms::remove_member(tx, &room_id, &user_id)? {
                    return Err(Error::NotFound("member"));
                }
                changes::record_room_removed(tx, &room_id, &user_id)?;
                audit::append(tx, actor, Deed::RemoveMember, Some(&room_id), Some(user_id.as_str()), None)?;
                Ok(rooms::changed(tx, &room_id)?)
            })
            .await?;
        if let Some(app) = self.app().filter(|app| app.nodes.is_none()) {
            app.fanout.expel(room, user);
        }
        self.tell(views).await;
        drop(turn);
        Ok(())
    }

    async fn turn(&self, room: &RoomId) -> Option<crate::turns::Turn> {
        match self.app() {
            Some(app) => Some(app.turns.take(room).await),
            None => None,
        }
    }

    async fn tell(&self, views: Vec<(UserId, Room)>) {
        let Some(app) = self.app() else { return };
        if let Some(nodes) = &app.nodes {
            nodes.moved();
            return;
        }
        let members: Vec<UserId> = views.iter().map(|(user, _)| user.clone()).collect();
        app.fanout.room_changed(views);
        app.fanout.wake();
        presence::acquaint(app, members).await;
    }

    /// An access token without sign-in, for organisations whose own service signs people in. Not refreshable.
    ///
    /// # Errors
    /// If there is no such person or the account is closed.
    pub async fn issue_token(&self, user: &UserId, ttl: Duration) -> Result<Secret, Error> {
        let id = user.clone();
        self.write(move |tx, _| match sign_in::issue(tx, &id, ttl) {
            Ok((token, _)) => Ok(token),
            Err(Failure::Refused(_)) => Err(Error::NotFound("user")),
            Err(Failure::Store(error)) => Err(error.into()),
        })
        .await
    }

    /// Finishes writing and closes the store. Only for an [`Admin::open`]ed one; a server closes its own.
    pub async fn close(self) {
        if let Reach::StoreOnly(only) = &self.reach {
            audit::checkpoint(&self.store, &only.1).await;
            self.store.close().await;
        }
    }
}
