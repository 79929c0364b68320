//! Reading the policy's file, and whether it is the administrator's word.
//!
//! Invariant: nothing of a file is believed that anyone but the administrator could have written, or put in its place: the file
//! and every folder on the way to it are the administrator's, and nobody else may write to them.

use std::{fs, io, path::Path};

use super::Policy;
use crate::view::PolicyFault;

/// Longer than any policy.
const LONGEST: u64 = 64 * 1024;

/// Whose word counts.
#[derive(Debug, Clone, Copy)]
pub struct Trust<'a> {
    /// The user id of the administrator: 0.
    pub owner: u32,
    /// The folder from which on everything has to be theirs: the root.
    pub from: &'a Path,
}

impl Trust<'static> {
    /// As it is on a computer.
    pub fn of_this_computer() -> Self {
        Self { owner: 0, from: Path::new("/") }
    }
}

/// The policy in a file. No file is no policy; one that cannot be believed is one that cannot be used.
pub fn read(path: &Path, trust: Trust<'_>) -> Policy {
    match fs::symlink_metadata(path) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Policy::default();
        }
        Err(_) => return Policy::unusable(PolicyFault::Unreadable),
        Ok(_) => {}
    }
    if let Err(fault) = check(path, trust) {
        return Policy::unusable(fault);
    }
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() && metadata.len() <= LONGEST => {}
        _ => return Policy::unusable(PolicyFault::Unreadable),
    }
    match fs::read(path) {
        Ok(text) => {
            let mut policy = Policy::parse(&text);
            // A certificate that someone else could exchange would vouch for whatever they like.
            let ca_file = policy.ca_file.set().filter(|path| !path.is_empty()).cloned();
            if let Some(ca_file) = ca_file
                && let Err(fault) = check(Path::new(&ca_file), trust)
            {
                policy.break_ca_file(fault);
            }
            policy
        }
        Err(_) => Policy::unusable(PolicyFault::Unreadable),
    }
}

/// The path as it is written, and where it leads: a link is as good as the folder it lies in.
#[cfg(unix)]
fn check(path: &Path, trust: Trust<'_>) -> Result<(), PolicyFault> {
    let target = fs::canonicalize(path).map_err(|_| PolicyFault::Unreadable)?;
    for path in [path, target.as_path()] {
        for part in path.ancestors().take_while(|part| part.starts_with(trust.from)) {
            check_part(part, trust.owner)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn check_part(part: &Path, owner: u32) -> Result<(), PolicyFault> {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::symlink_metadata(part).map_err(|_| PolicyFault::Unreadable)?;
    if metadata.uid() != owner {
        return Err(PolicyFault::WrongOwner);
    }
    // A link has no mode of its own; who may write to its folder may change it.
    if !metadata.is_symlink() && metadata.mode() & 0o022 != 0 {
        return Err(PolicyFault::Writable);
    }
    Ok(())
}

/// Who may write to a file cannot be told here, so no file is believed; Windows has the policy in its registry instead.
#[cfg(not(unix))]
fn check(_: &Path, _: Trust<'_>) -> Result<(), PolicyFault> {
    Err(PolicyFault::WrongOwner)
}
