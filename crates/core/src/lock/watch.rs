//! Counting what comes in while the app is locked, and raising what is urgent, without keeping a word of it.
//!
//! Invariant: of a message its ids, its place and its urgency are kept, never who wrote it or what.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Weak},
    time::Duration,
};

use hugmedo_chat_protocol::{
    ErrorCode as WireCode, Message, MessageId, Receipt, ReceiptKind, RoomId, Seq, ServerEvent, SessionEndReason,
    Timestamp, UserId,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{
    Known, bare,
    gap::{self, Gap},
    summary::{Recount, Summary},
};
use crate::{
    alerts,
    backoff::Backoff,
    core::Inner,
    error::ErrorCode,
    host::NativeNotification,
    notify,
    opening::Way,
    remains,
    store::{notified::Unanswered, unread::Unread},
    tokens::TokenFailure,
    transport::HttpFailure,
    view::{Gaze, RoomView, ViewChange},
};

/// How long the server is left alone where the settings allow no further attempt: while locked nobody is there to ask for one.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Why a page of sync did not come.
enum Missing {
    Session,
    Cursor,
    Link,
}

/// An urgent message that nobody has taken on.
struct Alarm {
    notification: NativeNotification,
    first_at: Timestamp,
    last_at: Timestamp,
}

impl Alarm {
    fn new(notification: NativeNotification, now: Timestamp) -> Self {
        Self { notification: NativeNotification { repeated: true, ..notification }, first_at: now, last_at: now }
    }
}

struct Watch {
    me: UserId,
    way: Way,
    cursor: Option<String>,
    unread: BTreeMap<(RoomId, Seq), Unread>,
    rooms: BTreeMap<RoomId, RoomView>,
    /// Those that came while locked.
    alarms: BTreeMap<(RoomId, MessageId), Alarm>,
    /// Each room's notification for its routine messages.
    routine: BTreeMap<RoomId, Summary>,
    /// When a routine one sounded last.
    sounded: Option<Timestamp>,
}

/// Runs until the lock is opened or the session is over.
pub(super) async fn run(inner: Weak<Inner>, me: UserId, way: Way, known: Known, stop: CancellationToken) {
    let unread = known.unread.into_iter().map(|unread| ((unread.room_id.clone(), unread.seq), unread)).collect();
    let standing = known.standing.into_iter().filter(|(.., told)| *told > 0);
    let summary = |notification| Summary::new(notification, BTreeMap::new());
    let mut routine: BTreeMap<_, _> =
        standing.map(|(notification, ..)| (notification.room_id.clone(), summary(notification))).collect();
    for (room, seq, id) in known.told {
        if let Some(summary) = routine.get_mut(&room) {
            summary.tell_of(seq, id);
        }
    }
    let mut watch = Watch {
        me,
        way,
        cursor: known.cursor,
        unread,
        rooms: known.rooms,
        alarms: BTreeMap::new(),
        routine,
        sounded: None,
    };
    if let Some(inner) = inner.upgrade() {
        watch.alarms = known.unanswered.into_iter().filter_map(|waiting| watch.alarm(&inner, waiting)).collect();
    }
    let mut backoff = Backoff::default();
    loop {
        // Renewing a token is never cut off: the server has exchanged it by then, and the new one would be lost.
        let page = watch.page(&stop).await;
        let Some(inner) = inner.upgrade().filter(|_| !stop.is_cancelled()) else { return };
        watch.repeat(&inner);
        let missing = match page {
            Ok(page) => {
                backoff.reset();
                watch.forget_missing(&inner, &page);
                watch.take_in(&inner, page.page.changes);
                continue;
            }
            Err(missing) => missing,
        };
        match missing {
            Missing::Session => return inner.end_locked_session(SessionEndReason::Revoked).await,
            Missing::Cursor => watch.cursor = None,
            Missing::Link => {}
        }
        let settings = inner.preferences().connection;
        let pause = backoff.next(&settings, inner.config.surroundings.chance()).unwrap_or(LONGEST_PAUSE);
        drop(inner);
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = sleep(pause) => {}
        }
    }
}

impl Watch {
    /// The changes since the last page, waited for if there are none; or where it is not known which those are, what they come to.
    async fn page(&mut self, stop: &CancellationToken) -> Result<Gap, Missing> {
        let mut token = self.way.tokens.fresh().await.map_err(missing)?;
        for renewed in [false, true] {
            let asked = async {
                match &self.cursor {
                    Some(cursor) => {
                        let page = self.way.api.wait(&token, cursor).await?;
                        Ok(Gap { page, whole_from: BTreeMap::new() })
                    }
                    None => gap::fetch(&self.way.api, &token, &self.me, self.rooms.keys()).await,
                }
            };
            let answer = tokio::select! {
                biased;
                () = stop.cancelled() => return Err(Missing::Link),
                answer = asked => answer,
            };
            match answer {
                Ok(gap) => {
                    self.cursor = Some(gap.page.cursor.clone());
                    return Ok(gap);
                }
                Err(HttpFailure::Refused(error)) => match error.code {
                    WireCode::CursorExpired => return Err(Missing::Cursor),
                    WireCode::Unauthorized | WireCode::TokenExpired if !renewed => {
                        token = self.way.tokens.after_refusal().await.map_err(missing)?;
                    }
                    WireCode::Unauthorized | WireCode::TokenExpired => return Err(Missing::Session),
                    _ => return Err(Missing::Link),
                },
                Err(HttpFailure::Foreign | HttpFailure::Failed(_)) => return Err(Missing::Link),
            }
        }
        Err(Missing::Session)
    }

    /// What is not there any more is not unread.
    fn forget_missing(&mut self, inner: &Inner, gap: &Gap) {
        let told = gap.page.changes.iter().filter_map(|event| match event {
            ServerEvent::NewMessage(message) => Some(&message.id),
            _ => None,
        });
        let told: BTreeSet<_> = told.collect();
        let is_missing = |unread: &Unread| {
            gap.whole_from.get(&unread.room_id).is_some_and(|from| unread.seq >= *from) && !told.contains(&unread.id)
        };
        let missing: Vec<_> =
            self.unread.extract_if(.., |_, unread| is_missing(unread)).map(|(_, unread)| unread).collect();
        for Unread { room_id, id, .. } in missing {
            if !self.recount(inner, &room_id, |_, told| *told != id) {
                inner.notifier.withdraw(std::slice::from_ref(&id));
            }
            self.alarms.remove(&(room_id, id));
        }
    }

    fn take_in(&mut self, inner: &Inner, events: Vec<ServerEvent>) {
        let mut due = BTreeMap::new();
        for event in events {
            match event {
                ServerEvent::NewMessage(message) => due.extend(self.new_message(inner, &message)),
                ServerEvent::MessageChanged(change) if change.message.deleted_at.is_some() => {
                    let (room, id) = (&change.room_id, &change.message.id);
                    self.unread.retain(|_, unread| unread.room_id != *room || unread.id != *id);
                    self.alarms.remove(&(room.clone(), id.clone()));
                    if !self.recount(inner, room, |_, told| told != id) {
                        inner.notifier.withdraw(std::slice::from_ref(id));
                    }
                }
                ServerEvent::Receipt(Receipt {
                    kind: ReceiptKind::Acknowledged,
                    room_id,
                    message_id: Some(id),
                    ..
                }) => {
                    let read = !self.unread.values().any(|unread| unread.room_id == room_id && unread.id == id);
                    // What is read already has no other reason to be on the screen.
                    if self.alarms.remove(&(room_id, id.clone())).is_some() && read {
                        inner.notifier.withdraw(std::slice::from_ref(&id));
                    }
                }
                ServerEvent::Receipt(receipt) if receipt.user_id == self.me && receipt.kind == ReceiptKind::Read => {
                    let up_to = receipt.up_to_seq.unwrap_or(Seq::ZERO);
                    let is_read = |room: &RoomId, seq: Seq| *room == receipt.room_id && seq <= up_to;
                    self.recount(inner, &receipt.room_id, |seq, _| seq > up_to);
                    let read = self.unread.values().filter(|unread| is_read(&unread.room_id, unread.seq));
                    let read: Vec<_> = read.map(|unread| unread.id.clone()).collect();
                    inner.notifier.withdraw(&read);
                    self.unread.retain(|(room, seq), _| !is_read(room, *seq));
                    due.retain(|room, _| self.routine.contains_key(room));
                    if let Some(room) = self.rooms.get_mut(&receipt.room_id) {
                        room.read_seq = room.read_seq.max(up_to);
                    }
                }
                ServerEvent::RoomChanged(changed) => {
                    let room = self.rooms.entry(changed.room.id.clone()).or_insert_with_key(bare::unknown_room);
                    room.kind = changed.room.kind;
                }
                ServerEvent::RoomRemoved(removed) => {
                    self.rooms.remove(&removed.room_id);
                    let unread = self.unread.values().map(|unread| (&unread.room_id, &unread.id));
                    let told = unread.chain(self.alarms.keys().map(|(room, id)| (room, id)));
                    let left: BTreeSet<_> =
                        told.filter(|(room, _)| **room == removed.room_id).map(|(_, id)| id).collect();
                    inner.notifier.withdraw(&left.into_iter().cloned().collect::<Vec<_>>());
                    self.unread.retain(|(room, _), _| *room != removed.room_id);
                    self.alarms.retain(|(room, _), _| *room != removed.room_id);
                    self.routine.remove(&removed.room_id);
                    due.remove(&removed.room_id);
                }
                _ => {}
            }
        }
        for room in due.into_keys() {
            // What was said of it meanwhile counts.
            if let Some(notification) = self.routine.get(&room).map(|summary| summary.notification.clone()) {
                self.raise(inner, notification);
            }
        }
        let (all, urgent) = bare::counts(self.unread.values(), &self.rooms);
        let changed = inner.with_lock(|lock| {
            let before = (lock.view.unread, lock.view.urgent);
            (lock.view.unread, lock.view.urgent) = (all, urgent);
            before != (lock.view.unread, lock.view.urgent)
        });
        if changed == Some(true) {
            inner.hub.publish(ViewChange::LockChanged { lock: inner.lock_view() });
        }
    }

    /// What goes on of an urgent message that was raised before the lock.
    fn alarm(&self, inner: &Inner, waiting: Unanswered) -> Option<((RoomId, MessageId), Alarm)> {
        let Unanswered { message, first_at, last_at, .. } = waiting;
        let preferences = bare::preferences(inner.preferences());
        let notification = notify::word(&message, self.rooms.get(&message.room_id)?, 0, &preferences);
        let notification = NativeNotification { repeated: true, ..notification };
        Some(((message.room_id, message.id), Alarm { notification, first_at, last_at }))
    }

    /// Raises again what nobody has taken on. The wait for a page ends often enough to be on time.
    fn repeat(&mut self, inner: &Inner) {
        let now = inner.config.surroundings.now();
        let every = alerts::every(inner.preferences().urgent_repeat_minutes);
        self.alarms.retain(|_, alarm| {
            let Some(due) = alerts::due_at(alarm.first_at, alarm.last_at, every) else { return false };
            if due <= now {
                alarm.last_at = now;
                inner.notifier.notify(alarm.notification.clone());
            }
            true
        });
    }

    /// Notes a message. An urgent one alerts at once; of routine ones the room's one notification is returned, to be raised once
    /// the whole page is known.
    fn new_message(&mut self, inner: &Inner, message: &Message) -> Option<(RoomId, NativeNotification)> {
        let seq = message.seq.filter(|_| message.user_id != self.me && message.deleted_at.is_none())?;
        let room = self.rooms.entry(message.room_id.clone()).or_insert_with_key(bare::unknown_room);
        if seq <= room.read_seq {
            return None;
        }
        let (room_id, id) = (message.room_id.clone(), message.id.clone());
        let urgent = message.priority == hugmedo_chat_protocol::Priority::Urgent;
        let unread = Unread { room_id: room_id.clone(), seq, id: id.clone(), urgent };
        if self.unread.insert((room_id.clone(), seq), unread).is_some() {
            return None;
        }
        let preferences = bare::preferences(inner.preferences());
        let moment = inner.config.surroundings.moment();
        notify::decide(message, seq, room, &self.me, &Gaze::default(), &preferences, moment).ok()?;
        let more = self.routine.get(&room_id).map_or(0, Summary::len);
        let notification = notify::word(message, room, if urgent { 0 } else { more }, &preferences);
        // By an earlier run of the app, which was locked like this one.
        let told = inner.with_lock(|lock| lock.told.of(&room_id, &id)).flatten();
        if urgent {
            let first_at = told.flatten().unwrap_or(moment.now);
            self.alarms.insert((room_id.clone(), id.clone()), Alarm::new(notification.clone(), first_at));
        }
        if told.is_some() {
            return None;
        }
        inner.with_lock(|lock| lock.told.note(&room_id, &id, urgent.then_some(moment.now)));
        if urgent {
            self.raise(inner, notification);
            return None;
        }
        let before = self.routine.remove(&room_id);
        let mut told = BTreeMap::from([(seq, id)]);
        if let Some(before) = before {
            inner.notifier.withdraw(std::slice::from_ref(&before.notification.message_id));
            told.extend(before.into_told());
        }
        self.routine.insert(room_id.clone(), Summary::new(notification.clone(), told));
        Some((room_id, notification))
    }

    /// Lets a room's notification tell of no more of its messages than these. Returns whether it told of others.
    fn recount(&mut self, inner: &Inner, room: &RoomId, is_told: impl Fn(Seq, &MessageId) -> bool) -> bool {
        let preferences = bare::preferences(inner.preferences());
        let changed = self.routine.get_mut(room).and_then(|summary| summary.keep(is_told, &preferences));
        match &changed {
            Some(Recount::Gone(shown)) => {
                self.routine.remove(room);
                inner.notifier.withdraw(std::slice::from_ref(shown));
            }
            Some(Recount::Other(shown, other)) => inner.notifier.replace(shown, other.clone()),
            None => {}
        }
        changed.is_some()
    }

    fn raise(&mut self, inner: &Inner, notification: NativeNotification) {
        let now = inner.config.surroundings.now();
        let sound = notification.sound.filter(|sound| alerts::is_heard(*sound, &mut self.sounded, now));
        inner.notifier.notify(NativeNotification { sound, ..notification });
    }
}

fn missing(failure: TokenFailure) -> Missing {
    match failure {
        TokenFailure::Ended => Missing::Session,
        TokenFailure::Failed(ErrorCode::SessionExpired) => Missing::Session,
        TokenFailure::Failed(_) => Missing::Link,
    }
}

impl Inner {
    /// The server ended the session of a locked account.
    async fn end_locked_session(self: Arc<Self>, reason: SessionEndReason) {
        let turn = self.turnstile.lock().await;
        let Some((name, way, held)) = self.with_lock(|lock| (lock.name.clone(), lock.way.clone(), lock.held.is_some()))
        else {
            return;
        };
        if held {
            // Its supervisor has been told the same, and ends it.
            return;
        }
        self.drop_lock();
        if let Err(error) = self.vault.forget_session().await {
            tracing::warn!(%error, "the ended session is still in the keychain");
        }
        self.tell_signed_out(Some(reason));
        drop(turn);
        remains::settle(&self, &name, &way.tokens).await;
    }
}
