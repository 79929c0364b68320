//! Beginning anew: another start of the app takes this one's place, with the same data folder and the window shown or not.
//!
//! Invariant: core has shut down before, so that nothing is lost and the data folder is free.

use tauri::{AppHandle, Manager, Runtime};
use tauri_plugin_window_state::AppHandleExt;

use crate::{cli::Cli, window};

/// Puts a fresh start in the place of this process. Returns only if that fails.
#[cfg(target_os = "linux")]
pub(crate) fn begin<R: Runtime>(app: &AppHandle<R>) {
    use std::os::unix::process::CommandExt;

    // As it lies on the disk: of an AppImage that is the file itself, and not what it has unpacked.
    let Ok(program) = tauri::process::current_binary(&app.env()) else { return };
    let _ = app.save_window_state(window::kept_state());
    let hidden = window::main(app).is_some_and(|window| !window.is_visible().unwrap_or(true));
    let mut command = std::process::Command::new(program);
    if let Some(data_dir) = &app.state::<Cli>().data_dir {
        command.arg("--data-dir").arg(data_dir);
    }
    if hidden {
        command.arg("--hidden");
    }
    let error = command.exec();
    tracing::warn!(%error, "the app could not begin anew");
}

/// Starts another and ends this one.
#[cfg(not(target_os = "linux"))]
pub(crate) fn begin<R: Runtime>(app: &AppHandle<R>) {
    let _ = app.save_window_state(window::kept_state());
    app.request_restart();
}
