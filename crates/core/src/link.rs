//! Addresses in messages, before they are handed to the system.
//!
//! Invariant: default deny. Only what is plainly a page or a mail address passes: nothing that starts a program, reads a file,
//! carries a password, or looks like something else than it is.

use url::Url;

use crate::error::{Error, ErrorCode};

/// Longer than any address a person follows; systems cut off or choke on more.
const LONGEST: usize = 2_048;
/// What a mail address may fill in; some mail programs take `attach` for a file to send along.
const MAIL_FIELDS: [&str; 3] = ["subject", "body", "cc"];

/// Checks an address that someone wants to follow. Returns it as the system is to be given it: in ASCII, without surprises.
///
/// # Errors
/// `Refused` for anything but a harmless `https:`, `http:` or `mailto:` address. The error never quotes it.
pub fn check_link(text: &str) -> Result<Url, Error> {
    let refused = |why: &str| Error::new(ErrorCode::Refused, format!("link: {why}"));
    if text.len() > LONGEST {
        return Err(refused("too long"));
    }
    if text.chars().any(is_deceptive) {
        return Err(refused("characters that cannot be seen"));
    }
    let url = Url::parse(text).map_err(|_| refused("not an address"))?;
    match url.scheme() {
        "https" | "http" => {
            if !url.username().is_empty() || url.password().is_some() {
                return Err(refused("a user name or password"));
            }
            if url.host_str().is_none_or(str::is_empty) {
                return Err(refused("no host"));
            }
        }
        "mailto" => {
            let fits = |name: &str| MAIL_FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field));
            if !url.path().contains('@') || !url.query_pairs().all(|(name, _)| fits(&name)) {
                return Err(refused("not a plain mail address"));
            }
        }
        _ => return Err(refused("a scheme that is not opened")),
    }
    Ok(url)
}

/// Control characters, white space, and marks that hide or turn round what stands beside them.
pub(crate) fn is_deceptive(character: char) -> bool {
    character.is_control()
        || character.is_whitespace()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_and_mail_addresses_pass() {
        for (text, given) in [
            ("https://example.jp/検査?値=1#表", "https://example.jp/%E6%A4%9C%E6%9F%BB?%E5%80%A4=1#%E8%A1%A8"),
            ("HTTP://Intranet:8080/a", "http://intranet:8080/a"),
            ("https://例え.jp", "https://xn--r8jz45g.jp/"),
            ("mailto:yakkyoku@example.jp?subject=至急", "mailto:yakkyoku@example.jp?subject=%E8%87%B3%E6%80%A5"),
        ] {
            assert_eq!(check_link(text).map(|url| url.to_string()).as_deref(), Ok(given));
        }
    }

    #[test]
    fn everything_else_is_refused_and_never_quoted() {
        for text in [
            "",
            "example.jp",
            "//example.jp",
            "javascript:alert(1)",
            "data:text/html,<script>",
            "file:///etc/passwd",
            "smb://server/share",
            "ms-msdt:/id",
            "tel:110",
            "HTTPS:",
            "https://",
            "https://sato:himitsu@example.jp",
            "https://example.jp@evil.example",
            "https://example.jp/\u{202e}gpj.exe",
            "https://exam\u{200b}ple.jp",
            "https://example.jp/\u{e0041}",
            " https://example.jp",
            "https://example.jp\n--flag",
            "https://example.jp/\0",
            "mailto:",
            "mailto:yakkyoku@example.jp?attach=/etc/passwd",
            "mailto:yakkyoku@example.jp?Attach=C:%5Cx&subject=a",
            "blob:https://example.jp/1",
            "--help",
        ] {
            let refusal = check_link(text).expect_err(text);
            assert_eq!(refusal.code(), ErrorCode::Refused, "{text:?}");
            assert!(!refusal.to_string().contains("example"), "{refusal}");
        }
        let long = format!("https://example.jp/{}", "a".repeat(LONGEST));
        assert!(check_link(&long).is_err());
    }
}
