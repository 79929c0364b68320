//! A store in a Postgres database, which several servers may share.
//!
//! Invariants: one transaction writes at a time, whichever server's it is (see [`link`]); what was answered is on the
//! database's disk; neither the address nor the password of the database is in a log, an error or a `Debug`.

mod link;
mod migrations;
mod session;
mod words;

pub(crate) use link::{Link, Open};
pub(crate) use session::Session;

use std::{
    str::FromStr as _,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use native_tls::{Certificate, TlsConnector};
use postgres::{
    Config,
    config::{Host, SslMode},
};
use postgres_native_tls::MakeTlsConnector;

use super::{StoreError, sql::OptionalExtension as _, sql::Transaction};
use crate::config::Database;

/// Version 14, the oldest that is still looked after.
const OLDEST: i64 = 140_000;

/// Where a database is and how to speak to it.
pub(crate) struct Server {
    config: Config,
    tls: MakeTlsConnector,
    is_reached: AtomicBool,
    connections: AtomicU64,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server(..)")
    }
}

impl Server {
    pub(super) fn new(database: &Database) -> Result<Self, StoreError> {
        let mut config =
            Config::from_str(database.url.expose()).map_err(|_| StoreError::Address("the database's URL"))?;
        // What crosses a network crosses it encrypted, unless it is said that something else keeps the network closed.
        if config.get_ssl_mode() == SslMode::Prefer && config.get_hosts().iter().any(|host| !is_this_machine(host)) {
            config.ssl_mode(SslMode::Require);
        }
        config
            .application_name("hugmedo-chat-server")
            .connect_timeout(Duration::from_secs(3))
            .keepalives_idle(Duration::from_secs(10))
            .tcp_user_timeout(Duration::from_secs(10));
        let mut tls = TlsConnector::builder();
        if let Some(path) = &database.ca_file {
            let authority = Certificate::from_pem(&std::fs::read(path)?);
            tls.add_root_certificate(authority.map_err(|_| StoreError::Address("the database's authority"))?);
        }
        let tls = tls.build().map_err(|_| StoreError::Address("TLS to the database"))?;
        Ok(Self {
            config,
            tls: MakeTlsConnector::new(tls),
            is_reached: AtomicBool::new(false),
            connections: AtomicU64::new(0),
        })
    }

    /// Whether the last attempt to connect succeeded, and how many did.
    pub(crate) fn standing(&self) -> (bool, u64) {
        (self.is_reached.load(Ordering::Relaxed), self.connections.load(Ordering::Relaxed))
    }

    fn connect(&self) -> Result<Session, StoreError> {
        let session = self.try_connect();
        let is_reached = session.is_ok();
        if self.is_reached.swap(is_reached, Ordering::Relaxed) != is_reached {
            if is_reached {
                tracing::info!("the database is reached");
            } else {
                tracing::warn!("the database cannot be reached");
            }
        }
        if is_reached {
            self.connections.fetch_add(1, Ordering::Relaxed);
        }
        session
    }

    fn try_connect(&self) -> Result<Session, StoreError> {
        let session = Session::new(self.config.connect(self.tls.clone())?);
        session.batch(
            "SET lock_timeout = '10s'; SET statement_timeout = '30s';
             SET client_min_messages = 'warning'",
        )?;
        let tx = Transaction::Postgres(&session);
        let setting = |name: &str| -> Result<String, StoreError> {
            tx.query_row("SELECT current_setting(?1)", (name,), |row| row.get(0))
        };
        if setting("server_version_num")?.parse().is_ok_and(|version: i64| version < OLDEST) {
            return Err(StoreError::Setting("version 14 or newer of Postgres"));
        }
        if setting("server_encoding")? != "UTF8" {
            return Err(StoreError::Setting("server_encoding = UTF8"));
        }
        if setting("fsync")? != "on" {
            return Err(StoreError::Setting("fsync = on"));
        }
        if matches!(setting("synchronous_commit")?.as_str(), "off" | "local") {
            session.batch("SET synchronous_commit = on")?;
        }
        Ok(session)
    }
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        #[cfg(unix)]
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
    }
}

/// A writer and readers on a database whose schema is the present one, and the store's name.
pub(super) struct Opened {
    pub(super) server: Arc<Server>,
    pub(super) writer: Link,
    pub(super) readers: Vec<Link>,
    pub(super) id: String,
}

/// Connects. On a thread of its own: the client waits inside, which a thread that serves must not.
pub(super) fn open(database: &Database, readers: usize) -> Result<Opened, StoreError> {
    let database = database.clone();
    let opened = std::thread::spawn(move || {
        let server = Arc::new(Server::new(&database)?);
        let mut writer = Link::open(server.clone())?;
        migrations::run(&mut writer)?;
        let id = store_id(&mut writer)?;
        let readers = (0..readers).map(|_| Link::open(server.clone())).collect::<Result<_, _>>()?;
        Ok(Opened { server, writer, readers, id })
    });
    opened.join().unwrap_or(Err(StoreError::Closed))
}

fn store_id(writer: &mut Link) -> Result<String, StoreError> {
    let open = writer.begin_writing()?;
    let id = open.work(|session| {
        let tx = Transaction::Postgres(session);
        let known = tx.query_row("SELECT value FROM meta WHERE key = 'store_id'", (), |row| row.get(0)).optional()?;
        if let Some(id) = known {
            return Ok(id);
        }
        let id = uuid::Uuid::new_v4().to_string();
        tx.execute("INSERT INTO meta (key, value) VALUES ('store_id', ?1)", (&id,))?;
        Ok(id)
    })?;
    open.commit()?;
    Ok(id)
}
