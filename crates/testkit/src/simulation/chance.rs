//! Chance that depends on a seed alone.
//!
//! Invariant: the same seed gives the same numbers on every computer and in every version of every library, because it is
//! written out here (SplitMix64).

/// A stream of numbers.
#[derive(Debug, Clone)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        let mut chance = Self(seed ^ 0x5851_F42D_4C95_7F2D);
        // Neighbouring seeds begin far apart.
        chance.next();
        chance
    }

    /// A stream of its own, which others cannot shift by drawing more or less from theirs.
    pub(super) fn fork(&mut self) -> Self {
        Self::new(self.next())
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in `0..1`.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn happens(&mut self, probability: f64) -> bool {
        // Drawn also where the answer is known, so that a change of one rate shifts nothing else.
        self.unit() < probability
    }

    /// Uniform in `low..high`; `low` if that is empty.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % high.saturating_sub(low).max(1)
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let index = usize::try_from(self.between(0, from.len() as u64)).unwrap_or(0);
        from.get(index)
    }
}
