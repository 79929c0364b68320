//! Locking and unlocking.

use hugmedo_chat_core::view::SessionView;
use hugmedo_chat_protocol::Secret;
use tauri::{AppHandle, Runtime, State};

use crate::{
    core_handle::CoreHandle,
    ipc::{Argument, IpcError},
};

/// The page that asks is gone when this is done.
#[tauri::command]
pub(crate) async fn lock<R: Runtime>(app: AppHandle<R>) -> Result<(), IpcError> {
    Ok(crate::lock::lock(&app).await?)
}

#[tauri::command]
pub(crate) async fn unlock(core: State<'_, CoreHandle>, pin: Argument<Secret>) -> Result<SessionView, IpcError> {
    Ok(core.get().await?.unlock(pin.0).await?)
}

#[tauri::command]
pub(crate) async fn has_pin(core: State<'_, CoreHandle>) -> Result<bool, IpcError> {
    Ok(core.get().await?.has_pin().await?)
}

#[tauri::command]
pub(crate) async fn set_pin(core: State<'_, CoreHandle>, pin: Argument<Secret>) -> Result<(), IpcError> {
    Ok(core.get().await?.set_pin(Some(pin.0)).await?)
}

#[tauri::command]
pub(crate) async fn remove_pin(core: State<'_, CoreHandle>) -> Result<(), IpcError> {
    Ok(core.get().await?.set_pin(None).await?)
}
