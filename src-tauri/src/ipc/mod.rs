//! What crosses to the webview besides command results: errors in one shape, and the stream of changes.

mod error;
mod stream;

pub(crate) use error::IpcError;
pub(crate) use stream::Stream;
