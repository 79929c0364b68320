//! Decoding what the page sends.

use hugmedo_chat_core::error::{Error, ErrorCode};
use serde::de::DeserializeOwned;
use tauri::{
    Runtime,
    ipc::{CommandArg, CommandItem, InvokeError},
};

use super::IpcError;

/// An argument of a command.
///
/// Tauri's own decoding answers a malformed argument with a text that quotes it, and an argument may be a password or
/// what a person wrote. This answers like any other failure, and names the argument only.
pub(crate) struct Argument<T>(pub(crate) T);

impl<'de, R: Runtime, T: DeserializeOwned> CommandArg<'de, R> for Argument<T> {
    fn from_command(command: CommandItem<'de, R>) -> Result<Self, InvokeError> {
        let (name, key) = (command.name, command.key);
        T::deserialize(command).map(Self).map_err(|_| {
            let context = format!("argument `{key}` of `{name}` is malformed");
            InvokeError::from(IpcError::from(Error::new(ErrorCode::Internal, context)))
        })
    }
}
