//! Why a server could not start or an administrator's wish was not done.

use std::{net::SocketAddr, path::PathBuf};

use hugmedo_chat_protocol::Refusal;

use crate::failure::Failure;

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
    /// Two servers on one folder would not hear of each other's messages.
    #[error("a server is working on the data folder {0}; stop it first")]
    InUse(PathBuf),
    /// The folder is not this store's; see `belonging`.
    #[error("the data folder {path} {what}")]
    Belonging {
        /// The folder.
        path: PathBuf,
        /// Whose it is, and what to do.
        what: &'static str,
    },
    /// A copy cannot be taken or put back.
    #[error("{path} {what}")]
    Backup {
        /// What is in the way.
        path: PathBuf,
        /// Why.
        what: &'static str,
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
    /// Who wished it may not.
    #[error("refused: {}", .0.code)]
    Refused(Refusal),
    /// There is one already.
    #[error("there is already such a {0}")]
    Exists(&'static str),
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => Self::Refused(refusal),
            Failure::Store(error) => Self::Store(error),
        }
    }
}
