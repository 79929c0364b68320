//! The person's choices on this computer, in a small file that holds nothing confidential.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::{error::Error, view::Preferences};

/// The choices, and the file they are kept in.
pub(crate) struct PreferencesFile {
    path: PathBuf,
    present: Mutex<Preferences>,
}

impl PreferencesFile {
    /// Reads the file. Without one, or with one that cannot be read, the defaults hold.
    pub(crate) fn open(folder: &Path) -> Self {
        let path = folder.join("preferences.json");
        let present =
            std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { path, present: Mutex::new(present) }
    }

    pub(crate) fn get(&self) -> Preferences {
        self.present.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes effect at once, and is written so that a crash leaves either the old file or the new one.
    pub(crate) fn set(&self, preferences: Preferences) -> Result<(), Error> {
        let mut present = self.present.lock().unwrap_or_else(PoisonError::into_inner);
        *present = preferences;
        let bytes = serde_json::to_vec_pretty(&*present).unwrap_or_default();
        let fresh = self.path.with_extension("json.new");
        std::fs::write(&fresh, bytes)?;
        std::fs::rename(&fresh, &self.path)?;
        Ok(())
    }
}
