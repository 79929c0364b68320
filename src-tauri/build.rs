//! Tells Tauri which commands exist, so that each has a permission of its own, and where the capabilities are.

/// Every command of `commands/`. A command that is missing here would be open to every window.
const COMMANDS: &[&str] = &[
    "subscribe",
    "check_server",
    "sign_in",
    "sign_out",
    "second_factor",
    "offer_second_factor",
    "confirm_second_factor",
    "remove_second_factor",
    "list_devices",
    "revoke_device",
    "lock",
    "unlock",
    "has_pin",
    "test_notification",
    "about",
    "diagnostics",
    "save_diagnostics",
    "save_conversation",
    "set_pin",
    "remove_pin",
    "open_room",
    "load_earlier",
    "load_later",
    "load_around",
    "locate",
    "search",
    "message_details",
    "add_room",
    "send_message",
    "retry_message",
    "discard_message",
    "unsent_messages",
    "edit_message",
    "delete_message",
    "react_to_message",
    "acknowledge_message",
    "add_attachment",
    "add_attachment_bytes",
    "remove_attachment",
    "fetch_attachment",
    "copy_attachment",
    "attachment_picture",
    "save_attachment",
    "pasted_picture",
    "watch_drags",
    "dropped_bytes",
    "set_room_choices",
    "list_people",
    "create_room",
    "open_link",
    "mark_read",
    "mark_unread",
    "set_typing",
    "save_draft",
    "save_edit",
    "list_templates",
    "save_templates",
    "set_gaze",
    "set_status",
    "set_preferences",
    "reconnect_now",
    "update_state",
    "look_for_update",
    "begin_newer",
    "remove_everything",
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
