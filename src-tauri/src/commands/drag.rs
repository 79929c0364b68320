//! Files that are dropped where the engine keeps them from the page.

use hugmedo_chat_core::{
    error::{Error, ErrorCode},
    view::DragView,
};
use tauri::{
    AppHandle, Manager, Runtime, State,
    ipc::{Channel, Response},
};

use crate::{
    drag::Drags,
    ipc::{Argument, IpcError},
};

/// Tells of drags of files from now on. Takes the place of an earlier call.
#[tauri::command]
pub(crate) async fn watch_drags(drags: State<'_, Drags>, on_drag: Channel<DragView>) -> Result<(), IpcError> {
    drags.listen(on_drag);
    Ok(())
}

/// Answers raw bytes of a file that was dropped, which arrive as an `ArrayBuffer`.
#[tauri::command]
pub(crate) async fn dropped_bytes<R: Runtime>(
    app: AppHandle<R>,
    id: Argument<u32>,
    offset: Argument<u32>,
) -> Result<Response, IpcError> {
    let read = tauri::async_runtime::spawn_blocking(move || app.state::<Drags>().piece(id.0, offset.0));
    let piece = read.await.map_err(|_| Error::new(ErrorCode::Internal, "reading a dropped file was given up"))??;
    Ok(Response::new(piece))
}
