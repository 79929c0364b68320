//! The one window, and what its webview may show: the app itself and nothing else.

use hugmedo_chat_core::DeepLink;
use tauri::{
    AppHandle, Manager, Runtime, Url, WebviewWindow, WebviewWindowBuilder, utils::config::WindowConfig,
    webview::NewWindowResponse,
};

use tauri_plugin_window_state::StateFlags;

use crate::{core_handle::CoreHandle, drag, ipc::Stream, profile::Profile};

/// The label of the one window; capabilities and commands are bound to it.
pub(crate) const MAIN: &str = "main";

/// Makes the window as `tauri.conf.json` describes it, with web storage inside the profile.
///
/// # Errors
/// If the configuration has no window of that label, or the system cannot make one.
pub(crate) fn create<R: Runtime>(app: &AppHandle<R>, profile: &Profile, hidden: bool) -> tauri::Result<()> {
    let config = configuration(app).ok_or(tauri::Error::WindowNotFound)?;
    let window = WebviewWindowBuilder::from_config(app, &config)?
        .data_directory(profile.webview_dir())
        .visible(!hidden)
        .on_navigation(move |url| {
            let allowed = is_app(url, tauri::is_dev());
            if !allowed {
                tracing::warn!(scheme = url.scheme(), "navigation away from the app refused");
            }
            allowed
        })
        .on_new_window(|url, _| {
            tracing::warn!(scheme = url.scheme(), "new window refused");
            NewWindowResponse::Deny
        })
        .build()?;
    check_spelling(&window);
    drag::watch(&window);
    Ok(())
}

/// Marks misspelt words in what is written. The other systems' webviews do so by themselves; WebKitGTK asks for the languages,
/// and checks those that have a dictionary on this computer. Nothing of it leaves the computer. Which texts are checked: see
/// `composer/spelling.ts`.
fn check_spelling<R: Runtime>(window: &WebviewWindow<R>) {
    #[cfg(all(unix, not(target_os = "macos")))]
    {
        use webkit2gtk::{WebContextExt, WebViewExt};

        let asked = window.with_webview(|webview| {
            if let Some(context) = webview.inner().context() {
                let names = gtk::glib::language_names();
                context.set_spell_checking_languages(&dictionaries(names.iter().map(|name| name.as_str())));
                context.set_spell_checking_enabled(true);
            }
        });
        if asked.is_err() {
            tracing::warn!("spelling is not checked");
        }
    }
    #[cfg(not(all(unix, not(target_os = "macos"))))]
    let _ = window;
}

/// The dictionaries to look for: of the system's languages, by the names that GLib has for them, and of English, in which much of
/// what is written about medicine is.
#[cfg(all(unix, not(target_os = "macos")))]
fn dictionaries<'a>(languages: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names = Vec::new();
    // The same language stands there more than once, with an encoding or a variant that no dictionary has in its name.
    let plain = languages.filter(|name| *name != "C" && !name.contains(['.', '@']));
    for name in plain.chain(["en_US", "en_GB"]) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Keeps the window out of screenshots and shared screens. On Linux no program can ask for that.
pub(crate) fn set_capture_protected<R: Runtime>(app: &AppHandle<R>, protected: bool) {
    if cfg!(any(target_os = "macos", windows))
        && let Some(window) = main(app)
        && window.set_content_protected(protected).is_err()
    {
        tracing::warn!(protected, "the protection from screenshots could not be set");
    }
}

pub(crate) fn main<R: Runtime>(app: &AppHandle<R>) -> Option<WebviewWindow<R>> {
    app.get_webview_window(MAIN)
}

/// What of the window is as it was when the app starts again.
pub(crate) fn kept_state() -> StateFlags {
    StateFlags::SIZE | StateFlags::POSITION | StateFlags::MAXIMIZED | StateFlags::FULLSCREEN
}

/// Brings the window to the front, from wherever it is.
pub(crate) fn show<R: Runtime>(app: &AppHandle<R>) {
    let Some(window) = main(app) else { return };
    for step in [window.show(), window.unminimize(), window.set_focus()] {
        if step.is_err() {
            tracing::warn!("the window did not come to the front");
        }
    }
}

/// Brings the window to the front and asks the page for where a link leads.
pub(crate) fn follow<R: Runtime>(app: &AppHandle<R>, link: DeepLink) {
    show(app);
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let handle = app.state::<CoreHandle>();
        let Ok(core) = handle.get().await else { return };
        app.state::<Stream>().opened().await;
        match link {
            DeepLink::Place { room_id, message_id } => core.request_room(&room_id, message_id.as_ref()).await,
            DeepLink::Server(server) => core.offer_server(&server),
        }
    });
}

fn configuration<R: Runtime>(app: &AppHandle<R>) -> Option<WindowConfig> {
    app.config().app.windows.iter().find(|window| window.label == MAIN).cloned()
}

/// Whether an address is of the app: its own assets or, while developing, the development server.
fn is_app(url: &Url, developing: bool) -> bool {
    match (url.scheme(), url.host_str()) {
        ("tauri", Some("localhost")) => true,
        // Windows serves the app's assets under this name; nothing can listen there.
        ("http" | "https", Some("tauri.localhost")) => cfg!(windows),
        ("http", Some("127.0.0.1")) => developing && url.port() == Some(1420),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(all(unix, not(target_os = "macos")))]
    #[test]
    fn spelling_is_checked_in_the_languages_of_the_system_and_in_english() {
        let asked = |names: &[&'static str]| dictionaries(names.iter().copied());
        assert_eq!(asked(&["de_AT.UTF-8", "de_AT", "de.UTF-8", "de", "C"]), ["de_AT", "de", "en_US", "en_GB"]);
        assert_eq!(asked(&["en_GB.UTF-8", "en_GB", "en.UTF-8", "en", "C"]), ["en_GB", "en", "en_US"]);
        assert_eq!(asked(&["C"]), ["en_US", "en_GB"]);
    }

    #[test]
    fn the_webview_goes_nowhere_but_to_the_app() {
        let allowed = |url: &str, developing| is_app(&url.parse().unwrap(), developing);
        assert!(allowed("tauri://localhost/rooms/general", false));
        assert!(allowed("http://127.0.0.1:1420/rooms/general", true));
        for elsewhere in [
            "http://127.0.0.1:1420/",
            "https://example.com/",
            "http://localhost/",
            "tauri://example.com/",
            "file:///etc/passwd",
            "data:text/html,x",
            "javascript:alert(1)",
            "about:blank",
        ] {
            assert!(!allowed(elsewhere, false), "{elsewhere}");
        }
        assert!(!allowed("http://127.0.0.1:8080/", true));
    }
}
