//! `/api/attachments`: bringing files, and fetching them.
//!
//! Invariant: a file leaves as something to save, never to show or run, and only after the audit knows who fetched it.

use std::{path::PathBuf, sync::Arc};

use axum::{
    Json,
    body::Body,
    extract::{FromRequest, Multipart, Path, Request, State},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use hugmedo_chat_protocol::{Attachment, AttachmentId, ErrorCode, Refusal};
use tower_http::services::ServeFile;

use super::{extract::Caller, failure::ApiFailure};
use crate::{
    app::App,
    attachments::Received,
    audit::{self, Deed},
    authorize,
    credential::TokenHash,
    failure::Failure,
    limits::{Kind, rate_limited},
    naming,
    store::attachments,
};

/// What a form has around its file, in bytes.
pub(super) const FORM_BYTES: usize = 64 * 1024;
/// So many of the largest files a person may have waiting to be sent.
const WAITING_FILES: u64 = 20;
/// How long whoever has too many is told to wait: until some are sent or forgotten.
const UNTIL_FEWER: std::time::Duration = std::time::Duration::from_secs(60 * 60);

pub(super) async fn bring(
    State(app): State<Arc<App>>,
    caller: Caller,
    request: Request,
) -> Result<Json<Attachment>, ApiFailure> {
    app.throttle.check(Kind::Upload, caller.who.id())?;
    let Caller { who, token } = caller;
    // Before a byte of the file is taken.
    let allowed: Result<_, Failure> = app.store.read(move |tx| authorize::uploader(tx, &who)).await;
    allowed?;
    let max = app.config.max_attachment_bytes;
    let claimed = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if claimed.is_some_and(|claimed: u64| claimed > max.saturating_add(FORM_BYTES as u64)) {
        return Err(Refusal::new(ErrorCode::TooLarge, "the file is too large").into());
    }
    let misfit = || Failure::bad_request("the body is not the form this route expects");
    let mut form = Multipart::from_request(request, &app).await.map_err(|_| misfit())?;
    let received = loop {
        let field = form.next_field().await.map_err(|_| misfit())?.ok_or_else(misfit)?;
        if field.name() == Some("file") {
            break app.attachments.receive(field, max).await?;
        }
    };
    // On a task of its own: once the row is made the file must be kept, whether or not the caller still listens.
    let kept = tokio::spawn(async move { keep(&app, token, received).await }).await;
    Ok(Json(kept.map_err(|_| Refusal::new(ErrorCode::Internal, "the server failed"))??))
}

async fn keep(app: &App, token: TokenHash, received: Received) -> Result<Attachment, Failure> {
    let attachment = received.attachment.clone();
    let most = app.config.max_attachment_bytes.saturating_mul(WAITING_FILES);
    app.store
        .write(move |tx| {
            let who = authorize::principal(tx, &token)?;
            authorize::uploader(tx, &who)?;
            if attachments::waiting_bytes(tx, who.id())?.saturating_add(attachment.size) > most {
                return Err(rate_limited(UNTIL_FEWER).into());
            }
            attachments::insert(tx, who.id(), &attachment)?;
            Ok::<_, Failure>(audit::append(tx, Some(who.id()), Deed::Upload, None, Some(attachment.id.as_str()), None)?)
        })
        .await?;
    Ok(received.keep())
}

pub(super) async fn fetch(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiFailure> {
    let attachment = allowed(&app, caller, id, Deed::Download).await?;
    let path = app.attachments.path(&attachment.id);
    serve(path, &attachment.media_type, attachment.name.as_str(), request).await
}

pub(super) async fn thumbnail(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, ApiFailure> {
    let attachment = allowed(&app, caller, id, Deed::Preview).await?;
    let path = app.attachments.small_path(&attachment.id);
    let none = || Refusal::new(ErrorCode::NotFound, "there is no small copy of this file");
    let head = tokio::fs::read(&path).await.map_err(|_| none())?;
    let is_jpeg = head.starts_with(&[0xff, 0xd8]);
    let (media_type, name) = if is_jpeg { ("image/jpeg", "thumbnail.jpg") } else { ("image/png", "thumbnail.png") };
    serve(path, media_type, name, request).await
}

/// Lets a person have a file and writes it down.
async fn allowed(app: &App, caller: Caller, id: String, deed: Deed) -> Result<Attachment, ApiFailure> {
    app.throttle.check(Kind::Read, caller.who.id())?;
    let attachment: Result<_, Failure> = app
        .store
        .write(move |tx| {
            let who = authorize::principal(tx, &caller.token)?;
            let found = authorize::attachment(tx, &who, &AttachmentId::new(id))?;
            audit::append(tx, Some(who.id()), deed, None, Some(found.id.as_str()), None)?;
            Ok(found)
        })
        .await;
    Ok(attachment?)
}

/// The bytes, or the asked stretch of them.
async fn serve(path: PathBuf, media_type: &str, name: &str, request: Request) -> Result<Response, ApiFailure> {
    let failed = || Refusal::new(ErrorCode::Internal, "the server failed");
    let media_type: mime::Mime = media_type.parse().map_err(|_| failed())?;
    let served = ServeFile::new_with_mime(path, &media_type).try_call(request).await;
    let mut response = served.map_err(|_| failed())?.map(Body::new).into_response();
    let disposition = HeaderValue::from_str(&naming::disposition(name)).map_err(|_| failed())?;
    response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
    Ok(response)
}
