//! What every handler, route and task of one running server shares.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    attachments::Attachments,
    audit::Checkpoints,
    config::Config,
    fanout::Fanout,
    issuer::Issuer,
    limits::{GuessMeter, Throttle},
    metrics::Metrics,
    nodes::Nodes,
    password::Passwords,
    presence::Presence,
    second_factor::Seal,
    serve::Places,
    store::Store,
    turns::Turns,
};

#[derive(Debug)]
pub(crate) struct App {
    pub(crate) config: Config,
    pub(crate) store: Arc<Store>,
    pub(crate) attachments: Attachments,
    pub(crate) checkpoints: Arc<Checkpoints>,
    pub(crate) fanout: Fanout,
    /// The other servers, where the store can have others.
    pub(crate) nodes: Option<Nodes>,
    pub(crate) presence: Presence,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) turns: Turns,
    pub(crate) throttle: Throttle,
    pub(crate) passwords: Passwords,
    /// Of the secrets of second factors.
    pub(crate) seal: Arc<Seal>,
    /// Whose tokens are accepted beside our own.
    pub(crate) issuer: Option<Issuer>,
    /// Sockets by address.
    pub(crate) seats: Arc<Places>,
    /// Failed sign-ins by account.
    pub(crate) accounts: GuessMeter,
    /// Failed sign-ins by address.
    pub(crate) addresses: GuessMeter,
    /// Wrong codes of second factors by account.
    pub(crate) codes: GuessMeter,
    /// Cancelled when the server stops.
    pub(crate) stop: CancellationToken,
}
