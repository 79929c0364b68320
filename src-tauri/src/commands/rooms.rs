//! Rooms, their timelines, and finding something in them.

use hugmedo_chat_core::view::{
    NewRoom, OpenedRoom, Place, RoomChoices, RoomView, SearchPage, SearchQuery, TimelinePage,
};
use hugmedo_chat_protocol::{RoomId, Seq, User};
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
pub(crate) async fn load_later(
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    after: Argument<Seq>,
) -> Result<TimelinePage, IpcError> {
    Ok(core.get().await?.load_later(&room_id.0, after.0).await?)
}

#[tauri::command]
pub(crate) async fn load_around(
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    at: Argument<Seq>,
) -> Result<TimelinePage, IpcError> {
    Ok(core.get().await?.load_around(&room_id.0, at.0).await?)
}

#[tauri::command]
pub(crate) async fn locate(
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    place: Argument<Place>,
) -> Result<Option<Seq>, IpcError> {
    Ok(core.get().await?.locate(&room_id.0, place.0).await?)
}

#[tauri::command]
pub(crate) async fn search(core: State<'_, CoreHandle>, query: Argument<SearchQuery>) -> Result<SearchPage, IpcError> {
    Ok(core.get().await?.search(query.0).await?)
}

#[tauri::command]
pub(crate) async fn set_room_choices(
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    choices: Argument<RoomChoices>,
) -> Result<(), IpcError> {
    Ok(core.get().await?.set_room_choices(&room_id.0, choices.0).await?)
}

#[tauri::command]
pub(crate) async fn list_people(core: State<'_, CoreHandle>) -> Result<Vec<User>, IpcError> {
    Ok(core.get().await?.list_people().await?)
}

#[tauri::command]
pub(crate) async fn create_room(core: State<'_, CoreHandle>, room: Argument<NewRoom>) -> Result<RoomView, IpcError> {
    Ok(core.get().await?.create_room(room.0).await?)
}

#[tauri::command]
pub(crate) async fn add_room(core: State<'_, CoreHandle>, room_id: Argument<RoomId>) -> Result<RoomView, IpcError> {
    Ok(core.get().await?.add_room(&room_id.0).await?)
}
