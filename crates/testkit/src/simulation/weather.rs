//! How hostile the network and the server are: the rates at which things go wrong.

use super::chance::Chance;

/// Each a probability for one occasion.
#[derive(Debug, Clone, Default)]
pub(super) struct Weather {
    /// A socket event never arrives.
    pub(super) drop: f64,
    /// It arrives twice.
    pub(super) double: f64,
    /// It overtakes, or is overtaken.
    pub(super) reorder: f64,
    /// It takes seconds instead of milliseconds.
    pub(super) slow: f64,
    /// The server did it, but the ack never arrives.
    pub(super) ack_lost: f64,
    /// An HTTP call does not arrive.
    pub(super) ask_lost: f64,
    /// It was done, but its answer does not arrive.
    pub(super) answer_lost: f64,
    /// A CONNECT is refused for now.
    pub(super) refuse: f64,
    /// The link breaks at this moment.
    pub(super) cut: f64,
    /// `session` takes seconds.
    pub(super) slow_session: f64,
    /// "Not now, later": `rate_limited` or `unavailable`.
    pub(super) busy: f64,
    /// A cursor that is said to be too old.
    pub(super) old_cursor: f64,
}

impl Weather {
    /// From a breeze to a storm, each seed its own.
    pub(super) fn by(chance: &mut Chance) -> Self {
        let strength = match chance.between(0, 4) {
            0 => 0.1,
            1 => 0.4,
            2 => 1.0,
            _ => 2.0,
        };
        let mut rate = |worst: f64| {
            // Half of the rates are nought in a seed, so that each fault is also met alone.
            let there = chance.happens(0.5);
            let share = chance.unit();
            if there { (worst * share * strength).min(0.6) } else { 0.0 }
        };
        Self {
            drop: rate(0.2),
            double: rate(0.3),
            reorder: rate(0.3),
            slow: rate(0.1),
            ack_lost: rate(0.1),
            ask_lost: rate(0.1),
            answer_lost: rate(0.1),
            refuse: rate(0.3),
            cut: rate(0.03),
            slow_session: rate(0.3),
            busy: rate(0.1),
            old_cursor: rate(0.1),
        }
    }
}
