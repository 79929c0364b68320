//! Rooms and the rows of their timelines.

use hugmedo_chat_protocol::{
    ClientMessageId, MessageId, Priority, RoomId, RoomKind, Sensitive, Seq, Timestamp, User, UserId,
};
use serde::{Deserialize, Serialize};

use super::{AttachmentView, QuoteView, ReactionView, RoomChoices, RoomNotify};
use crate::error::ErrorCode;

#[cfg(feature = "ts")]
use ts_rs::TS;

/// How far an own message has come. A maximum that never goes back, but for `Failed` and its retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub enum Delivery {
    /// The server refused it for good; it waits for the person to retry or discard it.
    Failed,
    /// Stored here, waiting for its turn or for the link.
    Queued,
    /// On its way, not yet answered.
    Sending,
    /// The server has it.
    Sent,
    /// It is on the device of at least one other member.
    Delivered,
    /// At least one other member has had it on screen.
    Read,
}

/// One row of a room's timeline.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct MessageView {
    /// Stable for the row's life, also while an own message goes from queued to sent: use it as the list key.
    pub key: String,
    /// The room.
    pub room_id: RoomId,
    /// The server's name for it; absent until sent.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<MessageId>,
    /// The client's own id, for own messages of this device.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<ClientMessageId>,
    /// Position in the room; absent until sent. Rows are ordered by it; rows without one come last, in `pending_order`.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// Order among the rows that have no `seq`: ascending, the later written the higher.
    pub pending_order: u32,
    /// Who wrote it.
    pub author: User,
    /// Whether the reader wrote it.
    pub own: bool,
    /// What was said.
    pub content: Sensitive,
    /// How insistently it asks for attention.
    pub priority: Priority,
    /// When the server stored it or, until then, when it was written here.
    pub created_at: Timestamp,
    /// How far it has come; absent for others' messages.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
    /// Why it failed or still waits, where that is known.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<ErrorCode>,
    /// How many other members have read it; only for own messages.
    pub read_by: u32,
    /// Whether its author changed it afterwards.
    pub edited: bool,
    /// Whether its author took it back; `content` is then empty.
    pub deleted: bool,
    /// Whether its sender's client called it a kind that this version does not know: what is here may not be all of it.
    #[cfg_attr(feature = "ts", ts(optional, as = "Option<bool>"))]
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unknown_kind: bool,
    /// The message it answers.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<QuoteView>,
    /// The people it names.
    pub mentions: Vec<UserId>,
    /// Emoji under it, in the order they first came.
    pub reactions: Vec<ReactionView>,
    /// Who has taken it on; only ever set for urgent messages.
    pub acknowledged_by: Vec<UserId>,
    /// The files it carries, in its author's order; empty once it was taken back.
    pub attachments: Vec<AttachmentView>,
}

/// The newest message of a room, for the room list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct LastMessageView {
    /// The beginning of what was said, on one line, at most 120 characters.
    pub preview: Sensitive,
    /// Who wrote it.
    pub author_name: Sensitive,
    /// Whether the reader wrote it.
    pub own: bool,
    /// When.
    pub created_at: Timestamp,
    /// How far it has come; absent for others' messages.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
    /// Whether its author took it back.
    pub deleted: bool,
}

/// One row of the room list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct RoomView {
    /// The room.
    pub id: RoomId,
    /// Its name.
    pub name: Sensitive,
    /// Who it is for.
    pub kind: RoomKind,
    /// Everyone in it, the reader included.
    pub members: Vec<User>,
    /// Others' messages above the read position.
    pub unread: u32,
    /// How many of them name the reader.
    pub unread_mentions: u32,
    /// How many of them are urgent.
    pub unread_urgent: u32,
    /// Up to where the reader has read, and does not want to read again.
    pub read_seq: Seq,
    /// The newest message.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_message: Option<LastMessageView>,
    /// Own messages that have not reached the server, failed ones included.
    pub unsent: u32,
    /// Whether a draft waits in it.
    pub has_draft: bool,
    /// The person's own arrangement of it.
    pub choices: RoomChoices,
}

impl RoomView {
    /// What the title, the tray and the badge count of its unread messages: of a room of which the person wants to hear nothing,
    /// the urgent ones.
    pub fn counted_unread(&self) -> u32 {
        if self.choices.notify == RoomNotify::None { self.unread_urgent } else { self.unread }
    }
}

/// A stretch of a room's timeline, ascending.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct TimelinePage {
    /// The room.
    pub room_id: RoomId,
    /// The rows.
    pub messages: Vec<MessageView>,
    /// Whether older messages exist before the first row, here or on the server.
    pub has_earlier: bool,
    /// Whether newer messages exist after the last row; false on a page that ends with the newest.
    pub has_later: bool,
    /// Set when older messages exist but could not be fetched just now: what is shown is whole, but ends here.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incomplete: Option<ErrorCode>,
}

/// What opening a room answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct OpenedRoom {
    /// The room as it stood when it was opened. Its `read_seq` is where the 'new messages' divider goes.
    pub room: RoomView,
    /// The newest rows.
    pub page: TimelinePage,
    /// What the person had begun to write here; empty if nothing.
    pub draft: Draft,
    /// The message the draft answers.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draft_quote: Option<QuoteView>,
    /// Another wording of an own message that was begun here.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edit: Option<BegunEdit>,
    /// The files that wait in the composer.
    pub attachments: Vec<AttachmentView>,
    /// Who is writing.
    pub typing: Vec<TypingPerson>,
}

/// Someone who is writing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct TypingPerson {
    /// Who.
    pub user_id: UserId,
    /// Their name.
    pub name: Sensitive,
}

/// What a person has begun to write in a room. Its files are kept apart, see [`OpenedRoom::attachments`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    /// The text.
    pub content: Sensitive,
    /// The message it answers.
    #[serde(default)]
    #[cfg_attr(feature = "ts", ts(optional = nullable))]
    pub reply_to: Option<MessageId>,
    /// The people it names.
    #[serde(default)]
    pub mentions: Vec<UserId>,
}

/// Another wording of an own message, as far as it has come.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct EditText {
    /// The message.
    pub message_id: MessageId,
    /// What it is to say.
    pub content: Sensitive,
}

/// The same, with its message as it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct BegunEdit {
    /// The message.
    pub message: MessageView,
    /// What it is to say.
    pub content: Sensitive,
}

/// A message to send.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct OutgoingMessage {
    /// The room.
    pub room_id: RoomId,
    /// Minted once, where send was pressed. Sending the same id again is the same message.
    pub client_message_id: ClientMessageId,
    /// What to say.
    pub content: Sensitive,
    /// How insistently it asks for attention.
    #[serde(default)]
    #[cfg_attr(feature = "ts", ts(optional, as = "Option<Priority>"))]
    pub priority: Priority,
    /// The message it answers.
    #[serde(default)]
    #[cfg_attr(feature = "ts", ts(optional = nullable))]
    pub reply_to: Option<MessageId>,
    /// The people it names.
    #[serde(default)]
    #[cfg_attr(feature = "ts", ts(optional, as = "Option<Vec<UserId>>"))]
    pub mentions: Vec<UserId>,
    /// The ids of files that wait in the room's composer, in order. With one, `content` may be empty.
    #[serde(default)]
    #[cfg_attr(feature = "ts", ts(optional, as = "Option<Vec<String>>"))]
    pub attachments: Vec<String>,
    /// It was not what stands in the room's composer: the draft there stays.
    #[serde(default)]
    #[cfg_attr(feature = "ts", ts(optional, as = "Option<bool>"))]
    pub keeps_draft: bool,
}

/// What the person has before their eyes, as the interface reports it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct Gaze {
    /// The room that is open, if any.
    #[serde(default)]
    pub room_id: Option<RoomId>,
    /// Whether its newest message is in view.
    pub at_end: bool,
    /// Whether the window is visible and has the focus.
    pub focused: bool,
}
