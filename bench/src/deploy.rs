//! The deploy: everyone is connected, the server is replaced while people talk, and everyone has to come back.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use hugmedo_chat_core::view::ConnectionState;
use hugmedo_chat_protocol::{RoomId, Secret};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, timeout_at},
};

use crate::{
    crowd::{self, Diary, Member},
    figures::{Figures, quantile, say, seconds},
    ledger::{Findings, Ledger, id_in},
    processes::ServerProcess,
    reading,
    ward::{Membership, Ward},
};

/// People of one room.
const ROOM_SIZE: usize = 10;
/// How many of them talk all the while.
const SPEAKERS: usize = 10;
/// How often each says something.
const PACE: Duration = Duration::from_millis(250);
/// Open files for each client: its socket, its HTTP connection, and what its runtime watches them with.
const FILES_PER_CLIENT: usize = 12;
/// The longest a member may take to show what the others said.
const CATCH_UP: Duration = Duration::from_secs(60);
/// The longest anyone is waited for.
const PATIENCE: Duration = Duration::from_secs(180);
/// What is promised: 95 of 100 are back within this.
const BACK_WITHIN: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Deploy {
    /// How many clients
    #[arg(long, default_value_t = 500)]
    clients: usize,
    /// How often the server is replaced
    #[arg(long, default_value_t = 5)]
    restarts: usize,
    /// Kill the server instead of stopping it in good form
    #[arg(long)]
    kill: bool,
}

pub(crate) async fn run(options: &Deploy, as_row: bool) -> Result<bool> {
    crowd::check_open_files(options.clients * FILES_PER_CLIENT)?;
    let temporary = tempfile::tempdir()?;
    let folder = temporary.path();
    let server_folder = folder.join("server");
    say("adding the people");
    let rooms = options.clients.div_ceil(ROOM_SIZE);
    let ward = Ward::found(&server_folder, options.clients, rooms, Membership::Apart).await?;
    let tokens = ward.tokens(&server_folder).await?;
    let mut server = ServerProcess::start(&server_folder).await?;
    say("signing them in");
    let people = tokens.iter().cloned().map(|token| (server.url(), token));
    let members: Arc<Vec<Member>> = Arc::new(crowd::enter_all(folder, people, PATIENCE).await?);

    let speakers = SPEAKERS.min(options.clients);
    let (stop, stopped) = watch::channel(false);
    let speaking: Vec<JoinHandle<Result<()>>> = (0..speakers)
        .map(|speaker| tokio::spawn(speak(Arc::clone(&members), speaker, ward.room(speaker), stopped.clone())))
        .collect();
    let mut times = Vec::new();
    let mut never = 0;
    for number in 1..=options.restarts {
        if options.kill {
            server.kill().await?
        } else {
            server.stop().await?
        }
        server.start_again().await?;
        let listening = Instant::now();
        let mut back = Vec::new();
        for member in members.iter() {
            let is_back = |state| state == ConnectionState::Live;
            let returned = |diary: &Diary| diary.first(listening, is_back).is_some();
            // Whoever is not back in time is counted, not waited for any longer.
            let _ = timeout_at(listening + PATIENCE, member.until("a live link", PATIENCE, returned)).await;
            match member.diary().first(listening, is_back) {
                Some(at) => back.push(at - listening),
                None => never += 1,
            }
        }
        say(format!(
            "restart {number}: p50 {:?}, p95 {:?}, last {:?}",
            quantile(&mut back, 0.5),
            quantile(&mut back, 0.95),
            quantile(&mut back, 1.0)
        ));
        times.extend(back);
    }
    // Not cut off in the middle of a word: what is measured is the link.
    stop.send_replace(true);
    for task in speaking {
        task.await??;
    }
    let (acked, findings) = settle(&members, speakers, &ward, &server, &tokens).await?;

    let name = if options.kill { "deploy (killed)" } else { "deploy" };
    let mut figures = Figures::of(name);
    figures.tell("clients", options.clients);
    figures.tell("restarts", options.restarts);
    figures.tell("back p50", seconds(quantile(&mut times, 0.5)));
    figures.must_be_below("back p95", quantile(&mut times, 0.95), BACK_WITHIN);
    figures.tell("back, the last", seconds(quantile(&mut times, 1.0)));
    figures.must_be_zero("never back", never);
    figures.tell("acknowledged meanwhile", acked);
    figures.must_be_zero("lost", findings.lost_by_server + findings.not_shown);
    figures.must_be_zero("doubled", findings.doubled_by_server + findings.shown_twice);
    figures.must_be_zero("out of order", findings.out_of_order + findings.changed);
    let passed = figures.print(as_row)?;
    if let Ok(members) = Arc::try_unwrap(members) {
        crowd::leave_all(members).await;
    }
    Ok(passed)
}

/// Says something again and again, whatever becomes of the link.
async fn speak(members: Arc<Vec<Member>>, speaker: usize, room: RoomId, stopped: watch::Receiver<bool>) -> Result<()> {
    let member = members.get(speaker).context("a speaker")?;
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut number = 0;
    while !*stopped.borrow() {
        pace.tick().await;
        member.say(&room, &format!("s{speaker}n{number}")).await?;
        number += 1;
    }
    Ok(())
}

/// Waits until everything said is acknowledged and shown, and checks the rooms that were spoken in. Returns how many were
/// acknowledged.
async fn settle(
    members: &[Member],
    speakers: usize,
    ward: &Ward,
    server: &ServerProcess,
    tokens: &[Secret],
) -> Result<(usize, Findings)> {
    let mut ledgers: BTreeMap<RoomId, Ledger> = BTreeMap::new();
    for (speaker, member) in members.iter().enumerate().take(speakers) {
        let own = format!("s{speaker}n");
        let is_settled =
            |diary: &Diary| diary.shown.keys().filter(|id| id.starts_with(&own)).all(|id| diary.acked.contains_key(id));
        member.until("the speaker's words on the server", PATIENCE, is_settled).await?;
        let room = ward.room(speaker);
        let ledger = ledgers.entry(room.clone()).or_default();
        for (id, (_, seq)) in &member.diary().acked {
            ledger.note(id, room.as_str(), *seq);
        }
    }
    let (mut acked, mut findings) = (0, Findings::default());
    for (room, ledger) in &ledgers {
        acked += ledger.len();
        let inside: Vec<usize> = (0..members.len()).filter(|number| ward.room(*number) == *room).collect();
        let Some(token) = inside.first().and_then(|first| tokens.get(*first)) else { continue };
        let history = reading::history(&server.url(), token, &[room.as_str().to_owned()]).await?;
        let mut timelines = Vec::new();
        for member in inside.iter().filter_map(|number| members.get(*number)) {
            let has_all = |diary: &Diary| {
                history.values().flatten().all(|entry| id_in(&entry.text).is_none_or(|id| diary.shown.contains_key(id)))
            };
            // What is missing after that is for the ledger to say.
            let _ = member.until("everyone's words", CATCH_UP, has_all).await;
            let log = reading::log(&member.core, room).await?;
            timelines.push(BTreeMap::from([(room.as_str().to_owned(), log)]));
        }
        findings.add(&ledger.check(&history, &timelines));
    }
    findings.shown_twice += members.iter().map(|member| member.diary().shown_twice).sum::<usize>();
    Ok((acked, findings))
}
