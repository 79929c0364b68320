//! A peer: a process of Node that runs `peers/socketio.mjs`. Killed with its handle.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context as _, Result};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// The longest a peer may say nothing when it is asked.
const PATIENCE: Duration = Duration::from_secs(180);

/// See the module.
pub(crate) struct Node {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Node {
    pub(crate) fn start(arguments: &[&str]) -> Result<Self> {
        let script: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join("socketio.mjs");
        let mut child = Command::new("node")
            .arg(script)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("node, which the peers need, did not start")?;
        let input = child.stdin.take().context("node's input")?;
        let output = BufReader::new(child.stdout.take().context("node's output")?).lines();
        Ok(Self { child, input, output })
    }

    pub(crate) async fn say(&mut self, line: &str) -> Result<()> {
        Ok(self.input.write_all(format!("{line}\n").as_bytes()).await?)
    }

    pub(crate) async fn hear(&mut self) -> Result<String> {
        let line = timeout(PATIENCE, self.output.next_line()).await.context("a peer is silent")??;
        line.context("a peer ended; `npm ci` installs what it needs")
    }

    /// Where a server listens, which is the first thing it says.
    pub(crate) async fn address(&mut self) -> Result<SocketAddr> {
        let line = self.hear().await?;
        line.rsplit('/').next().unwrap_or_default().parse().context("where the peer listens")
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }
}
