//! The processes of a run: the server, and the clients. Each is this program with a hidden subcommand.
//!
//! Invariant: every process started here is ended here, by its handle; dropping a handle kills.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
};

use anyhow::{Context as _, Result, bail};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, ChildStdin, Command},
    sync::mpsc,
};

use crate::pipe::{Begin, Order, Report};

fn program(subcommand: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(subcommand).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    Ok(command)
}

/// The server.
pub(crate) struct ServerProcess {
    child: Child,
    folder: PathBuf,
    address: SocketAddr,
}

impl ServerProcess {
    /// Starts it on a free port.
    pub(crate) async fn start(folder: &Path) -> Result<Self> {
        Self::start_at(folder, ([127, 0, 0, 1], 0).into()).await
    }

    async fn start_at(folder: &Path, listen: SocketAddr) -> Result<Self> {
        let mut command = program("serve")?;
        command.arg("--listen").arg(listen.to_string()).arg("--data-dir").arg(folder);
        let mut child = command.spawn().context("starting the server")?;
        let out = child.stdout.take().context("the server's output")?;
        let line = BufReader::new(out).lines().next_line().await?.context("the server ended before it listened")?;
        let address = line.rsplit('/').next().unwrap_or_default().parse().context("where the server listens")?;
        Ok(Self { child, folder: folder.to_owned(), address })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// SIGKILL, at once.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Stops it in good form.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        drop(self.child.stdin.take());
        self.child.wait().await?;
        Ok(())
    }

    /// Starts it again where it was, over what it had.
    pub(crate) async fn start_again(&mut self) -> Result<()> {
        *self = Self::start_at(&self.folder, self.address).await?;
        Ok(())
    }

    /// Stops the process as a whole, or lets it go on: `STOP` or `CONT`.
    pub(crate) async fn signal(&self, signal: &str) -> Result<()> {
        let id = self.child.id().context("the server has ended")?;
        // By the system's own tool: the alternative is unsafe code or one more dependency.
        let status = Command::new("kill").arg(format!("-{signal}")).arg(id.to_string()).status().await?;
        if !status.success() {
            bail!("kill -{signal} failed");
        }
        Ok(())
    }
}

/// A life of a client. Lives are counted, so that the last words of an earlier one are told apart.
pub(crate) struct ClientProcess {
    child: Child,
    orders: ChildStdin,
}

/// What is heard from clients.
pub(crate) enum Heard {
    /// A report.
    Says(Report),
    /// The process has ended, and everything it said has been heard.
    Gone,
}

impl ClientProcess {
    /// Starts a client, whose words come to `heard` under this number.
    pub(crate) async fn start(
        number: usize,
        begin: &Begin,
        heard: mpsc::UnboundedSender<(usize, Heard)>,
    ) -> Result<Self> {
        let mut child = program("client")?.spawn().context("starting a client")?;
        let mut orders = child.stdin.take().context("the client's input")?;
        let out = child.stdout.take().context("the client's output")?;
        orders.write_all(&line(begin)?).await?;
        tokio::spawn(async move {
            let mut lines = BufReader::new(out).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                // A line that a kill cut short says nothing.
                if let Ok(report) = serde_json::from_str(&line) {
                    let _ = heard.send((number, Heard::Says(report)));
                }
            }
            let _ = heard.send((number, Heard::Gone));
        });
        Ok(Self { child, orders })
    }

    /// Gives an order. A client that is gone hears nothing, which the run learns from its silence.
    pub(crate) async fn order(&mut self, order: &Order) -> Result<()> {
        let _ = self.orders.write_all(&line(order)?).await;
        Ok(())
    }

    /// SIGKILL, at once.
    pub(crate) async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}

fn line(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    Ok(line)
}
