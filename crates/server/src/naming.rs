//! Names people give to rooms and files.
//!
//! Invariant: no name that is kept can hide what it names or where it lies.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Longest name of a file, in bytes: what every usual file system takes.
const MAX_FILE_NAME_BYTES: usize = 255;

/// What RFC 5987 leaves as it is.
const ATTRIBUTE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_');

/// Control characters, and those that show nothing or turn the direction of what follows: in a name they only deceive.
/// The joiners stay: emoji and several scripts need them.
pub(crate) fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
                      | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// A file's name as it is kept: no path, nothing that deceives, and an ending that tells what the file is. Another ending
/// stays and gets the true one behind it.
pub(crate) fn of_file(claimed: &str, endings: &[&str]) -> String {
    let last = claimed.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .chars()
        .filter(|c| !misleads(*c))
        .map(|c| if matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*') { '_' } else { c })
        .collect();
    let clean = clean.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let true_ending = endings.first().copied().unwrap_or_default();
    let (stem, ending) = match clean.rsplit_once('.') {
        Some((stem, ending)) if endings.iter().any(|known| known.eq_ignore_ascii_case(ending)) => (stem, ending),
        _ => (clean, true_ending),
    };
    let stem = if stem.is_empty() { "file" } else { stem };
    let room = MAX_FILE_NAME_BYTES.saturating_sub(ending.len() + 1);
    let stem = stem.get(..stem.floor_char_boundary(room)).unwrap_or_default();
    format!("{stem}.{ending}")
}

/// `Content-Disposition` of RFC 6266: to be saved, under this name; with a plain one for those who know no better.
pub(crate) fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !matches!(c, '"' | '\\' | '%') || c == ' ' { c } else { '_' })
        .collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(name, ATTRIBUTE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_has_no_path_nothing_that_deceives_and_a_true_ending() {
        let longest = format!("{}.png", "薬".repeat(200));
        for (claimed, kept) in [
            ("写真.png", "写真.png"),
            ("Photo.PNG", "Photo.PNG"),
            ("../../etc/passwd", "passwd.png"),
            ("C:\\Users\\sato\\x.png", "x.png"),
            ("invoice\u{202e}gnp.exe", "invoicegnp.exe.png"),
            ("a\0b\n.png", "ab.png"),
            ("con<script>.png", "con_script_.png"),
            ("", "file.png"),
            (" . ", "file.png"),
            (".png", "png.png"),
            ("setup.exe", "setup.exe.png"),
            (&longest, &format!("{}.png", "薬".repeat(83))),
        ] {
            assert_eq!(of_file(claimed, &["png"]), kept, "{claimed:?}");
        }
        assert_eq!(of_file("a.jpeg", &["jpg", "jpeg"]), "a.jpeg");
    }

    #[test]
    fn a_disposition_is_one_header_whatever_the_name() {
        assert_eq!(
            disposition("検査 \"1\";.pdf"),
            "attachment; filename=\"__ _1_;.pdf\"; filename*=UTF-8''%E6%A4%9C%E6%9F%BB%20%221%22%3B.pdf"
        );
    }
}
