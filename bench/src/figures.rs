//! What a run measured, and what it demands of it.
//!
//! Invariant: a figure that breaks a demand is printed like any other, and makes the run fail.

use std::{fmt::Display, io::Write as _, time::Duration};

use anyhow::Result;

/// The outcome of one run.
pub(crate) struct Figures {
    run: String,
    cells: Vec<(String, String)>,
    broken: Vec<String>,
}

impl Figures {
    pub(crate) fn of(run: impl Into<String>) -> Self {
        Self { run: run.into(), cells: Vec::new(), broken: Vec::new() }
    }

    /// Notes a figure.
    pub(crate) fn tell(&mut self, name: &str, value: impl Display) {
        self.cells.push((name.to_owned(), value.to_string()));
    }

    /// Notes a figure that must be zero.
    pub(crate) fn must_be_zero(&mut self, name: &str, value: usize) {
        self.tell(name, value);
        self.demand(value == 0, format!("{name}: {value}, and it must be 0"));
    }

    /// Notes a time that must stay below a limit.
    pub(crate) fn must_be_below(&mut self, name: &str, value: Duration, limit: Duration) {
        self.tell(name, seconds(value));
        self.demand(value < limit, format!("{name}: {}, and it must be below {}", seconds(value), seconds(limit)));
    }

    pub(crate) fn demand(&mut self, is_met: bool, complaint: impl Into<String>) {
        if !is_met {
            self.broken.push(complaint.into());
        }
    }

    /// Prints them: as lines, or as one row of a Markdown table. Returns whether every demand is met.
    pub(crate) fn print(&self, as_row: bool) -> Result<bool> {
        let mut out = std::io::stdout().lock();
        let verdict = if self.broken.is_empty() { "passed" } else { "FAILED" };
        if as_row {
            let cells: Vec<String> = self.cells.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            writeln!(out, "| {} | {} | {verdict} |", self.run, cells.join(" | "))?;
        } else {
            writeln!(out, "{}: {verdict}", self.run)?;
            for (name, value) in &self.cells {
                writeln!(out, "  {name:<40} {value}")?;
            }
        }
        for complaint in &self.broken {
            writeln!(std::io::stderr(), "{}: {complaint}", self.run)?;
        }
        Ok(self.broken.is_empty())
    }
}

/// A time as people read it.
pub(crate) fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{:.1} ms", time.as_secs_f64() * 1000.0)
    } else {
        format!("{:.2} s", time.as_secs_f64())
    }
}

/// A part of a whole in per cent.
pub(crate) fn percent(part: usize, whole: usize) -> String {
    if whole == 0 { "-".to_owned() } else { format!("{:.2} %", 100.0 * part as f64 / whole as f64) }
}

/// The value below which this share of the times lies; zero without any.
pub(crate) fn quantile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    let place = ((times.len() as f64 * share).ceil() as usize).saturating_sub(1);
    times.get(place).copied().unwrap_or_default()
}

/// Says something about the progress of a run.
pub(crate) fn say(words: impl Display) {
    let _ = writeln!(std::io::stderr(), "{words}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let mut times: Vec<Duration> = (1..=200).rev().map(Duration::from_millis).collect();
        assert_eq!(quantile(&mut times, 0.5), Duration::from_millis(100));
        assert_eq!(quantile(&mut times, 0.99), Duration::from_millis(198));
        assert_eq!(quantile(&mut times, 1.0), Duration::from_millis(200));
        assert_eq!(quantile(&mut [], 0.5), Duration::ZERO);
    }

    #[test]
    fn a_broken_demand_fails_the_run() {
        let mut figures = Figures::of("run");
        figures.must_be_zero("lost", 0);
        assert!(figures.broken.is_empty());
        figures.must_be_zero("lost", 1);
        figures.must_be_below("back", Duration::from_secs(5), Duration::from_secs(5));
        assert_eq!(figures.broken.len(), 2);
    }
}
