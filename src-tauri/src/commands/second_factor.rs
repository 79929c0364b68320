//! The second factor of an account on the server.

use hugmedo_chat_core::view::{SecondFactorOffer, SecondFactorProof, SecondFactorView};
use hugmedo_chat_protocol::Secret;
use tauri::State;

use crate::{
    core_handle::CoreHandle,
    ipc::{Argument, IpcError},
};

#[tauri::command]
pub(crate) async fn second_factor(core: State<'_, CoreHandle>) -> Result<SecondFactorView, IpcError> {
    Ok(core.get().await?.second_factor().await?)
}

#[tauri::command]
pub(crate) async fn offer_second_factor(
    core: State<'_, CoreHandle>,
    proof: Argument<SecondFactorProof>,
) -> Result<SecondFactorOffer, IpcError> {
    Ok(core.get().await?.offer_second_factor(proof.0).await?)
}

/// Answers the recovery codes.
#[tauri::command]
pub(crate) async fn confirm_second_factor(
    core: State<'_, CoreHandle>,
    proof: Argument<SecondFactorProof>,
) -> Result<Vec<Secret>, IpcError> {
    Ok(core.get().await?.confirm_second_factor(proof.0).await?)
}

#[tauri::command]
pub(crate) async fn remove_second_factor(
    core: State<'_, CoreHandle>,
    proof: Argument<SecondFactorProof>,
) -> Result<(), IpcError> {
    Ok(core.get().await?.remove_second_factor(proof.0).await?)
}
