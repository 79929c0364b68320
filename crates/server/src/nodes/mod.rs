//! Several servers on one database: how each hears what happened at the others.
//!
//! Invariants: what is durable is told from the database alone, in the order of its changes, by every server to its own
//! sockets, so that nothing is told twice and nothing is missed, whoever did it and whatever became of a hint; Redis only says
//! *that* there is something to read, and carries what is not kept at all: who is writing, who is here. No text, name or token
//! goes through it. Without Redis, or while it is away, the database is looked at once in [`Config::notice_every`].
//!
//! [`Config::notice_every`]: crate::Config::notice_every

mod bus;
mod follow;
mod hints;
mod telling;

pub(crate) use bus::Bus;
pub(crate) use follow::{follow, head};
pub(crate) use hints::What;

use std::sync::atomic::{AtomicU64, Ordering};

use hugmedo_chat_protocol::RoomId;
use tokio::sync::{Notify, watch};

use telling::Telling;

use crate::{app::App, config::Redis, error::Error};

/// Tells this server and the others, if there can be any, that there is something to read.
pub(crate) fn moved(app: &App) {
    if let Some(nodes) = &app.nodes {
        nodes.moved();
    }
}

/// What a server of several has beside what a single one has.
#[derive(Debug)]
pub(crate) struct Nodes {
    moved: Notify,
    /// How often it was said here that there is something to tell, and up to which of them all has been read, or could not be.
    asked: AtomicU64,
    answered: watch::Sender<u64>,
    telling: Telling,
    bus: Option<Bus>,
}

impl Nodes {
    pub(crate) fn new(redis: Option<&Redis>, store_id: &str) -> Result<Self, Error> {
        Ok(Self {
            moved: Notify::new(),
            asked: AtomicU64::new(0),
            answered: watch::Sender::new(0),
            telling: Telling::default(),
            bus: redis.map(|redis| Bus::new(redis, store_id)).transpose()?,
        })
    }

    /// Something was written here: to be told here and at the others. Returns what to wait for with [`Nodes::until_told`].
    pub(crate) fn moved(&self) -> u64 {
        let number = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        self.moved.notify_one();
        self.say(What::Moved);
        number
    }

    /// Waits until this server's sockets were told what this number is about, which happened in this room; or it could not be read and is
    /// told later. So what a socket did is told before its next wish is heard, as with a single server. Not within a room's turn,
    /// which the telling takes.
    pub(crate) async fn until_told(&self, number: u64, room: &RoomId) {
        // It only ends with the server.
        let _ = self.answered.subscribe().wait_for(|answered| *answered >= number).await;
        self.telling.until_told(room).await;
    }

    /// Tells the other servers what is not kept. Nobody may hear it.
    pub(crate) fn say(&self, what: What) {
        if let Some(bus) = &self.bus {
            bus.say(what);
        }
    }

    /// The change up to which everything was told to this server's sockets.
    pub(crate) fn told(&self) -> i64 {
        self.telling.told()
    }

    /// Of the connection to Redis, if there is to be one: whether it stands, and how many there were.
    pub(crate) fn standing(&self) -> Option<(bool, u64)> {
        self.bus.as_ref().map(Bus::standing)
    }

    fn bus(&self) -> Option<&Bus> {
        self.bus.as_ref()
    }
}
