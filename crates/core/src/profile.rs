//! The data folder: what lies where in it.
//!
//! Invariant: outside the encrypted stores it holds nothing about anyone: a random name of its own, the preferences, logs.

use std::path::{Path, PathBuf};

use hugmedo_chat_protocol::DeviceId;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The folder's own name, which tells its keychain entries from another folder's and this installation from others.
#[derive(Serialize, Deserialize)]
struct Profile {
    id: String,
}

/// An opened data folder.
pub(crate) struct DataFolder {
    root: PathBuf,
    id: String,
}

impl DataFolder {
    /// Opens the folder, making it if there is none.
    pub(crate) fn open(root: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(root)?;
        let path = root.join("profile.json");
        let known = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Profile>(&bytes).ok());
        let profile = match known {
            Some(profile) => profile,
            None => {
                let profile = Profile { id: uuid::Uuid::new_v4().to_string() };
                std::fs::write(&path, serde_json::to_vec(&profile).unwrap_or_default())?;
                profile
            }
        };
        Ok(Self { root: root.to_owned(), id: profile.id })
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn device(&self) -> DeviceId {
        DeviceId::new(self.id.clone())
    }

    /// The accounts that have left something here.
    pub(crate) fn accounts(&self) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.root.join("accounts")) else { return Vec::new() };
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect()
    }

    pub(crate) fn store_path(&self, account: &str) -> PathBuf {
        self.root.join("accounts").join(account).join("store.db")
    }
}
