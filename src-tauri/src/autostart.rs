//! Starting with the person's session, hidden, if they want that.
//!
//! Invariant: what is set in the system follows the person's choice, also where it was changed while the app was not running.

use hugmedo_chat_core::view::{ChannelItem, ViewChange};
use tauri::{AppHandle, Manager, Runtime};
use tauri_plugin_autostart::ManagerExt;

use crate::core_handle::CoreHandle;

/// Follows the choice until the app ends.
pub(crate) fn follow<R: Runtime>(app: AppHandle<R>) {
    tauri::async_runtime::spawn(async move {
        let handle = app.state::<CoreHandle>();
        let Ok(core) = handle.get().await else { return };
        loop {
            let Ok((snapshot, mut changes)) = core.subscribe().await else { return };
            set(&app, snapshot.preferences.autostart).await;
            loop {
                match changes.next().await {
                    Some(ChannelItem::Events { events }) => {
                        for event in events {
                            if let ViewChange::PreferencesChanged { preferences } = event.change {
                                set(&app, preferences.autostart).await;
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

async fn set<R: Runtime>(app: &AppHandle<R>, wanted: bool) {
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
