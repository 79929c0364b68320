//! What the sample people said in the last days, and reading it.
//!
//! A line is `DAY TIME WHO TEXT` (`-2 08:31 sato …`, two days ago) or `AGE WHO TEXT` (`-12m sato …`, twelve minutes ago);
//! `WHO!` marks an urgent message. Everybody in it is invented.

use hugmedo_chat_protocol::Priority;
use jiff::{SignedDuration, Span, Zoned, civil::Time};

/// A room's talk by the room's id.
pub(super) const TALK: &[(&str, &str)] = &[
    ("announcements", include_str!("announcements.txt")),
    ("support", include_str!("support.txt")),
    ("patient-tanaka", include_str!("patient-tanaka.txt")),
    ("general", include_str!("general.txt")),
];

/// One thing said.
#[derive(Debug, PartialEq)]
pub(super) struct Line<'a> {
    pub(super) who: &'a str,
    pub(super) text: &'a str,
    pub(super) priority: Priority,
    /// Milliseconds after 1970-01-01T00:00:00Z.
    pub(super) at: i64,
}

/// Reads a line as of an instant; `None` if it is not one.
pub(super) fn read<'a>(line: &'a str, now: &Zoned) -> Option<Line<'a>> {
    let (when, rest) = line.split_once(' ')?;
    let (at, rest) = match when.strip_suffix('m') {
        Some(minutes) => (now.checked_add(SignedDuration::from_mins(minutes.parse().ok()?)).ok()?, rest),
        None => {
            let (time, rest) = rest.split_once(' ')?;
            let day = now.date().checked_add(Span::new().try_days(when.parse::<i64>().ok()?).ok()?).ok()?;
            let time: Time = time.parse().ok()?;
            (day.to_datetime(time).to_zoned(now.time_zone().clone()).ok()?, rest)
        }
    };
    let (who, text) = rest.split_once(' ')?;
    let (who, priority) = match who.strip_suffix('!') {
        Some(who) => (who, Priority::Urgent),
        None => (who, Priority::Normal),
    };
    Some(Line { who, text, priority, at: at.timestamp().as_millisecond() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_talk_can_be_read_and_stands_in_the_order_of_its_times() {
        // Just after midnight is where minutes ago and days ago could cross.
        for now in ["2026-03-02T00:05:00[Asia/Tokyo]", "2026-03-02T23:55:00[Asia/Tokyo]"] {
            let now: Zoned = now.parse().unwrap();
            for (room, talk) in TALK {
                let lines: Vec<_> = talk.lines().map(|line| read(line, &now).expect(line)).collect();
                assert!(lines.is_sorted_by_key(|line| line.at), "{room} jumps back in time");
                assert!(
                    lines.iter().all(|line| line.at <= now.timestamp().as_millisecond()),
                    "{room} knows the future"
                );
            }
        }
    }
}
