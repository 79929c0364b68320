//! The locked app: nothing of the account is open, and yet nothing urgent is missed.
//!
//! Invariants: locking closes the store and drops its key; while locked no call reads or changes anything of the account; the
//! lock outlives the app; only the person's PIN or their signing in opens it again, and whoever else signs in opens their own
//! account, not this one.
//!
//! A session that leaves no trace has its only copy in memory. Its store stays open then, out of everyone's reach: dropping it
//! would lose what is unsent.

mod bare;
mod gap;
mod pin;
mod summary;
mod told;
mod watch;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
    time::Duration,
};

use hugmedo_chat_protocol::{MessageId, Priority, RoomId, Secret, Seq};
pub(crate) use pin::Pin;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
pub(crate) use told::Told;

use crate::{
    account::Account,
    alerts::{self, Standing},
    core::{Core, Inner},
    error::{Error, ErrorCode},
    intake,
    opening::{self, Way},
    store::{meta, notified, rooms, unread},
    sync,
    tokens::TokenKeeper,
    view::{LockView, Preferences, RoomView, SessionView, ViewChange},
};

/// How long locking waits for the server.
const CATCHING_UP: Duration = Duration::from_secs(2);

/// What the keychain holds about an account's lock.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct LockRecord {
    /// Whether the app is to be locked when it starts.
    pub(crate) locked: bool,
    pub(crate) pin: Option<Pin>,
}

/// A locked account.
pub(crate) struct Lock {
    view: LockView,
    /// The account's name in folders and keychain entries.
    name: String,
    way: Way,
    /// The record of a session that leaves no trace, and its account.
    held: Option<(LockRecord, Arc<Account>)>,
    /// What its person has chosen.
    person: Preferences,
    /// Whether the keychain holds it.
    durable: bool,
    /// What has raised a notification since.
    told: Told,
    stop: CancellationToken,
}

/// What the watch over a locked account begins with.
#[derive(Default)]
struct Known {
    cursor: Option<String>,
    unread: Vec<unread::Unread>,
    /// Without names, texts and members.
    rooms: BTreeMap<RoomId, RoomView>,
    /// Urgent messages that nobody has taken on.
    unanswered: Vec<notified::Unanswered>,
    /// The notifications that may be on the screen, as a locked app words them.
    standing: Vec<Standing>,
    /// The routine messages of which they tell.
    told: Vec<(RoomId, Seq, MessageId)>,
}

impl Core {
    /// Locks the app: see the module. Locked already is fine.
    ///
    /// # Errors
    /// `NotSignedIn`. A keychain that fails keeps nothing open: its PIN cannot be read then, so signing in unlocks.
    pub async fn lock(&self) -> Result<(), Error> {
        let inner = &self.inner;
        let _turn = inner.turnstile.lock().await;
        if inner.lock_view().is_some() {
            return Ok(());
        }
        let account = inner.open_account().ok_or_else(|| Error::new(ErrorCode::NotSignedIn, "nobody is signed in"))?;
        let record = match &account.store_path {
            Some(_) => inner.note_locked(&account.name).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "the keychain does not hold the lock");
                LockRecord::default()
            }),
            None => account.fleeting.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        };
        // What is here already is not to come again while locked: it would be in memory then.
        let _ = timeout(CATCHING_UP, sync::catch_up(&account)).await;
        let known = known(&account).await;
        if account.store_path.is_some() {
            inner.close_account().await;
        }
        engage(inner, &account, record, known);
        Ok(())
    }

    /// Whether the app would be locked if it were started again now. Not so for a session that leaves no trace, and where the
    /// keychain did not take the lock down.
    pub fn lock_outlives_the_app(&self) -> bool {
        self.inner.with_lock(|lock| lock.durable).unwrap_or(false)
    }

    /// Opens the account again with its PIN.
    ///
    /// # Errors
    /// `WrongPin`; `RateLimited` before its time; `PinUsedUp` where only signing in helps; or why the account does not open: it
    /// stays locked.
    pub async fn unlock(&self, pin: Secret) -> Result<SessionView, Error> {
        let inner = &self.inner;
        let _turn = inner.turnstile.lock().await;
        let Some((name, held)) = inner.with_lock(|lock| (lock.name.clone(), lock.held.clone())) else {
            return inner
                .open_account()
                .map(|account| account.session())
                .ok_or_else(|| Error::new(ErrorCode::NotSignedIn, "nobody is signed in"));
        };
        let mut record = match held {
            Some((record, _)) => record,
            None => inner.vault.lock_record(&name).await?,
        };
        let kept = record.pin.as_mut().ok_or_else(|| Error::new(ErrorCode::PinUsedUp, "no PIN was chosen"))?;
        kept.count_try(inner.config.surroundings.now())?;
        let tried = kept.clone();
        inner.keep_record(&name, &record).await?;
        let right = inner.config.surroundings.off_loop(move || Ok(tried.is(&pin))).await?;
        if !right {
            return Err(Error::new(ErrorCode::WrongPin, "another PIN"));
        }
        let account = match inner.with_lock(|lock| (lock.way.clone(), lock.held.clone())) {
            Some((_, Some((_, account)))) => account,
            Some((way, None)) => opening::reopen(inner, way).await?,
            None => return Err(Error::new(ErrorCode::Internal, "the lock is gone")),
        };
        inner.release(&account).await;
        Ok(account.session())
    }

    /// Chooses the PIN that unlocks the app, or with `None` goes without one.
    ///
    /// # Errors
    /// `InvalidPin` if it has fewer than 4 or more than 64 characters; a keychain that does not keep it.
    pub async fn set_pin(&self, pin: Option<Secret>) -> Result<(), Error> {
        let account = self.account()?;
        let surroundings = &self.inner.config.surroundings;
        let pin = match pin {
            Some(pin) => Some(surroundings.off_loop(move || Pin::choose(&pin)).await?),
            None => None,
        };
        let record = LockRecord { locked: false, pin };
        if account.store_path.is_some() {
            self.inner.vault.save_lock_record(&account.name, &record).await
        } else {
            *account.fleeting.lock().unwrap_or_else(PoisonError::into_inner) = record;
            Ok(())
        }
    }

    /// Whether a PIN is chosen.
    ///
    /// # Errors
    /// If the keychain does not say.
    pub async fn has_pin(&self) -> Result<bool, Error> {
        let account = self.account()?;
        if account.store_path.is_none() {
            return Ok(account.fleeting.lock().unwrap_or_else(PoisonError::into_inner).pin.is_some());
        }
        Ok(self.inner.vault.lock_record(&account.name).await?.pin.is_some())
    }
}

impl Inner {
    /// What a locked app shows; `None` while it is not locked.
    pub(crate) fn lock_view(&self) -> Option<LockView> {
        self.with_lock(|lock| lock.view.clone())
    }

    fn with_lock<T>(&self, read: impl FnOnce(&mut Lock) -> T) -> Option<T> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(read)
    }

    /// The locked account's name.
    pub(crate) fn locked_name(&self) -> Option<String> {
        self.with_lock(|lock| lock.name.clone())
    }

    /// What the person of the locked account has chosen.
    pub(crate) fn locked_person(&self) -> Option<Preferences> {
        self.with_lock(|lock| lock.person.clone())
    }

    /// The tokens of the locked account.
    pub(crate) fn locked_tokens(&self) -> Option<Arc<TokenKeeper>> {
        self.with_lock(|lock| Arc::clone(&lock.way.tokens))
    }

    /// The account of this name that is locked and still open, because it leaves no trace.
    pub(crate) fn held_account(&self, name: &str) -> Option<Arc<Account>> {
        let held = self.with_lock(|lock| lock.held.clone().filter(|_| lock.name == name));
        held.flatten().map(|(_, account)| account)
    }

    /// Keeps what became of a PIN, and shows it.
    async fn keep_record(&self, name: &str, record: &LockRecord) -> Result<(), Error> {
        let is_held = self.with_lock(|lock| {
            lock.view.pin = record.pin.as_ref().and_then(Pin::view);
            let held = lock.held.as_mut();
            held.map(|(kept, _)| *kept = record.clone()).is_some()
        });
        self.hub.publish(ViewChange::LockChanged { lock: self.lock_view() });
        if is_held == Some(false) {
            self.vault.save_lock_record(name, record).await?;
        }
        Ok(())
    }

    /// The person of an account has proven who they are: it is not locked any more, nor after the next start, and is told. A lock ends,
    /// because it was the account's or because the account takes its place.
    pub(crate) async fn release(&self, opened: &Arc<Account>) {
        if let Err(error) = self.note_unlocked(opened).await {
            tracing::warn!(%error, "the app will be locked when it starts");
        }
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(lock) = lock {
            self.end_lock(lock, opened).await;
        }
        self.tell_opened(opened).await;
    }

    async fn end_lock(&self, lock: Lock, opened: &Arc<Account>) {
        lock.stop.cancel();
        self.hub.set_locked(false);
        if lock.name == opened.name {
            if lock.held.is_some() {
                opened.note_told_while_locked(lock.told);
                if let Err(error) = opened.settle_notifications().await {
                    tracing::warn!(%error, "what is on the screen is worded as while locked");
                }
            }
            opened.set_locked(false);
            if lock.held.is_some()
                && let Err(error) = intake::alert_unheard(opened).await
            {
                tracing::warn!(%error, "urgent messages were not looked for");
            }
        }
        self.hub.publish(ViewChange::LockChanged { lock: None });
    }

    /// Stops counting; the app ends.
    pub(crate) fn stop_watching(&self) {
        self.with_lock(|lock| lock.stop.cancel());
    }

    /// The session of a locked account is over.
    pub(crate) fn drop_lock(&self) {
        let lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(lock) = lock {
            lock.stop.cancel();
            self.hub.set_locked(false);
            self.notifier.settle(Vec::new());
            self.hub.publish(ViewChange::LockChanged { lock: None });
        }
    }

    async fn note_locked(&self, name: &str) -> Result<LockRecord, Error> {
        let record = LockRecord { locked: true, ..self.vault.lock_record(name).await? };
        self.vault.save_lock_record(name, &record).await?;
        Ok(record)
    }

    /// Wrong PINs are forgiven.
    async fn note_unlocked(&self, opened: &Account) -> Result<(), Error> {
        if opened.store_path.is_none() {
            return Ok(());
        }
        let mut record = self.vault.lock_record(&opened.name).await?;
        if !record.locked && record.pin.is_none() {
            return Ok(());
        }
        record.locked = false;
        if let Some(pin) = &mut record.pin {
            pin.forgive();
        }
        self.vault.save_lock_record(&opened.name, &record).await
    }
}

/// Locks an account that was locked when the app ended. Its store has been opened to see how much waits, and is closed again.
pub(crate) async fn restore(inner: &Arc<Inner>, account: Account, record: LockRecord) {
    let account = Arc::new(account);
    let known = known(&account).await;
    account.close().await;
    engage(inner, &account, record, known);
}

/// What is known at the moment of locking. A store that fails must not keep the app open: then less is known.
async fn known(account: &Account) -> Known {
    let (me, since) = (account.me.id.clone(), alerts::earlier(account.surroundings.now(), alerts::REPEATED_FOR));
    let preferences = bare::preferences(account.preferences());
    let read = account.store.read(move |connection| {
        let rooms = rooms::views(connection, &me)?;
        let known = rooms.into_iter().map(|room| (room.id.clone(), bare::room(room))).collect();
        let unanswered = notified::unanswered(connection, &me, since)?;
        let standing = alerts::standing(connection, &me, None, &preferences)?;
        let told = notified::unread(connection, &me, None)?;
        let told = told.into_iter().filter(|message| message.priority != Priority::Urgent);
        let told = told.filter_map(|message| Some((message.room_id, message.seq?, message.id))).collect();
        let (cursor, unread) = (meta::cursor(connection)?, unread::all(connection, &me)?);
        Ok(Known { cursor, unread, rooms: known, unanswered, standing, told })
    });
    read.await.unwrap_or_else(|error| {
        tracing::warn!(%error, "a locked app counts from nothing");
        Known::default()
    })
}

fn engage(inner: &Arc<Inner>, account: &Arc<Account>, record: LockRecord, known: Known) {
    let (unread, urgent) = bare::counts(known.unread.iter(), &known.rooms);
    let view = LockView {
        user: account.me.clone(),
        server: account.server.as_str().to_owned(),
        unread,
        urgent,
        pin: record.pin.as_ref().and_then(Pin::view),
    };
    let durable = record.locked;
    let held = account.store_path.is_none().then(|| (record, Arc::clone(account)));
    // It stays connected: what it would tell is more than a locked screen may.
    account.set_locked(held.is_some());
    inner.hub.set_locked(true);
    // Nor may what is on the screen say more.
    inner.notifier.settle(known.standing.iter().map(|(notification, ..)| notification.clone()).collect());
    let stop = CancellationToken::new();
    let way = Way::of(account);
    *inner.lock.lock().unwrap_or_else(PoisonError::into_inner) = Some(Lock {
        view: view.clone(),
        name: account.name.clone(),
        way: way.clone(),
        held,
        person: account.person(),
        durable,
        told: Told::beside(account.store_path.as_deref()),
        stop: stop.clone(),
    });
    inner.hub.publish(ViewChange::LockChanged { lock: Some(view) });
    inner.tell_ended(None);
    tokio::spawn(watch::run(Arc::downgrade(inner), account.me.id.clone(), way, known, stop));
}
