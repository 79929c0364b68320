//! Files: handing them over from the page, and having them.
//!
//! Invariant: the page learns of no place on this computer, and chooses none: where a copy goes is between the person and the
//! system's own dialog.

use hugmedo_chat_core::{
    error::{Error, ErrorCode},
    view::{AttachmentView, NewAttachment, PictureSize},
};
use hugmedo_chat_protocol::RoomId;
use tauri::{Runtime, State, WebviewWindow, ipc::Response};
use tauri_plugin_dialog::DialogExt;
use tokio::sync::oneshot;

use crate::{
    core_handle::CoreHandle,
    file_name,
    ipc::{Argument, IpcError},
};

#[tauri::command]
pub(crate) async fn add_attachment(
    core: State<'_, CoreHandle>,
    file: Argument<NewAttachment>,
) -> Result<AttachmentView, IpcError> {
    Ok(core.get().await?.add_attachment(file.0).await?)
}

#[tauri::command]
pub(crate) async fn add_attachment_bytes(
    core: State<'_, CoreHandle>,
    id: Argument<String>,
    offset: Argument<u32>,
    bytes: Argument<String>,
) -> Result<AttachmentView, IpcError> {
    Ok(core.get().await?.add_attachment_bytes(&id.0, offset.0, &bytes.0).await?)
}

#[tauri::command]
pub(crate) async fn remove_attachment(core: State<'_, CoreHandle>, id: Argument<String>) -> Result<(), IpcError> {
    Ok(core.get().await?.remove_attachment(&id.0).await?)
}

#[tauri::command]
pub(crate) async fn fetch_attachment(
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    id: Argument<String>,
) -> Result<AttachmentView, IpcError> {
    Ok(core.get().await?.fetch_attachment(&room_id.0, &id.0).await?)
}

#[tauri::command]
pub(crate) async fn copy_attachment(
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    id: Argument<String>,
    to_room_id: Argument<RoomId>,
    copy_id: Argument<String>,
) -> Result<AttachmentView, IpcError> {
    Ok(core.get().await?.copy_attachment(&room_id.0, &id.0, &to_room_id.0, &copy_id.0).await?)
}

/// Answers raw bytes, which arrive as an `ArrayBuffer`.
#[tauri::command]
pub(crate) async fn attachment_picture(
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    id: Argument<String>,
    size: Argument<PictureSize>,
) -> Result<Response, IpcError> {
    Ok(Response::new(core.get().await?.attachment_picture(&room_id.0, &id.0, size.0).await?))
}

/// Answers whether the person chose a place. What is at that place is replaced, which the dialog has asked about.
#[tauri::command]
pub(crate) async fn save_attachment<R: Runtime>(
    window: WebviewWindow<R>,
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    id: Argument<String>,
) -> Result<bool, IpcError> {
    let core = core.get().await?;
    let name = core.attachment(&room_id.0, &id.0).await?.name;
    let (chosen_tx, chosen) = oneshot::channel();
    let dialog = window.dialog().file().set_parent(&window).set_file_name(file_name::cleaned(name.as_str()));
    dialog.save_file(move |place| drop(chosen_tx.send(place)));
    let Ok(Some(place)) = chosen.await else { return Ok(false) };
    let place = place.into_path().map_err(|_| Error::new(ErrorCode::StoreFailed, "the place is no file"))?;
    core.export_attachment(&room_id.0, &id.0, &place).await?;
    Ok(true)
}
