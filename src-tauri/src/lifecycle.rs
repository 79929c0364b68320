//! How the app ends: core first gets to write down what it holds, for a bounded time.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tauri::{AppHandle, Manager, RunEvent, Runtime};

use crate::core_handle::CoreHandle;

/// Core bounds itself to about 2 s; this is for a core that hangs.
const PATIENCE: Duration = Duration::from_secs(4);

/// Whether core has had its time. The second request to exit is the one that counts.
#[derive(Default)]
pub(crate) struct Ending(AtomicBool);

/// Puts off the first request to exit until core has shut down.
pub(crate) fn on_run_event<R: Runtime>(app: &AppHandle<R>, event: &RunEvent) {
    let RunEvent::ExitRequested { code, api, .. } = event else { return };
    if app.state::<Ending>().0.swap(true, Ordering::AcqRel) {
        return;
    }
    let Some(core) = app.state::<CoreHandle>().running().cloned() else { return };
    api.prevent_exit();
    let (app, code) = (app.clone(), code.unwrap_or(0));
    tauri::async_runtime::spawn(async move {
        if tokio::time::timeout(PATIENCE, core.shutdown()).await.is_err() {
            tracing::warn!("the core did not shut down in time");
        }
        app.exit(code);
    });
}

/// Makes SIGTERM and SIGINT end the app the same way as closing its window.
#[cfg(unix)]
pub(crate) fn exit_on_signals<R: Runtime>(app: AppHandle<R>) {
    use tokio::signal::unix::{SignalKind, signal};
    tauri::async_runtime::spawn(async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            return tracing::warn!("signals end the app at once");
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        app.exit(0);
    });
}

/// Windows ends a windowed app by closing its windows.
#[cfg(not(unix))]
pub(crate) fn exit_on_signals<R: Runtime>(_: AppHandle<R>) {}
