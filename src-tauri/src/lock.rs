//! Locking the app, and taking what was on screen out of memory with it.
//!
//! Invariant: after a lock no process holds what was on screen. The page's scripts, the browser engine and the libraries under it
//! keep copies that nothing can wipe, so on Linux the app begins anew in its own place, locked. Elsewhere, and for a session that
//! leaves no trace and would be lost, the page is loaded anew, and what our own code frees is wiped.

#[cfg(target_os = "linux")]
use std::sync::Arc;

use hugmedo_chat_core::{Core, error::Error};
use tauri::{AppHandle, Manager, Runtime};

#[cfg(target_os = "linux")]
use crate::{anew, notifications::SystemNotifier};
use crate::{core_handle::CoreHandle, window};

/// Locks the app.
///
/// # Errors
/// If nobody is signed in.
pub(crate) async fn lock<R: Runtime>(app: &AppHandle<R>) -> Result<(), Error> {
    let handle = app.state::<CoreHandle>();
    let core = handle.get().await?;
    core.lock().await?;
    tracing::info!("locked");
    if core.lock_outlives_the_app() {
        begin_anew(app, core).await;
    }
    clear_page(app);
    Ok(())
}

/// Locks if someone is signed in. Nobody has asked for it, so nobody is told that there was nothing to lock.
pub(crate) async fn lock_quietly<R: Runtime>(app: &AppHandle<R>) {
    let _ = lock(app).await;
}

/// Puts a fresh start of the app in the place of this process. Returns only if that fails.
#[cfg(target_os = "linux")]
async fn begin_anew<R: Runtime>(app: &AppHandle<R>, core: &Core) {
    core.shutdown().await;
    // What is on the screen is not to say more than a locked app may until the next one has started.
    app.state::<Arc<SystemNotifier<R>>>().served().await;
    anew::begin(app);
}

#[cfg(not(target_os = "linux"))]
async fn begin_anew<R: Runtime>(_: &AppHandle<R>, _: &Core) {}

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
