//! The server as its peers see it: a real one in this process, raw frames and HTTP from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test fails by panicking; clippy knows this of test functions, not of their helpers"
)]

mod administration;
mod attachments;
mod audit;
mod backing;
mod backups;
mod canary;
mod command_line;
mod dawdlers;
mod demo;
mod engine;
mod escalation;
mod hospital;
mod issuer;
mod malformed;
mod matrix;
mod meanwhile;
mod messages;
mod metrics;
mod new_rooms;
mod presence;
mod reactions;
mod receipts;
mod retention;
mod second_factor;
mod sessions;
mod settings;
mod strangers;
mod sync;
mod transport;
mod wire;
