//! Opening a connection: what the client shows in CONNECT, and what the server tells first.

use serde::{Deserialize, Serialize};

use crate::{DeviceId, Secret, Timestamp, User};

/// The version of the extensions.
pub const PROTOCOL_VERSION: u32 = 1;

/// The `auth` object of the CONNECT packet. The token is never in the URL or a cookie.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectAuth {
    /// The access token.
    pub token: Secret,
    /// Version of the extensions the client knows; absent in the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<u32>,
    /// The installation that connects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
}

/// The `session` event: the first event after CONNECT on a server that knows the extensions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionInfo {
    /// Version of the extensions the server speaks.
    pub protocol: u32,
    /// Whom the token belongs to.
    pub user: User,
    /// The server's clock, to see how far ours is off.
    pub server_time: Timestamp,
    /// Optional parts the server offers, by name.
    #[serde(default)]
    pub features: Vec<String>,
}
