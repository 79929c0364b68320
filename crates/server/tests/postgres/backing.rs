//! Where the stores of these tests are, and looking into one past the server: databases in the Postgres of this run, one for each
//! data folder.

use std::{path::Path, sync::Mutex, thread, time::Duration};

use hugmedo_chat_server::Database;
use postgres::{Client, NoTls, SimpleQueryMessage};

use crate::instances;

pub(crate) const IS_SHARED: bool = true;

pub(crate) fn database(folder: &Path) -> Option<Database> {
    let folder: String = folder.to_str().unwrap().chars().filter(char::is_ascii_alphanumeric).collect();
    Some(instances::shared_database(&format!("test_{}", folder.to_lowercase())))
}

/// Waits until a server has told its sockets what there is.
pub(crate) async fn told(url: &str) {
    let untold = "hugmedo_chat_untold_changes ";
    loop {
        let page = reqwest::get(format!("{url}/metrics")).await.unwrap().text().await.unwrap();
        if page.lines().find_map(|line| line.strip_prefix(untold)) == Some("0") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A store behind the server's back.
pub(crate) struct Store(Option<Mutex<Client>>);

impl Store {
    pub(crate) fn of(folder: &Path) -> Self {
        Self::in_database(&database(folder).unwrap())
    }

    pub(crate) fn in_database(database: &Database) -> Self {
        let database = database.clone();
        // On threads of their own: the client waits inside, which a thread of the runtime must not.
        let connect = move || Client::connect(database.url.expose(), NoTls).unwrap();
        Self(Some(Mutex::new(thread::spawn(connect).join().unwrap())))
    }

    /// Everything that is stored about people.
    pub(crate) fn bytes(folder: &Path) -> Vec<u8> {
        let store = Self::of(folder);
        let tables = ["user", "session", "access_token", "refresh_token", "second_factor", "recovery_code", "audit"];
        let text: String = tables.map(|table| store.dump(&format!("SELECT * FROM {table} "))).concat();
        let mut bytes = text.clone().into_bytes();
        for digits in text.split(['|', '\n']).filter_map(|column| column.strip_prefix("\\x")) {
            bytes.extend(data_encoding::HEXLOWER.decode(digits.as_bytes()).unwrap());
        }
        bytes
    }

    pub(crate) fn change(&self, sql: &str) {
        self.dump(sql);
    }

    /// Nothing here tells whether something was written.
    pub(crate) fn version(&self) -> Option<String> {
        None
    }

    /// What a query finds, as text.
    pub(crate) fn dump(&self, sql: &str) -> String {
        // The one table whose name is a word of Postgres' own.
        let sql = sql.replace(" user ", " \"user\" ");
        let client = self.0.as_ref().unwrap();
        let ask = || client.lock().unwrap().simple_query(&sql).unwrap();
        let answer = thread::scope(|scope| scope.spawn(ask).join().unwrap());
        let mut text = String::new();
        for message in answer {
            if let SimpleQueryMessage::Row(row) = message {
                let columns: Vec<&str> = (0..row.len()).map(|column| row.get(column).unwrap_or_default()).collect();
                text.push_str(&columns.join("|"));
                text.push('\n');
            }
        }
        text
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let client = self.0.take();
        thread::spawn(move || drop(client)).join().unwrap();
    }
}
