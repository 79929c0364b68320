//! Whether there is a newer version of the app.

use serde::Serialize;

#[cfg(feature = "ts")]
use ts_rs::TS;

/// What is known of newer versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct UpdateView {
    /// How far it is.
    pub state: UpdateState,
    /// The newer version, if there is one.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether the app may not be started anew now: an urgent message waits for an answer.
    pub call_open: bool,
}

/// How far a newer version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub enum UpdateState {
    /// The organisation brings them: nothing is looked for.
    Off,
    /// They come another way: by the system's packages, or not at all to this build.
    Elsewhere,
    /// Nobody has looked yet.
    Unknown,
    /// This is the newest.
    Newest,
    /// There is a newer one, fetched and checked. It takes the place of this one when the app begins anew.
    Ready,
    /// Looking, fetching or checking has failed; nothing was changed.
    Failed,
}
