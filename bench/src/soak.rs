//! The soak: real processes, killed and cut off at random while they talk, and then the ledger.
//!
//! Invariant: nothing that was told once is forgotten here. The run knows every message it ordered and every
//! acknowledgement it heard, also from a client that is dead since.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use hugmedo_chat_protocol::Secret;
use hugmedo_chat_testkit::FaultyLink;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout},
};

use crate::{
    figures::{Figures, say, seconds},
    ledger::{Ledger, Log},
    pipe::{Begin, Order, Report},
    processes::{ClientProcess, Heard, ServerProcess},
    reading,
    ward::{Membership, PASSWORD, Ward},
};

/// How many of a client's messages may be under way.
const UNDER_WAY: usize = 20;
/// The longest nothing may happen before the run is given up.
const PATIENCE: Duration = Duration::from_secs(180);
/// Losses of the connection for each kill.
const CUTS_PER_KILL: usize = 2;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Soak {
    /// How many messages are sent, and have to be acknowledged
    #[arg(long, default_value_t = 5_000)]
    messages: usize,
    /// How many processes are killed, servers and clients in turn by chance
    #[arg(long, default_value_t = 20)]
    kills: usize,
    /// Chooses who says what, and what happens to whom and when
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many client processes
    #[arg(long, default_value_t = 4)]
    clients: usize,
    /// How many rooms; every client is in all of them
    #[arg(long, default_value_t = 3)]
    rooms: usize,
    /// Where the stores are kept, by default in a temporary folder
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// One client as the run sees it.
struct Person {
    process: ClientProcess,
    begin: Begin,
    /// Id and room of what it has still to be told to say.
    to_say: VecDeque<(String, String)>,
    /// Ordered, and not acknowledged.
    under_way: BTreeMap<String, String>,
    is_alive: bool,
    shown: BTreeMap<String, Log>,
    unsent: Option<u32>,
}

/// The run.
struct Run {
    people: Vec<Person>,
    server: ServerProcess,
    link: FaultyLink,
    hearing: mpsc::UnboundedReceiver<(usize, Heard)>,
    heard: mpsc::UnboundedSender<(usize, Heard)>,
    chance: StdRng,
    ledger: Ledger,
    server_kills: usize,
    client_kills: usize,
    told_again: usize,
    signed_out: usize,
    shown_twice: BTreeSet<String>,
    failed: usize,
    troubles: Vec<String>,
}

pub(crate) async fn run(options: &Soak, as_row: bool) -> Result<bool> {
    let replay = format!(
        "reliability soak --messages {} --kills {} --seed {} --clients {} --rooms {}",
        options.messages, options.kills, options.seed, options.clients, options.rooms
    );
    match soak(options, as_row).await {
        Ok(true) => Ok(true),
        Ok(false) => {
            say(format!("to see it again: {replay}"));
            Ok(false)
        }
        Err(error) => Err(error.context(format!("to see it again: {replay}"))),
    }
}

async fn soak(options: &Soak, as_row: bool) -> Result<bool> {
    let temporary = tempfile::tempdir()?;
    let folder = options.folder.as_deref().unwrap_or(temporary.path());
    let server_folder = folder.join("server");
    let ward = Ward::found(&server_folder, options.clients, options.rooms, Membership::Shared).await?;
    let token = ward.tokens(&server_folder).await?.into_iter().next().context("at least one client")?;
    let mut run = Run::begin(options, &ward, folder, &server_folder).await?;
    say(format!("{} clients in {} rooms, seed {}", options.clients, options.rooms, options.seed));

    let began = Instant::now();
    run.talk(options).await?;
    let talked = began.elapsed();
    let history = reading::history(&run.server.url(), &token, &ward.rooms).await?;
    run.listen_to_all(&history).await?;

    let timelines: Vec<BTreeMap<String, Log>> = run.people.iter().map(|person| person.shown.clone()).collect();
    let findings = run.ledger.check(&history, &timelines);
    let waiting: u32 = run.people.iter().filter_map(|person| person.unsent).sum();
    for trouble in &run.troubles {
        say(format!("trouble: {trouble}"));
    }
    if !findings.is_clean() {
        say(&findings);
    }

    let mut figures = Figures::of("soak");
    figures.tell("seed", options.seed);
    figures.tell("acknowledged", run.ledger.len());
    figures.tell("server kills", run.server_kills);
    figures.tell("client kills", run.client_kills);
    figures.tell("messages told again after a kill", run.told_again);
    figures.tell("connections cut or reset", run.link.ended());
    figures.must_be_zero("lost", findings.lost_by_server + findings.not_shown);
    figures.must_be_zero("doubled", findings.doubled_by_server + findings.shown_twice + run.shown_twice.len());
    figures.must_be_zero("out of order", findings.out_of_order);
    figures.must_be_zero("changed", findings.changed);
    figures.must_be_zero("left waiting", findings.unsent + waiting as usize + run.failed);
    figures.tell("signed out by the faults", run.signed_out);
    figures.tell("elapsed", seconds(talked));
    figures.tell("messages a second", format!("{:.0}", run.ledger.len() as f64 / talked.as_secs_f64()));
    figures.demand(run.ledger.len() == options.messages, "not every message was acknowledged");
    figures.demand(run.troubles.is_empty(), "a client was in trouble");
    figures.print(as_row)
}

impl Run {
    async fn begin(options: &Soak, ward: &Ward, folder: &Path, server_folder: &Path) -> Result<Self> {
        let mut chance = StdRng::seed_from_u64(options.seed);
        let server = ServerProcess::start(server_folder).await?;
        let link = FaultyLink::to(server.address()).await?;
        let (heard, hearing) = mpsc::unbounded_channel();
        let mut people = Vec::new();
        for (number, username) in ward.people.iter().enumerate() {
            let begin = Begin {
                data_dir: folder.join(username),
                server: link.url(),
                username: username.clone(),
                password: Secret::new(PASSWORD),
                secrets: BTreeMap::new(),
            };
            people.push(Person {
                process: ClientProcess::start(number, &begin, heard.clone()).await?,
                begin,
                to_say: VecDeque::new(),
                under_way: BTreeMap::new(),
                is_alive: true,
                shown: BTreeMap::new(),
                unsent: None,
            });
        }
        for number in 0..options.messages {
            let who = chance.random_range(0..people.len());
            let room = ward.room(chance.random_range(0..ward.rooms.len()));
            if let Some(person) = people.get_mut(who) {
                person.to_say.push_back((format!("m{number}"), room.as_str().to_owned()));
            }
        }
        Ok(Self {
            people,
            server,
            link,
            hearing,
            heard,
            chance,
            ledger: Ledger::default(),
            server_kills: 0,
            client_kills: 0,
            told_again: 0,
            signed_out: 0,
            shown_twice: BTreeSet::new(),
            failed: 0,
            troubles: Vec::new(),
        })
    }

    /// Lets everyone talk, and does harm as it goes on, until everything is acknowledged.
    async fn talk(&mut self, options: &Soak) -> Result<()> {
        let faults = options.kills * (1 + CUTS_PER_KILL);
        let mut kinds: Vec<bool> = (0..faults).map(|number| number < options.kills).collect();
        rand::seq::SliceRandom::shuffle(kinds.as_mut_slice(), &mut self.chance);
        let mut done = 0;
        let mut said = 0;
        while self.ledger.len() < options.messages {
            self.keep_busy().await?;
            self.hear_one().await?;
            // Spread over the run by what is acknowledged, each at a moment of its own.
            while self.ledger.len() * (faults + 1) > (done + 1) * options.messages
                && let Some(is_kill) = kinds.get(done).copied()
            {
                done += 1;
                sleep(Duration::from_millis(self.chance.random_range(0..100))).await;
                if is_kill { self.kill_one().await? } else { self.cut() }
            }
            let tenth = self.ledger.len() * 10 / options.messages.max(1);
            if tenth > said {
                said = tenth;
                say(format!("{} acknowledged, {} kills", self.ledger.len(), self.server_kills + self.client_kills));
            }
        }
        Ok(())
    }

    async fn keep_busy(&mut self) -> Result<()> {
        for person in &mut self.people {
            while person.is_alive && person.under_way.len() < UNDER_WAY {
                let Some((id, room)) = person.to_say.pop_front() else { break };
                person.under_way.insert(id.clone(), room.clone());
                person.process.order(&Order::Send { room, id }).await?;
            }
        }
        Ok(())
    }

    /// Takes in the next report. Returns whose process has ended, if one has.
    async fn hear_one(&mut self) -> Result<Option<usize>> {
        let Ok(Some((number, heard))) = timeout(PATIENCE, self.hearing.recv()).await else {
            let left: usize = self.people.iter().map(|person| person.under_way.len() + person.to_say.len()).sum();
            bail!("nothing happens any more, and {left} messages are not acknowledged");
        };
        let Some(person) = self.people.get_mut(number) else { bail!("a client that does not exist speaks") };
        match heard {
            Heard::Gone if person.is_alive => bail!("client {number} ended by itself"),
            Heard::Gone => return Ok(Some(number)),
            Heard::Says(Report::Secret { name, secret: Some(secret) }) => {
                person.begin.secrets.insert(name, secret);
            }
            Heard::Says(Report::Secret { name, secret: None }) => {
                person.begin.secrets.remove(&name);
            }
            Heard::Says(Report::SignedIn) => {}
            Heard::Says(Report::SignedOut) => {
                self.signed_out += 1;
                say(format!("client {number} was signed out, and signs in again"));
            }
            Heard::Says(Report::Acked { id, room, seq }) => {
                person.under_way.remove(&id);
                self.ledger.note(&id, &room, seq);
            }
            Heard::Says(Report::Failed { .. }) => self.failed += 1,
            Heard::Says(Report::ShownTwice { id }) => {
                self.shown_twice.insert(id);
            }
            Heard::Says(Report::Shown { room, log }) => person.shown.entry(room).or_default().extend(log),
            Heard::Says(Report::Told { unsent }) => person.unsent = Some(unsent),
            Heard::Says(Report::Trouble { what }) => self.troubles.push(format!("client {number}: {what}")),
        }
        Ok(None)
    }

    async fn kill_one(&mut self) -> Result<()> {
        let pause = Duration::from_millis(self.chance.random_range(0..500));
        if self.chance.random() {
            self.server_kills += 1;
            self.server.kill().await?;
            sleep(pause).await;
            return self.server.start_again().await;
        }
        self.client_kills += 1;
        let number = self.chance.random_range(0..self.people.len());
        if let Some(person) = self.people.get_mut(number) {
            person.is_alive = false;
            person.process.kill().await?;
        }
        // Its last words may hold an acknowledgement, and the token it needs in its next life.
        while self.hear_one().await? != Some(number) {}
        sleep(pause).await;
        let heard = self.heard.clone();
        let Some(person) = self.people.get_mut(number) else { return Ok(()) };
        person.process = ClientProcess::start(number, &person.begin, heard).await?;
        person.is_alive = true;
        // Whether these were written down before the kill, nobody knows; the same id makes it the same message.
        self.told_again += person.under_way.len();
        for (id, room) in person.under_way.clone() {
            person.process.order(&Order::Send { room, id }).await?;
        }
        Ok(())
    }

    fn cut(&mut self) {
        match self.chance.random_range(0..8) {
            0 => self.link.cut_all(),
            1 => self.link.reset_all(),
            _ => self.link.end_one(self.chance.random()),
        }
    }

    /// Asks every client for everything it shows, once it has come to where the server is.
    async fn listen_to_all(&mut self, history: &BTreeMap<String, Log>) -> Result<()> {
        let last = |log: &Log| log.last().and_then(|entry| entry.seq).unwrap_or_default();
        let positions: BTreeMap<String, u64> = history.iter().map(|(room, log)| (room.clone(), last(log))).collect();
        for person in &mut self.people {
            person.process.order(&Order::Tell { positions: positions.clone() }).await?;
        }
        while self.people.iter().any(|person| person.unsent.is_none()) {
            self.hear_one().await?;
        }
        Ok(())
    }
}
