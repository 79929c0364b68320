//! Which messages have raised a notification while the app was locked: the store is closed then and cannot remember it.
//!
//! Invariant: what lies on the disk are digests and times, of which nobody can tell whose or what messages they are.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use hugmedo_chat_protocol::{MessageId, RoomId, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// See the module.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Told {
    /// By digest: when, of an urgent one.
    messages: BTreeMap<String, Option<Timestamp>>,
    /// Where it is kept; nowhere for a session that leaves no trace.
    #[serde(skip)]
    path: Option<PathBuf>,
}

impl Told {
    /// What is kept beside a store.
    pub(crate) fn beside(store: Option<&Path>) -> Self {
        let path = store.map(|store| store.with_extension("db.told"));
        let kept = path.as_ref().and_then(|path| std::fs::read(path).ok());
        let told = kept.and_then(|kept| serde_json::from_slice(&kept).ok());
        Self { path, ..told.unwrap_or_default() }
    }

    /// The same, and from now on it is in memory alone: the store is open, and will remember.
    pub(crate) fn taken_from(store: Option<&Path>) -> Self {
        let mut told = Self::beside(store);
        if let Some(path) = told.path.take().filter(|path| path.exists())
            && std::fs::remove_file(path).is_err()
        {
            tracing::warn!("what was told while locked is still kept");
        }
        told
    }

    /// Whether a message has raised one; and when, if it is urgent.
    pub(crate) fn of(&self, room: &RoomId, message: &MessageId) -> Option<Option<Timestamp>> {
        self.messages.get(&digest(room, message)).copied()
    }

    /// Notes one.
    pub(super) fn note(&mut self, room: &RoomId, message: &MessageId, urgent_at: Option<Timestamp>) {
        self.messages.insert(digest(room, message), urgent_at);
        let Some(path) = &self.path else { return };
        let written = serde_json::to_vec(self).map_err(std::io::Error::from).and_then(|bytes| {
            let fresh = path.with_extension("told.new");
            std::fs::write(&fresh, bytes)?;
            std::fs::rename(&fresh, path)
        });
        if written.is_err() {
            tracing::warn!("what is told while locked may be told again");
        }
    }
}

fn digest(room: &RoomId, message: &MessageId) -> String {
    let digest = Sha256::digest(format!("{room}\n{message}"));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_told_is_known_after_a_restart_and_the_file_says_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store.db");
        let (room, urgent, plain) = (RoomId::from("patient-tanaka"), MessageId::from("m-1"), MessageId::from("m-2"));
        let at = Some(Timestamp::from_millis(7));
        let mut told = Told::beside(Some(&store));
        told.note(&room, &urgent, at);
        told.note(&room, &plain, None);
        let file = std::fs::read_to_string(folder.path().join("store.db.told")).unwrap();
        assert!(!file.contains("tanaka") && !file.contains("m-1"), "{file}");

        let again = Told::taken_from(Some(&store));
        assert_eq!((again.of(&room, &urgent), again.of(&room, &plain)), (Some(at), Some(None)));
        assert_eq!(again.of(&"other".into(), &plain), None);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "it is not kept any more");
        assert_eq!(Told::beside(None).of(&room, &plain), None);
    }
}
