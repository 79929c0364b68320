//! The stream of changes.

use hugmedo_chat_core::view::{ChannelItem, Snapshot};
use tauri::{Runtime, State, Webview, ipc::Channel};

use crate::{
    core_handle::CoreHandle,
    ipc::{IpcError, Stream},
    window,
};

/// The state now, and every later change through `on_item`. Replaces the stream of an earlier call.
#[tauri::command]
pub(crate) async fn subscribe<R: Runtime>(
    webview: Webview<R>,
    core: State<'_, CoreHandle>,
    stream: State<'_, Stream>,
    on_item: Channel<ChannelItem>,
) -> Result<Snapshot, IpcError> {
    if webview.label() != window::MAIN {
        return Err(IpcError::forbidden("only the main window may subscribe"));
    }
    Ok(stream.replace(core.get().await?, on_item).await?)
}
