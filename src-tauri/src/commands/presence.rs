//! What the person is looking at, has read and is writing.

use hugmedo_chat_core::view::{Gaze, PresenceStatus};
use hugmedo_chat_protocol::{RoomId, Seq};
use tauri::State;

use crate::{
    core_handle::CoreHandle,
    ipc::{Argument, IpcError},
};

#[tauri::command]
pub(crate) async fn mark_unread(
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    from_seq: Argument<Seq>,
) -> Result<(), IpcError> {
    Ok(core.get().await?.mark_unread(&room_id.0, from_seq.0).await?)
}

#[tauri::command]
pub(crate) async fn mark_read(
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    up_to_seq: Argument<Seq>,
) -> Result<(), IpcError> {
    Ok(core.get().await?.mark_read(&room_id.0, up_to_seq.0).await?)
}

#[tauri::command]
pub(crate) async fn set_typing(
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    is_typing: Argument<bool>,
) -> Result<(), IpcError> {
    Ok(core.get().await?.set_typing(&room_id.0, is_typing.0).await?)
}

#[tauri::command]
pub(crate) async fn set_gaze(core: State<'_, CoreHandle>, gaze: Argument<Gaze>) -> Result<(), IpcError> {
    Ok(core.get().await?.set_gaze(gaze.0).await?)
}

#[tauri::command]
pub(crate) async fn set_status(core: State<'_, CoreHandle>, status: Argument<PresenceStatus>) -> Result<(), IpcError> {
    Ok(core.get().await?.set_status(status.0).await?)
}
