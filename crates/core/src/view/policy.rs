//! What the organisation has decided for this computer, as far as the interface shows it.

use serde::{Deserialize, Serialize};

#[cfg(feature = "ts")]
use ts_rs::TS;

/// A setting that an organisation may decide for its computers, by its name in the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub enum PolicyKey {
    /// The one server that may be signed in to.
    Server,
    /// The HTTP proxy.
    Proxy,
    /// The certificate of the organisation's own authority.
    CaFile,
    /// What a notification tells.
    NotificationPrivacy,
    /// When the app locks itself.
    LockAfterMinutes,
    /// Whether the app starts with the person's session.
    Autostart,
    /// Whether the app looks for newer versions, and for which.
    Updates,
    /// Where newer versions are looked for.
    UpdateFeed,
    /// Whether a conversation may be saved as a file.
    ExportConversations,
}

/// Why the policy, or one line of it, cannot be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub enum PolicyFault {
    /// It is there and cannot be read.
    Unreadable,
    /// Someone else than the administrator owns it, or a folder it is in.
    WrongOwner,
    /// Others than the administrator may change it, or a folder it is in.
    Writable,
    /// It is not JSON, or not one object.
    Malformed,
    /// It has a key that there is none of.
    UnknownKey,
    /// A key has a value that it cannot have.
    WrongValue,
}

/// Something that is wrong with the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct PolicyProblem {
    /// The key, as it is written; none where it is the whole.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// What is wrong.
    pub fault: PolicyFault,
}

/// What the organisation has decided for this computer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct PolicyView {
    /// The settings that cannot be changed here.
    pub managed: Vec<PolicyKey>,
    /// The server, if it is decided.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// What of the policy cannot be followed.
    pub problems: Vec<PolicyProblem>,
    /// Whether a conversation may be saved as a file.
    pub may_export: bool,
}
