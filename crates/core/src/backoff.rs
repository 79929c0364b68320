//! How long to wait before the next attempt to connect: Socket.IO's Manager options and formula, made fit for long outages.
//!
//! The guide's options are `reconnectionAttempts: 5, reconnectionDelay: 1000, timeout: 20000`. The Manager applies its cap
//! after the jitter, so a long outage costs an attempt every 5 s, all clients in step; here the cap widens after the first
//! minute and jitter is applied after it, and there is no last attempt: the app slows down but never gives up.

use std::time::Duration;

/// The Manager's options.
#[derive(Debug, Clone, PartialEq)]
pub struct Reconnection {
    /// `reconnectionDelay`: the first wait.
    pub delay: Duration,
    /// `reconnectionDelayMax`: the longest wait during the first minute of an outage.
    pub delay_max: Duration,
    /// The longest wait after that.
    pub long_outage_delay_max: Duration,
    /// `randomizationFactor`: 0.5 spreads a wait over half to one and a half times its length.
    pub randomization_factor: f64,
}

impl Default for Reconnection {
    fn default() -> Self {
        Self {
            delay: Duration::from_secs(1),
            delay_max: Duration::from_secs(5),
            long_outage_delay_max: Duration::from_secs(30),
            randomization_factor: 0.5,
        }
    }
}

/// The waits of one outage.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
    waited: Duration,
}

impl Backoff {
    /// The next wait. `random` is uniform in `0..1`.
    pub(crate) fn next(&mut self, options: &Reconnection, random: f64) -> Duration {
        let cap = if self.waited < Duration::from_secs(60) { options.delay_max } else { options.long_outage_delay_max };
        let base = options.delay.saturating_mul(1_u32.checked_shl(self.attempts).unwrap_or(u32::MAX)).min(cap);
        let factor = 1.0 + options.randomization_factor * (2.0 * random - 1.0);
        let wait = base.mul_f64(factor.max(0.0));
        self.attempts = self.attempts.saturating_add(1);
        self.waited = self.waited.saturating_add(wait);
        wait
    }

    /// The outage is over.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_waits_follow_the_managers_formula() {
        let options = Reconnection::default();
        let mut backoff = Backoff::default();
        let middle: Vec<u64> = (0..5).map(|_| backoff.next(&options, 0.5).as_millis() as u64).collect();
        assert_eq!(middle, [1000, 2000, 4000, 5000, 5000], "doubling from 1 s up to 5 s");
        backoff.reset();
        assert_eq!(backoff.next(&options, 0.0), Duration::from_millis(500), "jitter takes up to half away");
        backoff.reset();
        assert_eq!(backoff.next(&options, 1.0), Duration::from_millis(1500), "jitter adds up to half");
    }

    #[test]
    fn an_outage_of_twenty_minutes_costs_at_most_sixty_attempts() {
        let options = Reconnection::default();
        let mut backoff = Backoff::default();
        let mut elapsed = Duration::ZERO;
        let mut attempts = 0;
        while elapsed < Duration::from_secs(20 * 60) {
            elapsed += backoff.next(&options, 0.5);
            attempts += 1;
        }
        assert!(attempts <= 60, "{attempts} attempts");
    }

    #[test]
    fn clients_do_not_fall_into_step_in_a_long_outage() {
        let options = Reconnection::default();
        let mut backoff = Backoff { attempts: 40, waited: Duration::from_secs(600) };
        assert_ne!(backoff.next(&options, 0.1), backoff.next(&options, 0.9));
    }
}
