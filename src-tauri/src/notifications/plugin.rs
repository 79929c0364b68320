//! Notifications on macOS and Windows, by the plugin.
//!
//! What it cannot do there: take one from the screen, or tell of a click after it has left the screen (Windows) or the app has
//! ended. So taking back and saying something else are left out: what was settled stays until the person removes it. Decision 34
//! says why nothing nearer was built.

use std::path::Path;

use hugmedo_chat_core::{
    host::{NativeNotification, Sound},
    view::NotificationTest,
};
use hugmedo_chat_protocol::{MessageId, RoomId};
use tauri::{AppHandle, Runtime};
use tauri_plugin_notification::{ActionPerformed, NotificationExt, PermissionState};

/// Under these keys a notification carries the room, and the message in it, that a click shows.
const ROOM_KEY: &str = "roomId";
const MESSAGE_KEY: &str = "messageId";

/// The app's way to the system.
pub(super) struct Notifications<R: Runtime> {
    app: AppHandle<R>,
}

impl<R: Runtime> Notifications<R> {
    pub(super) fn start(app: AppHandle<R>, _data_dir: &Path) -> Self {
        let clicked = app.clone();
        // Before the first one is raised: the plugin reports clicks only on those that come after someone began to listen.
        let listening = app.notification().on_action(move |action| {
            let room = named_by(action, ROOM_KEY).map(RoomId::new);
            super::clicked(&clicked, room.map(|room| (room, named_by(action, MESSAGE_KEY).map(MessageId::new))));
        });
        if listening.is_err() {
            tracing::warn!(reason = "no_listener", "clicks on notifications are not heard");
        }
        Self { app }
    }

    pub(super) fn raise(&self, notification: NativeNotification) {
        let mut builder = self
            .app
            .notification()
            .builder()
            .title(notification.title.as_str())
            .body(notification.body.as_str())
            .extra(ROOM_KEY, notification.room_id.as_str())
            .extra(MESSAGE_KEY, notification.message_id.as_str());
        if let Some(sound) = notification.sound {
            builder = builder.sound(named(sound));
        }
        if builder.show().is_err() {
            tracing::warn!(reason = "prepare_failed", "notification not raised");
        }
    }

    pub(super) fn withdraw(&self, _: &[MessageId]) {}

    pub(super) fn replace(&self, _: &MessageId, _: NativeNotification) {}

    pub(super) fn settle(&self, _: Vec<NativeNotification>) {}

    pub(super) async fn try_out(&self, title: &str, body: &str, sound: Option<Sound>) -> NotificationTest {
        if matches!(self.app.notification().permission_state(), Ok(PermissionState::Denied)) {
            return NotificationTest::Denied;
        }
        let mut builder = self.app.notification().builder().title(title).body(body);
        if let Some(sound) = sound {
            builder = builder.sound(named(sound));
        }
        match builder.show() {
            Ok(()) => NotificationTest::Raised { service: None },
            Err(_) => NotificationTest::NoService,
        }
    }
}

/// What the system calls a sound: on macOS ours, which lie in the app's bundle; on Windows, which lets only packaged apps bring
/// sounds of their own, the nearest of its own.
fn named(sound: Sound) -> &'static str {
    match (cfg!(target_os = "macos"), sound) {
        (true, Sound::Routine) => "routine.wav",
        (true, Sound::Urgent) => "urgent.wav",
        (false, Sound::Routine) => "IM",
        (false, Sound::Urgent) => "Reminder",
    }
}

fn named_by(action: &ActionPerformed, key: &str) -> Option<String> {
    action.notification()?.extra().get(key)?.as_str().map(str::to_owned)
}
