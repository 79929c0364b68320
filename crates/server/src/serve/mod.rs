//! Taking connections in: how many, from whom, encrypted or not, and for how long they may dawdle.
//!
//! Invariants: a connection has a place before a byte of it is read, and gives it back when its last half is gone, upgraded or
//! not; who does not finish a handshake or a request's head, or does not take what it is sent, is closed; without TLS, on an
//! address others can reach, only the trusted proxies are spoken to.

mod guest;
mod places;
mod proxy;
mod tls;

pub(crate) use places::{Place, Places, neighbourhood};
pub(crate) use proxy::{client_address, is_within};
pub use tls::TlsFiles;
pub(crate) use tls::{Tls, keep_fresh};

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_service::Service as _;

use crate::config::{Config, Patience};
use guest::Guest;

/// How long nobody is let in after the system has run out of something, such as file handles.
const BREATHER: Duration = Duration::from_millis(500);
/// The largest head of a request, and what is read ahead of one.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// A request came in encrypted, to us or to a trusted proxy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Encrypted;

/// What a listener needs to know of those who come.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) places: Arc<Places>,
    patience: Patience,
    /// Nobody but these may speak to us; `None`: everyone may.
    only: Option<Vec<ipnet::IpNet>>,
    proxies: Vec<ipnet::IpNet>,
}

impl Door {
    pub(crate) fn new(config: &Config, tls: Option<Arc<Tls>>) -> Self {
        let proxies = config.trusted_proxies.clone();
        let is_open = tls.is_some() || config.allow_plain_http || config.listen.ip().is_loopback();
        Self {
            tls,
            places: Places::new(config.limits.connections, config.limits.connections_per_address),
            patience: config.patience.clone(),
            only: (!is_open).then(|| proxies.clone()),
            proxies,
        }
    }

    /// A place for whoever comes from there, if they are to be spoken to and there is one.
    fn place(&self, peer: SocketAddr) -> Option<Place> {
        let address = peer.ip().to_canonical();
        let is_proxy = proxy::is_within(&self.proxies, address);
        let refused = self.only.as_ref().is_some_and(|only| !address.is_loopback() && !proxy::is_within(only, address));
        if refused {
            tracing::debug!("a connection that comes neither encrypted nor by a trusted proxy is refused");
            return None;
        }
        // A proxy stands for many.
        if is_proxy { self.places.take_any() } else { self.places.take(address) }
    }
}

/// Serves until told to stop, and then finishes what is under way.
pub(crate) async fn serve(listener: TcpListener, door: Arc<Door>, router: Router, stop: CancellationToken) {
    let guests = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Closed at once where there is none: the cheapest answer.
                let Some(place) = door.place(peer) else { continue };
                guests.spawn(attend(stream, peer, place, door.clone(), router.clone(), stop.clone()));
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be taken in just now");
                tokio::time::sleep(BREATHER).await;
            }
        }
    }
    drop(listener);
    guests.close();
    guests.wait().await;
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn attend(
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
    door: Arc<Door>,
    router: Router,
    stop: CancellationToken,
) {
    // Small frames must not wait for the acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let stream = Guest::new(stream, door.patience.stalled_write, place);
    let patience = &door.patience;
    let Some(tls) = &door.tls else { return converse(stream, peer, false, patience, router, stop).await };
    match timeout(patience.handshake, tls.acceptor().accept(stream)).await {
        Ok(Ok(stream)) => converse(stream, peer, true, patience, router, stop).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

async fn converse<S>(
    stream: S,
    peer: SocketAddr,
    encrypted: bool,
    patience: &Patience,
    router: Router,
    stop: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answer = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(peer));
        if encrypted {
            request.extensions_mut().insert(Encrypted);
        }
        let mut router = router.clone();
        async move { Ok::<_, Infallible>(router.call(request).await.unwrap_or_else(|never| match never {})) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Counts from the last answer on, so that it ends idle connections too.
        .header_read_timeout(patience.head)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended badly");
    }
}
