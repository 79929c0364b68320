//! What every request passes: where it comes from and how often, the check of `Origin`, and the headers every answer carries.
//!
//! Browsers send `Origin` with sockets and cross-site requests, and cannot be kept from it by the page; native clients and
//! Node send none. So a request without `Origin` is judged by its token alone, and one with `Origin` must also be on the
//! list. The token is never in a cookie, so there is nothing a foreign page could make a browser attach.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use hugmedo_chat_protocol::{ErrorCode, Refusal};

use super::{failure::ApiFailure, pace::paced};
use crate::{
    app::App,
    serve::{self, Encrypted},
};

pub(super) async fn guard(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let (from, encrypted) = arrival(&app, &mut request);
    let request = request.map(|body| paced(body, &app.config.patience));
    let origin = request.headers().get(header::ORIGIN).cloned();
    let allowed = origin.as_ref().is_none_or(|origin| is_allowed(&app, origin));
    let in_time = from.map_or(Ok(()), |from| app.throttle.request(from));
    let mut response = if let Err(refusal) = in_time {
        ApiFailure::from(refusal).into_response()
    } else if !allowed {
        let refusal = Refusal::new(ErrorCode::Forbidden, "this origin is not on the server's list");
        ApiFailure::from(refusal).into_response()
    } else if origin.is_some() && request.method() == Method::OPTIONS {
        StatusCode::NO_CONTENT.into_response()
    } else {
        next.run(request).await
    };
    if let Some(origin) = origin.filter(|_| allowed) {
        share(response.headers_mut(), origin);
    }
    protect(response.headers_mut());
    if encrypted {
        response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

/// Where a request comes from, a trusted proxy looked through, and whether it came encrypted. What follows reads the address
/// from the request as it leaves here.
fn arrival(app: &App, request: &mut Request) -> (Option<IpAddr>, bool) {
    let encrypted = request.extensions().get::<Encrypted>().is_some();
    let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() else {
        return (None, encrypted);
    };
    let (from, to_proxy) = serve::client_address(&app.config.trusted_proxies, peer, request.headers());
    request.extensions_mut().insert(ConnectInfo(SocketAddr::new(from, peer.port())));
    (Some(from), encrypted || to_proxy)
}

fn is_allowed(app: &App, origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    app.config.allowed_origins.iter().any(|allowed| allowed == origin) || (app.config.demo && is_loopback(origin))
}

fn is_loopback(origin: &str) -> bool {
    let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    let Some(host) = host else { return false };
    let is_port =
        |port: &str| port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| host.strip_prefix(name).is_some_and(is_port))
}

/// Lets a page of an allowed origin read the answer.
fn share(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("authorization, content-type"));
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
}

fn protect(headers: &mut HeaderMap) {
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
