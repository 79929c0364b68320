//! The jitter: everyone is cut off again and again, and what arrives is counted, side by side with the official Socket.IO.
//!
//! Invariant: all three go through the same links with the same seed, so each client is cut off at the same moments, and the
//! same number of messages is published at the same pace.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use hugmedo_chat_testkit::FaultyLink;
use serde::Deserialize;
use tokio::time::{Instant, interval};

use crate::{
    crowd::{self, Diary},
    figures::{Figures, percent, quantile, say, seconds},
    ledger::id_in,
    link::Schedule,
    node::Node,
    processes::ServerProcess,
    reading,
    ward::{Membership, Ward},
};

/// Receivers in one of our rooms, beside the speaker.
const ROOM_SIZE: usize = 10;
/// The longest anything is waited for.
const PATIENCE: Duration = Duration::from_secs(180);

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Jitter {
    /// How many clients
    #[arg(long, default_value_t = 100)]
    clients: usize,
    /// How many messages each is to receive
    #[arg(long, default_value_t = 120)]
    messages: usize,
    /// Milliseconds between two of them
    #[arg(long, default_value_t = 1_000)]
    pace: u64,
    #[command(flatten)]
    schedule: Schedule,
    /// Only these of the peers
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Peer::Ours, Peer::SocketIo, Peer::Recovery])]
    only: Vec<Peer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Peer {
    /// Core and our server
    Ours,
    /// The official server and client with their default settings
    SocketIo,
    /// The same with connection state recovery
    Recovery,
}

/// What came of one peer.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counted {
    /// Deliveries that happened, each once.
    delivered: usize,
    doubled: usize,
    /// From publishing to arrival, in milliseconds.
    latencies: Vec<f64>,
    /// From publishing to the server's acknowledgement, where someone publishes over the wire: how far this machine kept up.
    #[serde(default)]
    acknowledged: Vec<f64>,
}

pub(crate) async fn run(options: &Jitter, as_row: bool) -> Result<bool> {
    let mut passed = true;
    for peer in &options.only {
        let name = match peer {
            Peer::Ours => "core and our server",
            Peer::SocketIo => "socket.io, defaults",
            Peer::Recovery => "socket.io with recovery",
        };
        say(format!("{name}: {} clients, {} messages", options.clients, options.messages));
        let counted = match peer {
            Peer::Ours => ours(options).await?,
            Peer::SocketIo => theirs(options, false).await?,
            Peer::Recovery => theirs(options, true).await?,
        };
        let due = options.clients * options.messages;
        let lost = due.saturating_sub(counted.delivered);
        let mut times = durations(&counted.latencies);
        let mut acknowledged = durations(&counted.acknowledged);
        let mut figures = Figures::of(format!("jitter: {name}"));
        figures.tell("clients", options.clients);
        figures.tell("cut every", format!("{} s for {} s", options.schedule.cut_every, options.schedule.offline));
        figures.tell("due", due);
        figures.tell("delivered exactly once", counted.delivered);
        // A promise of ours; the peers make none, and are only measured.
        if *peer == Peer::Ours {
            figures.must_be_zero("lost", lost);
            figures.must_be_zero("doubled", counted.doubled);
        } else {
            figures.tell("lost", lost);
            figures.tell("doubled", counted.doubled);
        }
        figures.tell("lost in per cent", percent(lost, due));
        if !acknowledged.is_empty() {
            figures.tell("acknowledged to the speaker p99", seconds(quantile(&mut acknowledged, 0.99)));
        }
        figures.tell("arrived after p50", seconds(quantile(&mut times, 0.5)));
        figures.tell("p99", seconds(quantile(&mut times, 0.99)));
        figures.tell("at the latest", seconds(quantile(&mut times, 1.0)));
        passed &= figures.print(as_row)?;
    }
    Ok(passed)
}

fn durations(milliseconds: &[f64]) -> Vec<Duration> {
    milliseconds.iter().filter_map(|ms| Duration::try_from_secs_f64(ms / 1000.0).ok()).collect()
}

/// A link for each client, and the means to make all of them suffer.
async fn links(options: &Jitter, to: std::net::SocketAddr) -> Result<Vec<FaultyLink>> {
    let mut links = Vec::new();
    for _ in 0..options.clients {
        links.push(FaultyLink::to(to).await?);
    }
    Ok(links)
}

/// Cuts by the schedule while `publishing` goes on; afterwards the links serve.
async fn suffer_while<T>(
    options: &Jitter,
    links: &[FaultyLink],
    publishing: impl Future<Output = Result<T>>,
) -> Result<T> {
    let outages = futures_util::future::join_all(
        links.iter().enumerate().map(|(client, link)| link.suffer(options.schedule.of(client))),
    );
    let published = tokio::select! {
        published = publishing => published,
        _ = outages => bail!("the outages ended"),
    };
    links.iter().for_each(|link| link.outage(false));
    published
}

async fn ours(options: &Jitter) -> Result<Counted> {
    let temporary = tempfile::tempdir()?;
    let folder = temporary.path();
    let server_folder = folder.join("server");
    let rooms = options.clients.div_ceil(ROOM_SIZE);
    let ward = Ward::found(&server_folder, options.clients + 1, rooms, Membership::ApartButTheFirst).await?;
    let tokens = ward.tokens(&server_folder).await?;
    let server = ServerProcess::start(&server_folder).await?;
    let links = links(options, server.address()).await?;
    // The speaker has a link without faults: what is counted is what arrives, not what is said.
    let urls = std::iter::once(server.url()).chain(links.iter().map(FaultyLink::url));
    let members = crowd::enter_all(folder, urls.zip(tokens), PATIENCE).await?;
    let (speaker, listeners) = members.split_first().context("a speaker")?;

    let publishing = async {
        let mut published = BTreeMap::new();
        let mut pace = interval(Duration::from_millis(options.pace));
        for number in 0..options.messages {
            pace.tick().await;
            for room in 0..rooms {
                let id = format!("n{number}r{room}");
                published.insert(id.clone(), Instant::now());
                speaker.say(&ward.room(room), &id).await?;
            }
        }
        Ok(published)
    };
    let published = suffer_while(options, &links, publishing).await?;
    let mut counted = Counted::default();
    let since = |id: &String, at: Instant| published.get(id).map(|begun| (at - *begun).as_secs_f64() * 1000.0);
    counted.acknowledged.extend(speaker.diary().acked.iter().filter_map(|(id, (at, _))| since(id, *at)));
    for (number, listener) in listeners.iter().enumerate() {
        let room = (number + 1).checked_rem(rooms).unwrap_or_default();
        let due: BTreeSet<String> = (0..options.messages).map(|number| format!("n{number}r{room}")).collect();
        // What has not come by then is counted as lost.
        let has_all = |diary: &Diary| due.iter().all(|id| diary.shown.contains_key(id));
        let _ = listener.until("everything published", PATIENCE, has_all).await;
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for entry in reading::log(&listener.core, &ward.room(room)).await? {
            *times.entry(id_in(&entry.text).unwrap_or_default().to_owned()).or_default() += 1;
        }
        let diary = listener.diary();
        counted.delivered += due.iter().filter(|id| times.get(*id) == Some(&1)).count();
        counted.doubled += times.values().filter(|times| **times > 1).count() + diary.shown_twice;
        counted.latencies.extend(diary.shown.iter().filter_map(|(id, (_, at))| since(id, *at)));
    }
    crowd::leave_all(members).await;
    Ok(counted)
}

async fn theirs(options: &Jitter, recovery: bool) -> Result<Counted> {
    let arguments: &[&str] = if recovery { &["server", "--recovery"] } else { &["server"] };
    let mut server = Node::start(arguments)?;
    let address = server.address().await?;
    let links = links(options, address).await?;
    let urls: Vec<String> = links.iter().map(FaultyLink::url).collect();
    let mut clients = Node::start(&["clients"])?;
    clients.say(&serde_json::to_string(&urls)?).await?;
    clients.hear().await?;
    let publishing = async {
        let mut pace = interval(Duration::from_millis(options.pace));
        for number in 0..options.messages {
            pace.tick().await;
            server.say(&number.to_string()).await?;
        }
        Ok(())
    };
    suffer_while(options, &links, publishing).await?;
    clients.say("report").await?;
    Ok(serde_json::from_str(&clients.hear().await?)?)
}
