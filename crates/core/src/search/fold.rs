//! What makes no difference when looking for something: width, case, hiragana or katakana, and characters that cannot be seen.
//!
//! Invariant: a piece of a text folds to a piece of the folded text, so that what is looked for is folded alone and found in
//! what was folded whole.

use std::ops::Range;

use unicode_normalization::{UnicodeNormalization, char::canonical_combining_class};

/// A text without what makes no difference.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    each(text, |character, _| folded.push(character));
    folded
}

/// As [`fold`], with the place in the text that each byte of the folded text comes from.
pub(super) fn fold_with_places(text: &str) -> (String, Vec<Range<usize>>) {
    let (mut folded, mut places) = (String::new(), Vec::new());
    each(text, |character, place| {
        folded.push(character);
        places.resize(folded.len(), place);
    });
    (folded, places)
}

/// Calls `put` with each folded character and the bytes of the text that it comes from. A character and the marks on it are
/// folded together: a half-width letter with its sound mark is one full-width letter.
fn each(text: &str, mut put: impl FnMut(char, Range<usize>)) {
    let mut characters = text.char_indices().peekable();
    while let Some((start, character)) = characters.next() {
        let mut end = start + character.len_utf8();
        while let Some((at, mark)) = characters.next_if(|(_, next)| is_mark(*next)) {
            end = at + mark.len_utf8();
        }
        if end == start + 1 {
            put(character.to_ascii_lowercase(), start..end);
            continue;
        }
        for character in text.get(start..end).unwrap_or_default().nfkc().filter(|it| !is_unseen(*it)) {
            for lower in as_hiragana(character).to_lowercase() {
                put(lower, start..end);
            }
        }
    }
}

fn is_mark(character: char) -> bool {
    character >= '\u{300}'
        && (matches!(character, '\u{ff9e}' | '\u{ff9f}') || canonical_combining_class(character) != 0)
}

fn as_hiragana(character: char) -> char {
    match character {
        'ァ'..='ヶ' | 'ヽ' | 'ヾ' => char::from_u32(u32::from(character) - 0x60).unwrap_or(character),
        _ => character,
    }
}

/// Marks of direction, joiners and the like, with which the same words look the same and are not.
fn is_unseen(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn width_case_kana_and_what_cannot_be_seen_make_no_difference() {
        for (text, folded) in [
            ("ＡＢＣ１２３", "abc123"),
            ("SpO2 は 98％", "spo2 は 98%"),
            ("ﾊﾞｲﾀﾙ", "ばいたる"),
            ("バイタル", "ばいたる"),
            ("は\u{3099}いたる", "ばいたる"),
            ("ヴァ・ヶ月ヽヾ", "ゔぁ・ゖ月ゝゞ"),
            ("㍿", "株式会社"),
            ("全角　空白", "全角 空白"),
            ("見え\u{200b}な\u{202e}い", "見えない"),
            ("❤\u{fe0f}", "❤"),
            ("Ärzte", "ärzte"),
            ("", ""),
        ] {
            assert_eq!(fold(text), folded, "{text:?}");
            let (again, places) = fold_with_places(text);
            assert_eq!((again.as_str(), places.len()), (folded, folded.len()));
            assert!(places.iter().all(|place| text.get(place.clone()).is_some()), "places are whole characters");
        }
    }

    #[test]
    fn a_folded_character_knows_where_it_comes_from() {
        let text = "A\u{200b}ﾊﾞ㍿b";
        let (folded, places) = fold_with_places(text);
        let origin = |piece: &str| {
            let at = folded.find(piece).expect("is there");
            text.get(places[at].start..places[at + piece.len() - 1].end).expect("whole characters")
        };
        assert_eq!(origin("ば"), "ﾊﾞ");
        assert_eq!(origin("会社b"), "㍿b", "a character that unfolds is one place");
    }
}
