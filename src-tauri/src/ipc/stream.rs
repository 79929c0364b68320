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
use tokio::sync::{Mutex, watch};

/// The slot of the running stream.
#[derive(Default)]
pub(crate) struct Stream {
    running: Mutex<Option<JoinHandle<()>>>,
    /// Whether a page has ever been there.
    opened: watch::Sender<bool>,
}

impl Stream {
    /// Answers the present state and from then on sends every later change, in order, to `channel`.
    ///
    /// # Errors
    /// If core cannot say what the state is; the running stream then stays.
    pub(crate) async fn replace(&self, core: &Core, channel: Channel<ChannelItem>) -> Result<Snapshot, Error> {
        // Held across the snapshot, so that of two calls the later one stays.
        let mut running = self.running.lock().await;
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
        self.opened.send_replace(true);
        Ok(snapshot)
    }

    /// Waits for a page to listen: what is asked of it before that, it would never hear.
    pub(crate) async fn opened(&self) {
        // Fails only once this is gone, and then nobody waits.
        let mut opened = self.opened.subscribe();
        let _ = opened.wait_for(|opened| *opened).await;
    }
}
