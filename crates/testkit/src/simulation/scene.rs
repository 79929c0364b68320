//! One fault at a time, in virtual time, with a network that is otherwise kind.

use std::time::Duration;

use anyhow::{Result, bail};
use hugmedo_chat_protocol::{ClientMessageId, RoomId};

use super::{
    Simulations,
    chance::Chance,
    deeds::{Blow, Deed},
    post::{Arrival, Line, held},
    screen,
    trace::Trace,
    verdict::{self, Look},
    weather::Weather,
    world::World,
};

/// How finely time is looked at while something is waited for.
const GRAIN_MS: u64 = 20;
/// Where everything is said: what others say there is notified by default.
const ROOM: &str = "patient";

/// The usual people at their usual computers: 0 and 1 are one person's.
pub struct Scene {
    world: World,
    said: u32,
}

impl Simulations {
    /// Everyone signed in and up to date.
    ///
    /// # Errors
    /// If they do not get there.
    pub fn scene(&self, seed: u64) -> Result<Scene> {
        let world = World::begin(&self.plan, &self.template, Chance::new(seed), Weather::default(), Trace::new(false))?;
        let mut scene = Scene { world, said: 0 };
        for computer in 0..self.plan.computers.len() {
            scene.until("everyone is live", |scene| scene.is_live(computer))?;
        }
        Ok(scene)
    }
}

impl Scene {
    /// Lets time pass.
    ///
    /// # Errors
    /// If the simulation itself fails.
    pub fn pass(&mut self, time: Duration) -> Result<()> {
        let until = self.world.now() + millis(time);
        self.world.pass_until(until)
    }

    /// Lets time pass until something is so. Returns how long it took.
    ///
    /// # Errors
    /// If it is not so within an hour.
    pub fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) -> Result<Duration> {
        let began = self.world.now();
        while !is_so(self) {
            if self.world.now() > began + 3_600_000 {
                bail!("waited in vain: {what}");
            }
            let next = self.world.now() + GRAIN_MS;
            self.world.pass_until(next)?;
        }
        Ok(Duration::from_millis(self.world.now() - began))
    }

    /// Whether a computer shows its link as live.
    pub fn is_live(&self, computer: usize) -> bool {
        self.world.computers.get(computer).is_some_and(|computer| screen::held(&computer.screen).is_live())
    }

    /// How often a computer has tried to connect.
    pub fn attempts(&self, computer: usize) -> u64 {
        held(&self.world.post).outlets.get(computer).map_or(0, |outlet| outlet.attempts)
    }

    /// How often core on a computer has looked at the time of day, which every loop of its connection does.
    pub fn looks_at_the_clock(&self, computer: usize) -> u64 {
        self.world.computers.get(computer).map_or(0, super::computer::Computer::looks_at_the_clock)
    }

    /// Connections stay open and carry nothing; new ones work.
    pub fn half_open(&mut self, computer: usize) {
        held(&self.world.post).break_links(computer, false);
    }

    /// The connections break this many steps of the computer's tasks after the next answer to a call has arrived.
    pub fn cut_after_answer(&mut self, computer: usize, steps: u64) {
        let (now, of) = (self.world.now(), Arrival::Answer);
        self.world.plan(now, Deed::OnArrival { computer, of, steps, blow: Blow::Cut });
    }

    /// The same, after whatever arrives next.
    pub fn cut_after_arrival(&mut self, computer: usize, steps: u64) {
        let (now, of) = (self.world.now(), Arrival::Anything);
        self.world.plan(now, Deed::OnArrival { computer, of, steps, blow: Blow::Cut });
    }

    /// Nothing passes, and nobody says so.
    pub fn silence(&mut self, computer: usize) {
        self.line(computer, Line::Silent);
    }

    /// The cable is out, and the system says so.
    pub fn unplug(&mut self, computer: usize) {
        self.line(computer, Line::Cut);
    }

    /// The network is back. Nobody is told.
    pub fn plug_in(&mut self, computer: usize) {
        self.line(computer, Line::Up);
    }

    fn line(&mut self, computer: usize, line: Line) {
        let now = self.world.now();
        self.world.plan(now, Deed::Line { computer, line });
    }

    /// The system tells of another network, or of one again.
    pub fn other_network(&mut self, computer: usize) {
        let now = self.world.now();
        self.world.plan(now, Deed::OtherNetwork { computer });
    }

    /// The lid is closed, and opened again after this long.
    pub fn sleep(&mut self, computer: usize, time: Duration) {
        let now = self.world.now();
        self.world.plan(now, Deed::Sleep { computer, millis: millis(time) });
    }

    /// Somebody sets the time of day, this far off.
    pub fn set_time(&mut self, computer: usize, off_by_ms: i64) {
        let now = self.world.now();
        self.world.plan(now, Deed::SetTime { computer, off_by: off_by_ms });
    }

    /// Someone writes at a computer.
    pub fn say(&mut self, computer: usize) {
        self.said += 1;
        let id = ClientMessageId::new(format!("c{computer}-{:03}", self.said));
        let (now, room) = (self.world.now(), RoomId::from(ROOM));
        self.world.plan(now, Deed::Say { computer, room, id, times: 1 });
    }

    /// Someone writes elsewhere; with `unheard`, no socket hears of it.
    ///
    /// # Errors
    /// If the simulation itself fails.
    pub fn say_elsewhere(&mut self, unheard: bool) -> Result<()> {
        self.said += 1;
        let now = self.world.now();
        let (room, text) = (RoomId::from(ROOM), format!("e{:03}", self.said));
        held(&self.world.post).weather.drop = if unheard { 1.0 } else { 0.0 };
        self.world.plan(now, Deed::SayElsewhere { user: "ito".into(), room, text });
        self.world.pass_until(now + 1)?;
        held(&self.world.post).weather.drop = 0.0;
        Ok(())
    }

    /// How many unread messages a computer shows.
    pub fn unread(&self, computer: usize) -> u32 {
        let Some(computer) = self.world.computers.get(computer) else { return 0 };
        screen::held(&computer.screen).rooms.values().map(|room| room.unread).sum()
    }

    /// How many notifications a computer has raised.
    pub fn notified(&self, computer: usize) -> usize {
        self.world.computers.get(computer).map_or(0, |computer| screen::held(&computer.raised).len())
    }

    /// What is wrong now, and was at any time.
    ///
    /// # Errors
    /// If the simulation itself fails.
    pub fn wrong(&mut self) -> Result<Vec<String>> {
        let mut wrong = verdict::judge(&mut self.world, Look::List, false)?;
        wrong.extend(verdict::judge(&mut self.world, Look::Rooms, false)?);
        wrong.extend(verdict::breaches(&self.world));
        Ok(wrong)
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
