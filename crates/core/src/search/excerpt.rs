//! The piece of a message that is shown for a hit.

use std::ops::Range;

use hugmedo_chat_protocol::Sensitive;

use super::folding::Folded;
use crate::view::ExcerptPart;

/// Folded characters shown before the first hit and after it, at most.
const BEFORE: usize = 30;
const AFTER: usize = 90;

/// The text around the first place where one of the words occurs, on one line, with every occurrence in it marked. `None`
/// unless each of the words occurs.
pub(super) fn excerpt(text: &str, folded: &Folded, words: &[Vec<char>]) -> Option<Vec<ExcerptPart>> {
    let mut hits: Vec<Range<usize>> = Vec::new();
    for word in words {
        let found = folded.occurrences(word);
        if found.is_empty() {
            return None;
        }
        hits.extend(found);
    }
    hits.sort_by_key(|hit| hit.start);
    let first = hits.first()?.start;
    let (begin, end) = (first.saturating_sub(BEFORE), (first + AFTER).min(folded.chars.len()));

    let mut parts = Parts::default();
    if begin > 0 {
        parts.add("…", false);
    }
    let mut shown = folded.origins.get(begin)?.start;
    for hit in hits.iter().filter(|hit| hit.start < end) {
        let (Some(from), Some(to)) = (folded.origins.get(hit.start), folded.origins.get(hit.end.saturating_sub(1)))
        else {
            continue;
        };
        // Words may overlap: what is marked already stays so.
        parts.add(text.get(shown..from.start).unwrap_or_default(), false);
        parts.add(text.get(from.start.max(shown)..to.end).unwrap_or_default(), true);
        shown = shown.max(to.end);
    }
    let close = folded.origins.get(end.saturating_sub(1))?.end;
    parts.add(text.get(shown..close).unwrap_or_default(), false);
    if end < folded.chars.len() {
        parts.add("…", false);
    }
    Some(parts.0)
}

#[derive(Default)]
struct Parts(Vec<ExcerptPart>);

impl Parts {
    /// Adds a piece of text on one line; an empty one is none.
    fn add(&mut self, text: &str, hit: bool) {
        if !text.is_empty() {
            let line: String = text.chars().map(|char| if char.is_whitespace() { ' ' } else { char }).collect();
            self.0.push(ExcerptPart { text: Sensitive::new(line), hit });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::folding::{fold, words},
        *,
    };

    fn shown(text: &str, query: &str) -> Option<String> {
        let parts = excerpt(text, &fold(text), &words(query))?;
        let mark = |part: &ExcerptPart| {
            if part.hit { format!("[{}]", part.text.as_str()) } else { part.text.as_str().to_owned() }
        };
        Some(parts.iter().map(mark).collect())
    }

    #[test]
    fn the_hits_are_marked_in_the_text_as_it_was_written() {
        assert_eq!(shown("退院ｼｮﾎｳは\n14時", "しょほう 14").as_deref(), Some("退院[ｼｮﾎｳ]は [14]時"));
        assert_eq!(shown("aab", "aa ab").as_deref(), Some("[aa][b]"));
        assert_eq!(shown("退院処方", "処方 採血"), None);
    }

    #[test]
    fn of_a_long_text_the_surroundings_of_the_first_hit_are_shown() {
        let text = format!("{}採血{}", "あ".repeat(500), "い".repeat(500));
        let excerpt = shown(&text, "採血").expect("it occurs");
        assert!(excerpt.starts_with("…あ") && excerpt.contains("[採血]") && excerpt.ends_with("い…"));
        assert!(excerpt.chars().count() < 130);
    }
}
