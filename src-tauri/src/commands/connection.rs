//! The link to the server.

use tauri::State;

use crate::{core_handle::CoreHandle, ipc::IpcError};

#[tauri::command]
pub(crate) async fn reconnect_now(core: State<'_, CoreHandle>) -> Result<(), IpcError> {
    Ok(core.get().await?.reconnect_now().await?)
}
