//! A network that does exactly what a test tells it to: no server behind it, no time of its own.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Result, bail};
use futures_util::future::BoxFuture;
use hugmedo_chat_core::{
    Config, ErrorCode,
    transport::{
        ConnectFailure, Connection, Events, Http, HttpCall, HttpFailure, Link, LinkFailure, Network, Transport,
    },
};
use hugmedo_chat_protocol::{ConnectAuth, ServerEvent};
use serde_json::Value;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Answers HTTP calls: given method-and-path ("GET /api/rooms") and body.
pub type HttpScript = dyn Fn(&str, Option<&Value>) -> Result<Value, HttpFailure> + Send + Sync;

type Attempt = (ConnectAuth, oneshot::Sender<Result<Connection, ConnectFailure>>);

/// The scripted network: hand [`ScriptedNetwork::config`] to core, then play the server.
pub struct ScriptedNetwork {
    network: Network,
    attempts: AsyncMutex<mpsc::UnboundedReceiver<Attempt>>,
    calls: Arc<Mutex<VecDeque<String>>>,
    takes: Arc<Mutex<Duration>>,
}

impl ScriptedNetwork {
    /// A network whose HTTP calls are answered by `http`.
    pub fn new(http: Arc<HttpScript>) -> Self {
        let (attempts_tx, attempts) = mpsc::unbounded_channel();
        let calls = Arc::new(Mutex::new(VecDeque::new()));
        let takes = Arc::default();
        let network = Network {
            transport: Arc::new(ScriptedTransport { attempts: attempts_tx }),
            http: Arc::new(ScriptedHttp { script: http, calls: Arc::clone(&calls), takes: Arc::clone(&takes) }),
        };
        Self { network, attempts: AsyncMutex::new(attempts), calls, takes }
    }

    /// From now on every HTTP call takes so long.
    pub fn slow_down(&self, call: Duration) {
        *self.takes.lock().unwrap_or_else(PoisonError::into_inner) = call;
    }

    /// Core's set-up with this network in place of the real one.
    pub fn config(&self, data_dir: impl Into<std::path::PathBuf>) -> Config {
        let network = self.network.clone();
        Config { network: Arc::new(move |_, _| network.clone()), ..Config::new(data_dir) }
    }

    /// The HTTP calls so far, as "GET /api/rooms".
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// Waits for the next attempt to connect and accepts it. Attempts that core has given up are passed over.
    ///
    /// # Errors
    /// If core is gone.
    pub async fn accept(&self) -> Result<ScriptedSession> {
        loop {
            let (auth, answer) = self.next_attempt().await?;
            let (events, receiver) = mpsc::channel(1024);
            let (asked_tx, asked) = mpsc::unbounded_channel();
            let lost = CancellationToken::new();
            let link = Arc::new(ScriptedLink { asked: asked_tx, lost: lost.clone() });
            let connection = Connection { events: Events::new(receiver, lost.clone()), link };
            if answer.send(Ok(connection)).is_ok() {
                return Ok(ScriptedSession { auth, events, asked, lost });
            }
        }
    }

    /// Waits for the next attempt to connect and refuses it, as a server (`Refused`) or as a network (`Failed`).
    ///
    /// # Errors
    /// If core is gone.
    pub async fn refuse(&self, failure: ConnectFailure) -> Result<ConnectAuth> {
        let (auth, answer) = self.next_attempt().await?;
        let _ = answer.send(Err(failure));
        Ok(auth)
    }

    async fn next_attempt(&self) -> Result<Attempt> {
        match self.attempts.lock().await.recv().await {
            Some(attempt) => Ok(attempt),
            None => bail!("core is gone"),
        }
    }
}

/// One accepted connection, seen from the server's side. Dropping it loses the connection.
pub struct ScriptedSession {
    /// What the client showed.
    pub auth: ConnectAuth,
    events: mpsc::Sender<ServerEvent>,
    asked: mpsc::UnboundedReceiver<Asked>,
    lost: CancellationToken,
}

/// Something the client said.
pub struct Asked {
    /// The event.
    pub event: String,
    /// Its one argument.
    pub payload: Value,
    answer: Option<oneshot::Sender<Result<Value, LinkFailure>>>,
}

impl Asked {
    /// Acknowledges it. Nothing happens if no answer was asked for.
    pub fn answer(mut self, ack: Value) {
        if let Some(answer) = self.answer.take() {
            let _ = answer.send(Ok(ack));
        }
    }
}

impl ScriptedSession {
    /// Says something to the client.
    ///
    /// # Errors
    /// If the client has hung up.
    pub async fn say(&self, event: ServerEvent) -> Result<()> {
        self.events.send(event).await.map_err(|_| anyhow::anyhow!("the client has hung up"))
    }

    /// The next thing the client says.
    ///
    /// # Errors
    /// If the client has hung up.
    pub async fn heard(&mut self) -> Result<Asked> {
        match self.asked.recv().await {
            Some(asked) => Ok(asked),
            None => bail!("the client has hung up"),
        }
    }

    /// The next event of this name. Everything before it is answered with a plain `ok`.
    ///
    /// # Errors
    /// If the client has hung up.
    pub async fn heard_named(&mut self, event: &str) -> Result<Asked> {
        loop {
            let asked = self.heard().await?;
            if asked.event == event {
                return Ok(asked);
            }
            let answer = plain_answer(&asked);
            asked.answer(answer);
        }
    }
}

impl Drop for ScriptedSession {
    fn drop(&mut self) {
        self.lost.cancel();
    }
}

/// An `ok` that fits every event a client sends by itself.
fn plain_answer(asked: &Asked) -> Value {
    serde_json::json!({
        "ok": true,
        "roomId": asked.payload.get("roomId"),
        "lastSeq": 0,
        "readSeq": asked.payload.get("upToSeq").cloned().unwrap_or(0.into()),
        "deliveredSeq": asked.payload.get("upToSeq").cloned().unwrap_or(0.into()),
        "serverTime": hugmedo_chat_protocol::Timestamp::now(),
        "expiresAt": hugmedo_chat_protocol::Timestamp::now(),
    })
}

struct ScriptedTransport {
    attempts: mpsc::UnboundedSender<Attempt>,
}

impl Transport for ScriptedTransport {
    fn connect(&self, auth: ConnectAuth) -> BoxFuture<'_, Result<Connection, ConnectFailure>> {
        Box::pin(async move {
            let (answer_tx, answer) = oneshot::channel();
            let _ = self.attempts.send((auth, answer_tx));
            answer.await.unwrap_or(Err(ConnectFailure::Failed(ErrorCode::Unreachable)))
        })
    }
}

struct ScriptedLink {
    asked: mpsc::UnboundedSender<Asked>,
    lost: CancellationToken,
}

impl Link for ScriptedLink {
    fn request(&self, event: &'static str, payload: Value) -> BoxFuture<'_, Result<Value, LinkFailure>> {
        Box::pin(async move {
            let (answer_tx, answer) = oneshot::channel();
            let asked = Asked { event: event.to_owned(), payload, answer: Some(answer_tx) };
            self.asked.send(asked).map_err(|_| LinkFailure::Lost)?;
            tokio::select! {
                biased;
                answer = answer => answer.unwrap_or(Err(LinkFailure::Lost)),
                () = self.lost.cancelled() => Err(LinkFailure::Lost),
            }
        })
    }

    fn notify(&self, event: &'static str, payload: Value) -> BoxFuture<'_, Result<(), LinkFailure>> {
        let asked = Asked { event: event.to_owned(), payload, answer: None };
        let sent = self.asked.send(asked).map_err(|_| LinkFailure::Lost);
        Box::pin(async move { sent })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.lost.cancel();
        Box::pin(async {})
    }
}

struct ScriptedHttp {
    script: Arc<HttpScript>,
    calls: Arc<Mutex<VecDeque<String>>>,
    takes: Arc<Mutex<Duration>>,
}

impl Http for ScriptedHttp {
    fn call(&self, call: HttpCall) -> BoxFuture<'_, Result<Value, HttpFailure>> {
        let method = if call.post || call.body.is_some() { "POST" } else { "GET" };
        let line = format!("{method} {}", call.path);
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push_back(line.clone());
        let answer = (self.script)(&line, call.body.as_ref());
        let waits = call.path.contains("wait=");
        let brings_nothing = |page: &Value| page.get("changes").and_then(Value::as_array).is_some_and(Vec::is_empty);
        if waits && answer.as_ref().is_ok_and(brings_nothing) {
            // A long poll that has nothing to bring is held open.
            return Box::pin(std::future::pending());
        }
        let takes = *self.takes.lock().unwrap_or_else(PoisonError::into_inner);
        Box::pin(async move {
            if !takes.is_zero() {
                tokio::time::sleep(takes).await;
            }
            answer
        })
    }
}
