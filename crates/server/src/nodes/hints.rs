//! What servers say to each other over Redis.
//!
//! Invariants: ids, words of ours and times, never what was said or what someone is called; a server of another version
//! drops what it does not know.

use hugmedo_chat_protocol::{RoomId, UserId};
use serde::{Deserialize, Serialize};

use crate::presence::Stand;

/// One message.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hint {
    /// The server it comes from, by a name it has for as long as it runs.
    pub(super) from: String,
    pub(super) what: What,
}

/// See the module.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// There is something to read in the database.
    Moved,
    /// A member writes, or has stopped.
    Typing { room: RoomId, user: UserId, is_typing: bool },
    /// A server is new, or was away: it wants to know who is here.
    Hello,
    /// Still there.
    Beat,
    /// Everyone who is here, at the server that says so.
    All { people: Vec<(UserId, Stand)> },
    /// Someone is here, in this way.
    Here { user: UserId, stand: Stand },
    /// Someone is not here any more, at the server that says so.
    Gone { user: UserId },
    /// Someone chose how they can be reached, wherever they are.
    Chosen { user: UserId, stand: Stand },
}
