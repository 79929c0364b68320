//! What a file is, found by looking at it. What it calls itself is not asked.
//!
//! Invariant: what is not on the list is refused, and nothing on the list runs.

use std::{fs::File, path::Path};

/// What may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) media_type: &'static str,
    /// Endings a name may have; the first is given to a name that has none of them.
    pub(crate) endings: &'static [&'static str],
}

const TEXT: Kind = Kind { media_type: "text/plain", endings: &["txt", "csv", "tsv", "md", "log", "json", "xml"] };

/// What a file of each type found is.
const KINDS: &[(&str, Kind)] = &[
    ("image/png", Kind { media_type: "image/png", endings: &["png"] }),
    ("image/jpeg", Kind { media_type: "image/jpeg", endings: &["jpg", "jpeg"] }),
    ("image/gif", Kind { media_type: "image/gif", endings: &["gif"] }),
    ("image/webp", Kind { media_type: "image/webp", endings: &["webp"] }),
    ("application/pdf", Kind { media_type: "application/pdf", endings: &["pdf"] }),
    ("video/mp4", Kind { media_type: "video/mp4", endings: &["mp4"] }),
    ("video/x-m4v", Kind { media_type: "video/mp4", endings: &["m4v", "mp4"] }),
    ("video/quicktime", Kind { media_type: "video/quicktime", endings: &["mov"] }),
    ("video/webm", Kind { media_type: "video/webm", endings: &["webm"] }),
    ("audio/mpeg", Kind { media_type: "audio/mpeg", endings: &["mp3"] }),
    ("audio/m4a", Kind { media_type: "audio/mp4", endings: &["m4a", "mp4"] }),
    ("audio/ogg", Kind { media_type: "audio/ogg", endings: &["ogg", "oga"] }),
    ("audio/opus", Kind { media_type: "audio/ogg", endings: &["opus", "ogg"] }),
    ("audio/x-wav", Kind { media_type: "audio/wav", endings: &["wav"] }),
];

/// What tells an office document from any other archive.
const OFFICE: &[(&str, Kind)] = &[
    (
        "word/document.xml",
        Kind {
            media_type: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            endings: &["docx"],
        },
    ),
    (
        "xl/workbook.xml",
        Kind { media_type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", endings: &["xlsx"] },
    ),
    (
        "ppt/presentation.xml",
        Kind {
            media_type: "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            endings: &["pptx"],
        },
    ),
];
const OPEN_DOCUMENT: &[(&str, Kind)] = &[
    (
        "application/vnd.oasis.opendocument.text",
        Kind { media_type: "application/vnd.oasis.opendocument.text", endings: &["odt"] },
    ),
    (
        "application/vnd.oasis.opendocument.spreadsheet",
        Kind { media_type: "application/vnd.oasis.opendocument.spreadsheet", endings: &["ods"] },
    ),
    (
        "application/vnd.oasis.opendocument.presentation",
        Kind { media_type: "application/vnd.oasis.opendocument.presentation", endings: &["odp"] },
    ),
];

fn listed(list: &[(&str, Kind)], name: &str) -> Option<Kind> {
    list.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

/// What a file is, if it may be sent. `head` is its beginning; `is_text` says that no byte of it is anything but text.
pub(super) fn of(path: &Path, head: &[u8], is_text: bool) -> Option<Kind> {
    if head.starts_with(b"PK\x03\x04") {
        return office(path, head);
    }
    match infer::get(head) {
        Some(found) => listed(KINDS, found.mime_type()),
        None if is_text => Some(TEXT),
        None => None,
    }
}

/// An archive is refused unless it is a document, and a document that brings programs is refused.
fn office(path: &Path, head: &[u8]) -> Option<Kind> {
    if let Some(found) = infer::get(head)
        && let Some(kind) = listed(OPEN_DOCUMENT, found.mime_type())
    {
        return Some(kind);
    }
    let archive = zip::ZipArchive::new(File::open(path).ok()?).ok()?;
    let names = || archive.file_names().filter_map(Result::ok);
    if names().any(|name| name.ends_with("vbaProject.bin")) {
        return None;
    }
    names().find_map(|name| listed(OFFICE, &name))
}

/// Whether a byte may stand in a text, of whatever encoding people here use; escapes are part of ISO-2022-JP.
pub(super) fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b | 0x20..=0x7e | 0x80..)
}
