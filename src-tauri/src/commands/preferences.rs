//! The choices of the person.

use hugmedo_chat_core::view::Preferences;
use tauri::State;

use crate::{core_handle::CoreHandle, ipc::IpcError};

#[tauri::command]
pub(crate) async fn set_preferences(core: State<'_, CoreHandle>, preferences: Preferences) -> Result<(), IpcError> {
    Ok(core.get().await?.set_preferences(preferences).await?)
}
