//! Rooms: the conversations a person is a member of.

use serde::{Deserialize, Serialize};

use crate::{Message, RoomId, Sensitive, Seq, User};

/// Who a room is for. It decides how the room looks and how loudly it notifies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum RoomKind {
    /// A patient reads along.
    Patient,
    /// Few write, all read.
    Announcement,
    /// Colleagues only. Also what an unknown kind of a newer server is taken for.
    #[default]
    #[serde(other)]
    Staff,
}

/// A room as one member sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Room {
    /// Unique within the server.
    pub id: RoomId,
    /// The name shown in the list.
    pub name: Sensitive,
    /// Who the room is for.
    #[serde(default)]
    pub kind: RoomKind,
    /// Everyone in it, the reader included.
    #[serde(default)]
    pub members: Vec<User>,
    /// The last position of the room's log; 0 while it is empty.
    #[serde(default)]
    pub last_seq: Seq,
    /// Up to where this member has read, on any device.
    #[serde(default)]
    pub read_seq: Seq,
    /// The newest message, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_message: Option<Message>,
    /// Whether it is the conversation of two, which each sees under the other's name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub direct: bool,
}
