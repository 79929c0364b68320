//! Where the person is signed in.

use hugmedo_chat_core::view::DeviceView;
use hugmedo_chat_protocol::DeviceId;
use tauri::State;

use crate::{
    core_handle::CoreHandle,
    ipc::{Argument, IpcError},
};

#[tauri::command]
pub(crate) async fn list_devices(core: State<'_, CoreHandle>) -> Result<Vec<DeviceView>, IpcError> {
    Ok(core.get().await?.devices().await?)
}

#[tauri::command]
pub(crate) async fn revoke_device(core: State<'_, CoreHandle>, device: Argument<String>) -> Result<(), IpcError> {
    Ok(core.get().await?.revoke_device(&DeviceId::new(device.0)).await?)
}
