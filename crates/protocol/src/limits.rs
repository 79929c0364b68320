//! Sizes and rates both sides hold to, so that a client can refuse locally what a server would refuse anyway.

use std::time::Duration;

/// Longest `content` of a message, in Unicode scalar values.
pub const MAX_CONTENT_CHARS: usize = 10_000;
/// Longest id of any kind, in bytes.
pub const MAX_ID_BYTES: usize = 128;
/// Most attachments or mentions of one message.
pub const MAX_LIST_ITEMS: usize = 50;
/// Most different emoji under one message.
pub const MAX_REACTIONS: usize = 20;
/// Longest name of a new group, in Unicode scalar values.
pub const MAX_ROOM_NAME_CHARS: usize = 80;
/// Most members of a new group, the one who makes it included.
pub const MAX_NEW_ROOM_MEMBERS: usize = 100;
/// Largest `metadata` of a message, in bytes of JSON.
pub const MAX_METADATA_BYTES: usize = 4 * 1024;
/// Largest Socket.IO frame and HTTP body, in bytes. The longest content in four-byte characters, escaped, fits in.
pub const MAX_FRAME_BYTES: usize = 256 * 1024;
/// Most entries of one page of history or sync.
pub const MAX_PAGE: usize = 200;
/// Longest time `GET /api/sync?wait` holds a request open.
pub const MAX_SYNC_WAIT: Duration = Duration::from_secs(25);
/// How long a client waits for `session` after CONNECT before it takes the server for a baseline one.
pub const SESSION_EVENT_WAIT: Duration = Duration::from_secs(2);
