//! The stream of changes to the webview: one long-lived channel in a slot.
//!
//! Invariant: at most one stream runs. A page that reloads subscribes anew, and its stream takes the place of the old one,
//! whose channel leads nowhere any more.

use hugmedo_chat_core::{
    Core,
    error::Error,
    view::{ChannelItem, Snapshot},
};
use tauri::{async_runtime::JoinHandle, ipc::Channel};
use tokio::sync::Mutex;

/// The slot of the running stream.
#[derive(Default)]
pub(crate) struct Stream(Mutex<Option<JoinHandle<()>>>);

impl Stream {
    /// Answers the present state and from then on sends every later change, in order, to `channel`.
    ///
    /// # Errors
    /// If core cannot say what the state is; the running stream then stays.
    pub(crate) async fn replace(&self, core: &Core, channel: Channel<ChannelItem>) -> Result<Snapshot, Error> {
        // Held across the snapshot, so that of two calls the later one stays.
        let mut running = self.0.lock().await;
        let (snapshot, mut changes) = core.subscribe().await?;
        let pump = tauri::async_runtime::spawn(async move {
            while let Some(item) = changes.next().await {
                if channel.send(item).is_err() {
                    tracing::info!("the page is gone; its stream ends");
                    return;
                }
            }
        });
        if let Some(replaced) = running.replace(pump) {
            replaced.abort();
        }
        Ok(snapshot)
    }
}
