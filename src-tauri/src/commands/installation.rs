//! The app on this computer: whether there is a newer one, and taking it away with all it has stored.

use hugmedo_chat_core::view::UpdateView;
use tauri::{AppHandle, Runtime};

use crate::{ipc::IpcError, removal, updates};

/// What is known of newer versions.
#[tauri::command]
pub(crate) async fn update_state<R: Runtime>(app: AppHandle<R>) -> Result<UpdateView, IpcError> {
    Ok(updates::view(&app).await)
}

/// Looks for a newer version, and fetches it.
#[tauri::command]
pub(crate) async fn look_for_update<R: Runtime>(app: AppHandle<R>) -> Result<UpdateView, IpcError> {
    Ok(updates::look(&app).await)
}

/// Puts the newer version in place and begins anew.
#[tauri::command]
pub(crate) async fn begin_newer<R: Runtime>(app: AppHandle<R>) -> Result<(), IpcError> {
    Ok(updates::begin_newer(&app).await?)
}

/// Removes everything the app has on this computer, and ends it.
#[tauri::command]
pub(crate) async fn remove_everything<R: Runtime>(app: AppHandle<R>) -> Result<(), IpcError> {
    Ok(removal::remove_everything(&app).await?)
}
