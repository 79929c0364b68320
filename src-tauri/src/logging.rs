//! Where log lines go: standard error, and a daily file in the data folder that is kept for two weeks.
//!
//! Invariant: only this project's own crates are heard, at whatever level. Libraries below us log frames, payloads and
//! headers at levels of their own choosing; ours never log what a person wrote, nor a token.

use std::{
    fs,
    io::{self, IsTerminal},
    path::Path,
};

use tracing_appender::rolling::{Builder, RollingFileAppender, Rotation};
use tracing_subscriber::{
    Layer, filter::LevelFilter, filter::Targets, fmt, layer::SubscriberExt, util::SubscriberInitExt,
};

/// `off`, `error`, `warn`, `info` (the default), `debug` or `trace`.
const LEVEL_VARIABLE: &str = "HUGMEDO_CHAT_LOG";

/// Begins to log. A log file that cannot be opened leaves standard error only; that is no reason not to start.
pub(crate) fn start(log_dir: &Path) {
    let level = std::env::var(LEVEL_VARIABLE).ok().and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let file = open(log_dir);
    let file_layer = file.map(|file| fmt::layer().with_ansi(false).with_writer(file).with_filter(own_crates(level)));
    let stderr_layer =
        fmt::layer().with_ansi(io::stderr().is_terminal()).with_writer(io::stderr).with_filter(own_crates(level));
    // Fails only where a test has installed a subscriber of its own.
    let _ = tracing_subscriber::registry().with(file_layer).with(stderr_layer).try_init();
    log_panics();
}

fn own_crates(level: LevelFilter) -> Targets {
    // `hugmedo_chat` is also the prefix of every other crate of the workspace.
    Targets::new().with_target("hugmedo_chat", level)
}

fn open(log_dir: &Path) -> Option<RollingFileAppender> {
    fs::create_dir_all(log_dir).ok()?;
    Builder::new()
        .rotation(Rotation::DAILY)
        .filename_prefix("hugmedo-chat")
        .filename_suffix("log")
        .max_log_files(14)
        .build(log_dir)
        .ok()
}

/// A panic's message may quote data; its place in the source cannot.
fn log_panics() {
    let default_hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let location = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(%location, "panic");
        if cfg!(debug_assertions) {
            default_hook(panic);
        }
    }));
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn libraries_are_never_heard_not_even_when_everything_is_asked_for() {
        let filter = own_crates(LevelFilter::TRACE);
        for own in ["hugmedo_chat_lib::keychain", "hugmedo_chat_core::outbox", "hugmedo_chat_protocol"] {
            assert!(filter.would_enable(own, &Level::TRACE), "{own}");
        }
        for foreign in ["rust_socketio", "reqwest::connect", "keyring_core", "tauri", "hyper", "zbus"] {
            assert!(!filter.would_enable(foreign, &Level::ERROR), "{foreign}");
        }
    }
}
