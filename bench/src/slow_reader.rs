//! The slow reader: one member of a large room stops reading. The others must not feel it, and it must find everything once
//! it reads again.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, Result, bail};
use hugmedo_chat_testkit::FaultyLink;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, timeout},
};

use crate::{
    crowd::{Diary, Member},
    figures::{Figures, quantile, say, seconds},
    processes::ServerProcess,
    reading,
    ward::{Membership, Ward},
    wire::{PADDING, Wire},
};

/// The longest anything is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SlowReader {
    /// How many members the room has, the slow one included
    #[arg(long, default_value_t = 100)]
    members: usize,
    /// How many messages are said and measured in one round
    #[arg(long, default_value_t = 600)]
    messages: usize,
    /// How many messages are said first in each round and not measured: the slow one, which has just come back, still tidies up
    #[arg(long, default_value_t = 60)]
    warm_up: usize,
    /// How many messages a second
    #[arg(long, default_value_t = 20)]
    rate: u32,
    /// How many characters a message has: long ones fill what lies between the server and the slow one
    #[arg(long, default_value_t = 9_000)]
    length: usize,
    /// How many rounds with the slow one; as many without it alternate with them
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// How many times the others' p99 without the slow one their p99 with it may be
    #[arg(long, default_value_t = 1.2)]
    limit: f64,
}

pub(crate) async fn run(options: &SlowReader, as_row: bool) -> Result<bool> {
    let temporary = tempfile::tempdir()?;
    let folder = temporary.path();
    let server_folder = folder.join("server");
    say("adding the people");
    let ward = Ward::found(&server_folder, options.members, 1, Membership::Shared).await?;
    let room = ward.room(0);
    let mut tokens = ward.tokens(&server_folder).await?.into_iter();
    let server = ServerProcess::start(&server_folder).await?;
    let link = FaultyLink::to(server.address()).await?;
    let slow = tokens.next().context("a token for the slow one")?;
    let slow = Member::enter(&folder.join("computer"), link.url(), slow).await?;
    let mut speaker = Wire::enter(server.address(), &tokens.next().context("a speaker")?, &room).await?;
    let (heard, mut hearing) = mpsc::unbounded_channel();
    let mut listening = JoinSet::new();
    for token in tokens {
        listening.spawn(Wire::enter(server.address(), &token, &room).await?.listen(heard.clone()));
    }
    let listeners = listening.len();
    if listeners == 0 {
        bail!("a room of three at least");
    }

    let pace = Duration::from_secs(1) / options.rate.max(1);
    let mut times: BTreeMap<bool, Vec<Duration>> = BTreeMap::new();
    let mut converged = Duration::ZERO;
    let mut all = Vec::new();
    // Without, with, with, without: what drifts meanwhile falls on both.
    for round in 0..options.rounds * 2 {
        let with_slow = matches!(round % 4, 1 | 2);
        link.outage(!with_slow);
        if with_slow {
            slow.core.reconnect_now().await?;
            slow.until_live(PATIENCE).await?;
            link.stall(true);
        }
        let said = options.warm_up + options.messages;
        let ids: Vec<String> = (0..said)
            .map(|number| format!("r{round}n{number}-{}", PADDING.to_string().repeat(options.length)))
            .collect();
        let mut begun = speaker.say_all(&ids, pace).await?;
        for id in ids.iter().take(options.warm_up) {
            begun.remove(id);
        }
        let measured = times.entry(with_slow).or_default();
        for _ in 0..listeners * ids.len() {
            tokio::select! {
                arrived = timeout(PATIENCE, hearing.recv()) => {
                    let (id, at) = arrived.context("a message did not reach everyone")?.context("nobody listens")?;
                    measured.extend(begun.get(&id).map(|begun| at - *begun));
                }
                Some(ended) = listening.join_next() => { ended??; }
            }
        }
        all.extend(ids);
        if with_slow {
            link.stall(false);
            let reads_again = Instant::now();
            let has_all = |diary: &Diary| all.iter().rev().take(said).all(|id| diary.shown.contains_key(id));
            let _ = slow.until("everything said meanwhile", PATIENCE, has_all).await;
            converged = converged.max(reads_again.elapsed());
        }
        let kind = if with_slow { "with" } else { "without" };
        say(format!("round {round}, {kind} the slow one: done"));
    }
    link.outage(false);
    slow.core.reconnect_now().await?;
    let has_all = |diary: &Diary| all.last().is_none_or(|id| diary.shown.contains_key(id));
    let _ = slow.until("everything", PATIENCE, has_all).await;
    let shown = reading::log(&slow.core, &room).await?;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in &shown {
        *counts.entry(crate::ledger::id_in(&entry.text).unwrap_or_default()).or_default() += 1;
    }
    let missing = all.iter().filter(|id| !counts.contains_key(id.as_str())).count();
    let doubled: usize = counts.values().map(|times| times - 1).sum();

    let mut without = times.remove(&false).unwrap_or_default();
    let mut with = times.remove(&true).unwrap_or_default();
    let (p99_without, p99_with) = (quantile(&mut without, 0.99), quantile(&mut with, 0.99));
    let ratio = p99_with.as_secs_f64() / p99_without.as_secs_f64();
    let mut figures = Figures::of("slow reader");
    figures.tell("members", options.members);
    figures.tell("deliveries", format!("{} without, {} with", without.len(), with.len()));
    figures.tell("p50 without", seconds(quantile(&mut without, 0.5)));
    figures.tell("p50 with", seconds(quantile(&mut with, 0.5)));
    figures.tell("p99 without", seconds(p99_without));
    figures.tell("p99 with", seconds(p99_with));
    figures.tell("ratio of the p99", format!("{ratio:.2}"));
    figures
        .demand(ratio < options.limit, format!("the others feel it: {ratio:.2} times, and at most {}", options.limit));
    figures.tell("the slow one has everything after", seconds(converged));
    figures.must_be_zero("lost to the slow one", missing);
    figures.must_be_zero("doubled to the slow one", doubled);
    let passed = figures.print(as_row)?;
    slow.core.shutdown().await;
    Ok(passed)
}
