//! Identifiers: strings on the wire, distinct types in code, so a room id can never be passed for a user id.

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, Visitor},
};

/// Ids are strings; a server that takes them from a database sequence may send numbers, which are read as their digits.
struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = String;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an id")
    }

    fn visit_str<E: Error>(self, id: &str) -> Result<String, E> {
        Ok(id.to_owned())
    }

    fn visit_string<E: Error>(self, id: String) -> Result<String, E> {
        Ok(id)
    }

    fn visit_u64<E: Error>(self, id: u64) -> Result<String, E> {
        Ok(id.to_string())
    }

    fn visit_i64<E: Error>(self, id: i64) -> Result<String, E> {
        Ok(id.to_string())
    }
}

macro_rules! string_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[cfg_attr(feature = "ts", derive(ts_rs::TS))]
        #[serde(transparent)]
        #[cfg_attr(feature = "ts", ts(as = "String"))]
        pub struct $name(String);

        impl $name {
            /// Takes an id as it stands on the wire.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The id as it stands on the wire.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(IdVisitor).map(Self)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self::new(id)
            }
        }
    };
}

string_id!(
    /// A conversation. Rooms of the guide have short names (`general`), others have UUIDs.
    RoomId
);
string_id!(
    /// A person.
    UserId
);
string_id!(
    /// A message, as the server named it.
    MessageId
);
string_id!(
    /// A file that was brought to the server.
    AttachmentId
);
string_id!(
    /// One installation of the app for one person.
    DeviceId
);
string_id!(
    /// The name a client gave its own message before sending it: a UUIDv7, made once, never changed by a retry.
    ///
    /// `(sender, ClientMessageId)` is unique on the server; that is what makes a retry harmless.
    ClientMessageId
);

impl ClientMessageId {
    /// A fresh id. Made once per message, where the person pressed send.
    pub fn generate() -> Self {
        Self(uuid::Uuid::now_v7().to_string())
    }
}

/// A position in one room's log, counted from 1 without gaps; 0 stands before the first entry.
///
/// New messages and changes to old ones each take the next position. It is below 2^53, so JavaScript holds it exactly.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "ts", ts(as = "u32"))]
#[serde(transparent)]
pub struct Seq(u64);

impl Seq {
    /// Before the first entry of a log.
    pub const ZERO: Seq = Seq(0);

    /// The position with this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number of this position.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position after this one.
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl std::fmt::Display for Seq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
