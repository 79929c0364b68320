//! The server beside the official Socket.IO for Node: what a connection costs, how fast they come, how fast a room hears, how many messages
//! are taken a second.
//!
//! Invariant: both are asked by the same driver with the same frames, in turn within one run (ours, theirs, theirs, ours), so what drifts
//! meanwhile falls on both. Neither is given terms of its own but these: ours checks who speaks and stores what is said, the peer does not.

mod contestant;

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result};
use hugmedo_chat_protocol::{RoomId, Secret};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use self::contestant::{Contestant, Kind};
use crate::{
    crowd::check_open_files,
    figures::{Figures, quantile, say, seconds},
    ward::{Membership, Ward},
    wire::Wire,
};

/// Members of the rooms that are broadcast to: the first so many people.
const SIZES: [usize; 3] = [100, 500, 1_000];
/// People who speak each in a room of their own; those rooms follow the others.
const SPEAKERS: usize = 16;
/// How many connect at the same time.
const CONNECTING: usize = 32;
/// How many messages of one speaker may be without an answer.
const UNANSWERED: usize = 16;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Beside {
    /// How many connections stay idle
    #[arg(long, default_value_t = 1_000)]
    connections: usize,
    /// Deliveries of one broadcast round as fast as they go
    #[arg(long, default_value_t = 200_000)]
    deliveries: usize,
    /// Messages of one broadcast round at a pace
    #[arg(long, default_value_t = 100)]
    messages: usize,
    /// Milliseconds between two of them
    #[arg(long, default_value_t = 100)]
    pace: u64,
    /// Messages of each speaker
    #[arg(long, default_value_t = 500)]
    each: usize,
    /// How often each has its turn
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// Only rooms of at most so many members
    #[arg(long, default_value_t = 1_000)]
    largest: usize,
}

/// What one contestant came to, round for round.
type Rounds = BTreeMap<Kind, Vec<f64>>;

pub(crate) async fn run(options: &Beside, as_row: bool) -> Result<bool> {
    check_open_files(2 * options.connections.max(options.largest) + 200)?;
    let temporary = tempfile::tempdir()?;
    let folder = temporary.path().join("server");
    let sizes: Vec<usize> = SIZES.into_iter().filter(|size| *size <= options.largest).collect();
    let people = options.connections.max(options.largest).max(SPEAKERS);
    say(format!("{people} people are entered"));
    let membership = |who, room| SIZES.get(room).map_or(who == room - SIZES.len(), |size| who < *size);
    let ward = Ward::found(&folder, people, SIZES.len() + SPEAKERS, Membership::By(membership)).await?;
    let tokens = ward.tokens(&folder).await?;
    let stage = Stage { options, folder: &folder, ward: &ward, tokens: &tokens };

    let mut passed = stage.idle().await?.print(as_row)?;
    for (number, size) in sizes.iter().enumerate() {
        passed &= stage.broadcast(number, *size).await?.print(as_row)?;
    }
    passed &= stage.throughput().await?.print(as_row)?;
    Ok(passed)
}

struct Stage<'a> {
    options: &'a Beside,
    folder: &'a std::path::Path,
    ward: &'a Ward,
    tokens: &'a [Secret],
}

impl Stage<'_> {
    /// Ours, theirs, theirs, ours, and so on.
    fn turns(&self, kinds: &[Kind]) -> Vec<Kind> {
        (0..self.options.rounds)
            .flat_map(|round| {
                let mut turn = kinds.to_vec();
                if round % 2 == 1 {
                    turn.reverse();
                }
                turn
            })
            .collect()
    }

    async fn idle(&self) -> Result<Figures> {
        let (mut memory, mut rate) = (Rounds::new(), Rounds::new());
        for kind in self.turns(&[Kind::Ours, Kind::SocketIo]) {
            let contestant = Contestant::start(kind, self.folder).await?;
            let before = contestant.settled_memory().await?;
            let begun = Instant::now();
            let wires = self.connect(&contestant, self.options.connections, &self.ward.room(0), false).await?;
            let took = begun.elapsed();
            let after = contestant.settled_memory().await?;
            let each = after.saturating_sub(before) as f64 / 1024.0 / wires.len() as f64;
            memory.entry(kind).or_default().push(each);
            rate.entry(kind).or_default().push(wires.len() as f64 / took.as_secs_f64());
            say(format!("{kind}: {each:.1} KiB a connection, {} connected in {}", wires.len(), seconds(took)));
        }
        let mut figures = Figures::of("connections");
        figures.tell("connections", self.options.connections);
        tell(&mut figures, "memory of one, KiB", &memory);
        tell(&mut figures, "a second", &rate);
        Ok(figures)
    }

    async fn broadcast(&self, number: usize, size: usize) -> Result<Figures> {
        let room = self.ward.room(number);
        let (mut rate, mut work) = (Rounds::new(), Rounds::new());
        let mut times: BTreeMap<Kind, Vec<Duration>> = BTreeMap::new();
        for (turn, kind) in self.turns(&[Kind::Ours, Kind::SocketIo]).into_iter().enumerate() {
            let contestant = Contestant::start(kind, self.folder).await?;
            let mut wires = self.connect(&contestant, size, &room, true).await?;
            let mut speaker = wires.pop().context("a speaker")?;

            let ids: Vec<String> = (0..self.options.messages).map(|id| format!("t{turn}paced{id}")).collect();
            let listening = listen(wires, ids.len());
            let begun = speaker.say_all(&ids, Duration::from_millis(self.options.pace)).await?;
            let (wires, heard) = heard_by_all(listening).await?;
            let since = |(id, at): &(String, Instant)| begun.get(id).map(|begun| *at - *begun);
            times.entry(kind).or_default().extend(heard.iter().filter_map(since));

            let count = self.options.deliveries / size;
            let ids: Vec<String> = (0..count).map(|id| format!("t{turn}poured{id}")).collect();
            let listening = listen(wires, ids.len());
            let (worked, begun) = (contestant.worked().await?, Instant::now());
            speaker.pour(&ids, UNANSWERED).await?;
            let (_wires, heard) = heard_by_all(listening).await?;
            let last = heard.iter().map(|(_, at)| *at).max().context("nobody heard anything")?;
            let per_second = heard.len() as f64 / (last - begun).as_secs_f64();
            let micros = (contestant.worked().await? - worked).as_secs_f64() * 1e6 / heard.len() as f64;
            rate.entry(kind).or_default().push(per_second);
            work.entry(kind).or_default().push(micros);
            say(format!("{kind}: {size} members, {per_second:.0} deliveries a second, {micros:.1} µs of work each"));
        }
        let mut figures = Figures::of(format!("broadcast to {size}"));
        for (kind, times) in &mut times {
            figures.tell(&format!("{kind}: p50"), seconds(quantile(times, 0.5)));
            figures.tell(&format!("{kind}: p99"), seconds(quantile(times, 0.99)));
        }
        tell(&mut figures, "deliveries a second", &rate);
        tell(&mut figures, "work of one delivery, µs", &work);
        Ok(figures)
    }

    async fn throughput(&self) -> Result<Figures> {
        let mut rate = Rounds::new();
        for (turn, kind) in self.turns(&[Kind::Ours, Kind::SocketIoKept, Kind::SocketIo]).into_iter().enumerate() {
            let contestant = Contestant::start(kind, self.folder).await?;
            let mut speaking = JoinSet::new();
            for (who, token) in self.tokens.iter().take(SPEAKERS).enumerate() {
                let room = self.ward.room(SIZES.len() + who);
                let mut wire = Wire::enter(contestant.address(), token, &room).await?;
                let ids: Vec<String> = (0..self.options.each).map(|id| format!("t{turn}own{id}")).collect();
                speaking.spawn(async move { wire.pour(&ids, UNANSWERED).await });
            }
            let begun = Instant::now();
            speaking.join_all().await.into_iter().collect::<Result<Vec<()>>>()?;
            let per_second = (SPEAKERS * self.options.each) as f64 / begun.elapsed().as_secs_f64();
            rate.entry(kind).or_default().push(per_second);
            say(format!("{kind}: {per_second:.0} messages a second"));
        }
        let mut figures = Figures::of("messages");
        figures.tell("speakers", SPEAKERS);
        tell(&mut figures, "acknowledged a second", &rate);
        Ok(figures)
    }

    /// The first so many people, a few at a time.
    async fn connect(&self, contestant: &Contestant, count: usize, room: &RoomId, join: bool) -> Result<Vec<Wire>> {
        let mut connecting = JoinSet::new();
        let mut wires = Vec::with_capacity(count);
        for token in self.tokens.iter().take(count) {
            if connecting.len() >= CONNECTING
                && let Some(connected) = connecting.join_next().await
            {
                wires.push(connected??);
            }
            let (address, token, room) = (contestant.address(), token.clone(), room.clone());
            connecting.spawn(async move {
                if join {
                    Wire::enter(address, &token, &room).await
                } else {
                    Wire::connect(address, &token, &room).await
                }
            });
        }
        while let Some(connected) = connecting.join_next().await {
            wires.push(connected??);
        }
        Ok(wires)
    }
}

type Listening = JoinSet<Result<(Wire, Vec<(String, Instant)>)>>;

fn listen(wires: Vec<Wire>, count: usize) -> Listening {
    let mut listening = JoinSet::new();
    for mut wire in wires {
        listening.spawn(async move {
            let heard = wire.hear(count).await?;
            Ok((wire, heard))
        });
    }
    listening
}

async fn heard_by_all(listening: Listening) -> Result<(Vec<Wire>, Vec<(String, Instant)>)> {
    let (mut wires, mut all) = (Vec::new(), Vec::new());
    for outcome in listening.join_all().await {
        let (wire, heard) = outcome?;
        wires.push(wire);
        all.extend(heard);
    }
    Ok((wires, all))
}

/// The middle of each one's rounds with the least and the greatest, and ours in relation to the others'.
fn tell(figures: &mut Figures, what: &str, rounds: &Rounds) {
    let middle = |values: &[f64]| {
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let (low, high) = (sorted.get(sorted.len().saturating_sub(1) / 2), sorted.get(sorted.len() / 2));
        (low.copied().unwrap_or_default() + high.copied().unwrap_or_default()) / 2.0
    };
    for (kind, values) in rounds {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = values.iter().copied().fold(0.0, f64::max);
        figures.tell(&format!("{kind}: {what}"), format!("{:.1} ({least:.1} to {greatest:.1})", middle(values)));
    }
    let ours = rounds.get(&Kind::Ours).map(|values| middle(values)).unwrap_or_default();
    for (kind, values) in rounds.iter().filter(|(kind, _)| **kind != Kind::Ours) {
        figures.tell(&format!("ours to {kind}: {what}"), format!("{:.2} times", ours / middle(values)));
    }
}

/// How long memory may go on changing before it is taken as it is.
const SETTLING: Duration = Duration::from_secs(30);
/// Between two looks at it.
const LOOK: Duration = Duration::from_millis(500);

impl Contestant {
    /// What the process has of the machine's memory, in bytes, once that has come to rest.
    async fn settled_memory(&self) -> Result<u64> {
        let (until, mut before, mut at_rest) = (Instant::now() + SETTLING, self.memory().await?, 0);
        while Instant::now() < until && at_rest < 6 {
            sleep(LOOK).await;
            let now = self.memory().await?;
            at_rest = if now.abs_diff(before) * 200 <= before { at_rest + 1 } else { 0 };
            before = now;
        }
        Ok(before)
    }
}
