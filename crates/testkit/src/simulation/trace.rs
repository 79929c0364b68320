//! What happened, as lines to read or as one number to compare.
//!
//! Invariant: a line holds generated ids, positions and times only, so the same seed writes the same lines anywhere.

use std::fmt::{self, Write};

/// The lines of one run.
#[derive(Debug, Clone)]
pub(super) struct Trace {
    lines: Option<Vec<String>>,
    hash: Fnv,
}

impl Trace {
    /// `readable` keeps the lines.
    pub(super) fn new(readable: bool) -> Self {
        Self { lines: readable.then(Vec::new), hash: Fnv(0xCBF2_9CE4_8422_2325) }
    }

    pub(super) fn note(&mut self, at: u64, what: fmt::Arguments<'_>) {
        // Writing into a number cannot fail.
        let _ = writeln!(self.hash, "{at} {what}");
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{:>9.3} s  {what}", at as f64 / 1000.0));
        }
    }

    /// The same for the same lines.
    pub(super) fn hash(&self) -> u64 {
        self.hash.0
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines.unwrap_or_default()
    }
}

/// FNV-1a.
#[derive(Debug, Clone)]
struct Fnv(u64);

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        Ok(())
    }
}
