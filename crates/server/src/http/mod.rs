//! The HTTP side: `/api`, the probes, and the Socket.IO layer behind the same door.

mod admin;
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
mod table;
mod to_the_end;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::{ConnectInfo, DefaultBodyLimit, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
};
use hugmedo_chat_protocol::{ErrorCode, Refusal, limits::MAX_FRAME_BYTES};
use serde_json::{Value, json};
use socketioxide::layer::SocketIoLayer;

use crate::{app::App, failure::Failure as Wrong};
use failure::ApiFailure;
use table::Table;

/// The one table of routes. A caller's session is checked by the `Caller` argument of a handler, an administrator's by
/// `Administering`; those under `/api` that take neither are the two that make sessions, and the three that change a second
/// factor, which ask for the password instead. `tests/server/matrix` knows who may call each, and fails for one it does not
/// know.
fn table(largest_form: usize) -> Table {
    Table::default()
        .post("/api/login", session::log_in)
        .post("/api/token", session::refresh)
        .post("/api/logout", session::log_out)
        .get("/api/second-factor", second_factor::status)
        .post("/api/second-factor", second_factor::offer)
        .post("/api/second-factor/confirm", second_factor::confirm)
        .post("/api/second-factor/remove", second_factor::remove)
        .get("/api/devices", devices::list)
        .post("/api/devices/{device}/revoke", devices::revoke)
        .get("/api/me", session::me)
        .get("/api/people", rooms::people)
        .get("/api/rooms", rooms::list)
        .post("/api/rooms", rooms::begin)
        .get("/api/rooms/{room}/messages", rooms::history)
        .post("/api/rooms/{room}/messages", rooms::say)
        .post_up_to(largest_form, "/api/attachments", attachments::bring)
        .get("/api/attachments/{id}", attachments::fetch)
        .get("/api/attachments/{id}/thumbnail", attachments::thumbnail)
        .get("/api/sync", sync::sync)
        .post("/api/events/{event}", events::event)
        .get("/api/admin/users", admin::users)
        .post("/api/admin/users", admin::add_user)
        .post("/api/admin/users/{user}/password", admin::set_password)
        .post("/api/admin/users/{user}/reset-second-factor", admin::reset_second_factor)
        .post("/api/admin/users/{user}/disable", admin::disable_user)
        .post("/api/admin/users/{user}/admin", admin::set_admin)
        .post("/api/admin/users/{user}/on-call", admin::set_on_call)
        .get("/api/admin/users/{user}/devices", admin::devices)
        .post("/api/admin/users/{user}/devices/{device}/revoke", admin::revoke_device)
        .get("/api/admin/rooms", admin::rooms)
        .post("/api/admin/rooms", admin::add_room)
        .post("/api/admin/rooms/{room}/members", admin::set_member)
        .post("/api/admin/rooms/{room}/escalation", admin::set_escalation)
        .post("/api/admin/rooms/{room}/hold", admin::set_hold)
        .get("/api/admin/retention", admin::retention)
        .post("/api/admin/retention", admin::set_retention)
        .get("/api/admin/audit", admin::audit)
        .get("/healthz", healthz)
        .get("/readyz", readyz)
        .get("/metrics", metrics)
}

/// The routes there are.
pub(crate) fn routes() -> Vec<(Method, &'static str)> {
    table(0).listed()
}

pub(crate) fn router(app: Arc<App>, socket_io: SocketIoLayer) -> Router {
    let file = usize::try_from(app.config.max_attachment_bytes).unwrap_or(usize::MAX);
    table(file.saturating_add(attachments::FORM_BYTES))
        .router()
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn(to_the_end::to_the_end))
        .layer(DefaultBodyLimit::max(MAX_FRAME_BYTES))
        .layer(socket_io)
        .layer(middleware::from_fn_with_state(app.clone(), door::guard))
        .with_state(app)
}

async fn healthz() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

async fn readyz(State(app): State<Arc<App>>) -> Result<Json<Value>, ApiFailure> {
    let answers = app.store.read(|tx| tx.query_row("SELECT 1", (), |row| row.get::<i64>(0)));
    answers.await.map_err(Wrong::from)?;
    Ok(Json(json!({ "status": "ready" })))
}

/// For this machine alone, unless it is set up otherwise: a proxy that passes everything on passes this on as well.
async fn metrics(
    State(app): State<Arc<App>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Result<Response, ApiFailure> {
    let is_passed_on = ["forwarded", "x-forwarded-for", "via"].iter().any(|name| headers.contains_key(*name));
    if !app.config.metrics_for_all && (is_passed_on || !from.ip().is_loopback()) {
        return Err(not_found().await);
    }
    let page = crate::metrics::page(&app).await.map_err(Wrong::from)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page).into_response())
}

async fn not_found() -> ApiFailure {
    Refusal::new(ErrorCode::NotFound, "no such route").into()
}

async fn wrong_method() -> ApiFailure {
    ApiFailure::with_status(StatusCode::METHOD_NOT_ALLOWED, Refusal::new(ErrorCode::BadRequest, "no such method here"))
}
