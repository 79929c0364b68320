//! Signing in and out.

use hugmedo_chat_core::view::{ServerCheck, SessionView, SignInRequest};
use tauri::State;

use crate::{
    core_handle::CoreHandle,
    ipc::{Argument, IpcError},
};

/// Whether a chat server answers at an address, or what is in the way.
#[tauri::command]
pub(crate) async fn check_server(
    core: State<'_, CoreHandle>,
    server: Argument<String>,
    allow_insecure: Argument<bool>,
) -> Result<ServerCheck, IpcError> {
    Ok(core.get().await?.check_server(&server.0, allow_insecure.0).await?)
}

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
