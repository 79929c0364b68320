//! The second factor: how it stands, and what setting it up takes.

use hugmedo_chat_protocol::Secret;
use serde::{Deserialize, Serialize};
#[cfg(feature = "ts")]
use ts_rs::TS;

/// How it stands with someone's second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorView {
    /// Whether signing in by password asks for a code.
    pub in_use: bool,
    /// Whether the organisation requires it.
    pub required: bool,
    /// How many recovery codes have not been used.
    pub recovery_codes_left: u32,
}

/// What shows that someone may change a second factor.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorProof {
    /// The server's address, as in signing in.
    pub server: String,
    /// As in signing in.
    #[serde(default)]
    pub allow_insecure: bool,
    /// The user name.
    pub username: String,
    /// The password.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub password: Secret,
    /// A code: to confirm, of the secret that was offered; otherwise of the second factor in use.
    #[cfg_attr(feature = "ts", ts(optional, type = "string"))]
    pub otp: Option<Secret>,
}

/// What goes into an authenticator. The one secret that crosses to the page: its person has to see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorOffer {
    /// In base32, for typing.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub secret: Secret,
    /// As an `otpauth:` address.
    #[cfg_attr(feature = "ts", ts(type = "string"))]
    pub uri: Secret,
    /// The address as a QR code: a square of `1` (dark) and `0`, row by row.
    pub qr: Vec<String>,
}
