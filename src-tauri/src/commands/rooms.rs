//! Rooms and their timelines.

use hugmedo_chat_core::view::{OpenedRoom, RoomView, TimelinePage};
use hugmedo_chat_protocol::{RoomId, Seq};
use tauri::State;

use crate::{
    core_handle::CoreHandle,
    ipc::{Argument, IpcError},
};

#[tauri::command]
pub(crate) async fn open_room(core: State<'_, CoreHandle>, room_id: Argument<RoomId>) -> Result<OpenedRoom, IpcError> {
    Ok(core.get().await?.open_room(&room_id.0).await?)
}

#[tauri::command]
pub(crate) async fn load_earlier(
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    before: Argument<Seq>,
) -> Result<TimelinePage, IpcError> {
    Ok(core.get().await?.load_earlier(&room_id.0, before.0).await?)
}

#[tauri::command]
pub(crate) async fn add_room(core: State<'_, CoreHandle>, room_id: Argument<RoomId>) -> Result<RoomView, IpcError> {
    Ok(core.get().await?.add_room(&room_id.0).await?)
}
