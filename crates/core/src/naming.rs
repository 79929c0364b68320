//! Names of people and rooms as they may be shown, wherever they come from.
//!
//! Invariant: no name that is shown or stored can pass for another by what is not seen in it. Such characters are shown as what
//! cannot be shown rather than taken out, so that one notices.

use hugmedo_chat_protocol::{Sensitive, User};

/// Longest name that is shown, in characters.
const MAX_CHARS: usize = 255;

/// Control characters, and those that show nothing or turn the direction of what follows. The joiners stay: emoji and several
/// scripts need them.
fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                      | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn clean(name: &str) -> String {
    name.chars().take(MAX_CHARS).map(|c| if misleads(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// A name as it may be shown.
pub(crate) fn shown(name: &Sensitive) -> Sensitive {
    Sensitive::new(clean(name.as_str()))
}

/// A person as they may be shown.
pub(crate) fn person(user: &User) -> User {
    User { name: shown(&user.name), role: user.role.as_deref().map(clean), ..user.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_in_a_name_is_seen() {
        for (name, seen) in [
            ("佐藤 恵", "佐藤 恵"),
            ("👩\u{200d}⚕️ 当直", "👩\u{200d}⚕️ 当直"),
            ("می\u{200c}خواهم", "می\u{200c}خواهم"),
            ("恵\u{202e}藤佐", "恵\u{fffd}藤佐"),
            ("佐\u{200b}藤\n恵", "佐\u{fffd}藤\u{fffd}恵"),
            ("\u{feff}", "\u{fffd}"),
            ("", ""),
        ] {
            assert_eq!(shown(&name.into()).as_str(), seen, "{name:?}");
        }
        assert_eq!(shown(&Sensitive::new("長".repeat(50_000))).as_str().chars().count(), MAX_CHARS);
    }
}
