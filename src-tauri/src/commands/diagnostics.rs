//! What is running, and what a person saves as a text: what they can show to whoever helps them, which they read before, and a
//! conversation.

use hugmedo_chat_core::{
    error::{Error, ErrorCode},
    view::AboutView,
};
use hugmedo_chat_protocol::RoomId;
use tauri::{Runtime, State, WebviewWindow};
use tauri_plugin_dialog::DialogExt;
use tokio::sync::oneshot;

use crate::{
    core_handle::CoreHandle,
    ipc::{Argument, IpcError},
};

/// Longer than any that is told.
const MAX_BYTES: usize = 64 * 1024;

#[tauri::command]
pub(crate) async fn about(core: State<'_, CoreHandle>) -> Result<AboutView, IpcError> {
    Ok(core.get().await?.about())
}

#[tauri::command]
pub(crate) async fn diagnostics(core: State<'_, CoreHandle>) -> Result<String, IpcError> {
    Ok(core.get().await?.diagnostics().await)
}

/// Saves what was read, where the person chooses. Answers whether they chose a place.
#[tauri::command]
pub(crate) async fn save_diagnostics<R: Runtime>(
    window: WebviewWindow<R>,
    text: Argument<String>,
) -> Result<bool, IpcError> {
    if text.0.len() > MAX_BYTES {
        return Err(Error::new(ErrorCode::TooLong, "longer than any diagnostics").into());
    }
    save(&window, "hugmedo-chat-diagnostics.txt", text.0).await
}

/// Saves what was said in a room, where the person chooses and the organisation allows it. Answers whether they chose a place.
#[tauri::command]
pub(crate) async fn save_conversation<R: Runtime>(
    window: WebviewWindow<R>,
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
) -> Result<bool, IpcError> {
    let text = core.get().await?.export_conversation(&room_id.0).await?;
    save(&window, "hugmedo-chat-conversation.txt", text.as_str().to_owned()).await
}

async fn save<R: Runtime>(window: &WebviewWindow<R>, name: &str, text: String) -> Result<bool, IpcError> {
    let (chosen_tx, chosen) = oneshot::channel();
    let dialog = window.dialog().file().set_parent(window).set_file_name(name);
    dialog.save_file(move |place| drop(chosen_tx.send(place)));
    let Ok(Some(place)) = chosen.await else { return Ok(false) };
    let place = place.into_path().map_err(|_| Error::new(ErrorCode::StoreFailed, "the place is no file"))?;
    tokio::fs::write(place, text).await.map_err(Error::from)?;
    Ok(true)
}
