//! The half-open link: everything looks connected and nothing arrives. How long until the person is told, and how long, once
//! the network is back, until they are live again.

use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::ValueEnum;
use hugmedo_chat_core::view::{ConnectionState, Delivery};
use hugmedo_chat_protocol::RoomId;
use hugmedo_chat_testkit::FaultyLink;
use tokio::time::{Instant, sleep};

use crate::{
    crowd::{Member, is_down},
    figures::{Figures, say, seconds},
    processes::ServerProcess,
    reading,
    ward::{Membership, Ward},
};

/// What is promised: a dead link is told within this.
const TOLD_WITHIN: Duration = Duration::from_secs(30);
/// And once the network is back, so are they, within this.
const BACK_WITHIN: Duration = Duration::from_secs(5);
/// The longest anything is waited for.
const PATIENCE: Duration = Duration::from_secs(120);

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct HalfOpen {
    /// How often each fault happens
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// For how many seconds it goes on after it was noticed
    #[arg(long, default_value_t = 20)]
    hold: u64,
    /// How many seconds of peace lie before each of them: after a connection that stood a while, the app begins its waits
    /// from the beginning
    #[arg(long, default_value_t = 61)]
    rest: u64,
    /// Only these of the faults
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Fault::Stall, Fault::Stop, Fault::Outage])]
    only: Vec<Fault>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Fault {
    /// Nothing comes through, and the connection stays open.
    Stall,
    /// The server's process stops.
    Stop,
    /// Connections are reset and none comes about.
    Outage,
}

impl Fault {
    fn name(self) -> &'static str {
        match self {
            Self::Stall => "stalled link",
            Self::Stop => "stopped server",
            Self::Outage => "outage",
        }
    }

    async fn set(self, is_on: bool, link: &FaultyLink, server: &ServerProcess) -> Result<()> {
        match self {
            Self::Stall => link.stall(is_on),
            Self::Stop => server.signal(if is_on { "STOP" } else { "CONT" }).await?,
            Self::Outage => link.outage(is_on),
        }
        Ok(())
    }
}

pub(crate) async fn run(options: &HalfOpen, as_row: bool) -> Result<bool> {
    let temporary = tempfile::tempdir()?;
    let folder = temporary.path();
    let server_folder = folder.join("server");
    let ward = Ward::found(&server_folder, 1, 1, Membership::Shared).await?;
    let token = ward.tokens(&server_folder).await?.into_iter().next().context("one token")?;
    let server = ServerProcess::start(&server_folder).await?;
    let link = FaultyLink::to(server.address()).await?;
    let member = Member::enter(&folder.join("computer"), link.url(), token).await?;
    member.until_live(PATIENCE).await?;

    let mut passed = true;
    for fault in options.only.iter().copied() {
        let (mut told, mut back, mut sent) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        let mut unexplained = 0;
        for round in 0..options.rounds {
            sleep(Duration::from_secs(options.rest)).await;
            let began = Instant::now();
            fault.set(true, &link, &server).await?;
            member.until("word of the loss", PATIENCE, |diary| diary.first(began, is_down).is_some()).await?;
            let noticed = member.diary().first(began, is_down).context("just seen")?;
            told = told.max(noticed - began);
            let id = format!("{}-{round}", fault.name().replace(' ', "-"));
            member.say(&ward.room(0), &id).await?;
            sleep(Duration::from_secs(options.hold)).await;
            unexplained += usize::from(!waits_in_sight(&member, &ward.room(0), &id).await?);

            fault.set(false, &link, &server).await?;
            let mended = Instant::now();
            let is_live = |state| state == ConnectionState::Live;
            member.until("a live link", PATIENCE, |diary| diary.first(mended, is_live).is_some()).await?;
            let live = member.diary().first(mended, is_live).context("just seen")?;
            back = back.max(live - mended);
            member.until("the message sent", PATIENCE, |diary| diary.acked.contains_key(&id)).await?;
            let acked = member.diary().acked.get(&id).map(|(at, _)| *at).context("just seen")?;
            sent = sent.max(acked - mended);
            say(format!(
                "{}: told after {}, back {} after the mending, the message {}",
                fault.name(),
                seconds(noticed - began),
                seconds(live - mended),
                seconds(acked - mended)
            ));
        }
        let mut figures = Figures::of(format!("half-open: {}", fault.name()));
        figures.tell("rounds", options.rounds);
        figures.tell("peace before each", format!("{} s", options.rest));
        figures.tell("went on after it was told", format!("{} s", options.hold));
        figures.must_be_below("told, at the latest", told, TOLD_WITHIN);
        figures.must_be_below("live again, at the latest", back, BACK_WITHIN);
        figures.must_be_zero("messages that waited out of sight or unexplained", unexplained);
        figures.tell("what was written meanwhile sent", seconds(sent));
        passed &= figures.print(as_row)?;
    }
    member.core.shutdown().await;
    Ok(passed)
}

/// Whether a message is shown as waiting, and the link says why.
async fn waits_in_sight(member: &Member, room: &RoomId, id: &str) -> Result<bool> {
    let rows = reading::timeline(&member.core, room).await?;
    let row = rows.iter().find(|row| row.client_message_id.as_ref().is_some_and(|known| known.as_str() == id));
    let (snapshot, _) = member.core.subscribe().await?;
    let is_explained = is_down(snapshot.connection.state) && snapshot.connection.reason.is_some();
    Ok(is_explained && row.is_some_and(|row| row.delivery == Some(Delivery::Queued)))
}
