//! Locking the app, and taking what was on screen out of memory with it.
//!
//! Invariant: after a lock the page that showed the account is gone with its process, where the system lets a page have one of
//! its own; the page that takes its place never had anything of the account.

use hugmedo_chat_core::error::Error;
use tauri::{AppHandle, Manager, Runtime};

use crate::{core_handle::CoreHandle, window};

/// Locks the app.
///
/// # Errors
/// If nobody is signed in.
pub(crate) async fn lock<R: Runtime>(app: &AppHandle<R>) -> Result<(), Error> {
    app.state::<CoreHandle>().get().await?.lock().await?;
    tracing::info!("locked");
    clear_page(app);
    Ok(())
}

/// Locks if someone is signed in. Nobody has asked for it, so nobody is told that there was nothing to lock.
pub(crate) async fn lock_quietly<R: Runtime>(app: &AppHandle<R>) {
    let _ = lock(app).await;
}

/// Loads the page anew.
fn clear_page<R: Runtime>(app: &AppHandle<R>) {
    let Some(window) = window::main(app) else { return };
    // Not the address it was at: that names a room.
    let home = window.url().map(|mut url| {
        url.set_path("/");
        url
    });
    let cleared = home.and_then(|home| {
        #[cfg(all(unix, not(target_os = "macos")))]
        {
            use webkit2gtk::WebViewExt;
            window.with_webview(move |webview| {
                // What its scripts held cannot be wiped, so the process that holds it ends.
                webview.inner().terminate_web_process();
                webview.inner().load_uri(home.as_str());
            })
        }
        #[cfg(not(all(unix, not(target_os = "macos"))))]
        window.navigate(home)
    });
    if cleared.is_err() {
        tracing::warn!("the page could not be loaded anew");
    }
}
