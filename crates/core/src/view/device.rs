//! Where a person is signed in.

use hugmedo_chat_protocol::{DeviceId, Timestamp};
use serde::Serialize;
#[cfg(feature = "ts")]
use ts_rs::TS;

/// A device a person has signed in on within the last hundred days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct DeviceView {
    /// As it names itself.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub id: DeviceId,
    /// When they first signed in there.
    pub first_signed_in_at: Timestamp,
    /// When it was last heard of.
    pub seen_at: Timestamp,
    /// Whether they are signed in there.
    pub is_signed_in: bool,
    /// Whether it is this one.
    pub is_this: bool,
    /// When it was asked to remove what it has stored.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erase_asked_at: Option<Timestamp>,
    /// When it was told so.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erase_told_at: Option<Timestamp>,
}
