//! Own messages and drafts.

use hugmedo_chat_core::view::{MessageView, OutgoingMessage};
use hugmedo_chat_protocol::{ClientMessageId, RoomId, Sensitive};
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
pub(crate) async fn save_draft(
    core: State<'_, CoreHandle>,
    room_id: Argument<RoomId>,
    content: Argument<Sensitive>,
) -> Result<(), IpcError> {
    Ok(core.get().await?.save_draft(&room_id.0, content.0).await?)
}
