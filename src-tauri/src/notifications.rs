//! Native notifications, raised by core's policy and by nothing else.
//!
//! Invariant: nothing here blocks, and nothing of a title or a body is logged. A click shows the window and asks core for
//! the room; the webview has no permission of the notification plugin at all.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use hugmedo_chat_core::{
    error::Error,
    host::{NativeNotification, Notifier},
    view::{Language, NotificationTest},
};
use hugmedo_chat_protocol::{MessageId, RoomId};
use tauri::{AppHandle, Manager, Runtime, UserAttentionType};
use tauri_plugin_notification::{ActionPerformed, NotificationExt, PermissionState};

use crate::{core_handle::CoreHandle, window};

/// Under these keys a notification carries the room, and the message in it, that a click shows.
const ROOM_KEY: &str = "roomId";
const MESSAGE_KEY: &str = "messageId";

/// Raises notifications through the operating system.
pub(crate) struct SystemNotifier<R: Runtime> {
    app: AppHandle<R>,
    numbers: Mutex<Numbers>,
}

/// The plugin knows notifications by numbers.
#[derive(Default)]
struct Numbers {
    last: i32,
    of: BTreeMap<MessageId, i32>,
}

impl Numbers {
    /// A number for a message, and that of the one it takes the place of.
    fn take(&mut self, message: &MessageId) -> (i32, Option<i32>) {
        self.last = self.last.wrapping_add(1);
        (self.last, self.of.insert(message.clone(), self.last))
    }
}

impl<R: Runtime> SystemNotifier<R> {
    pub(crate) fn new(app: AppHandle<R>) -> Self {
        Self { app, numbers: Mutex::default() }
    }

    fn numbers(&self) -> MutexGuard<'_, Numbers> {
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes notifications from the screen, beside the caller: the system is asked and answers.
    fn close(&self, numbers: Vec<i32>) {
        if numbers.is_empty() {
            return;
        }
        let app = self.app.clone();
        tauri::async_runtime::spawn_blocking(move || {
            if app.notification().remove_active(numbers).is_err() {
                tracing::warn!(reason = "not_closed", "notification stays");
            }
        });
    }
}

impl<R: Runtime> Notifier for SystemNotifier<R> {
    fn notify(&self, notification: NativeNotification) {
        let (number, before) = self.numbers().take(&notification.message_id);
        self.close(before.into_iter().collect());
        let builder = self
            .app
            .notification()
            .builder()
            .id(number)
            .title(notification.title.as_str())
            .body(as_body(notification.body.as_str()))
            .extra(ROOM_KEY, notification.room_id.as_str())
            .extra(MESSAGE_KEY, notification.message_id.as_str());
        if builder.show().is_err() {
            tracing::warn!(reason = "prepare_failed", "notification not raised");
        }
        if notification.urgent
            && let Some(window) = window::main(&self.app)
            && window.request_user_attention(Some(UserAttentionType::Critical)).is_err()
        {
            tracing::warn!(reason = "attention_refused", "window not marked urgent");
        }
    }

    fn withdraw(&self, messages: &[MessageId]) {
        let mut numbers = self.numbers();
        let gone = messages.iter().filter_map(|message| numbers.of.remove(message)).collect();
        drop(numbers);
        self.close(gone);
    }
}

/// Raises one that is about nothing, as messages do, and tells what became of it.
///
/// # Errors
/// If core does not start.
pub(crate) async fn test<R: Runtime>(app: &AppHandle<R>) -> Result<NotificationTest, Error> {
    let handle = app.state::<CoreHandle>();
    let [title, body] = match handle.get().await?.language() {
        Language::Ja => ["通知のテスト", "この通知が見えていれば、メッセージの通知も届きます。"],
        Language::En => ["Test notification", "If you see this, you will see those of messages."],
    };
    if matches!(app.notification().permission_state(), Ok(PermissionState::Denied)) {
        return Ok(NotificationTest::Denied);
    }
    if app.notification().builder().title(title).body(body).show().is_err() {
        return Ok(NotificationTest::NoService);
    }
    Ok(service::outcome().await)
}

#[cfg(all(unix, not(target_os = "macos")))]
mod service {
    use hugmedo_chat_core::view::NotificationTest;
    use zbus::Connection;

    const NAME: &str = "org.freedesktop.Notifications";
    const PATH: &str = "/org/freedesktop/Notifications";

    /// What the service that shows notifications says of itself.
    pub(super) async fn outcome() -> NotificationTest {
        match asked().await {
            Ok((_, true)) => NotificationTest::HeldBack,
            Ok((service, false)) => NotificationTest::Raised { service: Some(service) },
            Err(_) => NotificationTest::NoService,
        }
    }

    async fn asked() -> zbus::Result<(String, bool)> {
        let bus = Connection::session().await?;
        let told = bus.call_method(Some(NAME), PATH, Some(NAME), "GetServerInformation", &()).await?;
        let (name, _vendor, version, _): (String, String, String, String) = told.body().deserialize()?;
        // KDE's service has this property; dunst has one of its own.
        let held_back = is_set(&bus, NAME, "Inhibited").await || is_set(&bus, "org.dunstproject.cmd0", "paused").await;
        Ok((format!("{name} {version}"), held_back))
    }

    async fn is_set(bus: &Connection, interface: &str, property: &str) -> bool {
        let properties = "org.freedesktop.DBus.Properties";
        let told = bus.call_method(Some(NAME), PATH, Some(properties), "Get", &(interface, property)).await;
        let value = told.ok().and_then(|told| told.body().deserialize::<zbus::zvariant::OwnedValue>().ok());
        value.and_then(|value| bool::try_from(value).ok()).unwrap_or(false)
    }
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
mod service {
    use hugmedo_chat_core::view::NotificationTest;

    pub(super) async fn outcome() -> NotificationTest {
        NotificationTest::Raised { service: None }
    }
}

/// From now on a click on a notification shows its room. Call before the first one is raised: the plugin reports clicks
/// only on notifications that were raised after someone began to listen.
pub(crate) fn open_rooms_on_click<R: Runtime>(app: &AppHandle<R>) {
    let clicked = app.clone();
    let listening = app.notification().on_action(move |action| {
        window::show(&clicked);
        let Some(room_id) = named_by(action, ROOM_KEY).map(RoomId::new) else {
            tracing::warn!(reason = "no_room", "notification clicked");
            return;
        };
        let message_id = named_by(action, MESSAGE_KEY).map(MessageId::new);
        let app = clicked.clone();
        tauri::async_runtime::spawn(async move {
            if let Ok(core) = app.state::<CoreHandle>().get().await {
                core.request_room(&room_id, message_id.as_ref()).await;
            }
        });
    });
    if listening.is_err() {
        tracing::warn!(reason = "no_listener", "clicks on notifications are not heard");
    }
}

fn named_by(action: &ActionPerformed, key: &str) -> Option<String> {
    action.notification()?.extra().get(key)?.as_str().map(str::to_owned)
}

/// The freedesktop specification gives the body, and only the body, a small HTML: what a person wrote must not become
/// links or images there.
fn as_body(text: &str) -> Cow<'_, str> {
    if cfg!(all(unix, not(target_os = "macos"))) { escape_markup(text) } else { Cow::Borrowed(text) }
}

fn escape_markup(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            character => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_person_wrote_never_becomes_markup() {
        assert_eq!(
            escape_markup("<a href=\"http://x\">BP < 90 & HR > 120</a>"),
            "&lt;a href=&quot;http://x&quot;&gt;BP &lt; 90 &amp; HR &gt; 120&lt;/a&gt;"
        );
        assert_eq!(escape_markup("田中さん、38.5℃です"), "田中さん、38.5℃です");
        assert_eq!(escape_markup("&amp;"), "&amp;amp;");
    }

    #[test]
    fn a_click_knows_what_its_notification_is_about() {
        let click = |extra| {
            let action = json!({ "actionId": "tap", "inputValue": null, "notification": { "id": 1, "extra": extra } });
            named_by(&serde_json::from_value(action).unwrap(), ROOM_KEY)
        };
        assert_eq!(click(json!({ "roomId": "patient-tanaka" })), Some("patient-tanaka".to_owned()));
        assert_eq!(click(json!({})), None);
        assert_eq!(click(json!({ "roomId": 7 })), None);
    }
}
