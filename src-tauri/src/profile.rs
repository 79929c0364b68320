//! One running instance and its data folder.
//!
//! Invariant: one data folder is used by at most one process, and two processes with different data folders do not touch
//! each other: own store, own log, own window state, own web storage, own single-instance name.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

/// The exclusive claim on a data folder. Dropping it, or the end of the process, gives the folder free.
#[derive(Debug)]
pub(crate) struct Profile {
    data_dir: PathBuf,
    _lock: File,
}

impl Profile {
    /// Makes the folder if need be, readable by its owner only, and claims it.
    ///
    /// # Errors
    /// `WouldBlock` if another process has claimed it; otherwise why it could not be made or locked.
    pub(crate) fn claim(data_dir: PathBuf) -> io::Result<Self> {
        create_private(&data_dir)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(data_dir.join("instance.lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { data_dir, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    pub(crate) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// What the webview itself keeps.
    pub(crate) fn webview_dir(&self) -> PathBuf {
        self.data_dir.join("webview")
    }

    pub(crate) fn log_dir(&self) -> PathBuf {
        self.data_dir.join("logs")
    }

    pub(crate) fn window_state_file(&self) -> PathBuf {
        self.data_dir.join("window-state.json")
    }
}

/// The D-Bus name under which instances of a data folder other than the default find each other.
///
/// Without it the single-instance plugin would take a second clinician's instance for a second start of the first.
pub(crate) fn dbus_id(identifier: &str, data_dir: &Path) -> String {
    let absolute = fs::canonicalize(data_dir)
        .or_else(|_| std::path::absolute(data_dir))
        .unwrap_or_else(|_| data_dir.to_path_buf());
    let digest = Sha256::digest(absolute.as_os_str().as_encoded_bytes());
    let short: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    // An element of a D-Bus name may not begin with a digit.
    format!("{identifier}.profile_{short}")
}

fn create_private(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_folder_is_claimed_by_one_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = Profile::claim(folder.path().join("sato")).unwrap();
        let second = Profile::claim(first.data_dir().to_path_buf());
        assert_eq!(second.unwrap_err().kind(), io::ErrorKind::WouldBlock);
        Profile::claim(folder.path().join("suzuki")).unwrap();

        let freed = first.data_dir().to_path_buf();
        drop(first);
        Profile::claim(freed).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_new_data_folder_is_closed_to_other_users() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let profile = Profile::claim(folder.path().join("sato")).unwrap();
        assert_eq!(fs::metadata(profile.data_dir()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn each_data_folder_has_a_bus_name_of_its_own_however_its_path_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let (sato, suzuki) = (folder.path().join("sato"), folder.path().join("suzuki"));
        fs::create_dir(&sato).unwrap();
        fs::create_dir(&suzuki).unwrap();
        let name = dbus_id("jp.hugmedo.chat", &sato);
        assert_ne!(name, dbus_id("jp.hugmedo.chat", &suzuki));
        assert_eq!(name, dbus_id("jp.hugmedo.chat", &suzuki.join("../sato")));
        assert!(name.starts_with("jp.hugmedo.chat.profile_"));
    }
}
