//! The sample hospital: people, rooms and talk for an empty store, and people who live in the server.
//!
//! Everything here goes through the same rules as everyone else's deeds. All persons are invented.

mod people;
mod script;
mod seed;
mod voices;

pub(crate) use people::live;
pub(crate) use seed::fill;

use hugmedo_chat_protocol::{Opaque, Priority, RoomId, SendMessage};

fn wish(room: &RoomId, text: &str, priority: Priority) -> SendMessage {
    SendMessage {
        room_id: room.clone(),
        content: text.into(),
        attachments: Vec::new(),
        metadata: Opaque(serde_json::Value::Object(serde_json::Map::new())),
        client_message_id: None,
        priority,
        reply_to: None,
        mentions: Vec::new(),
        user_id: None,
    }
}
