//! The one shape of a refused or failed command.

use hugmedo_chat_core::error::{Error, ErrorCode};
use serde::Serialize;

/// What a rejected command answers. `message` is English, for logs, and holds no patient text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IpcError {
    code: ErrorCode,
    message: String,
    retryable: bool,
}

impl IpcError {
    /// The caller may not do this.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Error::new(ErrorCode::Forbidden, message).into()
    }
}

impl From<Error> for IpcError {
    fn from(error: Error) -> Self {
        Self { code: error.code(), message: error.to_string(), retryable: error.is_retryable() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_crosses_as_code_message_and_whether_to_try_again() {
        let error = IpcError::from(Error::new(ErrorCode::KeychainLocked, "the keychain is locked"));
        assert_eq!(
            serde_json::to_value(error).unwrap(),
            json!({ "code": "keychainLocked", "message": "the keychain is locked", "retryable": true })
        );
    }
}
