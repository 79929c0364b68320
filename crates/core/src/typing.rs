//! Who is writing where. Forgotten by itself: a 'stopped writing' may be lost, or its sender may.

use std::{collections::BTreeMap, time::Duration};

use hugmedo_chat_protocol::{RoomId, Sensitive, TypingNotice, UserId};
use tokio::time::Instant;

use crate::{naming, view::TypingPerson};

/// How long a notice holds. Clients repeat it every 3 s while someone writes.
pub(crate) const EXPIRY: Duration = Duration::from_secs(7);

/// Everyone who is writing.
#[derive(Default)]
pub(crate) struct TypingBoard {
    rooms: BTreeMap<RoomId, BTreeMap<UserId, (Sensitive, Instant)>>,
}

impl TypingBoard {
    /// Takes in a notice. Returns whether anything changed.
    pub(crate) fn take_in(&mut self, notice: &TypingNotice, now: Instant) -> bool {
        if notice.is_typing {
            let people = self.rooms.entry(notice.room_id.clone()).or_default();
            people.insert(notice.user_id.clone(), (naming::shown(&notice.user_name), now + EXPIRY)).is_none()
        } else {
            self.stop(&notice.room_id, &notice.user_id)
        }
    }

    /// Someone is done, for instance because their message is here. Returns whether anything changed.
    pub(crate) fn stop(&mut self, room: &RoomId, user: &UserId) -> bool {
        self.rooms.get_mut(room).is_some_and(|people| people.remove(user).is_some())
    }

    /// Forgets notices whose time is over. Returns the rooms that changed.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<RoomId> {
        let mut changed = Vec::new();
        self.rooms.retain(|room, people| {
            let before = people.len();
            people.retain(|_, (_, expires_at)| *expires_at > now);
            if people.len() < before {
                changed.push(room.clone());
            }
            !people.is_empty()
        });
        changed
    }

    /// Forgets everything: the link is gone, so nothing is known. Returns the rooms that changed.
    pub(crate) fn clear(&mut self) -> Vec<RoomId> {
        std::mem::take(&mut self.rooms)
            .into_iter()
            .filter(|(_, people)| !people.is_empty())
            .map(|(room, _)| room)
            .collect()
    }

    /// Who is writing in a room.
    pub(crate) fn people(&self, room: &RoomId) -> Vec<TypingPerson> {
        let people = self.rooms.get(room).into_iter().flatten();
        people.map(|(user_id, (name, _))| TypingPerson { user_id: user_id.clone(), name: name.clone() }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(is_typing: bool) -> TypingNotice {
        TypingNotice { room_id: "general".into(), user_id: "suzuki".into(), user_name: "鈴木".into(), is_typing }
    }

    #[test]
    fn a_notice_is_forgotten_when_its_time_is_over() {
        let now = Instant::now();
        let mut board = TypingBoard::default();
        assert!(board.take_in(&notice(true), now));
        assert!(!board.take_in(&notice(true), now + EXPIRY / 2), "a repeat says nothing new but prolongs it");
        assert!(board.expire(now + EXPIRY).is_empty());
        assert_eq!(board.expire(now + EXPIRY * 2), ["general".into()]);
        assert!(board.people(&"general".into()).is_empty());
    }

    #[test]
    fn someone_who_stopped_is_gone_at_once() {
        let now = Instant::now();
        let mut board = TypingBoard::default();
        board.take_in(&notice(true), now);
        assert!(board.take_in(&notice(false), now));
        assert!(!board.stop(&"general".into(), &"suzuki".into()));
    }
}
