//! Addresses that a person follows out of the app.

use hugmedo_chat_core::{
    check_link,
    error::{Error, ErrorCode},
};

use crate::ipc::{Argument, IpcError};

/// Opens an address in the system's own program for it. The page has no permission of its own to open anything.
#[tauri::command]
pub(crate) async fn open_link(url: Argument<String>) -> Result<(), IpcError> {
    let checked = check_link(&url.0)?;
    // Starting a program blocks.
    let opening = tauri::async_runtime::spawn_blocking(move || tauri_plugin_opener::open_url(checked, None::<&str>));
    match opening.await {
        Ok(Ok(())) => Ok(()),
        // What the system says may quote the address.
        Ok(Err(_)) | Err(_) => Err(Error::new(ErrorCode::Internal, "the system could not open the link").into()),
    }
}
