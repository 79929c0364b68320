//! The wire contract of HugMeDo Chat as types: what crosses between the desktop app and a server.
//!
//! Two layers live here. The *baseline* is HugMeDo's published guide for its chat module (`GUIDE-011F-C2`); any
//! Socket.IO 4 peer written from it interoperates. The *extensions* are additive: every extension field is optional
//! when read, so a peer that lacks them is never broken by them. `docs/protocol.md` tells the contract in prose.
//!
//! Invariants: this crate does no I/O; every event carries exactly one JSON object; unknown fields are ignored; no
//! `Debug` in here prints patient text, a name, a token or a password.

mod ack;
mod client_events;
mod code;
mod connect;
mod http;
mod ids;
pub mod limits;
mod message;
mod private;
mod room;
mod server_events;
mod time;
mod user;

pub use ack::{Ack, Refusal};
pub use client_events::{
    Acknowledge, Acknowledged, ClientEvent, DeleteMessage, Delivered, DeliveredUpTo, EditMessage, Empty, Heartbeat,
    HeartbeatAnswer, JoinRoom, JoinedRoom, LeaveRoom, LeftRoom, LogPosition, PresenceSet, React, Read, ReadUpTo, Renew,
    Renewed, SendMessage, SentMessage, SetPresence, Typing,
};
pub use code::ErrorCode;
pub use connect::{ConnectAuth, PROTOCOL_VERSION, SessionInfo};
pub use http::{
    ApiError, Attachment, DevicesList, LoginRequest, MessagesPage, NewRoomRequest, OwnDevice, PeopleList,
    RecoveryCodes, RoomsList, SecondFactorOffer, SecondFactorRequest, SecondFactorStatus, SessionGrant, SyncPage,
    TokenRequest,
};
pub use ids::{AttachmentId, ClientMessageId, DeviceId, MessageId, RoomId, Seq, UserId};
pub use message::{Message, Priority, Reaction, TakenOn};
pub use private::{Opaque, Secret, Sensitive};
pub use room::{Room, RoomKind};
pub use server_events::{
    Malformed, MessageChanged, Notification, Presence, Receipt, ReceiptKind, RoomChanged, RoomRemoved, ServerEvent,
    SessionEndReason, SessionEnded, TypingNotice,
};
pub use time::Timestamp;
pub use user::{User, UserType};
