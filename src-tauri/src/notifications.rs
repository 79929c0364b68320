//! Native notifications, raised by core's policy and by nothing else.
//!
//! Invariant: nothing here blocks, and nothing of a title or a body is logged. A click shows the window and asks core for
//! the room; the webview has no permission of the notification plugin at all.

use std::borrow::Cow;

use hugmedo_chat_core::host::{NativeNotification, Notifier};
use hugmedo_chat_protocol::RoomId;
use tauri::{AppHandle, Manager, Runtime, UserAttentionType};
use tauri_plugin_notification::{ActionPerformed, NotificationExt};

use crate::{core_handle::CoreHandle, window};

/// Under this key a notification carries the room that a click on it shows.
const ROOM_KEY: &str = "roomId";

/// Raises notifications through the operating system.
pub(crate) struct SystemNotifier<R: Runtime>(AppHandle<R>);

impl<R: Runtime> SystemNotifier<R> {
    pub(crate) fn new(app: AppHandle<R>) -> Self {
        Self(app)
    }
}

impl<R: Runtime> Notifier for SystemNotifier<R> {
    fn notify(&self, notification: NativeNotification) {
        let builder = self
            .0
            .notification()
            .builder()
            .title(notification.title.as_str())
            .body(as_body(notification.body.as_str()))
            .extra(ROOM_KEY, notification.room_id.as_str());
        if builder.show().is_err() {
            tracing::warn!(reason = "prepare_failed", "notification not raised");
        }
        if notification.urgent
            && let Some(window) = window::main(&self.0)
            && window.request_user_attention(Some(UserAttentionType::Critical)).is_err()
        {
            tracing::warn!(reason = "attention_refused", "window not marked urgent");
        }
    }
}

/// From now on a click on a notification shows its room. Call before the first one is raised: the plugin reports clicks
/// only on notifications that were raised after someone began to listen.
pub(crate) fn open_rooms_on_click<R: Runtime>(app: &AppHandle<R>) {
    let clicked = app.clone();
    let listening = app.notification().on_action(move |action| {
        window::show(&clicked);
        let Some(room_id) = room_of(action) else {
            tracing::warn!(reason = "no_room", "notification clicked");
            return;
        };
        let app = clicked.clone();
        tauri::async_runtime::spawn(async move {
            if let Ok(core) = app.state::<CoreHandle>().get().await {
                core.request_room(&room_id, None).await;
            }
        });
    });
    if listening.is_err() {
        tracing::warn!(reason = "no_listener", "clicks on notifications are not heard");
    }
}

fn room_of(action: &ActionPerformed) -> Option<RoomId> {
    action.notification()?.extra().get(ROOM_KEY)?.as_str().map(RoomId::from)
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
    fn a_click_knows_the_room_of_its_notification() {
        let click = |extra| {
            let action = json!({ "actionId": "tap", "inputValue": null, "notification": { "id": 1, "extra": extra } });
            room_of(&serde_json::from_value(action).unwrap())
        };
        assert_eq!(click(json!({ "roomId": "patient-tanaka" })), Some(RoomId::from("patient-tanaka")));
        assert_eq!(click(json!({})), None);
        assert_eq!(click(json!({ "roomId": 7 })), None);
    }
}
