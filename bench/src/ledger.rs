//! The ledger: what was acknowledged, held against what the server keeps and what every client shows.
//!
//! Invariant: the check trusts neither side. What a message says follows from its id, so a changed or exchanged text shows
//! without anyone remembering texts; order and number are compared with the server's history, and the history with the
//! acknowledgements.

use std::{collections::BTreeMap, fmt};

/// A room's rows, in the order they are kept or shown.
pub(crate) type Log = Vec<Entry>;

/// One row, of the server's history or of a client's timeline.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Entry {
    /// Its position; `None` for one that has not reached the server.
    pub(crate) seq: Option<u64>,
    /// What it says.
    pub(crate) text: String,
}

/// What the message with this id says.
pub(crate) fn text_of(id: &str) -> String {
    // Different lengths and more than one byte per character, so that a cut or shifted text shows.
    let check = id.bytes().fold(7_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte)));
    format!("{id} 申し送り{}", "々".repeat((check % 40) as usize))
}

/// The id of the message that says this; `None` if no message does.
pub(crate) fn id_in(text: &str) -> Option<&str> {
    let id = text.split(' ').next()?;
    (text == text_of(id)).then_some(id)
}

/// What came of the comparison.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Findings {
    /// Acknowledged, and not in the server's history.
    pub(crate) lost_by_server: usize,
    /// More than once in the server's history.
    pub(crate) doubled_by_server: usize,
    /// Acknowledged, and not in some client's timeline; counted once for each client.
    pub(crate) not_shown: usize,
    /// More than once in some client's timeline.
    pub(crate) shown_twice: usize,
    /// Not where the acknowledgement or the server's history has it.
    pub(crate) out_of_order: usize,
    /// A text that no message says, or that was said in another room.
    pub(crate) changed: usize,
    /// Shown, but not in the server's history: still waiting, or invented.
    pub(crate) unsent: usize,
}

impl Findings {
    /// Adds what was found elsewhere.
    pub(crate) fn add(&mut self, other: &Self) {
        self.lost_by_server += other.lost_by_server;
        self.doubled_by_server += other.doubled_by_server;
        self.not_shown += other.not_shown;
        self.shown_twice += other.shown_twice;
        self.out_of_order += other.out_of_order;
        self.changed += other.changed;
        self.unsent += other.unsent;
    }

    pub(crate) fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "lost by the server {}, doubled by the server {}, not shown {}, shown twice {}, out of order {}, changed {}, unsent {}",
            self.lost_by_server,
            self.doubled_by_server,
            self.not_shown,
            self.shown_twice,
            self.out_of_order,
            self.changed,
            self.unsent
        )
    }
}

/// What was acknowledged.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Room and position by id.
    acked: BTreeMap<String, (String, u64)>,
    /// Acknowledgements of the same message that named another place.
    contradictions: usize,
}

impl Ledger {
    /// Notes an acknowledgement. Returns whether it is the first of its message.
    pub(crate) fn note(&mut self, id: &str, room: &str, seq: u64) -> bool {
        let place = (room.to_owned(), seq);
        match self.acked.get(id) {
            Some(known) => {
                self.contradictions += usize::from(*known != place);
                false
            }
            None => {
                self.acked.insert(id.to_owned(), place);
                true
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.acked.len()
    }

    /// Holds the acknowledgements against the server's history and each client's timelines, by room.
    pub(crate) fn check(&self, history: &BTreeMap<String, Log>, clients: &[BTreeMap<String, Log>]) -> Findings {
        let mut findings = Findings { out_of_order: self.contradictions, ..Findings::default() };
        let mut kept: BTreeMap<&str, Vec<(&str, u64)>> = BTreeMap::new();
        for (room, log) in history {
            let mut last = 0;
            for entry in log {
                let seq = entry.seq.unwrap_or_default();
                findings.out_of_order += usize::from(seq <= last);
                last = seq;
                match id_in(&entry.text) {
                    Some(id) => kept.entry(id).or_default().push((room, seq)),
                    None => findings.changed += 1,
                }
            }
        }
        findings.doubled_by_server = kept.values().map(|places| places.len() - 1).sum();
        for (id, (room, seq)) in &self.acked {
            match kept.get(id.as_str()).map(Vec::as_slice) {
                None => findings.lost_by_server += 1,
                Some([(kept_room, kept_seq)]) => {
                    findings.changed += usize::from(kept_room != room);
                    findings.out_of_order += usize::from(kept_room == room && kept_seq != seq);
                }
                Some(_) => {}
            }
        }
        for timelines in clients {
            for (room, log) in history {
                let empty = Log::new();
                self.check_timeline(room, log, timelines.get(room).unwrap_or(&empty), &mut findings);
            }
        }
        findings
    }

    fn check_timeline(&self, room: &str, history: &Log, timeline: &Log, findings: &mut Findings) {
        let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
        let places: BTreeMap<&str, usize> =
            history.iter().enumerate().map(|(place, entry)| (entry.text.as_str(), place)).collect();
        let mut last = None;
        for entry in timeline {
            let Some(id) = id_in(&entry.text) else {
                findings.changed += 1;
                continue;
            };
            *shown.entry(id).or_default() += 1;
            match places.get(entry.text.as_str()) {
                Some(place) => {
                    // A second showing is counted as such, not as disorder.
                    let is_repeat = shown.get(id).is_some_and(|times| *times > 1);
                    let is_misplaced = last.is_some_and(|last| place <= last);
                    let is_misnumbered = history.get(*place).is_none_or(|kept| kept.seq != entry.seq);
                    findings.out_of_order += usize::from(!is_repeat && (is_misplaced || is_misnumbered));
                    last = Some(place);
                }
                None => findings.unsent += 1,
            }
        }
        findings.shown_twice += shown.values().map(|times| times - 1).sum::<usize>();
        findings.not_shown += self
            .acked
            .iter()
            .filter(|(id, (acked_room, _))| acked_room == room && !shown.contains_key(id.as_str()))
            .count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(ids: &[&str]) -> Log {
        ids.iter().zip(1..).map(|(id, seq)| Entry { seq: Some(seq), text: text_of(id) }).collect()
    }

    fn room(log: Log) -> BTreeMap<String, Log> {
        [("ward".to_owned(), log)].into()
    }

    fn ledger(ids: &[&str]) -> Ledger {
        let mut ledger = Ledger::default();
        for (id, seq) in ids.iter().zip(1..) {
            assert!(ledger.note(id, "ward", seq));
        }
        ledger
    }

    fn found(history: Log, timeline: Log) -> Findings {
        ledger(&["a", "b", "c"]).check(&room(history), &[room(log(&["a", "b", "c"])), room(timeline)])
    }

    #[test]
    fn nothing_is_found_where_all_is_well() {
        assert!(found(log(&["a", "b", "c"]), log(&["a", "b", "c"])).is_clean());
    }

    #[test]
    fn a_message_the_server_lost_is_found() {
        let findings = found(log(&["a", "b"]), log(&["a", "b", "c"]));
        assert_eq!((findings.lost_by_server, findings.unsent), (1, 2), "two clients show what is not there");
    }

    #[test]
    fn a_message_the_server_keeps_twice_is_found() {
        let findings = found(log(&["a", "b", "c", "b"]), log(&["a", "b", "c"]));
        assert_eq!(findings.doubled_by_server, 1);
    }

    #[test]
    fn a_message_that_one_client_does_not_show_is_found() {
        let mut timeline = log(&["a", "b", "c"]);
        timeline.remove(1);
        let findings = found(log(&["a", "b", "c"]), timeline);
        assert_eq!(findings, Findings { not_shown: 1, ..Findings::default() });
    }

    #[test]
    fn a_message_that_one_client_shows_twice_is_found() {
        let mut timeline = log(&["a", "b", "c"]);
        timeline.push(timeline[1].clone());
        assert_eq!(found(log(&["a", "b", "c"]), timeline), Findings { shown_twice: 1, ..Findings::default() });
    }

    #[test]
    fn another_order_is_found() {
        let mut timeline = log(&["a", "b", "c"]);
        timeline.swap(0, 1);
        assert_eq!(found(log(&["a", "b", "c"]), timeline).out_of_order, 1);
        assert!(found(log(&["b", "a", "c"]), log(&["b", "a", "c"])).out_of_order > 0, "not as acknowledged");
    }

    #[test]
    fn another_text_is_found() {
        let mut timeline = log(&["a", "b", "c"]);
        timeline[2].text.push('!');
        let findings = found(log(&["a", "b", "c"]), timeline);
        assert_eq!((findings.changed, findings.not_shown), (1, 1));
    }

    #[test]
    fn a_message_that_still_waits_is_found() {
        let mut timeline = log(&["a", "b", "c"]);
        timeline.push(Entry { seq: None, text: text_of("d") });
        assert_eq!(found(log(&["a", "b", "c"]), timeline), Findings { unsent: 1, ..Findings::default() });
    }

    #[test]
    fn two_acknowledgements_that_disagree_are_found() {
        let mut ledger = ledger(&["a", "b", "c"]);
        assert!(!ledger.note("a", "ward", 1));
        assert!(!ledger.note("a", "ward", 4));
        assert_eq!(ledger.check(&room(log(&["a", "b", "c"])), &[]).out_of_order, 1);
    }
}
