//! Text as search compares it: width, case and kana make no difference, and what cannot be seen is not there.
//!
//! Invariant: every folded character knows which piece of the original it comes from, so that a hit can be shown in the
//! text as it was written.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

/// A folded text.
#[derive(Debug, Default)]
pub(super) struct Folded {
    /// Its characters.
    pub(super) chars: Vec<char>,
    /// For each, the bytes of the original it comes from.
    pub(super) origins: Vec<Range<usize>>,
}

/// Folds a text: compatibility forms and full or half width (NFKC), lower case, hiragana for katakana; control and invisible
/// characters are left out, and every kind of space becomes a plain one.
pub(super) fn fold(text: &str) -> Folded {
    let mut folded = Folded::default();
    // By what is seen as one character: a half-width kana and its voicing mark fold to one.
    for (begin, cluster) in text.grapheme_indices(true) {
        for char in cluster.nfkc().flat_map(char::to_lowercase) {
            let char = match char {
                space if space.is_whitespace() => ' ',
                hidden if hidden.is_control() || is_invisible(hidden) => continue,
                katakana @ '\u{30a1}'..='\u{30f6}' => char::from_u32(u32::from(katakana) - 0x60).unwrap_or(katakana),
                other => other,
            };
            folded.chars.push(char);
            folded.origins.push(begin..begin + cluster.len());
        }
    }
    folded
}

/// Marks that steer how text is drawn and stand for nothing themselves.
fn is_invisible(char: char) -> bool {
    matches!(char,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// The words of a query, folded.
pub(super) fn words(query: &str) -> Vec<Vec<char>> {
    let folded = fold(query);
    folded.chars.split(|char| *char == ' ').filter(|word| !word.is_empty()).map(<[char]>::to_vec).collect()
}

impl Folded {
    /// Where a word occurs, as positions of folded characters. Occurrences do not overlap.
    pub(super) fn occurrences(&self, word: &[char]) -> Vec<Range<usize>> {
        let (mut found, mut begin) = (Vec::new(), 0);
        while let Some(rest) = self.chars.get(begin..) {
            let Some(at) = rest.windows(word.len().max(1)).position(|window| window == word) else { break };
            found.push(begin + at..begin + at + word.len());
            begin += at + word.len();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(text: &str) -> String {
        fold(text).chars.into_iter().collect()
    }

    #[test]
    fn width_case_and_kana_make_no_difference() {
        assert_eq!(folded("ＣＴ室"), folded("ct室"));
        assert_eq!(folded("ｶﾞﾝ"), folded("がん"));
        assert_eq!(folded("ガン"), folded("がん"));
        assert_eq!(folded("パ"), folded("は\u{309a}"));
        assert_eq!(folded("①㎎"), "1mg");
        assert_eq!(folded("CT\u{200b}\u{202e}室"), "ct室");
        assert_eq!(folded("処方\u{3000}変更\n済"), "処方 変更 済");
    }

    #[test]
    fn a_hit_is_found_in_the_original() {
        let text = "本日ｶﾞﾝ検診";
        let found = fold(text);
        let word: Vec<char> = folded("ガン").chars().collect();
        let hits = found.occurrences(&word);
        assert_eq!(hits, [2..4]);
        let (first, last) = (&found.origins[2], &found.origins[3]);
        assert_eq!(&text[first.start..last.end], "ｶﾞﾝ");
    }

    #[test]
    fn occurrences_do_not_overlap_and_nothing_occurs_in_nothing() {
        let word = ['a', 'a'];
        assert_eq!(fold("aaaaa").occurrences(&word), [0..2, 2..4]);
        assert!(fold("").occurrences(&word).is_empty());
        assert!(fold("a").occurrences(&word).is_empty());
    }
}
