//! Tells core when the computer changes its network: a cable, another Wi-Fi, a VPN.
//!
//! A live connection may be dead then without a word, and a waiting one need not wait any longer.

use std::time::Duration;

use futures_util::StreamExt;
use tauri::{AppHandle, Manager, Runtime};
use tokio::time::timeout;

use crate::core_handle::CoreHandle;

/// Addresses come and go in bursts while a network is being set up; core is told once they have been still for this long.
const SETTLED: Duration = Duration::from_millis(800);

/// Watches until the app ends. Where the system tells of no changes, core still notices by its heartbeat.
pub(crate) fn watch<R: Runtime>(app: AppHandle<R>) {
    tauri::async_runtime::spawn(async move {
        let mut watcher = match if_watch::tokio::IfWatcher::new() {
            Ok(watcher) => watcher,
            Err(error) => return tracing::warn!(%error, "changes of the network are not seen"),
        };
        // The addresses there are at the start come first, and are no change.
        while let Ok(Some(_)) = timeout(SETTLED, watcher.next()).await {}
        loop {
            match watcher.next().await {
                Some(Ok(_)) => {}
                Some(Err(error)) => return tracing::warn!(%error, "changes of the network are no longer seen"),
                None => return,
            }
            while let Ok(Some(_)) = timeout(SETTLED, watcher.next()).await {}
            tracing::info!("the network changed");
            if let Some(core) = app.state::<CoreHandle>().running() {
                core.network_changed().await;
            }
        }
    });
}
