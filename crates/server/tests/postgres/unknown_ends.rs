//! A write whose end nobody knows: the connection to the database breaks in the very moment of its COMMIT.
//!
//! It counts as failed, and whoever asks again with the same `clientMessageId` has it once, whichever way it had ended.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use hugmedo_chat_protocol::Secret;
use hugmedo_chat_server::Database;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
};

use crate::{
    hospital::{Hospital, says},
    instances::Postgres,
};

const MARKER: &str = "its end is not known";
/// As a simple query ends on the wire.
const COMMIT: &[u8] = b"COMMIT\0";

/// Where the connection breaks.
#[derive(Clone, Copy)]
enum Cut {
    /// The database never hears of the COMMIT.
    Before,
    /// It has committed, and its answer gets lost.
    After,
}

/// What stands between server and database, and breaks the first connection that is about to commit the marker.
struct Between {
    address: std::net::SocketAddr,
    has_cut: Arc<AtomicBool>,
}

impl Between {
    async fn open(postgres: PathBuf, cut: Cut) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let has_cut = Arc::new(AtomicBool::new(false));
        let cuts = has_cut.clone();
        tokio::spawn(async move {
            while let Ok((server, _)) = listener.accept().await {
                tokio::spawn(pass(server, UnixStream::connect(&postgres).await.unwrap(), cut, cuts.clone()));
            }
        });
        Self { address, has_cut }
    }

    fn database(&self) -> Database {
        Database { url: Secret::new(format!("postgres://chat@{}/chat", self.address)), ca_file: None }
    }
}

async fn pass(mut server: TcpStream, mut database: UnixStream, cut: Cut, has_cut: Arc<AtomicBool>) {
    let (mut asked, mut answered) = (Vec::new(), Vec::new());
    let mut has_marker = false;
    loop {
        tokio::select! {
            read = server.read_buf(&mut asked) => {
                if read.unwrap_or(0) == 0 {
                    return;
                }
                has_marker |= holds(&asked, MARKER.as_bytes());
                if has_marker && holds(&asked, COMMIT) && !has_cut.swap(true, Ordering::SeqCst) {
                    if matches!(cut, Cut::After) {
                        database.write_all(&asked).await.unwrap();
                        database.read_buf(&mut answered).await.unwrap();
                    }
                    return;
                }
                if database.write_all(&asked).await.is_err() {
                    return;
                }
                asked.clear();
            }
            read = database.read_buf(&mut answered) => {
                if read.unwrap_or(0) == 0 || server.write_all(&answered).await.is_err() {
                    return;
                }
                answered.clear();
            }
        }
    }
}

fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

async fn asked_again_it_is_there_once(cut: Cut) {
    let postgres = Postgres::start();
    // It makes the database, too.
    postgres.database();
    let between = Between::open(postgres.socket(), cut).await;
    let hospital = Hospital::open_with(|config| config.database = Some(between.database())).await;
    let token = hospital.token("bob").await;
    let cursor = hospital.cursor(&token).await;
    let mut alice = hospital.enter("alice", "ward").await;
    let mut bob = hospital.enter("bob", "ward").await;

    let mut wish = says("ward", MARKER);
    wish["clientMessageId"] = "one".into();
    let refused = alice.ask("message", wish.clone()).await;
    assert!(between.has_cut.load(Ordering::SeqCst), "the connection broke");
    assert_eq!((&refused["ok"], &refused["code"]), (&json!(false), &json!("unavailable")), "{refused}");

    let sent = loop {
        let answer = alice.ask("message", wish.clone()).await;
        if answer["ok"] == true {
            break answer;
        }
        assert_eq!(answer["code"], "unavailable");
    };
    let next = alice.ask("message", says("ward", "the next one")).await;
    for expected in [&sent, &next] {
        assert_eq!(bob.event_named("new_message").await["id"], expected["id"], "told once, in order");
    }
    let page = hospital.sync(&token, &cursor).await;
    let told = page["changes"].as_array().unwrap().iter().filter(|change| change["event"] == "new_message");
    assert_eq!(told.map(|change| &change["data"]["id"]).collect::<Vec<_>>(), [&sent["id"], &next["id"]]);
    let report = hospital.server.admin().verify_audit(hospital.folder()).await.unwrap();
    assert_eq!(report.findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_commit_never_arrived_is_refused_and_there_once_when_asked_again() {
    asked_again_it_is_there_once(Cut::Before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_commit_was_answered_to_nobody_is_refused_and_there_once_when_asked_again() {
    asked_again_it_is_there_once(Cut::After).await;
}
