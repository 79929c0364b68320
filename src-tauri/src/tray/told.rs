//! What the tray's icon and menu tell, from core's state, and in which words.
//!
//! Invariant: the numbers are core's, also while the app is locked; of a locked app nobody's status is told.

use std::collections::BTreeMap;

use hugmedo_chat_core::view::{
    ConnectionState, Language, LockView, PresenceStatus, PresenceView, RoomView, SessionView, Snapshot, ViewChange,
};
use hugmedo_chat_protocol::{RoomId, UserId};

/// What the icon tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) unread: u32,
    pub(super) urgent: u32,
    pub(super) signed_in: bool,
    pub(super) locked: bool,
    /// Whether the person does not want to be disturbed just now.
    pub(super) quiet: bool,
    /// As others see it; `None` where that is not known.
    pub(super) status: Option<PresenceStatus>,
    /// Whether the server can be told of another.
    pub(super) connected: bool,
    pub(super) language: Option<Language>,
}

/// What is unread, in words.
pub(super) fn words(told: Told) -> String {
    match (told.language == Some(Language::En), told.unread, told.urgent) {
        _ if !told.signed_in => {
            if told.language == Some(Language::En) { "Not signed in" } else { "サインインしていません" }.to_owned()
        }
        (false, 0, _) => "未読はありません".to_owned(),
        (false, unread, 0) => format!("未読{unread}件"),
        (false, unread, urgent) => format!("未読{unread}件（至急{urgent}件）"),
        (true, 0, _) => "Nothing unread".to_owned(),
        (true, unread, 0) => format!("{unread} unread"),
        (true, unread, urgent) => format!("{unread} unread, {urgent} urgent"),
    }
}

/// A status that one chooses, in words.
pub(super) fn status_word(status: PresenceStatus, language: Option<Language>) -> Option<&'static str> {
    let english = language == Some(Language::En);
    Some(match status {
        PresenceStatus::Available if english => "Available",
        PresenceStatus::Available => "対応可",
        PresenceStatus::Busy if english => "Busy",
        PresenceStatus::Busy => "取り込み中",
        PresenceStatus::Away if english => "Away",
        PresenceStatus::Away => "離席中",
        PresenceStatus::OnCall if english => "On call",
        PresenceStatus::OnCall => "当直・オンコール",
        PresenceStatus::Offline => return None,
    })
}

/// The state of core, as much of it as the icon tells.
#[derive(Default)]
pub(super) struct Known {
    rooms: BTreeMap<RoomId, (u32, u32)>,
    lock: Option<LockView>,
    /// Who is signed in.
    me: Option<UserId>,
    status: Option<PresenceStatus>,
    connected: bool,
}

impl Known {
    pub(super) fn of(snapshot: Snapshot) -> Self {
        let mut known = Self { lock: snapshot.lock, ..Self::default() };
        known.sign_in(snapshot.session.as_ref());
        known.meet(&snapshot.presence);
        known.connected = is_connected(snapshot.connection.state);
        snapshot.rooms.iter().for_each(|room| known.note(room));
        known
    }

    fn sign_in(&mut self, session: Option<&SessionView>) {
        self.me = session.map(|session| session.user.id.clone());
        if session.is_none() {
            self.rooms.clear();
            self.status = None;
        }
    }

    fn meet(&mut self, presence: &[PresenceView]) {
        let own = presence.iter().find(|person| Some(&person.user_id) == self.me.as_ref());
        self.status = own.map(|person| person.status);
    }

    fn note(&mut self, room: &RoomView) {
        self.rooms.insert(room.id.clone(), (room.counted_unread(), room.unread_urgent));
    }

    pub(super) fn apply(&mut self, change: ViewChange) {
        match change {
            ViewChange::SessionChanged { session, .. } => self.sign_in(session.as_ref()),
            ViewChange::PresenceChanged { presence } => self.meet(&presence),
            ViewChange::ConnectionChanged { connection } => self.connected = is_connected(connection.state),
            ViewChange::LockChanged { lock } => self.lock = lock,
            ViewChange::RoomUpserted { room } => self.note(&room),
            ViewChange::RoomRemoved { room_id } => drop(self.rooms.remove(&room_id)),
            _ => {}
        }
    }

    pub(super) fn told(&self, language: Language, quiet: bool) -> Told {
        let (unread, urgent) = match &self.lock {
            Some(lock) => (lock.unread, lock.urgent),
            None => self.rooms.values().fold((0, 0), |(all, urgent), room| (all + room.0, urgent + room.1)),
        };
        let locked = self.lock.is_some();
        let signed_in = self.me.is_some() || locked;
        let (status, connected) = (self.status, self.connected);
        Told { unread, urgent, signed_in, locked, quiet, status, connected, language: Some(language) }
    }
}

fn is_connected(state: ConnectionState) -> bool {
    matches!(state, ConnectionState::Live | ConnectionState::Limited)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_say_what_is_unread() {
        let told = |unread, urgent, language| Told { unread, urgent, signed_in: true, language, ..Told::default() };
        for (unread, urgent, ja, en) in [
            (0, 0, "未読はありません", "Nothing unread"),
            (3, 0, "未読3件", "3 unread"),
            (3, 1, "未読3件（至急1件）", "3 unread, 1 urgent"),
        ] {
            assert_eq!(words(told(unread, urgent, Some(Language::Ja))), ja);
            assert_eq!(words(told(unread, urgent, Some(Language::En))), en);
        }
        assert_eq!(words(Told::default()), "サインインしていません");
    }
}
