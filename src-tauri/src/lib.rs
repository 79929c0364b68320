//! The desktop shell of HugMeDo Chat: a window, the keychain, notifications, and commands that lead to the core.
//!
//! Invariant: the shell decides nothing about the chat. It is the only Rust that knows Tauri, and neither a token nor a
//! password ever goes from here to the webview.

mod anew;
mod away;
mod badge;
mod choices;
mod cli;
mod commands;
mod core_handle;
mod drag;
#[cfg(target_os = "linux")]
mod drawing;
mod file_name;
mod ipc;
mod keychain;
mod lifecycle;
mod lock;
mod logging;
mod network;
mod notifications;
mod policy;
mod profile;
mod removal;
mod screen_lock;
#[cfg(debug_assertions)]
mod sign_in_file;
mod tray;
mod updates;
mod window;

use std::{
    error::Error,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
};

use clap::Parser;
use hugmedo_chat_core::Config;
use tauri::{AppHandle, Manager, Runtime, WindowEvent, plugin::TauriPlugin};

use crate::{
    away::OutOfFocus, cli::Cli, core_handle::CoreHandle, drag::Drags, ipc::Stream, keychain::Keychain,
    lifecycle::Ending, notifications::SystemNotifier, profile::Profile, removal::Leaving, tray::TrayState,
    updates::Updates,
};

/// Runs the app until its window is closed or it is told to end.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    if let Some(file) = &cli.check_policy {
        return policy::check(file.as_ref());
    }
    #[cfg(target_os = "linux")]
    drawing::choose();
    let leaving = Leaving::default();
    let context = tauri::generate_context!();
    let built = tauri::Builder::default()
        // First, so that a second start ends before it has opened anything.
        .plugin(single_instance(&context.config().identifier, &cli))
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_autostart::Builder::new().arg("--hidden").build())
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_updater::Builder::new().build())
        .manage(leaving.clone())
        .manage(Updates::default())
        .manage(Stream::default())
        .manage(Drags::default())
        .manage(Ending::default())
        .manage(OutOfFocus::default())
        .manage(TrayState::default())
        .on_window_event(|window, event| {
            window.state::<OutOfFocus>().note(event);
            if let WindowEvent::CloseRequested { api, .. } = event {
                tray::on_close_requested(window, api);
            }
        })
        .invoke_handler(commands::handler())
        .setup(move |app| {
            // An error that is returned from here would become a panic.
            if let Err(error) = set_up(app.handle(), &cli) {
                say_why(error.as_ref());
                app.handle().cleanup_before_exit();
                std::process::exit(1);
            }
            Ok(())
        })
        .build(context);
    match built {
        Ok(app) => {
            let code = app.run_return(|app, event| {
                #[cfg(target_os = "macos")]
                if let tauri::RunEvent::Opened { urls } = &event {
                    // A Mac hands links over so, not as arguments.
                    let link = urls.iter().find_map(|url| hugmedo_chat_core::DeepLink::parse(url.as_str()).ok());
                    link.into_iter().for_each(|link| window::follow(app, link));
                }
                lifecycle::on_run_event(app, &event);
            });
            leaving.finish();
            ExitCode::from(u8::try_from(code).unwrap_or(1))
        }
        Err(error) => {
            say_why(&error);
            ExitCode::FAILURE
        }
    }
}

fn set_up<R: Runtime>(app: &AppHandle<R>, cli: &Cli) -> Result<(), Box<dyn Error>> {
    let profile = claim_profile(app, cli)?;
    logging::start(&profile.log_dir());
    tracing::info!(version = %app.package_info().version, "starting");

    let policy = Arc::new(policy::of_this_computer());
    app.manage(Arc::clone(&policy));
    app.plugin(window_state(&profile))?;
    let notifier = Arc::new(SystemNotifier::new(app.clone(), profile.data_dir()));
    app.manage(Arc::clone(&notifier));
    app.manage(CoreHandle::new(
        Config { policy, webview: tauri::webview_version().ok(), ..Config::new(profile.data_dir()) },
        Arc::new(Keychain::new(&app.config().identifier)),
        notifier,
    ));
    window::create(app, &profile, cli.hidden)?;
    lifecycle::exit_on_signals(app.clone());
    network::watch(app.clone());
    away::watch(app.clone());
    tray::start(app);
    updates::watch(app.clone());
    choices::follow(app.clone(), cli.data_dir.is_none());
    app.manage(profile);
    app.manage(cli.clone());

    let (app, link) = (app.clone(), cli.link.clone());
    tauri::async_runtime::spawn(async move {
        // Commands that come meanwhile wait for the same start, and answer with its error if it fails.
        if let Ok(core) = app.state::<CoreHandle>().get().await {
            #[cfg(debug_assertions)]
            sign_in_file::sign_in_if_asked(core).await;
            #[cfg(not(debug_assertions))]
            let _ = core;
            if let Some(link) = link {
                window::follow(&app, link);
            }
        }
    });
    Ok(())
}

fn claim_profile<R: Runtime>(app: &AppHandle<R>, cli: &Cli) -> Result<Profile, Box<dyn Error>> {
    let data_dir: PathBuf = match &cli.data_dir {
        Some(chosen) => std::path::absolute(chosen)?,
        None => app.path().app_data_dir()?,
    };
    Profile::claim(data_dir.clone()).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => format!("HugMeDo Chat is already running with {}", data_dir.display()).into(),
        _ => format!("the data folder {} cannot be used: {error}", data_dir.display()).into(),
    })
}

/// A second start shows the window of the first.
///
/// "The same app" means the same data folder: clinicians who share a computer, and tests, run several side by side. Only
/// on Linux has the plugin a name to tell them apart; elsewhere it watches over the default folder, and the claim on the
/// folder refuses a second start on another.
fn single_instance<R: Runtime>(identifier: &str, cli: &Cli) -> TauriPlugin<R> {
    let builder = tauri_plugin_single_instance::Builder::new().callback(|app, arguments, _| {
        if let Some(link) = cli::link_in(&arguments) {
            window::follow(app, link);
        } else if cli::asks_for_window(&arguments) {
            window::show(app);
        }
    });
    match &cli.data_dir {
        None => builder.build(),
        Some(data_dir) if cfg!(target_os = "linux") => builder.dbus_id(profile::dbus_id(identifier, data_dir)).build(),
        Some(_) => tauri::plugin::Builder::new("single-instance").build(),
    }
}

/// The window comes back where it was. Whether it is shown is not remembered: `--hidden` says that.
fn window_state<R: Runtime>(profile: &Profile) -> TauriPlugin<R> {
    tauri_plugin_window_state::Builder::new()
        .with_state_flags(window::kept_state())
        // The plugin joins this to its own folder; an absolute path replaces that.
        .with_filename(profile.window_state_file().to_string_lossy())
        .build()
}

/// Where there is no log yet, standard error is all there is.
fn say_why(error: &dyn Error) {
    let _ = writeln!(io::stderr(), "hugmedo-chat: {error}");
}
