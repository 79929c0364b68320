//! What the webview can ask for. Each command decodes, calls core and encodes; it decides nothing.
//!
//! Invariant: every command is idempotent, because a page that reloads may send one twice, and every command stands in
//! four more lists that a test compares: `build.rs`, the capability, the isolation hook and the TypeScript `Backend`.

mod attachments;
mod clipboard;
mod connection;
mod devices;
mod diagnostics;
mod drag;
mod installation;
mod link;
mod lock;
mod messages;
mod notification;
mod preferences;
mod presence;
mod rooms;
mod second_factor;
mod session;
mod subscribe;

use tauri::{Runtime, ipc::Invoke};

/// Hands a call from the webview to its command.
pub(crate) fn handler<R: Runtime>() -> impl Fn(Invoke<R>) -> bool + Send + Sync + 'static {
    tauri::generate_handler![
        subscribe::subscribe,
        session::check_server,
        session::sign_in,
        session::sign_out,
        second_factor::second_factor,
        second_factor::offer_second_factor,
        second_factor::confirm_second_factor,
        second_factor::remove_second_factor,
        devices::list_devices,
        devices::revoke_device,
        lock::lock,
        lock::unlock,
        lock::has_pin,
        lock::set_pin,
        lock::remove_pin,
        rooms::open_room,
        rooms::load_earlier,
        rooms::load_later,
        rooms::load_around,
        rooms::locate,
        rooms::search,
        messages::message_details,
        rooms::add_room,
        messages::send_message,
        messages::retry_message,
        messages::discard_message,
        messages::unsent_messages,
        messages::edit_message,
        messages::delete_message,
        messages::react_to_message,
        messages::acknowledge_message,
        attachments::add_attachment,
        attachments::add_attachment_bytes,
        attachments::remove_attachment,
        attachments::fetch_attachment,
        attachments::copy_attachment,
        attachments::attachment_picture,
        attachments::save_attachment,
        clipboard::pasted_picture,
        drag::watch_drags,
        drag::dropped_bytes,
        rooms::set_room_choices,
        rooms::list_people,
        rooms::create_room,
        link::open_link,
        presence::mark_read,
        presence::mark_unread,
        presence::set_typing,
        presence::set_gaze,
        presence::set_status,
        messages::save_draft,
        messages::save_edit,
        messages::list_templates,
        messages::save_templates,
        notification::test_notification,
        diagnostics::about,
        diagnostics::diagnostics,
        diagnostics::save_diagnostics,
        diagnostics::save_conversation,
        preferences::set_preferences,
        connection::reconnect_now,
        installation::update_state,
        installation::look_for_update,
        installation::begin_newer,
        installation::remove_everything,
    ]
}

#[cfg(test)]
mod tests;
