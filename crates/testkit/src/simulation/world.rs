//! The world of one run: lets time pass, computers work, parcels arrive and people do things.
//!
//! Invariants: one thing happens after the other, in an order that the seed alone decides; a computer is never behind the
//! world, and ahead of it by one window at most.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};

use anyhow::{Context, Result};
use hugmedo_chat_core::view::OutgoingMessage;
use hugmedo_chat_protocol::{ClientMessageId, MessageId, Priority, RoomId, SendMessage, Seq, UserId};
use tempfile::TempDir;

use super::{
    chance::Chance,
    computer::Computer,
    deeds::{Blow, Deed},
    ledger::{Ledger, News},
    plan::{Plan, Template, sign_in, temporary},
    post::{Arrival, EPOCH_MS, Line, Post, SharedPost, held},
    screen,
    trace::Trace,
    weather::Weather,
};

/// The longest a computer works by itself. What it puts on its way ends its turn earlier.
const WINDOW_MS: u64 = 250;
/// How often a person without a session is looked after.
const LOOK_MS: u64 = 1_000;

/// A message that core has taken on.
#[derive(Debug, Clone)]
pub(super) struct Promise {
    pub(super) computer: usize,
    pub(super) user: UserId,
    pub(super) room: RoomId,
    pub(super) id: ClientMessageId,
}

pub(super) struct World {
    pub(super) post: SharedPost,
    pub(super) computers: Vec<Computer>,
    pub(super) promises: Arc<Mutex<Vec<Promise>>>,
    /// Who was taken out of which room at some time.
    pub(super) removed: BTreeSet<(UserId, RoomId)>,
    /// What was wrong with a page when it was shown.
    pub(super) pages: Arc<Mutex<Vec<String>>>,
    deeds: BTreeMap<(u64, u64), Deed>,
    count: u64,
    chance: Chance,
    kind: bool,
    looked_at: u64,
    _folder: TempDir,
}

impl World {
    /// Everyone at their computers, signed in before, with the network in this state.
    pub(super) fn begin(
        plan: &Plan,
        template: &Template,
        mut chance: Chance,
        weather: Weather,
        trace: Trace,
    ) -> Result<Self> {
        let folder = temporary()?;
        let mut ledger = template.ledger.clone();
        // Some seeds see tokens end all the time.
        let life = if chance.happens(0.4) { chance.between(70_000, 100_000) } else { 3_600_000 };
        ledger.sessions.set_life(i64::try_from(life).unwrap_or(i64::MAX));
        let count = plan.computers.len();
        let post: SharedPost = Arc::new(Mutex::new(Post::new(ledger, count, weather, chance.fork(), trace)));
        let mut computers = Vec::new();
        for (index, user) in plan.computers.iter().enumerate() {
            let root = folder.path().join(index.to_string());
            let secrets = template.copy(index, &root)?;
            let stir = held(&post).outlets.get(index).context("an outlet for each computer")?.stir.clone();
            let mut computer = Computer::new(index, user.clone(), root, secrets, chance.fork(), &post, stir);
            computer.switch_on(0)?;
            computers.push(computer);
        }
        Ok(Self {
            post,
            computers,
            promises: Arc::default(),
            removed: BTreeSet::new(),
            pages: Arc::default(),
            deeds: BTreeMap::new(),
            count: 0,
            chance,
            kind: false,
            looked_at: 0,
            _folder: folder,
        })
    }

    pub(super) fn now(&self) -> u64 {
        held(&self.post).now
    }

    pub(super) fn plan(&mut self, at: u64, deed: Deed) {
        self.count += 1;
        self.deeds.insert((at, self.count), deed);
    }

    /// Lets everything happen until a time.
    pub(super) fn pass_until(&mut self, until: u64) -> Result<()> {
        while self.now() < until {
            self.step(until)?;
        }
        Ok(())
    }

    fn step(&mut self, until: u64) -> Result<()> {
        let now = self.now();
        let next_deed = self.deeds.first_key_value().map(|((at, _), _)| *at);
        let next_parcel = held(&self.post).next_at();
        let mut target = until.min(now + WINDOW_MS);
        for next in [next_deed, next_parcel].into_iter().flatten() {
            target = target.min(next.max(now));
        }
        // Whoever works first may be answered first.
        let first = usize::try_from(self.chance.between(0, self.computers.len() as u64)).unwrap_or(0);
        for offset in 0..self.computers.len() {
            let Some(computer) = self.computers.get((first + offset) % self.computers.len()) else { continue };
            while computer.work_until(target) < target {
                // It put something on its way, so the world may have to stop earlier.
                target = held(&self.post).next_at().map_or(target, |next| target.min(next.max(now)));
            }
        }
        held(&self.post).now = target.max(now);
        loop {
            let arrived = held(&self.post).deliver_next();
            let Some((at, what)) = arrived else { break };
            if let Some(computer) = at.and_then(|index| self.computers.get_mut(index))
                && let Some((awaited, steps, blow)) = computer.armed
                && (awaited == what || awaited == Arrival::Anything)
            {
                computer.armed = None;
                let index = computer.index;
                match blow {
                    Blow::Crash => self.crash(index, steps)?,
                    Blow::Cut => {
                        computer.work_steps(target, steps);
                        held(&self.post).break_links(index, true);
                    }
                }
            }
        }
        let now = self.now();
        while let Some(entry) = self.deeds.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let deed = entry.remove();
            self.do_it(deed)?;
        }
        if self.now() >= self.looked_at + LOOK_MS {
            self.looked_at = self.now();
            self.look_after_sessions();
        }
        Ok(())
    }

    /// Whoever was signed out signs in again after a moment.
    fn look_after_sessions(&mut self) {
        for index in 0..self.computers.len() {
            let Some(computer) = self.computers.get(index) else { continue };
            let screen = screen::held(&computer.screen);
            let signed_out = computer.core().is_some() && screen.connection.is_some() && screen.session.is_none();
            drop(screen);
            let waits = |deed: &Deed| matches!(deed, Deed::SignIn { computer } if *computer == index);
            if signed_out && !self.deeds.values().any(waits) {
                let at = self.now() + self.chance.between(500, 3_000);
                self.plan(at, Deed::SignIn { computer: index });
            }
        }
    }

    fn crash(&mut self, index: usize, steps: u64) -> Result<()> {
        let now = self.now();
        let Some(computer) = self.computers.get_mut(index) else { return Ok(()) };
        if self.kind || !computer.is_on() {
            return Ok(());
        }
        computer.work_steps(now, steps);
        // Half of the time the system is not there either to say good-bye for it.
        if self.chance.happens(0.5) {
            held(&self.post).break_links(index, false);
        }
        computer.crash()?;
        let mut post = held(&self.post);
        post.tally.crashes += 1;
        post.note(format_args!("computer {index}: crashes after {steps} steps"));
        drop(post);
        let at = now + self.chance.between(0, 8_000);
        let crash_after = self.chance.happens(0.2).then(|| self.chance.between(1, 40));
        self.plan(at, Deed::SwitchOn { computer: index, crash_after });
        Ok(())
    }

    /// Does something at the server, in its own name.
    fn at_the_server(&mut self, deed: impl FnOnce(&mut Ledger) -> Vec<News>) {
        let mut post = held(&self.post);
        let now = i64::try_from(post.now).unwrap_or(i64::MAX);
        post.ledger.set_clock(hugmedo_chat_protocol::Timestamp::from_millis(EPOCH_MS + now));
        let news = deed(&mut post.ledger);
        post.announce(news);
    }

    fn do_it(&mut self, deed: Deed) -> Result<()> {
        held(&self.post).note(format_args!("{deed:?}"));
        let now = self.now();
        match deed {
            Deed::Say { computer, room, id, times } => self.say(computer, &room, &id, times),
            Deed::Open { computer, room, read } => self.open(computer, room, read),
            Deed::SayElsewhere { user, room, text } => {
                let wish = said_elsewhere(&room, &text);
                self.at_the_server(|ledger| ledger.say(&user, wish).map(|(_, news)| news).unwrap_or_default());
                held(&self.post).tally.messages += 1;
            }
            Deed::Change { user, room, take_back } => self.change(&user, &room, take_back),
            Deed::Remove { user, room } => {
                self.removed.insert((user.clone(), room.clone()));
                self.at_the_server(|ledger| ledger.remove_member(&room, &user));
            }
            Deed::Admit { user, room } => self.at_the_server(|ledger| ledger.add_member(&room, &user)),
            Deed::Crash { computer, steps } => self.crash(computer, steps)?,
            Deed::OnArrival { computer, of, steps, blow } => {
                if let Some(computer) = self.computers.get_mut(computer) {
                    computer.armed = Some((of, steps, blow));
                }
            }
            Deed::Quit { computer: index } => {
                if let Some(computer) = self.computers.get_mut(index)
                    && !computer.is_asleep(now)
                {
                    computer.quit();
                }
                let at = now + self.chance.between(0, 10_000);
                self.plan(at, Deed::SwitchOn { computer: index, crash_after: None });
            }
            Deed::SwitchOn { computer: index, crash_after } => {
                let Some(computer) = self.computers.get_mut(index) else { return Ok(()) };
                if !computer.is_on() {
                    computer.asleep_until = 0;
                    computer.switch_on(now)?;
                    if let Some(steps) = crash_after {
                        self.crash(index, steps)?;
                    }
                }
            }
            Deed::Sleep { computer, millis } => {
                if let Some(computer) = self.computers.get_mut(computer) {
                    computer.sleep(now, millis);
                }
                if millis > 25_000 {
                    // The server has given it up meanwhile.
                    held(&self.post).break_links(computer, false);
                }
            }
            Deed::SetTime { computer, off_by } => {
                if let Some(computer) = self.computers.get_mut(computer) {
                    computer.set_time_of_day(off_by);
                }
            }
            Deed::Break { computer, noticed } => held(&self.post).break_links(computer, noticed),
            Deed::Line { computer, line } => {
                let mut post = held(&self.post);
                if let Some(outlet) = post.outlets.get_mut(computer) {
                    outlet.line = line;
                }
                if line != Line::Up {
                    post.break_links(computer, line == Line::Cut);
                }
            }
            Deed::OtherNetwork { computer } => {
                if let Some(computer) = self.computers.get(computer) {
                    computer.begin(async move |core: hugmedo_chat_core::Core| core.network_changed().await);
                }
            }
            Deed::SignIn { computer } => {
                if let Some(computer) = self.computers.get(computer) {
                    held(&self.post).tally.sign_ins += 1;
                    let request = sign_in(&computer.user);
                    computer.begin(async move |core: hugmedo_chat_core::Core| drop(core.sign_in(request).await));
                }
            }
            Deed::ExpireTokens => {
                let mut post = held(&self.post);
                let now = post.ledger.now;
                post.ledger.sessions.expire_all(now);
            }
            Deed::ForgetChanges => {
                let mut post = held(&self.post);
                post.ledger.forget_changes();
                post.tally.old_cursors += 1;
            }
            Deed::Clear => self.clear(),
        }
        Ok(())
    }

    pub(super) fn say(&mut self, index: usize, room: &RoomId, id: &ClientMessageId, times: u32) {
        let Some(computer) = self.computers.get(index) else { return };
        for _ in 0..times {
            let promise = Promise { computer: index, user: computer.user.clone(), room: room.clone(), id: id.clone() };
            let promises = Arc::clone(&self.promises);
            let outgoing = OutgoingMessage {
                room_id: room.clone(),
                client_message_id: id.clone(),
                content: id.as_str().into(),
                priority: if id.as_str().ends_with('7') { Priority::Urgent } else { Priority::Normal },
                reply_to: None,
                mentions: Vec::new(),
                attachments: Vec::new(),
                keeps_draft: false,
            };
            computer.begin(async move |core: hugmedo_chat_core::Core| {
                if core.send_message(outgoing).await.is_ok() {
                    screen::held(&promises).push(promise);
                }
            });
        }
    }

    fn open(&self, index: usize, room: RoomId, read: bool) {
        let Some(computer) = self.computers.get(index) else { return };
        let pages = Arc::clone(&self.pages);
        let post = Arc::clone(&self.post);
        computer.begin(async move |core: hugmedo_chat_core::Core| {
            let Ok(opened) = core.open_room(&room).await else { return };
            let wrong = super::verdict::judge_page(&opened.page, &held(&post).ledger);
            screen::held(&pages).extend(wrong.into_iter().map(|wrong| format!("computer {index}: {wrong}")));
            let last: Option<Seq> = opened.page.messages.iter().filter_map(|row| row.seq).next_back();
            if let (true, Some(last)) = (read, last) {
                let _ = core.mark_read(&room, last).await;
            }
        });
    }

    fn change(&mut self, user: &UserId, room: &RoomId, take_back: bool) {
        let own: Vec<MessageId> = {
            let post = held(&self.post);
            let book = post.ledger.rooms.get(room);
            let messages = book.into_iter().flat_map(|book| book.messages.values());
            messages.filter(|m| m.user_id == *user && m.deleted_at.is_none()).map(|m| m.id.clone()).collect()
        };
        let Some(id) = self.chance.pick(&own).cloned() else { return };
        let text = format!("{id} at {}", self.now());
        let text = (!take_back).then_some(text.as_str());
        self.at_the_server(|ledger| ledger.change(user, room, &id, text).map(|(_, news)| news).unwrap_or_default());
    }

    fn clear(&mut self) {
        self.kind = true;
        let now = self.now();
        let mut post = held(&self.post);
        post.weather = Weather::default();
        post.outlets.iter_mut().for_each(|outlet| outlet.line = Line::Up);
        drop(post);
        for index in 0..self.computers.len() {
            let Some(computer) = self.computers.get_mut(index) else { continue };
            computer.armed = None;
            if !computer.is_on() {
                self.plan(now, Deed::SwitchOn { computer: index, crash_after: None });
            }
        }
    }
}

fn said_elsewhere(room: &RoomId, text: &str) -> SendMessage {
    SendMessage {
        room_id: room.clone(),
        content: text.into(),
        attachments: Vec::new(),
        metadata: Default::default(),
        client_message_id: Some(ClientMessageId::new(text)),
        priority: Priority::Normal,
        reply_to: None,
        mentions: Vec::new(),
        user_id: None,
    }
}
