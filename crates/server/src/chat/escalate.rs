//! Telling of urgent messages again that nobody takes on.
//!
//! Invariants: the server does this alone, so it happens also while the sender's computer is off, and after a restart; each message
//! is told of once; whoever takes on either of the two messages takes on both. What is said is an urgent message like any other,
//! an answer to the first that names whom it is for, so that every client shows it.

use std::{sync::Arc, time::Duration};

use hugmedo_chat_protocol::{ClientMessageId, Opaque, Priority, SendMessage, limits::MAX_LIST_ITEMS};
use serde_json::json;

use super::{News, Settled};
use crate::{
    app::App,
    audit::{self, Deed},
    authorize,
    failure::Failure,
    store::{
        escalations::{self, Overdue},
        messages::{self, Inserted},
        now, rooms,
    },
};

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Looks until the server stops.
pub(crate) async fn watch(app: Arc<App>) {
    loop {
        tokio::select! {
            () = app.stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        if let Err(error) = tell_overdue(&app).await {
            tracing::warn!(%error, "urgent messages that wait could not be told of again");
        }
    }
}

async fn tell_overdue(app: &App) -> Result<(), Failure> {
    let overdue = app.store.read(|tx| escalations::overdue(tx, now())).await?;
    for message in overdue {
        tell(app, message).await?;
    }
    Ok(())
}

async fn tell(app: &App, overdue: Overdue) -> Result<(), Failure> {
    let turn = app.turns.take(&overdue.room).await;
    let news = app
        .store
        .write(move |tx| {
            // Someone may have taken it on while this waited for its turn.
            if !escalations::overdue(tx, now())?.iter().any(|due| due.message == overdue.message) {
                return Ok(None);
            }
            let (who, poster) = authorize::server(tx, &overdue.room)?;
            let Some(message) = messages::find(tx, &poster, &overdue.message)? else { return Ok(None) };
            let mut told = escalations::told(tx, &poster, &message.user_id)?;
            told.truncate(MAX_LIST_ITEMS);
            let minutes = overdue.after.div_euclid(60_000);
            let wish = SendMessage {
                room_id: overdue.room.clone(),
                user_id: None,
                content: words(minutes).as_str().into(),
                attachments: Vec::new(),
                metadata: Opaque(json!({ "system": "escalated", "minutes": minutes })),
                client_message_id: Some(ClientMessageId::new(format!("escalated-{}", overdue.message.as_str()))),
                priority: Priority::Urgent,
                reply_to: Some(overdue.message.clone()),
                mentions: told,
            };
            let Inserted::New(notice) = messages::insert(tx, &poster, &who, wish, now())? else { return Ok(None) };
            escalations::note(tx, &overdue.message, &notice.id)?;
            audit::append(tx, None, Deed::Escalate, Some(&overdue.room), Some(overdue.message.as_str()), notice.seq)?;
            let members = rooms::members(tx, &poster)?;
            Ok::<_, Failure>(Some(News::Said(notice, members)))
        })
        .await?;
    if news.is_some() {
        app.metrics.escalated();
    }
    Settled::new((), news, turn).announce(app).await;
    Ok(())
}

/// In both languages, because clients that know nothing of this show it as it is.
fn words(minutes: i64) -> String {
    format!(
        "【至急】{minutes}分たっても、まだ誰も対応していません。\nUrgent: nobody has taken this on for {minutes} min."
    )
}
