//! What a client says. Every event is one JSON object and is answered by one ack, if the client asked for one.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    ClientMessageId, MessageId, Opaque, Priority, RoomId, Secret, Sensitive, Seq, Timestamp, UserId, UserType,
    message::empty_object,
};

/// A client-to-server event: its name on the wire and the fields of its ack on success.
pub trait ClientEvent: Serialize + DeserializeOwned {
    /// The Socket.IO event name.
    const NAME: &'static str;
    /// The ack's fields beside `ok: true`.
    type Answer: Serialize + DeserializeOwned + Send + 'static;
}

macro_rules! client_event {
    ($(#[$doc:meta])* $name:literal $event:ident -> $answer:ident { $($fields:tt)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub struct $event { $($fields)* }

        impl ClientEvent for $event {
            const NAME: &'static str = $name;
            type Answer = $answer;
        }
    };
}

client_event! {
    /// Asks to receive a room's events.
    "join_room" JoinRoom -> JoinedRoom {
        /// The room.
        pub room_id: RoomId,
        /// The guide's clients name themselves; a name that is not the session's is refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub user_id: Option<UserId>,
        /// The guide's clients state their type; never trusted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub user_type: Option<UserType>,
    }
}

client_event! {
    /// Asks to receive only notifications of a room.
    "leave_room" LeaveRoom -> LeftRoom {
        /// The room.
        pub room_id: RoomId,
        /// See [`JoinRoom::user_id`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub user_id: Option<UserId>,
    }
}

client_event! {
    /// Says something in a room.
    "message" SendMessage -> SentMessage {
        /// The room.
        pub room_id: RoomId,
        /// What to say.
        pub content: Sensitive,
        /// Files, uploaded before.
        #[serde(default)]
        pub attachments: Vec<Opaque>,
        /// Passed on to every reader as it is.
        #[serde(default = "empty_object")]
        pub metadata: Opaque,
        /// Makes a repeat harmless. A guide client gives none, and then every repeat is a new message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub client_message_id: Option<ClientMessageId>,
        /// How insistently it asks for attention.
        #[serde(default)]
        pub priority: Priority,
        /// The message it answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub reply_to: Option<MessageId>,
        /// The people it names.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub mentions: Vec<UserId>,
        /// See [`JoinRoom::user_id`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub user_id: Option<UserId>,
    }
}

client_event! {
    /// Says that the person is, or is no longer, writing.
    "typing" Typing -> Empty {
        /// The room.
        pub room_id: RoomId,
        /// See [`JoinRoom::user_id`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub user_id: Option<UserId>,
        /// Whether the person is writing.
        pub is_typing: bool,
    }
}

client_event! {
    /// Says that everything up to a position was on screen before the person's eyes.
    "read" Read -> ReadUpTo {
        /// The room.
        pub room_id: RoomId,
        /// The last position that was seen.
        pub up_to_seq: Seq,
    }
}

client_event! {
    /// Says that everything up to a position is stored on the person's device. An addition of ours to the contract:
    /// without it a server could only guess, because a socket write proves nothing.
    "delivered" Delivered -> DeliveredUpTo {
        /// The room.
        pub room_id: RoomId,
        /// The last position that is stored.
        pub up_to_seq: Seq,
    }
}

client_event! {
    /// "I have taken this on", which is more than having read it.
    "acknowledge" Acknowledge -> Acknowledged {
        /// The room.
        pub room_id: RoomId,
        /// The message taken on.
        pub message_id: MessageId,
    }
}

client_event! {
    /// Changes the text of an own message.
    "edit_message" EditMessage -> LogPosition {
        /// The room.
        pub room_id: RoomId,
        /// The message.
        pub message_id: MessageId,
        /// The new text.
        pub content: Sensitive,
    }
}

client_event! {
    /// Takes an own message back.
    "delete_message" DeleteMessage -> LogPosition {
        /// The room.
        pub room_id: RoomId,
        /// The message.
        pub message_id: MessageId,
    }
}

client_event! {
    /// Adds or removes a reaction.
    "react" React -> LogPosition {
        /// The room.
        pub room_id: RoomId,
        /// The message.
        pub message_id: MessageId,
        /// One emoji.
        pub emoji: String,
        /// Whether the reaction is to stand.
        pub on: bool,
    }
}

client_event! {
    /// Says how the person can be reached, until they say otherwise or are gone.
    "set_presence" SetPresence -> PresenceSet {
        /// `available`, `busy`, `away` or `on_call`.
        pub status: String,
    }
}

client_event! {
    /// Puts a fresh access token on the live socket.
    "renew" Renew -> Renewed {
        /// The fresh token.
        pub token: Secret,
    }
}

client_event! {
    /// Asks whether the server still answers.
    "heartbeat" Heartbeat -> HeartbeatAnswer {}
}

/// An ack without fields of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// Ack of `join_room`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JoinedRoom {
    /// The room.
    pub room_id: RoomId,
    /// The last position of its log.
    #[serde(default)]
    pub last_seq: Seq,
    /// Up to where the person has read.
    #[serde(default)]
    pub read_seq: Seq,
}

/// Ack of `leave_room`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftRoom {
    /// The room.
    pub room_id: RoomId,
}

/// Ack of `message`: the message is durable on the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SentMessage {
    /// The server's name for it.
    pub id: MessageId,
    /// The room.
    pub room_id: RoomId,
    /// Its position in the room's log.
    pub seq: Seq,
    /// The client's own id, repeated so that an answer can never be taken for another message's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<ClientMessageId>,
    /// When it was stored.
    pub created_at: Timestamp,
}

/// Ack of `read`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReadUpTo {
    /// The room.
    pub room_id: RoomId,
    /// The read position the server now holds; never lower than before.
    pub read_seq: Seq,
}

/// Ack of `delivered`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveredUpTo {
    /// The room.
    pub room_id: RoomId,
    /// The delivered position the server now holds; never lower than before.
    pub delivered_seq: Seq,
}

/// Ack of `acknowledge`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Acknowledged {
    /// The message.
    pub message_id: MessageId,
    /// When it was first taken on by this person.
    pub at: Timestamp,
}

/// Ack of the events that change a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogPosition {
    /// The position the change took in the room's log.
    pub seq: Seq,
}

/// Ack of `set_presence`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PresenceSet {
    /// The status that holds now: `offline` for a person without a socket, whatever was asked for.
    pub status: String,
}

/// Ack of `renew`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Renewed {
    /// When the fresh token ends.
    pub expires_at: Timestamp,
}

/// Ack of `heartbeat`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeartbeatAnswer {
    /// The server's clock.
    pub server_time: Timestamp,
}
