//! What a person can show to whoever helps them: how the app is set and how it is doing, and why messages raised no
//! notification.
//!
//! Invariant: nobody's name, no text and no secret is in it; rooms and messages are numbers.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Write as _,
    sync::{Mutex, PoisonError},
};

use hugmedo_chat_protocol::{PROTOCOL_VERSION, Timestamp};

use crate::{
    account::Account,
    core::Core,
    error::Error,
    notify::Silence,
    store::{self, coverage, meta, rooms, rows},
    view::{AboutView, Preferences},
};

/// Decisions that are remembered, the latest.
const REMEMBERED: usize = 50;

/// Why the latest messages raised no notification. Forgotten with the account.
#[derive(Default)]
pub(crate) struct Silences(Mutex<VecDeque<(Timestamp, Silence)>>);

impl Silences {
    pub(crate) fn note(&self, at: Timestamp, silences: impl IntoIterator<Item = Silence>) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.extend(silences.into_iter().map(|silence| (at, silence)));
        let surplus = noted.len().saturating_sub(REMEMBERED);
        noted.drain(..surplus);
    }

    /// Oldest first.
    fn all(&self) -> Vec<(Timestamp, Silence)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }
}

impl Core {
    /// What the app stands on, and what the server speaks. Works also while nobody is signed in.
    pub fn about(&self) -> AboutView {
        AboutView {
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            webview: self.inner.config.webview.clone(),
            store: store::SCHEMA,
            protocol: PROTOCOL_VERSION,
            server_protocol: self.account().ok().and_then(|account| account.server_protocol()),
        }
    }

    /// The state of the app in plain English text, for whoever helps. Works also while nobody is signed in.
    pub async fn diagnostics(&self) -> String {
        let now = self.inner.config.surroundings.now();
        let about = self.about();
        let mut told = format!("HugMeDo Chat {}, {}, {now}\n", env!("CARGO_PKG_VERSION"), about.system);
        line(
            &mut told,
            "Versions",
            &format!(
                "webview {}, store {}, protocol {}, the server's {}",
                told_if(about.webview),
                about.store,
                about.protocol,
                told_if(about.server_protocol)
            ),
        );
        settings(&mut told, &self.preferences());
        // Keys only, neither addresses nor paths.
        told.push_str("Policy, ");
        told.push_str(&self.inner.config.policy.to_string());
        match self.account() {
            Ok(account) => {
                if let Err(error) = doing(&mut told, &account).await {
                    line(&mut told, "Store", &format!("cannot be read: {}", error.code()));
                }
            }
            Err(error) => line(&mut told, "Session", &format!("none: {}", error.code())),
        }
        told
    }
}

fn line(told: &mut String, name: &str, value: &str) {
    let _ = writeln!(told, "{name}: {value}");
}

fn told_if(value: Option<impl std::fmt::Display>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| value.to_string())
}

/// How it is set. Of addresses, names and paths only whether there are any.
fn settings(told: &mut String, preferences: &Preferences) {
    let given = |value: &str| if value.is_empty() { "none" } else { "set" };
    let connection = &preferences.connection;
    line(told, "Language", &told_if(preferences.language.map(|language| format!("{language:?}"))));
    line(
        told,
        "Notifications",
        &format!(
            "about {:?}, showing {:?}, sounding {:?}, quiet hours {}, do not disturb until {}, urgent again every {} min",
            preferences.notify_about,
            preferences.notification_privacy,
            preferences.notification_sounds,
            told_if(preferences.quiet_hours.map(|hours| format!("{hours:?}"))),
            told_if(preferences.do_not_disturb_until),
            preferences.urgent_repeat_minutes
        ),
    );
    line(told, "Lock", &format!("after {} s", preferences.lock_after_seconds));
    line(told, "Window", &format!("to tray {}, autostart {}", preferences.close_to_tray, preferences.autostart));
    line(
        told,
        "Connecting",
        &format!(
            "attempts {}, delay {} to {} ms, timeout {} ms, proxy {}, certificate {}",
            connection.reconnection_attempts,
            connection.reconnection_delay_ms,
            connection.reconnection_delay_max_ms,
            connection.timeout_ms,
            given(&connection.proxy),
            given(&connection.ca_file)
        ),
    );
}

/// How the open account is doing.
async fn doing(told: &mut String, account: &Account) -> Result<(), Error> {
    let session = account.session();
    line(told, "Session", &format!("remembered {}, baseline server {}", session.remembered, session.baseline));
    let connection = account.connection();
    line(
        told,
        "Connection",
        &format!(
            "{:?} since {}, reason {}, last answer {}",
            connection.state,
            connection.since,
            told_if(connection.reason),
            told_if(connection.last_confirmed_at)
        ),
    );
    line(told, "Trouble", &told_if(account.trouble()));
    let me = account.me.id.clone();
    let (rooms, unsent, share, cursor) = account
        .store
        .read(move |connection| {
            let unsent = rows::unsent(connection, &me)?;
            Ok((
                rooms::views(connection, &me)?,
                unsent,
                coverage::share(connection)?,
                meta::cursor(connection)?.is_some(),
            ))
        })
        .await?;
    let unread: u32 = rooms.iter().map(|room| room.unread).sum();
    line(told, "Rooms", &format!("{}, {unread} unread", rooms.len()));
    line(told, "History", &format!("{} of {} positions here, cursor {cursor}", share.0, share.1));
    let mut waiting: BTreeMap<String, usize> = BTreeMap::new();
    for row in &unsent {
        let state = row.delivery.map(|delivery| format!("{delivery:?}"));
        *waiting.entry(format!("{}, problem {}", told_if(state), told_if(row.problem))).or_default() += 1;
    }
    line(told, "Not sent", &unsent.len().to_string());
    for (state, count) in waiting {
        let _ = writeln!(told, "  {state}: {count}");
    }
    let silences = account.silences.all();
    line(told, "Messages that raised no notification, the latest", &silences.len().to_string());
    for (at, silence) in silences.iter().rev() {
        let _ = writeln!(told, "  {at} {silence:?}");
    }
    Ok(())
}
