//! What stands in the index of a text, and what is asked of the index.
//!
//! Japanese is written without spaces, and its words are often two characters long. So the terms of a text are its overlapping
//! pairs of characters, and the last character of each run by itself, so that one character alone is the beginning of a term
//! wherever it stands. A text that lacks one of the pairs of a word lacks the word; whether one that has them all has the word
//! is looked up in the text.

/// Before the name of the room or the person a message belongs to, which are terms like others. No text folds to these.
const ROOM: char = '\u{f1000}';
const AUTHOR: char = '\u{f1001}';
/// Longer questions are put to the index by their beginning only.
const MOST_TERMS: usize = 64;

/// The terms of a folded text, separated by spaces.
pub(crate) fn of_message(folded: &str, room: &str, author: &str) -> String {
    let mut terms = String::with_capacity(folded.len() * 2 + 64);
    for word in folded.split_whitespace() {
        let mut rest = word.chars().map(in_a_term).peekable();
        while let Some(character) = rest.next() {
            terms.push(character);
            terms.extend(rest.peek());
            terms.push(' ');
        }
    }
    terms.push_str(&named(ROOM, room));
    terms.push(' ');
    terms.push_str(&named(AUTHOR, author));
    terms
}

/// The question for messages that may hold all of these folded words, in a room and by a person if they are given. `None` if
/// nothing is asked for.
pub(crate) fn question(words: &[String], room: Option<&str>, author: Option<&str>) -> Option<String> {
    let names = room.map(|room| named(ROOM, room)).into_iter().chain(author.map(|author| named(AUTHOR, author)));
    let mut asked: Vec<String> = names.map(|name| format!("\"{name}\"")).collect();
    for word in words {
        let characters: Vec<char> = word.chars().map(in_a_term).collect();
        match characters.as_slice() {
            [single] => asked.push(format!("\"{single}\"*")),
            several => asked.extend(several.windows(2).map(|pair| format!("\"{}\"", pair.iter().collect::<String>()))),
        }
    }
    asked.dedup();
    asked.truncate(MOST_TERMS);
    (!asked.is_empty()).then(|| asked.join(" AND "))
}

fn named(kind: char, name: &str) -> String {
    std::iter::once(kind).chain(name.chars().map(in_a_term)).collect()
}

/// The index splits its input at every ASCII character that is no letter or digit, so these stand in it as others.
fn in_a_term(character: char) -> char {
    if character.is_ascii() && !character.is_ascii_alphanumeric() {
        char::from_u32(0xf_0000 + u32::from(character)).unwrap_or(character)
    } else {
        character
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_its_pairs_and_the_last_character_of_each_run() {
        let terms = of_message("血圧 80 に", "r", "u");
        assert_eq!(terms, "血圧 圧 80 0 に \u{f1000}r \u{f1001}u");
    }

    #[test]
    fn a_question_cannot_say_anything_but_terms() {
        let words = [r#"a" OR b*"#.replace(' ', ""), "に".to_owned()];
        let question = question(&words, Some("x y"), None).expect("something is asked for");
        assert!(question.split(" AND ").all(|term| {
            let inner = term.trim_end_matches('*').strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            inner.is_some_and(|inner| !inner.contains(['"', ' ', '*']))
        }));
        assert!(question.ends_with("\"に\"*"));
        assert_eq!(super::question(&[], None, None), None);
    }
}
