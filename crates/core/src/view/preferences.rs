//! The choices of a person and of the computer.

use hugmedo_chat_protocol::Timestamp;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ts")]
use ts_rs::TS;

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

/// How large the interface's text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub enum TextSize {
    /// Seven eighths.
    Small,
    /// As the operating system's size.
    Normal,
    /// A quarter larger.
    Large,
    /// Half as large again.
    Larger,
    /// Twice as large.
    Largest,
}

/// Which new messages raise a native notification. Urgent ones always do.
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

/// A part of each day, in minutes from midnight of the computer's own time zone. It may go over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub struct QuietHours {
    /// The first minute.
    pub from: u16,
    /// The minute after the last.
    pub to: u16,
}

impl QuietHours {
    /// Whether a minute of the day lies in it.
    pub(crate) fn holds(self, minute: u16) -> bool {
        if self.from <= self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

/// How much a notification tells to someone who looks over the shoulder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub enum NotificationPrivacy {
    /// The app's name, nothing else.
    AppOnly,
    /// That there is a new message, nothing else.
    Nothing,
    /// Who wrote, not in which room and not what. Patients' names are left out too.
    Sender,
    /// Who wrote, where and what.
    Content,
}

/// How servers are reached: Socket.IO's Manager options as the guide sets them, and the way through a hospital's network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase", default)]
pub struct ConnectionSettings {
    /// `reconnectionAttempts`: failed attempts in a row after which the app waits to be told to go on. 0, the default, never
    /// gives up; the guide's value is 5.
    pub reconnection_attempts: u32,
    /// `reconnectionDelay`: the longest first wait, in milliseconds.
    pub reconnection_delay_ms: u32,
    /// `reconnectionDelayMax`: the longest wait during the first minute of an outage, in milliseconds.
    pub reconnection_delay_max_ms: u32,
    /// `timeout`: the longest a connection may take to come about, in milliseconds.
    pub timeout_ms: u32,
    /// The HTTP proxy to go through, as `http://host:port`; empty to go straight, or as the operating system's environment
    /// says. A live connection cannot go through one (see the decision on limited mode), so that the app then works over
    /// HTTPS.
    pub proxy: String,
    /// A file with the certificate (PEM) of the organisation's own certificate authority, trusted beside those of the
    /// operating system; empty for none.
    pub ca_file: String,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self {
            reconnection_attempts: 0,
            reconnection_delay_ms: 1_000,
            reconnection_delay_max_ms: 5_000,
            timeout_ms: 20_000,
            proxy: String::new(),
            ca_file: String::new(),
        }
    }
}

/// Which notifications sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(TS), ts(export))]
#[serde(rename_all = "camelCase")]
pub enum NotificationSounds {
    /// All of them, routine ones softly.
    All,
    /// Those of urgent messages.
    Urgent,
    /// None.
    Off,
}

/// The choices that hold: of who is signed in, and of the computer. `preferences` in core tells which is whose.
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
    /// How large the text is.
    pub text_size: TextSize,
    /// Whether Enter sends (and Shift+Enter breaks the line) or Ctrl+Enter sends.
    pub enter_sends: bool,
    /// Which messages notify.
    pub notify_about: NotifyAbout,
    /// What a notification tells.
    pub notification_privacy: NotificationPrivacy,
    /// Which notifications sound.
    pub notification_sounds: NotificationSounds,
    /// When only urgent messages notify, each day; absent for never.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quiet_hours: Option<QuietHours>,
    /// Until then only urgent messages notify.
    #[cfg_attr(feature = "ts", ts(optional))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub do_not_disturb_until: Option<Timestamp>,
    /// Minutes after which an urgent message that nobody has taken on is raised again, for twenty minutes; 0 for once only.
    pub urgent_repeat_minutes: u32,
    /// Seconds without a touch of keyboard or mouse after which the app locks itself; 0 never.
    pub lock_after_seconds: u32,
    /// Whether closing the window leaves the app running, in the tray, so that messages are heard.
    pub close_to_tray: bool,
    /// Whether the person has been told of that.
    pub told_about_tray: bool,
    /// Whether the app starts, hidden, when the person signs in to the computer.
    pub autostart: bool,
    /// Whether the window is left out of screenshots and shared screens, where the operating system offers that.
    pub protect_from_capture: bool,
    /// The server address that was last signed in to, offered again.
    pub last_server: String,
    /// The user name that was last signed in with, offered again.
    pub last_username: String,
    /// How servers are reached.
    pub connection: ConnectionSettings,
}

/// Some of the choices, by their names in JSON; `null` for the default.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct PreferencesChange(pub(crate) serde_json::Map<String, serde_json::Value>);

impl Default for Preferences {
    fn default() -> Self {
        Self {
            language: None,
            theme: Theme::System,
            text_size: TextSize::Normal,
            enter_sends: true,
            notify_about: NotifyAbout::Important,
            notification_privacy: NotificationPrivacy::Sender,
            notification_sounds: NotificationSounds::All,
            quiet_hours: None,
            do_not_disturb_until: None,
            urgent_repeat_minutes: 2,
            lock_after_seconds: 600,
            close_to_tray: true,
            told_about_tray: false,
            autostart: false,
            protect_from_capture: false,
            last_server: String::new(),
            last_username: String::new(),
            connection: ConnectionSettings::default(),
        }
    }
}
