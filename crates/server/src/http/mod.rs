//! The HTTP side: `/api`, the probes, and the Socket.IO layer behind the same door.

mod attachments;
mod devices;
mod door;
mod events;
mod extract;
mod failure;
mod pace;
mod rooms;
mod second_factor;
mod session;
mod sync;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
    middleware,
    routing::{get, post},
};
use hugmedo_chat_protocol::{ErrorCode, Refusal, limits::MAX_FRAME_BYTES};
use serde_json::{Value, json};
use socketioxide::layer::SocketIoLayer;

use crate::{app::App, failure::Failure as Wrong, store::StoreError};
use failure::ApiFailure;

/// The one table of routes. A caller's session is checked by the `Caller` argument of a handler; those that take none
/// are the two that make sessions, and the three that change a second factor, which ask for the password instead.
pub(crate) fn router(app: Arc<App>, socket_io: SocketIoLayer) -> Router {
    let file = usize::try_from(app.config.max_attachment_bytes).unwrap_or(usize::MAX);
    let form = file.saturating_add(attachments::FORM_BYTES);
    Router::new()
        .route("/api/login", post(session::log_in))
        .route("/api/token", post(session::refresh))
        .route("/api/logout", post(session::log_out))
        .route("/api/second-factor", get(second_factor::status).post(second_factor::offer))
        .route("/api/second-factor/confirm", post(second_factor::confirm))
        .route("/api/second-factor/remove", post(second_factor::remove))
        .route("/api/me", get(session::me))
        .route("/api/devices", get(devices::list))
        .route("/api/devices/{device}/revoke", post(devices::revoke))
        .route("/api/people", get(rooms::people))
        .route("/api/rooms", get(rooms::list).post(rooms::begin))
        .route("/api/rooms/{room}/messages", get(rooms::history).post(rooms::say))
        .route("/api/attachments", post(attachments::bring).layer(DefaultBodyLimit::max(form)))
        .route("/api/attachments/{id}", get(attachments::fetch))
        .route("/api/attachments/{id}/thumbnail", get(attachments::thumbnail))
        .route("/api/sync", get(sync::sync))
        .route("/api/events/{event}", post(events::event))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(MAX_FRAME_BYTES))
        .layer(socket_io)
        .layer(middleware::from_fn_with_state(app.clone(), door::guard))
        .with_state(app)
}

async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

async fn readyz(State(app): State<Arc<App>>) -> Result<Json<Value>, ApiFailure> {
    let answers = app.store.read(|tx| Ok::<_, StoreError>(tx.query_row("SELECT 1", (), |row| row.get::<_, i64>(0))?));
    answers.await.map_err(Wrong::from)?;
    Ok(Json(json!({ "status": "ready" })))
}

async fn not_found() -> ApiFailure {
    Refusal::new(ErrorCode::NotFound, "no such route").into()
}

async fn wrong_method() -> ApiFailure {
    ApiFailure::with_status(StatusCode::METHOD_NOT_ALLOWED, Refusal::new(ErrorCode::BadRequest, "no such method here"))
}
