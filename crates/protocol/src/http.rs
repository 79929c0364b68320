//! Bodies of the HTTP calls under `/api`. A sync page carries the same payloads as the socket's events.

use serde::{Deserialize, Serialize};

use crate::{
    AttachmentId, DeviceId, ErrorCode, Message, Room, Secret, Sensitive, ServerEvent, Timestamp, User, UserId,
};

/// `POST /api/login`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoginRequest {
    /// The name a person signs in with.
    pub username: String,
    /// Their password.
    pub password: Secret,
    /// A code of the second factor, or a recovery code, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otp: Option<Secret>,
    /// The installation that signs in, as in the CONNECT packet; for the list of a person's devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
}

/// `POST /api/second-factor` and below: each asks for the password anew, so that an open session alone changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorRequest {
    /// The name a person signs in with.
    pub username: String,
    /// Their password.
    pub password: Secret,
    /// A code: to confirm, of the secret that was offered; otherwise of the second factor in use, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otp: Option<Secret>,
}

/// The answer to `POST /api/second-factor`: what an authenticator needs. In use once a code of it has confirmed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorOffer {
    /// The shared secret in base32, for typing.
    pub secret: Secret,
    /// The same as an `otpauth:` address, for a QR code.
    pub uri: Secret,
}

/// The answer to `POST /api/second-factor/confirm`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveryCodes {
    /// Each signs in once in place of a code. Never shown again.
    pub recovery_codes: Vec<Secret>,
}

/// `GET /api/second-factor`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecondFactorStatus {
    /// Whether signing in by password asks for a code.
    pub in_use: bool,
    /// Whether the organisation requires it of this person.
    pub required: bool,
    /// How many recovery codes have not been used.
    pub recovery_codes_left: u32,
}

/// `GET /api/devices`: where the caller has signed in within the last hundred days, the one that was heard of last first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DevicesList {
    /// The devices.
    pub devices: Vec<OwnDevice>,
}

/// A device of the caller's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnDevice {
    /// As it names itself.
    pub id: DeviceId,
    /// When the oldest session there began.
    pub first_signed_in_at: Timestamp,
    /// When it last connected.
    pub seen_at: Timestamp,
    /// Whether a session there lives.
    pub is_signed_in: bool,
    /// Whether it is the one that asks.
    pub is_this: bool,
    /// When it was last to remove what it has stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erase_asked_at: Option<Timestamp>,
    /// When it was last told so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erase_told_at: Option<Timestamp>,
}

/// `POST /api/token`: trades a refresh token for a new pair. The old one dies; its reuse ends the whole family, unless it is the
/// same trade again, see `renewal_id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenRequest {
    /// The newest refresh token.
    pub refresh_token: Secret,
    /// Made once by the client for this refresh token, and kept beside it: 16 to 128 bytes that nobody can guess. The same trade asked
    /// for again, because its answer was lost, gets the same pair, as long as the new refresh token was not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renewal_id: Option<Secret>,
}

/// The answer to `POST /api/login` and `POST /api/token`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionGrant {
    /// Opens sockets and routes until `expires_at`.
    pub access_token: Secret,
    /// Good for exactly one `POST /api/token`.
    pub refresh_token: Secret,
    /// When `access_token` ends, by the server's clock.
    pub expires_at: Timestamp,
    /// Who signed in.
    pub user: User,
    /// For how many seconds from now a device may keep what it has stored without hearing from the server; absent: for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_seconds: Option<u64>,
}

/// `GET /api/rooms`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomsList {
    /// Every room the caller is a member of.
    pub rooms: Vec<Room>,
}

/// `GET /api/rooms/{id}/messages`: ascending by seq.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessagesPage {
    /// At most the asked number, at most [`crate::limits::MAX_PAGE`].
    pub messages: Vec<Message>,
    /// Whether more lie beyond this page in the asked direction.
    pub has_more: bool,
}

/// `GET /api/sync`: everything that changed for the caller, across rooms, in one order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SyncPage {
    /// What happened after the asked cursor; applying one twice changes nothing.
    pub changes: Vec<ServerEvent>,
    /// Where to go on. Opaque to the client.
    pub cursor: String,
    /// Whether more is waiting.
    pub has_more: bool,
}

/// The body of every error answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiError {
    /// For branching.
    pub code: ErrorCode,
    /// For logs, in English; never patient text.
    #[serde(default)]
    pub message: String,
    /// Milliseconds to wait before trying again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Only ever of `POST /api/token`: an administrator wants what this device has stored for the session's person to be removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub erase: bool,
}

/// `GET /api/people`: everyone the caller may begin a conversation with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PeopleList {
    /// The people, the caller left out.
    pub people: Vec<User>,
}

/// `POST /api/rooms`: begins a conversation; the answer is its [`Room`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewRoomRequest {
    /// What the group is called; absent for a conversation of two, which everyone sees under the other's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Sensitive>,
    /// The others. One person and no name: the conversation of two, the existing one if there is one.
    pub member_ids: Vec<UserId>,
}

/// `POST /api/attachments`, and what a message carries of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// The server's name for it.
    pub id: AttachmentId,
    /// The file's name, cleaned by the server; its ending tells what the file is.
    pub name: Sensitive,
    /// What the server found it to be.
    pub media_type: String,
    /// In bytes.
    pub size: u64,
    /// SHA-256 of the bytes, in hexadecimal.
    pub sha256: String,
    /// Of a picture: how wide it is shown, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Of a picture: how high.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}
