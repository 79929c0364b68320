//! What a locked app may hold of rooms, and what it may say.
//!
//! Invariant: nobody's name and no word of a message is in it.

use std::collections::BTreeMap;

use hugmedo_chat_protocol::{RoomId, RoomKind, Seq};

use crate::{
    store::unread::Unread,
    view::{NotificationPrivacy, Preferences, RoomChoices, RoomNotify, RoomView},
};

/// A locked screen says at most that there is something new.
pub(super) fn preferences(preferences: Preferences) -> Preferences {
    let notification_privacy = match preferences.notification_privacy {
        NotificationPrivacy::AppOnly => NotificationPrivacy::AppOnly,
        _ => NotificationPrivacy::Nothing,
    };
    Preferences { notification_privacy, ..preferences }
}

/// How many unread messages are counted, and how many of them are urgent.
pub(super) fn counts<'a>(unread: impl Iterator<Item = &'a Unread>, rooms: &BTreeMap<RoomId, RoomView>) -> (u32, u32) {
    let is_quiet = |room| rooms.get(room).is_some_and(|room| room.choices.notify == RoomNotify::None);
    unread.fold((0, 0), |(all, urgent), unread| {
        (all + u32::from(unread.urgent || !is_quiet(&unread.room_id)), urgent + u32::from(unread.urgent))
    })
}

/// A room without what a locked app may not hold.
pub(super) fn room(room: RoomView) -> RoomView {
    RoomView { name: Default::default(), members: Vec::new(), last_message: None, ..room }
}

/// A room of which nothing has been told yet.
pub(super) fn unknown_room(id: &RoomId) -> RoomView {
    RoomView {
        id: id.clone(),
        name: Default::default(),
        kind: RoomKind::default(),
        members: Vec::new(),
        unread: 0,
        unread_mentions: 0,
        unread_urgent: 0,
        read_seq: Seq::ZERO,
        last_message: None,
        unsent: 0,
        has_draft: false,
        choices: RoomChoices::default(),
    }
}
