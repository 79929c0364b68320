//! Keeps an account connected: connects, catches up, stays live, notices loss, waits, and begins again.
//!
//! Invariants: a fresh client and a fresh token for each attempt; refused credentials end the session and are never retried
//! in a loop; the state that is shown is the state there is; after a gap in time (sleep) no connection is trusted.

use std::{sync::Arc, time::Duration};

use hugmedo_chat_protocol::{
    ConnectAuth, ErrorCode as WireCode, Heartbeat, JoinRoom, PROTOCOL_VERSION, Renew, RoomId, ServerEvent,
    SessionEndReason, SessionInfo, Timestamp, limits::SESSION_EVENT_WAIT,
};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

use crate::{
    account::{Account, end_reason},
    ask::{AskFailure, ask, tell},
    backoff::Backoff,
    courier,
    error::{Error, ErrorCode},
    intake,
    store::{Mode, meta, outbox, rooms},
    surroundings::Surroundings,
    sync,
    tokens::TokenFailure,
    transport::{ConnectFailure, Connection, Events, Link},
    view::{ConnectionState, ViewChange},
};

/// How often the server is asked for a sign of life. With the answer's limit of 10 s, a dead link shows within 20 s.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// How long a server that is known to say `session` may take to say it.
const SLOW_SESSION_WAIT: Duration = Duration::from_secs(8);
/// A clock that jumped this far was a computer that slept.
const SLEEP_JUMP: Duration = Duration::from_secs(30);
/// A connection must have stood this long before an outage starts the waits from the beginning.
const STABLE: Duration = Duration::from_secs(60);
/// Events taken in as one transaction.
const BATCH: usize = 64;
/// Live events do not move the sync cursor; it follows this much later, so that the next start has little to fetch.
const CURSOR_DELAY: Duration = Duration::from_secs(5);
/// The longest a live link goes without a pull: a last event that got lost leaves no gap for a later one to show.
const PULL_EVERY: Duration = Duration::from_secs(60);

/// Why an attempt, or the connection it led to, is over.
enum Ended {
    /// The session is over; there is no use in trying again.
    Session(SessionEndReason),
    /// The link is gone or never came.
    Link(Option<ErrorCode>),
    /// Core is closing the account.
    Stopped,
}

/// Runs until the session is over (`Some`) or the account is closed (`None`).
pub(crate) async fn run(account: Arc<Account>) -> Option<SessionEndReason> {
    let mut backoff = Backoff::default();
    loop {
        account.set_connection(ConnectionState::Connecting, None, None);
        let began = Instant::now();
        let ended = tokio::select! {
            biased;
            () = account.stop.cancelled() => Ended::Stopped,
            ended = attempt(&account) => ended,
        };
        hang_up(&account).await;
        let code = match ended {
            Ended::Stopped => return None,
            Ended::Session(reason) => {
                account.set_connection(ConnectionState::AuthRequired, Some(ErrorCode::SessionExpired), None);
                return Some(reason);
            }
            Ended::Link(code) => code.unwrap_or(ErrorCode::Unreachable),
        };
        if began.elapsed() >= STABLE {
            backoff.reset();
        }
        let wait = backoff.next(&account.reconnection, account.surroundings.chance());
        let next = account.surroundings.in_millis(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
        account.set_connection(ConnectionState::Offline, Some(code), Some(next));
        tokio::select! {
            biased;
            () = account.stop.cancelled() => return None,
            () = account.hurry.notified() => backoff.reset(),
            () = sleep_awake(&account.surroundings, wait) => {}
        }
    }
}

/// Waits, but not across a sleep of the computer: whoever opens the lid wants to be connected now.
async fn sleep_awake(surroundings: &Surroundings, wait: Duration) {
    let deadline = Instant::now() + wait;
    let mut clock = ClockWatch::start(surroundings);
    while Instant::now() < deadline && !clock.jumped() {
        sleep(Duration::from_secs(1).min(deadline - Instant::now())).await;
    }
}

/// What holds only while connected is undone, in the store and on screen.
async fn hang_up(account: &Account) {
    if let Some(link) = account.link() {
        account.set_link(None);
        if account.stop.is_cancelled() {
            link.close().await;
        }
    }
    let cleared = account.typing().clear();
    for room in cleared {
        account.publish_typing(&room);
    }
    let baseline = account.is_baseline();
    let rows = account
        .store
        .write(move |transaction| {
            if baseline {
                outbox::fail_unanswered(transaction, ErrorCode::Timeout)
            } else {
                outbox::requeue_unanswered(transaction)
            }
        })
        .await;
    match rows {
        Ok(rows) if rows.is_empty() => {}
        Ok(rows) => {
            let _ = account.publish_rows(rows).await;
        }
        Err(error) => tracing::debug!(%error, "messages on their way could not be put back"),
    }
}

async fn attempt(account: &Arc<Account>) -> Ended {
    let mut token = match account.tokens.fresh().await {
        Ok(token) => token,
        Err(TokenFailure::Ended) => return Ended::Session(SessionEndReason::Expired),
        Err(TokenFailure::Failed(code)) => return Ended::Link(Some(code)),
    };
    let mut renewed = false;
    let connection = loop {
        let auth = ConnectAuth {
            token: token.clone(),
            protocol: Some(PROTOCOL_VERSION),
            device_id: Some(account.device.clone()),
        };
        match account.network.transport.connect(auth).await {
            Ok(connection) => break connection,
            Err(ConnectFailure::Failed(code)) => return Ended::Link(Some(code)),
            Err(ConnectFailure::Refused(code)) => match code.as_str() {
                "rate_limited" => return Ended::Link(Some(ErrorCode::RateLimited)),
                "unavailable" => return Ended::Link(Some(ErrorCode::ServerUnavailable)),
                // One renewal and one more attempt; a second refusal is final.
                _ if renewed => return Ended::Session(end_reason(&code)),
                _ => match account.tokens.after_refusal().await {
                    Ok(fresh) => (token, renewed) = (fresh, true),
                    Err(TokenFailure::Ended) => return Ended::Session(end_reason(&code)),
                    Err(TokenFailure::Failed(code)) => return Ended::Link(Some(code)),
                },
            },
        }
    };
    match stay(account, connection).await {
        Ok(ended) => ended,
        Err(error) => {
            tracing::warn!(%error, "the connection is given up");
            Ended::Link(Some(error.code()))
        }
    }
}

/// From an accepted connection to its end.
async fn stay(account: &Arc<Account>, connection: Connection) -> Result<Ended, Error> {
    let Connection { mut events, link } = connection;
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
            tasks.spawn(keep_up(Arc::clone(account), Arc::clone(&link)));
            tasks.spawn(beat(Arc::clone(account), Arc::clone(&link)));
            tasks.spawn(renew(Arc::clone(account), Arc::clone(&link)));
        }
        Mode::Baseline => {
            tasks.spawn(join_baseline(Arc::clone(account), Arc::clone(&link)));
        }
    }
    tasks.spawn(carry(Arc::clone(account), Arc::clone(&link)));
    tasks.spawn(watch_sleep(account.surroundings.clone()));
    live(account, &mut events, batch, &mut tasks).await
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

async fn take_in_live(account: &Account, batch: Vec<ServerEvent>) -> Result<Option<Ended>, Error> {
    let ended = batch.iter().find_map(|event| match event {
        ServerEvent::SessionEnded(end) => Some(end.reason),
        _ => None,
    });
    let batch: Vec<ServerEvent> = batch.into_iter().filter(|event| !intake::take_in_typing(account, event)).collect();
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
async fn keep_up(account: Arc<Account>, link: Arc<dyn Link>) -> Result<(), Error> {
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
        account.set_connection(ConnectionState::Live, None, None);
        tokio::select! {
            biased;
            () = account.behind.notified() => account.set_connection(ConnectionState::CatchingUp, None, None),
            () = account.cursor_lags.notified() => sleep(CURSOR_DELAY).await,
            () = sleep(PULL_EVERY) => {}
        }
    }
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
    loop {
        sleep(HEARTBEAT).await;
        match ask(link.as_ref(), &Heartbeat {}).await {
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

/// After a sleep a connection may look open and be dead.
async fn watch_sleep(surroundings: Surroundings) -> Result<(), Error> {
    let mut clock = ClockWatch::start(&surroundings);
    loop {
        sleep(Duration::from_secs(2)).await;
        if clock.jumped() {
            return Err(Error::new(ErrorCode::Unreachable, "the computer slept"));
        }
    }
}

/// Compares the wall clock, which goes on while the computer sleeps, with the monotonic one, which does not.
struct ClockWatch {
    surroundings: Surroundings,
    wall: Timestamp,
    monotonic: Instant,
}

impl ClockWatch {
    fn start(surroundings: &Surroundings) -> Self {
        Self { surroundings: surroundings.clone(), wall: surroundings.now(), monotonic: Instant::now() }
    }

    /// Whether the two went apart since the last look. A clock set back says nothing.
    fn jumped(&mut self) -> bool {
        let now = Self::start(&self.surroundings);
        let wall = now.wall.as_millis().saturating_sub(self.wall.as_millis());
        let monotonic = now.monotonic.duration_since(self.monotonic).as_millis();
        *self = now;
        i128::from(wall) - i128::try_from(monotonic).unwrap_or(i128::MAX) > SLEEP_JUMP.as_millis() as i128
    }
}
