//! Who can be reached just now, and how. Nothing of it is stored or synced.
//!
//! Invariants: a person is here while a socket of theirs is, and for a grace after the last, so that a reconnect is no
//! flicker; only those who share a conversation hear of it; what is told last is what holds. With several servers a person
//! is here while they are at any of them, and what they chose last holds at all.

mod elsewhere;

pub(crate) use elsewhere::{forget_silent, other_chose, other_is, others_are};

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hugmedo_chat_protocol::{Presence as Told, ServerEvent, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use socketioxide::extract::SocketRef;

use crate::{
    app::App,
    authorize,
    fanout::{self, Offered},
    nodes::What,
    socket::Link,
    store::StoreError,
};
use elsewhere::Elsewhere;

/// How many statuses a socket gets at once, and how long it then has peace. Hundreds of colleagues at the start of a shift
/// must not fill the buffer that messages need.
const AT_ONCE: usize = 16;
const PEACE: Duration = Duration::from_millis(50);
/// How long a socket that takes nothing is left alone.
const FULL: Duration = Duration::from_secs(1);

/// How a person can be reached. Whoever is offline is not kept at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
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

/// How someone can be reached, and since when. Of two the greater holds: the later one, and of two of the same moment the same one
/// at every server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Stand {
    /// Milliseconds since 1970 (UTC).
    since: i64,
    status: Status,
}

impl Stand {
    fn now(status: Status) -> Self {
        Self { status, since: Timestamp::now().as_millis() }
    }
}

#[derive(Debug)]
struct Here {
    sockets: usize,
    stand: Stand,
    /// How often the last socket went: a grace ends only what it was given for.
    departures: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    here: Mutex<HashMap<UserId, Here>>,
    /// Who is at other servers.
    elsewhere: Elsewhere,
    /// Held from a change, or a look, until it is told; two could be told the wrong way round otherwise.
    turn: tokio::sync::Mutex<()>,
}

impl Presence {
    fn here(&self) -> MutexGuard<'_, HashMap<UserId, Here>> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stand(&self, user: &UserId) -> Option<Stand> {
        let here = self.here().get(user).map(|here| here.stand);
        here.into_iter().chain(self.elsewhere.stands(user)).max()
    }

    fn status(&self, user: &UserId) -> Option<Status> {
        self.stand(user).map(|stand| stand.status)
    }

    /// Everyone who has a socket at this server.
    pub(crate) fn all_here(&self) -> Vec<(UserId, Stand)> {
        self.here().iter().map(|(user, here)| (user.clone(), here.stand)).collect()
    }

    /// Another server is still there. Returns whether it is known who is at it.
    pub(crate) fn heard_of(&self, node: &str) -> bool {
        self.elsewhere.heard_of(node)
    }

    /// Counts a socket. Returns how its person stands at this server if they were not at it before.
    fn count(&self, user: &UserId) -> Option<Stand> {
        let elsewhere = self.elsewhere.stands(user).into_iter().max();
        match self.here().entry(user.clone()) {
            Entry::Occupied(mut here) => {
                here.get_mut().sockets += 1;
                None
            }
            Entry::Vacant(place) => {
                let stand = elsewhere.unwrap_or_else(|| Stand::now(Status::Available));
                place.insert(Here { sockets: 1, stand, departures: 0 });
                Some(stand)
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

    /// What a person chooses here and now: later than all they chose before, also where another server's clock is ahead.
    fn choose(&self, user: &UserId, status: Status) -> Stand {
        let chosen = Stand::now(status);
        let since = self.stand(user).map_or(i64::MIN, |before| before.since.saturating_add(1));
        Stand { since: chosen.since.max(since), ..chosen }
    }

    /// Notes what a person chose, wherever they are, unless they chose something else since. Returns whether that changed anything.
    fn set(&self, user: &UserId, stand: Stand) -> bool {
        let before = self.status(user);
        if let Some(here) = self.here().get_mut(user) {
            here.stand = stand.max(here.stand);
        }
        self.elsewhere.chosen(user, stand);
        before != self.status(user)
    }
}

/// A person has one socket more. They and, if they were not here, those around them are told.
pub(crate) fn arrive(app: &Arc<App>, user: &UserId) {
    let was_elsewhere = app.presence.elsewhere.has(user);
    let counted = app.presence.count(user);
    if let Some(stand) = counted {
        say(app, What::Here { user: user.clone(), stand });
    }
    let is_new = counted.is_some() && !was_elsewhere;
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
        let before = app.presence.status(&user);
        if app.presence.forget(&user, departure) {
            say(&app, What::Gone { user: user.clone() });
            let now = app.presence.status(&user);
            if now != before {
                tell_of(&app, &user, now.unwrap_or(Status::Offline)).await;
            }
        }
    });
}

/// Sets a person's status for as long as they are here. Returns what holds now: who is not here stays offline.
pub(crate) async fn set(app: &App, user: &UserId, status: Status) -> Status {
    let _turn = app.presence.turn.lock().await;
    let stand = app.presence.choose(user, status);
    if app.presence.set(user, stand) {
        tell_of(app, user, status).await;
    }
    say(app, What::Chosen { user: user.clone(), stand });
    app.presence.status(user).unwrap_or(Status::Offline)
}

/// Tells the other servers, if there are any.
fn say(app: &App, what: What) {
    if let Some(nodes) = &app.nodes {
        nodes.say(what);
    }
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
