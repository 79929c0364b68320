//! A server that is measured: ours, or the peer's.
//!
//! Invariant: each is a process of its own, and what it has used is what the operating system says.

use std::{fmt, net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context as _, Result};
use tokio::fs;

use crate::{node::Node, processes::ServerProcess};

/// Linux tells times of processes in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// Which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// As it is, with its store on the disk.
    Ours,
    /// `peers/socketio.mjs rooms`, which keeps nothing.
    SocketIo,
    /// The same, and each message is in a file on the disk before it is acknowledged.
    SocketIoKept,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours => "ours",
            Self::SocketIo => "socket.io",
            Self::SocketIoKept => "socket.io with a file",
        })
    }
}

enum Process {
    Ours(ServerProcess),
    Node(Node),
}

/// See the module. Killed with its handle.
pub(super) struct Contestant {
    process: Process,
    address: SocketAddr,
}

impl Contestant {
    /// Ours over the store in this folder; the peer's file lies beside it.
    pub(super) async fn start(kind: Kind, folder: &Path) -> Result<Self> {
        let file = folder.with_file_name("peer.jsonl").display().to_string();
        let arguments: &[&str] = match kind {
            Kind::Ours => {
                let server = ServerProcess::start(folder).await?;
                return Ok(Self { address: server.address(), process: Process::Ours(server) });
            }
            Kind::SocketIo => &["rooms"],
            Kind::SocketIoKept => &["rooms", "--keep", &file],
        };
        let mut node = Node::start(arguments)?;
        Ok(Self { address: node.address().await?, process: Process::Node(node) })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its proportional share of the machine's memory, in bytes.
    pub(super) async fn memory(&self) -> Result<u64> {
        let rollup = self.told("smaps_rollup").await?;
        let kib = rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.trim().strip_suffix(" kB")?.parse().ok());
        kib.map(|kib: u64| kib * 1024).context("the memory of a process")
    }

    /// How long it has worked so far, over all processors, for itself and in the kernel.
    pub(super) async fn worked(&self) -> Result<Duration> {
        let stat = self.told("stat").await?;
        // The name, which may hold anything, ends with the last bracket; the times are the 14th and 15th field.
        let (_, fields) = stat.rsplit_once(')').context("the times of a process")?;
        let ticks: u32 = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum();
        Ok(TICK * ticks)
    }

    /// What Linux tells of it; elsewhere this run has no figures.
    async fn told(&self, file: &str) -> Result<String> {
        let id = match &self.process {
            Process::Ours(server) => server.id(),
            Process::Node(node) => node.id(),
        };
        let id = id.context("a contestant has ended")?;
        fs::read_to_string(format!("/proc/{id}/{file}")).await.context("this run needs Linux")
    }
}
