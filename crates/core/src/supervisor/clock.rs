//! Noticing that the computer slept. After a sleep a connection may look open and be dead.

use std::time::Duration;

use hugmedo_chat_protocol::Timestamp;
use tokio::time::{Instant, sleep};

use crate::{
    error::{Error, ErrorCode},
    surroundings::Surroundings,
};

/// A clock that jumped this far was a computer that slept.
const SLEEP_JUMP: Duration = Duration::from_secs(30);

/// Waits, without `wait` for ever, but not across a sleep of the computer: whoever opens the lid wants to be connected now.
pub(super) async fn sleep_awake(surroundings: &Surroundings, wait: Option<Duration>) {
    let waited = async {
        match wait {
            Some(wait) => sleep(wait).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = waited => {}
        _ = watch_sleep(surroundings.clone()) => {}
    }
}

/// Fails once the computer has slept.
pub(super) async fn watch_sleep(surroundings: Surroundings) -> Result<(), Error> {
    let mut clock = ClockWatch::start(&surroundings);
    loop {
        sleep(Duration::from_secs(2)).await;
        if clock.jumped() {
            return Err(Error::new(ErrorCode::Unreachable, "the computer slept"));
        }
    }
}

/// Compares the wall clock, which goes on while the computer sleeps, with the monotonic one, which does not.
struct ClockWatch {
    surroundings: Surroundings,
    wall: Timestamp,
    monotonic: Instant,
}

impl ClockWatch {
    fn start(surroundings: &Surroundings) -> Self {
        Self { surroundings: surroundings.clone(), wall: surroundings.now(), monotonic: Instant::now() }
    }

    /// Whether the two went apart since the last look. A clock set back says nothing.
    fn jumped(&mut self) -> bool {
        let now = Self::start(&self.surroundings);
        let wall = now.wall.as_millis().saturating_sub(self.wall.as_millis());
        let monotonic = now.monotonic.duration_since(self.monotonic).as_millis();
        *self = now;
        i128::from(wall) - i128::try_from(monotonic).unwrap_or(i128::MAX) > SLEEP_JUMP.as_millis() as i128
    }
}
