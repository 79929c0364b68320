//! Who can be reached just now, and how. Nothing of it is stored or synced.
//!
//! Invariants: a person is here while a socket of theirs is, and for a grace after the last, so that a reconnect is no
//! flicker; only those who share a conversation hear of it; what is told last is what holds.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hugmedo_chat_protocol::{Presence as Told, ServerEvent, UserId};
use socketioxide::extract::SocketRef;

use crate::{
    app::App,
    authorize,
    fanout::{self, Offered},
    socket::Link,
    store::StoreError,
};

/// How many statuses a socket gets at once, and how long it then has peace. Hundreds of colleagues at the start of a shift
/// must not fill the buffer that messages need.
const AT_ONCE: usize = 16;
const PEACE: Duration = Duration::from_millis(50);
/// How long a socket that takes nothing is left alone.
const FULL: Duration = Duration::from_secs(1);

/// How a person can be reached. Whoever is offline is not kept at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Available,
    Busy,
    Away,
    OnCall,
    Offline,
}

impl Status {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::Busy => "busy",
            Self::Away => "away",
            Self::OnCall => "on_call",
            Self::Offline => "offline",
        }
    }

    /// A status a person may take; to be offline is not theirs to say.
    pub(crate) fn chosen(word: &str) -> Option<Self> {
        [Self::Available, Self::Busy, Self::Away, Self::OnCall].into_iter().find(|status| status.word() == word)
    }
}

#[derive(Debug)]
struct Here {
    sockets: usize,
    status: Status,
    /// How often the last socket went: a grace ends only what it was given for.
    departures: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    here: Mutex<HashMap<UserId, Here>>,
    /// Held from a change, or a look, until it is told; two could be told the wrong way round otherwise.
    turn: tokio::sync::Mutex<()>,
}

impl Presence {
    fn here(&self) -> MutexGuard<'_, HashMap<UserId, Here>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn status(&self, user: &UserId) -> Option<Status> {
        self.here().get(user).map(|here| here.status)
    }

    /// Counts a socket. Returns whether its person was not here before.
    fn count(&self, user: &UserId) -> bool {
        match self.here().entry(user.clone()) {
            Entry::Occupied(mut here) => {
                here.get_mut().sockets += 1;
                false
            }
            Entry::Vacant(place) => {
                place.insert(Here { sockets: 1, status: Status::Available, departures: 0 });
                true
            }
        }
    }

    /// Counts a socket less. Returns the number of this departure if it was the last.
    fn discount(&self, user: &UserId) -> Option<u64> {
        let mut all = self.here();
        let here = all.get_mut(user)?;
        here.sockets = here.sockets.saturating_sub(1);
        if here.sockets > 0 {
            return None;
        }
        here.departures += 1;
        Some(here.departures)
    }

    /// Forgets a person who has not come back since this departure. Returns whether it did.
    fn forget(&self, user: &UserId, departure: u64) -> bool {
        let mut all = self.here();
        let is_gone = all.get(user).is_some_and(|here| here.sockets == 0 && here.departures == departure);
        if is_gone {
            all.remove(user);
        }
        is_gone
    }

    /// Sets the status of whoever is here. Returns whether that changed anything.
    fn set(&self, user: &UserId, status: Status) -> bool {
        self.here().get_mut(user).is_some_and(|here| std::mem::replace(&mut here.status, status) != status)
    }
}

/// A person has one socket more. They and, if they were not here, those around them are told.
pub(crate) fn arrive(app: &Arc<App>, user: &UserId) {
    let is_new = app.presence.count(user);
    let (app, user) = (app.clone(), user.clone());
    tokio::spawn(async move {
        let _turn = app.presence.turn.lock().await;
        for other in circle(&app, &user).await {
            exchange(&app, &user, &other, is_new);
        }
    });
}

/// A person has one socket less.
pub(crate) fn leave(app: &Arc<App>, user: &UserId) {
    let Some(departure) = app.presence.discount(user) else { return };
    let (app, user) = (app.clone(), user.clone());
    tokio::spawn(async move {
        let grace = tokio::time::sleep(app.config.presence_grace);
        if app.stop.run_until_cancelled(grace).await.is_none() {
            return;
        }
        let _turn = app.presence.turn.lock().await;
        if app.presence.forget(&user, departure) {
            tell_of(&app, &user, Status::Offline).await;
        }
    });
}

/// Sets a person's status for as long as they are here. Returns what holds now: who is not here stays offline.
pub(crate) async fn set(app: &App, user: &UserId, status: Status) -> Status {
    let _turn = app.presence.turn.lock().await;
    if app.presence.set(user, status) {
        tell_of(app, user, status).await;
    }
    app.presence.status(user).unwrap_or(Status::Offline)
}

/// People share a conversation they did not share before.
pub(crate) async fn acquaint(app: &App, people: impl IntoIterator<Item = UserId>) {
    let _turn = app.presence.turn.lock().await;
    for user in people {
        if app.presence.status(&user).is_some() {
            for other in circle(app, &user).await {
                exchange(app, &user, &other, false);
            }
        }
    }
}

/// Tells a person of another who is here, and, if it is news, the other of them.
fn exchange(app: &App, user: &UserId, other: &UserId, is_news: bool) {
    let Some(others) = app.presence.status(other) else { return };
    post(app, user, other, others);
    if is_news
        && other != user
        && let Some(status) = app.presence.status(user)
    {
        post(app, other, user, status);
    }
}

/// Tells everyone around a person who is here.
async fn tell_of(app: &App, user: &UserId, status: Status) {
    for other in circle(app, user).await {
        if app.presence.status(&other).is_some() {
            post(app, &other, user, status);
        }
    }
}

/// Those who share a conversation with a person, who is one of them.
async fn circle(app: &App, user: &UserId) -> Vec<UserId> {
    let asked = user.clone();
    let found: Result<_, StoreError> = app.store.read(move |tx| authorize::circle(tx, &asked)).await;
    found.unwrap_or_else(|error| {
        // Only a hint is lost.
        tracing::warn!(%error, "it could not be found whom a presence is for");
        Vec::new()
    })
}

fn post(app: &App, reader: &UserId, about: &UserId, status: Status) {
    for socket in app.fanout.sockets_of(reader) {
        if let Some(link) = fanout::link(&socket) {
            link.post_status(about, status);
        }
    }
}

/// Passes on to a socket what is posted for it, a little at a time, until it is stopped.
pub(crate) async fn pass_on(socket: SocketRef, link: Arc<Link>) {
    loop {
        link.status_posted().await;
        let mut rest = PEACE;
        for _ in 0..AT_ONCE {
            let Some((user, status)) = link.take_status() else { break };
            let event = ServerEvent::Presence(Told { user_id: user.clone(), status: status.word().to_owned() });
            if let Offered::Full = fanout::offer(&socket, &event) {
                link.put_back_status(user, status);
                rest = FULL;
                break;
            }
        }
        tokio::time::sleep(rest).await;
    }
}
