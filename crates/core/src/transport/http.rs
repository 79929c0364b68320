//! HTTP calls by reqwest.

use std::{
    error::Error as _,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, future::BoxFuture};
use hugmedo_chat_protocol::{ApiError, limits::MAX_FRAME_BYTES};
use reqwest::{Certificate, Client, Proxy, Response, StatusCode, header, redirect};
use serde_json::Value;

use super::{Body, Download, Http, HttpCall, HttpFailure, PresentSettings, Upload, form, trust};
use crate::{address::ServerAddress, error::ErrorCode, view::ConnectionSettings};

/// The longest the connection itself may take; a dead address is then known well before a call's own limit.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Largest answer that is read: a full page of the longest messages fits.
const MAX_ANSWER_BYTES: usize = 64 * MAX_FRAME_BYTES;
/// Largest text that is read.
const MAX_TEXT_BYTES: usize = 16 * 1024;

/// HTTP calls to one server.
pub struct HttpClient {
    address: ServerAddress,
    settings: PresentSettings,
    /// Made for the settings beside it, and kept for its open connections.
    client: Mutex<Option<(ConnectionSettings, Client)>>,
}

impl HttpClient {
    /// A client for this server.
    pub fn new(address: &ServerAddress, settings: PresentSettings) -> Self {
        Self { address: address.clone(), settings, client: Mutex::new(None) }
    }

    /// A client for the settings as they now are.
    fn client(&self) -> Result<Client, ErrorCode> {
        let settings = (self.settings)();
        let mut made = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        match &*made {
            Some((for_settings, client)) if *for_settings == settings => Ok(client.clone()),
            _ => {
                let client = build(&settings)?;
                *made = Some((settings, client.clone()));
                Ok(client)
            }
        }
    }

    async fn send(&self, call: HttpCall) -> Result<Value, HttpFailure> {
        let url = self.address.join(&call.path);
        let client = self.client().map_err(HttpFailure::Failed)?;
        let mut request = if call.post || call.body.is_some() { client.post(url) } else { client.get(url) };
        request = request.timeout(call.timeout);
        if let Some(token) = &call.token {
            request = request.bearer_auth(token.expose());
        }
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        answer(request.send().await.map_err(|error| classify(&error))?).await
    }

    async fn fetch_text(&self, url: String, timeout: Duration) -> Result<String, HttpFailure> {
        let client = self.client().map_err(HttpFailure::Failed)?;
        let mut response = client.get(url).timeout(timeout).send().await.map_err(|error| classify(&error))?;
        let mut text = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
            if text.len() + chunk.len() > MAX_TEXT_BYTES {
                return Err(HttpFailure::Foreign);
            }
            text.extend_from_slice(&chunk);
        }
        String::from_utf8(text).map_err(|_| HttpFailure::Foreign)
    }

    async fn send_file(&self, upload: Upload) -> Result<Value, HttpFailure> {
        let client = self.client().map_err(HttpFailure::Failed)?;
        let form = form::of(upload.name.as_str(), upload.size, upload.bytes);
        let request = client
            .post(self.address.join(&upload.path))
            .bearer_auth(upload.token.expose())
            .header(header::CONTENT_TYPE, form.content_type)
            .header(header::CONTENT_LENGTH, form.length)
            .body(reqwest::Body::wrap_stream(form.body));
        answer(request.send().await.map_err(|error| classify(&error))?).await
    }

    async fn fetch(&self, download: Download) -> Result<Body, HttpFailure> {
        let client = self.client().map_err(HttpFailure::Failed)?;
        let mut request = client.get(self.address.join(&download.path)).bearer_auth(download.token.expose());
        if download.start > 0 {
            request = request.header(header::RANGE, format!("bytes={}-", download.start));
        }
        let response = request.send().await.map_err(|error| classify(&error))?;
        let start = match response.status() {
            StatusCode::PARTIAL_CONTENT => download.start,
            StatusCode::OK => 0,
            status if status.is_success() => return Err(HttpFailure::Foreign),
            _ => return Err(answer(response).await.err().unwrap_or(HttpFailure::Foreign)),
        };
        let bytes = response.bytes_stream().map(|chunk| match chunk {
            Ok(chunk) => Ok(chunk.to_vec()),
            // Whatever cut it off, the rest can be asked for.
            Err(_) => Err(HttpFailure::Failed(ErrorCode::Unreachable)),
        });
        Ok(Body { start, bytes: bytes.boxed() })
    }
}

/// Reads an answer to its end.
async fn answer(mut response: Response) -> Result<Value, HttpFailure> {
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| classify(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(HttpFailure::Foreign);
        }
        body.extend_from_slice(&chunk);
    }
    if status == StatusCode::NO_CONTENT {
        return Ok(Value::Null);
    }
    if status.is_success() {
        return serde_json::from_slice(&body).map_err(|_| HttpFailure::Foreign);
    }
    match serde_json::from_slice::<ApiError>(&body) {
        Ok(error) => Err(HttpFailure::Refused(error)),
        // A gateway before the server speaks no JSON of ours, but these say plainly what is the matter.
        Err(_) if status.is_server_error() => Err(HttpFailure::Failed(ErrorCode::ServerUnavailable)),
        Err(_) if status == StatusCode::TOO_MANY_REQUESTS => Err(HttpFailure::Failed(ErrorCode::RateLimited)),
        Err(_) if status == StatusCode::PAYLOAD_TOO_LARGE => Err(HttpFailure::Failed(ErrorCode::FileTooLarge)),
        Err(_) => Err(HttpFailure::Foreign),
    }
}

/// Redirects are not followed: they could carry a token elsewhere.
fn build(settings: &ConnectionSettings) -> Result<Client, ErrorCode> {
    let mut builder = Client::builder().connect_timeout(CONNECT_TIMEOUT).redirect(redirect::Policy::none());
    if let Some(proxy) = trust::proxy(settings)? {
        builder = builder.proxy(Proxy::all(proxy).map_err(|_| ErrorCode::InvalidProxy)?);
    }
    if let Some(pem) = trust::ca_certificate(settings)? {
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).map_err(|_| ErrorCode::InvalidCaFile)?);
    }
    builder.build().map_err(|_| ErrorCode::Internal)
}

impl Http for HttpClient {
    fn call(&self, call: HttpCall) -> BoxFuture<'_, Result<Value, HttpFailure>> {
        Box::pin(self.send(call))
    }

    fn text(&self, path: &str, timeout: Duration) -> BoxFuture<'_, Result<String, HttpFailure>> {
        Box::pin(self.fetch_text(self.address.join(path), timeout))
    }

    fn upload(&self, upload: Upload) -> BoxFuture<'_, Result<Value, HttpFailure>> {
        Box::pin(self.send_file(upload))
    }

    fn download(&self, download: Download) -> BoxFuture<'_, Result<Body, HttpFailure>> {
        Box::pin(self.fetch(download))
    }
}

fn classify(error: &reqwest::Error) -> HttpFailure {
    if error.is_timeout() {
        return HttpFailure::Failed(ErrorCode::Timeout);
    }
    let mut cause = error.source();
    while let Some(inner) = cause {
        // native-tls says no more than its text across the three systems.
        let text = inner.to_string().to_ascii_lowercase();
        if text.contains("certificate") || text.contains("self-signed") || text.contains("self signed") {
            return HttpFailure::Failed(ErrorCode::UntrustedCertificate);
        }
        if text.contains("ssl") || text.contains("tls") || text.contains("wrong version number") {
            return HttpFailure::Foreign;
        }
        cause = inner.source();
    }
    if error.is_decode() || error.is_body() {
        HttpFailure::Foreign
    } else {
        HttpFailure::Failed(ErrorCode::Unreachable)
    }
}
