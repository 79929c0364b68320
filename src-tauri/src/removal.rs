//! Taking everything of the app from this computer at the person's wish.
//!
//! Invariants: what is confidential goes first and while the app still runs, so that a failure is told; of the data folder only
//! what the app has put there goes, because it may be a folder of the person's own.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use hugmedo_chat_core::error::Error;
use tauri::{AppHandle, Manager, Runtime};

use crate::{choices, cli::Cli, core_handle::CoreHandle, profile::Profile};

/// What the app puts into its data folder.
const OURS: [&str; 11] = [
    "accounts",
    "webview",
    "logs",
    "preferences.json",
    "preferences.json.new",
    "profile.json",
    "notifications.json",
    "notifications.json.new",
    "sounds",
    "window-state.json",
    "instance.lock",
];
/// The web view's own processes end a moment after the app, and write until then.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);

/// The data folder that is to be emptied once the app has ended, if any.
#[derive(Clone, Default)]
pub(crate) struct Leaving(Arc<Mutex<Option<PathBuf>>>);

impl Leaving {
    fn set(&self, folder: &Path) {
        if let Ok(mut leaving) = self.0.lock() {
            *leaving = Some(folder.to_owned());
        }
    }

    /// Empties it. The app has ended, so that there is nobody to tell of a failure.
    pub(crate) fn finish(&self) {
        let folder = self.0.lock().ok().and_then(|mut leaving| leaving.take());
        let Some(folder) = folder else { return };
        for _ in 0..TRIES {
            if empty(&folder).is_ok() {
                return;
            }
            std::thread::sleep(PAUSE);
        }
    }
}

/// Removes accounts, keychain entries and choices, takes the app out of what starts with the session, and ends it; the rest goes
/// with its end.
///
/// # Errors
/// If something confidential could not be removed; the app then goes on.
pub(crate) async fn remove_everything<R: Runtime>(app: &AppHandle<R>) -> Result<(), Error> {
    app.state::<CoreHandle>().get().await?.remove_everything().await?;
    // What starts with the session is the person's own instance, and not one with another data folder.
    if app.state::<Cli>().data_dir.is_none() {
        choices::set_autostart(app, false).await;
    }
    app.state::<Leaving>().set(app.state::<Profile>().data_dir());
    app.exit(0);
    Ok(())
}

fn empty(folder: &Path) -> io::Result<()> {
    for name in OURS {
        let path = folder.join(name);
        let removed = match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&path),
            Ok(_) => fs::remove_file(&path),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    match fs::remove_dir(folder) {
        // Something of the person's own is in it.
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_folder_goes_with_all_the_app_put_there() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        for path in ["accounts/a", "webview/localstorage", "logs"] {
            fs::create_dir_all(data.join(path)).unwrap();
        }
        for name in ["profile.json", "window-state.json", "instance.lock", "logs/app.log"] {
            fs::write(data.join(name), "").unwrap();
        }
        let leaving = Leaving::default();
        leaving.finish();
        assert!(data.exists(), "nobody asked for it");
        leaving.set(&data);
        leaving.finish();
        assert!(!data.exists());
    }

    #[test]
    fn what_else_is_in_the_folder_stays() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("logs")).unwrap();
        fs::write(folder.path().join("report.odt"), "").unwrap();
        let leaving = Leaving::default();
        leaving.set(folder.path());
        leaving.finish();
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["report.odt"]);
    }
}
