//! What handlers ask for: the caller behind a token, a JSON body, a query.

use std::sync::Arc;

use axum::{
    Json,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{StatusCode, header, request::Parts},
};
use hugmedo_chat_protocol::{ErrorCode, Refusal, RoomId, Secret};
use serde::de::DeserializeOwned;

use super::failure::ApiFailure;
use crate::{app::App, authorize::Principal, credential::TokenHash, failure::Failure, issuer};

/// The person behind the `Authorization: Bearer` header, as of now. A handler that only reads takes their word for it, and asks for
/// a room's membership where it reads the room; one that writes, or waits, asks for everything again in its own transaction.
pub(super) struct Caller {
    pub(super) who: Principal,
    pub(super) token: TokenHash,
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiFailure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiFailure> {
        let token = parts
            .headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| Secret::new(token.trim()))
            .ok_or_else(Failure::unauthorized)?;
        let (token, who) = issuer::principal(app, &token).await?;
        Ok(Self { who, token })
    }
}

/// A JSON body. What does not fit is refused without quoting it.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = ApiFailure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, ApiFailure> {
        match Json::<T>::from_request(request, app).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Refusal::new(ErrorCode::TooLarge, "the body is too large").into())
            }
            Err(_) => Err(Failure::bad_request("the body is not the JSON this route expects").into()),
        }
    }
}

/// The query of a URL.
pub(super) struct Params<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Params<T> {
    type Rejection = ApiFailure;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, ApiFailure> {
        Query::<T>::try_from_uri(&parts.uri)
            .map(|Query(params)| Self(params))
            .map_err(|_| Failure::bad_request("a parameter of the query is not valid").into())
    }
}

/// The room a path names.
pub(super) struct RoomPath(pub(super) RoomId);

impl FromRequestParts<Arc<App>> for RoomPath {
    type Rejection = ApiFailure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiFailure> {
        match Path::<String>::from_request_parts(parts, app).await {
            Ok(Path(room)) => Ok(Self(RoomId::new(room))),
            // No UTF-8, so no room of ours.
            Err(_) => Err(Failure::forbidden().into()),
        }
    }
}
