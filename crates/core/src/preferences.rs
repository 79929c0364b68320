//! The person's choices on this computer, in a small file that holds nothing confidential.
//!
//! Invariant: what the policy decides is never written there, so that the person's own choice is back once it is theirs again.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use crate::{error::Error, policy::Policy, view::Preferences};

/// The choices, and the file they are kept in.
pub(crate) struct PreferencesFile {
    path: PathBuf,
    policy: Arc<Policy>,
    /// The person's own.
    own: Mutex<Preferences>,
}

impl PreferencesFile {
    /// Reads the file. Without one, or with one that cannot be read, the defaults hold.
    pub(crate) fn open(folder: &Path, policy: Arc<Policy>) -> Self {
        let path = folder.join("preferences.json");
        let own = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { path, policy, own: Mutex::new(own) }
    }

    /// The choices as they hold.
    pub(crate) fn get(&self) -> Preferences {
        self.policy.over(&self.own.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Everything is as in the beginning.
    pub(crate) fn forget(&self) -> Result<(), Error> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        *own = Preferences::default();
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Whether choices could be set: they change nothing that the policy decides.
    pub(crate) fn check(&self, wanted: &Preferences) -> Result<(), Error> {
        let own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        self.policy.change(&own, wanted.clone()).map(|_| ())
    }

    /// Takes effect at once, and is written so that a crash leaves either the old file or the new one. Refused, as a whole, if it
    /// would change what the policy decides.
    pub(crate) fn set(&self, preferences: Preferences) -> Result<(), Error> {
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        *own = self.policy.change(&own, preferences)?;
        let bytes = serde_json::to_vec_pretty(&*own).unwrap_or_default();
        let fresh = self.path.with_extension("json.new");
        std::fs::write(&fresh, bytes)?;
        std::fs::rename(&fresh, &self.path)?;
        Ok(())
    }
}
