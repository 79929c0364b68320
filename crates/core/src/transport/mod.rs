//! The two ways to a server: a live Socket.IO connection and single HTTP calls.
//!
//! Both are traits with one real implementation each and scripted ones in tests. Nothing above this module knows a socket
//! library or an HTTP library.
//!
//! Invariants: a connection is used from CONNECT to its loss and never revived; events of a lost connection have nowhere to
//! arrive; at most one request waits for an answer at a time.

mod form;
mod http;
mod https;
mod socketio;
pub(crate) mod trust;

use std::{sync::Arc, time::Duration};

use futures_util::{future::BoxFuture, stream::BoxStream};
use hugmedo_chat_protocol::{ConnectAuth, Secret, Sensitive, ServerEvent};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{address::ServerAddress, error::ErrorCode, view::ConnectionSettings};

pub use http::HttpClient;
pub(crate) use https::Https;
pub use socketio::SocketIo;

/// Opens live connections to one server.
pub trait Transport: Send + Sync + 'static {
    /// Connects, and resolves once the server has accepted or refused the credentials. Dropping the future gives up.
    fn connect(&self, auth: ConnectAuth) -> BoxFuture<'_, Result<Connection, ConnectFailure>>;
}

/// A live, accepted connection.
pub struct Connection {
    /// What the server says, in order.
    pub events: Events,
    /// The way to say something.
    pub link: Arc<dyn Link>,
}

/// What a server says, until the connection is lost.
pub struct Events {
    receiver: mpsc::Receiver<ServerEvent>,
    lost: CancellationToken,
}

impl Events {
    /// Events from `receiver`; `lost` tells of a loss that does not close it, such as a socket library that hangs.
    pub fn new(receiver: mpsc::Receiver<ServerEvent>, lost: CancellationToken) -> Self {
        Self { receiver, lost }
    }

    /// Waits for at least one event and appends what is there, at most `limit`. Returns false once the connection is lost
    /// and everything it brought has been taken.
    pub async fn next_batch(&mut self, batch: &mut Vec<ServerEvent>, limit: usize) -> bool {
        tokio::select! {
            biased;
            received = self.receiver.recv_many(batch, limit) => received > 0,
            () = self.lost.cancelled() => false,
        }
    }
}

/// The sending half of a connection. Dropping the last handle closes the connection.
pub trait Link: Send + Sync + 'static {
    /// Says something and waits for the answer. Requests are answered in the order they were made.
    fn request(&self, event: &'static str, payload: Value) -> BoxFuture<'_, Result<Value, LinkFailure>>;

    /// Says something that needs no answer.
    fn notify(&self, event: &'static str, payload: Value) -> BoxFuture<'_, Result<(), LinkFailure>>;

    /// Ends the connection in good form, within a second or so.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// Why no connection came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConnectFailure {
    /// The server answered and said no, with this code as `connect_error` message.
    Refused(String),
    /// It could not be reached, or did not speak as expected.
    Failed(ErrorCode),
}

/// Why something could not be said, or was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkFailure {
    /// The connection is gone.
    Lost,
    /// No answer in time; the connection is given up.
    TimedOut,
    /// Larger than a server takes; it was not sent.
    TooLarge,
}

/// Makes HTTP calls to one server.
pub trait Http: Send + Sync + 'static {
    /// One call. Answers the body's JSON, `null` if there is none.
    fn call(&self, call: HttpCall) -> BoxFuture<'_, Result<Value, HttpFailure>>;

    /// Fetches a short text that is not of our contract. A network without any refuses.
    fn text(&self, path: &str, timeout: Duration) -> BoxFuture<'_, Result<String, HttpFailure>> {
        let _ = (path, timeout);
        Box::pin(async { Err(HttpFailure::Foreign) })
    }

    /// Sends a file as the field `file` of a form. Answers the body's JSON. A network without files refuses.
    fn upload(&self, upload: Upload) -> BoxFuture<'_, Result<Value, HttpFailure>> {
        drop(upload);
        Box::pin(async { Err(HttpFailure::Foreign) })
    }

    /// Fetches a file from a byte on. A network without files refuses.
    fn download(&self, download: Download) -> BoxFuture<'_, Result<Body, HttpFailure>> {
        drop(download);
        Box::pin(async { Err(HttpFailure::Foreign) })
    }
}

/// A file on its way to the server. There is no limit to the time it takes: whoever asked for it watches its progress.
pub struct Upload {
    /// Beginning with `/api/`.
    pub path: String,
    /// Sent as `Authorization: Bearer`.
    pub token: Secret,
    /// What its owner calls the file.
    pub name: Sensitive,
    /// Its length in bytes.
    pub size: u64,
    /// Its bytes. An error breaks the call off.
    pub bytes: BoxStream<'static, std::io::Result<Vec<u8>>>,
}

/// A file, or the rest of one, wanted from the server.
#[derive(Debug, Clone)]
pub struct Download {
    /// Beginning with `/api/`.
    pub path: String,
    /// Sent as `Authorization: Bearer`.
    pub token: Secret,
    /// The first byte that is wanted.
    pub start: u64,
}

/// A file as it comes.
pub struct Body {
    /// Where in the file it begins: at the wanted byte, or at 0 if the server knows no ranges.
    pub start: u64,
    /// Its bytes.
    pub bytes: BoxStream<'static, Result<Vec<u8>, HttpFailure>>,
}

/// One HTTP call.
#[derive(Debug, Clone)]
pub struct HttpCall {
    /// `POST` if there is a body or `post` is set, `GET` otherwise.
    pub post: bool,
    /// Path and query, beginning with `/api/`.
    pub path: String,
    /// Sent as `Authorization: Bearer`.
    pub token: Option<Secret>,
    /// Sent as JSON.
    pub body: Option<Value>,
    /// The longest the whole call may take.
    pub timeout: Duration,
}

/// Why an HTTP call gave no result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpFailure {
    /// The server answered with an error of our contract.
    Refused(hugmedo_chat_protocol::ApiError),
    /// Something answered, but not in our contract: another kind of server.
    Foreign,
    /// Not reached, not in time, or not trusted.
    Failed(ErrorCode),
}

/// The settings as they now are; both ways follow a change from their next connection or call on.
pub type PresentSettings = Arc<dyn Fn() -> ConnectionSettings + Send + Sync>;

/// Makes the network to a server.
pub type NetworkTo = Arc<dyn Fn(&ServerAddress, PresentSettings) -> Network + Send + Sync>;

/// Both ways to one server.
#[derive(Clone)]
pub struct Network {
    /// Live connections.
    pub transport: Arc<dyn Transport>,
    /// Single calls.
    pub http: Arc<dyn Http>,
}

impl Network {
    /// The real network.
    pub fn real(address: &ServerAddress, settings: PresentSettings) -> Self {
        Self {
            transport: Arc::new(SocketIo::new(address, Arc::clone(&settings))),
            http: Arc::new(HttpClient::new(address, settings)),
        }
    }
}
