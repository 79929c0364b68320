//! Newer versions of the app: looking for one, fetching and checking it, and putting it in this one's place when nobody is in the
//! middle of something.
//!
//! Invariants: what is put in place is signed, with the key this build was made for, as the version that was announced, and is
//! newer than this one. The organisation decides whether anything is looked for. The app does not begin anew while an urgent
//! message waits for an answer, nor by itself while someone is at the computer; what was not sent is on the disk. Nor does it
//! begin anew for a version that could not be put in place: it goes on as it was, and says so.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hugmedo_chat_core::{
    error::{Error, ErrorCode},
    policy::{Policy, Updates as Channel},
    view::{UpdateState, UpdateView},
};
use tauri::{
    AppHandle, Manager, Runtime, Url,
    utils::{config::BundleType, platform::bundle_type},
};
use tauri_plugin_updater::{Update, UpdaterExt};
use tokio::{sync::Notify, time::sleep};

use crate::{anew, away, core_handle::CoreHandle};

/// The key and the place of whoever releases; a build that was made without them looks for nothing. In the place's address
/// `{channel}` stands for `stable` or `beta`.
const KEY: Option<&str> = option_env!("HUGMEDO_CHAT_UPDATE_KEY");
const FEED: Option<&str> = option_env!("HUGMEDO_CHAT_UPDATE_FEED");

/// The first look comes once the app has had time for its own work.
const FIRST: Duration = Duration::from_secs(2 * 60);
const EVERY: Duration = Duration::from_secs(6 * 60 * 60);
/// The longest fetching a version may take.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// How long nobody has touched the computer before the app begins anew by itself.
const IDLE: Duration = Duration::from_secs(5 * 60);
const LOOK_WHETHER_IDLE: Duration = Duration::from_secs(5);

/// What is known of newer versions.
#[derive(Default)]
pub(crate) struct Updates {
    known: Mutex<Known>,
    /// There is a newer one, whoever looked.
    is_ready: Notify,
    /// One look at a time.
    looking: tokio::sync::Mutex<()>,
    /// Core has shut down for a newer version; there is no way back but to begin anew.
    has_shut_down: AtomicBool,
}

#[derive(Default)]
enum Known {
    #[default]
    Nothing,
    Newest,
    Failed,
    Ready(Box<Update>, Vec<u8>),
}

/// What was decided for this build when it was made.
struct Build {
    key: String,
    /// A policy may name another.
    feed: Option<String>,
}

/// Whose versions are taken, and from where.
#[derive(Debug, PartialEq, Eq)]
struct Source {
    key: String,
    feed: Url,
}

impl Updates {
    fn set(&self, known: Known) {
        let is_ready = matches!(known, Known::Ready(..));
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
        if is_ready {
            self.is_ready.notify_one();
        }
    }

    fn take(&self) -> Option<(Box<Update>, Vec<u8>)> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::take(&mut *known) {
            Known::Ready(update, bytes) => Some((update, bytes)),
            other => {
                *known = other;
                None
            }
        }
    }

    /// What comes of an attempt to put a version in place. One that failed is told as such until the next look.
    fn settle(&self, installed: Result<(), String>) -> Result<(), Error> {
        installed.map_err(|error| {
            tracing::error!(error, "the newer version could not be put in place");
            self.set(Known::Failed);
            Error::new(ErrorCode::Internal, "the newer version could not be put in place")
        })
    }

    fn state(&self) -> (UpdateState, Option<String>) {
        match &*self.known.lock().unwrap_or_else(PoisonError::into_inner) {
            Known::Nothing => (UpdateState::Unknown, None),
            Known::Newest => (UpdateState::Newest, None),
            Known::Failed => (UpdateState::Failed, None),
            Known::Ready(update, _) => (UpdateState::Ready, Some(update.version.clone())),
        }
    }
}

/// Looks by itself until the app ends, and lets it begin anew once there is a newer one, whoever looked, and nobody is here.
pub(crate) fn watch<R: Runtime>(app: AppHandle<R>) {
    if source_here(&app).is_err() {
        return;
    }
    let looking = app.clone();
    tauri::async_runtime::spawn(async move {
        sleep(FIRST).await;
        loop {
            look(&looking).await;
            sleep(EVERY).await;
        }
    });
    tauri::async_runtime::spawn(async move {
        loop {
            app.state::<Updates>().is_ready.notified().await;
            until_nobody_is_here(&app).await;
            // What went wrong is in the log, and on the screen for who looks; it is tried again after the next look.
            let _ = apply(&app).await;
        }
    });
}

/// What is known, without looking.
pub(crate) async fn view<R: Runtime>(app: &AppHandle<R>) -> UpdateView {
    let (state, version) = match source_here(app) {
        Ok(_) => app.state::<Updates>().state(),
        Err(state) => (state, None),
    };
    let call_open = match app.state::<CoreHandle>().running() {
        Some(core) => core.is_call_open().await,
        None => false,
    };
    UpdateView { state, version, call_open }
}

/// Looks for a newer version, and fetches and checks it. Nothing is changed by that.
pub(crate) async fn look<R: Runtime>(app: &AppHandle<R>) -> UpdateView {
    let updates = app.state::<Updates>();
    let turn = updates.looking.lock().await;
    if let Ok(source) = source_here(app) {
        let known = match fetch(app, source).await {
            Ok(Some((update, bytes))) => Known::Ready(Box::new(update), bytes),
            Ok(None) => Known::Newest,
            Err(error) => {
                tracing::warn!(%error, "no newer version could be fetched");
                Known::Failed
            }
        };
        updates.set(known);
    }
    drop(turn);
    view(app).await
}

/// Puts the newer version in this one's place and begins anew, because the person wants it now.
///
/// # Errors
/// `Refused` while a call waits for an answer, or if there is no newer version; `Internal` if it could not be put in place.
pub(crate) async fn begin_newer<R: Runtime>(app: &AppHandle<R>) -> Result<(), Error> {
    let view = view(app).await;
    if view.call_open || view.state != UpdateState::Ready {
        return Err(Error::new(ErrorCode::Refused, "the app does not begin anew now"));
    }
    apply(app).await
}

/// Where newer versions come from for this app, on this computer; or why from nowhere.
fn source_here<R: Runtime>(app: &AppHandle<R>) -> Result<Source, UpdateState> {
    source(&app.state::<Arc<Policy>>(), this_build())
}

fn source(policy: &Policy, build: Option<Build>) -> Result<Source, UpdateState> {
    let channel = match policy.updates() {
        Channel::Off => return Err(UpdateState::Off),
        Channel::Stable => "stable",
        Channel::Beta => "beta",
    };
    let Build { key, feed } = build.ok_or(UpdateState::Elsewhere)?;
    let feed = policy.update_feed().map(Url::to_string).or(feed).ok_or(UpdateState::Elsewhere)?;
    // An address as it is written has its braces encoded.
    let feed = feed.replace("{channel}", channel).replace("%7Bchannel%7D", channel);
    Ok(Source { key, feed: Url::parse(&feed).map_err(|_| UpdateState::Elsewhere)? })
}

/// None where it is someone else's to replace, or was made without a key.
fn this_build() -> Option<Build> {
    let key = said("HUGMEDO_CHAT_UPDATE_KEY", KEY).filter(|_| is_replaceable())?;
    Some(Build { key, feed: said("HUGMEDO_CHAT_UPDATE_FEED", FEED) })
}

/// As the build says or, while developing and in tests, the environment.
fn said(variable: &str, built_in: Option<&str>) -> Option<String> {
    let said = cfg!(debug_assertions).then(|| std::env::var(variable).ok()).flatten();
    said.or_else(|| built_in.map(str::to_owned)).filter(|text| !text.is_empty())
}

/// Packages are the package manager's, and the administrator's, to replace.
fn is_replaceable() -> bool {
    match bundle_type() {
        Some(BundleType::Deb | BundleType::Rpm) => false,
        Some(_) => true,
        None => target().is_some(),
    }
}

/// The file that is replaced instead of the app, in tests.
fn target() -> Option<String> {
    said("HUGMEDO_CHAT_UPDATE_TARGET", None)
}

async fn fetch<R: Runtime>(
    app: &AppHandle<R>,
    source: Source,
) -> Result<Option<(Update, Vec<u8>)>, tauri_plugin_updater::Error> {
    let leaving = app.clone();
    let mut builder = app.updater_builder().pubkey(source.key).endpoints(vec![source.feed])?.timeout(PATIENCE);
    // Called on Windows alone: the version is unpacked, and next comes its installer, which ends the app.
    builder = builder.on_before_exit(move || {
        tauri::async_runtime::block_on(shut_down(&leaving));
        leaving.cleanup_before_exit();
    });
    if let Some(target) = target() {
        builder = builder.executable_path(target);
    }
    let settings = app.state::<CoreHandle>().running().map(|core| core.preferences().connection);
    if let Some(proxy) = settings.and_then(|settings| Url::parse(settings.proxy.trim()).ok()) {
        builder = builder.proxy(proxy);
    }
    let Some(update) = builder.build()?.check().await? else { return Ok(None) };
    let bytes = update.download(|_, _| {}, || {}).await?;
    tracing::info!(version = update.version, "a newer version is here");
    Ok(Some((update, bytes)))
}

async fn until_nobody_is_here<R: Runtime>(app: &AppHandle<R>) {
    loop {
        sleep(LOOK_WHETHER_IDLE).await;
        if away::idle(app).await < IDLE {
            continue;
        }
        match app.state::<CoreHandle>().running() {
            Some(core) if !core.may_begin_anew().await => {}
            _ => return,
        }
    }
}

/// Puts what was fetched in this one's place and begins anew. If it cannot be put there the app goes on as it is.
///
/// # Errors
/// `Internal` if it could not be put in place.
async fn apply<R: Runtime>(app: &AppHandle<R>) -> Result<(), Error> {
    let updates = app.state::<Updates>();
    let Some((update, bytes)) = updates.take() else { return Ok(()) };
    let version = update.version.clone();
    // On Windows this ends the app, if it can be done.
    let installed = tauri::async_runtime::spawn_blocking(move || update.install(bytes)).await;
    let installed =
        installed.map_err(|error| error.to_string()).and_then(|done| done.map_err(|error| error.to_string()));
    if let Err(error) = updates.settle(installed) {
        if updates.has_shut_down.load(Ordering::Acquire) {
            anew::begin(app);
        }
        return Err(error);
    }
    tracing::info!(version, "the newer version is in place");
    shut_down(app).await;
    anew::begin(app);
    Ok(())
}

/// Nothing is lost, and the data folder is free.
async fn shut_down<R: Runtime>(app: &AppHandle<R>) {
    app.state::<Updates>().has_shut_down.store(true, Ordering::Release);
    if let Some(core) = app.state::<CoreHandle>().running() {
        core.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a build looks under a policy.
    fn looks_at(policy: &str, feed: Option<&str>) -> Result<String, UpdateState> {
        let build = Build { key: "ours".to_owned(), feed: feed.map(str::to_owned) };
        let source = source(&Policy::parse(policy.as_bytes()), Some(build))?;
        assert_eq!(source.key, "ours", "no policy names another key");
        Ok(source.feed.to_string())
    }

    #[test]
    fn the_policy_says_whether_and_for_which_versions_is_looked() {
        let looks_at = |policy: &str| looks_at(policy, Some("https://ours.example/{channel}/latest.json"));
        let (stable, beta) = ("https://ours.example/stable/latest.json", "https://ours.example/beta/latest.json");
        assert_eq!(looks_at("{}").as_deref(), Ok(stable));
        assert_eq!(looks_at(r#"{ "updates": "stable" }"#).as_deref(), Ok(stable));
        assert_eq!(looks_at(r#"{ "updates": "beta" }"#).as_deref(), Ok(beta));
        for off in [r#"{ "updates": "off" }"#, r#"{ "updates": "nightly" }"#, "not a policy"] {
            assert_eq!(looks_at(off), Err(UpdateState::Off), "{off}");
        }
    }

    #[test]
    fn a_feed_of_the_organisations_own_takes_the_place_of_the_builds() {
        for ours in [Some("https://ours.example/{channel}.json"), None] {
            let own = r#"{ "updateFeed": "https://own.example/{channel}.json", "updates": "beta" }"#;
            assert_eq!(looks_at(own, ours).as_deref(), Ok("https://own.example/beta.json"));
            let plain = r#"{ "updateFeed": "https://own.example/latest.json" }"#;
            assert_eq!(looks_at(plain, ours).as_deref(), Ok("https://own.example/latest.json"));
            let unencrypted = r#"{ "updateFeed": "http://own.example/latest.json" }"#;
            assert_eq!(looks_at(unencrypted, ours), Err(UpdateState::Off), "and then nothing is taken from elsewhere");
            let off = r#"{ "updateFeed": "https://own.example/latest.json", "updates": "off" }"#;
            assert_eq!(looks_at(off, ours), Err(UpdateState::Off));
        }
        assert_eq!(looks_at("{}", None), Err(UpdateState::Elsewhere), "nobody has said where");
    }

    #[test]
    fn what_others_replace_looks_nowhere_and_says_first_that_the_organisation_wants_none() {
        let own = Policy::parse(br#"{ "updateFeed": "https://own.example/latest.json" }"#);
        assert_eq!(source(&own, None), Err(UpdateState::Elsewhere));
        assert_eq!(source(&Policy::parse(br#"{ "updates": "off" }"#), None), Err(UpdateState::Off));
    }

    #[test]
    fn a_version_that_could_not_be_put_in_place_is_told_as_failed_and_the_app_goes_on() {
        let updates = Updates::default();
        let error = updates.settle(Err("no room on the disk".to_owned())).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Internal);
        assert_eq!(updates.state(), (UpdateState::Failed, None));
        assert!(!updates.has_shut_down.load(Ordering::Acquire), "nothing has to begin anew");
    }

    #[test]
    fn one_that_is_in_place_is_nothing_to_be_told() {
        let updates = Updates::default();
        updates.settle(Ok(())).unwrap();
        assert_eq!(updates.state(), (UpdateState::Unknown, None));
    }
}
