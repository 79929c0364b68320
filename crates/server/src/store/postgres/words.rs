//! The store's SQL and texts as Postgres takes them.
//!
//! Invariant: a text that was written is read as the same text, U+0000 included, which Postgres refuses in any text.

use std::borrow::Cow;

/// Parameters as `$1` in place of `?1`, and the one table whose name is a word of Postgres' own in quotes.
pub(super) fn translated(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len() + 8);
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (piece, behind) = match first {
            '\'' | '"' => {
                let end = rest.char_indices().skip(1).find(|(_, c)| *c == first).map_or(rest.len(), |(at, _)| at + 1);
                rest.split_at_checked(end).unwrap_or((rest, ""))
            }
            '?' => {
                out.push('$');
                rest = rest.strip_prefix('?').unwrap_or_default();
                continue;
            }
            _ => {
                let end = if is_word(first) {
                    rest.find(|c| !is_word(c))
                } else {
                    rest.find(|c| is_word(c) || "'\"?".contains(c))
                };
                rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, ""))
            }
        };
        if piece == "user" {
            out.push_str("\"user\"");
        } else {
            out.push_str(piece);
        }
        rest = behind;
    }
    out
}

/// Stands before a digit that says what was there; a noncharacter, which nobody types.
const ESCAPE: char = '\u{10FFFE}';

/// A text without U+0000.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['\0', ESCAPE]) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\0' => out.extend([ESCAPE, '0']),
            ESCAPE => out.extend([ESCAPE, '1']),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// What [`escaped`] was given.
pub(super) fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains(ESCAPE) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ESCAPE => out.push(if chars.next() == Some('0') { '\0' } else { ESCAPE }),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_and_the_table_of_people_are_translated_and_nothing_else() {
        let sql = "SELECT user.id, user_id, 'user ?1' FROM user JOIN end_user ON user.id = ?12 WHERE a <> ?1";
        let expected =
            r#"SELECT "user".id, user_id, 'user ?1' FROM "user" JOIN end_user ON "user".id = $12 WHERE a <> $1"#;
        assert_eq!(translated(sql), expected);
    }

    #[test]
    fn every_text_comes_back_as_it_was() {
        for text in ["", "発熱", "a\0b", "\0\0", "\u{10FFFE}", "\u{10FFFE}0\0", "0\u{10FFFE}\0\u{10FFFE}"] {
            let escaped = escaped(text);
            assert!(!escaped.contains('\0'));
            assert_eq!(unescaped(&escaped), text);
        }
    }
}
