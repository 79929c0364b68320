//! The icon in the system's tray: how much is unread, one's own status, and what one does without the window.
//!
//! Invariant: where the system shows no tray, closing the window ends the
//! app, because nothing would lead back to it.

mod told;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use hugmedo_chat_core::{
    Core,
    view::{ChannelItem, Language, Preferences, PresenceStatus},
};
use hugmedo_chat_protocol::Timestamp;
use tauri::{
    AppHandle, CloseRequestApi, Manager, Runtime, Window,
    image::Image,
    menu::{IsMenuItem, Menu, MenuEvent, MenuItem, PredefinedMenuItem, Submenu},
    tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent},
};
use tauri_plugin_notification::NotificationExt;
use tokio::time::timeout;

use crate::{badge, core_handle::CoreHandle, lock, window};
use told::{Known, Told, status_word, words};

const ID: &str = "main";
const QUIET: &str = "quiet";
const AN_HOUR_MS: i64 = 60 * 60 * 1_000;
/// An hour that is over is seen at most so much later.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
const STATUSES: [(&str, PresenceStatus); 4] = [
    ("status:available", PresenceStatus::Available),
    ("status:busy", PresenceStatus::Busy),
    ("status:away", PresenceStatus::Away),
    ("status:on-call", PresenceStatus::OnCall),
];

/// Whether there is a tray for the icon to be seen in.
#[derive(Default)]
pub(crate) struct TrayState {
    seen: AtomicBool,
}

/// Puts the icon there and keeps it true until the app ends. A system without trays is fine.
pub(crate) fn start<R: Runtime>(app: &AppHandle<R>) {
    // On Linux the library behind it is looked for now, and panics if there is none.
    let built = catch_unwind(AssertUnwindSafe(|| build(app)));
    let Ok(Ok(tray)) = built else { return tracing::warn!("there is no tray icon") };
    app.state::<TrayState>().seen.store(cfg!(not(target_os = "linux")), Ordering::Relaxed);
    #[cfg(all(unix, not(target_os = "macos")))]
    tauri::async_runtime::spawn(linux::look_for_tray(app.clone()));
    tauri::async_runtime::spawn(follow(app.clone(), tray));
}

/// Hides the window instead of closing it, where the person wants that and there is a way back.
pub(crate) fn on_close_requested<R: Runtime>(window: &Window<R>, api: &CloseRequestApi) {
    let app = window.app_handle();
    let handle = app.state::<CoreHandle>();
    let Some(core) = handle.running() else { return };
    let preferences = core.preferences();
    if !preferences.close_to_tray || !app.state::<TrayState>().seen.load(Ordering::Relaxed) || window.hide().is_err() {
        return;
    }
    api.prevent_close();
    // Nobody is told while nobody would be notified.
    if !preferences.told_about_tray && core.is_open() {
        let [title, body] = match core.language() {
            Language::Ja => [
                "HugMeDo チャットは動いています",
                "通知は届きます。終了するには、トレイのアイコンから「終了」を選びます。",
            ],
            Language::En => [
                "HugMeDo Chat is still running",
                "You will be notified. To end it, choose Quit from its icon in the tray.",
            ],
        };
        if app.notification().builder().title(title).body(body).show().is_err() {
            tracing::warn!("that the app goes on in the tray was not told");
        }
        let core = core.clone();
        tauri::async_runtime::spawn(async move {
            let told = core.change_preferences(|preferences| preferences.told_about_tray = true);
            if let Err(error) = told.await {
                tracing::warn!(%error, "it will be told again");
            }
        });
    }
}

fn build<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<TrayIcon<R>> {
    let told = Told::default();
    let mut builder = TrayIconBuilder::with_id(ID)
        .tooltip("HugMeDo Chat")
        .menu(&menu(app, told)?)
        .show_menu_on_left_click(false)
        .on_menu_event(|app, event| chosen(app, &event))
        .on_tray_icon_event(|tray, event| {
            if let TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. } = event {
                window::show(tray.app_handle());
            }
        });
    if let Some(icon) = app.default_window_icon() {
        builder = builder.icon(icon.clone());
    }
    builder.build(app)
}

fn menu<R: Runtime>(app: &AppHandle<R>, told: Told) -> tauri::Result<Menu<R>> {
    let text = |ja: &'static str, en: &'static str| if told.language == Some(Language::En) { en } else { ja };
    let item = |id: &str, label: &str, enabled: bool| MenuItem::with_id(app, id, label, enabled, None::<&str>);
    let mut statuses = Vec::new();
    for (id, status) in STATUSES {
        let mark = if told.status == Some(status) { "✓ " } else { "" };
        let label = status_word(status, told.language).unwrap_or_default();
        statuses.push(item(id, &format!("{mark}{label}"), told.connected)?);
    }
    let statuses: Vec<&dyn IsMenuItem<R>> = statuses.iter().map(|item| item as &dyn IsMenuItem<R>).collect();
    let open = told.signed_in && !told.locked;
    let mut own_status = text("自分の状態", "Status").to_owned();
    if let Some(word) = told.status.and_then(|status| status_word(status, told.language)) {
        own_status = format!("{own_status}: {word}");
    }
    Menu::with_items(
        app,
        &[
            &item("unread", &words(told), false)?,
            &PredefinedMenuItem::separator(app)?,
            &item("open", text("HugMeDo チャットを開く", "Open HugMeDo Chat"), true)?,
            &Submenu::with_items(app, own_status, open, &statuses)?,
            &item(
                QUIET,
                if told.quiet {
                    text("通知を再開", "Notify again")
                } else {
                    text("通知を1時間止める（至急を除く）", "Do not disturb for an hour (but for urgent ones)")
                },
                open,
            )?,
            &item("lock", text("ロック", "Lock"), open)?,
            &PredefinedMenuItem::separator(app)?,
            &item("quit", text("終了", "Quit"), true)?,
        ],
    )
}

fn chosen<R: Runtime>(app: &AppHandle<R>, event: &MenuEvent) {
    let id = event.id().as_ref();
    if let Some((_, status)) = STATUSES.iter().find(|(known, _)| *known == id) {
        let (app, status) = (app.clone(), *status);
        tauri::async_runtime::spawn(async move {
            if let Ok(core) = app.state::<CoreHandle>().get().await
                && let Err(error) = core.set_status(status).await
            {
                tracing::info!(%error, "the status was not set");
            }
        });
        return;
    }
    match id {
        QUIET => hush(app),
        "open" => window::show(app),
        "lock" => {
            let app = app.clone();
            tauri::async_runtime::spawn(async move { lock::lock_quietly(&app).await });
        }
        "quit" => app.exit(0),
        _ => {}
    }
}

/// Ends the quiet, or begins an hour of it.
fn hush<R: Runtime>(app: &AppHandle<R>) {
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        let handle = app.state::<CoreHandle>();
        let Ok(core) = handle.get().await else { return };
        let changed = core.change_preferences(|preferences| {
            let in_an_hour = Timestamp::from_millis(Timestamp::now().as_millis().saturating_add(AN_HOUR_MS));
            preferences.do_not_disturb_until = (!is_quiet(preferences)).then_some(in_an_hour);
        });
        if let Err(error) = changed.await {
            tracing::info!(%error, "the quiet was not kept");
        }
    });
}

fn is_quiet(preferences: &Preferences) -> bool {
    preferences.do_not_disturb_until.is_some_and(|until| Timestamp::now() < until)
}

async fn follow<R: Runtime>(app: AppHandle<R>, tray: TrayIcon<R>) {
    let mut shown = Told::default();
    loop {
        let handle = app.state::<CoreHandle>();
        let Ok(core) = handle.get().await else { return };
        let Ok((snapshot, mut changes)) = core.subscribe().await else { return };
        let mut known = Known::of(snapshot);
        loop {
            show(&app, &tray, core, &known, &mut shown).await;
            let Ok(next) = timeout(LOOK_AGAIN, changes.next()).await else { continue };
            match next {
                Some(ChannelItem::Events { events }) => events.into_iter().for_each(|event| known.apply(event.change)),
                Some(ChannelItem::Lagged) => break,
                None => return,
            }
        }
    }
}

async fn show<R: Runtime>(app: &AppHandle<R>, tray: &TrayIcon<R>, core: &Core, known: &Known, shown: &mut Told) {
    let told = known.told(core.language(), is_quiet(&core.preferences()));
    if told == *shown {
        if cfg!(windows) {
            // Its task bar forgets with a window that is hidden.
            badge::show(app, told.unread, told.urgent).await;
        }
        return;
    }
    *shown = told;
    let icon = app.default_window_icon().map(|icon| match (told.unread, told.urgent) {
        (0, _) => icon.clone().to_owned(),
        (_, 0) => marked(icon, [0x1d, 0x6f, 0xd8]),
        (_, _) => marked(icon, [0xc6, 0x28, 0x28]),
    });
    badge::show(app, told.unread, told.urgent).await;
    // On Linux there is no tooltip, but a label beside the icon.
    let label = (cfg!(target_os = "linux") && told.unread > 0).then(|| told.unread.to_string());
    let steps = [
        tray.set_icon(icon),
        tray.set_title(label),
        tray.set_tooltip(Some(format!("HugMeDo Chat: {}", words(told)))),
        menu(app, told).and_then(|menu| tray.set_menu(Some(menu))),
    ];
    if steps.iter().any(Result::is_err) {
        tracing::debug!("not all of the unread count could be shown in the tray");
    }
}

/// The icon with a dot in its corner.
fn marked(icon: &Image<'_>, colour: [u8; 3]) -> Image<'static> {
    let (width, height) = (icon.width(), icon.height());
    let radius = f64::from(width) * 0.26;
    let centre = (f64::from(width) - radius, f64::from(height) - radius);
    let mut pixels = icon.rgba().to_vec();
    for (pixel, index) in pixels.chunks_exact_mut(4).zip(0_u32..) {
        let (x, y) = (f64::from(index % width) + 0.5, f64::from(index / width) + 0.5);
        if (x - centre.0).hypot(y - centre.1) <= radius {
            let [red, green, blue] = colour;
            pixel.copy_from_slice(&[red, green, blue, 255]);
        }
    }
    Image::new_owned(pixels, width, height)
}

#[cfg(all(unix, not(target_os = "macos")))]
mod linux {
    use std::sync::atomic::Ordering;

    use futures_util::StreamExt;
    use tauri::{AppHandle, Manager, Runtime};
    use zbus::{Connection, fdo::DBusProxy};

    use super::TrayState;

    /// Whoever has this name shows the icons of others.
    const WATCHER: &str = "org.kde.StatusNotifierWatcher";

    pub(super) async fn look_for_tray<R: Runtime>(app: AppHandle<R>) {
        let followed = async {
            let bus = Connection::session().await?;
            let names = DBusProxy::new(&bus).await?;
            let mut changes = names.receive_name_owner_changed_with_args(&[(0, WATCHER)]).await?;
            let note = |seen: bool| app.state::<TrayState>().seen.store(seen, Ordering::Relaxed);
            note(names.name_has_owner(WATCHER.try_into()?).await?);
            while let Some(change) = changes.next().await {
                note(change.args()?.new_owner().is_some());
            }
            zbus::Result::Ok(())
        };
        if let Err(error) = followed.await {
            tracing::info!(%error, "no tray is looked for");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_covers_a_corner_and_leaves_the_rest() {
        let icon = Image::new_owned(vec![9; 32 * 32 * 4], 32, 32);
        let marked = marked(&icon, [1, 2, 3]);
        let at = |x: usize, y: usize| marked.rgba()[(y * 32 + x) * 4..][..4].to_vec();
        assert_eq!(at(0, 0), [9; 4]);
        assert_eq!(at(24, 24), [1, 2, 3, 255]);
    }
}
