//! The sample hospital: people, rooms and talk for an empty store, and people who live in the server.

mod people;
mod script;
mod seed;

pub(crate) use people::live;
pub(crate) use seed::fill;
