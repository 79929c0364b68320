//! Removing what is past its time.
//!
//! Invariants: a message goes as if it had been taken back, with a position of its own in the room's log, so that every client
//! learns of it, live or later, by what it understands already; what is held stays; the audit has each.

use std::{sync::Arc, time::Duration};

use hugmedo_chat_protocol::{MessageChanged, MessageId, RoomId, UserId};

use super::{News, Settled};
use crate::{
    app::App,
    attachments,
    audit::{self, Deed},
    authorize,
    failure::Failure,
    store::{messages, now, retention, rooms},
};

/// Messages removed in one transaction. Clients are told of each: a room's members must be able to follow.
const AT_ONCE: usize = 50;
/// Between two transactions.
const PAUSE: Duration = Duration::from_millis(500);

/// Looks until the server stops.
pub(crate) async fn watch(app: Arc<App>) {
    loop {
        let pause = match remove_due(&app).await {
            Ok(true) => PAUSE,
            Ok(false) => app.config.retention_every,
            Err(error) => {
                tracing::warn!(%error, "what is past its time could not be removed");
                app.config.retention_every
            }
        };
        if app.stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
    }
}

/// Removes some, of one room. Returns whether there may be more.
async fn remove_due(app: &App) -> Result<bool, Failure> {
    let due = app.store.read(|tx| retention::due(tx, now(), AT_ONCE)).await?;
    let Some((room, _)) = due.first() else {
        // Of what was taken back before its time was over.
        app.store.write(|tx| retention::forget_fingerprints(tx, now())).await?;
        return Ok(false);
    };
    let room = room.clone();
    let messages: Vec<MessageId> =
        due.into_iter().filter(|(other, _)| *other == room).map(|(_, message)| message).collect();
    let turn = app.turns.take(&room).await;
    let (changes, members) = remove(app, room, messages).await?;
    if !changes.is_empty() {
        tracing::info!(count = changes.len(), "removed what was past its time");
        app.metrics.expired(changes.len());
    }
    Settled::new((), Some(News::Expired(changes, members)), turn).announce(app).await;
    attachments::sweep(app).await?;
    Ok(true)
}

async fn remove(
    app: &App,
    room: RoomId,
    messages: Vec<MessageId>,
) -> Result<(Vec<MessageChanged>, Vec<UserId>), Failure> {
    app.store
        .write(move |tx| {
            let (_, poster) = authorize::server(tx, &room)?;
            let mut changes = Vec::new();
            for id in messages {
                if !retention::is_due(tx, &id, now())? {
                    continue;
                }
                let Some(message) = messages::find(tx, &poster, &id)? else { continue };
                let change = messages::delete(tx, &poster, message)?;
                audit::append(tx, None, Deed::Expire, Some(&room), Some(id.as_str()), Some(change.seq))?;
                changes.push(change);
            }
            retention::forget_fingerprints(tx, now())?;
            Ok::<_, Failure>((changes, rooms::members(tx, &poster)?))
        })
        .await
}
