//! The whole of core behind one handle: what a window, a test or a command line does with it.
//!
//! Invariant: at most one account is open. Opening and closing one happen one at a time; everything else works on whichever
//! account is open, or fails with `NotSignedIn`.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex as StdMutex, PoisonError},
    time::Duration,
};

use hugmedo_chat_protocol::{JoinRoom, RoomId, SessionEndReason};
use tokio::{sync::Mutex, task::JoinHandle, time::timeout};

use crate::{
    account::{Account, idle},
    address::ServerAddress,
    alerts,
    ask::tell,
    attachments,
    error::{Error, ErrorCode},
    host::{Notifier, SecretStore},
    hub::{Changes, Hub},
    lock::Lock,
    opening,
    policy::Policy,
    preferences::PreferencesFile,
    profile::DataFolder,
    remains, search,
    store::rooms,
    supervisor,
    surroundings::Surroundings,
    transport::{Network, NetworkTo},
    vault::Vault,
    view::{ConnectionView, RoomView, SessionView, SignInRequest, Snapshot, ViewChange},
};

/// The longest closing an account may take before it is cut off.
const CLOSING: Duration = Duration::from_secs(2);

/// How core is set up.
#[derive(Clone)]
pub struct Config {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Time, chance and threads.
    pub surroundings: Surroundings,
    /// The way to a server.
    pub network: NetworkTo,
    /// What the organisation has decided for this computer.
    pub policy: Arc<Policy>,
    /// The version of the engine that shows the page, to tell; `None` without a window.
    pub webview: Option<String>,
}

impl Config {
    /// This computer as it is, without a policy.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            surroundings: Surroundings::real(),
            network: Arc::new(Network::real),
            policy: Arc::new(Policy::default()),
            webview: None,
        }
    }
}

/// The headless client. Cheap to clone; all clones are the same client.
#[derive(Clone)]
pub struct Core {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) folder: DataFolder,
    pub(crate) vault: Vault,
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) computer: Arc<PreferencesFile>,
    /// Held while choices are changed.
    pub(crate) changing: Mutex<()>,
    pub(crate) hub: Arc<Hub>,
    /// Held while an account is opened or closed.
    pub(crate) turnstile: Mutex<()>,
    open: StdMutex<Option<Open>>,
    /// The locked account, if the app is locked.
    pub(crate) lock: StdMutex<Option<Lock>>,
    /// What kept a remembered session from being opened.
    pub(crate) trouble: StdMutex<Option<ErrorCode>>,
}

/// The open account and the task that keeps it connected.
struct Open {
    account: Arc<Account>,
    supervisor: JoinHandle<()>,
}

impl Core {
    /// Starts core, and opens the remembered session if there is one. The network is not waited for.
    ///
    /// # Errors
    /// If the data folder cannot be used. A session that cannot be opened is told in the snapshot's `trouble` instead.
    pub async fn start(
        config: Config,
        secrets: Arc<dyn SecretStore>,
        notifier: Arc<dyn Notifier>,
    ) -> Result<Self, Error> {
        let folder = DataFolder::open(&config.data_dir)?;
        let inner = Arc::new(Inner {
            vault: Vault::new(secrets, folder.id().to_owned(), config.surroundings.clone()),
            computer: Arc::new(PreferencesFile::open(&config.data_dir, Arc::clone(&config.policy))),
            folder,
            config,
            notifier,
            changing: Mutex::new(()),
            hub: Arc::new(Hub::new()),
            turnstile: Mutex::new(()),
            open: StdMutex::new(None),
            lock: StdMutex::new(None),
            trouble: StdMutex::new(None),
        });
        if let Err(error) = opening::resume(&inner).await {
            tracing::warn!(%error, "the remembered session could not be opened");
            *inner.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error.code());
        }
        Ok(Self { inner })
    }

    /// The present state, and every change after it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn subscribe(&self) -> Result<(Snapshot, Changes), Error> {
        let (revision, changes) = self.inner.hub.watch();
        let lock = self.inner.lock_view();
        let account = self.inner.open_account().filter(|_| lock.is_none());
        let (session, connection, rooms, presence, trouble) = match &account {
            Some(account) => {
                let me = account.me.id.clone();
                let rooms = account.store.read(move |connection| rooms::views(connection, &me)).await?;
                (Some(account.session()), account.connection(), rooms, account.presence().people(), account.trouble())
            }
            None => (None, self.inner.idle(), Vec::new(), Vec::new(), None),
        };
        let trouble = trouble.or(*self.inner.trouble.lock().unwrap_or_else(PoisonError::into_inner));
        let (preferences, policy) = (self.inner.preferences(), self.inner.config.policy.view());
        Ok((Snapshot { revision, session, connection, rooms, presence, lock, preferences, policy, trouble }, changes))
    }

    /// Signs in and opens the account, closing any other.
    ///
    /// # Errors
    /// An address that is none, a server that is away or refuses, a keychain that cannot keep the session.
    pub async fn sign_in(&self, request: SignInRequest) -> Result<SessionView, Error> {
        opening::sign_in(&self.inner, request).await
    }

    /// Ends the session here and on the server, and removes the account's history, drafts and unsent messages from this
    /// computer. Nobody signed in is fine.
    ///
    /// # Errors
    /// If something could not be removed.
    pub async fn sign_out(&self) -> Result<(), Error> {
        let _turn = self.inner.turnstile.lock().await;
        // Whoever stands before a locked app may not remove what is in it.
        if self.inner.lock_view().is_some() {
            return Err(Error::new(ErrorCode::Locked, "the app is locked"));
        }
        let Some(account) = self.inner.close_account().await else { return Ok(()) };
        self.inner.notifier.settle(Vec::new());
        self.inner.tell_ended(None);
        account.tokens.retire().await;
        let removed = match &account.store_path {
            Some(_) => {
                let kept = self.inner.computer.note_signed_out(&account.name, &account.person());
                self.inner.forget(&account.name).await.and(kept)
            }
            None => Ok(()),
        };
        if let Some(token) = account.tokens.present().await
            && account.api.logout(&token).await.is_err()
        {
            // It forgets the session by itself when its tokens end.
            tracing::info!("the server was not told of the sign-out");
        }
        removed
    }

    /// Follows a room by its id, on a server that cannot list rooms.
    ///
    /// # Errors
    /// `Refused` on a server that lists them; `Empty` without an id.
    pub async fn add_room(&self, room: &RoomId) -> Result<RoomView, Error> {
        let account = self.account()?;
        if !account.is_baseline() {
            return Err(Error::new(ErrorCode::Refused, "this server lists its rooms itself"));
        }
        let room = RoomId::new(room.as_str().trim());
        if room.as_str().is_empty() {
            return Err(Error::new(ErrorCode::Empty, "a room needs an id"));
        }
        let (me, added) = (account.me.id.clone(), room.clone());
        let view = account
            .store
            .write(move |transaction| {
                rooms::ensure(transaction, &added)?;
                rooms::view(transaction, &me, &added)
            })
            .await?
            .ok_or_else(|| Error::new(ErrorCode::NotFound, "no such room"))?;
        account.publish_room(&room).await?;
        if let Some(link) = account.link() {
            let event =
                JoinRoom { room_id: room, user_id: Some(account.me.id.clone()), user_type: Some(account.me.user_type) };
            // Lost: it is joined with the others on the next connection.
            let _ = tell(link.as_ref(), &event).await;
        }
        Ok(view)
    }

    /// Whether an account is open: someone is signed in, and the app is not locked.
    pub fn is_open(&self) -> bool {
        self.account().is_ok()
    }

    /// The computer's network is another now, or there is one again: what stands is tried out, what waits tries at once.
    pub async fn network_changed(&self) {
        if let Some(account) = self.inner.open_account() {
            account.network_changed.notify_waiters();
        }
    }

    /// Tries to connect now instead of at the announced time.
    ///
    /// # Errors
    /// If nobody is signed in.
    pub async fn reconnect_now(&self) -> Result<(), Error> {
        self.account()?.hurry.notify_one();
        Ok(())
    }

    /// Closes the account, keeping the session for the next start.
    pub async fn shutdown(&self) {
        let _turn = self.inner.turnstile.lock().await;
        // Not dropped: the app is still locked when it starts again.
        self.inner.stop_watching();
        if let Some(account) = self.inner.close_account().await {
            // A renewal that is cut off here would cost the session.
            let _ = timeout(CLOSING, account.tokens.settled()).await;
        }
    }

    /// The open account.
    pub(crate) fn account(&self) -> Result<Arc<Account>, Error> {
        if self.inner.lock_view().is_some() {
            return Err(Error::new(ErrorCode::Locked, "the app is locked"));
        }
        self.inner.open_account().ok_or_else(|| Error::new(ErrorCode::NotSignedIn, "nobody is signed in"))
    }
}

impl Inner {
    /// The way to a server, by the settings as they will be at the time.
    pub(crate) fn network(&self, server: &ServerAddress) -> Network {
        let computer = Arc::clone(&self.computer);
        (self.config.network)(server, Arc::new(move || computer.get(None).connection))
    }

    pub(crate) fn open_account(&self) -> Option<Arc<Account>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|open| Arc::clone(&open.account))
    }

    /// The link of nobody.
    pub(crate) fn idle(&self) -> ConnectionView {
        idle(self.config.surroundings.now())
    }

    /// Nobody's account is open any more.
    pub(crate) fn tell_signed_out(&self, ended: Option<SessionEndReason>) {
        self.hub.publish(ViewChange::SessionChanged { session: None, ended });
        self.publish_preferences();
    }

    /// Makes an account the open one, and starts connecting it.
    pub(crate) fn adopt(self: &Arc<Self>, account: Account) -> Arc<Account> {
        let account = Arc::new(account);
        let (inner, watched) = (Arc::downgrade(self), Arc::clone(&account));
        let supervisor = tokio::spawn(async move {
            let ended = supervisor::run(Arc::clone(&watched)).await;
            if let (Some(reason), Some(inner)) = (ended, inner.upgrade()) {
                inner.end_session(&watched, reason).await;
            }
        });
        tokio::spawn(search::index_rest(Arc::clone(&account)));
        tokio::spawn(attachments::keep_tidy(Arc::clone(&account)));
        tokio::spawn(alerts::repeat_urgent(Arc::clone(&account)));
        if self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take().is_some() {
            self.hub.publish(ViewChange::TroubleChanged { trouble: None });
        }
        *self.open.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Open { account: Arc::clone(&account), supervisor });
        account
    }

    /// Closes the open account: its link, its task, its store.
    pub(crate) async fn close_account(&self) -> Option<Arc<Account>> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        open.account.stop.cancel();
        let abort = open.supervisor.abort_handle();
        if timeout(CLOSING, open.supervisor).await.is_err() {
            abort.abort();
        }
        open.account.close().await;
        Some(open.account)
    }

    /// Removes the session and everything else an account has left on this computer.
    async fn forget(&self, name: &str) -> Result<(), Error> {
        self.vault.forget_session().await?;
        self.remove(name).await
    }

    /// The server ended the session. What is on this computer stays, locked away by its key, until the person is back; or goes,
    /// if that is what the server wants.
    async fn end_session(self: &Arc<Self>, account: &Arc<Account>, reason: SessionEndReason) {
        let ours = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            let ours = open.as_ref().is_some_and(|open| Arc::ptr_eq(&open.account, account));
            if ours {
                // Dropping the handle does not end the task: it is the one running this.
                *open = None;
            }
            ours
        };
        if !ours {
            return;
        }
        self.drop_lock();
        account.close().await;
        self.notifier.settle(Vec::new());
        account.tokens.retire().await;
        if account.store_path.is_some()
            && let Err(error) = self.vault.forget_session().await
        {
            tracing::warn!(%error, "the ended session is still in the keychain");
        }
        self.tell_signed_out(Some(reason));
        if account.store_path.is_some() {
            remains::settle(self, &account.name, &account.tokens).await;
        }
    }
}
