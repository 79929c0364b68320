//! The state as a whole, and what changes of it.

use hugmedo_chat_protocol::{MessageId, RoomId, SessionEndReason};
use serde::Serialize;

use super::{
    AttachmentView, ConnectionView, LockView, MessageView, PolicyView, Preferences, PresenceView, RoomView,
    SessionView, TypingPerson,
};
use crate::error::ErrorCode;

#[cfg(feature = "ts")]
use ts_rs::TS;

/// Everything the interface needs to draw itself, at one revision.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Events with a higher revision are newer than this snapshot.
    pub revision: u32,
    /// Who is signed in, if anyone.
    pub session: Option<SessionView>,
    /// The link.
    pub connection: ConnectionView,
    /// All rooms; order is the interface's business (newest message first).
    pub rooms: Vec<RoomView>,
    /// Who can be reached how, of everyone the reader shares a room with; who is not listed is not known about.
    pub presence: Vec<PresenceView>,
    /// The lock, if the app is locked; there is no session and no room then.
    pub lock: Option<LockView>,
    /// The choices, as they hold.
    pub preferences: Preferences,
    /// What the organisation has decided. It stays while the app runs.
    pub policy: PolicyView,
    /// A standing trouble of this computer, such as a full disk.
    pub trouble: Option<ErrorCode>,
}

/// Something is now true that was not before.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ViewChange {
    /// Someone signed in, or nobody is signed in any more.
    SessionChanged {
        /// Who is signed in now.
        session: Option<SessionView>,
        /// Why nobody is, where the person did not ask for it.
        ended: Option<SessionEndReason>,
    },
    /// The app was locked or unlocked, or what a locked app shows changed.
    LockChanged {
        /// The lock now, if any.
        lock: Option<LockView>,
    },
    /// The link changed.
    ConnectionChanged {
        /// The link now.
        connection: ConnectionView,
    },
    /// A room is new or changed.
    RoomUpserted {
        /// The room now.
        room: RoomView,
    },
    /// The person is no longer a member of a room.
    RoomRemoved {
        /// The room.
        room_id: RoomId,
    },
    /// Rows are new or changed; match them by `key`.
    MessagesUpserted {
        /// The room.
        room_id: RoomId,
        /// The rows now.
        messages: Vec<MessageView>,
    },
    /// A row is gone: the person discarded it before it was sent.
    MessageRemoved {
        /// The room.
        room_id: RoomId,
        /// The row's key.
        key: String,
    },
    /// A file is elsewhere than before, or further on its way: one of a row, or one that waits in the composer.
    AttachmentChanged {
        /// The room.
        room_id: RoomId,
        /// The file now.
        attachment: AttachmentView,
    },
    /// What is held of a room was replaced; open it again.
    TimelineReset {
        /// The room.
        room_id: RoomId,
    },
    /// Who is writing in a room.
    TypingChanged {
        /// The room.
        room_id: RoomId,
        /// Everyone who is writing there now, the reader excepted.
        typing: Vec<TypingPerson>,
    },
    /// People can be reached in another way than before, or nothing is known about them any more (the list is the whole).
    PresenceChanged {
        /// Everyone about whom something is known.
        presence: Vec<PresenceView>,
    },
    /// The choices changed.
    PreferencesChanged {
        /// The choices now.
        preferences: Preferences,
    },
    /// A trouble of this computer began or ended.
    TroubleChanged {
        /// The trouble now, if any.
        trouble: Option<ErrorCode>,
    },
    /// A link from outside the page names a server to sign in to. Anyone can write a link: the person is asked.
    ServerOffered {
        /// Its address.
        server: String,
    },
    /// Someone asked for a room from outside the page, by clicking a notification or a link.
    RoomRequested {
        /// The room to show.
        room_id: RoomId,
        /// The message to show in it.
        #[cfg_attr(feature = "ts", ts(optional))]
        #[serde(skip_serializing_if = "Option::is_none")]
        message_id: Option<MessageId>,
    },
}

impl ViewChange {
    /// Whether it tells something of rooms, messages or people.
    pub(crate) fn is_of_an_account(&self) -> bool {
        match self {
            Self::RoomUpserted { .. }
            | Self::RoomRemoved { .. }
            | Self::MessagesUpserted { .. }
            | Self::MessageRemoved { .. }
            | Self::AttachmentChanged { .. }
            | Self::TimelineReset { .. }
            | Self::TypingChanged { .. }
            | Self::PresenceChanged { .. } => true,
            Self::SessionChanged { .. }
            | Self::LockChanged { .. }
            | Self::ConnectionChanged { .. }
            | Self::PreferencesChanged { .. }
            | Self::TroubleChanged { .. }
            | Self::ServerOffered { .. }
            | Self::RoomRequested { .. } => false,
        }
    }
}

/// A change with its place in the order of all changes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct ViewEvent {
    /// Rises by one with each change.
    pub revision: u32,
    /// The change.
    pub change: ViewChange,
}

/// What the channel to the webview carries: changes in order, or word that some were lost.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ChannelItem {
    /// Changes, in order of revision.
    Events {
        /// At least one.
        events: Vec<ViewEvent>,
    },
    /// The interface was too slow and changes were lost: subscribe again.
    Lagged,
}
