//! Native notifications, raised by core's policy and by nothing else.
//!
//! Invariant: nothing here blocks its caller, and nothing of a title or a body is logged. A click shows the window and asks core
//! for the room; the webview has no permission to notify at all.
//!
//! On Linux and its kin the shell speaks to the desktop's notification service itself: the plugin can tell it neither that one is
//! urgent nor how it sounds, and cannot take over what an earlier run has left. Elsewhere the plugin does it.

#[cfg(all(unix, not(target_os = "macos")))]
mod bus;
#[cfg(all(unix, not(target_os = "macos")))]
mod left_over;
#[cfg(all(unix, not(target_os = "macos")))]
mod sound;
#[cfg(not(all(unix, not(target_os = "macos"))))]
#[path = "plugin.rs"]
mod system;
#[cfg(all(unix, not(target_os = "macos")))]
#[path = "service.rs"]
mod system;

use std::path::Path;

use hugmedo_chat_core::{
    error::Error,
    host::{NativeNotification, Notifier, Sound},
    view::{Language, NotificationSounds, NotificationTest},
};
use hugmedo_chat_protocol::{MessageId, RoomId};
use tauri::{AppHandle, Manager, Runtime, UserAttentionType};

use crate::{core_handle::CoreHandle, ipc::Stream, window};
use system::Notifications;

/// Raises notifications through the operating system.
pub(crate) struct SystemNotifier<R: Runtime> {
    app: AppHandle<R>,
    system: Notifications<R>,
}

impl<R: Runtime> SystemNotifier<R> {
    /// `data_dir` is where it keeps what has to outlive the app.
    pub(crate) fn new(app: AppHandle<R>, data_dir: &Path) -> Self {
        Self { system: Notifications::start(app.clone(), data_dir), app }
    }

    /// Waits until what is on the screen is as it was last wished to be.
    #[cfg(target_os = "linux")]
    pub(crate) async fn served(&self) {
        self.system.served().await;
    }

    /// Raises one that is about nothing, as messages do, and tells what became of it.
    ///
    /// # Errors
    /// If core does not start.
    pub(crate) async fn try_out(&self) -> Result<NotificationTest, Error> {
        let handle = self.app.state::<CoreHandle>();
        let core = handle.get().await?;
        let [title, body] = match core.language() {
            Language::Ja => ["通知のテスト", "この通知が見えていれば、メッセージの通知も届きます。"],
            Language::En => ["Test notification", "If you see this, you will see those of messages."],
        };
        let sound = (core.preferences().notification_sounds == NotificationSounds::All).then_some(Sound::Routine);
        Ok(self.system.try_out(title, body, sound).await)
    }
}

impl<R: Runtime> Notifier for SystemNotifier<R> {
    fn notify(&self, notification: NativeNotification) {
        let urgent = notification.urgent;
        self.system.raise(notification);
        if urgent
            && let Some(window) = window::main(&self.app)
            && window.request_user_attention(Some(UserAttentionType::Critical)).is_err()
        {
            tracing::warn!(reason = "attention_refused", "window not marked urgent");
        }
    }

    fn withdraw(&self, messages: &[MessageId]) {
        self.system.withdraw(messages);
    }

    fn replace(&self, message: &MessageId, by: NativeNotification) {
        self.system.replace(message, by);
    }

    fn settle(&self, standing: Vec<NativeNotification>) {
        self.system.settle(standing);
    }
}

/// A notification was clicked on: shows what it is about, as far as that is known.
fn clicked<R: Runtime>(app: &AppHandle<R>, about: Option<(RoomId, Option<MessageId>)>) {
    window::show(app);
    let Some((room_id, message_id)) = about else {
        return tracing::info!(reason = "no_room", "notification clicked");
    };
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        if let Ok(core) = app.state::<CoreHandle>().get().await {
            // A page that is only coming would not hear of it.
            app.state::<Stream>().opened().await;
            core.request_room(&room_id, message_id.as_ref()).await;
        }
    });
}
