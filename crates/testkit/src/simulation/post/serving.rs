//! What the server makes of what arrives, and what it then says.
//!
//! Invariant: it answers and tells as the real one does, from the ledger alone; the weather decides what of that gets lost.

use std::collections::BTreeSet;

use hugmedo_chat_core::{
    ErrorCode,
    transport::{ConnectFailure, HttpCall, HttpFailure},
};
use hugmedo_chat_protocol::{
    ConnectAuth, ErrorCode as WireCode, Refusal, ServerEvent, SessionEndReason, SessionEnded, SessionInfo,
};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    super::ledger::{self, Answer, News, refused},
    Accepted, AckReply, HttpReply, INBOX, Line, Parcel, Post, RENEWAL_HELD_MS, Socket, describe, millis,
};

impl Post {
    pub(super) fn admit(&mut self, computer: usize, auth: &ConnectAuth) -> Result<Accepted, ConnectFailure> {
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

    pub(super) fn said(&mut self, socket: u64, event: &'static str, payload: Value, reply: Option<AckReply>) {
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

    pub(super) fn asked(&mut self, computer: usize, call: HttpCall, asked_at: u64, reply: HttpReply) {
        let gone = HttpFailure::Failed(ErrorCode::Unreachable);
        match self.line(computer) {
            Line::Silent => {
                return self.put(self.now + 60_000, Parcel::Ask { computer, call, asked_at, reply });
            }
            Line::Cut => return self.answer(computer, Err(gone), reply),
            Line::Up => {}
        }
        if call.path == "/api/token" && self.now.saturating_sub(asked_at) > RENEWAL_HELD_MS {
            return self.answer(computer, Err(gone), reply);
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

    pub(super) fn end(&mut self, socket: u64, reason: SessionEndReason) {
        self.tell(socket, ServerEvent::SessionEnded(SessionEnded { reason }));
        let at = self.down(socket, false);
        self.put(at, Parcel::Lose { socket });
        if let Some(known) = self.sockets.get_mut(&socket) {
            known.closed = true;
        }
    }

    /// Tells the sockets what they have to hear, as the real server does.
    pub(in super::super) fn announce(&mut self, news: Vec<News>) {
        for news in news {
            let sockets: Vec<u64> =
                self.sockets.iter().filter(|(_, socket)| !socket.closed).map(|(id, _)| *id).collect();
            for id in sockets {
                let Some(socket) = self.sockets.get_mut(&id) else { continue };
                let user = socket.bearer.user.clone();
                let event = match &news {
                    News::Expelled(whom, room) if *whom == user => {
                        socket.joined.remove(room);
                        Some(ledger::removal(room))
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
