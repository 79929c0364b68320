//! Taking in what the server says, whether live or in a page of sync: into the store first, then to the watchers.
//!
//! Invariants: one batch is one transaction; nothing is shown that is not stored; taking in the same thing twice changes
//! nothing; at most one notification is ever raised for a message; what is stored is told and notified, whatever becomes of
//! the link it came by, for it will not come again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hugmedo_chat_protocol::{Message, MessageId, Priority, RoomId, Seq, ServerEvent, Timestamp, UserId};
use rusqlite::Transaction;
use tokio::time::Instant;

use crate::{
    account::{Account, ROWS_PER_RECEIPT},
    alerts::Standing,
    error::Error,
    notify::{self, Moment, Silence},
    store::{acknowledgements, messages, meta, notified, receipts, rooms, rows},
    view::{Gaze, MessageView, Preferences, RoomView, ViewChange},
};

/// What a batch came to.
#[derive(Default)]
pub(crate) struct Taken {
    rows: BTreeSet<i64>,
    receipts: Vec<(RoomId, (Seq, Seq))>,
    touched: BTreeSet<RoomId>,
    removed: BTreeSet<RoomId>,
    fresh: Vec<(Message, Seq)>,
    /// Rooms that were not here before.
    pub(crate) added: BTreeSet<RoomId>,
    /// Messages that were taken back.
    withdrawn: Vec<(RoomId, MessageId)>,
    /// Whether a message is another now.
    changed: bool,
    /// Whether something is missing that sync can bring.
    pub(crate) gap: bool,
}

/// Takes in a batch; with `cursor`, the place in the sync order it leads to is saved in the same transaction.
pub(crate) async fn take_in(
    account: &Arc<Account>,
    batch: Vec<ServerEvent>,
    cursor: Option<String>,
) -> Result<Taken, Error> {
    account.to_the_end(async move |account| store_and_tell(&account, batch, cursor).await).await
}

async fn store_and_tell(account: &Account, batch: Vec<ServerEvent>, cursor: Option<String>) -> Result<Taken, Error> {
    let me = account.me.id.clone();
    let live = cursor.is_none();
    let result = account
        .store
        .write(move |transaction| {
            let mut taken = Taken::default();
            for event in batch {
                store_event(transaction, &me, event, live, &mut taken)?;
            }
            if let Some(cursor) = cursor {
                meta::set_cursor(transaction, &cursor)?;
            }
            Ok(taken)
        })
        .await;
    account.note_storage(&result);
    let taken = result?;
    publish(account, &taken).await?;
    notify(account, taken.fresh.clone()).await?;
    if !taken.removed.is_empty() || taken.changed {
        // Files may have gone with it.
        account.untidy.notify_one();
    }
    if !taken.touched.is_empty() {
        // What is stored here now is owed to the server as a receipt.
        account.outgoing.notify_one();
    }
    Ok(taken)
}

/// Typing is never stored. Returns whether the event was about it.
pub(crate) fn take_in_typing(account: &Account, event: &ServerEvent) -> bool {
    let ServerEvent::Typing(notice) = event else { return false };
    if notice.user_id != account.me.id && account.typing().take_in(notice, Instant::now()) {
        account.publish_typing(&notice.room_id);
    }
    true
}

/// Nor is presence. Takes all of a batch's together, because a new connection is told of everyone at once; the rest is left.
pub(crate) fn take_in_presence(account: &Account, batch: &mut Vec<ServerEvent>) {
    let mut changed = false;
    batch.retain(|event| {
        let ServerEvent::Presence(notice) = event else { return true };
        changed |= account.presence().take_in(notice);
        false
    });
    if changed {
        account.publish_presence();
    }
}

fn store_event(
    transaction: &Transaction<'_>,
    me: &UserId,
    event: ServerEvent,
    live: bool,
    taken: &mut Taken,
) -> Result<(), Error> {
    match event {
        ServerEvent::NewMessage(message) => {
            if rooms::ensure(transaction, &message.room_id)? {
                taken.added.insert(message.room_id.clone());
            }
            let incoming = messages::take_in(transaction, me, &message)?;
            taken.rows.insert(incoming.local_id);
            taken.touched.insert(message.room_id.clone());
            taken.gap |= live && incoming.gap;
            if incoming.new && message.user_id != *me {
                taken.fresh.push((message, incoming.seq));
            }
        }
        ServerEvent::MessageChanged(change) => {
            taken.touched.insert(change.room_id.clone());
            taken.changed = true;
            if change.message.deleted_at.is_some() {
                taken.withdrawn.push((change.room_id.clone(), change.message.id.clone()));
            }
            taken.rows.extend(messages::take_in_change(transaction, me, &change)?);
        }
        ServerEvent::Receipt(receipt) => {
            taken.touched.insert(receipt.room_id.clone());
            taken.rows.extend(acknowledgements::take_in(transaction, &receipt)?);
            if let Some(stretch) = receipts::take_in(transaction, me, &receipt)? {
                taken.receipts.push((receipt.room_id, stretch));
            }
        }
        ServerEvent::RoomChanged(changed) => {
            if rooms::ensure(transaction, &changed.room.id)? {
                taken.added.insert(changed.room.id.clone());
            }
            rooms::take_in(transaction, &changed.room)?;
            taken.touched.insert(changed.room.id);
        }
        ServerEvent::RoomRemoved(removed) => {
            if rooms::remove(transaction, &removed.room_id)? {
                taken.removed.insert(removed.room_id.clone());
                if live {
                    meta::doubt_rooms(transaction)?;
                    taken.gap = true;
                }
            }
            taken.touched.remove(&removed.room_id);
        }
        ServerEvent::Notification(notification) => {
            // A room that we have not joined: new to us, or joined by another device meanwhile.
            if rooms::ensure(transaction, &notification.room_id)? {
                taken.added.insert(notification.room_id.clone());
                taken.touched.insert(notification.room_id);
            }
            taken.gap = true;
        }
        ServerEvent::Session(_)
        | ServerEvent::SessionEnded(_)
        | ServerEvent::Typing(_)
        | ServerEvent::Presence(_)
        | ServerEvent::Unknown(_) => {}
    }
    Ok(())
}

async fn publish(account: &Account, taken: &Taken) -> Result<(), Error> {
    let _turn = account.turn_to_tell().await;
    let me = account.me.id.clone();
    let (rows, receipts, touched) = (taken.rows.clone(), taken.receipts.clone(), taken.touched.clone());
    let (views, room_views): (Vec<MessageView>, Vec<RoomView>) = account
        .store
        .read(move |connection| {
            let mut views = Vec::new();
            for row in rows {
                views.extend(rows::one(connection, &me, row)?);
            }
            for (room, stretch) in receipts {
                views.extend(rows::own_between(connection, &me, &room, stretch, ROWS_PER_RECEIPT)?);
            }
            let mut room_views = Vec::new();
            for room in touched {
                room_views.extend(rooms::view(connection, &me, &room)?);
            }
            Ok((views, room_views))
        })
        .await?;
    // First, because who was taken out of a room may have been let in again in the same batch.
    for room_id in taken.removed.iter().cloned() {
        account.withdraw_room(&room_id);
        account.hub.publish(ViewChange::RoomRemoved { room_id });
    }
    for view in &views {
        if account.typing().stop(&view.room_id, &view.author.id) {
            account.publish_typing(&view.room_id);
        }
    }
    account.publish_views(views);
    for (room, message) in &taken.withdrawn {
        account.withdraw(room, message);
    }
    for room in room_views {
        account.show_room(room).await;
    }
    Ok(())
}

/// Raises the alerts of urgent messages that are here, unread, and have raised none: the app ended before it could, or they
/// came with the history.
pub(crate) async fn alert_unheard(account: &Arc<Account>) -> Result<(), Error> {
    let me = account.me.id.clone();
    let unheard = account.store.read(move |connection| notified::urgent_unheard(connection, &me)).await?;
    let unheard = unheard.into_iter().filter_map(|message| Some((message.clone(), message.seq?))).collect();
    account.to_the_end(async move |account| notify(&account, unheard).await).await
}

/// What a decision about notifications depends on beside the message.
#[derive(Clone)]
struct Occasion {
    me: UserId,
    gaze: Gaze,
    preferences: Preferences,
    moment: Moment,
    /// Of how many routine messages each room's notification tells already.
    told: BTreeMap<RoomId, usize>,
    /// Those of the messages that the lock has told of; and when, of an urgent one.
    told_while_locked: BTreeMap<MessageId, Option<Timestamp>>,
}

/// One notification for each room, and one for each urgent message.
async fn notify(account: &Account, fresh: Vec<(Message, Seq)>) -> Result<(), Error> {
    // While locked the lock tells of it, and no more than it may.
    if fresh.is_empty() || account.is_locked() {
        return Ok(());
    }
    let occasion = Occasion {
        me: account.me.id.clone(),
        gaze: account.gaze(),
        preferences: account.preferences(),
        moment: account.moment(),
        told: account.raised.routine(),
        told_while_locked: fresh
            .iter()
            .filter_map(|(message, _)| {
                let told = account.told_while_locked(&message.room_id, &message.id)?;
                Some((message.id.clone(), told))
            })
            .collect(),
    };
    let now = occasion.moment.now;
    let (due, silences) = account.store.write(move |transaction| claim(transaction, fresh, &occasion)).await?;
    account.silences.note(now, silences);
    account.urgent_raised.notify_one();
    for (notification, seq, routine) in due {
        account.raise(notification, seq, routine);
    }
    Ok(())
}

/// Notes what will be raised, so that nothing is twice. Returns it, and why others will not be.
fn claim(
    transaction: &Transaction<'_>,
    fresh: Vec<(Message, Seq)>,
    occasion: &Occasion,
) -> Result<(Vec<Standing>, Vec<Silence>), Error> {
    let Occasion { me, gaze, preferences, moment, told, told_while_locked } = occasion;
    let (mut due, mut silences) = (Vec::new(), Vec::new());
    let mut routine: BTreeMap<RoomId, (Message, Seq, RoomView, usize)> = BTreeMap::new();
    for (message, seq) in fresh {
        let Some(room) = rooms::view(transaction, me, &message.room_id)? else { continue };
        let decided = notify::decide(&message, seq, &room, me, gaze, preferences, *moment);
        let urgent = message.priority == Priority::Urgent;
        // Who looks at an urgent message has not taken it on: it is raised again like any other.
        let counts = decided.is_ok() || urgent && decided == Err(Silence::InView);
        if counts && !notified::claim_notification(transaction, &room.id, &message.id)? {
            continue;
        }
        let told_before = told_while_locked.get(&message.id);
        if counts && urgent {
            let at = told_before.copied().flatten().unwrap_or(moment.now);
            notified::note_raised(transaction, &room.id, &message.id, at)?;
        }
        if counts && told_before.is_some() {
            continue;
        }
        if let Err(silence) = decided {
            silences.push(silence);
            continue;
        }
        if urgent {
            due.push((notify::word(&message, &room, 0, preferences), seq, 0));
            continue;
        }
        // One notification for all that is new in a room, also for what the one before told of.
        let before = told.get(&room.id).copied().unwrap_or(0);
        let more = routine.get(&room.id).map_or(before, |(.., more)| more + 1);
        routine.insert(room.id.clone(), (message, seq, room, more));
    }
    let worded = routine.values().map(|(message, seq, room, more)| {
        let notification = notify::word(message, room, *more, preferences);
        (notification, *seq, more + 1)
    });
    due.extend(worded);
    Ok((due, silences))
}
