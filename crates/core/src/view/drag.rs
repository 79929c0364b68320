//! Files that someone drags over the window, where its engine keeps them from the page.

use hugmedo_chat_protocol::Sensitive;
use serde::Serialize;

#[cfg(feature = "ts")]
use ts_rs::TS;

/// What a drag of files has come to.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum DragView {
    /// They are over the window.
    Over,
    /// They are not any more.
    Gone,
    /// They were let go over it.
    Dropped {
        /// In the order they came.
        files: Vec<DroppedFile>,
    },
}

/// A file that was dropped, to be read piece by piece.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct DroppedFile {
    /// Names it while it is read.
    pub id: u32,
    /// What it is called, without where it is.
    pub name: Sensitive,
    /// Its length in bytes, or the most this can say; 0 of what is no file, such as a folder.
    pub size: u32,
}
