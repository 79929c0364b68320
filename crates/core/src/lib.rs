//! The headless client of HugMeDo Chat.
//!
//! Everything a clinician's app does that is not a window: signing in, staying connected, sending, syncing, counting what is
//! unread, deciding what notifies. The desktop shell, the tests and a small command line drive the same [`Core`].
//!
//! The promise: a message the server has acknowledged is never lost and is shown exactly once, in one order; one it has not
//! acknowledged stays in sight and goes out by itself. The socket is only a hint; the store and the sync over HTTP keep it.
//!
//! Where things are: [`core`](Core) is the door; `opening` signs in and resumes; `supervisor` keeps the link; `intake`
//! takes in what the server says; `sync` fetches what the socket did not bring; `writing` takes on what is to be sent and
//! `courier` brings it there; `reading` opens rooms, from `timeline` and `places`; `search` finds what was said;
//! `conversation` does the rest one does with messages and rooms; `notify` decides on notifications; `attachments` brings
//! files there and back; `lock` closes the account without ending its session; `second_factor` sets one up on the server; `store` holds it all; `transport` is the
//! only part that knows a network.

mod account;
mod address;
mod alerts;
mod api;
mod ask;
mod attachments;
mod authorised;
mod backfill;
mod backoff;
mod carried;
mod conversation;
mod core;
mod courier;
mod deep_link;
mod devices;
mod diagnostics;
pub mod error;
mod export;
pub mod host;
mod hub;
mod identity;
mod inspection;
mod intake;
mod link;
mod lock;
mod naming;
mod notify;
mod opening;
mod places;
pub mod policy;
mod preferences;
mod presence;
mod profile;
mod reading;
mod remains;
mod search;
mod second_factor;
mod store;
mod supervisor;
mod surroundings;
mod sync;
mod telling;
mod timeline;
mod tokens;
pub mod transport;
mod typing;
mod unfinished;
mod vault;
pub mod view;
mod writing;

pub use address::ServerAddress;
pub use core::{Config, Core};
pub use deep_link::{DEEP_LINK_SCHEME, DeepLink};
pub use error::{Error, ErrorCode};
pub use hub::Changes;
pub use link::check_link;
pub use surroundings::Surroundings;
