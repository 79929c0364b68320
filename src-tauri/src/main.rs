//! The executable. Everything it does is in the library, so that tests can reach it.

// Without this, Windows opens a console window beside the app.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

/// Freed memory is wiped: what was on screen before a lock is in no heap after it.
#[global_allocator]
static MEMORY: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    hugmedo_chat_lib::run()
}
