//! The choices of the person.

use hugmedo_chat_core::view::Preferences;
use tauri::State;

use crate::{
    core_handle::CoreHandle,
    ipc::{Argument, IpcError},
};

#[tauri::command]
pub(crate) async fn set_preferences(
    core: State<'_, CoreHandle>,
    preferences: Argument<Preferences>,
) -> Result<(), IpcError> {
    Ok(core.get().await?.set_preferences(preferences.0).await?)
}
