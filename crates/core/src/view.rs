//! What a user interface sees: plain data, projected from the store and the connection.
//!
//! Invariant: a view says what is true now, never what to do, and holds no token. These are the only types that cross to
//! the webview; their TypeScript twins are generated into `src/lib/backend/bindings` and committed.

use hugmedo_chat_protocol::{
    ClientMessageId, MessageId, Priority, RoomId, RoomKind, Secret, Sensitive, Seq, SessionEndReason, Timestamp, User,
    UserId,
};
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
    /// Not connected; the next attempt comes by itself.
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
    /// When the server last answered anything.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_confirmed_at: Option<Timestamp>,
}

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
    /// Up to where the reader has read.
    pub read_seq: Seq,
    /// The newest message.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_message: Option<LastMessageView>,
    /// Own messages that have not reached the server, failed ones included.
    pub unsent: u32,
    /// Whether a draft waits in it.
    pub has_draft: bool,
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
    pub draft: Sensitive,
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

/// The language of the interface and of notifications.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub enum Language {
    /// 日本語
    Ja,
    /// English
    En,
}

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub enum Theme {
    /// As the operating system says.
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// Which new messages raise a native notification. Urgent ones always do, but for `None`... they do even then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub enum NotifyAbout {
    /// Every message of others.
    All,
    /// Messages in rooms with a patient, mentions, and urgent ones.
    Important,
    /// Urgent ones only.
    Urgent,
}

/// How much a notification tells to someone who looks over the shoulder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub enum NotificationPrivacy {
    /// That there is a new message, nothing else.
    Nothing,
    /// Who wrote, not in which room and not what. Patients' names are left out too.
    Sender,
    /// Who wrote, where and what.
    Content,
}

/// Choices of the person that hold on this computer, before and after signing in. They hold nothing confidential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase", default)]
pub struct Preferences {
    /// The language; absent until chosen, then the operating system decides.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Light or dark.
    pub theme: Theme,
    /// Whether Enter sends (and Shift+Enter breaks the line) or Ctrl+Enter sends.
    pub enter_sends: bool,
    /// Which messages notify.
    pub notify_about: NotifyAbout,
    /// What a notification tells.
    pub notification_privacy: NotificationPrivacy,
    /// The server address that was last signed in to, offered again.
    pub last_server: String,
    /// The user name that was last signed in with, offered again.
    pub last_username: String,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            language: None,
            theme: Theme::System,
            enter_sends: true,
            notify_about: NotifyAbout::Important,
            notification_privacy: NotificationPrivacy::Sender,
            last_server: String::new(),
            last_username: String::new(),
        }
    }
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

/// Everything the interface needs to draw itself, at one revision.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Events with a higher revision are newer than this snapshot.
    pub revision: u32,
    /// Who is signed in, if anyone.
    pub session: Option<SessionView>,
    /// The link.
    pub connection: ConnectionView,
    /// All rooms; order is the interface's business (newest message first).
    pub rooms: Vec<RoomView>,
    /// The choices.
    pub preferences: Preferences,
    /// A standing trouble of this computer, such as a full disk.
    pub trouble: Option<ErrorCode>,
}

/// Something is now true that was not before.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ViewChange {
    /// Someone signed in, or nobody is signed in any more.
    SessionChanged {
        /// Who is signed in now.
        session: Option<SessionView>,
        /// Why nobody is, where the person did not ask for it.
        ended: Option<SessionEndReason>,
    },
    /// The link changed.
    ConnectionChanged {
        /// The link now.
        connection: ConnectionView,
    },
    /// A room is new or changed.
    RoomUpserted {
        /// The room now.
        room: RoomView,
    },
    /// The person is no longer a member of a room.
    RoomRemoved {
        /// The room.
        room_id: RoomId,
    },
    /// Rows are new or changed; match them by `key`.
    MessagesUpserted {
        /// The room.
        room_id: RoomId,
        /// The rows now.
        messages: Vec<MessageView>,
    },
    /// A row is gone: the person discarded it before it was sent.
    MessageRemoved {
        /// The room.
        room_id: RoomId,
        /// The row's key.
        key: String,
    },
    /// What is held of a room was replaced; open it again.
    TimelineReset {
        /// The room.
        room_id: RoomId,
    },
    /// Who is writing in a room.
    TypingChanged {
        /// The room.
        room_id: RoomId,
        /// Everyone who is writing there now, the reader excepted.
        typing: Vec<TypingPerson>,
    },
    /// The choices changed.
    PreferencesChanged {
        /// The choices now.
        preferences: Preferences,
    },
    /// A trouble of this computer began or ended.
    TroubleChanged {
        /// The trouble now, if any.
        trouble: Option<ErrorCode>,
    },
    /// Someone asked for a room from outside the page, by clicking a notification.
    RoomRequested {
        /// The room to show.
        room_id: RoomId,
    },
}

/// A change with its place in the order of all changes.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct ViewEvent {
    /// Rises by one with each change.
    pub revision: u32,
    /// The change.
    pub change: ViewChange,
}

/// What the channel to the webview carries: changes in order, or word that some were lost.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ChannelItem {
    /// Changes, in order of revision.
    Events {
        /// At least one.
        events: Vec<ViewEvent>,
    },
    /// The interface was too slow and changes were lost: subscribe again.
    Lagged,
}
