//! What may happen to a server, to Redis and to the database while people talk: nothing that was acknowledged is lost, and everyone
//! ends up with the same.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hugmedo_chat_protocol::Secret;
use hugmedo_chat_server::Redis;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    hospital::Hospital,
    instances::{Postgres, RedisServer},
    nodes::Pair,
    valve::{Holds, Valve},
    wire::Wire,
};

const LOOK_EVERY: Duration = Duration::from_millis(100);
const NEVER: Duration = Duration::from_secs(3600);

/// A server as a process of its own, on the store of another.
struct Process {
    child: Child,
    url: String,
}

impl Process {
    fn beside(pair: &Pair) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hugmedo-chat-server"))
            .args(["serve", "--listen", "127.0.0.1:0", "--log", "off"])
            .env("HUGMEDO_CHAT_DATA_DIR", pair.here.folder())
            .env("HUGMEDO_CHAT_DATABASE", pair.postgres.database().url.expose())
            .env("HUGMEDO_CHAT_REDIS", pair.redis.redis().url.expose())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect("the line of the contract").to_owned();
        Self { child, url }
    }

    /// As a lost machine: nothing is finished, nobody is told.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Someone who sends many messages, each until it is acknowledged, at the next address whenever one does not answer.
struct Talker {
    urls: Vec<String>,
    token: String,
    name: usize,
    acknowledged: Arc<Acknowledged>,
}

#[derive(Default)]
struct Acknowledged {
    ids: Mutex<Vec<String>>,
    count: AtomicUsize,
    moved: Notify,
}

impl Acknowledged {
    async fn reaches(&self, count: usize) {
        loop {
            let moved = self.moved.notified();
            if self.count.load(Ordering::SeqCst) >= count {
                return;
            }
            moved.await;
        }
    }

    fn ids(&self) -> Vec<String> {
        self.ids.lock().unwrap().clone()
    }
}

impl Talker {
    async fn talk(self, messages: usize) {
        // Without a pool: a connection to what was killed is not tried twice.
        let http = reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap();
        let mut at = 0;
        for number in 0..messages {
            let said = json!({ "content": format!("{}-{number}", self.name), "clientMessageId": format!("t{}-{number}", self.name) });
            loop {
                let url = &self.urls[at % self.urls.len()];
                let asked = http.post(format!("{url}/api/rooms/ward/messages")).bearer_auth(&self.token).json(&said);
                match asked.send().await {
                    Ok(answer) if answer.status() == StatusCode::OK => {
                        let answer: Value = answer.json().await.unwrap();
                        self.acknowledged.ids.lock().unwrap().push(answer["id"].as_str().unwrap().to_owned());
                        self.acknowledged.count.fetch_add(1, Ordering::SeqCst);
                        self.acknowledged.moved.notify_waiters();
                        break;
                    }
                    Ok(answer) => {
                        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
                        let answer: Value = answer.json().await.unwrap();
                        assert_eq!(answer["code"], "unavailable");
                        // A client backs off; its pause is not what is tested.
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    Err(_) => at += 1,
                }
            }
        }
    }
}

async fn crowd(pair: &Pair, urls: &[Vec<String>], messages: usize) -> (Arc<Acknowledged>, tokio::task::JoinSet<()>) {
    let acknowledged = Arc::new(Acknowledged::default());
    let mut talking = tokio::task::JoinSet::new();
    for (name, urls) in urls.iter().enumerate() {
        let token = pair.here.token("alice").await;
        let talker = Talker { urls: urls.clone(), token, name, acknowledged: acknowledged.clone() };
        talking.spawn(talker.talk(messages));
    }
    (acknowledged, talking)
}

/// The ids of all messages that sync tells of after a cursor, in order.
async fn synced(node: &Hospital, token: &str, mut cursor: String) -> Vec<String> {
    let mut ids = Vec::new();
    loop {
        let page = node.sync(token, &cursor).await;
        for change in page["changes"].as_array().unwrap() {
            if change["event"] == "new_message" {
                ids.push(change["data"]["id"].as_str().unwrap().to_owned());
            }
        }
        page["cursor"].as_str().unwrap().clone_into(&mut cursor);
        if page["hasMore"] == false {
            return ids;
        }
    }
}

/// What was acknowledged is there, once, and nothing else is.
async fn assert_complete(node: &Hospital, cursor: String, token: &str, acknowledged: &[String], expected: usize) {
    let ids = synced(node, token, cursor).await;
    let distinct: BTreeSet<&String> = ids.iter().collect();
    assert_eq!((ids.len(), distinct.len()), (expected, expected), "each message once");
    assert!(acknowledged.iter().all(|id| distinct.contains(id)), "nothing acknowledged is lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_takes_nothing_acknowledged_along() {
    const TALKERS: usize = 4;
    const MESSAGES: usize = 40;
    let pair = Pair::open(NEVER).await;
    let mut dying = Process::beside(&pair);
    let bobs = pair.here.token("bob").await;
    let cursor = pair.here.cursor(&bobs).await;
    // One who hears at the server that lives, and one at the one that dies.
    let mut bob = pair.here.enter("bob", "ward").await;
    // Live, in the order of the log, without a gap: what the dead server committed and told nobody of as well.
    let listening = tokio::spawn(async move {
        for seq in 1..=(TALKERS * MESSAGES) as u64 {
            assert_eq!(bob.event_named("new_message").await["seq"], seq);
        }
    });
    let mut lost = Wire::connect(&dying.url, &bobs).await;

    let there = pair.there.url();
    let urls: Vec<Vec<String>> = (0..TALKERS)
        .map(|it| if it % 2 == 0 { vec![dying.url.clone(), there.clone()] } else { vec![there.clone()] })
        .collect();
    let (acknowledged, mut talking) = crowd(&pair, &urls, MESSAGES).await;
    acknowledged.reaches(TALKERS * MESSAGES / 4).await;
    dying.kill();
    lost.until_closed().await;
    while let Some(end) = talking.join_next().await {
        end.unwrap();
    }

    let ids = acknowledged.ids();
    assert_eq!(ids.len(), TALKERS * MESSAGES);
    for node in [&pair.here, &pair.there] {
        assert_complete(node, cursor.clone(), &bobs, &ids, TALKERS * MESSAGES).await;
    }
    listening.await.unwrap();
    let report = pair.here.server.admin().verify_audit(pair.here.folder()).await.unwrap();
    assert_eq!(report.findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn while_redis_is_away_the_database_is_looked_at_and_afterwards_all_is_as_before() {
    let mut pair = Pair::open(LOOK_EVERY).await;
    let mut alice = pair.here.enter("alice", "ward").await;
    let mut bob = pair.there.enter("bob", "ward").await;
    pair.redis.stop();
    alice.ask("message", says("without Redis")).await;
    assert_eq!(bob.event_named("new_message").await["content"], "without Redis");
    // Not kept anywhere but in memory: not known over there before Redis is back.
    let mut carol = pair.here.connect("carol").await;
    carol.ask("set_presence", json!({ "status": "away" })).await;
    for node in [&pair.here, &pair.there] {
        let (status, _) = node.call(Method::GET, "/readyz", None, None).await;
        assert_eq!(status, StatusCode::OK, "Redis is a hint");
    }
    pair.redis.start_again();
    pair.until_linked(2).await;
    while bob.status().await != ("carol".to_owned(), "away".to_owned()) {}
    alice.ask("typing", json!({ "roomId": "ward", "isTyping": true })).await;
    assert_eq!(bob.event_named("typing").await["userId"], "alice");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_while_redis_was_away_is_told_when_it_is_back_even_if_nobody_looked() {
    let mut pair = Pair::open(NEVER).await;
    let mut alice = pair.here.enter("alice", "ward").await;
    let mut bob = pair.there.enter("bob", "ward").await;
    pair.redis.stop();
    alice.ask("message", says("missed")).await;
    pair.redis.start_again();
    assert_eq!(bob.event_named("new_message").await["content"], "missed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_falls_silent_without_a_word_is_noticed_and_made_anew() {
    let (postgres, redis) = (Postgres::start(), RedisServer::start());
    let here = Hospital::open_with(|config| {
        config.database = Some(postgres.database());
        config.redis = Some(redis.redis());
        config.notice_every = NEVER;
        config.beat_every = Duration::from_millis(100);
    })
    .await;
    let valve = Valve::before(redis.socket(), Holds::Answers("SUBSCRIBE")).await;
    let url = Secret::new(format!("redis://{}/", valve.address));
    let there = here.beside_with(|config| config.redis = Some(Redis { url })).await;
    there.until_metric("hugmedo_chat_redis_up", |up| up == 1).await;
    let mut alice = here.enter("alice", "ward").await;
    let mut bob = there.enter("bob", "ward").await;

    valve.close();
    there.until_metric("hugmedo_chat_redis_up", |up| up == 0).await;
    valve.open();
    alice.ask("message", says("after that")).await;
    assert_eq!(bob.event_named("new_message").await["content"], "after that");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_database_is_away_wishes_are_unavailable_and_afterwards_all_goes_on_over_the_same_sockets() {
    let mut pair = Pair::open(LOOK_EVERY).await;
    let mut alice = pair.here.enter("alice", "ward").await;
    let mut bob = pair.there.enter("bob", "ward").await;
    let token = pair.here.token("bob").await;
    let cursor = pair.there.cursor(&token).await;
    pair.postgres.stop();

    let mut wish = says("during the restart");
    wish["clientMessageId"] = "one".into();
    let refused = alice.ask("message", wish.clone()).await;
    assert_eq!((&refused["ok"], &refused["code"]), (&json!(false), &json!("unavailable")), "{refused}");
    let (status, answer) =
        pair.there.call(Method::GET, &format!("/api/sync?cursor={cursor}"), Some(&token), None).await;
    assert_eq!((status, &answer["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("unavailable")));
    for node in [&pair.here, &pair.there] {
        let (status, _) = node.call(Method::GET, "/readyz", None, None).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        let (status, _) = node.call(Method::GET, "/healthz", None, None).await;
        assert_eq!(status, StatusCode::OK, "it is the database that is away");
    }

    pair.postgres.start_again();
    let sent = loop {
        let answer = alice.ask("message", wish.clone()).await;
        if answer["ok"] == true {
            break answer;
        }
        assert_eq!(answer["code"], "unavailable");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(bob.event_named("new_message").await["id"], sent["id"]);
    while pair.there.call(Method::GET, "/readyz", None, None).await.0 != StatusCode::OK {}
    assert_complete(&pair.there, cursor, &token, &[sent["id"].as_str().unwrap().to_owned()], 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_restarted_under_load_loses_nothing_acknowledged_and_doubles_nothing() {
    const TALKERS: usize = 4;
    const MESSAGES: usize = 30;
    let mut pair = Pair::open(LOOK_EVERY).await;
    let token = pair.here.token("bob").await;
    let cursor = pair.here.cursor(&token).await;
    let both = [pair.here.url(), pair.there.url()];
    let urls: Vec<Vec<String>> = (0..TALKERS).map(|it| vec![both[it % 2].clone()]).collect();
    let (acknowledged, mut talking) = crowd(&pair, &urls, MESSAGES).await;
    for quarter in 1..=3 {
        acknowledged.reaches(TALKERS * MESSAGES * quarter / 4).await;
        pair.postgres.stop();
        pair.postgres.start_again();
    }
    while let Some(end) = talking.join_next().await {
        end.unwrap();
    }
    let ids = acknowledged.ids();
    for node in [&pair.here, &pair.there] {
        assert_complete(node, cursor.clone(), &token, &ids, TALKERS * MESSAGES).await;
    }
    let report = pair.here.server.admin().verify_audit(pair.here.folder()).await.unwrap();
    assert_eq!(report.findings, []);
}

fn says(content: &str) -> Value {
    crate::hospital::says("ward", content)
}
