//! Everything between the computers and the server: what is on its way, when it arrives, and what becomes of it.
//!
//! Invariants: what happens next depends on the seed alone; the server does what arrives, in the order of arrival, and tells
//! it to those who have to hear; a fault befalls what is on its way, never what is in the ledger.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hugmedo_chat_core::{
    ErrorCode,
    transport::{ConnectFailure, HttpCall, HttpFailure, LinkFailure},
};
use hugmedo_chat_protocol::{
    ConnectAuth, ErrorCode as WireCode, Refusal, RoomId, ServerEvent, SessionEndReason, SessionEnded, SessionInfo,
    Timestamp,
};
use serde_json::Value;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    Tally,
    chance::Chance,
    ledger::{Answer, Bearer, Ledger, News, refused},
    trace::Trace,
    weather::Weather,
};

/// When the simulation begins.
pub(super) const EPOCH_MS: i64 = 1_800_000_000_000;
/// Events a client holds before it counts as lost; the real one's.
const INBOX: usize = 4096;

/// A computer's way to the outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    Up,
    /// Unplugged, and the system says so.
    Cut,
    /// Nothing passes and nothing is said.
    Silent,
}

/// What arrived at a computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrival {
    /// An HTTP answer, which is what sync is made of.
    Answer,
    /// Anything, that or another.
    Anything,
}

pub(super) struct Outlet {
    pub(super) line: Line,
    /// The computer has put something on its way.
    pub(super) stir: Arc<Notify>,
    /// Attempts to connect so far.
    pub(super) attempts: u64,
}

/// What a client needs of an accepted connection.
pub(super) struct Accepted {
    pub(super) socket: u64,
    pub(super) inbox: mpsc::Receiver<ServerEvent>,
    pub(super) lost: CancellationToken,
}

pub(super) type ConnectReply = oneshot::Sender<Result<Accepted, ConnectFailure>>;
pub(super) type AckReply = oneshot::Sender<Result<Value, LinkFailure>>;
pub(super) type HttpReply = oneshot::Sender<Result<Value, HttpFailure>>;

struct Socket {
    computer: usize,
    bearer: Bearer,
    joined: BTreeSet<RoomId>,
    inbox: mpsc::Sender<ServerEvent>,
    lost: CancellationToken,
    /// Nothing passes any more, and neither side knows.
    half_open: bool,
    /// The server has let go of it.
    closed: bool,
    last_up: u64,
    last_down: u64,
}

/// Something on its way.
enum Parcel {
    Connect { computer: usize, auth: ConnectAuth, reply: ConnectReply },
    Accepted { computer: usize, result: Result<Accepted, ConnectFailure>, reply: ConnectReply },
    Say { socket: u64, event: &'static str, payload: Value, reply: Option<AckReply> },
    Ack { socket: u64, reply: AckReply, ack: Value },
    Hear { socket: u64, event: Box<ServerEvent> },
    HungUp { socket: u64 },
    Lose { socket: u64 },
    Expiry { socket: u64 },
    Ask { computer: usize, call: HttpCall, reply: HttpReply },
    Answered { computer: usize, result: Result<Value, HttpFailure>, reply: HttpReply },
}

/// The post office, shared by the world and the computers' networks.
pub(super) struct Post {
    pub(super) now: u64,
    pub(super) ledger: Ledger,
    pub(super) weather: Weather,
    pub(super) outlets: Vec<Outlet>,
    pub(super) trace: Trace,
    pub(super) tally: Tally,
    queue: BTreeMap<(u64, u64), Parcel>,
    count: u64,
    sockets: BTreeMap<u64, Socket>,
    chance: Chance,
}

pub(super) type SharedPost = Arc<Mutex<Post>>;

pub(super) fn held(post: &Mutex<Post>) -> MutexGuard<'_, Post> {
    post.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Post {
    pub(super) fn new(ledger: Ledger, computers: usize, weather: Weather, chance: Chance, trace: Trace) -> Self {
        let outlet = || Outlet { line: Line::Up, stir: Arc::new(Notify::new()), attempts: 0 };
        Self {
            now: 0,
            ledger,
            weather,
            outlets: (0..computers).map(|_| outlet()).collect(),
            trace,
            tally: Tally::default(),
            queue: BTreeMap::new(),
            count: 0,
            sockets: BTreeMap::new(),
            chance,
        }
    }

    pub(super) fn note(&mut self, what: std::fmt::Arguments<'_>) {
        self.trace.note(self.now, what);
    }

    /// When the next parcel arrives.
    pub(super) fn next_at(&self) -> Option<u64> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    fn line(&self, computer: usize) -> Line {
        self.outlets.get(computer).map_or(Line::Cut, |outlet| outlet.line)
    }

    fn put(&mut self, at: u64, parcel: Parcel) {
        self.count += 1;
        self.queue.insert((at.max(self.now), self.count), parcel);
    }

    fn delay(&mut self) -> u64 {
        let slow = self.chance.happens(self.weather.slow);
        if slow { self.chance.between(200, 4_000) } else { self.chance.between(1, 30) }
    }

    fn stir(&self, computer: usize) {
        if let Some(outlet) = self.outlets.get(computer) {
            outlet.stir.notify_one();
        }
    }

    // What the computers put on its way; `at` is their time, which may be a little ahead of the world's.

    pub(super) fn connect(&mut self, computer: usize, at: u64, auth: ConnectAuth, reply: ConnectReply) {
        if let Some(outlet) = self.outlets.get_mut(computer) {
            outlet.attempts += 1;
        }
        self.trace.note(at, format_args!("computer {computer}: connects"));
        let at = at + self.delay();
        self.put(at, Parcel::Connect { computer, auth, reply });
        self.stir(computer);
    }

    pub(super) fn say(&mut self, socket: u64, at: u64, event: &'static str, payload: Value, reply: Option<AckReply>) {
        let delay = self.delay();
        let Some(known) = self.sockets.get_mut(&socket) else { return };
        let computer = known.computer;
        let arrives = known.last_up.max(at + delay);
        known.last_up = arrives;
        self.trace.note(at, format_args!("socket {socket}: computer {computer} says {event}"));
        self.put(arrives, Parcel::Say { socket, event, payload, reply });
        self.stir(computer);
    }

    pub(super) fn hang_up(&mut self, socket: u64) {
        let at = self.now + self.delay();
        self.put(at, Parcel::HungUp { socket });
    }

    pub(super) fn ask(&mut self, computer: usize, at: u64, call: HttpCall, reply: HttpReply) {
        let delay = self.delay();
        let path = call.path.split('?').next().unwrap_or_default().to_owned();
        self.trace.note(at, format_args!("computer {computer}: asks {path}"));
        self.put(at + delay, Parcel::Ask { computer, call, reply });
        self.stir(computer);
    }

    // Faults that befall a whole computer.

    /// Breaks a computer's connections: noticed at once, or by nobody.
    pub(super) fn break_links(&mut self, computer: usize, noticed: bool) {
        let of_it = |socket: &&mut Socket| socket.computer == computer && !socket.half_open;
        let mut broken = 0;
        for socket in self.sockets.values_mut().filter(of_it) {
            socket.half_open = true;
            broken += 1;
            if noticed {
                socket.lost.cancel();
                socket.closed = true;
            }
        }
        if broken > 0 {
            self.tally.links_broken += broken;
            self.note(format_args!("computer {computer}: links break, noticed: {noticed}"));
        }
    }

    // What arrives.

    /// Takes what has arrived by now, one after the other. Returns the computer it was for, if it was for one, and what.
    pub(super) fn deliver_next(&mut self) -> Option<(Option<usize>, Arrival)> {
        let entry = self.queue.first_entry()?;
        if entry.key().0 > self.now {
            return None;
        }
        let parcel = entry.remove();
        self.ledger.set_clock(Timestamp::from_millis(EPOCH_MS + i64::try_from(self.now).unwrap_or(i64::MAX)));
        let what = if matches!(parcel, Parcel::Answered { .. }) { Arrival::Answer } else { Arrival::Anything };
        Some((self.arrive(parcel), what))
    }

    fn arrive(&mut self, parcel: Parcel) -> Option<usize> {
        match parcel {
            Parcel::Connect { computer, auth, reply } => {
                let result = match self.line(computer) {
                    Line::Silent => {
                        // Kept, or the caller would notice.
                        self.put(self.now + 60_000, Parcel::Connect { computer, auth, reply });
                        return None;
                    }
                    Line::Cut => Err(ConnectFailure::Failed(ErrorCode::Unreachable)),
                    Line::Up => self.admit(computer, &auth),
                };
                let mut at = self.now + self.delay();
                if let Ok(accepted) = &result
                    && let Some(socket) = self.sockets.get_mut(&accepted.socket)
                {
                    at = at.min(socket.last_down);
                }
                self.put(at, Parcel::Accepted { computer, result, reply });
                None
            }
            Parcel::Accepted { computer, result, reply } => {
                let socket = result.as_ref().ok().map(|accepted| accepted.socket);
                let word = match &result {
                    Ok(_) => "accepted".to_owned(),
                    Err(failure) => format!("{failure:?}"),
                };
                self.note(format_args!("computer {computer}: connection {word}"));
                if reply.send(result).is_err()
                    && let Some(socket) = socket
                {
                    self.hang_up(socket);
                }
                Some(computer)
            }
            Parcel::Say { socket, event, payload, reply } => {
                self.said(socket, event, payload, reply);
                None
            }
            Parcel::Ack { socket, reply, ack } => {
                let open = self.sockets.get(&socket).filter(|socket| !socket.half_open)?;
                let computer = open.computer;
                self.note(format_args!("socket {socket}: ack arrives"));
                let _ = reply.send(Ok(ack));
                Some(computer)
            }
            Parcel::Hear { socket, event } => {
                let open = self.sockets.get(&socket).filter(|socket| !socket.half_open)?;
                let (computer, inbox, lost) = (open.computer, open.inbox.clone(), open.lost.clone());
                self.note(format_args!("socket {socket}: computer {computer} hears {}", describe(&event)));
                if inbox.try_send(*event).is_err() {
                    lost.cancel();
                }
                Some(computer)
            }
            Parcel::HungUp { socket } => {
                if let Some(known) = self.sockets.get_mut(&socket).filter(|known| !known.half_open) {
                    known.closed = true;
                    self.note(format_args!("socket {socket}: hung up"));
                }
                None
            }
            Parcel::Lose { socket } => {
                let known = self.sockets.get_mut(&socket).filter(|known| !known.half_open)?;
                known.half_open = true;
                known.closed = true;
                known.lost.cancel();
                let computer = known.computer;
                self.note(format_args!("socket {socket}: lost by computer {computer}"));
                Some(computer)
            }
            Parcel::Expiry { socket } => {
                let known = self.sockets.get(&socket).filter(|known| !known.closed)?;
                let ends = millis(known.bearer.expires_at);
                if ends > self.now {
                    self.put(ends, Parcel::Expiry { socket });
                } else {
                    self.end(socket, SessionEndReason::Expired);
                }
                None
            }
            Parcel::Ask { computer, call, reply } => {
                self.asked(computer, call, reply);
                None
            }
            Parcel::Answered { computer, result, reply } => {
                let failed = result.as_ref().err().cloned();
                self.note(format_args!("computer {computer}: answer arrives, {failed:?}"));
                let _ = reply.send(result);
                Some(computer)
            }
        }
    }

    fn admit(&mut self, computer: usize, auth: &ConnectAuth) -> Result<Accepted, ConnectFailure> {
        if self.chance.happens(self.weather.refuse) {
            return Err(match self.chance.between(0, 3) {
                0 => ConnectFailure::Refused("unavailable".to_owned()),
                1 => ConnectFailure::Refused("rate_limited".to_owned()),
                _ => ConnectFailure::Failed(ErrorCode::Unreachable),
            });
        }
        let bearer = self.ledger.bearer(&auth.token);
        let bearer = bearer.map_err(|refusal| ConnectFailure::Refused(refusal.code.to_string()))?;
        let user = self.ledger.users.get(&bearer.user).cloned();
        let Some(user) = user else { return Err(ConnectFailure::Refused("unauthorized".to_owned())) };
        self.count += 1;
        let socket = self.count;
        let (inbox, receiver) = mpsc::channel(INBOX);
        let lost = CancellationToken::new();
        let expires = millis(bearer.expires_at);
        let known = Socket {
            computer,
            bearer,
            joined: BTreeSet::new(),
            inbox,
            lost: lost.clone(),
            half_open: false,
            closed: false,
            last_up: self.now,
            last_down: self.now,
        };
        self.sockets.insert(socket, known);
        self.tally.connections += 1;
        self.put(expires, Parcel::Expiry { socket });
        let late = if self.chance.happens(self.weather.slow_session) { self.chance.between(1_000, 12_000) } else { 31 };
        if let Some(known) = self.sockets.get_mut(&socket) {
            known.last_down = self.now + late;
        }
        let session = SessionInfo { protocol: 1, user, server_time: self.ledger.now, features: Vec::new() };
        self.tell(socket, ServerEvent::Session(session));
        Ok(Accepted { socket, inbox: receiver, lost })
    }

    fn said(&mut self, socket: u64, event: &'static str, payload: Value, reply: Option<AckReply>) {
        let Some(known) = self.sockets.get(&socket).filter(|known| !known.half_open && !known.closed) else {
            // The reply is dropped with it only where the client knows of the loss; else it waits in vain.
            if let Some(reply) = reply {
                self.put(self.now + 60_000, Parcel::Ack { socket, reply, ack: Value::Null });
            }
            return;
        };
        let (computer, mut bearer) = (known.computer, known.bearer.clone());
        if self.chance.happens(self.weather.cut) {
            self.note(format_args!("socket {socket}: cut"));
            self.tally.links_broken += 1;
            let at = self.now + self.delay();
            self.put(at, Parcel::Lose { socket });
        }
        if bearer.expires_at <= self.ledger.now || self.ledger.sessions.is_over(bearer.session) {
            bearer.expires_at = self.ledger.now;
            self.end(socket, SessionEndReason::Expired);
            return;
        }
        let answer = if event != "heartbeat" && self.chance.happens(self.weather.busy) {
            let busy = self.busy();
            Answer::refused(busy)
        } else {
            self.ledger.hear(&bearer, event, payload)
        };
        let ok = answer.ack.get("ok") == Some(&Value::Bool(true));
        let seq = answer.ack.get("seq").cloned().unwrap_or_default();
        self.note(format_args!("socket {socket}: server does {event} for computer {computer}, ok {ok}, seq {seq}"));
        if let Some(known) = self.sockets.get_mut(&socket) {
            known.joined.extend(answer.joined);
            known.bearer = answer.renewed.unwrap_or(bearer);
        }
        if let Some(reply) = reply {
            if self.chance.happens(self.weather.ack_lost) {
                self.tally.acks_lost += 1;
                self.note(format_args!("socket {socket}: ack of {event} is lost"));
                self.put(self.now + 60_000, Parcel::Ack { socket, reply, ack: Value::Null });
            } else {
                let at = self.down(socket, false);
                self.put(at, Parcel::Ack { socket, reply, ack: answer.ack });
            }
        }
        self.announce(answer.news);
    }

    fn busy(&mut self) -> Refusal {
        if self.chance.happens(0.5) {
            let retry_after_ms = Some(self.chance.between(100, 5_000));
            Refusal { code: WireCode::RateLimited, message: String::new(), retry_after_ms }
        } else {
            Refusal::new(WireCode::Unavailable, "")
        }
    }

    fn asked(&mut self, computer: usize, call: HttpCall, reply: HttpReply) {
        let gone = HttpFailure::Failed(ErrorCode::Unreachable);
        match self.line(computer) {
            Line::Silent => return self.put(self.now + 60_000, Parcel::Ask { computer, call, reply }),
            Line::Cut => return self.answer(computer, Err(gone), reply),
            Line::Up => {}
        }
        if self.chance.happens(self.weather.ask_lost) {
            self.tally.http_lost += 1;
            return self.answer(computer, Err(gone), reply);
        }
        let is_sync = call.path.starts_with("/api/sync") && call.path.contains("cursor=");
        let result = if self.chance.happens(self.weather.busy) {
            Err(refused(self.busy()))
        } else if is_sync && self.chance.happens(self.weather.old_cursor) {
            self.tally.old_cursors += 1;
            Err(refused(Refusal::new(WireCode::CursorExpired, "")))
        } else {
            let (result, news) = self.ledger.answer(&call);
            self.announce(news);
            result
        };
        let word = result.as_ref().err().cloned();
        self.note(format_args!("server answers computer {computer}, {word:?}"));
        if self.chance.happens(self.weather.answer_lost) {
            self.tally.http_lost += 1;
            if self.chance.happens(0.5) {
                // Nothing more is heard.
                return self.put(self.now + 60_000, Parcel::Answered { computer, result: Err(gone), reply });
            }
            return self.answer(computer, Err(gone), reply);
        }
        self.answer(computer, result, reply);
    }

    fn answer(&mut self, computer: usize, result: Result<Value, HttpFailure>, reply: HttpReply) {
        let at = self.now + self.delay();
        self.put(at, Parcel::Answered { computer, result, reply });
    }

    // What the server says.

    /// When something said now arrives at the client: in order, unless it is to be out of order.
    fn down(&mut self, socket: u64, out_of_order: bool) -> u64 {
        let delay = self.delay();
        let extra = self.chance.between(1, 3_000);
        let Some(known) = self.sockets.get_mut(&socket) else { return self.now };
        if out_of_order {
            return self.now + extra;
        }
        known.last_down = known.last_down.max(self.now + delay);
        known.last_down
    }

    fn tell(&mut self, socket: u64, event: ServerEvent) {
        if self.sockets.get(&socket).is_none_or(|known| known.closed) {
            return;
        }
        if self.chance.happens(self.weather.drop) {
            self.tally.drops += 1;
            self.note(format_args!("socket {socket}: dropped {}", describe(&event)));
            return;
        }
        if self.chance.happens(self.weather.double) {
            self.tally.doubles += 1;
            let at = self.down(socket, true);
            self.put(at, Parcel::Hear { socket, event: Box::new(event.clone()) });
        }
        let out_of_order = self.chance.happens(self.weather.reorder);
        self.tally.reorders += u64::from(out_of_order);
        let at = self.down(socket, out_of_order);
        self.put(at, Parcel::Hear { socket, event: Box::new(event) });
    }

    fn end(&mut self, socket: u64, reason: SessionEndReason) {
        self.tell(socket, ServerEvent::SessionEnded(SessionEnded { reason }));
        let at = self.down(socket, false);
        self.put(at, Parcel::Lose { socket });
        if let Some(known) = self.sockets.get_mut(&socket) {
            known.closed = true;
        }
    }

    /// Tells the sockets what they have to hear, as the real server does.
    pub(super) fn announce(&mut self, news: Vec<News>) {
        for news in news {
            let sockets: Vec<u64> =
                self.sockets.iter().filter(|(_, socket)| !socket.closed).map(|(id, _)| *id).collect();
            for id in sockets {
                let Some(socket) = self.sockets.get_mut(&id) else { continue };
                let user = socket.bearer.user.clone();
                let event = match &news {
                    News::Expelled(whom, room) if *whom == user => {
                        socket.joined.remove(room);
                        Some(super::ledger::removal(room))
                    }
                    News::Ended(session) => {
                        if socket.bearer.session == *session {
                            self.end(id, SessionEndReason::Revoked);
                        }
                        None
                    }
                    news => news.for_socket(&user, &socket.joined, &self.ledger),
                };
                if let Some(event) = event {
                    self.tell(id, event);
                }
            }
        }
    }
}

fn millis(at: Timestamp) -> u64 {
    u64::try_from(at.as_millis() - EPOCH_MS).unwrap_or(0)
}

/// An event by its name and positions.
fn describe(event: &ServerEvent) -> String {
    match event {
        ServerEvent::NewMessage(message) => format!("new_message {}", message.id),
        ServerEvent::MessageChanged(change) => format!("message_changed {} at {}", change.message.id, change.seq),
        ServerEvent::Receipt(receipt) => {
            let up_to = receipt.up_to_seq.unwrap_or_default();
            format!("receipt {:?} of {} in {} up to {up_to}", receipt.kind, receipt.user_id, receipt.room_id)
        }
        other => other.name().to_owned(),
    }
}
