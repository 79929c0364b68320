//! `GET /api/sync`: the pull that makes the promise.
//!
//! Invariants: a page and its cursor are one snapshot; a cursor is good for one person on one store; without a cursor the
//! answer is only where the order stands, and the caller fetches a snapshot by `/api/rooms` *after* it, so nothing can
//! fall between.

use std::{sync::Arc, time::Duration};

use axum::{Json, extract::State};
use hugmedo_chat_protocol::{
    ErrorCode, ServerEvent, SyncPage, UserId,
    limits::{MAX_PAGE, MAX_SYNC_WAIT},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::{
    extract::{Caller, Params},
    failure::ApiFailure,
};
use crate::{app::App, authorize, chat, credential::TokenHash, failure::Failure, limits::Kind, store::changes};

#[derive(Debug, Deserialize)]
pub(super) struct Query {
    cursor: Option<String>,
    limit: Option<usize>,
    /// Seconds.
    wait: Option<u64>,
}

pub(super) async fn sync(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(query): Params<Query>,
) -> Result<Json<SyncPage>, ApiFailure> {
    app.throttle.check(Kind::Read, caller.who.id())?;
    let limit = query.limit.unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE);
    let deadline = Instant::now() + Duration::from_secs(query.wait.unwrap_or(0)).min(MAX_SYNC_WAIT);
    // Before the first look, so that nothing can come between looking and waiting.
    let mut moved = app.fanout.watch();
    loop {
        moved.mark_unchanged();
        let page = page(&app, caller.token, query.cursor.clone(), limit).await?;
        let is_waiting = page.changes.is_empty() && query.cursor.is_some();
        if !is_waiting || Instant::now() >= deadline {
            let messages = page.changes.iter().filter_map(|change| match change {
                ServerEvent::NewMessage(message) => Some((&message.room_id, message.seq)),
                ServerEvent::MessageChanged(change) => Some((&change.room_id, Some(change.seq))),
                _ => None,
            });
            chat::note_fetch(&app, caller.who.id().clone(), messages).await?;
            return Ok(Json(page));
        }
        tokio::select! {
            _ = moved.changed() => {}
            () = tokio::time::sleep_until(deadline) => {}
            () = app.stop.cancelled() => return Ok(Json(page)),
        }
    }
}

async fn page(app: &App, token: TokenHash, cursor: Option<String>, limit: usize) -> Result<SyncPage, Failure> {
    let store_id = app.store.id().to_owned();
    app.store
        .read(move |tx| {
            // Again on every look: a long poll must not outlive its session.
            let who = authorize::principal(tx, &token)?;
            let head = changes::head(tx)?;
            let Some(cursor) = cursor else {
                return Ok(SyncPage { changes: Vec::new(), cursor: write(&store_id, who.id(), head), has_more: false });
            };
            let position = read(&store_id, who.id(), &cursor)
                .filter(|position| (changes::floor(tx).unwrap_or(i64::MAX)..=head).contains(position))
                .ok_or_else(|| Failure::refused(ErrorCode::CursorExpired, "fetch a snapshot and start anew"))?;
            let stretch = changes::after(tx, &who, position, limit)?;
            Ok(SyncPage {
                changes: stretch.events,
                cursor: write(&store_id, who.id(), stretch.position),
                has_more: stretch.has_more,
            })
        })
        .await
}

/// `TAG.POSITION`, where the tag says whose cursor it is, and of which store.
fn write(store_id: &str, user: &UserId, position: i64) -> String {
    format!("{}.{position}", tag(store_id, user))
}

fn read(store_id: &str, user: &UserId, cursor: &str) -> Option<i64> {
    let (tag_read, position) = cursor.split_once('.')?;
    let position = position.parse().ok()?;
    (tag_read == tag(store_id, user)).then_some(position)
}

fn tag(store_id: &str, user: &UserId) -> String {
    let hash = Sha256::digest(format!("{store_id}\n{user}").as_bytes());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
