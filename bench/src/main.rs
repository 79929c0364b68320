//! Runs that take long: reliability by real processes, and peers side by side. See the README beside this package.
//!
//! Invariant: a run prints what it measured whether it likes it or not, and fails if a promise was broken.

mod beside;
mod client;
mod crowd;
mod deploy;
mod figures;
mod half_open;
mod jitter;
mod ledger;
mod link;
mod node;
mod pipe;
mod processes;
mod reading;
mod serve;
mod slow_reader;
mod soak;
mod ward;
mod wire;

use std::{io::Write as _, net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

/// What HugMeDo Chat promises, held against real processes, networks that fail, and its peers.
#[derive(Debug, Parser)]
#[command(name = "reliability", version)]
struct CommandLine {
    #[command(subcommand)]
    run: Run,
    /// Print the figures as one row of a Markdown table
    #[arg(long, global = true)]
    row: bool,
}

#[derive(Debug, Subcommand)]
enum Run {
    /// Kill servers and clients and cut connections while they talk, then check the ledger
    Soak(soak::Soak),
    /// Replace the server under many clients while they talk, and time their return
    Deploy(deploy::Deploy),
    /// Let the network or the server fall silent, and time how long that takes to notice and to mend
    HalfOpen(half_open::HalfOpen),
    /// Let one member of a large room stop reading, and time what the others see
    SlowReader(slow_reader::SlowReader),
    /// Cut everyone off again and again, and compare what arrives with the official Socket.IO
    Jitter(jitter::Jitter),
    /// Connections, broadcasts and messages, compared with the official Socket.IO
    Server(beside::Beside),
    /// A faulty link by itself, for programs that are not ours
    Link(link::Link),
    /// A server for a run, as a process of its own
    #[command(hide = true)]
    Serve {
        #[arg(long)]
        listen: SocketAddr,
        #[arg(long)]
        data_dir: PathBuf,
    },
    /// A client for a run, as a process of its own
    #[command(hide = true)]
    Client,
}

fn main() -> ExitCode {
    let CommandLine { run, row } = CommandLine::parse();
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(perform(run, row)),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "reliability: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn perform(run: Run, row: bool) -> anyhow::Result<bool> {
    match run {
        Run::Soak(options) => soak::run(&options, row).await,
        Run::Deploy(options) => deploy::run(&options, row).await,
        Run::HalfOpen(options) => half_open::run(&options, row).await,
        Run::SlowReader(options) => slow_reader::run(&options, row).await,
        Run::Jitter(options) => jitter::run(&options, row).await,
        Run::Server(options) => beside::run(&options, row).await,
        Run::Link(options) => link::run(&options).await.map(|()| true),
        Run::Serve { listen, data_dir } => serve::run(listen, &data_dir).await.map(|()| true),
        Run::Client => client::run().await.map(|()| true),
    }
}
