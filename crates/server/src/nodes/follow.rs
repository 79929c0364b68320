//! Telling this server's sockets what the database says has happened, whichever server it happened at.
//!
//! Invariants: a room's changes are told in their order, each to those who are members in the very snapshot it was read in; within
//! the room's turn, so that who enters it misses nothing behind the position they are told, and nothing is told before its author was
//! answered; a change is never skipped: what could not be read is read the next time.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use hugmedo_chat_protocol::{RoomId, ServerEvent, SessionEndReason, UserId};

use super::Nodes;
use crate::{
    app::App,
    audit::{self, Ended},
    chat, fanout, outside, presence,
    store::{
        StoreError,
        changes::{self, Told},
        rooms,
    },
};

/// Changes read at a time.
const AT_ONCE: usize = 500;

/// How far it has been read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    change: i64,
    entry: i64,
}

/// What is new.
struct News {
    position: Position,
    has_more: bool,
    rooms: BTreeMap<RoomId, (Vec<UserId>, Vec<Told>)>,
    ended: Vec<Ended>,
}

/// Where the database stands, before anyone connects: what is older they fetch by sync.
pub(crate) async fn head(app: &App) -> Result<Position, StoreError> {
    app.store.read(|tx| Ok(Position { change: changes::head(tx)?, entry: audit::head(tx)?.0 })).await
}

/// Follows until the server stops; and hears of Redis, if there is one.
pub(crate) async fn follow(app: Arc<App>, mut position: Position) {
    let Some(nodes) = &app.nodes else { return };
    if nodes.bus().is_some() {
        let app = app.clone();
        tokio::spawn(async move {
            if let Some(bus) = app.nodes.as_ref().and_then(|nodes| nodes.bus()) {
                bus.keep(&app).await;
            }
        });
    }
    let mut is_failing = false;
    loop {
        let asked = nodes.asked.load(Ordering::SeqCst);
        match catch_up(&app, nodes, &mut position).await {
            Ok(()) => is_failing = false,
            Err(StoreError::Closed) => break,
            Err(error) => {
                if !std::mem::replace(&mut is_failing, true) {
                    tracing::warn!(%error, "what has happened cannot be read, and is told later");
                }
            }
        }
        nodes.answered.send_replace(asked);
        tokio::select! {
            () = app.stop.cancelled() => break,
            () = nodes.moved.notified() => {}
            () = tokio::time::sleep(app.config.notice_every) => {}
        }
    }
    // Nobody waits for what is told no more.
    nodes.answered.send_replace(u64::MAX);
}

/// Reads on to the end. What it finds is being told by then; the ends of sessions are carried out, before anything that is read with them.
async fn catch_up(app: &Arc<App>, nodes: &Nodes, position: &mut Position) -> Result<(), StoreError> {
    loop {
        let after = *position;
        let news = app.store.read(move |tx| read(tx, after)).await?;
        *position = news.position;
        if !news.ended.is_empty() {
            for ended in news.ended {
                end(app, ended).await;
            }
            app.fanout.wake();
        }
        let parts = news.rooms.into_iter().map(|(room, (members, told))| {
            let (app, of, changes) = (app.clone(), room.clone(), told.len());
            (room, changes, async move { tell_room(&app, &of, &members, told).await })
        });
        nodes.telling.begin(position.change, parts).await;
        if !news.has_more {
            return Ok(());
        }
    }
}

fn read(tx: &crate::store::sql::Transaction<'_>, after: Position) -> Result<News, StoreError> {
    let entry = audit::head(tx)?.0;
    let (told, change, has_more) = changes::all_after(tx, after.change, AT_ONCE)?;
    let mut by_room: BTreeMap<RoomId, (Vec<UserId>, Vec<Told>)> = BTreeMap::new();
    for told in told {
        let (members, of_room) = by_room.entry(told.room.clone()).or_default();
        if of_room.is_empty() {
            *members = rooms::member_ids(tx, &told.room)?;
        }
        of_room.push(told);
    }
    let ended = audit::ended_after(tx, after.entry)?;
    Ok(News { position: Position { change, entry }, has_more, rooms: by_room, ended })
}

async fn tell_room(app: &Arc<App>, room: &RoomId, members: &[UserId], told: Vec<Told>) {
    let mut acquainted = Vec::new();
    let turn = app.turns.take(room).await;
    for Told { reader, event, .. } in told {
        match (event, reader) {
            (ServerEvent::NewMessage(message), _) => chat::said(app, message, members).await,
            (ServerEvent::Receipt(receipt), _) => chat::tell_receipt(app, receipt, members),
            (ServerEvent::RoomRemoved(_), Some(reader)) => app.fanout.expel(room, &reader),
            (event @ ServerEvent::RoomChanged(_), Some(reader)) => {
                app.fanout.to_user(&reader, &event);
                acquainted.push(reader);
            }
            (event, _) => {
                app.fanout.to_joined(room, members, &event);
            }
        }
    }
    drop(turn);
    app.fanout.wake();
    presence::acquaint(app, acquainted).await;
}

/// Closes what a session's end leaves open here.
async fn end(app: &App, ended: Ended) {
    match ended {
        Ended::SignedOut(session) => {
            app.fanout.end(app.fanout.sockets_of_session(&session), SessionEndReason::SignedOut);
        }
        Ended::Reused(session) => {
            app.fanout.end(app.fanout.sockets_of_session(&session), SessionEndReason::Revoked);
        }
        // Those that were opened since stay.
        Ended::AllOf(user) => outside::end_dead(app, app.fanout.sockets_of(&user)).await,
        Ended::Device(device) => {
            let mut sockets = app.fanout.all_sockets();
            // Its session may know of a device that the socket did not name.
            sockets.retain(|socket| {
                fanout::link(socket).is_some_and(|link| link.device().is_none_or(|named| *named == device))
            });
            outside::end_dead(app, sockets).await;
        }
    }
}
