//! Trying whether notifications are seen.

use std::sync::Arc;

use hugmedo_chat_core::view::NotificationTest;
use tauri::{AppHandle, Manager, Runtime};

use crate::{ipc::IpcError, notifications::SystemNotifier};

#[tauri::command]
pub(crate) async fn test_notification<R: Runtime>(app: AppHandle<R>) -> Result<NotificationTest, IpcError> {
    Ok(app.state::<Arc<SystemNotifier<R>>>().try_out().await?)
}
