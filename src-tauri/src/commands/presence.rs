//! What the person is looking at, has read and is writing.

use hugmedo_chat_core::view::Gaze;
use hugmedo_chat_protocol::{RoomId, Seq};
use tauri::State;

use crate::{core_handle::CoreHandle, ipc::IpcError};

#[tauri::command]
pub(crate) async fn mark_read(core: State<'_, CoreHandle>, room_id: RoomId, up_to_seq: Seq) -> Result<(), IpcError> {
    Ok(core.get().await?.mark_read(&room_id, up_to_seq).await?)
}

#[tauri::command]
pub(crate) async fn set_typing(core: State<'_, CoreHandle>, room_id: RoomId, is_typing: bool) -> Result<(), IpcError> {
    Ok(core.get().await?.set_typing(&room_id, is_typing).await?)
}

#[tauri::command]
pub(crate) async fn set_gaze(core: State<'_, CoreHandle>, gaze: Gaze) -> Result<(), IpcError> {
    Ok(core.get().await?.set_gaze(gaze).await?)
}
