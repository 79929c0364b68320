//! How much is unread, on the window's title and in the launcher, dock or task bar.
//!
//! Invariant: the number is the one the tray tells, which is core's; with nothing unread there is none.

use tauri::{AppHandle, Runtime};

use crate::window;

/// Shows how many messages are unread, and how many of them are urgent.
pub(crate) async fn show<R: Runtime>(app: &AppHandle<R>, unread: u32, urgent: u32) {
    let Some(window) = window::main(app) else { return };
    let shown = window.set_title(&title(unread)).is_ok();
    #[cfg(target_os = "macos")]
    let shown = {
        let _ = urgent;
        shown & window.set_badge_count((unread > 0).then_some(i64::from(unread))).is_ok()
    };
    #[cfg(windows)]
    let shown = {
        let overlay = (unread > 0).then(|| overlay::icon(unread, urgent > 0));
        shown & window.set_overlay_icon(overlay).is_ok()
    };
    #[cfg(all(unix, not(target_os = "macos")))]
    launcher::tell(unread, urgent).await;
    if !shown {
        tracing::debug!("not all of the unread count could be shown outside the window");
    }
}

fn title(unread: u32) -> String {
    if unread > 0 { format!("({unread}) HugMeDo Chat") } else { "HugMeDo Chat".to_owned() }
}

/// The launchers of Ubuntu, KDE and others listen to this signal of Unity's.
#[cfg(all(unix, not(target_os = "macos")))]
mod launcher {
    use std::{collections::HashMap, time::Duration};

    use tokio::{sync::OnceCell, time::timeout};
    use zbus::{Connection, zvariant::Value};

    /// By its entry in the menu.
    const APP: &str = "application://hugmedo-chat.desktop";
    const PATH: &str = "/com/canonical/unity/launcherentry/hugmedochat";
    const INTERFACE: &str = "com.canonical.Unity.LauncherEntry";
    const PATIENCE: Duration = Duration::from_secs(5);
    /// A launcher forgets the count of who has left the bus.
    static BUS: OnceCell<Connection> = OnceCell::const_new();

    pub(super) async fn tell(unread: u32, urgent: u32) {
        let told = async {
            let bus = BUS.get_or_try_init(Connection::session).await?;
            let properties = HashMap::from([
                ("count", Value::from(i64::from(unread))),
                ("count-visible", Value::from(unread > 0)),
                ("urgent", Value::from(urgent > 0)),
            ]);
            bus.emit_signal(None::<&str>, PATH, INTERFACE, "Update", &(APP, properties)).await
        };
        if !matches!(timeout(PATIENCE, told).await, Ok(Ok(()))) {
            tracing::debug!("no launcher could be told of the unread count");
        }
    }
}

/// The little picture that Windows lays over the icon in the task bar.
#[cfg(any(windows, test))]
mod overlay {
    use tauri::image::Image;

    const SIZE: usize = 32;
    /// Digits of three by five dots, a row in each three bits, from the top.
    const DIGITS: [[u8; 5]; 10] = [
        [7, 5, 5, 5, 7],
        [2, 6, 2, 2, 7],
        [7, 1, 7, 4, 7],
        [7, 1, 3, 1, 7],
        [5, 5, 7, 1, 1],
        [7, 4, 7, 1, 7],
        [7, 4, 7, 5, 7],
        [7, 1, 2, 2, 2],
        [7, 5, 7, 5, 7],
        [7, 5, 7, 1, 7],
    ];
    const PLUS: [u8; 5] = [0, 2, 7, 2, 0];

    /// A disc with the number on it, or `9+`.
    pub(super) fn icon(unread: u32, urgent: bool) -> Image<'static> {
        let ground = if urgent { [0xc6, 0x28, 0x28, 255] } else { [0x1d, 0x6f, 0xd8, 255] };
        let first = DIGITS.get(usize::try_from(unread.min(9)).unwrap_or(9)).copied().unwrap_or_default();
        let glyphs = if unread > 9 { vec![first, PLUS] } else { vec![first] };
        // Each dot is three pixels wide; a glyph and the gap after it four dots.
        let dot = if unread > 9 { 3 } else { 4 };
        let (width, height) = ((glyphs.len() * 4 - 1) * dot, 5 * dot);
        let (left, top) = ((SIZE - width) / 2, (SIZE - height) / 2);
        let is_ink = |x: usize, y: usize| {
            let (Some(x), Some(y)) = (x.checked_sub(left), y.checked_sub(top)) else { return false };
            let (column, row) = (x / dot, y / dot);
            let bits = glyphs.get(column / 4).and_then(|glyph| glyph.get(row)).copied().unwrap_or(0);
            column % 4 < 3 && bits & (4 >> (column % 4)) != 0
        };
        let middle = (SIZE as f64 - 1.0) / 2.0;
        let mut pixels = Vec::with_capacity(SIZE * SIZE * 4);
        for y in 0..SIZE {
            for x in 0..SIZE {
                let inside = (x as f64 - middle).hypot(y as f64 - middle) <= SIZE as f64 / 2.0;
                pixels.extend(match (inside, is_ink(x, y)) {
                    (false, _) => [0; 4],
                    (true, true) => [255; 4],
                    (true, false) => ground,
                });
            }
        }
        Image::new_owned(pixels, 32, 32)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn each_count_up_to_nine_has_a_picture_and_more_have_one_together() {
            let picture = |unread, urgent| icon(unread, urgent).rgba().to_vec();
            let all: std::collections::BTreeSet<_> = (1..=10).map(|unread| picture(unread, false)).collect();
            assert_eq!(all.len(), 10);
            assert_eq!(picture(10, false), picture(99, false));
            assert_ne!(picture(3, false), picture(3, true));
            assert_eq!(picture(3, false)[..4], [0; 4], "its corners are not there");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_tells_the_number_while_there_is_one() {
        assert_eq!([title(0), title(12)], ["HugMeDo Chat", "(12) HugMeDo Chat"]);
    }
}
