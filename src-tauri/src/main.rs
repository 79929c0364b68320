//! The executable. Everything it does is in the library, so that tests can reach it.

// Without this, Windows opens a console window beside the app.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    hugmedo_chat_lib::run()
}
