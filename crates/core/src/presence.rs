//! Who can be reached how. Known only while connected, and told anew with each connection; nothing is kept.

use std::collections::BTreeMap;

use hugmedo_chat_protocol::{Presence, UserId};

use crate::view::{PresenceStatus, PresenceView};

/// Everyone about whom something is known.
#[derive(Default)]
pub(crate) struct PresenceBoard {
    people: BTreeMap<UserId, PresenceStatus>,
}

impl PresenceBoard {
    /// Takes in a word of the server. Returns whether anything changed. Of someone in a status this version does not know,
    /// nothing is known.
    pub(crate) fn take_in(&mut self, notice: &Presence) -> bool {
        match status(&notice.status) {
            Some(status) => self.people.insert(notice.user_id.clone(), status) != Some(status),
            None => self.people.remove(&notice.user_id).is_some(),
        }
    }

    /// Forgets everything: the link is gone, so nothing is known. Returns whether anything was.
    pub(crate) fn clear(&mut self) -> bool {
        !std::mem::take(&mut self.people).is_empty()
    }

    /// Everyone, by id.
    pub(crate) fn people(&self) -> Vec<PresenceView> {
        self.people.iter().map(|(user_id, status)| PresenceView { user_id: user_id.clone(), status: *status }).collect()
    }
}

/// The statuses and their names on the wire.
const NAMES: [(&str, PresenceStatus); 5] = [
    ("available", PresenceStatus::Available),
    ("busy", PresenceStatus::Busy),
    ("away", PresenceStatus::Away),
    ("on_call", PresenceStatus::OnCall),
    ("offline", PresenceStatus::Offline),
];

/// A status by its name on the wire.
fn status(name: &str) -> Option<PresenceStatus> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, status)| *status)
}

/// The name on the wire of a status that a person can choose.
pub(crate) fn name(status: PresenceStatus) -> Option<&'static str> {
    NAMES.iter().find(|(_, known)| *known == status && status != PresenceStatus::Offline).map(|(name, _)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_not_guessed() {
        let mut board = PresenceBoard::default();
        let says = |status: &str| Presence { user_id: "suzuki".into(), status: status.to_owned() };
        assert!(board.take_in(&says("on_call")));
        assert!(!board.take_in(&says("on_call")), "nothing new");
        assert_eq!(board.people(), [PresenceView { user_id: "suzuki".into(), status: PresenceStatus::OnCall }]);
        assert!(board.take_in(&says("in a meeting")));
        assert!(board.people().is_empty());
        assert!(!board.clear());
    }
}
