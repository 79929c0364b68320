//! What this app has on the screen, written down for its next run: the notification service goes on showing it when the app has
//! ended, and knows it by numbers.
//!
//! Invariant: the file holds digests and numbers, of which nobody can tell what messages they are; numbers of another service, or
//! of another session of the desktop, are never used, because they are someone else's there.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use hugmedo_chat_protocol::MessageId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// See the module.
pub(super) struct LeftOver {
    path: PathBuf,
    file: File,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct File {
    /// The service, and the session of the desktop it is of.
    service: String,
    /// Its numbers, by digest.
    shown: BTreeMap<String, u32>,
}

impl LeftOver {
    /// What the run before has written.
    pub(super) fn read(data_dir: &Path) -> Self {
        let path = data_dir.join("notifications.json");
        let file = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Self { path, file: file.unwrap_or_default() }
    }

    /// From here on the numbers are those of this service. Those of another are forgotten.
    pub(super) fn of(&mut self, service: &str) {
        if self.file.service != service {
            self.file = File { service: service.to_owned(), shown: BTreeMap::new() };
        }
    }

    /// The number under which a message is shown.
    pub(super) fn number(&self, message: &MessageId) -> Option<u32> {
        self.file.shown.get(&digest(message)).copied()
    }

    /// Whether a number is one of this app's.
    pub(super) fn has(&self, number: u32) -> bool {
        self.file.shown.values().any(|known| *known == number)
    }

    /// Notes what is shown from now on.
    pub(super) fn note(&mut self, message: &MessageId, number: u32) {
        self.file.shown.insert(digest(message), number);
        self.write();
    }

    /// A message is not shown any more. Returns its number.
    pub(super) fn forget(&mut self, message: &MessageId) -> Option<u32> {
        let number = self.file.shown.remove(&digest(message))?;
        self.write();
        Some(number)
    }

    /// A number is not shown any more.
    pub(super) fn forget_number(&mut self, number: u32) {
        let before = self.file.shown.len();
        self.file.shown.retain(|_, known| *known != number);
        if before > self.file.shown.len() {
            self.write();
        }
    }

    /// Forgets and returns the numbers of all messages but these.
    pub(super) fn forget_others<'a>(&mut self, than: impl Iterator<Item = &'a MessageId>) -> Vec<u32> {
        let kept: Vec<_> = than.map(digest).collect();
        let gone = self.file.shown.extract_if(.., |message, _| !kept.contains(message)).map(|(_, number)| number);
        let gone: Vec<_> = gone.collect();
        if !gone.is_empty() {
            self.write();
        }
        gone
    }

    fn write(&self) {
        let fresh = self.path.with_extension("json.new");
        let bytes = serde_json::to_vec(&self.file).unwrap_or_default();
        let written = std::fs::write(&fresh, bytes).and_then(|()| std::fs::rename(&fresh, &self.path));
        if written.is_err() {
            tracing::warn!(reason = "not_written", "notifications may outlive their reason");
        }
    }
}

fn digest(message: &MessageId) -> String {
    let digest = Sha256::digest(message.as_str());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_run_knows_what_this_one_has_shown_unless_another_service_shows_it() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two, three] = ["m-1", "m-2", "m-3"].map(MessageId::from);
        let mut shown = LeftOver::read(folder.path());
        shown.of("session-1 :1.7");
        for (message, number) in [(&one, 4), (&two, 5), (&three, 6)] {
            shown.note(message, number);
        }
        assert_eq!(shown.forget(&one), Some(4));
        assert!(!std::fs::read_to_string(folder.path().join("notifications.json")).unwrap().contains("m-2"));

        let mut next = LeftOver::read(folder.path());
        next.of("session-1 :1.7");
        assert_eq!((next.number(&one), next.number(&two)), (None, Some(5)));
        assert!(next.has(6) && !next.has(4));
        next.forget_number(6);
        assert_eq!(next.forget_others([&two].into_iter()), Vec::<u32>::new());

        let mut after_login = LeftOver::read(folder.path());
        after_login.of("session-2 :1.7");
        assert_eq!(after_login.number(&two), None, "someone else's by now");
    }
}
