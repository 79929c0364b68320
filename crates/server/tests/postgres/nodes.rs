//! Two servers on one database and one Redis: what happens at one is heard at the other.

use std::time::Duration;

use futures_util::StreamExt as _;
use hugmedo_chat_protocol::{RoomKind, Secret};
use hugmedo_chat_server::Database;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    backing::Store,
    hospital::{Hospital, entries, room, says, user},
    instances::{Postgres, RedisServer},
    valve::{Holds, Valve},
    wire::{Frame, Wire},
};

/// Only how long a broken test hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// A database, a Redis and two servers, the second of which never looks by itself: what it hears it hears by Redis.
pub(crate) struct Pair {
    pub(crate) here: Hospital,
    pub(crate) there: Hospital,
    pub(crate) redis: RedisServer,
    pub(crate) postgres: Postgres,
}

impl Pair {
    pub(crate) async fn open(look_every: Duration) -> Self {
        let (postgres, redis) = (Postgres::start(), RedisServer::start());
        let here = Hospital::open_with(|config| {
            config.database = Some(postgres.database());
            config.redis = Some(redis.redis());
            config.notice_every = look_every;
            config.presence_grace = Duration::ZERO;
        })
        .await;
        let there = here.beside().await;
        let pair = Self { here, there, redis, postgres };
        pair.until_linked(1).await;
        pair
    }

    /// Waits until both have made so many connections to Redis.
    pub(crate) async fn until_linked(&self, times: u64) {
        for node in [&self.here, &self.there] {
            node.until_metric("hugmedo_chat_redis_up", |up| up == 1).await;
            node.until_metric("hugmedo_chat_redis_connections_total", |made| made >= times).await;
        }
    }
}

impl Hospital {
    /// Waits for a number of the page for Prometheus.
    pub(crate) async fn until_metric(&self, name: &str, is_so: impl Fn(u64) -> bool) {
        let begun = std::time::Instant::now();
        loop {
            let page = self.http.get(self.url() + "/metrics").send().await.unwrap().text().await.unwrap();
            let found = page.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
            if found.is_some_and(&is_so) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{name} stays {found:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

const NEVER: Duration = Duration::from_secs(3600);

async fn status_of(wire: &mut Wire, who: &str, status: &str) {
    while wire.status().await != (who.to_owned(), status.to_owned()) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_changes_receipts_and_typing_cross_from_server_to_server() {
    let pair = Pair::open(NEVER).await;
    let mut alice = pair.here.enter("alice", "ward").await;
    let mut bob = pair.there.enter("bob", "ward").await;
    // In another room, so it is a notification to her.
    let mut carol = pair.there.connect("carol").await;

    let sent = alice.ask("message", says("ward", "発熱")).await;
    let heard = bob.event_named("new_message").await;
    assert_eq!((&heard["id"], &heard["content"]), (&sent["id"], &json!("発熱")));
    let id = sent["id"].clone();
    let seq = |answer: &Value| answer["seq"].as_u64().unwrap();

    bob.ask("typing", json!({ "roomId": "ward", "isTyping": true })).await;
    let typing = alice.event_named("typing").await;
    assert_eq!((&typing["userId"], &typing["userName"]), (&json!("bob"), &json!("BOB")));

    for (kind, event) in [("delivered", "delivered"), ("read", "read")] {
        bob.ask(event, json!({ "roomId": "ward", "upToSeq": seq(&sent) })).await;
        let receipt = alice.event_named("receipt").await;
        assert_eq!((&receipt["kind"], &receipt["userId"]), (&json!(kind), &json!("bob")), "{receipt}");
    }
    bob.ask("acknowledge", json!({ "roomId": "ward", "messageId": id })).await;
    assert_eq!(alice.event_named("receipt").await["kind"], "acknowledged");
    bob.ask("react", json!({ "roomId": "ward", "messageId": id, "emoji": "👍", "on": true })).await;
    assert_eq!(alice.event_named("message_changed").await["message"]["reactions"][0]["userIds"], json!(["bob"]));
    alice.ask("edit_message", json!({ "roomId": "ward", "messageId": id, "content": "解熱" })).await;
    while bob.event_named("message_changed").await["message"]["content"] != "解熱" {}
    alice.ask("delete_message", json!({ "roomId": "ward", "messageId": id })).await;
    while bob.event_named("message_changed").await["message"]["content"] != "" {}

    alice.ask("message", says("carol", "your results are in")).await;
    let notified = carol.event_named("notification").await;
    assert_eq!((&notified["roomId"], &notified["unread"]), (&json!("carol"), &json!(1)));
    assert_eq!(carol.heard().await, [], "nothing of the ward");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_here_is_known_at_every_server() {
    let pair = Pair::open(NEVER).await;
    let mut alice = pair.here.connect("alice").await;
    status_of(&mut alice, "alice", "available").await;
    let mut bob = pair.there.connect("bob").await;
    status_of(&mut bob, "alice", "available").await;
    status_of(&mut alice, "bob", "available").await;
    bob.ask("set_presence", json!({ "status": "busy" })).await;
    status_of(&mut alice, "bob", "busy").await;

    // What one chose holds at every server one is at, also where one comes later, and until one has left the last.
    let mut here_too = pair.here.connect("bob").await;
    status_of(&mut here_too, "bob", "busy").await;
    here_too.ask("set_presence", json!({ "status": "on_call" })).await;
    status_of(&mut alice, "bob", "on_call").await;
    status_of(&mut bob, "bob", "on_call").await;
    here_too.close().await;
    bob.ask("set_presence", json!({ "status": "away" })).await;
    status_of(&mut alice, "bob", "away").await;
    bob.close().await;
    status_of(&mut alice, "bob", "offline").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_taken_out_of_a_room_at_one_server_hears_no_more_of_it_at_the_other() {
    let pair = Pair::open(NEVER).await;
    let mut alice = pair.here.enter("alice", "ward").await;
    let mut bob = pair.there.enter("bob", "ward").await;
    alice.ask("message", says("ward", "before")).await;
    assert_eq!(bob.event_named("new_message").await["content"], "before");

    pair.here.server.admin().remove_member(&room("ward"), &user("bob")).await.unwrap();
    alice.ask("message", says("ward", "after")).await;
    let heard = bob.heard().await;
    assert!(heard.iter().any(|(name, payload)| name == "room_removed" && payload["roomId"] == "ward"), "{heard:?}");
    assert!(!heard.iter().any(|(_, payload)| payload.to_string().contains("after")), "{heard:?}");
    assert_eq!(bob.ask("message", says("ward", "still?")).await["code"], "forbidden");

    pair.there.server.admin().add_member(&room("ward"), &user("bob")).await.unwrap();
    assert_eq!(bob.event_named("room_changed").await["room"]["id"], "ward");
    let members = |told: &Value| told["room"]["members"].as_array().unwrap().len();
    while members(&alice.event_named("room_changed").await) != 2 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn who_writes_at_one_server_is_told_to_members_alone_at_the_other() {
    let pair = Pair::open(NEVER).await;
    pair.here.server.admin().add_member(&room("ward"), &user("carol")).await.unwrap();
    let mut alice = pair.here.enter("alice", "ward").await;
    let (mut bob, mut carol) = (pair.there.enter("bob", "ward").await, pair.there.enter("carol", "ward").await);
    // His socket is not told, and has joined still.
    Store::in_database(&pair.postgres.database())
        .change("DELETE FROM member WHERE room_id = 'ward' AND user_id = 'bob'");
    alice.ask("typing", json!({ "roomId": "ward", "isTyping": true })).await;
    carol.event_named("typing").await;
    assert_eq!(bob.heard().await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_session_at_one_server_closes_its_sockets_at_the_other() {
    let pair = Pair::open(NEVER).await;
    let admin = pair.here.server.admin();

    let token = pair.here.token("bob").await;
    let mut signed_out = Wire::connect(&pair.there.url(), &token).await;
    let mut other_session = pair.there.connect("bob").await;
    let (status, _) = pair.here.call(Method::POST, "/api/logout", Some(&token), None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(signed_out.until_closed().await.last().unwrap().1, json!({ "reason": "signed_out" }));
    assert_eq!(other_session.ask("heartbeat", json!({})).await["ok"], true);

    admin.set_password(&user("bob"), "another horse").await.unwrap();
    assert_eq!(other_session.until_closed().await.last().unwrap().1, json!({ "reason": "revoked" }));

    let mut carol = pair.there.connect("carol").await;
    admin.disable_user(&user("carol")).await.unwrap();
    assert_eq!(carol.until_closed().await.last().unwrap().1, json!({ "reason": "revoked" }));

    let token = pair.here.token("alice").await;
    let mut on_device = Wire::open(&pair.there.url()).await;
    on_device.raw(&format!("40{}", json!({ "token": token, "deviceId": "ward-pc" }))).await;
    while on_device.next().await != Frame::Connected {}
    assert_eq!(on_device.event().await.0, "session");
    let own = pair.here.token("alice").await;
    let known = async || pair.here.get("/api/devices", &own).await["devices"].as_array().unwrap().len();
    while known().await == 0 {}
    let (status, _) = pair.here.call(Method::POST, "/api/devices/ward-pc/revoke", Some(&own), None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(on_device.until_closed().await.last().unwrap().1, json!({ "reason": "revoked" }));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_write_one_log_and_one_audit_without_a_gap() {
    const EACH: usize = 100;
    let pair = Pair::open(NEVER).await;
    let mut talking = Vec::new();
    for node in [&pair.here, &pair.there] {
        for person in ["alice", "bob"] {
            let mut wire = node.connect(person).await;
            talking.push(tokio::spawn(async move {
                for number in 0..EACH {
                    let sent = wire.ask("message", says("ward", &format!("{number}"))).await;
                    assert_eq!(sent["ok"], true, "{sent}");
                }
            }));
        }
    }
    for talker in talking {
        talker.await.unwrap();
    }
    let token = pair.there.token("alice").await;
    let mut seqs = Vec::new();
    let mut after = 0;
    loop {
        let page = pair.there.get(&format!("/api/rooms/ward/messages?after={after}&limit=200"), &token).await;
        seqs.extend(page["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()));
        after = *seqs.last().unwrap();
        if page["hasMore"] == false {
            break;
        }
    }
    assert_eq!(seqs, (1..=4 * EACH as u64).collect::<Vec<_>>());
    let report = pair.here.server.admin().verify_audit(pair.here.folder()).await.unwrap();
    assert_eq!(report.findings, []);
    assert_eq!(report.entries, entries(pair.there.server.admin()).await.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_urgent_message_is_told_again_once_however_many_servers_look() {
    let pair = Pair::open(NEVER).await;
    pair.here.server.admin().set_escalation(&room("ward"), Some(Duration::from_millis(1))).await.unwrap();
    let mut alice = pair.here.enter("alice", "ward").await;
    let mut bob = pair.there.enter("bob", "ward").await;
    let mut urgent = says("ward", "resuscitation, room 4");
    urgent["priority"] = "urgent".into();
    let sent = alice.ask("message", urgent).await;
    while bob.event_named("new_message").await["replyTo"] != sent["id"] {}
    // Both have looked again by the time a second urgent message was told of.
    let mut second = says("ward", "and room 5");
    second["priority"] = "urgent".into();
    let sent = alice.ask("message", second).await;
    while bob.event_named("new_message").await["replyTo"] != sent["id"] {}
    let told = entries(pair.here.server.admin()).await;
    assert_eq!(told.iter().filter(|entry| entry["action"] == "escalate").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_brought_to_one_server_is_fetched_at_the_other() {
    let pair = Pair::open(NEVER).await;
    let alice = pair.here.token("alice").await;
    let (status, file) = pair.here.bring(&alice, "note.txt", b"plain text").await;
    assert_eq!(status, StatusCode::OK, "{file}");
    let mut wish = says("ward", "");
    wish["attachments"] = json!([{ "id": file["id"] }]);
    assert_eq!(pair.here.connect("alice").await.ask("message", wish).await["ok"], true);
    let bob = pair.there.token("bob").await;
    let fetched = pair.there.fetch(&bob, file["id"].as_str().unwrap()).await;
    assert_eq!(fetched.text().await.unwrap(), "plain text");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_beats_after_it_was_taken_for_silent_is_asked_who_is_there() {
    let pair = Pair::open(NEVER).await;
    let mut alice = pair.here.connect("alice").await;
    let redis = redis::Client::open(pair.redis.redis().url.expose()).unwrap();
    let mut said = redis.get_multiplexed_async_connection().await.unwrap();
    let channels: Vec<String> = redis::cmd("PUBSUB").arg("CHANNELS").query_async(&mut said).await.unwrap();
    let mut listening = redis.get_async_pubsub().await.unwrap();
    listening.subscribe(&channels).await.unwrap();
    let mut heard = listening.into_on_message();
    let mut say = async |what: Value| {
        let hint = json!({ "from": "one that was silent", "what": what }).to_string();
        redis::cmd("PUBLISH").arg(&channels[0]).arg(hint).exec_async(&mut said).await.unwrap();
    };

    say(json!("beat")).await;
    let asked = async {
        loop {
            let hint: Value = serde_json::from_slice(heard.next().await.unwrap().get_payload_bytes()).unwrap();
            if hint["what"] == "hello" {
                return;
            }
        }
    };
    timeout(PATIENCE, asked).await.expect("it is asked");
    say(json!({ "all": { "people": [["bob", { "status": "busy", "since": 1 }]] } })).await;
    status_of(&mut alice, "bob", "busy").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_in_which_somebody_writes_for_long_holds_up_the_news_of_no_other() {
    let postgres = Postgres::start();
    // So that it is there for both.
    let database = postgres.database();
    let here = Hospital::open_with(|config| {
        config.database = Some(database);
        config.notice_every = Duration::from_millis(20);
    })
    .await;
    let valve = Valve::before(postgres.socket(), Holds::Asked("pg_advisory_xact_lock")).await;
    let url = format!("postgres://chat@{}/chat", valve.address);
    let there =
        here.beside_with(|config| config.database = Some(Database { url: Secret::new(url), ca_file: None })).await;
    // Several, because two rooms may share a turn.
    let mut others = vec!["carol".to_owned(), "news".to_owned()];
    for number in 0..4 {
        let id = here.server.admin().add_room(&format!("other-{number}"), "Other", RoomKind::Staff).await.unwrap();
        for person in ["alice", "bob"] {
            here.server.admin().add_member(&id, &user(person)).await.unwrap();
        }
        others.push(id.as_str().to_owned());
    }
    let mut alice = there.enter("alice", "ward").await;
    let mut bob = there.enter("bob", "ward").await;
    for room in &others {
        assert_eq!(bob.ask("join_room", json!({ "roomId": room })).await["ok"], true);
    }
    assert_eq!(alice.ask("message", says("ward", "before")).await["ok"], true);
    assert_eq!(bob.event_named("new_message").await["content"], "before");

    // What alice says at one server has the room's turn there, until she can write.
    valve.close();
    let held = alice.emit_asking("message", says("ward", "held")).await;
    valve.has_held().await;
    let mut alice_here = here.connect("alice").await;
    assert_eq!(alice_here.ask("message", says("ward", "meanwhile")).await["ok"], true);
    for room in &others {
        assert_eq!(alice_here.ask("message", says(room, "first")).await["ok"], true);
    }
    let first = bob.event_named("new_message").await;
    assert_eq!(first["content"], "first");
    let room = first["roomId"].as_str().unwrap();
    assert_eq!(alice_here.ask("message", says(room, "second")).await["ok"], true);
    while bob.event_named("new_message").await["content"] != "second" {}

    valve.open();
    assert_eq!(alice.answer(held).await["ok"], true);
    let mut ward = Vec::new();
    while ward.len() < 2 {
        let told = bob.event_named("new_message").await;
        if told["roomId"] == "ward" {
            ward.push(told["content"].clone());
        }
    }
    assert_eq!(ward, ["meanwhile", "held"], "in the order of the log");
}
