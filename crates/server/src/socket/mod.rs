//! The Socket.IO side: who may connect, one queue per socket, and what each event does.

mod connect;
mod events;
mod link;
mod queue;

pub(crate) use connect::serve;
pub(crate) use events::{bucket, names};
pub(crate) use link::Link;
