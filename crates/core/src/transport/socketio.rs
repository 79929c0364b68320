//! Live connections by `rust_socketio` 0.6.0, unmodified, within the rules that keep it safe.
//!
//! Each rule stands here because its absence was seen to fail:
//! - One client per connection, on a runtime of its own. Shutting that runtime down is the only way to be rid of the crate's
//!   read task after a server-side disconnect, a refusal or a stall.
//! - Its own reconnect is never used: it has no delay on the first attempt, and stops backing off after 15 minutes. Only its
//!   hook is, as the signal of loss: with reconnecting off, a clean close by the server would be swallowed.
//! - WebSocket only; its polling breaks when a response is split in two chunks.
//! - Nothing is emitted before CONNECT was answered: servers drop a client that does.
//! - Callbacks run inside the read loop, so they only put into a channel.
//! - One writer, every emit with a time limit: a peer that stops reading would block every other emit for ever.
//! - One ack in flight: its ack ids are random below 999 and collide, which delivers one message's answer to another, or
//!   panics the read task. An ack that never came stays on its list, so a timeout ends the connection.
//! - Exactly one JSON object per event: plain strings would be parsed as JSON, and binary frames split at 0x1E.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{FutureExt, future::BoxFuture};
use hugmedo_chat_protocol::{ConnectAuth, ServerEvent, limits::MAX_FRAME_BYTES};
use native_tls::TlsConnector;
use rust_socketio::{
    Event, Payload, TransportType,
    asynchronous::{Client, ClientBuilder},
};
use serde_json::Value;
use tokio::{
    runtime::Runtime,
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{ConnectFailure, Connection, Events, Link, LinkFailure, PresentSettings, Transport, trust};
use crate::{address::ServerAddress, error::ErrorCode};

/// The longest one write may block.
const WRITE_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest the server may take to answer a request.
const ACK_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest a goodbye may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// How often the crate's read task is looked after: if it panics, nothing else tells.
const PULSE: Duration = Duration::from_secs(1);
/// Events that may wait for core. Past it core is stuck: the connection is given up and sync makes up for it.
const EVENT_BUFFER: usize = 4096;
/// How the crate words a refusal.
const REFUSAL_PREFIX: &str = "Received an ConnectError frame: ";

/// Live connections to one server.
pub struct SocketIo {
    address: ServerAddress,
    settings: PresentSettings,
}

impl SocketIo {
    /// For this server, on Socket.IO's standard path.
    pub fn new(address: &ServerAddress, settings: PresentSettings) -> Self {
        Self { address: address.clone(), settings }
    }
}

impl Transport for SocketIo {
    fn connect(&self, auth: ConnectAuth) -> BoxFuture<'_, Result<Connection, ConnectFailure>> {
        Box::pin(async move {
            let settings = (self.settings)();
            if trust::proxy(&settings).map_err(ConnectFailure::Failed)?.is_some() {
                // The crate opens its own TCP connection and cannot be handed another.
                return Err(ConnectFailure::Failed(ErrorCode::ProxyInUse));
            }
            let tls = trust::tls(&settings).map_err(ConnectFailure::Failed)?;
            // The guide's `timeout`: from dialling to the answer to CONNECT.
            let limit = Duration::from_millis(settings.timeout_ms.into());
            match timeout(limit, connect(&self.address, tls, auth)).await {
                Ok(result) => result,
                Err(_) => Err(ConnectFailure::Failed(ErrorCode::Timeout)),
            }
        })
    }
}

/// A runtime that is ended without waiting, which is allowed anywhere; plainly dropping one is not.
struct OwnRuntime(Option<Runtime>);

impl OwnRuntime {
    fn new() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("socketio")
            .enable_all()
            .build()?;
        Ok(Self(Some(runtime)))
    }

    fn handle(&self) -> Option<&tokio::runtime::Handle> {
        self.0.as_ref().map(Runtime::handle)
    }
}

impl Drop for OwnRuntime {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// What the server answered to CONNECT.
type Verdict = Result<(), ConnectFailure>;

async fn connect(
    address: &ServerAddress,
    tls: Option<TlsConnector>,
    auth: ConnectAuth,
) -> Result<Connection, ConnectFailure> {
    let internal = || ConnectFailure::Failed(ErrorCode::Internal);
    let runtime = OwnRuntime::new().map_err(|_| internal())?;
    let handle = runtime.handle().cloned().ok_or_else(internal)?;
    let (event_tx, events) = mpsc::channel(EVENT_BUFFER);
    let (verdict_tx, verdict) = oneshot::channel();
    let lost = CancellationToken::new();

    let auth = serde_json::to_value(&auth).map_err(|_| internal())?;
    let mut builder = listen(ClientBuilder::new(address.as_str()), event_tx, verdict_tx, lost.clone())
        .transport_type(TransportType::Websocket)
        .auth(auth);
    if let Some(tls) = tls {
        builder = builder.tls_config(tls);
    }
    // On its own runtime, because the crate spawns its read task on whichever runtime this runs on.
    let client = match handle.spawn(builder.connect()).await {
        Ok(Ok(client)) => client,
        Ok(Err(error)) => return Err(ConnectFailure::Failed(classify(&error))),
        Err(_) => return Err(internal()),
    };
    tokio::select! {
        verdict = verdict => verdict.unwrap_or(Err(ConnectFailure::Failed(ErrorCode::Unreachable)))?,
        () = lost.cancelled() => return Err(ConnectFailure::Failed(ErrorCode::Unreachable)),
    }

    let (outgoing, queue) = mpsc::channel(256);
    tokio::spawn(write(client, queue, lost.clone(), runtime));
    Ok(Connection { events: Events::new(events, lost.clone()), link: Arc::new(SocketIoLink { outgoing, lost }) })
}

/// Installs the callbacks. They run inside the crate's read loop: no await, no lock that someone holds across one.
fn listen(
    builder: ClientBuilder,
    events: mpsc::Sender<ServerEvent>,
    verdict: oneshot::Sender<Verdict>,
    lost: CancellationToken,
) -> ClientBuilder {
    let verdict = Arc::new(Mutex::new(Some(verdict)));
    let decide = move |outcome: Verdict| {
        let waiting = verdict.lock().unwrap_or_else(PoisonError::into_inner).take();
        match waiting {
            Some(waiting) => waiting.send(outcome).is_ok(),
            None => false,
        }
    };
    let (accepted, refused) = (decide.clone(), decide);
    let (closed, failed, hooked, overflowed) = (lost.clone(), lost.clone(), lost.clone(), lost);
    builder
        .reconnect(true)
        .reconnect_on_disconnect(true)
        .on_reconnect(move || {
            hooked.cancel();
            // Never resolves, so the crate never gets to reconnect.
            futures_util::future::pending().boxed()
        })
        .on(Event::Connect, move |_, _| {
            accepted(Ok(()));
            async {}.boxed()
        })
        .on(Event::Close, move |_, _| {
            closed.cancel();
            async {}.boxed()
        })
        .on(Event::Error, move |payload, _| {
            // Before CONNECT was answered this is the refusal; afterwards it is a loss.
            if !refused(Err(refusal(&payload))) {
                failed.cancel();
            }
            async {}.boxed()
        })
        .on_any(move |event, payload, _| {
            if let (Event::Custom(name), Payload::Text(arguments)) = (event, payload) {
                let argument = arguments.into_iter().next().unwrap_or(Value::Null);
                match ServerEvent::parse(&name, argument) {
                    Ok(ServerEvent::Unknown(_)) => {}
                    Ok(event) => {
                        if events.try_send(event).is_err() {
                            overflowed.cancel();
                        }
                    }
                    Err(malformed) => tracing::warn!(%malformed, "an event was ignored"),
                }
            }
            async {}.boxed()
        })
}

fn refusal(payload: &Payload) -> ConnectFailure {
    let Payload::Text(arguments) = payload else { return ConnectFailure::Failed(ErrorCode::Unreachable) };
    let text = arguments.first().and_then(Value::as_str).unwrap_or_default();
    let Some(frame) = text.strip_prefix(REFUSAL_PREFIX) else {
        return ConnectFailure::Failed(ErrorCode::Unreachable);
    };
    let frame: Value = serde_json::from_str(frame.trim_matches('"')).unwrap_or(Value::Null);
    let message = frame.get("message").and_then(Value::as_str).unwrap_or("refused");
    ConnectFailure::Refused(message.to_owned())
}

fn classify(error: &rust_socketio::Error) -> ErrorCode {
    let text = error.to_string().to_ascii_lowercase();
    if text.contains("certificate") { ErrorCode::UntrustedCertificate } else { ErrorCode::Unreachable }
}

enum Outgoing {
    Request { event: &'static str, payload: Value, answer: oneshot::Sender<Result<Value, LinkFailure>> },
    Notify { event: &'static str, payload: Value },
    Close { done: oneshot::Sender<()> },
}

/// The one writer. Owns the client and its runtime; when it returns, the connection is gone.
async fn write(client: Client, mut queue: mpsc::Receiver<Outgoing>, lost: CancellationToken, runtime: OwnRuntime) {
    let mut pulse = tokio::time::interval(PULSE);
    loop {
        let outgoing = tokio::select! {
            outgoing = queue.recv() => outgoing,
            () = lost.cancelled() => break,
            _ = pulse.tick() => {
                if runtime.handle().is_none_or(|handle| handle.metrics().num_alive_tasks() == 0) {
                    break;
                }
                continue;
            }
        };
        match outgoing {
            Some(Outgoing::Request { event, payload, answer }) => {
                let result = tokio::select! {
                    result = ask(&client, event, payload) => result,
                    () = lost.cancelled() => Err(LinkFailure::Lost),
                };
                let failed = result.is_err();
                let _ = answer.send(result);
                if failed {
                    break;
                }
            }
            Some(Outgoing::Notify { event, payload }) => {
                if !matches!(timeout(WRITE_TIMEOUT, client.emit(event, Payload::from(payload))).await, Ok(Ok(()))) {
                    break;
                }
            }
            Some(Outgoing::Close { done }) => {
                let _ = timeout(CLOSE_TIMEOUT, client.disconnect()).await;
                let _ = done.send(());
                break;
            }
            // Every handle on the link is gone.
            None => {
                let _ = timeout(CLOSE_TIMEOUT, client.disconnect()).await;
                break;
            }
        }
    }
    lost.cancel();
    drop(client);
    drop(runtime);
}

async fn ask(client: &Client, event: &'static str, payload: Value) -> Result<Value, LinkFailure> {
    let (answer_tx, answer) = oneshot::channel();
    let answer_tx = Mutex::new(Some(answer_tx));
    let emit = client.emit_with_ack(event, Payload::from(payload), ACK_TIMEOUT, move |payload, _| {
        if let Some(answer) = answer_tx.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = answer.send(first_argument(payload));
        }
        async {}.boxed()
    });
    match timeout(WRITE_TIMEOUT, emit).await {
        Ok(Ok(())) => {}
        Ok(Err(_)) => return Err(LinkFailure::Lost),
        Err(_) => return Err(LinkFailure::TimedOut),
    }
    match timeout(ACK_TIMEOUT, answer).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(_)) => Err(LinkFailure::Lost),
        Err(_) => Err(LinkFailure::TimedOut),
    }
}

/// The crate nests an ack's arguments one level deeper than an event's.
fn first_argument(payload: Payload) -> Value {
    let Payload::Text(arguments) = payload else { return Value::Null };
    match arguments.into_iter().next() {
        Some(Value::Array(inner)) => inner.into_iter().next().unwrap_or(Value::Null),
        Some(value) => value,
        None => Value::Null,
    }
}

struct SocketIoLink {
    outgoing: mpsc::Sender<Outgoing>,
    lost: CancellationToken,
}

impl SocketIoLink {
    async fn enqueue(&self, outgoing: Outgoing) -> Result<(), LinkFailure> {
        tokio::select! {
            sent = self.outgoing.send(outgoing) => sent.map_err(|_| LinkFailure::Lost),
            () = self.lost.cancelled() => Err(LinkFailure::Lost),
        }
    }
}

impl Link for SocketIoLink {
    fn request(&self, event: &'static str, payload: Value) -> BoxFuture<'_, Result<Value, LinkFailure>> {
        Box::pin(async move {
            check_size(&payload)?;
            let (answer_tx, answer) = oneshot::channel();
            self.enqueue(Outgoing::Request { event, payload, answer: answer_tx }).await?;
            answer.await.unwrap_or(Err(LinkFailure::Lost))
        })
    }

    fn notify(&self, event: &'static str, payload: Value) -> BoxFuture<'_, Result<(), LinkFailure>> {
        Box::pin(async move {
            check_size(&payload)?;
            self.enqueue(Outgoing::Notify { event, payload }).await
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let (done_tx, done) = oneshot::channel();
            if self.enqueue(Outgoing::Close { done: done_tx }).await.is_ok() {
                let _ = done.await;
            }
        })
    }
}

/// A server closes the connection on a larger frame, which would look like a network fault and be tried for ever.
pub(super) fn check_size(payload: &Value) -> Result<(), LinkFailure> {
    // Room for the event's name and the frame around it.
    if payload.to_string().len() + 256 > MAX_FRAME_BYTES { Err(LinkFailure::TooLarge) } else { Ok(()) }
}
