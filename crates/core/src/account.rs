//! One signed-in person: their store, their tokens, and the present link if there is one.
//!
//! Every other part of core works on an account; an account knows none of them.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use hugmedo_chat_protocol::{DeviceId, MessageId, RoomId, SessionEndReason, Timestamp, User};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{
    address::ServerAddress,
    alerts::Raised,
    api::Api,
    attachments::download::Turns,
    diagnostics::Silences,
    error::{Error, ErrorCode},
    host::Notifier,
    hub::Hub,
    lock::{LockRecord, Told},
    notify,
    preferences::PreferencesFile,
    presence::PresenceBoard,
    store::Store,
    surroundings::Surroundings,
    tokens::TokenKeeper,
    transport::{Link, Network},
    typing::TypingBoard,
    unfinished::Unfinished,
    view::{
        ConnectionSettings, ConnectionState, ConnectionView, Gaze, Preferences, SessionView, SyncProgress, ViewChange,
    },
};

/// Own rows republished at once when a receipt covers them; older ones are right when they are next read.
pub(crate) const ROWS_PER_RECEIPT: u32 = 200;

/// What an account is made of.
pub(crate) struct Account {
    pub(crate) me: User,
    pub(crate) server: ServerAddress,
    pub(crate) device: DeviceId,
    pub(crate) store: Store,
    /// Where the store's file is; `None` for a session that must leave no trace.
    pub(crate) store_path: Option<PathBuf>,
    /// The account's name in folders and keychain entries.
    pub(crate) name: String,
    pub(crate) api: Api,
    pub(crate) network: Network,
    pub(crate) tokens: Arc<TokenKeeper>,
    pub(crate) surroundings: Surroundings,
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) computer: Arc<PreferencesFile>,
    /// What its person has chosen.
    pub(crate) person: Mutex<Preferences>,
    pub(crate) hub: Arc<Hub>,
    /// The notifications that may still be on the screen.
    pub(crate) raised: Raised,
    /// What has raised one while the account was locked and its store closed.
    told_while_locked: Mutex<Told>,
    /// Why others raised none.
    pub(crate) silences: Silences,
    /// An urgent message has raised its first one.
    pub(crate) urgent_raised: Notify,
    /// Something is due to be sent: a message, a receipt.
    pub(crate) outgoing: Notify,
    /// An unsent message has files.
    pub(crate) files_outgoing: Notify,
    /// Files are gone, and their bytes are not yet.
    pub(crate) untidy: Notify,
    /// Downloads of files.
    pub(crate) downloads: Turns,
    /// The store lacks something the server has.
    pub(crate) behind: Notify,
    /// Live events came in since the sync cursor last moved.
    pub(crate) cursor_lags: Notify,
    /// Try to connect now.
    pub(crate) hurry: Notify,
    /// The computer's network is another now. Heard only by those who wait for it.
    pub(crate) network_changed: Notify,
    /// Rooms have history that is not here.
    pub(crate) history_lags: Notify,
    /// The account is being closed.
    pub(crate) stop: CancellationToken,
    /// See [`Account::to_the_end`].
    unfinished: Unfinished,
    /// Held from reading what is to be told until it is told, so that what is told later was read later.
    pub(crate) telling: tokio::sync::Mutex<()>,
    /// Whether the app is locked while this account stays open, because it leaves no trace.
    locked: AtomicBool,
    /// The PIN of such a session, which ends with it.
    pub(crate) fleeting: Mutex<LockRecord>,
    baseline: AtomicBool,
    /// The server is known to speak our extensions; being slow does not make it a baseline one.
    extended: AtomicBool,
    /// The version of our extensions that the server has said it speaks; 0 while it has not.
    server_protocol: AtomicU32,
    link: RwLock<Option<Arc<dyn Link>>>,
    connection: Mutex<ConnectionView>,
    typing: Mutex<TypingBoard>,
    presence: Mutex<PresenceBoard>,
    gaze: Mutex<Gaze>,
    trouble: Mutex<Option<ErrorCode>>,
}

/// The parts that are chosen when an account is opened.
pub(crate) struct Parts {
    pub(crate) me: User,
    pub(crate) server: ServerAddress,
    pub(crate) device: DeviceId,
    pub(crate) store: Store,
    pub(crate) store_path: Option<PathBuf>,
    pub(crate) name: String,
    pub(crate) api: Api,
    pub(crate) network: Network,
    pub(crate) tokens: Arc<TokenKeeper>,
    pub(crate) surroundings: Surroundings,
    pub(crate) notifier: Arc<dyn Notifier>,
    pub(crate) computer: Arc<PreferencesFile>,
    pub(crate) person: Preferences,
    pub(crate) hub: Arc<Hub>,
    pub(crate) baseline: bool,
    /// See [`Account::is_known_extended`].
    pub(crate) extended: bool,
}

impl Account {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            me: parts.me,
            server: parts.server,
            device: parts.device,
            store: parts.store,
            store_path: parts.store_path,
            name: parts.name,
            api: parts.api,
            network: parts.network,
            tokens: parts.tokens,
            notifier: parts.notifier,
            computer: parts.computer,
            person: Mutex::new(parts.person),
            hub: parts.hub,
            raised: Raised::default(),
            told_while_locked: Mutex::default(),
            silences: Silences::default(),
            urgent_raised: Notify::new(),
            outgoing: Notify::new(),
            files_outgoing: Notify::new(),
            untidy: Notify::new(),
            downloads: Turns::default(),
            behind: Notify::new(),
            cursor_lags: Notify::new(),
            hurry: Notify::new(),
            network_changed: Notify::new(),
            history_lags: Notify::new(),
            stop: CancellationToken::new(),
            unfinished: Unfinished::default(),
            telling: tokio::sync::Mutex::default(),
            locked: AtomicBool::new(false),
            fleeting: Mutex::default(),
            baseline: AtomicBool::new(parts.baseline),
            extended: AtomicBool::new(parts.extended),
            server_protocol: AtomicU32::new(0),
            link: RwLock::new(None),
            connection: Mutex::new(idle(parts.surroundings.now())),
            surroundings: parts.surroundings,
            typing: Mutex::new(TypingBoard::default()),
            presence: Mutex::new(PresenceBoard::default()),
            gaze: Mutex::new(Gaze::default()),
            trouble: Mutex::new(None),
        }
    }

    pub(crate) fn session(&self) -> SessionView {
        SessionView {
            user: self.me.clone(),
            server: self.server.as_str().to_owned(),
            remembered: self.is_remembered(),
            baseline: self.is_baseline(),
        }
    }

    /// Whether it leaves a trace on this computer.
    pub(crate) fn is_remembered(&self) -> bool {
        self.store_path.is_some()
    }

    pub(crate) fn is_baseline(&self) -> bool {
        self.baseline.load(Ordering::Relaxed)
    }

    /// Whether the server has shown before that it speaks our extensions.
    pub(crate) fn is_known_extended(&self) -> bool {
        self.extended.load(Ordering::Relaxed)
    }

    /// Notes what the server turned out to speak.
    pub(crate) fn set_baseline(&self, baseline: bool) {
        self.extended.fetch_or(!baseline, Ordering::Relaxed);
        if self.baseline.swap(baseline, Ordering::Relaxed) != baseline {
            self.hub.publish(ViewChange::SessionChanged { session: Some(self.session()), ended: None });
        }
    }

    /// The version of our extensions that the server speaks, once it has said so.
    pub(crate) fn server_protocol(&self) -> Option<u32> {
        Some(self.server_protocol.load(Ordering::Relaxed)).filter(|version| *version > 0)
    }

    pub(crate) fn note_server_protocol(&self, version: u32) {
        self.server_protocol.store(version, Ordering::Relaxed);
    }

    pub(crate) fn link(&self) -> Option<Arc<dyn Link>> {
        self.link.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_link(&self, link: Option<Arc<dyn Link>>) {
        *self.link.write().unwrap_or_else(PoisonError::into_inner) = link;
    }

    pub(crate) fn connection(&self) -> ConnectionView {
        held(&self.connection).clone()
    }

    /// Moves the link's state on. `since` stays what it was while the link is down, across attempts.
    pub(crate) fn set_connection(&self, state: ConnectionState, reason: Option<ErrorCode>, next: Option<Timestamp>) {
        let mut connection = held(&self.connection);
        let down = |state| matches!(state, ConnectionState::Offline | ConnectionState::Connecting);
        let now = self.surroundings.now();
        let outage = down(connection.state) && down(state);
        let since = if outage || connection.state == state { connection.since } else { now };
        // While trying again, the reason of the outage stays in sight.
        let reason = reason.or(connection.reason.filter(|_| outage));
        let up = matches!(state, ConnectionState::CatchingUp | ConnectionState::Live | ConnectionState::Limited);
        let progress = connection.progress.filter(|_| up);
        let last_confirmed_at = if up { Some(now) } else { connection.last_confirmed_at };
        let new = ConnectionView { state, since, reason, next_attempt_at: next, progress, last_confirmed_at };
        if *connection != new {
            *connection = new.clone();
            drop(connection);
            self.hub.publish(ViewChange::ConnectionChanged { connection: new });
        }
    }

    /// Tells how far fetching has come; `None` once it is done.
    pub(crate) fn set_progress(&self, progress: Option<SyncProgress>) {
        let mut connection = held(&self.connection);
        if connection.progress != progress {
            connection.progress = progress;
            let connection = connection.clone();
            self.hub.publish(ViewChange::ConnectionChanged { connection });
        }
    }

    /// The server has just answered something.
    pub(crate) fn note_confirmed(&self) {
        let now = self.surroundings.now();
        held(&self.connection).last_confirmed_at = Some(now);
    }

    pub(crate) fn typing(&self) -> MutexGuard<'_, TypingBoard> {
        held(&self.typing)
    }

    pub(crate) fn presence(&self) -> MutexGuard<'_, PresenceBoard> {
        held(&self.presence)
    }

    pub(crate) fn gaze(&self) -> Gaze {
        held(&self.gaze).clone()
    }

    pub(crate) fn set_gaze(&self, gaze: Gaze) {
        *held(&self.gaze) = gaze;
    }

    pub(crate) fn trouble(&self) -> Option<ErrorCode> {
        *held(&self.trouble)
    }

    /// Notes whether this computer serves: a full disk is told for as long as it lasts, and passes by itself.
    pub(crate) fn note_storage<T>(&self, result: &Result<T, Error>) {
        let trouble = match result {
            Ok(_) => None,
            Err(error) => match error.code() {
                code @ (ErrorCode::DiskFull | ErrorCode::StoreFailed | ErrorCode::StoreUnreadable) => Some(code),
                _ => return,
            },
        };
        let mut present = held(&self.trouble);
        if *present != trouble {
            *present = trouble;
            drop(present);
            self.hub.publish(ViewChange::TroubleChanged { trouble });
        }
    }

    /// Does to its end what must not be left half done, such as writing something down and telling of it, even if whoever
    /// waits for it is cut off meanwhile, as happens to all that goes on over a link when that breaks.
    pub(crate) async fn to_the_end<T, W>(self: &Arc<Self>, work: impl FnOnce(Arc<Self>) -> W) -> Result<T, Error>
    where
        T: Send + 'static,
        W: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.unfinished.finish(work(Arc::clone(self))).await?
    }

    /// Waits until nothing is under way any more of what has been begun, by whomever.
    pub(crate) async fn settled(&self) {
        self.unfinished.settled().await;
        self.store.settled().await;
    }

    /// Closes the store, once everything that needs it is done.
    pub(crate) async fn close(&self) {
        self.settled().await;
        self.store.close().await;
    }

    /// Notes what has been told of messages that the store does not know yet.
    pub(crate) fn note_told_while_locked(&self, told: Told) {
        *held(&self.told_while_locked) = told;
    }

    /// Whether the lock has told of a message; and when, if it is urgent.
    pub(crate) fn told_while_locked(&self, room: &RoomId, message: &MessageId) -> Option<Option<Timestamp>> {
        held(&self.told_while_locked).of(room, message)
    }

    pub(crate) fn is_locked(&self) -> bool {
        self.locked.load(Ordering::Relaxed)
    }

    pub(crate) fn set_locked(&self, locked: bool) {
        self.locked.store(locked, Ordering::Relaxed);
        self.urgent_raised.notify_one();
    }

    /// The time of a decision about notifications.
    pub(crate) fn moment(&self) -> notify::Moment {
        self.surroundings.moment()
    }

    /// How servers are to be reached.
    pub(crate) fn settings(&self) -> ConnectionSettings {
        self.computer.get(None).connection
    }
}

/// Why a session ended, from the code it was refused with.
pub(crate) fn end_reason(code: &str) -> SessionEndReason {
    match code {
        "token_expired" => SessionEndReason::Expired,
        _ => SessionEndReason::Revoked,
    }
}

pub(crate) fn idle(since: Timestamp) -> ConnectionView {
    ConnectionView {
        state: ConnectionState::Idle,
        since,
        reason: None,
        next_attempt_at: None,
        progress: None,
        last_confirmed_at: None,
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
