//! The choices of the person and of the computer.

use hugmedo_chat_core::view::PreferencesChange;
use tauri::State;

use crate::{
    core_handle::CoreHandle,
    ipc::{Argument, IpcError},
};

#[tauri::command]
pub(crate) async fn set_preferences(
    core: State<'_, CoreHandle>,
    changed: Argument<PreferencesChange>,
) -> Result<(), IpcError> {
    Ok(core.get().await?.set_preferences(changed.0).await?)
}
