//! What a server is told before it starts. Everything has a default but where to listen and where to keep its data.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use hugmedo_chat_protocol::{Secret, UserType};
use ipnet::IpNet;

pub use crate::{issuer::IssuerSettings, serve::TlsFiles};

/// How to run one server.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one, see [`crate::Server::local_addr`].
    pub listen: SocketAddr,
    /// The folder that holds the store, or what lies beside the store where that is in a database. Made if it is missing.
    pub data_dir: PathBuf,
    /// The database that holds the store, in place of the folder. Servers that share one share the folder too.
    pub database: Option<Database>,
    /// The Redis over which servers that share a database tell each other at once what the database tells them within moments.
    pub redis: Option<Redis>,
    /// Certificate and key; without them the server speaks plain HTTP, for a proxy that speaks TLS.
    pub tls: Option<TlsFiles>,
    /// How often the files of the certificate are looked at for another pair.
    pub tls_look_every: Duration,
    /// Proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Lets anyone speak plain HTTP to an address others can reach, where something else keeps the network closed.
    pub allow_plain_http: bool,
    /// Fills an empty store with sample people, rooms and talk, and lets simulated people live in it. Loopback only.
    pub demo: bool,
    /// With `demo`: the sample data alone, without the simulated people.
    pub demo_quiet: bool,
    /// `Origin` values that may open sockets and read answers. Peers that send no `Origin` (native clients) are not
    /// asked; with `demo` every loopback origin may.
    pub allowed_origins: Vec<String>,
    /// Who signs in by password only with a second factor beside it. Everyone may have one.
    pub second_factor_for: Vec<UserType>,
    /// An outside issuer whose tokens are accepted beside our own.
    pub issuer: Option<IssuerSettings>,
    /// How long an access token opens sockets and routes.
    pub access_token_ttl: Duration,
    /// How long a session lives at most before its person signs in again, however often it is refreshed.
    pub session_ttl: Duration,
    /// How long a device may keep what it has stored without hearing from this server; `None`: for ever.
    pub lease: Option<Duration>,
    /// How long the order of changes is kept for `GET /api/sync`; an older cursor is answered with `cursor_expired`.
    pub change_retention: Duration,
    /// Largest file that may be sent, in bytes.
    pub max_attachment_bytes: u64,
    /// How often a socket is asked whether it is still there.
    pub ping_interval: Duration,
    /// How long it may take to answer.
    pub ping_timeout: Duration,
    /// How long a connection may take from opening to CONNECT.
    pub connect_timeout: Duration,
    /// How long those who dawdle are waited for.
    pub patience: Patience,
    /// How long a person without a socket is not yet taken for gone.
    pub presence_grace: Duration,
    /// How often it is looked for what another process did to the store.
    pub notice_every: Duration,
    /// How often a server says over Redis that it is there. One that does not hear itself for two and a half times that connects anew.
    pub beat_every: Duration,
    /// How often it is looked for what is past its time.
    pub retention_every: Duration,
    /// Whether `GET /metrics` answers others than this machine.
    pub metrics_for_all: bool,
    /// How often anything may be done.
    pub limits: Limits,
}

impl Config {
    /// A server at this address over this folder, with the defaults for everything else.
    pub fn new(listen: SocketAddr, data_dir: impl Into<PathBuf>) -> Self {
        Self {
            listen,
            data_dir: data_dir.into(),
            database: None,
            redis: None,
            tls: None,
            tls_look_every: Duration::from_secs(30),
            trusted_proxies: Vec::new(),
            allow_plain_http: false,
            demo: false,
            demo_quiet: false,
            allowed_origins: Vec::new(),
            second_factor_for: Vec::new(),
            issuer: None,
            access_token_ttl: Duration::from_secs(10 * 60),
            session_ttl: Duration::from_secs(12 * 60 * 60),
            lease: None,
            change_retention: Duration::from_secs(30 * 24 * 60 * 60),
            max_attachment_bytes: 25 * 1024 * 1024,
            ping_interval: Duration::from_secs(10),
            ping_timeout: Duration::from_secs(8),
            connect_timeout: Duration::from_secs(5),
            patience: Patience::default(),
            presence_grace: Duration::from_secs(5),
            notice_every: Duration::from_secs(1),
            beat_every: Duration::from_secs(5),
            retention_every: Duration::from_secs(60),
            metrics_for_all: false,
            limits: Limits::default(),
        }
    }
}

/// A Postgres database, and how to reach it.
#[derive(Debug, Clone)]
pub struct Database {
    /// `postgres://user:password@host/database`, with what libpq knows as parameters. Encryption is demanded of any host but
    /// this machine, unless it says `sslmode=disable`.
    pub url: Secret,
    /// The authority of its certificate, as PEM, if the system does not know it.
    pub ca_file: Option<PathBuf>,
}

/// A Redis, and how to reach it.
#[derive(Debug, Clone)]
pub struct Redis {
    /// `redis://:password@host/`, or `rediss` for TLS.
    pub url: Secret,
}

/// How long those who dawdle are waited for, before their connection is closed.
#[derive(Debug, Clone)]
pub struct Patience {
    /// For a TLS handshake.
    pub handshake: Duration,
    /// For the head of a request, the idle time since the last answer included.
    pub head: Duration,
    /// For the body of a request, beside the time its bytes take at the least rate.
    pub body: Duration,
    /// The least rate of a body.
    pub body_bytes_per_second: u64,
    /// For a peer that takes nothing of what it is sent.
    pub stalled_write: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(30),
            body: Duration::from_secs(20),
            body_bytes_per_second: 4 * 1024,
            stalled_write: Duration::from_secs(30),
        }
    }
}

/// A rate that may be exceeded for a moment: `burst` at once, refilled at `per_second`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many a second in the long run; at least 1.
    pub per_second: u32,
    /// How many at once; at least 1.
    pub burst: u32,
}

impl Rate {
    /// `per_second` in the long run, `burst` at once.
    pub const fn new(per_second: u32, burst: u32) -> Self {
        Self { per_second, burst }
    }
}

/// How often things may be done. Rates are per person, over all of their devices.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Messages, edits, deletions.
    pub messages: Rate,
    /// Typing notices, and changes of one's status.
    pub typing: Rate,
    /// Receipts, joining, leaving, renewing and heartbeats.
    pub signals: Rate,
    /// History, sync, rooms and the other reads over HTTP.
    pub reads: Rate,
    /// Conversations begun, a minute.
    pub new_rooms_per_minute: u32,
    /// Files brought, a minute.
    pub uploads_per_minute: u32,
    /// Opened sockets.
    pub connects: Rate,
    /// Sockets of one person at a time.
    pub sockets_per_user: usize,
    /// Events of one socket, of whatever kind, whether they are granted or not; past it the socket is closed.
    pub socket_events: Rate,
    /// Bytes of one socket's events; past it the socket is closed.
    pub socket_bytes: Rate,
    /// Sockets from one address at a time. Behind one address there may be a whole hospital.
    pub sockets_per_address: usize,
    /// Connections at a time, in all.
    pub connections: usize,
    /// Connections from one address at a time, trusted proxies left out.
    pub connections_per_address: usize,
    /// HTTP requests from one address, whoever makes them.
    pub requests_per_address: Rate,
    /// Failed sign-ins of one account within a minute before it is slowed down.
    pub failed_logins_per_account: usize,
    /// Failed sign-ins from one address within a minute before it is slowed down.
    pub failed_logins_per_address: usize,
    /// Wrong codes of one account's second factor within a quarter of an hour before it is slowed down.
    pub failed_codes_per_account: usize,
    /// Events of one socket that may wait for their turn; past it the socket is closed.
    pub queued_events: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            messages: Rate::new(10, 30),
            typing: Rate::new(2, 10),
            signals: Rate::new(20, 100),
            reads: Rate::new(10, 60),
            new_rooms_per_minute: 10,
            uploads_per_minute: 30,
            connects: Rate::new(1, 30),
            sockets_per_user: 20,
            socket_events: Rate::new(100, 500),
            socket_bytes: Rate::new(1024 * 1024, 8 * 1024 * 1024),
            sockets_per_address: 5_000,
            connections: 20_000,
            connections_per_address: 5_000,
            requests_per_address: Rate::new(500, 5_000),
            failed_logins_per_account: 5,
            failed_logins_per_address: 20,
            failed_codes_per_account: 10,
            queued_events: 1024,
        }
    }
}
