//! Noticing that the person has left the computer: nobody touches it, its screen is locked, or it goes to sleep. The app then
//! locks itself.

use std::{
    sync::Mutex,
    time::{Duration, Instant, SystemTime},
};

use tauri::{AppHandle, Manager, Runtime, WindowEvent};
use tokio::time::sleep;

#[cfg(any(target_os = "macos", windows))]
use crate::screen_lock;
use crate::{core_handle::CoreHandle, lock};

/// How often the system is asked. The lock comes at most this much late.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Where the system has to be asked whether its screen is locked, that is done in each so many-th look, and when nobody has touched
/// the computer for as long: whoever locks it has just done so.
#[cfg(any(target_os = "macos", windows))]
const ASK_EACH: u64 = 5;
#[cfg(any(target_os = "macos", windows))]
const UNTOUCHED: Duration = Duration::from_secs(3);
/// A wall clock that went on so much further than the monotonic one, which stops in suspend, was a computer that slept.
const SLEPT: Duration = Duration::from_secs(30);

/// Since when the window is not in front; for systems that do not say how long nobody has touched them.
#[derive(Default)]
pub(crate) struct OutOfFocus(Mutex<Option<Instant>>);

impl OutOfFocus {
    /// Notes what happens to the window.
    pub(crate) fn note(&self, event: &WindowEvent) {
        if let WindowEvent::Focused(focused) = event
            && let Ok(mut since) = self.0.lock()
        {
            *since = (!focused).then(Instant::now);
        }
    }

    fn time(&self) -> Duration {
        self.0.lock().ok().and_then(|since| *since).map_or(Duration::ZERO, |since| since.elapsed())
    }
}

/// Watches until the app ends.
pub(crate) fn watch<R: Runtime>(app: AppHandle<R>) {
    #[cfg(all(unix, not(target_os = "macos")))]
    tauri::async_runtime::spawn(linux::watch(app.clone()));
    tauri::async_runtime::spawn(async move {
        let (mut wall, mut monotonic) = (SystemTime::now(), Instant::now());
        #[cfg(any(target_os = "macos", windows))]
        let mut looks = 0_u64;
        loop {
            sleep(LOOK_EVERY).await;
            let gone = SystemTime::now().duration_since(wall).unwrap_or_default();
            let slept = gone.saturating_sub(monotonic.elapsed()) > SLEPT;
            (wall, monotonic) = (SystemTime::now(), Instant::now());
            let handle = app.state::<CoreHandle>();
            let Some(core) = handle.running() else { continue };
            if !core.is_open() {
                continue;
            }
            let limit = core.preferences().lock_after_seconds;
            let idle = idle(&app).await;
            #[cfg(any(target_os = "macos", windows))]
            {
                looks = looks.wrapping_add(1);
                if looks.is_multiple_of(ASK_EACH) && idle >= UNTOUCHED && screen_lock::is_locked().await {
                    lock::lock_quietly(&app).await;
                    continue;
                }
            }
            // Whoever wants no lock by itself still comes back to a locked one after a sleep.
            if slept || limit > 0 && idle >= Duration::from_secs(limit.into()) {
                lock::lock_quietly(&app).await;
            }
        }
    });
}

/// How long nobody has touched the computer.
pub(crate) async fn idle<R: Runtime>(app: &AppHandle<R>) -> Duration {
    // It asks a display or a bus, which may take a while.
    let asked = tauri::async_runtime::spawn_blocking(|| system_idle_time::get_idle_time().ok()).await;
    asked.ok().flatten().unwrap_or_else(|| app.state::<OutOfFocus>().time())
}

/// A desktop says on its bus when it locks the screen, and the system when it goes to sleep.
#[cfg(all(unix, not(target_os = "macos")))]
mod linux {
    use futures_util::{StreamExt, future};
    use tauri::{AppHandle, Runtime};
    use zbus::{Connection, MatchRule, MessageStream, message::Type};

    use crate::lock;

    pub(super) async fn watch<R: Runtime>(app: AppHandle<R>) {
        let screen = async {
            // Each desktop has an interface of its own with this signal.
            let Ok(bus) = Connection::session().await else { return };
            heed(&app, &bus, "ActiveChanged", |interface| interface.ends_with(".ScreenSaver")).await;
        };
        let sleep = async {
            let Ok(bus) = Connection::system().await else { return };
            heed(&app, &bus, "PrepareForSleep", |interface| interface == "org.freedesktop.login1.Manager").await;
        };
        let session = async {
            let Ok(bus) = Connection::system().await else { return };
            heed_any(&app, &bus, "Lock", |interface| interface == "org.freedesktop.login1.Session").await;
        };
        future::join3(screen, sleep, session).await;
    }

    /// Locks at every such signal that says true.
    async fn heed<R: Runtime>(app: &AppHandle<R>, bus: &Connection, member: &str, from: fn(&str) -> bool) {
        let Some(mut signals) = signals(bus, member).await else { return };
        while let Some(Ok(signal)) = signals.next().await {
            let interface = signal.header().interface().is_some_and(|interface| from(interface.as_str()));
            if interface && signal.body().deserialize::<bool>().unwrap_or(false) {
                lock::lock_quietly(app).await;
            }
        }
    }

    /// Locks at every such signal.
    async fn heed_any<R: Runtime>(app: &AppHandle<R>, bus: &Connection, member: &str, from: fn(&str) -> bool) {
        let Some(mut signals) = signals(bus, member).await else { return };
        while let Some(Ok(signal)) = signals.next().await {
            if signal.header().interface().is_some_and(|interface| from(interface.as_str())) {
                lock::lock_quietly(app).await;
            }
        }
    }

    async fn signals(bus: &Connection, member: &str) -> Option<MessageStream> {
        let rule = MatchRule::builder().msg_type(Type::Signal).member(member).ok()?.build();
        MessageStream::for_match_rule(rule.into_owned(), bus, None).await.ok()
    }
}
