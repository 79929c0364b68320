//! Keys in files of the data folder: hexadecimal digits, closed to other accounts, never overwritten.

use std::{fs, io, io::Write as _, path::Path};

/// Writes a file that must not be there yet. Whole and durable when it appears, whoever looks for it meanwhile.
pub(crate) fn write_new(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let unfinished = path.with_extension(format!("{}.new", uuid::Uuid::new_v4()));
    let written = write(&unfinished, text, mode).and_then(|()| match fs::hard_link(&unfinished, path) {
        // No links on this file system, as on some network drives: then it has to appear as it is written.
        Err(error) if matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied) => {
            write(path, text, mode)
        }
        linked => linked,
    });
    let _ = fs::remove_file(&unfinished);
    written
}

fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The key a file's text holds.
pub(crate) fn read(text: &str) -> Option<[u8; 32]> {
    unhex(text.trim())?.try_into().ok()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
