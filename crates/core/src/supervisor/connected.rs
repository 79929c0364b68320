//! The life of one accepted connection: greeting, catching up, taking in what comes, and the tasks beside it.
//!
//! Invariants: whatever ends one of them ends the connection, so that nothing half alive is ever shown as live; none of them
//! is there any more when the connection is called over.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, future::BoxFuture};
use hugmedo_chat_protocol::{
    ErrorCode as WireCode, Heartbeat, JoinRoom, Renew, RoomId, ServerEvent, SessionEndReason, SessionInfo,
    limits::SESSION_EVENT_WAIT,
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

use super::{Ended, Established, attempt, clock};
use crate::{
    account::Account,
    ask::{AskFailure, ask, tell},
    attachments::upload,
    backfill, courier,
    error::{Error, ErrorCode},
    intake,
    store::{Mode, meta, outbox, rooms},
    sync,
    tokens::TokenFailure,
    transport::{Connection, Events, Link, LinkFailure},
    view::{ConnectionState, ViewChange},
};

/// How often the server is asked for a sign of life. With the answer's limit of 10 s, a dead link shows within 20 s.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long a server that is known to say `session` may take to say it.
const SLOW_SESSION_WAIT: Duration = Duration::from_secs(8);
/// How long the sign of life may take that is asked for when the network changed.
const PROBE: Duration = Duration::from_secs(4);
/// The first and the longest wait before a socket is tried again while calls stand in for it.
const SOCKET_WAITS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(120));
/// Events taken in as one transaction.
const BATCH: usize = 64;
/// Live events do not move the sync cursor; it follows this much later, so that the next start has little to fetch.
const CURSOR_DELAY: Duration = Duration::from_secs(5);
/// The longest a live link goes without a pull: a last event that got lost leaves no gap for a later one to show.
const PULL_EVERY: Duration = Duration::from_secs(60);

/// From an accepted connection to its end.
pub(super) async fn stay(account: &Arc<Account>, established: Established) -> Result<Ended, Error> {
    let Established { connection: Connection { mut events, link }, limited } = established;
    account.set_link(Some(Arc::clone(&link)));
    let mut batch = Vec::new();
    let patience = if account.is_known_extended() { SLOW_SESSION_WAIT } else { SESSION_EVENT_WAIT };
    let session = read_session(&mut events, &mut batch, patience).await;
    let mode = match session {
        Some(_) => Mode::Extended,
        // Taken for a baseline server, a slow one would get messages without the id that makes a retry harmless.
        None if account.is_known_extended() => return Ok(Ended::Link(Some(ErrorCode::Timeout))),
        None => Mode::Baseline,
    };
    if let Some(session) = session {
        // Where calls stand in for a socket nobody has told it.
        if limited.is_none() {
            account.note_server_protocol(session.protocol);
        }
        account.tokens.note_server_time(session.server_time);
        if session.user.id != account.me.id {
            return Ok(Ended::Session(SessionEndReason::Replaced));
        }
    }
    account.set_baseline(mode == Mode::Baseline);
    let forgot = account.store.write(move |transaction| meta::set_mode(transaction, mode)).await?;
    if forgot {
        for room_id in account.store.read(rooms::ids).await? {
            account.hub.publish(ViewChange::TimelineReset { room_id });
        }
    }
    account.set_connection(ConnectionState::CatchingUp, None, None);
    // The link is back: what waited out a server's refusal goes at once.
    account.store.write(outbox_wake).await?;

    let mut tasks: JoinSet<Result<(), Error>> = JoinSet::new();
    match mode {
        Mode::Extended => {
            tasks.spawn(keep_up(Arc::clone(account), Arc::clone(&link), limited));
            tasks.spawn(beat(Arc::clone(account), Arc::clone(&link)));
            tasks.spawn(renew(Arc::clone(account), Arc::clone(&link)));
            tasks.spawn(backfill::run(Arc::clone(account)));
        }
        Mode::Baseline => {
            tasks.spawn(join_baseline(Arc::clone(account), Arc::clone(&link)));
        }
    }
    tasks.spawn(carry(Arc::clone(account), Arc::clone(&link)));
    tasks.spawn(upload::run(Arc::clone(account)));
    tasks.spawn(clock::watch_sleep(account.surroundings.clone()));
    let socket: BoxFuture<'static, Connection> = match limited {
        None | Some(ErrorCode::ProxyInUse) => std::future::pending().boxed(),
        Some(_) => find_socket(Arc::clone(account)).boxed(),
    };
    let ended = tokio::select! {
        biased;
        ended = live(account, &mut events, batch, &mut tasks) => ended,
        connection = socket => Ok(Ended::Socket(connection)),
    };
    // Not only told to stop: whoever tidies up after them must be the last to write.
    tasks.shutdown().await;
    ended
}

/// Tries for a socket, ever more seldom, until one comes about.
async fn find_socket(account: Arc<Account>) -> Connection {
    let (mut ceiling, longest) = SOCKET_WAITS;
    loop {
        tokio::select! {
            biased;
            () = sleep(ceiling.mul_f64(account.surroundings.chance())) => {}
            () = account.network_changed.notified() => ceiling = SOCKET_WAITS.0,
            () = account.hurry.notified() => {}
        }
        match attempt::socket_only(&account).await {
            Ok(connection) => return connection,
            Err(_) => ceiling = (ceiling * 2).min(longest),
        }
    }
}

fn outbox_wake(transaction: &rusqlite::Transaction<'_>) -> Result<(), Error> {
    outbox::wake_all(transaction)
}

/// Our server says `session` before anything else. One that says something else first, or nothing, is a baseline server.
async fn read_session(events: &mut Events, batch: &mut Vec<ServerEvent>, patience: Duration) -> Option<SessionInfo> {
    let _ = timeout(patience, events.next_batch(batch, 1)).await;
    match batch.pop() {
        Some(ServerEvent::Session(session)) => Some(session),
        Some(other) => {
            batch.push(other);
            None
        }
        None => None,
    }
}

/// Takes in what the server says until the link, the session or one of the tasks beside it ends.
async fn live(
    account: &Arc<Account>,
    events: &mut Events,
    mut batch: Vec<ServerEvent>,
    tasks: &mut JoinSet<Result<(), Error>>,
) -> Result<Ended, Error> {
    let mut typing_tick = interval(Duration::from_secs(1));
    typing_tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        if !batch.is_empty()
            && let Some(ended) = take_in_live(account, std::mem::take(&mut batch)).await?
        {
            return Ok(ended);
        }
        tokio::select! {
            // What is rare comes first: a flood of events must hide neither the end of a task nor the tick.
            biased;
            Some(ended) = tasks.join_next() => match ended {
                // A task that is done, such as joining rooms, ends nothing.
                Ok(Ok(())) => {}
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(Error::new(ErrorCode::Internal, "a task of the connection was cut off")),
            },
            _ = typing_tick.tick() => {
                let expired = account.typing().expire(Instant::now());
                for room in expired {
                    account.publish_typing(&room);
                }
            }
            more = events.next_batch(&mut batch, BATCH) => if !more {
                return Ok(Ended::Link(None));
            },
        }
    }
}

async fn take_in_live(account: &Arc<Account>, batch: Vec<ServerEvent>) -> Result<Option<Ended>, Error> {
    let ended = batch.iter().find_map(|event| match event {
        ServerEvent::SessionEnded(end) => Some(end.reason),
        _ => None,
    });
    let mut batch: Vec<ServerEvent> =
        batch.into_iter().filter(|event| !intake::take_in_typing(account, event)).collect();
    intake::take_in_presence(account, &mut batch);
    account.note_confirmed();
    if !batch.is_empty() {
        match intake::take_in(account, batch, None).await {
            Ok(taken) => {
                account.cursor_lags.notify_one();
                if (taken.gap || !taken.added.is_empty()) && !account.is_baseline() {
                    account.behind.notify_one();
                }
            }
            // Nothing of it was stored, so nothing of it is shown; sync brings it again when the store serves.
            Err(error) => {
                tracing::warn!(%error, "live events were not stored");
                account.behind.notify_one();
            }
        }
    }
    Ok(match ended {
        // The next attempt renews the token.
        Some(SessionEndReason::Expired) => Some(Ended::Link(Some(ErrorCode::SessionExpired))),
        Some(reason) => Some(Ended::Session(reason)),
        None => None,
    })
}

/// Joins rooms and fetches what is missing, at first and whenever something turns out to be.
async fn keep_up(account: Arc<Account>, link: Arc<dyn Link>, limited: Option<ErrorCode>) -> Result<(), Error> {
    let up_to_date = if limited.is_some() { ConnectionState::Limited } else { ConnectionState::Live };
    // Joined before fetched: what is said in between then comes twice instead of not at all.
    let mut to_join = account.store.read(rooms::ids).await?;
    let mut pause = Duration::from_millis(500);
    loop {
        join(&account, &link, to_join).await?;
        to_join = match sync::catch_up(&account).await {
            Ok(added) => {
                pause = Duration::from_millis(500);
                added
            }
            Err(error) if error.code() == ErrorCode::SessionExpired => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "catching up failed; trying again");
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(30));
                to_join = Vec::new();
                continue;
            }
        };
        if !to_join.is_empty() {
            continue;
        }
        account.set_connection(up_to_date, limited, None);
        account.history_lags.notify_one();
        intake::alert_unheard(&account).await?;
        tokio::select! {
            biased;
            () = account.behind.notified() => account.set_connection(ConnectionState::CatchingUp, limited, None),
            () = lagged(&account) => {}
            () = sleep(PULL_EVERY) => {}
        }
    }
}

/// Resolves a while after live events have moved past the cursor.
async fn lagged(account: &Account) {
    account.cursor_lags.notified().await;
    sleep(CURSOR_DELAY).await;
}

async fn join(account: &Account, link: &Arc<dyn Link>, rooms: Vec<RoomId>) -> Result<(), Error> {
    for room_id in rooms {
        let event = JoinRoom { room_id, user_id: Some(account.me.id.clone()), user_type: Some(account.me.user_type) };
        loop {
            match ask(link.as_ref(), &event).await {
                Ok(_) => break,
                Err(AskFailure::Refused(refusal)) if refusal.code == WireCode::RateLimited => {
                    sleep(Duration::from_millis(refusal.retry_after_ms.unwrap_or(1_000))).await;
                }
                // No longer a member: sync tells so and removes the room.
                Err(AskFailure::Refused(refusal)) => {
                    tracing::debug!(code = %refusal.code, "a room was not joined");
                    break;
                }
                Err(AskFailure::Link(_)) => return Err(Error::new(ErrorCode::Unreachable, "lost while joining")),
            }
        }
    }
    Ok(())
}

/// A baseline server lists no rooms and confirms no join.
async fn join_baseline(account: Arc<Account>, link: Arc<dyn Link>) -> Result<(), Error> {
    for room_id in account.store.read(rooms::ids).await? {
        let event = JoinRoom { room_id, user_id: Some(account.me.id.clone()), user_type: Some(account.me.user_type) };
        if tell(link.as_ref(), &event).await.is_err() {
            return Err(Error::new(ErrorCode::Unreachable, "lost while joining"));
        }
    }
    account.set_connection(ConnectionState::Live, None, None);
    Ok(())
}

/// Asks for a sign of life. An unanswered question is a dead link, however open it looks.
async fn beat(account: Arc<Account>, link: Arc<dyn Link>) -> Result<(), Error> {
    let network_changed = account.network_changed.notified();
    tokio::pin!(network_changed);
    loop {
        let patience = tokio::select! {
            biased;
            () = sleep(HEARTBEAT) => Duration::MAX,
            // The way to the server may be gone without a word.
            () = &mut network_changed => PROBE,
        };
        // Listened for again before asking, so that no change goes unheard.
        network_changed.set(account.network_changed.notified());
        let answer = timeout(patience, ask(link.as_ref(), &Heartbeat {})).await;
        match answer.unwrap_or(Err(AskFailure::Link(LinkFailure::TimedOut))) {
            Ok(answer) => {
                account.tokens.note_server_time(answer.server_time);
                account.note_confirmed();
            }
            Err(AskFailure::Refused(_)) => {}
            Err(AskFailure::Link(_)) => return Err(Error::new(ErrorCode::Timeout, "no sign of life")),
        }
    }
}

/// Puts a fresh token on the live link before the old one ends.
async fn renew(account: Arc<Account>, link: Arc<dyn Link>) -> Result<(), Error> {
    loop {
        let Some(due_in) = account.tokens.renewal_due_in().await else { return Ok(()) };
        sleep(Duration::from_millis(due_in)).await;
        let token = match account.tokens.fresh().await {
            Ok(token) => token,
            Err(TokenFailure::Ended) => {
                return Err(Error::new(ErrorCode::SessionExpired, "the session was not renewed"));
            }
            Err(TokenFailure::Failed(_)) => {
                sleep(Duration::from_secs(5)).await;
                continue;
            }
        };
        match ask(link.as_ref(), &Renew { token }).await {
            Ok(_) => {}
            Err(AskFailure::Refused(_)) => {
                return Err(Error::new(ErrorCode::SessionExpired, "the renewed token was refused"));
            }
            Err(AskFailure::Link(_)) => return Err(Error::new(ErrorCode::Unreachable, "lost while renewing")),
        }
    }
}

async fn carry(account: Arc<Account>, link: Arc<dyn Link>) -> Result<(), Error> {
    courier::run(account, link).await;
    Err(Error::new(ErrorCode::Unreachable, "lost while sending"))
}
