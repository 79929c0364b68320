//! Trying whether notifications are seen.

use hugmedo_chat_core::view::NotificationTest;
use tauri::{AppHandle, Runtime};

use crate::{ipc::IpcError, notifications};

#[tauri::command]
pub(crate) async fn test_notification<R: Runtime>(app: AppHandle<R>) -> Result<NotificationTest, IpcError> {
    Ok(notifications::test(&app).await?)
}
