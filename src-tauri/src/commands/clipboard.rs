//! The picture on the system's clipboard, for a page that is pasted into.
//!
//! WebKitGTK gives a page no picture that is pasted: since 2.50.3 it gives it no files at all (bugs.webkit.org 218519). The other
//! engines give it with the paste itself, and nothing is asked for here.
//!
//! Invariant: the clipboard is read only while this window has the keyboard; what is read goes to the page as it is.

use hugmedo_chat_core::error::Error;
use tauri::{Runtime, WebviewWindow, ipc::Response};

use crate::ipc::IpcError;

/// Answers the bytes of a PNG, which arrive as an `ArrayBuffer`; none where there is no picture.
#[tauri::command]
pub(crate) async fn pasted_picture<R: Runtime>(window: WebviewWindow<R>) -> Result<Response, IpcError> {
    Ok(Response::new(read(&window).await?))
}

#[cfg(all(unix, not(target_os = "macos")))]
async fn read<R: Runtime>(window: &WebviewWindow<R>) -> Result<Vec<u8>, Error> {
    use gtk::gdk::{Atom, SELECTION_CLIPBOARD};
    use hugmedo_chat_core::error::ErrorCode;
    use tokio::sync::oneshot;

    if !window.is_focused().unwrap_or_default() {
        return Ok(Vec::new());
    }
    let (read_tx, read) = oneshot::channel();
    window
        .run_on_main_thread(move || {
            // Whoever copied it makes the PNG; a picture of strangers is not decoded in this process.
            gtk::Clipboard::get(&SELECTION_CLIPBOARD).request_contents(&Atom::intern("image/png"), move |_, data| {
                drop(read_tx.send(data.data()));
            });
        })
        .map_err(|_| Error::new(ErrorCode::Internal, "the clipboard cannot be asked"))?;
    Ok(read.await.unwrap_or_default())
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
async fn read<R: Runtime>(_: &WebviewWindow<R>) -> Result<Vec<u8>, Error> {
    Ok(Vec::new())
}
