//! The server on Postgres: the tests of ../server once more, and several servers on one database, with what may happen to them.
//!
//! Left out are those about the SQLite file itself: its copies, tampering with it, the command line and the settings that name it,
//! and the sample data, which fill a file only.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test fails by panicking; clippy knows this of test functions, not of their helpers"
)]

mod backing;
mod failures;
mod instances;
mod secrets;
mod start;
mod unknown_ends;
mod valve;

#[path = "../server/administration.rs"]
mod administration;
#[path = "../server/attachments.rs"]
mod attachments;
#[path = "../server/canary.rs"]
mod canary;
#[path = "../server/escalation.rs"]
mod escalation;
#[allow(dead_code, reason = "the tests of ../server use the rest")]
#[path = "../server/hospital.rs"]
mod hospital;
#[path = "../server/issuer.rs"]
mod issuer;
#[path = "../server/matrix/mod.rs"]
mod matrix;
#[path = "../server/messages.rs"]
mod messages;
#[path = "../server/metrics.rs"]
mod metrics;
#[path = "../server/new_rooms.rs"]
mod new_rooms;
mod nodes;
#[path = "../server/presence.rs"]
mod presence;
#[path = "../server/reactions.rs"]
mod reactions;
#[path = "../server/receipts.rs"]
mod receipts;
#[path = "../server/retention.rs"]
mod retention;
#[path = "../server/second_factor.rs"]
mod second_factor;
#[path = "../server/sessions.rs"]
mod sessions;
#[path = "../server/strangers.rs"]
mod strangers;
#[path = "../server/sync.rs"]
mod sync;
#[allow(dead_code, reason = "the tests of ../server use the rest")]
#[path = "../server/wire.rs"]
mod wire;
