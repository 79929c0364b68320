//! Tells Tauri which commands exist, so that each has a permission of its own, and where the capabilities are.

/// Every command of `commands/`. A command that is missing here would be open to every window.
const COMMANDS: &[&str] = &[
    "subscribe",
    "sign_in",
    "sign_out",
    "open_room",
    "load_earlier",
    "add_room",
    "send_message",
    "retry_message",
    "discard_message",
    "unsent_messages",
    "mark_read",
    "set_typing",
    "save_draft",
    "set_gaze",
    "set_preferences",
    "reconnect_now",
];

fn main() {
    // With a path pattern of our own, Tauri no longer prints these.
    println!("cargo:rerun-if-changed=src-tauri/capabilities");
    println!("cargo:rerun-if-changed=src-tauri/isolation");
    let attributes = tauri_build::Attributes::new()
        .app_manifest(tauri_build::AppManifest::new().commands(COMMANDS))
        .capabilities_path_pattern("./src-tauri/capabilities/**/*");
    if let Err(error) = tauri_build::try_build(attributes) {
        println!("cargo:error={error:#}");
        std::process::exit(1);
    }
}
