//! What a server says, on the socket and, with the same payloads, in a sync page as `{ event, data }`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned, ser::SerializeStruct};
use serde_json::Value;

use crate::{
    ErrorCode, Message, MessageId, Opaque, Priority, Refusal, Room, RoomId, Sensitive, Seq, SessionInfo, Timestamp,
    UserId,
};

/// `typing`, as others hear it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypingNotice {
    /// The room.
    pub room_id: RoomId,
    /// Who.
    pub user_id: UserId,
    /// Their name.
    #[serde(default)]
    pub user_name: Sensitive,
    /// Whether they are writing.
    pub is_typing: bool,
}

/// `notification`: something is unread in a room this socket has not joined. Never holds message text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// The room.
    pub room_id: RoomId,
    /// The same room, in the guide's spelling.
    pub room: RoomId,
    /// How many are unread there for the receiver.
    #[serde(default)]
    pub unread: u64,
    /// Position of the message it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// How insistently that message asks for attention.
    #[serde(default)]
    pub priority: Priority,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<Sensitive>,
}

/// `message_changed`: an edit, a deletion or a reaction, which takes a position of its own in the room's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageChanged {
    /// The room.
    pub room_id: RoomId,
    /// The position of the change.
    pub seq: Seq,
    /// The message as it now is; its own `seq` is still its original one.
    pub message: Message,
}

/// How far a message has come with one reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptKind {
    /// Stored on a device of theirs.
    Delivered,
    /// Seen on their screen.
    Read,
    /// Taken on by them.
    Acknowledged,
    /// A kind this version does not know.
    #[serde(other)]
    Unknown,
}

/// `receipt`: cumulative for `delivered` and `read` (`upToSeq`), single for `acknowledged` (`messageId`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// The room.
    pub room_id: RoomId,
    /// Whose receipt.
    pub user_id: UserId,
    /// What happened.
    pub kind: ReceiptKind,
    /// Everything up to here, for cumulative kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub up_to_seq: Option<Seq>,
    /// The one message, for single kinds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// When.
    pub at: Timestamp,
}

/// `room_changed`: a room the receiver is, or has just become, a member of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoomChanged {
    /// The room as it now is for the receiver.
    pub room: Room,
}

/// `room_removed`: the receiver is no longer a member and must forget what it holds of the room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoomRemoved {
    /// The room.
    pub room_id: RoomId,
}

/// `presence`: of everyone here who shares a conversation with the receiver, after `session` and whenever it changes. The
/// receiver is one of them. Who is not named after a `session` is offline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Presence {
    /// Who.
    pub user_id: UserId,
    /// Their status, by name.
    pub status: String,
}

/// Why a session is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum SessionEndReason {
    /// The person signed out.
    SignedOut,
    /// The access token's time is over.
    Expired,
    /// An administrator ended it, or a refresh token was used twice.
    Revoked,
    /// Another session took its place.
    Replaced,
    /// A reason this version does not know.
    #[serde(other)]
    Unknown,
}

/// `session_ended`, followed by a disconnect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionEnded {
    /// Why.
    pub reason: SessionEndReason,
}

macro_rules! server_events {
    ($($name:literal => $variant:ident($payload:ty)),+ $(,)?) => {
        /// Any event of a server. `Unknown` keeps the name only: a newer peer may send anything, and it is ignored.
        #[derive(Debug, Clone, PartialEq)]
        #[allow(clippy::large_enum_variant, reason = "messages are the common case; boxing them would cost each one")]
        pub enum ServerEvent {
            $(
                #[doc = concat!("`", $name, "`")]
                $variant($payload),
            )+
            /// An event of this name, which this version does not know.
            Unknown(String),
        }

        impl ServerEvent {
            /// The Socket.IO event name.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant(_) => $name,)+
                    Self::Unknown(name) => name,
                }
            }

            /// The event's one argument.
            ///
            /// # Errors
            /// Only if a payload cannot be written as JSON, which no payload here does.
            pub fn payload(&self) -> Result<Value, serde_json::Error> {
                match self {
                    $(Self::$variant(payload) => serde_json::to_value(payload),)+
                    Self::Unknown(_) => Ok(Value::Null),
                }
            }

            /// Reads an event from its name and its one argument.
            ///
            /// # Errors
            /// If the name is known and the argument lacks a required field. The error names the field, never its value.
            pub fn parse(name: &str, payload: Value) -> Result<Self, Malformed> {
                match name {
                    $($name => read(name, payload).map(Self::$variant),)+
                    _ => Ok(Self::Unknown(name.to_owned())),
                }
            }
        }
    };
}

server_events! {
    "session" => Session(SessionInfo),
    "new_message" => NewMessage(Message),
    "typing" => Typing(TypingNotice),
    "notification" => Notification(Notification),
    "message_changed" => MessageChanged(MessageChanged),
    "receipt" => Receipt(Receipt),
    "room_changed" => RoomChanged(RoomChanged),
    "room_removed" => RoomRemoved(RoomRemoved),
    "presence" => Presence(Presence),
    "session_ended" => SessionEnded(SessionEnded),
}

/// An event of a known name whose argument does not fit. Says which field, never what was in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The event.
    pub event: String,
}

impl std::fmt::Display for Malformed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the argument of `{}` does not fit the contract", self.event)
    }
}

impl std::error::Error for Malformed {}

impl From<Malformed> for Refusal {
    fn from(malformed: Malformed) -> Self {
        Refusal::new(ErrorCode::BadRequest, malformed.to_string())
    }
}

// serde's own message may quote the offending value, which may be patient text; so it is dropped here.
fn read<T: DeserializeOwned>(event: &str, payload: Value) -> Result<T, Malformed> {
    serde_json::from_value(payload).map_err(|_| Malformed { event: event.to_owned() })
}

impl Serialize for ServerEvent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut wire = serializer.serialize_struct("ServerEvent", 2)?;
        wire.serialize_field("event", self.name())?;
        wire.serialize_field("data", &self.payload().map_err(serde::ser::Error::custom)?)?;
        wire.end()
    }
}

impl<'de> Deserialize<'de> for ServerEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Wire {
            event: String,
            #[serde(default)]
            data: Opaque,
        }
        let wire = Wire::deserialize(deserializer)?;
        Self::parse(&wire.event, wire.data.0).map_err(serde::de::Error::custom)
    }
}
