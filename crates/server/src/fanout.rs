//! Telling sockets what happened. A hint only: whoever misses it finds it by sync.
//!
//! Invariants: called only with what is durable; whom to tell comes from the members read in the very transaction that made
//! the news, so nobody who is not a member hears of it, whatever a socket joined earlier; a socket whose buffer is full
//! is closed instead of skipped, because then its client knows that it missed something.

use std::{sync::Arc, time::Duration};

use hugmedo_chat_protocol::{
    Message, Notification, Room, RoomChanged, RoomId, ServerEvent, SessionEndReason, SessionEnded, TypingNotice, UserId,
};
use serde_json::value::{RawValue, to_raw_value};
use socketioxide::{SendError, SocketError, SocketIo, extract::SocketRef};
use tokio::sync::{broadcast, watch};

use crate::{credential::SessionId, metrics::Closed, socket::Link};

/// What those who live inside the server (see [`crate::demo`]) hear.
#[derive(Debug, Clone)]
pub(crate) enum Heard {
    /// Someone opened a socket.
    Arrived,
    /// Someone said something.
    Said(Arc<Message>),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Fanout {
    io: SocketIo,
    /// Moves whenever there may be something new to sync.
    moved: watch::Sender<u64>,
    heard: broadcast::Sender<Heard>,
}

/// How often a full socket is tried to be closed.
const HANG_UP_EVERY: Duration = Duration::from_millis(250);
/// After this many tries the heartbeat will have closed it.
const HANG_UP_TRIES: usize = 240;

impl Fanout {
    pub(crate) fn new(io: SocketIo) -> Self {
        Self { io, moved: watch::Sender::new(0), heard: broadcast::channel(256).0 }
    }

    /// For waiting until there may be something new to sync.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// For those who live inside the server.
    pub(crate) fn listen(&self) -> broadcast::Receiver<Heard> {
        self.heard.subscribe()
    }

    pub(crate) fn hear(&self, heard: Heard) {
        // Nobody listening is the usual case.
        let _ = self.heard.send(heard);
    }

    /// Wakes those who wait for something to sync.
    pub(crate) fn wake(&self) {
        self.moved.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// The rooms of socketioxide that sockets are found by. Names come from the store, never from a client's payload.
    pub(crate) fn user_room(user: &UserId) -> String {
        format!("user:{user}")
    }

    pub(crate) fn session_room(session: &SessionId) -> String {
        format!("session:{}", session.as_str())
    }

    fn within(&self, room: String) -> Vec<SocketRef> {
        // After close() there is no namespace any more.
        self.io.of("/").map(|namespace| namespace.within(room).sockets()).unwrap_or_default()
    }

    pub(crate) fn sockets_of(&self, user: &UserId) -> Vec<SocketRef> {
        self.within(Self::user_room(user))
    }

    pub(crate) fn sockets_of_session(&self, session: &SessionId) -> Vec<SocketRef> {
        self.within(Self::session_room(session))
    }

    pub(crate) fn all_sockets(&self) -> Vec<SocketRef> {
        self.io.of("/").map(|namespace| namespace.sockets()).unwrap_or_default()
    }

    /// Tells the sockets of these people which have joined the room. Returns the people with a socket that has not.
    pub(crate) fn to_joined(&self, room: &RoomId, people: &[UserId], event: &ServerEvent) -> Vec<UserId> {
        let Some(event) = Written::of(event) else { return Vec::new() };
        let mut elsewhere = Vec::new();
        for user in people {
            let mut is_elsewhere = false;
            for socket in self.sockets_of(user) {
                if link(&socket).is_some_and(|link| link.has_joined(room)) {
                    send(&socket, &event);
                } else {
                    is_elsewhere = true;
                }
            }
            if is_elsewhere {
                elsewhere.push(user.clone());
            }
        }
        elsewhere
    }

    /// Tells a person's sockets which have not joined the room.
    pub(crate) fn notify(&self, user: &UserId, notification: Notification) {
        let room = notification.room_id.clone();
        let event = ServerEvent::Notification(notification);
        for socket in self.sockets_of(user) {
            if link(&socket).is_some_and(|link| !link.has_joined(&room)) {
                emit(&socket, &event);
            }
        }
    }

    /// Tells all sockets of a person.
    pub(crate) fn to_user(&self, user: &UserId, event: &ServerEvent) {
        let Some(event) = Written::of(event) else { return };
        for socket in self.sockets_of(user) {
            send(&socket, &event);
        }
    }

    /// Tells people of a room they are in, each as they see it.
    pub(crate) fn room_changed(&self, views: Vec<(UserId, Room)>) {
        for (user, room) in views {
            self.to_user(&user, &ServerEvent::RoomChanged(RoomChanged { room }));
        }
    }

    /// Tells the other people that someone is writing.
    pub(crate) fn typing(&self, people: &[UserId], notice: TypingNotice) {
        let (room, writer) = (notice.room_id.clone(), notice.user_id.clone());
        let others: Vec<UserId> = people.iter().filter(|user| **user != writer).cloned().collect();
        self.to_joined(&room, &others, &ServerEvent::Typing(notice));
    }

    /// Takes a room from a person's sockets and says so.
    pub(crate) fn expel(&self, room: &RoomId, user: &UserId) {
        let event = ServerEvent::RoomRemoved(hugmedo_chat_protocol::RoomRemoved { room_id: room.clone() });
        for socket in self.sockets_of(user) {
            if let Some(link) = link(&socket) {
                link.leave(room);
            }
            emit(&socket, &event);
        }
    }

    /// Ends these sockets, saying why.
    pub(crate) fn end(&self, sockets: Vec<SocketRef>, reason: SessionEndReason) {
        // Who waits for something to sync has no session any more either.
        self.wake();
        for socket in sockets {
            end(socket, reason);
        }
    }
}

/// What this server knows of a socket.
pub(crate) fn link(socket: &SocketRef) -> Option<Arc<Link>> {
    socket.extensions.get::<Arc<Link>>()
}

/// What became of an event for a socket.
pub(crate) enum Offered {
    /// It is on its way, or nobody is there to take it.
    Done,
    /// There is no place for it just now.
    Full,
}

/// An event as it goes out: written once, however many hear it.
struct Written<'a> {
    name: &'a str,
    payload: Box<RawValue>,
}

impl<'a> Written<'a> {
    fn of(event: &'a ServerEvent) -> Option<Self> {
        match event.payload().and_then(|payload| to_raw_value(&payload)) {
            Ok(payload) => Some(Self { name: event.name(), payload }),
            Err(_) => {
                tracing::error!(event = event.name(), "an event could not be written as JSON");
                None
            }
        }
    }

    /// Sends it if the socket can take it.
    fn offer(&self, socket: &SocketRef) -> Offered {
        match socket.emit(self.name, &self.payload) {
            Err(SendError::Socket(SocketError::InternalChannelFull)) => Offered::Full,
            _ => Offered::Done,
        }
    }
}

/// Sends an event if the socket can take it.
pub(crate) fn offer(socket: &SocketRef, event: &ServerEvent) -> Offered {
    Written::of(event).map_or(Offered::Done, |event| event.offer(socket))
}

/// Sends an event, or closes a socket that cannot take it.
pub(crate) fn emit(socket: &SocketRef, event: &ServerEvent) {
    if let Some(event) = Written::of(event) {
        send(socket, &event);
    }
}

fn send(socket: &SocketRef, event: &Written<'_>) {
    if let Offered::Full = event.offer(socket) {
        if let Some(link) = link(socket) {
            link.metrics.closed(Closed::SlowReader);
        }
        tracing::info!(socket = %socket.id, "closing a socket that reads too slowly");
        hang_up(socket.clone());
    }
}

/// Says why a socket's session is over and closes it.
pub(crate) fn end(socket: SocketRef, reason: SessionEndReason) {
    if let Some(link) = link(&socket) {
        link.metrics.closed(Closed::SessionEnded);
    }
    emit(&socket, &ServerEvent::SessionEnded(SessionEnded { reason }));
    hang_up(socket);
}

/// Closes a socket. `disconnect` refuses while the buffer is full, hence the tries; meanwhile nothing it sends is heard.
pub(crate) fn hang_up(socket: SocketRef) {
    if let Some(link) = link(&socket)
        && link.close()
    {
        return;
    }
    if socket.clone().disconnect().is_ok() {
        return;
    }
    tokio::spawn(async move {
        for _ in 0..HANG_UP_TRIES {
            tokio::time::sleep(HANG_UP_EVERY).await;
            if !socket.connected() || socket.clone().disconnect().is_ok() {
                break;
            }
        }
    });
}
