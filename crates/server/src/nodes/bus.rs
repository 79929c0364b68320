//! The connection to Redis: one channel for each store, everything on it for everyone.
//!
//! Invariants: whoever has something to say never waits for Redis; what could not be said is dropped, and after every new
//! connection the servers tell each other anew what holds; a connection over which nothing can be said, or nothing is heard, is
//! given up.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::StreamExt as _;
use redis::{Client, aio::MultiplexedConnection};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use super::hints::{Hint, What};
use crate::{app::App, chat, config::Redis, error::Error, presence};

/// What may wait to be said.
const QUEUE: usize = 4096;
/// How long Redis has to answer.
const PATIENCE: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// See the module.
pub(crate) struct Bus {
    client: Client,
    channel: String,
    /// This server, among the others.
    name: String,
    outgoing: mpsc::Sender<What>,
    queue: Mutex<Option<mpsc::Receiver<What>>>,
    is_reached: AtomicBool,
    connections: AtomicU64,
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bus(..)")
    }
}

impl Bus {
    pub(super) fn new(redis: &Redis, store_id: &str) -> Result<Self, Error> {
        // The client's own words would quote the address, and with it the password.
        let client = Client::open(redis.url.expose()).map_err(|_| Error::Invalid("the URL of Redis cannot be used"))?;
        let (outgoing, queue) = mpsc::channel(QUEUE);
        Ok(Self {
            client,
            channel: format!("hugmedo-chat:{store_id}"),
            name: uuid::Uuid::new_v4().to_string(),
            outgoing,
            queue: Mutex::new(Some(queue)),
            is_reached: AtomicBool::new(false),
            connections: AtomicU64::new(0),
        })
    }

    pub(super) fn say(&self, what: What) {
        if self.is_reached.load(Ordering::Relaxed) && self.outgoing.try_send(what).is_err() {
            tracing::debug!("a hint for the other servers was dropped");
        }
    }

    pub(super) fn standing(&self) -> (bool, u64) {
        (self.is_reached.load(Ordering::Relaxed), self.connections.load(Ordering::Relaxed))
    }

    /// Keeps the connection until the server stops.
    pub(super) async fn keep(&self, app: &Arc<App>) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut queue) = queue else { return };
        let mut pause = FIRST_PAUSE;
        while !app.stop.is_cancelled() {
            match timeout(PATIENCE, self.connect()).await {
                Ok(Ok((said, heard))) => {
                    pause = FIRST_PAUSE;
                    // From before it was away: no longer true.
                    while queue.try_recv().is_ok() {}
                    self.reached(true);
                    self.connections.fetch_add(1, Ordering::Relaxed);
                    app.stop.run_until_cancelled(self.talk(app, said, heard, &mut queue)).await;
                    self.reached(false);
                }
                _ => self.reached(false),
            }
            app.stop.run_until_cancelled(sleep(pause)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn reached(&self, is_reached: bool) {
        match (self.is_reached.swap(is_reached, Ordering::Relaxed), is_reached) {
            (false, true) => tracing::info!("Redis is reached"),
            (true, false) => tracing::warn!("Redis cannot be reached; the database is looked at instead"),
            _ => {}
        }
    }

    async fn connect(&self) -> redis::RedisResult<(MultiplexedConnection, redis::aio::PubSubStream)> {
        let mut heard = self.client.get_async_pubsub().await?;
        heard.subscribe(&self.channel).await?;
        Ok((self.client.get_multiplexed_async_connection().await?, heard.into_on_message()))
    }

    /// Says and hears until the connection fails.
    async fn talk(
        &self,
        app: &Arc<App>,
        mut said: MultiplexedConnection,
        mut heard: redis::aio::PubSubStream,
        queue: &mut mpsc::Receiver<What>,
    ) {
        let every = app.config.beat_every;
        let mut beat = interval(every);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard_at = Instant::now();
        let greeting = [What::Hello, What::All { people: app.presence.all_here() }, What::Moved];
        for what in greeting {
            if !self.publish(&mut said, what).await {
                return;
            }
        }
        // What happened while nobody could say so.
        if let Some(nodes) = &app.nodes {
            nodes.moved.notify_one();
        }
        loop {
            let what = tokio::select! {
                Some(what) = queue.recv() => what,
                _ = beat.tick() => {
                    // What is said here is heard here, too. Noticed before the others are taken for silent.
                    if heard_at.elapsed() > every * 5 / 2 {
                        return;
                    }
                    presence::forget_silent(app).await;
                    What::Beat
                }
                message = heard.next() => match message {
                    Some(message) => {
                        heard_at = Instant::now();
                        self.hear(app, message.get_payload_bytes());
                        continue;
                    }
                    None => return,
                },
            };
            if !self.publish(&mut said, what).await {
                return;
            }
        }
    }

    async fn publish(&self, said: &mut MultiplexedConnection, what: What) -> bool {
        let hint = Hint { from: self.name.clone(), what };
        let Ok(text) = serde_json::to_vec(&hint) else { return true };
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(&self.channel).arg(text);
        matches!(timeout(PATIENCE, publish.query_async::<i64>(said)).await, Ok(Ok(_)))
    }

    /// Nothing here waits: what takes time is a task of its own.
    fn hear(&self, app: &Arc<App>, text: &[u8]) {
        let Ok(Hint { from, what }) = serde_json::from_slice::<Hint>(text) else { return };
        if from == self.name {
            return;
        }
        let tells_of_itself = matches!(what, What::Beat | What::Here { .. } | What::Gone { .. });
        if tells_of_itself && !app.presence.heard_of(&from) {
            // It was taken for silent, or its greeting was lost, and who is there with it.
            self.say(What::Hello);
        }
        match what {
            What::Moved => {
                if let Some(nodes) = &app.nodes {
                    nodes.moved.notify_one();
                }
            }
            What::Typing { room, user, is_typing } => {
                let app = app.clone();
                tokio::spawn(async move { chat::pass_on_typing(&app, room, user, is_typing).await });
            }
            What::Hello => self.say(What::All { people: app.presence.all_here() }),
            What::Beat => {}
            What::All { people } => presence::others_are(app, &from, people),
            What::Here { user, stand } => presence::other_is(app, &from, user, Some(stand)),
            What::Gone { user } => presence::other_is(app, &from, user, None),
            What::Chosen { user, stand } => presence::other_chose(app, user, stand),
        }
    }
}
