//! Errors of the HTTP side: `{ code, message, retryAfterMs?, erase? }` with the matching status.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hugmedo_chat_protocol::{ApiError, ErrorCode, Refusal};

use crate::{failure::Failure, sign_in::NotRenewed};

/// An error answer.
#[derive(Debug)]
pub(super) struct ApiFailure {
    status: StatusCode,
    refusal: Refusal,
    erase: bool,
}

impl ApiFailure {
    pub(super) fn with_status(status: StatusCode, refusal: Refusal) -> Self {
        Self { status, refusal, erase: false }
    }
}

impl From<Refusal> for ApiFailure {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.code {
            ErrorCode::BadRequest => StatusCode::BAD_REQUEST,
            ErrorCode::Unauthorized
            | ErrorCode::TokenExpired
            | ErrorCode::OtpRequired
            | ErrorCode::OtpSetupRequired => StatusCode::UNAUTHORIZED,
            ErrorCode::Forbidden => StatusCode::FORBIDDEN,
            ErrorCode::NotFound => StatusCode::NOT_FOUND,
            ErrorCode::Conflict => StatusCode::CONFLICT,
            ErrorCode::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::UnsupportedType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ErrorCode::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::CursorExpired => StatusCode::GONE,
            ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::Internal | ErrorCode::Unknown => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::with_status(status, refusal)
    }
}

impl From<Failure> for ApiFailure {
    fn from(failure: Failure) -> Self {
        Refusal::from(failure).into()
    }
}

impl From<NotRenewed> for ApiFailure {
    fn from(refused: NotRenewed) -> Self {
        match refused {
            NotRenewed::Erase => Self { erase: true, ..Failure::unauthorized().into() },
            NotRenewed::Failed(failure) => failure.into(),
        }
    }
}

impl IntoResponse for ApiFailure {
    fn into_response(self) -> Response {
        let Refusal { code, message, retry_after_ms } = self.refusal;
        let mut response =
            (self.status, Json(ApiError { code, message, retry_after_ms, erase: self.erase })).into_response();
        let headers = response.headers_mut();
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.div_ceil(1000)));
        }
        response
    }
}
