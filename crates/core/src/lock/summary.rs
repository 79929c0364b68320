//! The one notification of a room's routine messages while the app is locked.
//!
//! Invariant: it is that of the newest message of which it tells, and tells of as many as are left.

use std::collections::BTreeMap;

use hugmedo_chat_protocol::{MessageId, Seq};

use crate::{host::NativeNotification, notify, view::Preferences};

/// See the module.
pub(super) struct Summary {
    pub(super) notification: NativeNotification,
    told: BTreeMap<Seq, MessageId>,
}

/// What becomes of the one on the screen, which is this message's.
pub(super) enum Recount {
    Gone(MessageId),
    Other(MessageId, NativeNotification),
}

impl Summary {
    /// `told` are the messages of which it tells.
    pub(super) fn new(notification: NativeNotification, told: BTreeMap<Seq, MessageId>) -> Self {
        Self { notification, told }
    }

    pub(super) fn tell_of(&mut self, seq: Seq, id: MessageId) {
        self.told.insert(seq, id);
    }

    pub(super) fn len(&self) -> usize {
        self.told.len()
    }

    pub(super) fn into_told(self) -> BTreeMap<Seq, MessageId> {
        self.told
    }

    /// Lets it tell of no more than these. `None` if it told of no others.
    pub(super) fn keep(
        &mut self,
        is_told: impl Fn(Seq, &MessageId) -> bool,
        preferences: &Preferences,
    ) -> Option<Recount> {
        let before = self.told.len();
        self.told.retain(|seq, id| is_told(*seq, id));
        if self.told.len() == before {
            return None;
        }
        let shown = self.notification.message_id.clone();
        let Some((_, newest)) = self.told.last_key_value() else { return Some(Recount::Gone(shown)) };
        self.notification.message_id = newest.clone();
        notify::retell(&mut self.notification, self.told.len() - 1, preferences);
        Some(Recount::Other(shown, NativeNotification { sound: None, ..self.notification.clone() }))
    }
}
