//! What crosses between the webview and the commands: arguments, errors in one shape, and the stream of changes.

mod argument;
mod error;
mod stream;

pub(crate) use argument::Argument;
pub(crate) use error::IpcError;
pub(crate) use stream::Stream;
