//! Own messages and drafts, and what one does with a message.

use hugmedo_chat_core::view::{Draft, EditText, MessageDetails, MessageView, OutgoingMessage, Template};
use hugmedo_chat_protocol::{ClientMessageId, MessageId, RoomId, Sensitive};
use tauri::State;

use crate::{
    core_handle::CoreHandle,
    ipc::{Argument, IpcError},
};

/// Answers once the message is durable on this computer.
#[tauri::command]
pub(crate) async fn send_message(
    core: State<'_, CoreHandle>,
    message: Argument<OutgoingMessage>,
) -> Result<MessageView, IpcError> {
    Ok(core.get().await?.send_message(message.0).await?)
}

#[tauri::command]
pub(crate) async fn retry_message(
    core: State<'_, CoreHandle>,
    client_message_id: Argument<ClientMessageId>,
) -> Result<(), IpcError> {
    Ok(core.get().await?.retry_message(&client_message_id.0).await?)
}

#[tauri::command]
pub(crate) async fn discard_message(
    core: State<'_, CoreHandle>,
    client_message_id: Argument<ClientMessageId>,
) -> Result<(), IpcError> {
    Ok(core.get().await?.discard_message(&client_message_id.0).await?)
}

#[tauri::command]
pub(crate) async fn unsent_messages(core: State<'_, CoreHandle>) -> Result<Vec<MessageView>, IpcError> {
    Ok(core.get().await?.unsent_messages().await?)
}

#[tauri::command]
pub(crate) async fn edit_message(
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    message_id: Argument<MessageId>,
    content: Argument<Sensitive>,
) -> Result<(), IpcError> {
    Ok(core.get().await?.edit_message(&room_id.0, &message_id.0, content.0).await?)
}

#[tauri::command]
pub(crate) async fn delete_message(
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    message_id: Argument<MessageId>,
) -> Result<(), IpcError> {
    Ok(core.get().await?.delete_message(&room_id.0, &message_id.0).await?)
}

#[tauri::command]
pub(crate) async fn react_to_message(
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    message_id: Argument<MessageId>,
    emoji: Argument<String>,
    on: Argument<bool>,
) -> Result<(), IpcError> {
    Ok(core.get().await?.react_to_message(&room_id.0, &message_id.0, &emoji.0, on.0).await?)
}

#[tauri::command]
pub(crate) async fn acknowledge_message(
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    message_id: Argument<MessageId>,
) -> Result<(), IpcError> {
    Ok(core.get().await?.acknowledge_message(&room_id.0, &message_id.0).await?)
}

#[tauri::command]
pub(crate) async fn message_details(
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    message_id: Argument<MessageId>,
) -> Result<MessageDetails, IpcError> {
    Ok(core.get().await?.message_details(&room_id.0, &message_id.0).await?)
}

#[tauri::command]
pub(crate) async fn save_draft(
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    draft: Argument<Draft>,
) -> Result<(), IpcError> {
    Ok(core.get().await?.save_draft(&room_id.0, draft.0).await?)
}

#[tauri::command]
pub(crate) async fn save_edit(
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    edit: Argument<Option<EditText>>,
) -> Result<(), IpcError> {
    Ok(core.get().await?.save_edit(&room_id.0, edit.0).await?)
}

#[tauri::command]
pub(crate) async fn list_templates(core: State<'_, CoreHandle>) -> Result<Vec<Template>, IpcError> {
    Ok(core.get().await?.list_templates().await?)
}

#[tauri::command]
pub(crate) async fn save_templates(
    core: State<'_, CoreHandle>,
    templates: Argument<Vec<Template>>,
) -> Result<(), IpcError> {
    Ok(core.get().await?.save_templates(templates.0).await?)
}
