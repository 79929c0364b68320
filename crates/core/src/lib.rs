//! The headless client of HugMeDo Chat.

pub mod error;
pub mod host;
pub mod view;
