//! What can go wrong, as one enum with a stable code.
//!
//! Invariant: neither `Display` nor `Debug` of an error holds patient text, a token or a password; causes are kept by
//! kind, not by quoting.

use hugmedo_chat_protocol as wire;
use serde::{Deserialize, Serialize};

/// Why something did not work, for branching and for choosing the sentence that is shown. It grows only when the
/// interface has something different to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub enum ErrorCode {
    /// The server address cannot be read as one.
    InvalidAddress,
    /// The address has a path, a query, or a user name, which a server address does not have.
    AddressHasPath,
    /// Plain `http` to another computer: refused unless the person accepts it.
    InsecureAddress,
    /// No answer from the address: name not found, refused, or no network.
    Unreachable,
    /// There is no computer of that name.
    HostNotFound,
    /// The computer is there and takes no connection.
    ConnectionRefused,
    /// The proxy that is set cannot be reached.
    ProxyUnreachable,
    /// The proxy that is set leads no further.
    ProxyRefused,
    /// The server speaks a version of the protocol that this app no longer does.
    ServerTooOld,
    /// An answer took too long.
    Timeout,
    /// The server's certificate is not trusted.
    UntrustedCertificate,
    /// Something answers at the address, but it is not a HugMeDo Chat server.
    NotAChatServer,
    /// Wrong user name, password or token.
    Unauthorized,
    /// A code of the second factor is needed, or the one given does not work.
    OtpRequired,
    /// A second factor is required, and has to be set up first.
    OtpSetupRequired,
    /// The session is over; only signing in again helps.
    SessionExpired,
    /// With this token the person's id has to be given too.
    UserIdRequired,
    /// Not allowed, or no longer a member.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// Longer than a message may be.
    TooLong,
    /// There is nothing to send.
    Empty,
    /// A file is larger than the server takes.
    FileTooLarge,
    /// The server does not take files of this type.
    UnsupportedType,
    /// No live connection comes about, but single calls get through: something on the way blocks WebSockets.
    WebSocketBlocked,
    /// A live connection cannot go through the proxy that is set.
    ProxyInUse,
    /// The proxy's address cannot be read as one, or holds a password.
    InvalidProxy,
    /// The certificate file is not there or holds no certificate.
    InvalidCaFile,
    /// Too often; wait a moment.
    RateLimited,
    /// The server cannot answer just now.
    ServerUnavailable,
    /// The server refused for a reason that repeating will not change.
    Refused,
    /// Nobody is signed in.
    NotSignedIn,
    /// The app is locked.
    Locked,
    /// That is not the PIN.
    WrongPin,
    /// The PIN was mistyped too often, or none was chosen; signing in unlocks.
    PinUsedUp,
    /// A PIN that cannot be chosen: too short or too long.
    InvalidPin,
    /// The disk of this computer is full.
    DiskFull,
    /// The store could not be read or written.
    StoreFailed,
    /// The store was written by a newer version of the app.
    StoreTooNew,
    /// The store could not be brought to this version; it is as it was.
    StoreUpgradeFailed,
    /// The store cannot be opened with the key at hand; it was set aside.
    StoreUnreadable,
    /// This computer has no keychain service.
    KeychainMissing,
    /// The keychain is locked.
    KeychainLocked,
    /// The organisation had the account's data removed from this computer.
    DataErased,
    /// The server was not heard of for as long as it lends its data, so that the account's data was removed.
    LeaseOver,
    /// The organisation has decided this for this computer.
    ManagedByPolicy,
    /// What the organisation has decided for this computer cannot be followed.
    PolicyUnusable,
    /// A fault in this app.
    Internal,
}

impl ErrorCode {
    /// Whether doing the same again later may work without anyone changing anything.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Unreachable
            | Self::ConnectionRefused
            | Self::ProxyUnreachable
            | Self::Timeout
            | Self::RateLimited
            | Self::ServerUnavailable
            | Self::DiskFull
            | Self::StoreFailed
            | Self::KeychainLocked
            | Self::Internal => true,
            Self::InvalidAddress
            | Self::AddressHasPath
            | Self::InsecureAddress
            | Self::HostNotFound
            | Self::ProxyRefused
            | Self::ServerTooOld
            | Self::UntrustedCertificate
            | Self::NotAChatServer
            | Self::WebSocketBlocked
            | Self::ProxyInUse
            | Self::InvalidProxy
            | Self::InvalidCaFile
            | Self::Unauthorized
            | Self::OtpRequired
            | Self::OtpSetupRequired
            | Self::SessionExpired
            | Self::UserIdRequired
            | Self::Forbidden
            | Self::NotFound
            | Self::TooLong
            | Self::Empty
            | Self::FileTooLarge
            | Self::UnsupportedType
            | Self::Refused
            | Self::NotSignedIn
            | Self::Locked
            | Self::WrongPin
            | Self::PinUsedUp
            | Self::InvalidPin
            | Self::StoreTooNew
            | Self::StoreUpgradeFailed
            | Self::StoreUnreadable
            | Self::KeychainMissing
            | Self::DataErased
            | Self::LeaseOver
            | Self::ManagedByPolicy
            | Self::PolicyUnusable => false,
        }
    }
}

impl From<wire::ErrorCode> for ErrorCode {
    fn from(code: wire::ErrorCode) -> Self {
        match code {
            wire::ErrorCode::Unauthorized => Self::Unauthorized,
            wire::ErrorCode::TokenExpired => Self::SessionExpired,
            wire::ErrorCode::OtpRequired => Self::OtpRequired,
            wire::ErrorCode::OtpSetupRequired => Self::OtpSetupRequired,
            wire::ErrorCode::Forbidden => Self::Forbidden,
            wire::ErrorCode::NotFound => Self::NotFound,
            wire::ErrorCode::TooLarge => Self::TooLong,
            wire::ErrorCode::UnsupportedType => Self::UnsupportedType,
            wire::ErrorCode::RateLimited => Self::RateLimited,
            wire::ErrorCode::Unavailable | wire::ErrorCode::Internal | wire::ErrorCode::Unknown => {
                Self::ServerUnavailable
            }
            wire::ErrorCode::BadRequest | wire::ErrorCode::Conflict | wire::ErrorCode::CursorExpired => Self::Refused,
        }
    }
}

/// The code as it stands in JSON; for logs.
impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// A failure, with its code for branching and a sentence for logs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{context}")]
pub struct Error {
    code: ErrorCode,
    context: String,
}

impl Error {
    /// A failure. `context` is English, for logs, and free of patient text and secrets.
    pub fn new(code: ErrorCode, context: impl Into<String>) -> Self {
        Self { code, context: context.into() }
    }

    /// Why, for branching.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// Whether doing the same again later may work, see [`ErrorCode::is_retryable`].
    pub fn is_retryable(&self) -> bool {
        self.code.is_retryable()
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ffi::ErrorCode as Sqlite;
        let code = match error.sqlite_error_code() {
            Some(Sqlite::DiskFull) => ErrorCode::DiskFull,
            Some(Sqlite::NotADatabase | Sqlite::DatabaseCorrupt) => ErrorCode::StoreUnreadable,
            Some(_) => ErrorCode::StoreFailed,
            None => ErrorCode::Internal,
        };
        // rusqlite quotes statements, which hold placeholders, never the values bound to them.
        Self::new(code, format!("store: {error}"))
    }
}

impl From<crate::host::SecretStoreError> for Error {
    fn from(error: crate::host::SecretStoreError) -> Self {
        use crate::host::SecretStoreError as Kind;
        let code = match &error {
            Kind::Missing(_) => ErrorCode::KeychainMissing,
            Kind::Locked(_) => ErrorCode::KeychainLocked,
            Kind::Failed(_) => ErrorCode::KeychainMissing,
        };
        Self::new(code, error.to_string())
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        let code = match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorCode::DiskFull,
            _ => ErrorCode::StoreFailed,
        };
        Self::new(code, format!("file: {}", error.kind()))
    }
}
