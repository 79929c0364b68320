//! What one can do in a conversation beyond reading and sending: look closely, find, jump, and arrange rooms.

use hugmedo_chat_protocol::{MessageId, RoomId, Sensitive, Seq, Timestamp, User, UserId};
use serde::{Deserialize, Serialize};
#[cfg(feature = "ts")]
use ts_rs::TS;

use super::MessageView;

/// The message another one answers, as much of it as is shown above the answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct QuoteView {
    /// The answered message.
    pub message_id: MessageId,
    /// Its position; absent where it is not on this computer.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// Who wrote it; empty where it is not on this computer.
    pub author_name: Sensitive,
    /// Its beginning, on one line, at most 120 characters; empty where it is not on this computer or was taken back.
    pub preview: Sensitive,
    /// Whether its author took it back.
    pub deleted: bool,
}

/// One emoji under a message.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct ReactionView {
    /// The emoji.
    pub emoji: String,
    /// Who reacted with it, in the order they did; never empty.
    pub names: Vec<Sensitive>,
    /// Whether the reader is one of them.
    pub own: bool,
}

/// How far a message has come with one other member of its room.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct MemberReceipt {
    /// The member.
    pub user: User,
    /// Whether it is on a device of theirs.
    pub delivered: bool,
    /// Whether it was before their eyes.
    pub read: bool,
    /// When they took it on.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<Timestamp>,
}

/// A message looked at closely.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct MessageDetails {
    /// The message.
    pub message: MessageView,
    /// When its text was last changed.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// Every member but its author.
    pub members: Vec<MemberReceipt>,
}

/// A place in a room's timeline to jump to.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Place {
    /// A message.
    Message {
        /// Its id.
        message_id: MessageId,
    },
    /// The first message at or after a time.
    Time {
        /// The time.
        at: Timestamp,
    },
}

/// What to look for. Everything given must hold.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct SearchQuery {
    /// Words separated by spaces, each of which must occur. Width, case and kana (hiragana, katakana) make no difference.
    pub text: Sensitive,
    /// Only in this room.
    #[serde(default)]
    pub room_id: Option<RoomId>,
    /// Only by this person.
    #[serde(default)]
    pub author_id: Option<UserId>,
    /// Only from this time on.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// Only before this time.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Goes on after a page of hits: its `next`.
    #[serde(default)]
    pub after: Option<String>,
}

/// A piece of a hit's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct ExcerptPart {
    /// The piece.
    pub text: Sensitive,
    /// Whether it is what was looked for.
    pub hit: bool,
}

/// A message that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct SearchHit {
    /// The message.
    pub message: MessageView,
    /// The text around the first place that was found, on one line, at most about 120 characters.
    pub excerpt: Vec<ExcerptPart>,
}

/// What was found, the newest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct SearchPage {
    /// The hits; at most 50.
    pub hits: Vec<SearchHit>,
    /// Asks for the next page; absent on the last one.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Which messages of a room raise a notification. Urgent ones always do: their sender was told that they reach people.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub enum RoomNotify {
    /// As the general choice says.
    #[default]
    Usual,
    /// All of them.
    All,
    /// Those that name the reader.
    Mentions,
    /// None but urgent ones.
    Urgent,
    /// None but urgent ones, and what is unread is not counted in the title, the tray and the badge.
    None,
}

/// The person's own arrangement of one room, on this computer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase", default)]
pub struct RoomChoices {
    /// Kept at the top of the list.
    pub pinned: bool,
    /// Which of its messages raise a notification.
    pub notify: RoomNotify,
}

/// A conversation to begin.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct NewRoom {
    /// What the group is called; absent for a conversation of two, which is named after the other person.
    #[serde(default)]
    pub name: Option<Sensitive>,
    /// The others. One person and no name: the conversation of two, the existing one if there is one.
    pub member_ids: Vec<UserId>,
}

/// Whether a person can be reached now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub enum PresenceStatus {
    /// Signed in and connected.
    Available,
    /// Connected, but not to be disturbed.
    Busy,
    /// Connected, but not at the computer.
    Away,
    /// Connected, and on duty for urgent matters.
    OnCall,
    /// Not connected.
    Offline,
}

/// How one person can be reached now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct PresenceView {
    /// The person.
    pub user_id: UserId,
    /// How.
    pub status: PresenceStatus,
}

/// A text someone writes often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// Names it; minted where it was made (a UUID).
    pub id: String,
    /// What it is chosen by; at most 80 characters.
    pub title: Sensitive,
    /// What it inserts.
    pub content: Sensitive,
}
