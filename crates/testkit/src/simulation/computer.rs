//! A computer with core on it, which can be cut off at any step of any of its tasks.
//!
//! Invariants: a computer is a runtime of its own, so that ending it ends every task of its core where it stands, and no other
//! core's; after a crash core finds the files as they were at that moment, its write-ahead log not yet taken in.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use anyhow::{Context, Result};
use hugmedo_chat_core::{
    Config, Core, Surroundings,
    host::{NativeNotification, Notifier},
};
use hugmedo_chat_protocol::{MessageId, UserId};
use tokio::{
    runtime::{Builder, Runtime},
    sync::Notify,
    task::yield_now,
    time::sleep_until,
};

use super::{
    chance::Chance,
    clock::Clock,
    deeds::Blow,
    network::network,
    post::{Arrival, SharedPost},
    screen::{self, Screen, held},
};
use crate::MemorySecrets;

/// What a computer keeps when core on it ends.
pub(super) struct Computer {
    pub(super) index: usize,
    pub(super) user: UserId,
    pub(super) screen: Arc<Mutex<Screen>>,
    /// Notifications raised, over all runs.
    pub(super) raised: Arc<Mutex<Vec<MessageId>>>,
    /// Asleep until then.
    pub(super) asleep_until: u64,
    /// What befalls it with the next parcel, or the next HTTP answer: after this many steps.
    pub(super) armed: Option<(Arrival, u64, Blow)>,
    /// How far its time of day is off.
    pub(super) off_by: i64,
    running: Option<Running>,
    root: PathBuf,
    run: u32,
    secrets: MemorySecrets,
    chance: Chance,
    post: SharedPost,
    stir: Arc<Notify>,
}

struct Running {
    runtime: Runtime,
    clock: Arc<Clock>,
    core: Arc<Mutex<Option<Core>>>,
}

struct Raised(Arc<Mutex<Vec<MessageId>>>);

impl Notifier for Raised {
    fn notify(&self, notification: NativeNotification) {
        // An urgent message that nobody takes on is raised again, and is the same one.
        if !notification.repeated {
            held(&self.0).push(notification.message_id);
        }
    }

    fn withdraw(&self, _: &[MessageId]) {}

    fn replace(&self, _: &MessageId, _: NativeNotification) {}

    fn settle(&self, _: Vec<NativeNotification>) {}
}

impl Computer {
    /// A computer that is switched off. `root` is a folder of its own, whose `run-0` holds core's data.
    pub(super) fn new(
        index: usize,
        user: UserId,
        root: PathBuf,
        secrets: MemorySecrets,
        chance: Chance,
        post: &SharedPost,
        stir: Arc<Notify>,
    ) -> Self {
        Self {
            index,
            user,
            screen: Arc::default(),
            raised: Arc::default(),
            asleep_until: 0,
            armed: None,
            off_by: 0,
            running: None,
            root,
            run: 0,
            secrets,
            chance,
            post: Arc::clone(post),
            stir,
        }
    }

    fn folder(&self) -> PathBuf {
        self.root.join(format!("run-{}", self.run))
    }

    pub(super) fn is_on(&self) -> bool {
        self.running.is_some()
    }

    /// Core, once it has started.
    pub(super) fn core(&self) -> Option<Core> {
        held(&self.running.as_ref()?.core).clone()
    }

    /// How often core, in this run, has asked what time it is.
    pub(super) fn looks_at_the_clock(&self) -> u64 {
        self.running.as_ref().map_or(0, |running| running.clock.looks())
    }

    /// Switches the computer on and lets core begin to start.
    pub(super) fn switch_on(&mut self, world: u64) -> Result<()> {
        // Every step of a task is followed by a look at whether this was the last one.
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).event_interval(1).build()?;
        let off_by = self.off_by;
        let clock = Arc::new(runtime.block_on(async { Clock::start(world, off_by) }));
        let (time, chance) = (Arc::clone(&clock), Mutex::new(self.chance.fork()));
        let way = network(self.index, &self.post, &clock);
        let config = Config {
            data_dir: self.folder(),
            surroundings: Surroundings::simulated(move || time.time_of_day(), move || held(&chance).unit()),
            network: Arc::new(move |_, _| way.clone()),
            policy: Arc::default(),
            webview: None,
        };
        let (secrets, notifier) = (Arc::new(self.secrets.clone()), Arc::new(Raised(Arc::clone(&self.raised))));
        let core = Arc::new(Mutex::new(None));
        let (slot, screen, post) = (Arc::clone(&core), Arc::clone(&self.screen), Arc::clone(&self.post));
        runtime.spawn(async move {
            match Core::start(config, secrets, notifier).await {
                Ok(core) => {
                    *held(&slot) = Some(core.clone());
                    screen::watch(core, screen, post).await;
                }
                Err(error) => held(&screen).breaches.push(format!("core does not start: {}", error.code())),
            }
        });
        self.running = Some(Running { runtime, clock, core });
        Ok(())
    }

    /// Lets the computer work until a time of the world, or until it has put something on its way. Returns how far it came.
    pub(super) fn work_until(&self, world: u64) -> u64 {
        let Some(running) = &self.running else { return world };
        if self.is_asleep(world) {
            return world;
        }
        let (clock, stir) = (Arc::clone(&running.clock), &self.stir);
        running.runtime.block_on(async {
            tokio::select! {
                biased;
                () = stir.notified() => {}
                () = sleep_until(clock.instant(world)) => {}
            }
            clock.world()
        })
    }

    pub(super) fn is_asleep(&self, world: u64) -> bool {
        self.asleep_until > world
    }

    /// Lets the computer's tasks do this many steps, while no time passes.
    pub(super) fn work_steps(&self, world: u64, steps: u64) {
        let Some(running) = self.running.as_ref().filter(|_| !self.is_asleep(world)) else { return };
        running.runtime.block_on(async {
            for _ in 0..steps {
                yield_now().await;
            }
        });
    }

    /// Begins something a person does.
    pub(super) fn begin<F>(&self, deed: impl FnOnce(Core) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if let (Some(running), Some(core)) = (&self.running, self.core()) {
            running.runtime.spawn(deed(core));
        }
    }

    /// Cuts core off where it stands. What it had not written is gone; what it had is as the files were.
    pub(super) fn crash(&mut self) -> Result<()> {
        let Some(running) = self.running.take() else { return Ok(()) };
        // A connection that is dropped tidies up its files, which a crash does not; so its successor gets a copy from before.
        let from = self.folder();
        self.run += 1;
        copy(&from, &self.folder()).context("the files at the moment of the crash")?;
        drop(running);
        std::fs::remove_dir_all(&from)?;
        held(&self.screen).go_dark();
        Ok(())
    }

    /// Ends core in good form.
    pub(super) fn quit(&mut self) {
        let Some(running) = self.running.take() else { return };
        let core = held(&running.core).clone();
        if let Some(core) = core {
            running.runtime.block_on(core.shutdown());
        }
        drop(running);
        held(&self.screen).go_dark();
    }

    /// The lid is closed for this long, from now on.
    pub(super) fn sleep(&mut self, now: u64, millis: u64) {
        if let Some(running) = &self.running {
            running.clock.sleep(millis);
            self.asleep_until = now + millis;
        }
    }

    pub(super) fn set_time_of_day(&mut self, off_by: i64) {
        self.off_by = off_by;
        if let Some(running) = &self.running {
            running.clock.set_off_by(off_by);
        }
    }
}

/// Copies a folder with everything in it, but for the shared-memory index, which every first reader makes anew.
pub(super) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&path, &target)?;
        } else if path.extension().is_none_or(|extension| extension != "db-shm") {
            std::fs::copy(&path, &target)?;
        }
    }
    Ok(())
}
