//! The piece of a message that is shown for a hit.

use std::ops::Range;

use hugmedo_chat_protocol::Sensitive;

use super::fold::fold_with_places;
use crate::view::ExcerptPart;

/// Characters of an excerpt.
const LENGTH: usize = 120;
/// Characters before the first place that was found.
const LEAD: usize = 30;

/// The text around the first place where one of the folded words stands, on one line.
pub(super) fn excerpt(text: &str, words: &[String]) -> Vec<ExcerptPart> {
    let hits = places(text, words);
    let first = hits.first().map_or(0, |hit| hit.start);
    let lead = text.get(..first).unwrap_or_default().chars().rev().take(LEAD).map(char::len_utf8).sum::<usize>();
    let start = first - lead;
    let length = text.get(start..).unwrap_or_default().chars().take(LENGTH).map(char::len_utf8).sum::<usize>();
    let end = start + length;

    let mut parts = Vec::new();
    if start > 0 {
        push(&mut parts, "…", false);
    }
    let mut at = start;
    for hit in hits.iter().take_while(|hit| hit.start < end) {
        let hit_end = hit.end.min(end);
        push(&mut parts, text.get(at..hit.start).unwrap_or_default(), false);
        push(&mut parts, text.get(hit.start..hit_end).unwrap_or_default(), true);
        at = hit_end;
    }
    push(&mut parts, text.get(at..end).unwrap_or_default(), false);
    if end < text.len() {
        push(&mut parts, "…", false);
    }
    parts.into_iter().map(|(text, hit)| ExcerptPart { text: Sensitive::new(text), hit }).collect()
}

/// Adds a piece, on one line, to the part before it if it is of the same kind.
fn push(parts: &mut Vec<(String, bool)>, piece: &str, hit: bool) {
    if parts.last().is_none_or(|(_, kind)| *kind != hit) {
        if piece.is_empty() {
            return;
        }
        parts.push((String::new(), hit));
    }
    let Some((text, _)) = parts.last_mut() else { return };
    for character in piece.chars() {
        match character {
            space if space.is_whitespace() || space.is_control() => {
                if !text.ends_with(' ') {
                    text.push(' ');
                }
            }
            other => text.push(other),
        }
    }
}

/// Where the words stand in the text, ascending, without overlap.
fn places(text: &str, words: &[String]) -> Vec<Range<usize>> {
    let (folded, origins) = fold_with_places(text);
    let mut found: Vec<Range<usize>> = words
        .iter()
        .flat_map(|word| folded.match_indices(word.as_str()))
        .filter_map(|(at, word)| {
            let last = origins.get((at + word.len()).checked_sub(1)?)?;
            Some(origins.get(at)?.start..last.end)
        })
        .collect();
    found.sort_by_key(|place| (place.start, place.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for place in found {
        match merged.last_mut() {
            Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
            _ => merged.push(place),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|word| super::super::fold::fold(word)).collect();
        let parts = excerpt(text, &words);
        assert!(parts.windows(2).all(|pair| pair[0].hit != pair[1].hit), "parts alternate");
        parts
            .iter()
            .map(|part| if part.hit { format!("[{}]", part.text.as_str()) } else { part.text.as_str().to_owned() })
            .collect()
    }

    #[test]
    fn hits_are_marked_in_the_original_spelling() {
        assert_eq!(shown("夜間のﾅｰｽｺｰﾙは２回", &["ナース", "2回"]), "夜間の[ﾅｰｽ]ｺｰﾙは[２回]");
        assert_eq!(shown("aaaa", &["aa"]), "[aaaa]");
        assert_eq!(shown("本文だけ", &[]), "本文だけ");
        assert_eq!(shown("", &["a"]), "");
    }

    #[test]
    fn a_long_text_is_shown_around_the_first_hit_on_one_line() {
        let text = format!("{}\n\n至急\t確認{}", "前".repeat(500), "後".repeat(500));
        let excerpt = shown(&text, &["確認"]);
        assert!(excerpt.starts_with("…前") && excerpt.ends_with("後…"), "{excerpt}");
        assert!(excerpt.contains("前 至急 [確認]後"), "{excerpt}");
        assert!(excerpt.chars().count() <= LENGTH + 4);
        let family = "👨\u{200d}👩\u{200d}👧".repeat(100);
        assert_eq!(shown(&family, &["👩"]).matches('[').count(), shown(&family, &["👩"]).matches(']').count());
    }
}
