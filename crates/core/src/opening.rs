//! Opening an account: by signing in, or from what the keychain remembers.
//!
//! Invariants: a session is kept only if the keychain keeps it; "could not read the key" is never "there is no key"; a
//! person's unsent messages are waiting when they come back.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use hugmedo_chat_protocol::User;
use tokio::time::timeout;

use crate::{
    account::{Account, Parts},
    address::ServerAddress,
    api::Api,
    core::Inner,
    error::{Error, ErrorCode},
    identity::{Identity, identify, nameless},
    lock::{self, Told},
    preferences::read,
    remains,
    store::{self, Mode, Rebuilds, Store, meta, preferences, rooms},
    tokens::{TokenKeeper, Tokens},
    transport::Network,
    vault::{SavedSession, account_name},
    view::{Credentials, SessionView, SignInRequest, ViewChange},
};

/// The rooms of the guide's own page, offered on a server that lists none.
const GUIDE_ROOMS: [&str; 3] = ["general", "support", "announcements"];

/// The longest the app's start waits for the keychain.
const PATIENCE: Duration = Duration::from_secs(3);

/// All it takes to open an account: to which server, as whom, with which tokens.
#[derive(Clone)]
pub(crate) struct Way {
    pub(crate) server: ServerAddress,
    pub(crate) network: Network,
    pub(crate) api: Api,
    pub(crate) tokens: Arc<TokenKeeper>,
    pub(crate) user: User,
    /// Whether it leaves a trace on this computer.
    pub(crate) remembered: bool,
}

impl Way {
    /// The way an account was opened.
    pub(crate) fn of(account: &Account) -> Self {
        Self {
            server: account.server.clone(),
            network: account.network.clone(),
            api: account.api.clone(),
            tokens: Arc::clone(&account.tokens),
            user: account.me.clone(),
            remembered: account.is_remembered(),
        }
    }
}

pub(crate) async fn sign_in(inner: &Arc<Inner>, request: SignInRequest) -> Result<SessionView, Error> {
    let _turn = inner.turnstile.lock().await;
    let server = ServerAddress::parse(&request.server, request.allow_insecure)?;
    inner.check_policy(&server)?;
    let network = inner.network(&server);
    let api = Api::new(Arc::clone(&network.http));
    let username = match &request.credentials {
        Credentials::Password { username, .. } => username.trim().to_owned(),
        Credentials::Token { .. } => String::new(),
    };
    let identity = identify(inner, &api, &network, &request.credentials).await?;

    if let Some(account) = inner.held_account(&account_name(&server, &identity.user.id)) {
        // Who they are is proven, and that is all this sign-in was for.
        if let Tokens::Granted { access: Some((token, _)), .. } = &identity.tokens {
            let (api, token) = (api.clone(), token.clone());
            tokio::spawn(async move { api.logout(&token).await });
        }
        inner.release(&account).await;
        return Ok(account.session());
    }
    inner.close_account().await;
    let vault = request.remember.then(|| inner.vault.clone());
    let Identity { user, tokens, baseline } = identity;
    let tokens = TokenKeeper::new(
        api.clone(),
        server.clone(),
        user.id.clone(),
        vault,
        tokens,
        inner.config.surroundings.clone(),
    );
    let way = Way { server, network, api, tokens: Arc::new(tokens), user, remembered: request.remember };
    let account = open(inner, way, baseline).await?;
    if request.remember {
        match remains::take_place(inner, &account).await {
            Ok(None) => {}
            Ok(Some(displaced)) => drop(tokio::spawn(displaced.end(Arc::downgrade(inner)))),
            Err(error) => {
                account.close().await;
                return Err(error);
            }
        }
    }
    let session = account.session();
    let account = adopt(inner, account).await;
    inner.release(&account).await;

    if request.remember {
        let noted = inner.change_preferences(|preferences| {
            account.server.as_str().clone_into(&mut preferences.last_server);
            preferences.last_username = username;
            Ok(())
        });
        if let Err(error) = noted.await {
            tracing::warn!(%error, "the last sign-in was not noted");
        }
    }
    Ok(session)
}

/// Opens the session the keychain remembers, if it remembers one.
///
/// A keychain may ask the person first, for as long as they take. The app does not wait for that: the session then appears
/// when the keychain has answered, unless someone has signed in meanwhile.
pub(crate) async fn resume(inner: &Arc<Inner>) -> Result<(), Error> {
    let background = Arc::clone(inner);
    let mut resuming = tokio::spawn(async move { resume_patiently(&background).await });
    match timeout(PATIENCE, &mut resuming).await {
        Ok(Ok(resumed)) => resumed,
        Ok(Err(_)) => Err(Error::new(ErrorCode::Internal, "opening the session was cut off")),
        Err(_) => {
            let inner = Arc::downgrade(inner);
            tokio::spawn(async move {
                let resumed = resuming.await;
                let Some(inner) = inner.upgrade() else { return };
                tell_late(&inner, resumed.unwrap_or(Ok(()))).await;
            });
            Err(Error::new(ErrorCode::KeychainLocked, "the keychain has not answered yet"))
        }
    }
}

/// What an interface that is already there has to know of a session that came late.
async fn tell_late(inner: &Inner, resumed: Result<(), Error>) {
    let account = inner.open_account();
    let trouble = match (&resumed, &account) {
        (Err(error), None) => Some(error.code()),
        _ => None,
    };
    *inner.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    inner.hub.publish(ViewChange::TroubleChanged { trouble });
    if let Some(account) = account.filter(|_| inner.lock_view().is_none()) {
        inner.tell_opened(&account).await;
    }
}

impl Inner {
    /// Whether the organisation allows this server.
    pub(crate) fn check_policy(&self, server: &ServerAddress) -> Result<(), Error> {
        self.config.policy.check_server(server, &self.preferences().last_server)
    }

    /// Tells whoever watches that an account is open, and what is in it.
    pub(crate) async fn tell_opened(&self, account: &Account) {
        // First: what is shown may depend on it.
        self.publish_preferences();
        self.hub.publish(ViewChange::SessionChanged { session: Some(account.session()), ended: None });
        let me = account.me.id.clone();
        let rooms = account.store.read(move |connection| rooms::views(connection, &me)).await;
        account.note_storage(&rooms);
        for room in rooms.unwrap_or_default() {
            self.hub.publish(ViewChange::RoomUpserted { room });
        }
        account.publish_presence();
    }
}

async fn resume_patiently(inner: &Arc<Inner>) -> Result<(), Error> {
    let saved = inner.vault.session().await?;
    let resumed = resume_saved(inner, saved).await;
    // Not before the keychain has answered: it would ask the person twice.
    tokio::spawn(remains::watch(Arc::downgrade(inner)));
    resumed
}

async fn resume_saved(inner: &Arc<Inner>, saved: Option<SavedSession>) -> Result<(), Error> {
    let _turn = inner.turnstile.lock().await;
    // Before anything of it is opened.
    let over = remains::end_leases_in_turn(inner).await?;
    let Some(saved) = saved.filter(|saved| saved.account().is_none_or(|name| !over.contains(&name))) else {
        return Ok(());
    };
    if inner.open_account().is_some() {
        return Ok(());
    }
    // Consent to an unencrypted connection was given when this address was signed in to.
    let server = ServerAddress::parse(&saved.server, true)?;
    inner.check_policy(&server)?;
    let network = inner.network(&server);
    let api = Api::new(Arc::clone(&network.http));
    let surroundings = inner.config.surroundings.clone();
    let user = nameless(&saved.user_id);
    let vault = Some(inner.vault.clone());
    let tokens = TokenKeeper::new(
        api.clone(),
        server.clone(),
        saved.user_id,
        vault,
        Tokens::of(saved.token, saved.renewal_id),
        surroundings,
    );
    let record = inner.vault.lock_record(&account_name(&server, &user.id)).await?;
    let way = Way { server, network, api, tokens: Arc::new(tokens), user, remembered: true };
    if record.locked {
        let account = open(inner, way, false).await?;
        lock::restore(inner, account, record).await;
    } else {
        reopen(inner, way).await?;
    }
    Ok(())
}

/// Opens the account a way leads to.
pub(crate) async fn reopen(inner: &Arc<Inner>, way: Way) -> Result<Arc<Account>, Error> {
    let account = open(inner, way, false).await?;
    Ok(adopt(inner, account).await)
}

/// Makes an account the open one.
async fn adopt(inner: &Arc<Inner>, account: Account) -> Arc<Account> {
    account.note_told_while_locked(Told::taken_from(account.store_path.as_deref()));
    if let Err(error) = account.settle_notifications().await {
        tracing::warn!(%error, "what is on the screen may be of another time");
    }
    let account = inner.adopt(account);
    watch_store(inner, &account);
    account
}

/// Lets sync bring back the history that a damaged store has lost, without the person having to know of stores. They are
/// told while it lasts, and for longer if something is lost that the server does not have.
fn watch_store(inner: &Arc<Inner>, account: &Arc<Account>) {
    let mut rebuilds = account.store.rebuilds();
    let (inner, account) = (Arc::downgrade(inner), Arc::downgrade(account));
    tokio::spawn(async move {
        let mut told = Rebuilds::default();
        loop {
            let known = *rebuilds.borrow_and_update();
            if known != told {
                let (Some(inner), Some(account)) = (inner.upgrade(), account.upgrade()) else { return };
                tell_rebuilt(&inner, &account, known.lossy && !told.lossy).await;
                told = known;
            }
            // Fails when the account is gone.
            if rebuilds.changed().await.is_err() {
                return;
            }
        }
    });
}

async fn tell_rebuilt(inner: &Inner, account: &Account, lossy: bool) {
    let trouble = Error::new(ErrorCode::StoreUnreadable, "the store was built anew");
    if lossy {
        *inner.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(trouble.code());
        inner.hub.publish(ViewChange::TroubleChanged { trouble: Some(trouble.code()) });
    } else {
        account.note_storage::<()>(&Err(trouble));
    }
    account.behind.notify_one();
    account.outgoing.notify_one();
    for room_id in account.store.read(rooms::ids).await.unwrap_or_default() {
        if account.publish_room(&room_id).await.is_ok() {
            inner.hub.publish(ViewChange::TimelineReset { room_id });
        }
    }
}

/// Opens the account's store, with its key from the keychain or, where nothing is to be left, in memory only.
async fn open(inner: &Arc<Inner>, way: Way, baseline: bool) -> Result<Account, Error> {
    let Way { server, network, api, tokens, user, remembered } = way;
    let name = account_name(&server, &user.id);
    let store_path = remembered.then(|| inner.folder.store_path(&name));
    let store = match store_path.clone() {
        Some(path) => {
            let (key, lost) = match inner.vault.store_key(&name).await? {
                Some(key) => (key, false),
                None => {
                    let key = store::new_key();
                    inner.vault.save_store_key(&name, &key).await?;
                    // A store whose key is gone cannot be read by anyone; it is kept aside, not overwritten.
                    let lost = path.exists();
                    if lost {
                        store::set_aside(&path)?;
                    }
                    (key, lost)
                }
            };
            let surroundings = inner.config.surroundings.clone();
            let opened = surroundings.clone();
            let store = surroundings.off_loop(move || Store::open(&path, &key, opened)).await?;
            if lost {
                store.note_lost();
            }
            store
        }
        None => Store::in_memory(inner.config.surroundings.clone())?,
    };
    let by_our_sign_in = tokens.is_renewable().await;
    let newcomer = inner.computer.for_a_newcomer(&name);
    let (me, mode, person) = store
        .write(move |transaction| {
            let mut person = preferences::all(transaction)?;
            if person.is_empty() {
                person = newcomer;
                preferences::replace(transaction, &person)?;
            }
            let known = meta::owner(transaction)?;
            let me = match known {
                Some(known) if user.name.as_str().is_empty() => known,
                _ => user,
            };
            meta::set_owner(transaction, &me)?;
            if baseline {
                meta::set_mode(transaction, Mode::Baseline)?;
                if rooms::ids(transaction)?.is_empty() {
                    for room in GUIDE_ROOMS {
                        rooms::ensure(transaction, &room.into())?;
                    }
                }
            }
            Ok((me, meta::mode(transaction)?, person))
        })
        .await?;
    let person = read(&person);
    if remembered && let Err(error) = inner.computer.note_person(&name, &person) {
        tracing::warn!(%error, "the computer looks as before");
    }
    Ok(Account::new(Parts {
        me,
        server,
        device: inner.folder.device(),
        store,
        store_path,
        name,
        api,
        network,
        tokens,
        surroundings: inner.config.surroundings.clone(),
        notifier: Arc::clone(&inner.notifier),
        computer: Arc::clone(&inner.computer),
        person,
        hub: Arc::clone(&inner.hub),
        baseline: mode == Some(Mode::Baseline),
        extended: mode == Some(Mode::Extended) || by_our_sign_in,
    }))
}
