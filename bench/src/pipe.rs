//! What a run and its client processes say to each other: one JSON object a line, orders on standard input, reports on
//! standard output. Secrets go this way too, and never into arguments or the environment.

use std::{collections::BTreeMap, path::PathBuf};

use hugmedo_chat_protocol::Secret;
use serde::{Deserialize, Serialize};

use crate::ledger::Log;

/// The first order of a client's life.
#[derive(Serialize, Deserialize)]
pub(crate) struct Begin {
    pub(crate) data_dir: PathBuf,
    pub(crate) server: String,
    pub(crate) username: String,
    pub(crate) password: Secret,
    /// What the keychain holds from earlier lives.
    pub(crate) secrets: BTreeMap<String, Secret>,
}

/// What a client is to do.
#[derive(Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "camelCase")]
pub(crate) enum Order {
    /// Send the message with this id. May come again, in this life or a later one, and is then the same message.
    Send { room: String, id: String },
    /// Come to these positions, then tell all that is shown.
    Tell { positions: BTreeMap<String, u64> },
}

/// What a client reports.
#[derive(Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "camelCase")]
pub(crate) enum Report {
    /// The keychain holds this now; `None` for no more.
    Secret { name: String, secret: Option<Secret> },
    /// Someone is signed in.
    SignedIn,
    /// The server ended the session.
    SignedOut,
    /// The server has it.
    Acked { id: String, room: String, seq: u64 },
    /// The server refused it for good.
    Failed { id: String },
    /// Two rows said the same within one life.
    ShownTwice { id: String },
    /// A part of a timeline.
    Shown { room: String, log: Log },
    /// The telling is complete; so many own messages still wait.
    Told { unsent: u32 },
    /// Something that must not happen.
    Trouble { what: String },
}
