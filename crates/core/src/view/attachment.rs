//! Files: those a message carries, and those that wait in a composer.

use hugmedo_chat_protocol::{RoomId, Sensitive};
use serde::{Deserialize, Serialize};
#[cfg(feature = "ts")]
use ts_rs::TS;

use crate::error::ErrorCode;

/// A file, as much of it as is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct AttachmentView {
    /// Names it in every command. An own file keeps the id it was chosen under; any other has the server's.
    pub id: String,
    /// What its owner called it.
    pub name: Sensitive,
    /// What it is, found by looking at its content, such as `image/png`.
    pub media_type: String,
    /// Its length in bytes.
    pub size: u32,
    /// Width in pixels, of a picture.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height in pixels, of a picture.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Where it is.
    pub state: AttachmentState,
}

/// Where a file is, and on its way to where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum AttachmentState {
    /// An own file that the page hands over.
    Reading {
        /// Bytes that are on this computer, durably.
        bytes: u32,
    },
    /// An own file, whole on this computer, that has not begun to go to the server.
    Waiting,
    /// An own file on its way to the server.
    Uploading {
        /// Bytes on the server.
        bytes: u32,
    },
    /// On the server, not on this computer.
    Remote,
    /// On its way to this computer.
    Downloading {
        /// Bytes on this computer.
        bytes: u32,
    },
    /// On the server and on this computer.
    Here,
    /// It can go no further until the person decides.
    Failed {
        /// Why.
        problem: ErrorCode,
    },
}

/// A file someone chose, pasted or dropped.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct NewAttachment {
    /// Minted once, where it was chosen (a UUID). The same id again is the same file.
    pub id: String,
    /// The room in whose composer it waits.
    pub room_id: RoomId,
    /// Its name.
    pub name: Sensitive,
    /// Its length in bytes.
    pub size: u32,
}

/// How large a picture is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub enum PictureSize {
    /// At most 320 pixels wide and high.
    Thumbnail,
    /// As it was sent.
    Full,
}
