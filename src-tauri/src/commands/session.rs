//! Signing in and out.

use hugmedo_chat_core::view::{SessionView, SignInRequest};
use tauri::State;

use crate::{
    core_handle::CoreHandle,
    ipc::{Argument, IpcError},
};

#[tauri::command]
pub(crate) async fn sign_in(
    core: State<'_, CoreHandle>,
    request: Argument<SignInRequest>,
) -> Result<SessionView, IpcError> {
    Ok(core.get().await?.sign_in(request.0).await?)
}

/// Ends the session and removes its history from this computer.
#[tauri::command]
pub(crate) async fn sign_out(core: State<'_, CoreHandle>) -> Result<(), IpcError> {
    Ok(core.get().await?.sign_out().await?)
}
