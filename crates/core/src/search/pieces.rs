//! What the index knows of a message: every two neighbouring characters, the last character of every word by itself, its room
//! and its author. So two characters are one look-up, one character is a prefix, and more are verified in the text.
//!
//! Invariant: a message in which every word of a query occurs has every piece of the query.

use std::collections::BTreeSet;

use super::folding::{Folded, fold};

/// The pieces of a message, as the index takes them.
pub(crate) fn of_message(text: &str, room: &str, author: &str) -> String {
    let folded: Folded = fold(text);
    let mut pieces: BTreeSet<String> = BTreeSet::from([in_room(room), by_author(author)]);
    for word in folded.chars.split(|char| *char == ' ') {
        pieces.extend(word.windows(2).map(pair));
        pieces.extend(word.last().map(|char| single(*char)));
    }
    pieces.into_iter().collect::<Vec<_>>().join(" ")
}

/// The condition under which the index names a message, in the words of FTS5. `None` if nothing is asked for.
pub(super) fn condition(words: &[Vec<char>], room: Option<&str>, author: Option<&str>) -> Option<String> {
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    for word in words {
        match word.as_slice() {
            [char] => drop(wanted.insert(format!("\"{}\" *", single(*char)))),
            longer => wanted.extend(longer.windows(2).map(|chars| format!("\"{}\"", pair(chars)))),
        }
    }
    if wanted.is_empty() {
        return None;
    }
    wanted.extend(room.map(|room| format!("\"{}\"", in_room(room))));
    wanted.extend(author.map(|author| format!("\"{}\"", by_author(author))));
    Some(wanted.into_iter().collect::<Vec<_>>().join(" AND "))
}

// Digits, so that the tokenizer has nothing to decide. A single one is the beginning of every pair it begins.
fn single(char: char) -> String {
    format!("{:05x}", u32::from(char))
}

fn pair(chars: &[char]) -> String {
    chars.iter().map(|char| single(*char)).collect()
}

// Letters no hexadecimal number begins with.
fn in_room(room: &str) -> String {
    format!("r{}", digits(room))
}

fn by_author(author: &str) -> String {
    format!("u{}", digits(author))
}

fn digits(id: &str) -> String {
    id.bytes().map(|byte| format!("{byte:02x}")).collect()
}
