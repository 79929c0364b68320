//! What core takes from the computer it runs on, besides network and keychain: the time of day, chance, and threads for work
//! that blocks.
//!
//! Invariant: core asks nothing else for any of these, so that a simulation which replaces them depends on its seed alone.

use std::sync::Arc;

use hugmedo_chat_protocol::Timestamp;

use crate::{
    error::{Error, ErrorCode},
    notify::Moment,
};

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Surroundings {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    chance: Arc<dyn Fn() -> f64 + Send + Sync>,
    zone: jiff::tz::TimeZone,
    /// Whether blocking work runs where it is asked for.
    inline: bool,
}

impl Surroundings {
    /// The computer's own.
    pub fn real() -> Self {
        Self {
            now: Arc::new(Timestamp::now),
            chance: Arc::new(rand::random),
            zone: jiff::tz::TimeZone::system(),
            inline: false,
        }
    }

    /// Time of day and chance (uniform in `0..1`) as a simulation has them. Blocking work runs on the runtime's thread, now
    /// and then later than what was begun after it, so that chance decides too which of several threads is done first.
    pub fn simulated(
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
        chance: impl Fn() -> f64 + Send + Sync + 'static,
    ) -> Self {
        Self { now: Arc::new(now), chance: Arc::new(chance), zone: jiff::tz::TimeZone::UTC, inline: true }
    }

    /// The time of day, which a person or the network may set forward or back. Durations are measured by tokio's clock.
    pub(crate) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// A moment later than now by this much.
    pub(crate) fn in_millis(&self, millis: u64) -> Timestamp {
        Timestamp::from_millis(self.now().as_millis().saturating_add(i64::try_from(millis).unwrap_or(i64::MAX)))
    }

    /// The time of day, and where the computer's own day stands.
    pub(crate) fn moment(&self) -> Moment {
        let now = self.now();
        let at = jiff::Timestamp::from_millisecond(now.as_millis()).unwrap_or_default();
        let local = at.to_zoned(self.zone.clone());
        let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        Moment { now, minute }
    }

    /// Uniform in `0..1`.
    pub(crate) fn chance(&self) -> f64 {
        (self.chance)()
    }

    /// Runs work that blocks, such as reading a file, away from the event loop. Once begun it is done, even if nobody waits
    /// for it any more.
    pub(crate) async fn off_loop<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let working = if self.inline {
            // Others get their turn, as they would while a thread works, before it and before its result is seen; and of several
            // threads the first is not always the first to be done.
            let turns = if self.chance() < 0.75 { 1 } else { 12 };
            tokio::spawn(async move {
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
                let result = work();
                tokio::task::yield_now().await;
                result
            })
        } else {
            tokio::task::spawn_blocking(work)
        };
        match working.await {
            Ok(result) => result,
            Err(_) => Err(Error::new(ErrorCode::Internal, "work beside the event loop was cut off")),
        }
    }
}
