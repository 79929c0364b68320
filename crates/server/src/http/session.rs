//! `/api/login`, `/api/token`, `/api/logout`, `/api/me`.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::StatusCode,
};
use hugmedo_chat_protocol::{LoginRequest, Refusal, SessionGrant, TokenRequest, User};

use super::{
    extract::{Body, Caller},
    failure::ApiFailure,
};
use crate::{app::App, limits::Kind, sign_in};

pub(super) async fn log_in(
    State(app): State<Arc<App>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Body(request): Body<LoginRequest>,
) -> Result<Json<SessionGrant>, ApiFailure> {
    let granted = sign_in::log_in(&app, from.ip(), request).await.map_err(Refusal::from);
    app.metrics.signed_in(granted.as_ref().err().map(|refusal| refusal.code));
    Ok(Json(granted?))
}

pub(super) async fn refresh(
    State(app): State<Arc<App>>,
    Body(request): Body<TokenRequest>,
) -> Result<Json<SessionGrant>, ApiFailure> {
    Ok(Json(sign_in::refresh(&app, request).await?))
}

pub(super) async fn log_out(State(app): State<Arc<App>>, caller: Caller) -> Result<StatusCode, ApiFailure> {
    sign_in::log_out(&app, &caller.who).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn me(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<User>, ApiFailure> {
    app.throttle.check(Kind::Read, caller.who.id())?;
    Ok(Json(caller.who.user().clone()))
}
