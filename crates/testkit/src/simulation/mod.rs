//! A simulation of a hospital: several computers with the real core and its real store, a network that fails in every way a
//! network fails, and a server whose book says what everyone must see in the end. In virtual time, by seed.
//!
//! Invariant: a run depends on its seed alone, so that a failing seed can be run again and read.

mod chance;
mod clock;
mod computer;
mod deeds;
pub mod ledger;
mod network;
mod plan;
mod post;
mod scene;
mod screen;
mod trace;
mod verdict;
mod weather;
mod world;

pub use scene::Scene;

use std::ops::AddAssign;

use anyhow::Result;

use chance::Chance;
use plan::{Plan, Template};
use post::held;
use trace::Trace;
use verdict::Look;
use weather::Weather;
use world::World;

/// When everyone is looked at, after the network has become kind.
const LOOKS_MS: [u64; 7] = [3_000, 10_000, 30_000, 70_000, 110_000, 200_000, 300_000];

/// What happened, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "their names say it")]
pub struct Tally {
    pub messages: u64,
    pub crashes: u64,
    pub drops: u64,
    pub doubles: u64,
    pub reorders: u64,
    pub acks_lost: u64,
    pub http_lost: u64,
    pub old_cursors: u64,
    pub links_broken: u64,
    pub connections: u64,
    pub sign_ins: u64,
    pub virtual_ms: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.messages += other.messages;
        self.crashes += other.crashes;
        self.drops += other.drops;
        self.doubles += other.doubles;
        self.reorders += other.reorders;
        self.acks_lost += other.acks_lost;
        self.http_lost += other.http_lost;
        self.old_cursors += other.old_cursors;
        self.links_broken += other.links_broken;
        self.connections += other.connections;
        self.sign_ins += other.sign_ins;
        self.virtual_ms += other.virtual_ms;
    }
}

/// What a run came to.
#[derive(Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// The same for the same run.
    pub hash: u64,
    /// What was wrong; empty if the promise was kept.
    pub wrong: Vec<String>,
    /// The numbers.
    pub tally: Tally,
    /// What happened, if it was asked for.
    pub lines: Vec<String>,
}

/// Runs simulations.
pub struct Simulations {
    plan: Plan,
    template: Template,
}

impl Simulations {
    /// Prepares what all runs have in common.
    ///
    /// # Errors
    /// If the computers cannot be set up.
    pub fn prepare() -> Result<Self> {
        let plan = Plan::usual();
        Ok(Self { template: Template::make(&plan)?, plan })
    }

    /// Runs one seed. `readable` keeps a line for everything that happens.
    ///
    /// # Errors
    /// If the simulation itself fails, for instance for want of space.
    pub fn run(&self, seed: u64, readable: bool) -> Result<Outcome> {
        let mut chance = Chance::new(seed);
        let weather = Weather::by(&mut chance);
        let deeds = deeds::draw(&self.plan, &mut chance.fork());
        let mut world = World::begin(&self.plan, &self.template, chance, weather, Trace::new(readable))?;
        for (at, deed) in deeds {
            world.plan(at, deed);
        }
        let mut wrong = Vec::new();
        for look in LOOKS_MS {
            world.pass_until(self.plan.unkind_ms + look.min(self.plan.patience_ms))?;
            let lenient = held(&world.post).tally.old_cursors > 0 || !world.removed.is_empty();
            // First without touching anything: opening a room would fetch what was missing.
            wrong = verdict::judge(&mut world, Look::List, lenient)?;
            if wrong.is_empty() {
                wrong = verdict::judge(&mut world, Look::Rooms, lenient)?;
            }
            if wrong.is_empty() {
                break;
            }
        }
        wrong.extend(verdict::breaches(&world));
        let said = screen::held(&world.promises).len() as u64;
        let mut post = held(&world.post);
        post.tally.messages += said;
        post.tally.virtual_ms = post.now;
        let trace = post.trace.clone();
        Ok(Outcome { seed, hash: trace.hash(), wrong, tally: post.tally, lines: trace.into_lines() })
    }
}
