//! Who is signed in and how the link to the server stands; what it takes to sign in.

use hugmedo_chat_protocol::{Secret, Timestamp, User, UserId};
use serde::{Deserialize, Serialize};

use crate::error::ErrorCode;

#[cfg(feature = "ts")]
use ts_rs::TS;

/// Who is signed in, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct SessionView {
    /// The person.
    pub user: User,
    /// The server's address as normalised from what was typed, without a trailing slash.
    pub server: String,
    /// Whether the session outlives the app. False after signing in with 'do not remember me'.
    pub remembered: bool,
    /// Whether the server speaks only the guide's baseline: no receipts, no history, rooms added by hand.
    pub baseline: bool,
}

/// The state of the link to the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub enum ConnectionState {
    /// Nobody is signed in.
    Idle,
    /// An attempt is under way.
    Connecting,
    /// Connected; what was missed meanwhile is being fetched.
    CatchingUp,
    /// Connected and up to date.
    Live,
    /// Up to date over HTTPS only, because no live connection comes about: messages arrive and leave, typing is not seen.
    /// A live connection is tried again by itself.
    Limited,
    /// Not connected; the next attempt comes by itself, unless there is no `next_attempt_at`: then as many attempts have failed
    /// as the person allowed.
    Offline,
    /// The server refused the credentials; only signing in again helps.
    AuthRequired,
}

/// The link to the server, told honestly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct ConnectionView {
    /// The state.
    pub state: ConnectionState,
    /// Since when it is so. While offline: since when the link is down, across attempts.
    pub since: Timestamp,
    /// Why it is not live, where that is known.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<ErrorCode>,
    /// When the next attempt is made, while offline.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// How far fetching what is not here has come, while it goes on; in any state that is connected.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<SyncProgress>,
    /// When the server last answered anything.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_confirmed_at: Option<Timestamp>,
}

/// How many messages are here, of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct SyncProgress {
    /// Messages fetched.
    pub fetched: u32,
    /// Messages there are, where that is known.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u32>,
}

/// What answers at an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct ServerCheck {
    /// The address as normalised from what was typed.
    pub address: String,
    /// What kind of server it is.
    pub kind: ServerKind,
}

/// What a server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub enum ServerKind {
    /// Everything.
    Extended,
    /// The guide's baseline: no password, no receipts, no history.
    Baseline,
}

/// How someone proves who they are.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Credentials {
    /// By the server's own sign-in.
    Password {
        /// The user name.
        username: String,
        /// The password.
        #[cfg_attr(feature = "ts", ts(type = "string"))]
        password: Secret,
        /// A code of the second factor, or a recovery code, once the server has asked for one (`otpRequired`).
        #[cfg_attr(feature = "ts", ts(optional, type = "string"))]
        otp: Option<Secret>,
    },
    /// By an access token that the organisation's own service issued, as the guide's does.
    Token {
        /// The token.
        #[cfg_attr(feature = "ts", ts(type = "string"))]
        access_token: Secret,
        /// The person's id on the server; needed only where the server cannot be asked (`GET /api/me`) and the token
        /// does not say it.
        #[cfg_attr(feature = "ts", ts(optional))]
        user_id: Option<UserId>,
    },
}

/// A request to sign in.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct SignInRequest {
    /// The server's address as typed: a missing scheme means `https://`, or `http://` on this computer.
    pub server: String,
    /// The proof.
    pub credentials: Credentials,
    /// False: nothing is written to disk or keychain, and closing the app signs out.
    pub remember: bool,
    /// True: the person has accepted an unencrypted connection to another computer.
    #[serde(default)]
    pub allow_insecure: bool,
}
