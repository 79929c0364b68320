//! What has been raised: taking it back once it is settled, and raising what is urgent again until someone takes it on.
//!
//! Invariants: a notification does not outlast its reason, which is gone when its message was read on any device or taken back;
//! reading an urgent message is not taking it on; what is raised again is remembered over restarts. Only what this run of the app
//! has raised can be taken back, because no system lets one program close what another has shown.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hugmedo_chat_protocol::{MessageId, RoomId, Seq, Timestamp};
use tokio::time::sleep;

use crate::{
    account::Account,
    core::Core,
    error::Error,
    host::NativeNotification,
    notify,
    store::{notified, rooms},
    view::{RoomView, ViewChange},
};

/// An urgent message that nobody takes on is raised again for this long.
pub(crate) const REPEATED_FOR: Duration = Duration::from_secs(20 * 60);
/// A store that fails is asked again.
const PAUSE: Duration = Duration::from_secs(30);

/// A notification that may still be on the screen.
struct Bubble {
    message: MessageId,
    /// Of how many routine messages it tells; none for an urgent one, which tells of itself.
    routine: usize,
}

type Bubbles = BTreeMap<RoomId, BTreeMap<Seq, Bubble>>;

/// The notifications that may still be on the screen. A room has one for all its routine messages, and one for each urgent one.
#[derive(Default)]
pub(crate) struct Raised(Mutex<Bubbles>);

impl Raised {
    fn rooms(&self) -> MutexGuard<'_, Bubbles> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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

    /// Forgets a message. Returns whether it was there.
    fn gone(&self, room: &RoomId, message: &MessageId) -> bool {
        let mut rooms = self.rooms();
        let Some(raised) = rooms.get_mut(room) else { return false };
        let before = raised.len();
        raised.retain(|_, known| known.message != *message);
        before > raised.len()
    }
}

impl Account {
    /// Raises a notification, of the message at this place; `routine` is of how many routine ones it tells. Of these the room's
    /// earlier one told, and is taken back.
    pub(crate) fn raise(&self, notification: NativeNotification, seq: Seq, routine: usize) {
        let bubble = Bubble { message: notification.message_id.clone(), routine };
        let replaced = self.raised.note(&notification.room_id, seq, bubble);
        if !replaced.is_empty() {
            self.notifier.withdraw(&replaced);
        }
        self.notifier.notify(notification);
    }

    /// Shows a room as it is now. What was read in it needs no notification any more.
    pub(crate) fn show_room(&self, room: RoomView) {
        let settled = self.raised.read(&room.id, room.read_seq);
        if !settled.is_empty() {
            self.notifier.withdraw(&settled);
        }
        self.hub.publish(ViewChange::RoomUpserted { room });
    }

    /// A message was taken back, and with it what was told of it.
    pub(crate) fn withdraw(&self, room: &RoomId, message: &MessageId) {
        if self.raised.gone(room, message) {
            self.notifier.withdraw(std::slice::from_ref(message));
        }
    }
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
        (account.me.id.clone(), account.surroundings.now(), account.gaze(), account.preferences.get());
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
