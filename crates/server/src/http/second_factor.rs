//! `/api/second-factor`: how it stands, and setting it up, exchanging and removing it.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json,
    extract::{ConnectInfo, State},
    http::StatusCode,
};
use hugmedo_chat_protocol::{RecoveryCodes, SecondFactorOffer, SecondFactorRequest, SecondFactorStatus};

use super::{
    extract::{Body, Caller},
    failure::ApiFailure,
};
use crate::{app::App, limits::Kind, second_factor};

pub(super) async fn status(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<SecondFactorStatus>, ApiFailure> {
    app.throttle.check(Kind::Read, caller.who.id())?;
    Ok(Json(second_factor::status(&app, &caller.who).await?))
}

pub(super) async fn offer(
    State(app): State<Arc<App>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Body(request): Body<SecondFactorRequest>,
) -> Result<Json<SecondFactorOffer>, ApiFailure> {
    Ok(Json(second_factor::offer(&app, from.ip(), request).await?))
}

pub(super) async fn confirm(
    State(app): State<Arc<App>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Body(request): Body<SecondFactorRequest>,
) -> Result<Json<RecoveryCodes>, ApiFailure> {
    Ok(Json(second_factor::confirm(&app, from.ip(), request).await?))
}

pub(super) async fn remove(
    State(app): State<Arc<App>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Body(request): Body<SecondFactorRequest>,
) -> Result<StatusCode, ApiFailure> {
    second_factor::remove(&app, from.ip(), request).await?;
    Ok(StatusCode::NO_CONTENT)
}
