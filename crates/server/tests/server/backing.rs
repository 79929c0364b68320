//! Where the stores of these tests are, and looking into one past the server: here, a file. ../postgres has them in a database.

use std::{fmt::Write as _, path::Path, time::Duration};

use hugmedo_chat_server::Database;
use rusqlite::{Connection, types::ValueRef};

/// Whether several servers may share a store.
pub(crate) const IS_SHARED: bool = false;

pub(crate) fn database(_: &Path) -> Option<Database> {
    None
}

/// Waits until a server has told its sockets what there is: here that is done when a deed is.
pub(crate) async fn told(_: &str) {}

/// A store behind the server's back.
pub(crate) struct Store(Connection);

impl Store {
    pub(crate) fn of(folder: &Path) -> Self {
        let store = Connection::open(folder.join("server.sqlite3")).unwrap();
        store.busy_timeout(Duration::from_secs(10)).unwrap();
        Self(store)
    }

    /// Everything that is stored.
    pub(crate) fn bytes(folder: &Path) -> Vec<u8> {
        std::fs::read(folder.join("server.sqlite3")).unwrap()
    }

    pub(crate) fn change(&self, sql: &str) {
        self.0.execute_batch(sql).unwrap();
    }

    /// What moves whenever the server has written something.
    pub(crate) fn version(&self) -> Option<String> {
        Some(self.dump("PRAGMA data_version"))
    }

    /// What a query finds, as text.
    pub(crate) fn dump(&self, sql: &str) -> String {
        let mut statement = self.0.prepare_cached(sql).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query(()).unwrap();
        let mut text = String::new();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..columns {
                match row.get_ref(column).unwrap() {
                    ValueRef::Null => {}
                    ValueRef::Integer(number) => write!(text, "{number}").unwrap(),
                    ValueRef::Real(number) => write!(text, "{number}").unwrap(),
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
                }
                text.push('|');
            }
            text.pop();
            text.push('\n');
        }
        text
    }
}
