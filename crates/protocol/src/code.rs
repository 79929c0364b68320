//! Why a peer said no.

use serde::{Deserialize, Serialize};

/// A refusal's code: stable on the wire, for branching. It grows only when someone branches on a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The request's shape or a value in it is wrong; repeating it will not help.
    BadRequest,
    /// No valid credentials.
    Unauthorized,
    /// The access token's time is over; a fresh one will do.
    TokenExpired,
    /// A code of the second factor is needed to sign in, or the one given does not work.
    OtpRequired,
    /// A second factor is required and none is set up: `POST /api/second-factor` comes first.
    OtpSetupRequired,
    /// The person may not do this, or it does not exist for them.
    Forbidden,
    /// No such thing.
    NotFound,
    /// The same id was used before for something else.
    Conflict,
    /// Larger than the limits allow; repeating it will not help.
    TooLarge,
    /// A file of a type that is not taken; repeating it will not help.
    UnsupportedType,
    /// Too often; try again after the stated time.
    RateLimited,
    /// The sync cursor is too old; fetch a snapshot.
    CursorExpired,
    /// The server cannot answer just now.
    Unavailable,
    /// The server failed.
    Internal,
    /// A code this version does not know.
    #[serde(other)]
    Unknown,
}

impl ErrorCode {
    /// Whether the same request may succeed later without anyone changing it.
    pub fn is_transient(self) -> bool {
        match self {
            Self::RateLimited | Self::Unavailable | Self::Internal | Self::TokenExpired | Self::Unknown => true,
            Self::BadRequest
            | Self::Unauthorized
            | Self::OtpRequired
            | Self::OtpSetupRequired
            | Self::Forbidden
            | Self::NotFound
            | Self::Conflict
            | Self::TooLarge
            | Self::UnsupportedType
            | Self::CursorExpired => false,
        }
    }

    /// The code as it stands on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::Unauthorized => "unauthorized",
            Self::TokenExpired => "token_expired",
            Self::OtpRequired => "otp_required",
            Self::OtpSetupRequired => "otp_setup_required",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::TooLarge => "too_large",
            Self::UnsupportedType => "unsupported_type",
            Self::RateLimited => "rate_limited",
            Self::CursorExpired => "cursor_expired",
            Self::Unavailable => "unavailable",
            Self::Internal => "internal",
            Self::Unknown => "unknown",
        }
    }

    /// Reads a code as it stands on the wire; `None` if this version does not know it.
    pub fn parse(code: &str) -> Option<Self> {
        match serde_json::from_value(serde_json::Value::from(code)) {
            Ok(Self::Unknown) | Err(_) => None,
            Ok(code) => Some(code),
        }
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
