//! What has been raised: taking it back once it is settled, and raising what is urgent again until someone takes it on.
//!
//! Invariants: a notification does not outlast its reason, which is gone when its message was read on any device or taken back, or
//! its room or account is left; reading an urgent message is not taking it on; what is raised again is remembered over restarts.
//! What an earlier run of the app has left on the screen is taken over or taken back when the account is opened.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hugmedo_chat_protocol::{Message, MessageId, Priority, RoomId, Seq, Timestamp, UserId};
use rusqlite::Connection;
use tokio::time::sleep;

use crate::{
    account::Account,
    core::Core,
    error::Error,
    host::{NativeNotification, Sound},
    notify,
    store::{notified, rooms},
    view::{Preferences, RoomView, ViewChange},
};

/// An urgent message that nobody takes on is raised again for this long.
pub(crate) const REPEATED_FOR: Duration = Duration::from_secs(20 * 60);
/// A store that fails is asked again.
const PAUSE: Duration = Duration::from_secs(30);

/// After a routine sound, how long further ones are left out: a burst is heard once.
const SOUND_PAUSE_MS: i64 = 10_000;

/// A notification, the position of its message, and of how many routine messages it tells.
pub(crate) type Standing = (NativeNotification, Seq, usize);

/// A notification that may still be on the screen.
struct Bubble {
    message: MessageId,
    /// Of how many routine messages it tells; none for an urgent one, which tells of itself.
    routine: usize,
}

type Bubbles = BTreeMap<RoomId, BTreeMap<Seq, Bubble>>;

/// The notifications that may still be on the screen. A room has one for all its routine messages, and one for each urgent one.
#[derive(Default)]
pub(crate) struct Raised {
    bubbles: Mutex<Bubbles>,
    /// When a routine one sounded last.
    sounded: Mutex<Option<Timestamp>>,
}

impl Raised {
    fn rooms(&self) -> MutexGuard<'_, Bubbles> {
        self.bubbles.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a notification is heard now.
    fn is_heard(&self, sound: Sound, now: Timestamp) -> bool {
        is_heard(sound, &mut self.sounded.lock().unwrap_or_else(PoisonError::into_inner), now)
    }

    /// Notes one. Returns those whose place it takes.
    fn note(&self, room: &RoomId, seq: Seq, bubble: Bubble) -> Vec<MessageId> {
        let mut rooms = self.rooms();
        let raised = rooms.entry(room.clone()).or_default();
        let mut replaced = Vec::new();
        if bubble.routine > 0 {
            replaced.extend(raised.extract_if(.., |_, known| known.routine > 0).map(|(_, known)| known.message));
        }
        raised.insert(seq, bubble);
        replaced
    }

    /// Of how many routine messages each room's notification tells.
    pub(crate) fn routine(&self) -> BTreeMap<RoomId, usize> {
        let told = |raised: &BTreeMap<Seq, Bubble>| raised.values().map(|bubble| bubble.routine).sum();
        self.rooms().iter().map(|(room, raised)| (room.clone(), told(raised))).collect()
    }

    /// Forgets and returns what a room has up to here.
    fn read(&self, room: &RoomId, up_to: Seq) -> Vec<MessageId> {
        let mut rooms = self.rooms();
        let Some(raised) = rooms.get_mut(room) else { return Vec::new() };
        let later = raised.split_off(&up_to.next());
        std::mem::replace(raised, later).into_values().map(|bubble| bubble.message).collect()
    }

    /// Forgets and returns what a room has.
    fn room_gone(&self, room: &RoomId) -> Vec<MessageId> {
        let raised = self.rooms().remove(room).unwrap_or_default();
        raised.into_values().map(|bubble| bubble.message).collect()
    }

    /// Forgets a message that tells of nothing but itself. Returns whether it was there.
    fn gone(&self, room: &RoomId, message: &MessageId) -> bool {
        let mut rooms = self.rooms();
        let Some(raised) = rooms.get_mut(room) else { return false };
        let before = raised.len();
        raised.retain(|_, known| known.message != *message || known.routine > 1);
        before > raised.len()
    }

    /// The notification of a room that tells of several messages, and of how many.
    fn summary(&self, room: &RoomId) -> Option<(MessageId, usize)> {
        let rooms = self.rooms();
        let bubble = rooms.get(room)?.values().find(|bubble| bubble.routine > 1)?;
        Some((bubble.message.clone(), bubble.routine))
    }

    /// Puts another in the place of that one, or nothing. Returns whether it was still as it was.
    fn replace(&self, room: &RoomId, before: &(MessageId, usize), by: Option<(Seq, Bubble)>) -> bool {
        let mut rooms = self.rooms();
        let Some(raised) = rooms.get_mut(room) else { return false };
        let is_it = |bubble: &Bubble| (&bubble.message, bubble.routine) == (&before.0, before.1);
        let was_there = raised.extract_if(.., |_, bubble| is_it(bubble)).count() > 0;
        if was_there {
            raised.extend(by);
        }
        was_there
    }
}

impl Account {
    /// Raises a notification, of the message at this place; `routine` is of how many routine ones it tells. Of these the room's
    /// earlier one told, and is taken back.
    pub(crate) fn raise(&self, notification: NativeNotification, seq: Seq, routine: usize) {
        // Its words were chosen before the lock, which has its own.
        if self.is_locked() || self.stop.is_cancelled() {
            return;
        }
        let now = self.surroundings.now();
        let sound = notification.sound.filter(|sound| self.raised.is_heard(*sound, now));
        let notification = NativeNotification { sound, ..notification };
        let bubble = Bubble { message: notification.message_id.clone(), routine };
        let replaced = self.raised.note(&notification.room_id, seq, bubble);
        if !replaced.is_empty() {
            self.notifier.withdraw(&replaced);
        }
        self.notifier.notify(notification);
    }

    /// Shows a room as it is now. What was read in it needs no notification any more.
    pub(crate) async fn show_room(&self, room: RoomView) {
        let settled = self.raised.read(&room.id, room.read_seq);
        if !settled.is_empty() {
            self.notifier.withdraw(&settled);
        }
        if let Err(error) = self.recount(&room.id).await {
            tracing::warn!(%error, "a notification may tell of too many messages");
        }
        self.hub.publish(ViewChange::RoomUpserted { room });
    }

    /// Lets a notification that tells of several messages tell of those that are unread still.
    async fn recount(&self, room: &RoomId) -> Result<(), Error> {
        let Some(before) = self.raised.summary(room).filter(|_| !self.is_locked()) else { return Ok(()) };
        let (me, of, preferences) = (self.me.id.clone(), room.clone(), self.preferences());
        let standing = self.store.read(move |connection| standing(connection, &me, Some(&of), &preferences)).await?;
        let now = standing.into_iter().find(|(.., routine)| *routine > 0);
        match now {
            Some((notification, _, routine)) if (&notification.message_id, routine) == (&before.0, before.1) => {}
            Some((notification, seq, routine)) => {
                let bubble = Bubble { message: notification.message_id.clone(), routine };
                if self.raised.replace(room, &before, Some((seq, bubble))) {
                    self.notifier.replace(&before.0, NativeNotification { sound: None, ..notification });
                }
            }
            None if self.raised.replace(room, &before, None) => self.notifier.withdraw(&[before.0]),
            None => {}
        }
        Ok(())
    }

    /// A room is left, and with it what was told of it.
    pub(crate) fn withdraw_room(&self, room: &RoomId) {
        let gone = self.raised.room_gone(room);
        if !gone.is_empty() {
            self.notifier.withdraw(&gone);
        }
    }

    /// Brings what is on the screen into line with what is unread: what an earlier run of the app has raised, or the lock. Call
    /// before anything new can come in.
    pub(crate) async fn settle_notifications(&self) -> Result<(), Error> {
        let (me, preferences) = (self.me.id.clone(), self.preferences());
        let standing = self.store.read(move |connection| standing(connection, &me, None, &preferences)).await?;
        for (notification, seq, routine) in &standing {
            let bubble = Bubble { message: notification.message_id.clone(), routine: *routine };
            self.raised.note(&notification.room_id, *seq, bubble);
        }
        self.notifier.settle(standing.into_iter().map(|(notification, ..)| notification).collect());
        Ok(())
    }

    /// A message was taken back, and with it what was told of it.
    pub(crate) fn withdraw(&self, room: &RoomId, message: &MessageId) {
        if self.raised.gone(room, message) {
            self.notifier.withdraw(std::slice::from_ref(message));
        }
    }
}

/// The notifications of what has raised one and is unread still, everywhere or in one room: one for a room's routine messages, one
/// for each urgent one.
pub(crate) fn standing(
    connection: &Connection,
    me: &UserId,
    in_room: Option<&RoomId>,
    preferences: &Preferences,
) -> Result<Vec<Standing>, Error> {
    let mut standing = Vec::new();
    let mut routine: BTreeMap<RoomId, (Message, Seq, usize)> = BTreeMap::new();
    for message in notified::unread(connection, me, in_room)? {
        let Some(seq) = message.seq else { continue };
        if message.priority == Priority::Urgent {
            if let Some(room) = rooms::view(connection, me, &message.room_id)? {
                standing.push((notify::word(&message, &room, 0, preferences), seq, 0));
            }
            continue;
        }
        let before = routine.get(&message.room_id).map_or(0, |(.., count)| *count);
        routine.insert(message.room_id.clone(), (message, seq, before + 1));
    }
    for (room, (message, seq, count)) in routine {
        if let Some(room) = rooms::view(connection, me, &room)? {
            standing.push((notify::word(&message, &room, count - 1, preferences), seq, count));
        }
    }
    Ok(standing)
}

/// Whether a notification is heard now: a routine one not right after another, which sounded at `last`.
pub(crate) fn is_heard(sound: Sound, last: &mut Option<Timestamp>, now: Timestamp) -> bool {
    if sound == Sound::Urgent {
        return true;
    }
    let pause = last.map(|last| now.as_millis().saturating_sub(last.as_millis()));
    // A clock that was set back silences nothing.
    let heard = pause.is_none_or(|pause| !(0..SOUND_PAUSE_MS).contains(&pause));
    if heard {
        *last = Some(now);
    }
    heard
}

impl Core {
    /// Whether an urgent message waits for someone to take it on; the app should then be there.
    pub async fn is_call_open(&self) -> bool {
        if let Some(lock) = self.inner.lock_view() {
            return lock.urgent > 0;
        }
        let Some(account) = self.inner.open_account() else { return false };
        let (me, since) = (account.me.id.clone(), earlier(account.surroundings.now(), REPEATED_FOR));
        let unanswered = account.store.read(move |connection| notified::unanswered(connection, &me, since)).await;
        // What cannot be known may be.
        unanswered.map_or(true, |open| !open.is_empty())
    }

    /// Whether the app may begin anew without anyone losing anything: nobody is needed, and the session outlives the app.
    pub async fn may_begin_anew(&self) -> bool {
        let remembered = self.inner.open_account().is_none_or(|account| account.session().remembered);
        remembered && !self.is_call_open().await
    }
}

/// Whether an urgent message is due again, or when it will be. `None`: never.
pub(crate) fn due_at(first: Timestamp, last: Timestamp, every: Duration) -> Option<Timestamp> {
    let after = |at: Timestamp, wait: Duration| {
        Timestamp::from_millis(at.as_millis().saturating_add(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)))
    };
    let next = after(last, every);
    (!every.is_zero() && next <= after(first, REPEATED_FOR)).then_some(next)
}

/// How long after the last time an urgent message is raised again; zero for never.
pub(crate) fn every(minutes: u32) -> Duration {
    Duration::from_secs(u64::from(minutes) * 60)
}

/// Raises urgent messages again until someone takes them on. Runs until the account is closed.
pub(crate) async fn repeat_urgent(account: Arc<Account>) {
    loop {
        let wait = match repeat_due(&account).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::warn!(%error, "urgent messages were not looked for");
                PAUSE
            }
        };
        tokio::select! {
            biased;
            () = account.stop.cancelled() => return,
            () = sleep(wait) => {}
            () = account.urgent_raised.notified() => {}
        }
    }
}

/// Raises what is due now. Returns how long there is nothing to do.
async fn repeat_due(account: &Account) -> Result<Duration, Error> {
    if account.is_locked() {
        return Ok(PAUSE);
    }
    let (me, now, gaze, preferences) =
        (account.me.id.clone(), account.surroundings.now(), account.gaze(), account.preferences());
    let every = every(preferences.urgent_repeat_minutes);
    let (due, next) = account
        .store
        .write(move |transaction| {
            let (mut due, mut next) = (Vec::new(), None::<Timestamp>);
            for waiting in notified::unanswered(transaction, &me, earlier(now, REPEATED_FOR))? {
                let Some(at) = due_at(waiting.first_at, waiting.last_at, every) else { continue };
                if at > now {
                    next = Some(next.map_or(at, |next| next.min(at)));
                    continue;
                }
                notified::note_raised(transaction, &waiting.message.room_id, &waiting.message.id, now)?;
                next = Some(next.unwrap_or(at).min(due_at(waiting.first_at, now, every).unwrap_or(at)));
                let Some(room) = rooms::view(transaction, &me, &waiting.message.room_id)? else { continue };
                // Who looks at the room sees that nobody has answered.
                if !notify::is_looking(&gaze, &room.id) {
                    let notification = notify::word(&waiting.message, &room, 0, &preferences);
                    due.push((NativeNotification { repeated: true, ..notification }, waiting.seq));
                }
            }
            Ok((due, next))
        })
        .await?;
    for (notification, seq) in due {
        account.raise(notification, seq, 0);
    }
    let wait = next.map(|at| at.as_millis().saturating_sub(now.as_millis()));
    Ok(wait.map_or(REPEATED_FOR, |wait| Duration::from_millis(u64::try_from(wait).unwrap_or(0).max(1_000))))
}

pub(crate) fn earlier(now: Timestamp, by: Duration) -> Timestamp {
    Timestamp::from_millis(now.as_millis().saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_urgent_message_is_raised_every_two_minutes_for_twenty() {
        let minutes = |minutes: i64| Timestamp::from_millis(minutes * 60_000);
        let every_two = every(2);
        assert_eq!(due_at(minutes(0), minutes(0), every_two), Some(minutes(2)));
        assert_eq!(due_at(minutes(0), minutes(18), every_two), Some(minutes(20)));
        assert_eq!(due_at(minutes(0), minutes(20), every_two), None);
        assert_eq!(due_at(minutes(0), minutes(0), every(0)), None, "the person wants it once");
    }

    #[test]
    fn what_was_read_is_taken_back_once_and_what_came_later_stays() {
        let raised = Raised::default();
        let room = RoomId::from("general");
        for seq in [3, 5, 9] {
            let message = MessageId::from(format!("m-{seq}").as_str());
            raised.note(&room, Seq::new(seq), Bubble { message, routine: 0 });
        }
        assert_eq!(raised.read(&room, Seq::new(5)), ["m-3".into(), "m-5".into()]);
        assert_eq!(raised.read(&room, Seq::new(5)), []);
        assert!(raised.gone(&room, &"m-9".into()));
        assert!(!raised.gone(&room, &"m-9".into()));
    }

    #[test]
    fn a_burst_of_routine_messages_is_heard_once_and_an_urgent_one_always() {
        let raised = Raised::default();
        let heard = |sound, seconds: i64| raised.is_heard(sound, Timestamp::from_millis(seconds * 1_000));
        assert_eq!([0, 3, 9].map(|at| heard(Sound::Routine, at)), [true, false, false]);
        assert_eq!([4, 5].map(|at| heard(Sound::Urgent, at)), [true, true]);
        assert_eq!([10, 11, 2].map(|at| heard(Sound::Routine, at)), [true, false, true], "and the clock was set back");
    }

    #[test]
    fn a_room_has_one_notification_for_all_its_routine_messages() {
        let raised = Raised::default();
        let room = RoomId::from("general");
        let note = |seq: u64, routine| {
            let message = MessageId::from(format!("m-{seq}").as_str());
            raised.note(&room, Seq::new(seq), Bubble { message, routine })
        };
        assert_eq!(note(1, 1), []);
        assert_eq!(note(2, 0), [], "an urgent one stands beside it");
        assert_eq!(note(3, 2), ["m-1".into()]);
        assert_eq!(raised.routine().get(&room), Some(&2));
        assert_eq!(raised.read(&room, Seq::new(9)), ["m-2".into(), "m-3".into()]);
        assert_eq!(raised.routine().get(&room), Some(&0));
    }
}
