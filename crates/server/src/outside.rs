//! Noticing what another process did to the store: the command line administers a running server this way.
//!
//! Nothing depends on it for safety: every event and route reads sessions and memberships afresh, and new messages go to
//! the members of their own transaction. This only closes sockets sooner and tells people of their new rooms.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use hugmedo_chat_protocol::{ErrorCode, RoomChanged, RoomId, ServerEvent, SessionEndReason, UserId};
use socketioxide::extract::SocketRef;

use crate::{
    app::App,
    authorize,
    failure::Failure,
    fanout, presence,
    store::{StoreError, changes, rooms},
};

/// How often buckets and meters of people who left are forgotten.
const TIDY_EVERY: Duration = Duration::from_secs(60);

/// Looks until the server stops.
pub(crate) async fn watch(app: Arc<App>) {
    let mut version = app.store.outside_version().await.unwrap_or_default();
    let mut position = head(&app).await.unwrap_or_default();
    let mut tidied = Instant::now();
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(app.config.notice_every) => {}
        }
        if tidied.elapsed() >= TIDY_EVERY {
            tidied = Instant::now();
            app.throttle.tidy();
            app.accounts.tidy();
            app.addresses.tidy();
            app.codes.tidy();
        }
        if app.nodes.is_some() {
            // See `crate::nodes`.
            continue;
        }
        let Ok(now) = app.store.outside_version().await else { continue };
        if now != version {
            if let Err(error) = catch_up(&app, position).await {
                tracing::warn!(%error, "what another process changed cannot be told, and is tried again");
                continue;
            }
            version = now;
        }
        if let Ok(now) = head(&app).await {
            position = now;
        }
    }
}

async fn head(app: &App) -> Result<i64, StoreError> {
    app.store.read(changes::head).await
}

async fn catch_up(app: &App, position: i64) -> Result<(), Failure> {
    let affected: Vec<(RoomId, UserId)> = app.store.read(move |tx| changes::memberships_after(tx, position)).await?;
    let people: BTreeSet<UserId> = affected.iter().map(|(_, user)| user.clone()).collect();
    for (room, user) in affected {
        let _turn = app.turns.take(&room).await;
        let (room_id, user_id) = (room.clone(), user.clone());
        match app.store.read(move |tx| rooms::as_seen_by(tx, &room_id, &user_id)).await? {
            Some(room) => app.fanout.to_user(&user, &ServerEvent::RoomChanged(RoomChanged { room })),
            None => app.fanout.expel(&room, &user),
        }
    }
    app.fanout.wake();
    end_dead(app, app.fanout.all_sockets()).await;
    presence::acquaint(app, people).await;
    Ok(())
}

/// Closes those of these sockets whose session is over.
pub(crate) async fn end_dead(app: &App, sockets: Vec<SocketRef>) {
    for socket in sockets {
        let Some(link) = fanout::link(&socket) else { continue };
        let token = link.token();
        match app.store.read(move |tx| authorize::principal(tx, &token)).await {
            Err(Failure::Refused(refusal)) if refusal.code == ErrorCode::Unauthorized => {
                fanout::end(socket, SessionEndReason::Revoked);
            }
            // It may be over, and must hear nothing more then. Whose is not comes back.
            Err(Failure::Store(_)) => fanout::hang_up(socket),
            Ok(_) | Err(Failure::Refused(_)) => {}
        }
    }
}
