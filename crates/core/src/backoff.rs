//! How long to wait before the next attempt to connect: Socket.IO's Manager options, made fit for hospitals.
//!
//! The Manager spreads its waits by a factor and caps them after that, so a long outage costs an attempt every 5 s from
//! every client in step. Here each wait is drawn anew from nothing up to a ceiling that doubles ("full jitter"), so that a
//! thousand clients that lose a server together come back spread out; the ceiling widens after the first minute, and unless
//! the person says otherwise there is no last attempt: the app slows down but never gives up.

use std::time::Duration;

use crate::view::ConnectionSettings;

/// The ceiling of a wait while an outage is young is `reconnectionDelayMax`; after this long it is [`LONG_OUTAGE_CEILING`].
const YOUNG: Duration = Duration::from_secs(60);
/// See [`YOUNG`].
const LONG_OUTAGE_CEILING: Duration = Duration::from_secs(30);

/// The waits of one outage.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
    waited: Duration,
}

impl Backoff {
    /// The wait after another failed attempt; `None` once as many have failed as the settings allow. `chance` is uniform in
    /// `0..1`.
    pub(crate) fn next(&mut self, settings: &ConnectionSettings, chance: f64) -> Option<Duration> {
        let (doublings, limit) = (self.attempts, settings.reconnection_attempts);
        self.attempts = self.attempts.saturating_add(1);
        if limit > 0 && self.attempts > limit {
            return None;
        }
        let young = Duration::from_millis(settings.reconnection_delay_max_ms.into());
        let cap = if self.waited < YOUNG { young } else { young.max(LONG_OUTAGE_CEILING) };
        let first = Duration::from_millis(settings.reconnection_delay_ms.into());
        let ceiling = first.saturating_mul(1_u32.checked_shl(doublings).unwrap_or(u32::MAX)).min(cap);
        let wait = ceiling.mul_f64(chance.clamp(0.0, 1.0));
        self.waited = self.waited.saturating_add(wait);
        Some(wait)
    }

    /// The outage is over, or the person wants to see an attempt.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The longest waits an outage can bring.
    fn ceilings(settings: &ConnectionSettings) -> impl Iterator<Item = Duration> {
        let mut backoff = Backoff::default();
        std::iter::from_fn(move || backoff.next(settings, 1.0))
    }

    #[test]
    fn the_ceilings_follow_the_managers_options() {
        let settings = ConnectionSettings::default();
        let first: Vec<u128> = ceilings(&settings).take(5).map(|wait| wait.as_millis()).collect();
        assert_eq!(first, [1000, 2000, 4000, 5000, 5000], "doubling from 1 s up to 5 s");
        assert_eq!(ceilings(&settings).nth(40), Some(LONG_OUTAGE_CEILING));
    }

    #[test]
    fn a_wait_is_anywhere_below_its_ceiling_however_long_the_outage() {
        let settings = ConnectionSettings::default();
        for attempts in [0, 3, 40] {
            let wait = |chance| {
                let mut backoff = Backoff { attempts, waited: Duration::from_secs(600) };
                backoff.next(&settings, chance).expect("there is no last attempt")
            };
            assert_eq!(wait(0.0), Duration::ZERO);
            assert_eq!(wait(0.25) * 4, wait(1.0));
        }
    }

    #[test]
    fn an_outage_of_twenty_minutes_costs_some_hundred_attempts_at_most() {
        let settings = ConnectionSettings::default();
        let mut backoff = Backoff::default();
        let (mut elapsed, mut attempts) = (Duration::ZERO, 0);
        while elapsed < Duration::from_secs(20 * 60) {
            elapsed += backoff.next(&settings, 0.5).expect("there is no last attempt");
            attempts += 1;
        }
        assert!(attempts <= 120, "{attempts} attempts");
    }

    #[test]
    fn who_sets_the_guides_five_attempts_gets_five() {
        let settings = ConnectionSettings { reconnection_attempts: 5, ..ConnectionSettings::default() };
        assert_eq!(ceilings(&settings).count(), 5);
    }
}
