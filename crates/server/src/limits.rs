//! How often: token buckets per person, address and socket, and the slowing down of guessed passwords.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    num::NonZeroU32,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use governor::{
    DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use hugmedo_chat_protocol::{ErrorCode, Refusal, UserId};

use crate::{
    config::{Limits, Rate},
    serve::neighbourhood,
};

/// What is limited; one bucket per person and kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Message,
    Typing,
    Signal,
    Read,
    NewRoom,
    Upload,
    Connect,
}

impl Kind {
    const ALL: [Self; 7] =
        [Self::Message, Self::Typing, Self::Signal, Self::Read, Self::NewRoom, Self::Upload, Self::Connect];
}

/// The token buckets.
#[derive(Debug)]
pub(crate) struct Throttle {
    messages: DefaultKeyedRateLimiter<UserId>,
    typing: DefaultKeyedRateLimiter<UserId>,
    signals: DefaultKeyedRateLimiter<UserId>,
    reads: DefaultKeyedRateLimiter<UserId>,
    new_rooms: DefaultKeyedRateLimiter<UserId>,
    uploads: DefaultKeyedRateLimiter<UserId>,
    connects: DefaultKeyedRateLimiter<UserId>,
    requests: DefaultKeyedRateLimiter<IpAddr>,
}

fn at_least_one(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

fn quota(rate: Rate) -> Quota {
    Quota::per_second(at_least_one(rate.per_second)).allow_burst(at_least_one(rate.burst))
}

impl Throttle {
    pub(crate) fn new(limits: &Limits) -> Self {
        let bucket = |rate: Rate| RateLimiter::keyed(quota(rate));
        let by_minute = |number| RateLimiter::keyed(Quota::per_minute(at_least_one(number)));
        Self {
            messages: bucket(limits.messages),
            typing: bucket(limits.typing),
            signals: bucket(limits.signals),
            reads: bucket(limits.reads),
            new_rooms: by_minute(limits.new_rooms_per_minute),
            uploads: by_minute(limits.uploads_per_minute),
            connects: bucket(limits.connects),
            requests: RateLimiter::keyed(quota(limits.requests_per_address)),
        }
    }

    /// Takes one token, or says how long to wait for it.
    pub(crate) fn check(&self, kind: Kind, user: &UserId) -> Result<(), Refusal> {
        self.bucket(kind)
            .check_key(user)
            .map_err(|denied| rate_limited(denied.wait_time_from(DefaultClock::default().now())))
    }

    /// Takes one token of an address, or says how long to wait for it.
    pub(crate) fn request(&self, from: IpAddr) -> Result<(), Refusal> {
        self.requests
            .check_key(&neighbourhood(from))
            .map_err(|denied| rate_limited(denied.wait_time_from(DefaultClock::default().now())))
    }

    fn bucket(&self, kind: Kind) -> &DefaultKeyedRateLimiter<UserId> {
        match kind {
            Kind::Message => &self.messages,
            Kind::Typing => &self.typing,
            Kind::Signal => &self.signals,
            Kind::Read => &self.reads,
            Kind::NewRoom => &self.new_rooms,
            Kind::Upload => &self.uploads,
            Kind::Connect => &self.connects,
        }
    }

    /// Forgets people whose buckets are full again.
    pub(crate) fn tidy(&self) {
        for kind in Kind::ALL {
            self.bucket(kind).retain_recent();
        }
        self.requests.retain_recent();
    }
}

/// What one socket may send, whatever it is.
#[derive(Debug)]
pub(crate) struct SocketMeter {
    events: DefaultDirectRateLimiter,
    bytes: DefaultDirectRateLimiter,
}

impl SocketMeter {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            events: RateLimiter::direct(quota(limits.socket_events)),
            bytes: RateLimiter::direct(quota(limits.socket_bytes)),
        }
    }

    /// Whether an event of so many bytes is still within it.
    pub(crate) fn admits(&self, bytes: usize) -> bool {
        let bytes = at_least_one(u32::try_from(bytes).unwrap_or(u32::MAX));
        self.events.check().is_ok() && matches!(self.bytes.check_n(bytes), Ok(Ok(())))
    }
}

pub(crate) fn rate_limited(wait: Duration) -> Refusal {
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
    Refusal { retry_after_ms: Some(millis), ..Refusal::new(ErrorCode::RateLimited, "too often") }
}

/// Slows down whoever guesses: so many failures of one key within a window, and no more are heard until the oldest has left
/// it. Never a lock-out, and a success counts nothing, so the start of a shift behind one address is no attack.
#[derive(Debug)]
pub(crate) struct GuessMeter {
    allowed: usize,
    window: Duration,
    failures: Mutex<HashMap<String, VecDeque<Instant>>>,
}

impl GuessMeter {
    pub(crate) fn new(allowed: usize, window: Duration) -> Self {
        Self { allowed: allowed.max(1), window, failures: Mutex::default() }
    }

    /// Counts an attempt as failed until [`GuessMeter::succeeded`] takes it back; so many at once are no way around.
    pub(crate) fn attempt(&self, key: &str) -> Result<(), Refusal> {
        let now = Instant::now();
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let times = failures.entry(key.to_owned()).or_default();
        while times.front().is_some_and(|time| now.duration_since(*time) >= self.window) {
            times.pop_front();
        }
        match times.front() {
            Some(oldest) if times.len() >= self.allowed => {
                Err(rate_limited(self.window.saturating_sub(now.duration_since(*oldest))))
            }
            _ => {
                times.push_back(now);
                Ok(())
            }
        }
    }

    /// Takes the newest attempt back.
    pub(crate) fn succeeded(&self, key: &str) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(times) = failures.get_mut(key) {
            times.pop_back();
        }
    }

    /// Forgets keys without recent failures.
    pub(crate) fn tidy(&self) {
        let now = Instant::now();
        self.failures
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, times| times.back().is_some_and(|time| now.duration_since(*time) < self.window));
    }
}
