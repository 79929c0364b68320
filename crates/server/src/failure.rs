//! Why a wish was not granted, inside the server: a refusal in the words of the wire contract, or the store's failure.
//!
//! Invariant: a client never sees the store's own words; it sees `unavailable` or `internal`, and the log has the rest.

use hugmedo_chat_protocol::{ErrorCode, Refusal};

use crate::store::StoreError;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("refused: {}", .0.code)]
    Refused(Refusal),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Failure {
    pub(crate) fn refused(code: ErrorCode, message: &'static str) -> Self {
        Self::Refused(Refusal::new(code, message))
    }

    /// Absent and forbidden look alike, so that nobody can find out which rooms and messages exist.
    pub(crate) fn forbidden() -> Self {
        Self::refused(ErrorCode::Forbidden, "not yours, or not there")
    }

    pub(crate) fn unauthorized() -> Self {
        Self::refused(ErrorCode::Unauthorized, "no valid session")
    }

    pub(crate) fn bad_request(message: &'static str) -> Self {
        Self::refused(ErrorCode::BadRequest, message)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => refusal,
            Failure::Store(error) if error.is_transient() => {
                tracing::warn!(%error, "the store cannot answer just now");
                Refusal::new(ErrorCode::Unavailable, "try again later")
            }
            Failure::Store(error) => {
                tracing::error!(%error, "the store failed");
                Refusal::new(ErrorCode::Internal, "the server failed")
            }
        }
    }
}
