//! Why a server could not start or an administrator's wish was not done.

use std::{net::SocketAddr, path::PathBuf};

/// An error of the server as a whole. Refusals to clients are `Refusal`s of the wire contract instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `--demo` opens accounts with a known password, so it never leaves this machine.
    #[error("--demo is for this machine only and refuses to listen on {0}; use a loopback address such as 127.0.0.1")]
    DemoNotLoopback(SocketAddr),
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// What was asked for.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Passwords and patients' words would cross a network in clear.
    #[error(
        "plain HTTP on {0} could be read by others: give --tls-cert and --tls-key, or name the proxy that speaks TLS with \
         --trusted-proxy, or say --allow-plain-http if something else keeps the network closed"
    )]
    PlainHttp(SocketAddr),
    /// The certificate or its key cannot be used.
    #[error("TLS: {0}")]
    Tls(String),
    /// The data folder could not be made.
    #[error("cannot use the data folder {path}: {source}")]
    DataDir {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that was named cannot be read.
    #[error("cannot read {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// What was asked for could not be written out.
    #[error("cannot write: {0}")]
    Output(#[source] std::io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// A name, an id or a password that cannot be used.
    #[error("{0}")]
    Invalid(&'static str),
    /// There is no such thing.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// There is one already.
    #[error("there is already such a {0}")]
    Exists(&'static str),
}
