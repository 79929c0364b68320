//! What of the person's choices the operating system and the webview have to be told.
//!
//! Invariant: what is set there follows the choice, also where it was changed while the app was not running.

use hugmedo_chat_core::view::{ChannelItem, Preferences, ViewChange};
use tauri::{AppHandle, Manager, Runtime};
use tauri_plugin_autostart::ManagerExt;

use crate::{core_handle::CoreHandle, window};

/// Follows the choices until the app ends. What starts with the session is the person's own instance, so that another one
/// leaves `autostart` alone.
pub(crate) fn follow<R: Runtime>(app: AppHandle<R>, autostart: bool) {
    tauri::async_runtime::spawn(async move {
        let handle = app.state::<CoreHandle>();
        let Ok(core) = handle.get().await else { return };
        loop {
            let Ok((snapshot, mut changes)) = core.subscribe().await else { return };
            set(&app, &snapshot.preferences, autostart).await;
            loop {
                match changes.next().await {
                    Some(ChannelItem::Events { events }) => {
                        for event in events {
                            if let ViewChange::PreferencesChanged { preferences } = event.change {
                                set(&app, &preferences, autostart).await;
                            }
                        }
                    }
                    Some(ChannelItem::Lagged) => break,
                    None => return,
                }
            }
        }
    });
}

async fn set<R: Runtime>(app: &AppHandle<R>, preferences: &Preferences, autostart: bool) {
    window::set_capture_protected(app, preferences.protect_from_capture);
    if autostart {
        set_autostart(app, preferences.autostart).await;
    }
}

/// Makes the app start with the session, or not.
pub(crate) async fn set_autostart<R: Runtime>(app: &AppHandle<R>, wanted: bool) {
    let app = app.clone();
    // It writes a file or a registry entry.
    let set = tauri::async_runtime::spawn_blocking(move || {
        let autostart = app.autolaunch();
        match (wanted, autostart.is_enabled().unwrap_or(false)) {
            (true, false) => autostart.enable(),
            (false, true) => autostart.disable(),
            _ => Ok(()),
        }
    });
    if !matches!(set.await, Ok(Ok(()))) {
        tracing::warn!(wanted, "starting with the session could not be set");
    }
}
