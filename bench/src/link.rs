//! Faulty links as a program: one for each client, all cut by the schedule that the seed and the client's number give.

use std::{io::Write as _, net::SocketAddr, time::Duration};

use anyhow::Result;
use hugmedo_chat_testkit::{FaultyLink, Outages};
use tokio::{io::AsyncReadExt as _, task::JoinSet};

/// When a client is cut off, and for how long.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct Schedule {
    /// Every so many seconds, half of it more or less, a client is cut off
    #[arg(long, default_value_t = 15.0)]
    pub(crate) cut_every: f64,
    /// For so many seconds it then gets no connection
    #[arg(long, default_value_t = 2.0)]
    pub(crate) offline: f64,
    /// Chooses the moments
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

impl Schedule {
    /// The outages of the client with this number.
    pub(crate) fn of(&self, client: usize) -> Outages {
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        Outages {
            seed: self.seed.wrapping_mul(1_000_003).wrapping_add(client as u64),
            every: seconds(self.cut_every * 0.5)..seconds(self.cut_every * 1.5),
            offline: seconds(self.offline),
        }
    }
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Link {
    /// Where the server listens
    #[arg(long)]
    to: SocketAddr,
    /// How many links
    #[arg(long, default_value_t = 1)]
    clients: usize,
    #[command(flatten)]
    schedule: Schedule,
}

/// Prints one address a line, then cuts by the schedule from the first line on standard input to its end.
pub(crate) async fn run(options: &Link) -> Result<()> {
    let mut links = Vec::new();
    for _ in 0..options.clients {
        links.push(FaultyLink::to(options.to).await?);
    }
    {
        let mut out = std::io::stdout().lock();
        for link in &links {
            writeln!(out, "{}", link.url())?;
        }
        out.flush()?;
    }
    let mut input = tokio::io::stdin();
    if input.read(&mut [0; 1]).await? == 0 {
        return Ok(());
    }
    let mut suffering = JoinSet::new();
    for (client, link) in links.into_iter().enumerate() {
        let outages = options.schedule.of(client);
        suffering.spawn(async move { link.suffer(outages).await });
    }
    while input.read(&mut [0; 256]).await? > 0 {}
    Ok(())
}
