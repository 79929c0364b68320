//! Whether the promise was kept: what each computer shows, held against the ledger.
//!
//! The promise: a message the server has acknowledged is never lost, is shown exactly once, and everyone sees a room in the
//! same order; one it has not acknowledged stays in sight, and goes out by itself; nobody is signed out by a network that fails.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use anyhow::Result;
use hugmedo_chat_core::{
    Core,
    view::{Delivery, MessageView, RoomView, TimelinePage},
};
use hugmedo_chat_protocol::{ClientMessageId, MessageId, RoomId, Seq};

use super::{
    computer::Computer,
    ledger::{Ledger, RoomBook},
    post::held,
    screen,
    world::World,
};

/// What one computer shows.
#[derive(Default)]
struct Shown {
    rooms: BTreeMap<RoomId, RoomView>,
    rows: BTreeMap<RoomId, Vec<MessageView>>,
}

/// A page must hold everything the log has between its ends, once each, in order.
pub(super) fn judge_page(page: &TimelinePage, ledger: &Ledger) -> Vec<String> {
    let Some(room) = ledger.rooms.get(&page.room_id) else { return Vec::new() };
    let shown: Vec<Seq> = page.messages.iter().filter_map(|row| row.seq).collect();
    let (Some(first), Some(last)) = (shown.first(), shown.last()) else { return Vec::new() };
    if last < first {
        return vec![format!("a page of {} is out of order: {shown:?}", page.room_id)];
    }
    let there: Vec<Seq> = room.messages.range(*first..=*last).map(|(seq, _)| *seq).collect();
    if shown == there {
        return Vec::new();
    }
    vec![format!("a page of {} shows {shown:?}, the log has {there:?}", page.room_id)]
}

/// How closely one looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// At the list of rooms only, which fetches nothing.
    List,
    /// Into every room, up to its beginning. This may fetch what was missing.
    Rooms,
}

/// Looks at every computer and says what is wrong. Nothing: the promise is kept.
pub(super) fn judge(world: &mut World, look: Look, lenient: bool) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut shown = Vec::new();
    for index in 0..world.computers.len() {
        let found: Arc<Mutex<Option<Shown>>> = Arc::default();
        let slot = Arc::clone(&found);
        let Some(computer) = world.computers.get(index) else { continue };
        computer.begin(async move |core: Core| {
            let everything = everything(&core, look).await;
            *screen::held(&slot) = Some(everything);
        });
        let until = world.now() + 5_000;
        while world.now() < until && screen::held(&found).is_none() {
            let next = world.now() + 50;
            world.pass_until(next)?;
        }
        // The watcher of the screen has its turn too.
        let next = world.now() + 100;
        world.pass_until(next)?;
        match screen::held(&found).take() {
            Some(everything) => shown.push((index, everything)),
            None => wrong.push(format!("computer {index}: nobody answers")),
        }
    }
    let post = held(&world.post);
    for (index, shown) in &shown {
        let Some(computer) = world.computers.get(*index) else { continue };
        let judge = Judge { ledger: &post.ledger, computer, removed: &world.removed, look, lenient };
        wrong.extend(judge.of(shown).into_iter().map(|what| format!("computer {index}: {what}")));
    }
    // Nobody steals here.
    let taken_for_thieves = post.ledger.sessions.ended_by_reuse();
    if taken_for_thieves > 0 {
        wrong.push(format!("{taken_for_thieves} sessions ended because a renewal was asked for again"));
    }
    if look == Look::Rooms {
        wrong.extend(promises(world, &post.ledger, &shown));
    }
    Ok(wrong)
}

/// What was wrong at any moment, whatever stands at the end.
pub(super) fn breaches(world: &World) -> Vec<String> {
    let mut wrong = screen::held(&world.pages).clone();
    for computer in &world.computers {
        let index = computer.index;
        wrong
            .extend(screen::held(&computer.screen).breaches.iter().map(|breach| format!("computer {index}: {breach}")));
        let mut raised: BTreeMap<MessageId, u32> = BTreeMap::new();
        for message in screen::held(&computer.raised).iter() {
            *raised.entry(message.clone()).or_default() += 1;
        }
        let room_of = |message: &MessageId| message.as_str().split('#').next().map(RoomId::from);
        for (message, times) in raised.into_iter().filter(|(_, times)| *times > 1) {
            // Whoever was out of a room has forgotten it, and what it raised.
            let was_out = room_of(&message).is_some_and(|room| world.removed.contains(&(computer.user.clone(), room)));
            if !was_out {
                wrong.push(format!("computer {index}: {message} was notified {times} times"));
            }
        }
    }
    wrong
}

async fn everything(core: &Core, look: Look) -> Shown {
    let Ok((snapshot, _)) = core.subscribe().await else { return Shown::default() };
    let mut shown = Shown::default();
    for room in snapshot.rooms {
        let id = room.id.clone();
        shown.rooms.insert(id.clone(), room);
        if look == Look::List {
            continue;
        }
        let Ok(opened) = core.open_room(&id).await else { continue };
        let (mut rows, mut has_earlier) = (opened.page.messages, opened.page.has_earlier);
        while has_earlier {
            let Some(first) = rows.iter().find_map(|row| row.seq) else { break };
            let Ok(page) = core.load_earlier(&id, first).await else { break };
            if page.incomplete.is_some() {
                break;
            }
            has_earlier = page.has_earlier && !page.messages.is_empty();
            rows.splice(0..0, page.messages);
        }
        shown.rows.insert(id, rows);
    }
    shown
}

/// Nothing that core took on is missing, and nothing that it called sent was not.
fn promises(world: &World, ledger: &Ledger, shown: &[(usize, Shown)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for promise in screen::held(&world.promises).iter() {
        if ledger.asked.contains_key(&(promise.user.clone(), promise.id.clone())) {
            continue;
        }
        let failed = |row: &MessageView| {
            row.client_message_id.as_ref() == Some(&promise.id)
                && row.delivery == Some(Delivery::Failed)
                && row.problem.is_some()
        };
        let here = shown.iter().find(|(index, _)| *index == promise.computer);
        let in_sight =
            here.and_then(|(_, shown)| shown.rows.get(&promise.room)).is_some_and(|rows| rows.iter().any(failed));
        // Whoever is taken out of a room must forget it, what was not sent included.
        let was_out = world.removed.contains(&(promise.user.clone(), promise.room.clone()));
        if !in_sight && !was_out {
            wrong.push(format!("lost: {} in {} from computer {}", promise.id, promise.room, promise.computer));
        }
    }
    for computer in &world.computers {
        for id in screen::held(&computer.screen).shown_as_sent.keys() {
            if !ledger.asked.contains_key(&(computer.user.clone(), id.clone())) {
                wrong.push(format!("computer {} showed {id} as sent", computer.index));
            }
        }
    }
    wrong
}

/// What of a room may differ, without its texts.
fn difference(room: &RoomView) -> impl std::fmt::Debug + use<> {
    let last = room.last_message.as_ref().map(|last| (last.created_at, last.delivery, last.deleted));
    (room.unread, room.read_seq, room.unsent, room.members.len(), last)
}

struct Judge<'a> {
    ledger: &'a Ledger,
    computer: &'a Computer,
    removed: &'a BTreeSet<(hugmedo_chat_protocol::UserId, RoomId)>,
    look: Look,
    /// The receipts of others may have been forgotten with an old history.
    lenient: bool,
}

impl Judge<'_> {
    fn of(&self, shown: &Shown) -> Vec<String> {
        let mut wrong = Vec::new();
        let user = &self.computer.user;
        let screen = screen::held(&self.computer.screen);
        if !screen.is_live() {
            wrong.push(format!("the link is {:?}", screen.connection.as_ref().map(|c| (c.state, c.reason))));
        }
        for (id, book) in &self.ledger.rooms {
            let listed = shown.rooms.get(id);
            if !book.members.contains_key(user) {
                if listed.is_some() {
                    wrong.push(format!("{id} is shown to someone who is not in it"));
                }
                continue;
            }
            let Some(room) = listed else {
                wrong.push(format!("{id} is not shown"));
                continue;
            };
            if screen.rooms.get(id) != Some(room) {
                let told = screen.rooms.get(id).map(difference);
                wrong.push(format!("the screen has another {id} than the store: {told:?}, {:?}", difference(room)));
            }
            self.list(id, book, room, &mut wrong);
            if self.look == Look::List {
                continue;
            }
            let rows = shown.rows.get(id).map(Vec::as_slice).unwrap_or_default();
            self.rows(id, book, rows, &mut wrong);
            if !self.removed.contains(&(user.clone(), id.clone())) {
                let untold = rows.iter().filter(|row| screen.lacks(row));
                wrong.extend(untold.map(|row| format!("{} of {id} at {:?} was never told", row.key, row.seq)));
            }
            for row in screen.rows.get(id).into_iter().flat_map(|rows| rows.values()) {
                let stored = rows.iter().find(|stored| stored.key == row.key);
                if stored.is_some_and(|stored| stored != row) {
                    let stored = stored.map(|stored| (stored.seq, stored.delivery, stored.edited, stored.deleted));
                    let on_screen = (row.seq, row.delivery, row.edited, row.deleted);
                    wrong.push(format!("{} on the screen is {on_screen:?}, in the store {stored:?}", row.key));
                }
            }
        }
        wrong
    }

    fn rows(&self, id: &RoomId, book: &RoomBook, rows: &[MessageView], wrong: &mut Vec<String>) {
        let user = &self.computer.user;
        let there: Vec<Seq> = book.messages.keys().copied().collect();
        let here: Vec<Seq> = rows.iter().filter_map(|row| row.seq).collect();
        if here != there {
            wrong.push(format!("{id} shows {here:?}, the log has {there:?}"));
        }
        let mut ids: BTreeSet<&ClientMessageId> = BTreeSet::new();
        for row in rows {
            if let Some(own) = &row.client_message_id
                && !ids.insert(own)
            {
                wrong.push(format!("{own} is shown twice"));
            }
            let Some(seq) = row.seq else {
                if row.delivery != Some(Delivery::Failed) || row.problem.is_none() {
                    wrong.push(format!("{} in {id} is still {:?}, {:?}", row.key, row.delivery, row.problem));
                }
                continue;
            };
            let Some(message) = book.messages.get(&seq) else { continue };
            let same = row.id.as_ref() == Some(&message.id)
                && row.content == message.content
                && row.edited == message.edited_at.is_some()
                && row.deleted == message.deleted_at.is_some()
                && row.author.id == message.user_id;
            if !same {
                wrong.push(format!("{} is not shown as it is", message.id));
            }
            let others = || book.members.iter().filter(|(member, _)| *member != user).map(|(_, standing)| standing);
            let truth = if others().any(|standing| standing.read >= seq) {
                Delivery::Read
            } else if others().any(|standing| standing.delivered >= seq) {
                Delivery::Delivered
            } else {
                Delivery::Sent
            };
            // Who comes back into a room has read nothing of it, whatever they had read before.
            let someone_left = self.removed.iter().any(|(_, room)| room == id);
            let told = row.delivery.filter(|_| row.own && !someone_left);
            if told.is_some_and(|told| if self.lenient { told > truth } else { told != truth }) {
                wrong.push(format!("{} is said to be {told:?}, it is {truth:?}", message.id));
            }
        }
    }

    fn list(&self, id: &RoomId, book: &RoomBook, room: &RoomView, wrong: &mut Vec<String>) {
        let user = &self.computer.user;
        let standing = book.members.get(user).cloned().unwrap_or_default();
        if self.removed.contains(&(user.clone(), id.clone())) {
            return;
        }
        if room.read_seq != standing.read {
            wrong.push(format!("{id} is read up to {} here, {} there", room.read_seq, standing.read));
        }
        let unread = self.ledger.unread(id, user);
        if u64::from(room.unread) != unread {
            wrong.push(format!("{id} has {} unread here, {unread} there", room.unread));
        }
    }
}
