//! What the app stands on, and what the server speaks.

use serde::Serialize;

#[cfg(feature = "ts")]
use ts_rs::TS;

/// What whoever helps asks for after the version of the app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct AboutView {
    /// The operating system and the kind of processor.
    pub system: String,
    /// The version of the engine that shows the page, where there is one.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webview: Option<String>,
    /// The version of the local store's schema.
    pub store: usize,
    /// The version of the protocol's extensions that the app speaks.
    pub protocol: u32,
    /// The one that the server speaks, once the server has told it; a baseline server never does.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_protocol: Option<u32>,
}
