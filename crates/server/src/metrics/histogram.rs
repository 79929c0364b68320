//! How long things take, in a fixed set of buckets.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Upper ends, in microseconds.
const BUCKETS: [u64; 13] =
    [500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000];

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// How many fell into each, not cumulated; what is longer than all is only in `all`.
    buckets: [AtomicU64; BUCKETS.len()],
    all: AtomicU64,
    micros: AtomicU64,
}

impl Histogram {
    pub(crate) fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        if let Some((_, bucket)) = BUCKETS.iter().zip(&self.buckets).find(|(end, _)| micros <= **end) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.all.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Writes its lines; `labels` are what stands before `le`, with a comma behind them, or nothing.
    pub(super) fn write(&self, page: &mut String, name: &str, labels: &str) {
        let mut below = 0;
        for (end, bucket) in BUCKETS.iter().zip(&self.buckets) {
            below += bucket.load(Ordering::Relaxed);
            let _ = writeln!(page, "{name}_bucket{{{labels}le=\"{}\"}} {below}", seconds(*end));
        }
        // Taken after the buckets, so never below them.
        let all = self.all.load(Ordering::Relaxed).max(below);
        let _ = writeln!(page, "{name}_bucket{{{labels}le=\"+Inf\"}} {all}");
        let labels = labels.trim_end_matches(',');
        let _ = writeln!(page, "{name}_sum{{{labels}}} {}", seconds(self.micros.load(Ordering::Relaxed)));
        let _ = writeln!(page, "{name}_count{{{labels}}} {all}");
    }
}

fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}
