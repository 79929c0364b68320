//! What is counted and timed, for `GET /metrics`.
//!
//! Invariants: every label has few values, all of them ours: no person, room or text is one; counting never fails and never
//! waits for more than another count.

mod histogram;
mod page;

pub(crate) use histogram::Histogram;
pub(crate) use page::page;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use hugmedo_chat_protocol::{ErrorCode, Priority};

/// Counts by a few words each.
type Counts = Mutex<BTreeMap<Vec<String>, u64>>;

/// See the module.
#[derive(Debug)]
pub(crate) struct Metrics {
    started: u64,
    messages: Counts,
    sign_ins: Counts,
    refusals: Counts,
    closed: Counts,
    calls: Counts,
    answers: BTreeMap<&'static str, Histogram>,
    call_times: Mutex<BTreeMap<String, Histogram>>,
    escalated: AtomicU64,
    expired: AtomicU64,
}

/// Why a socket was closed by the server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Closed {
    /// It read more slowly than it was told.
    SlowReader,
    /// It sent faster than it was heard.
    QueueFull,
    /// Its session was over.
    SessionEnded,
}

fn count(counts: &Counts, labels: &[&str]) {
    let labels = labels.iter().map(|label| (*label).to_owned()).collect();
    *counts.lock().unwrap_or_else(PoisonError::into_inner).entry(labels).or_default() += 1;
}

impl Metrics {
    /// All at nothing; `events` are those that can be answered.
    pub(crate) fn new(events: impl IntoIterator<Item = &'static str>) -> Self {
        Self {
            started: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            messages: Counts::default(),
            sign_ins: Counts::default(),
            refusals: Counts::default(),
            closed: Counts::default(),
            calls: Counts::default(),
            answers: events.into_iter().map(|event| (event, Histogram::default())).collect(),
            call_times: Mutex::default(),
            escalated: AtomicU64::new(0),
            expired: AtomicU64::new(0),
        }
    }

    /// A message was stored.
    pub(crate) fn said(&self, priority: Priority) {
        count(&self.messages, &[if priority == Priority::Urgent { "urgent" } else { "normal" }]);
    }

    /// Someone tried to sign in; the code if they did not.
    pub(crate) fn signed_in(&self, refused: Option<ErrorCode>) {
        let outcome = refused.map_or_else(|| "granted".to_owned(), |code| code.to_string());
        count(&self.sign_ins, &[&outcome]);
    }

    /// A socket's event was refused.
    pub(crate) fn refused(&self, code: ErrorCode) {
        count(&self.refusals, &[&code.to_string()]);
    }

    /// The server closed a socket.
    pub(crate) fn closed(&self, why: Closed) {
        let why = match why {
            Closed::SlowReader => "slow_reader",
            Closed::QueueFull => "queue_full",
            Closed::SessionEnded => "session_ended",
        };
        count(&self.closed, &[why]);
    }

    /// An event was answered so long after it had come.
    pub(crate) fn answered(&self, event: &str, after: Duration) {
        if let Some(histogram) = self.answers.get(event) {
            histogram.observe(after);
        }
    }

    /// A call was answered. `route` is the pattern, not the path.
    pub(crate) fn called(&self, method: &str, route: &str, status: u16, after: Duration) {
        count(&self.calls, &[method, route, &status.to_string()]);
        // A long poll waits on purpose; what is no route of ours may be one of Socket.IO.
        if route != "/api/sync" && !route.is_empty() {
            let mut times = self.call_times.lock().unwrap_or_else(PoisonError::into_inner);
            times.entry(route.to_owned()).or_default().observe(after);
        }
    }

    /// An urgent message was told of again.
    pub(crate) fn escalated(&self) {
        self.escalated.fetch_add(1, Ordering::Relaxed);
    }

    /// So many messages were past their time and removed.
    pub(crate) fn expired(&self, count: usize) {
        self.expired.fetch_add(count as u64, Ordering::Relaxed);
    }
}
