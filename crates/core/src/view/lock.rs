//! The app while it is locked.

use hugmedo_chat_protocol::{Timestamp, User};
use serde::Serialize;
#[cfg(feature = "ts")]
use ts_rs::TS;

/// What a locked app shows: who locked it and how much waits, nothing of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct LockView {
    /// Whose app it is.
    pub user: User,
    /// The server's address.
    pub server: String,
    /// Others' messages that are unread, as in the room list.
    pub unread: u32,
    /// How many of them are urgent.
    pub urgent: u32,
    /// How a PIN stands; absent where none was chosen, and once it has been mistyped too often: signing in unlocks then.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pin: Option<PinView>,
}

/// How a PIN stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct PinView {
    /// So many more times it may be tried.
    pub attempts_left: u32,
    /// Not before this time.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
}
