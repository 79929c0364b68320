//! The PIN that unlocks the app.
//!
//! Invariants: a PIN is kept as an argon2id hash, in the keychain; a try is counted, durably, before it is made; after the last
//! one only signing in helps.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use hugmedo_chat_protocol::{Secret, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, ErrorCode},
    view::PinView,
};

/// The shortest and the longest PIN, in characters.
const LENGTH: std::ops::RangeInclusive<usize> = 4..=64;
/// Wrong tries after which it is used up.
const MOST_TRIES: u32 = 8;
/// Wrong tries that cost no waiting.
const FREE_TRIES: u32 = 3;
/// The first wait; each further one is twice as long.
const FIRST_WAIT_MS: i64 = 10_000;

/// A PIN as it is kept.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pin {
    /// argon2id, in PHC's notation.
    hash: Secret,
    #[serde(default)]
    tries: u32,
    #[serde(default)]
    last_try: Option<Timestamp>,
}

impl Pin {
    /// Chooses one. Takes a moment of computing.
    ///
    /// # Errors
    /// `InvalidPin` if it is too short or too long.
    pub(super) fn choose(pin: &Secret) -> Result<Self, Error> {
        if !LENGTH.contains(&pin.expose().chars().count()) {
            return Err(Error::new(ErrorCode::InvalidPin, "the PIN is too short or too long"));
        }
        let hash = Argon2::default()
            .hash_password(pin.expose().as_bytes())
            .map_err(|_| Error::new(ErrorCode::Internal, "hashing the PIN"))?;
        Ok(Self { hash: Secret::new(hash.to_string()), tries: 0, last_try: None })
    }

    /// How it stands; `None` once it is used up.
    pub(super) fn view(&self) -> Option<PinView> {
        let attempts_left = MOST_TRIES.saturating_sub(self.tries);
        (attempts_left > 0).then(|| PinView { attempts_left, retry_at: self.retry_at() })
    }

    fn retry_at(&self) -> Option<Timestamp> {
        let waits = self.tries.checked_sub(FREE_TRIES)?;
        let wait = FIRST_WAIT_MS.saturating_mul(1_i64.checked_shl(waits).unwrap_or(i64::MAX));
        Some(Timestamp::from_millis(self.last_try?.as_millis().saturating_add(wait)))
    }

    /// Counts a try that is about to be made.
    ///
    /// # Errors
    /// `PinUsedUp`, or `RateLimited` before its time. A clock that was set back since does not lock anyone out for longer.
    pub(super) fn count_try(&mut self, now: Timestamp) -> Result<(), Error> {
        if self.tries >= MOST_TRIES {
            return Err(Error::new(ErrorCode::PinUsedUp, "the PIN was mistyped too often"));
        }
        let is_early = self.retry_at().is_some_and(|at| now < at) && self.last_try.is_some_and(|last| last <= now);
        if is_early {
            return Err(Error::new(ErrorCode::RateLimited, "the PIN was mistyped a moment ago"));
        }
        self.tries += 1;
        self.last_try = Some(now);
        Ok(())
    }

    /// Whether this is it. Takes a moment of computing.
    pub(super) fn is(&self, pin: &Secret) -> bool {
        PasswordHash::new(self.hash.expose())
            .is_ok_and(|hash| Argon2::default().verify_password(pin.expose().as_bytes(), &hash).is_ok())
    }

    /// The right one was given, or its owner has signed in.
    pub(super) fn forgive(&mut self) {
        self.tries = 0;
        self.last_try = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn a_pin_is_known_by_its_hash_and_never_shown() {
        let pin = Pin::choose(&"4711".into()).unwrap();
        assert!(pin.is(&"4711".into()) && !pin.is(&"4712".into()) && !pin.is(&"".into()));
        let kept = serde_json::to_string(&pin).unwrap();
        assert!(kept.contains("$argon2id$") && !kept.contains("4711"));
        for refused in ["", "123", &"1".repeat(65)] {
            assert_eq!(Pin::choose(&refused.into()).map(drop).unwrap_err().code(), ErrorCode::InvalidPin);
        }
    }

    #[test]
    fn tries_are_slowed_and_then_at_an_end() {
        let mut pin = Pin::choose(&"4711".into()).unwrap();
        let mut now = 0;
        let mut waits = Vec::new();
        while let Some(view) = pin.view() {
            let retry_at = view.retry_at.map_or(now, |at| at.as_millis() / 1_000);
            waits.push(retry_at - now);
            if retry_at > now {
                let early = pin.count_try(at(retry_at - 1)).unwrap_err();
                assert_eq!(early.code(), ErrorCode::RateLimited);
            }
            now = retry_at;
            pin.count_try(at(now)).unwrap();
        }
        assert_eq!(waits, [0, 0, 0, 10, 20, 40, 80, 160]);
        assert_eq!(pin.count_try(at(now + 1_000_000)).unwrap_err().code(), ErrorCode::PinUsedUp);
        pin.forgive();
        assert_eq!(pin.view().map(|view| (view.attempts_left, view.retry_at)), Some((MOST_TRIES, None)));
    }

    #[test]
    fn a_clock_set_back_locks_nobody_out() {
        let mut pin = Pin::choose(&"4711".into()).unwrap();
        for _ in 0..FREE_TRIES {
            pin.count_try(at(1_000_000)).unwrap();
        }
        assert!(pin.count_try(at(1_000_005)).is_err());
        assert!(pin.count_try(at(10)).is_ok());
    }
}
