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
use postgres_native_tls::MakeTlsConnector;
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

use super::{StoreError, sql::OptionalExtension as _, sql::Transaction};
use crate::config::Database;

/// Version 14, the oldest that is still looked after.
const OLDEST: i64 = 140_000;

/// How long connecting may take, and then each of the first questions: also where a host takes the connection and says nothing.
const CONNECTED_WITHIN: Duration = Duration::from_secs(6);
/// How long the database may work on a statement.
const STATEMENT_WITHIN: Duration = Duration::from_secs(30);
/// How long an answer is waited for. Longer than the database may work, so that this is about one that no longer does.
const ANSWERED_WITHIN: Duration = Duration::from_secs(35);

/// Where a database is and how to speak to it.
pub(crate) struct Server {
    config: Config,
    tls: MakeTlsConnector,
    connected_within: Duration,
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
        let is_elsewhere = config.get_hosts().iter().any(|host| !is_this_machine(host))
            // Where a host has an address beside its name, it is the address that is connected to.
            || config.get_hostaddrs().iter().any(|address| !address.is_loopback());
        if config.get_ssl_mode() == SslMode::Prefer && is_elsewhere {
            config.ssl_mode(SslMode::Require);
        }
        config
            .application_name("hugmedo-chat-server")
            .connect_timeout(Duration::from_secs(3))
            .keepalives_idle(Duration::from_secs(10))
            .keepalives_interval(Duration::from_secs(3))
            .keepalives_retries(3)
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
            connected_within: CONNECTED_WITHIN,
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
        let session = Session::open(&self.config, self.tls.clone(), self.connected_within)?;
        session.batch(&format!(
            "SET lock_timeout = '10s'; SET statement_timeout = '{}s';
             SET client_min_messages = 'warning'",
            STATEMENT_WITHIN.as_secs()
        ))?;
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
        session.wait_up_to(ANSWERED_WITHIN);
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

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use hugmedo_chat_protocol::Secret;

    use super::*;

    fn server(url: &str) -> Server {
        Server::new(&Database { url: Secret::new(url), ca_file: None }).unwrap()
    }

    #[test]
    fn encryption_is_demanded_of_every_place_but_this_machine_however_it_is_named() {
        for (url, mode) in [
            ("postgres://chat@localhost/chat", SslMode::Prefer),
            ("postgres://chat@127.0.0.1/chat", SslMode::Prefer),
            ("postgres://chat@localhost/chat?hostaddr=127.0.0.1", SslMode::Prefer),
            ("postgres://chat@db.example.org/chat", SslMode::Require),
            ("postgres://chat@localhost,db.example.org/chat", SslMode::Require),
            ("postgres://chat@localhost/chat?hostaddr=192.0.2.7", SslMode::Require),
            ("postgres://chat@db.example.org/chat?hostaddr=127.0.0.1", SslMode::Require),
            ("postgres://chat@localhost/chat?hostaddr=192.0.2.7&sslmode=disable", SslMode::Disable),
        ] {
            assert_eq!(server(url).config.get_ssl_mode(), mode, "{url}");
        }
    }

    #[test]
    fn a_host_that_takes_a_connection_and_says_nothing_is_not_waited_for() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut server = server(&format!("postgres://chat@{}/chat", silent.local_addr().unwrap()));
        server.connected_within = Duration::from_millis(50);
        assert!(matches!(server.connect(), Err(StoreError::Unreachable)));
        assert_eq!(server.standing(), (false, 0));
    }

    /// Takes a connection, as a database would, and whatever it is asked, and never answers.
    fn freeze(listener: &std::net::TcpListener) {
        let (mut line, _) = listener.accept().unwrap();
        let mut length = [0; 4];
        line.read_exact(&mut length).unwrap();
        let mut startup = vec![0; u32::from_be_bytes(length) as usize - length.len()];
        line.read_exact(&mut startup).unwrap();
        // Who it is is not asked, and it is ready.
        line.write_all(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I").unwrap();
        let _ = line.read_to_end(&mut Vec::new());
    }

    #[test]
    fn a_database_that_does_not_answer_is_waited_for_once_and_its_connection_never_used_again() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let server = server(&format!("postgres://chat@{}/chat?sslmode=disable", listener.local_addr().unwrap()));
        std::thread::scope(|scope| {
            scope.spawn(|| freeze(&listener));
            let session = Session::open(&server.config, server.tls.clone(), CONNECTED_WITHIN).unwrap();
            session.wait_up_to(Duration::from_millis(50));
            assert!(matches!(session.batch("SELECT 1"), Err(StoreError::Unreachable)));
            assert!(session.is_closed());
            session.wait_up_to(Duration::MAX);
            assert!(matches!(session.batch("ROLLBACK"), Err(StoreError::Unreachable)));
        });
    }
}
