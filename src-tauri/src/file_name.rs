//! The name a file is offered to be saved under.
//!
//! Invariant: it is one name on every system: no path, nothing a person does not see, nothing Windows takes for a device.

/// Longest name, in bytes; systems take 255.
const MAX_BYTES: usize = 200;
/// Longest ending that is kept of a longer name, in bytes, with its dot.
const MAX_ENDING_BYTES: usize = 20;

/// A name made of what someone else calls a file.
pub(crate) fn cleaned(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .chars()
        .filter(|c| !c.is_control() && !is_unseen(*c))
        .map(|c| if "<>:\"|?*".contains(c) { '_' } else { c })
        .collect();
    let clean = clean.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let clean = if clean.is_empty() { "file" } else { clean };
    let stem = clean.split('.').next().unwrap_or_default().trim_end();
    let prefix = if is_device(stem) { "_" } else { "" };
    shortened(&format!("{prefix}{clean}"))
}

/// Characters that change how others are shown, or are not shown themselves.
fn is_unseen(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// What Windows takes for a device, whatever ending it has.
fn is_device(stem: &str) -> bool {
    let stem = stem.to_uppercase();
    if matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$") {
        return true;
    }
    let port = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT")).unwrap_or_default();
    let mut number = port.chars();
    matches!((number.next(), number.next()), (Some('0'..='9' | '¹' | '²' | '³'), None))
}

fn shortened(name: &str) -> String {
    if name.len() <= MAX_BYTES {
        return name.to_owned();
    }
    let ending = name.rfind('.').and_then(|dot| name.get(dot..)).filter(|ending| ending.len() <= MAX_ENDING_BYTES);
    let ending = ending.unwrap_or_default();
    let stem = name.get(..name.floor_char_boundary(MAX_BYTES - ending.len())).unwrap_or_default();
    format!("{}{ending}", stem.trim_end())
}

#[cfg(test)]
mod tests {
    use super::cleaned;

    #[test]
    fn a_name_has_no_path_nothing_unseen_and_is_no_device() {
        for (name, offered) in [
            ("紹介状.pdf", "紹介状.pdf"),
            ("../../.ssh/authorized_keys", "authorized_keys"),
            ("C:\\Windows\\x.pdf", "x.pdf"),
            ("C:x.pdf", "C_x.pdf"),
            ("請求\u{202e}fdp.exe", "請求fdp.exe"),
            ("a\u{200b}\u{feff}b\0\n\u{7f}\u{85}.pdf", "ab.pdf"),
            (".bashrc", "bashrc"),
            ("x.pdf. . ", "x.pdf"),
            ("con", "_con"),
            ("NUL.tar.gz", "_NUL.tar.gz"),
            ("com¹.txt", "_com¹.txt"),
            ("lpt1 .txt", "_lpt1 .txt"),
            ("company.txt", "company.txt"),
            ("COM10.txt", "COM10.txt"),
            ("\u{202e}", "file"),
            ("/", "file"),
            ("", "file"),
            ("結果?<1>|*.csv", "結果__1___.csv"),
        ] {
            assert_eq!(cleaned(name), offered, "{name:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending_and_whole_characters() {
        let long = cleaned(&format!("{}.pdf", "薬".repeat(200)));
        assert_eq!(long, format!("{}.pdf", "薬".repeat(65)));
        let without = cleaned(&"薬".repeat(200));
        assert_eq!(without, "薬".repeat(66));
        assert_eq!(cleaned(&long), long, "cleaning twice changes nothing");
    }
}
