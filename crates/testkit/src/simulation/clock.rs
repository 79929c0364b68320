//! A computer's two clocks: tokio's, which stands still while the computer sleeps, and the time of day, which anyone may set.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use hugmedo_chat_protocol::Timestamp;
use tokio::time::{Duration, Instant};

use super::post::EPOCH_MS;

pub(super) struct Clock {
    /// tokio's clock when this one was made.
    base: Instant,
    /// The world's time at that moment, moved on by every sleep.
    world_at_base: AtomicU64,
    /// How far the time of day is off.
    off_by: AtomicI64,
    looks: AtomicU64,
}

impl Clock {
    /// To be made inside the computer's runtime.
    pub(super) fn start(world: u64, off_by: i64) -> Self {
        Self {
            base: Instant::now(),
            world_at_base: AtomicU64::new(world),
            off_by: AtomicI64::new(off_by),
            looks: AtomicU64::new(0),
        }
    }

    /// The world's time, as far as this computer has come. Inside its runtime only.
    pub(super) fn world(&self) -> u64 {
        let elapsed = u64::try_from(self.base.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.world_at_base.load(Ordering::Relaxed) + elapsed
    }

    /// tokio's time at a time of the world.
    pub(super) fn instant(&self, world: u64) -> Instant {
        self.base + Duration::from_millis(world.saturating_sub(self.world_at_base.load(Ordering::Relaxed)))
    }

    /// What core is told when it asks. Inside the runtime only.
    pub(super) fn time_of_day(&self) -> Timestamp {
        self.looks.fetch_add(1, Ordering::Relaxed);
        let world = i64::try_from(self.world()).unwrap_or(i64::MAX);
        Timestamp::from_millis(EPOCH_MS + world + self.off_by.load(Ordering::Relaxed))
    }

    /// How often core has asked.
    pub(super) fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }

    pub(super) fn sleep(&self, millis: u64) {
        self.world_at_base.fetch_add(millis, Ordering::Relaxed);
    }

    pub(super) fn set_off_by(&self, millis: i64) {
        self.off_by.store(millis, Ordering::Relaxed);
    }
}
