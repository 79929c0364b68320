//! What a call has begun is done to its end, whoever hangs up meanwhile: what is stored is also told, and who is to be put out is.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use hugmedo_chat_protocol::{ErrorCode, Refusal};

use super::failure::ApiFailure;

pub(super) async fn to_the_end(request: Request, next: Next) -> Response {
    // Reading changes nothing, and waiting for news is over with whoever waits.
    if request.method().is_safe() {
        return next.run(request).await;
    }
    // On a task of its own: this one is gone with its connection.
    let answer = tokio::spawn(next.run(request)).await;
    answer.unwrap_or_else(|_| ApiFailure::from(Refusal::new(ErrorCode::Internal, "the server failed")).into_response())
}
