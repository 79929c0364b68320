//! What every handler, route and task of one running server shares.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    attachments::Attachments,
    audit::Checkpoints,
    config::Config,
    fanout::Fanout,
    limits::{GuessMeter, Throttle},
    password::Passwords,
    presence::Presence,
    store::Store,
    turns::Turns,
};

#[derive(Debug)]
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) store: Arc<Store>,
    pub(crate) attachments: Attachments,
    pub(crate) checkpoints: Checkpoints,
    pub(crate) fanout: Fanout,
    pub(crate) presence: Presence,
    pub(crate) turns: Turns,
    pub(crate) throttle: Throttle,
    pub(crate) passwords: Passwords,
    /// Failed sign-ins by account.
    pub(crate) accounts: GuessMeter,
    /// Failed sign-ins by address.
    pub(crate) addresses: GuessMeter,
    /// Cancelled when the server stops.
    pub(crate) stop: CancellationToken,
}
