//! Everything between the computers and the server: what is on its way, when it arrives, and what becomes of it.
//! What the server makes of it is in [`serving`].
//!
//! Invariants: what happens next depends on the seed alone; the server does what arrives, in the order of arrival, and tells
//! it to those who have to hear; a fault befalls what is on its way, never what is in the ledger.

mod serving;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hugmedo_chat_core::{
    ErrorCode,
    transport::{ConnectFailure, HttpCall, HttpFailure, LinkFailure},
};
use hugmedo_chat_protocol::{ConnectAuth, RoomId, ServerEvent, SessionEndReason, Timestamp};
use serde_json::Value;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::{
    Tally,
    chance::Chance,
    ledger::{Bearer, Ledger},
    trace::Trace,
    weather::Weather,
};

/// When the simulation begins.
pub(super) const EPOCH_MS: i64 = 1_800_000_000_000;
/// A renewal that the network has held back for longer than this never arrives. Arriving after its successor's use, it would end the
/// session as a thief's does: with real tokens that takes nine minutes, with those of the simulation half of one.
const RENEWAL_HELD_MS: u64 = 30_000;
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
    Ask { computer: usize, call: HttpCall, asked_at: u64, reply: HttpReply },
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
        self.put(at + delay, Parcel::Ask { computer, call, asked_at: at, reply });
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
            Parcel::Ask { computer, call, asked_at, reply } => {
                self.asked(computer, call, asked_at, reply);
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
