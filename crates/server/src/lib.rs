//! The server of HugMeDo Chat: Socket.IO and HTTP over one store, in an SQLite file or a Postgres database.
//!
//! Invariants, each with the module that keeps it: who may do what is decided in one place, by default nobody may
//! (`authorize`); every deed is authorised, validated, persisted, answered and told, in this order (`chat`); one socket's
//! events are handled in the order sent (`socket`); every deed leaves an entry in the audit (`audit`); the socket is a hint and the
//! store is the truth, so telling may fail and `GET /api/sync` makes up for it (`fanout`, `http`); no message, name, token or password
//! reaches a log.
//!
//! ```no_run
//! # async fn run() -> Result<(), hugmedo_chat_server::Error> {
//! use hugmedo_chat_server::{Config, start};
//! use hugmedo_chat_protocol::UserType;
//!
//! let server = start(Config::new(([127, 0, 0, 1], 0).into(), "/tmp/chat")).await?;
//! server.admin().add_user("alice", "a long password", "Alice", UserType::Clinician).await?;
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```

mod admin;
mod app;
mod attachments;
mod audit;
mod authorize;
mod backup;
mod belonging;
mod chat;
mod config;
mod credential;
mod demo;
mod error;
mod failure;
mod fanout;
mod http;
mod issuer;
mod key_file;
mod limits;
mod metrics;
mod naming;
mod nodes;
mod outside;
mod password;
mod presence;
mod second_factor;
mod serve;
mod sign_in;
mod socket;
mod store;
mod surface;
mod turns;

pub use admin::Admin;
pub use audit::{Finding, Report};
pub use backup::{Backup, restore};
pub use config::{Config, Database, IssuerSettings, Limits, Patience, Rate, Redis, TlsFiles};
pub use error::Error;
pub use store::{
    StoreError,
    retention::{Kept, RetentionRule},
    rooms::RoomRecord,
    sessions::Device,
    users::Person,
};
pub use surface::{Surface, surface};

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use hugmedo_chat_protocol::limits::MAX_FRAME_BYTES;
use socketioxide::{ParserConfig, SocketIo};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use app::App;
use fanout::Fanout;
use issuer::Issuer;
use limits::{GuessMeter, Throttle};
use password::Passwords;
use serve::{Door, Places, Tls};
use store::Store;

/// The longest a stop waits for connections to end by themselves.
const GOODBYE: Duration = Duration::from_secs(5);
const MINUTE: Duration = Duration::from_secs(60);

/// A running server. Dropping it stops it without waiting; [`Server::shutdown`] finishes what is under way.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    encrypted: bool,
    admin: Admin,
    app: Arc<App>,
    io: SocketIo,
    serving: JoinHandle<()>,
    /// Held while it runs.
    _alone: std::fs::File,
}

/// Opens the store, listens and serves.
///
/// # Errors
/// If the configuration is refused, or the folder, the store or the address cannot be used.
pub async fn start(config: Config) -> Result<Server, Error> {
    if config.demo && !config.listen.ip().is_loopback() {
        return Err(Error::DemoNotLoopback(config.listen));
    }
    if config.demo && config.database.is_some() {
        return Err(Error::Invalid("the sample data fills a store in the data folder, and none in a database"));
    }
    if config.redis.is_some() && config.database.is_none() {
        return Err(Error::Invalid("Redis is for several servers on one database; a store in the data folder has one"));
    }
    let is_open = config.tls.is_none() && config.trusted_proxies.is_empty() && !config.allow_plain_http;
    if is_open && !config.listen.ip().is_loopback() {
        return Err(Error::PlainHttp(config.listen));
    }
    let issuer = config.issuer.clone().map(Issuer::new).transpose()?;
    let tls = config.tls.clone().map(Tls::open).transpose().map_err(|error| Error::Tls(error.to_string()))?;
    let tls = tls.map(Arc::new);
    private_folder(&config.data_dir).map_err(|source| Error::DataDir { path: config.data_dir.clone(), source })?;
    let alone = lock(&config.data_dir, config.database.is_some())?;
    let store = Arc::new(open_store(&config.data_dir, config.database.as_ref())?);
    let retention = i64::try_from(config.change_retention.as_millis()).unwrap_or(i64::MAX);
    let passwords = Passwords::new().map_err(|_| Error::Invalid("passwords cannot be hashed on this machine"))?;
    store
        .write(move |tx| {
            store::sessions::forget_old(tx)?;
            store::changes::forget_before(tx, store::now().saturating_sub(retention))
        })
        .await?;

    let listen = |source| Error::Listen { address: config.listen, source };
    let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let door = Arc::new(Door::new(&config, tls));

    let (layer, io) = socket_io(&config);
    let checkpoints = open_checkpoints(&config.data_dir)?;
    let seal = second_factor::Seal::open(&config.data_dir);
    let seal = Arc::new(seal.map_err(|source| Error::DataDir { path: config.data_dir.clone(), source })?);
    let attachments = attachments::Attachments::open(&config.data_dir, &store).await?;
    let nodes = if store.is_shared() { Some(nodes::Nodes::new(config.redis.as_ref(), store.id())?) } else { None };
    let app = Arc::new(App {
        store,
        nodes,
        attachments,
        checkpoints,
        fanout: Fanout::new(io.clone()),
        presence: presence::Presence::default(),
        metrics: Arc::new(metrics::Metrics::new(socket::names())),
        turns: turns::Turns::new(),
        throttle: Throttle::new(&config.limits),
        passwords,
        seal,
        issuer,
        seats: Places::new(config.limits.connections, config.limits.sockets_per_address),
        accounts: GuessMeter::new(config.limits.failed_logins_per_account, MINUTE),
        addresses: GuessMeter::new(config.limits.failed_logins_per_address, MINUTE),
        codes: GuessMeter::new(config.limits.failed_codes_per_account, 15 * MINUTE),
        stop: CancellationToken::new(),
        config,
    });
    socket::serve(&io, app.clone());
    let admin = Admin::live(app.clone());
    if app.config.demo {
        demo::fill(&app, &admin).await?;
        if !app.config.demo_quiet {
            demo::live(&app).await?;
        }
    }
    tokio::spawn(outside::watch(app.clone()));
    if app.nodes.is_some() {
        let position = nodes::head(&app).await?;
        tokio::spawn(nodes::follow(app.clone(), position));
    }
    tokio::spawn(chat::escalate::watch(app.clone()));
    tokio::spawn(chat::retention::watch(app.clone()));
    tokio::spawn(audit::keep_checkpoints(app.clone()));
    tokio::spawn(attachments::keep_tidy(app.clone()));

    let encrypted = door.tls.is_some();
    if let Some(tls) = door.tls.clone() {
        tokio::spawn(serve::keep_fresh(tls, app.config.tls_look_every, app.stop.clone()));
    }
    let router = http::router(app.clone(), layer);
    let serving = tokio::spawn(serve::serve(listener, door, router, app.stop.clone()));
    tracing::info!(%address, encrypted, "listening");
    Ok(Server { address, encrypted, admin, app, io, serving, _alone: alone })
}

fn socket_io(config: &Config) -> (socketioxide::layer::SocketIoLayer, SocketIo) {
    SocketIo::builder()
        .ping_interval(config.ping_interval)
        .ping_timeout(config.ping_timeout)
        .connect_timeout(config.connect_timeout)
        .max_payload(MAX_FRAME_BYTES as u64)
        // The defaults, 64 and 16 MiB, would be open to everyone: frames come before the token.
        .ws_max_message_size(MAX_FRAME_BYTES)
        .ws_max_frame_size(MAX_FRAME_BYTES)
        // No event of the contract holds binary data; files go over HTTP.
        .with_parser(ParserConfig::common().max_incoming_binaries(0).max_incoming_binary_buf_size(1024))
        .build_layer()
}

fn open_checkpoints(data_dir: &Path) -> Result<Arc<audit::Checkpoints>, Error> {
    audit::Checkpoints::open(data_dir)
        .map(Arc::new)
        .map_err(|source| Error::DataDir { path: data_dir.to_owned(), source })
}

fn open_store(data_dir: &Path, database: Option<&Database>) -> Result<Store, Error> {
    private_folder(data_dir).map_err(|source| Error::DataDir { path: data_dir.to_owned(), source })?;
    belonging::check_kind(data_dir, database.is_some())?;
    let store = Store::open(data_dir, database)?;
    belonging::claim(data_dir, &store)?;
    Ok(store)
}

/// The file a server holds while it works on a data folder.
const LOCK_FILE: &str = "serving.lock";

/// Makes sure that no other server works on a data folder, unless all share a database that orders what they do. The system ends this
/// with the process, however that ends.
fn lock(data_dir: &Path, is_shared: bool) -> Result<std::fs::File, Error> {
    let path = data_dir.join(LOCK_FILE);
    let file = std::fs::File::create(&path).map_err(|source| Error::DataDir { path: path.clone(), source })?;
    match if is_shared { file.try_lock_shared() } else { file.try_lock() } {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::InUse(data_dir.to_owned())),
        Err(std::fs::TryLockError::Error(source)) => Err(Error::DataDir { path, source }),
    }
}

/// Makes a folder, if there is none, that is closed to other accounts of this machine.
fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut folder = std::fs::DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        // It holds patients' words; other accounts of this machine have no business in it.
        folder.mode(0o700);
    }
    folder.create(path)
}

impl Server {
    /// Where it listens; with port 0 asked for, the port that was free.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// `http://ADDR:PORT`, or `https` with TLS.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.encrypted { "https" } else { "http" }, self.address)
    }

    /// The administrator's side.
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Stops: no new connections, sockets are closed (their clients come back to the next server), what was asked for is
    /// finished and written.
    pub async fn shutdown(mut self) {
        self.app.stop.cancel();
        if tokio::time::timeout(GOODBYE, self.io.close()).await.is_err() {
            tracing::info!("some sockets did not say goodbye");
        }
        if tokio::time::timeout(GOODBYE, &mut self.serving).await.is_err() {
            tracing::info!("some requests did not end");
        }
        audit::checkpoint(&self.app.store, &self.app.checkpoints).await;
        self.app.store.close().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.app.stop.cancel();
        self.serving.abort();
    }
}
