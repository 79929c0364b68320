//! Engine.IO 4 and Socket.IO 5 as their specifications say them, against the running server: handshake, heartbeat, upgrade,
//! close, connect, disconnect, acknowledgements. What is malformed is in `malformed`.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    hospital::{Hospital, says},
    wire::{Frame, Wire},
};

/// A session over HTTP long polling.
struct Polling<'a> {
    hospital: &'a Hospital,
    sid: String,
}

/// Packets of one payload are separated by the record separator.
const SEPARATOR: char = '\u{1e}';

impl<'a> Polling<'a> {
    async fn open(hospital: &'a Hospital) -> (Polling<'a>, Value) {
        let (status, text) = get(hospital, "EIO=4&transport=polling").await;
        assert_eq!(status, StatusCode::OK, "{text}");
        let hello: Value = serde_json::from_str(text.strip_prefix('0').expect("an open packet")).unwrap();
        let sid = hello["sid"].as_str().unwrap().to_owned();
        (Self { hospital, sid }, hello)
    }

    async fn poll(&self) -> (StatusCode, Vec<String>) {
        let (status, text) = get(self.hospital, &format!("EIO=4&transport=polling&sid={}", self.sid)).await;
        (status, text.split(SEPARATOR).map(str::to_owned).collect())
    }

    /// Polls until a packet begins like this, and returns it. Pings are answered on the way.
    async fn until(&self, beginning: &str) -> String {
        loop {
            let (status, packets) = self.poll().await;
            assert_eq!(status, StatusCode::OK, "{packets:?}");
            if packets.iter().any(|packet| packet == "2") {
                self.post("3").await;
            }
            if let Some(found) = packets.into_iter().find(|packet| packet.starts_with(beginning)) {
                return found;
            }
        }
    }

    async fn post(&self, packets: &str) -> StatusCode {
        let url = format!("{}/socket.io/?EIO=4&transport=polling&sid={}", self.hospital.url(), self.sid);
        self.hospital.http.post(url).body(packets.to_owned()).send().await.unwrap().status()
    }
}

async fn get(hospital: &Hospital, query: &str) -> (StatusCode, String) {
    let answer = hospital.http.get(format!("{}/socket.io/?{query}", hospital.url())).send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

async fn auth(hospital: &Hospital, person: &str) -> String {
    json!({ "token": hospital.token(person).await }).to_string()
}

#[tokio::test]
async fn a_handshake_tells_the_session_its_upgrades_and_its_limits() {
    let hospital = Hospital::open().await;
    let (first, hello) = Polling::open(&hospital).await;
    assert_eq!(hello["upgrades"], json!(["websocket"]));
    assert_eq!((&hello["pingInterval"], &hello["pingTimeout"]), (&json!(10_000), &json!(8_000)));
    assert_eq!(hello["maxPayload"], json!(hugmedo_chat_protocol::limits::MAX_FRAME_BYTES));
    let (second, _) = Polling::open(&hospital).await;
    assert_ne!(first.sid, second.sid);

    let mut wire = Wire::open_unread(&hospital.url(), "").await;
    let hello = wire.text().await.unwrap();
    let hello: Value = serde_json::from_str(hello.strip_prefix('0').unwrap()).unwrap();
    assert_eq!(hello["upgrades"], json!([]), "there is nothing to upgrade to");
}

#[tokio::test]
async fn a_handshake_of_another_version_transport_or_session_is_refused() {
    let hospital = Hospital::open().await;
    for query in [
        "",
        "EIO=4",
        "transport=polling",
        "EIO=3&transport=polling",
        "EIO=5&transport=polling",
        "EIO=abc&transport=polling",
        "EIO=4&transport=carrier-pigeon",
        "EIO=4&transport=polling&sid=made-up",
        "EIO=4&transport=websocket",
    ] {
        let (status, _) = get(&hospital, query).await;
        assert!(status.is_client_error(), "{query}: {status}");
    }
    let made_up = Polling { hospital: &hospital, sid: "made-up".to_owned() };
    assert!(made_up.post("40").await.is_client_error());
    // And the server is as it was.
    Polling::open(&hospital).await;
}

#[tokio::test]
async fn everything_goes_by_polling_alone() {
    let hospital = Hospital::open().await;
    let (polling, _) = Polling::open(&hospital).await;
    assert_eq!(polling.post(&format!("40{}", auth(&hospital, "alice").await)).await, StatusCode::OK);
    let connected = polling.until("40").await;
    assert!(connected.contains("\"sid\""), "{connected}");
    // Several packets in one payload are several packets.
    let two = format!(
        "420{}{SEPARATOR}421{}",
        json!(["join_room", { "roomId": "ward" }]),
        json!(["message", says("ward", "by polling")])
    );
    assert_eq!(polling.post(&two).await, StatusCode::OK);
    let answer = polling.until("431").await;
    assert!(answer.contains("\"ok\":true"), "{answer}");
}

#[tokio::test]
async fn polling_is_upgraded_to_a_websocket_without_losing_the_session() {
    let hospital = Hospital::open().await;
    let (polling, _) = Polling::open(&hospital).await;
    polling.post(&format!("40{}", auth(&hospital, "alice").await)).await;
    polling.until("40").await;

    let mut wire = Wire::open_unread(&hospital.url(), &format!("&sid={}", polling.sid)).await;
    wire.raw("2probe").await;
    assert_eq!(wire.text().await.as_deref(), Some("3probe"));
    wire.raw("5").await;
    let answer = wire.ask("message", says("ward", "by websocket")).await;
    assert_eq!(answer["ok"], true, "still connected, on the other transport: {answer}");
    assert!(polling.poll().await.0.is_client_error(), "the old transport is over");
}

#[tokio::test]
async fn a_websocket_cannot_be_opened_into_a_session_that_is_not_there() {
    let hospital = Hospital::open().await;
    assert!(!Wire::can_open(&hospital.url(), "&sid=made-up").await);
    assert!(Wire::can_open(&hospital.url(), "").await);
}

#[tokio::test]
async fn the_server_asks_whether_a_socket_is_there_and_closes_one_that_does_not_answer() {
    let hospital = Hospital::open_with(|config| {
        config.ping_interval = Duration::from_millis(100);
        config.ping_timeout = Duration::from_millis(300);
    })
    .await;
    let mut silent = Wire::open_unread(&hospital.url(), "").await;
    silent.text().await.unwrap();
    silent.raw(&format!("40{}", auth(&hospital, "alice").await)).await;
    let mut pings = 0;
    while let Some(text) = silent.text().await {
        // A close packet is as good as a closed connection.
        if text == "1" {
            break;
        }
        pings += usize::from(text == "2");
    }
    assert!(pings >= 1, "it was asked");

    // One that answers lives through many of these, on a server that waits longer than this computer can be busy.
    let hospital = Hospital::open_with(|config| config.ping_interval = Duration::from_millis(100)).await;
    let mut lively = Wire::open_unread(&hospital.url(), "").await;
    lively.text().await.unwrap();
    lively.raw(&format!("40{}", auth(&hospital, "alice").await)).await;
    for _ in 0..10 {
        while lively.text().await.as_deref().expect("it lives") != "2" {}
        lively.raw("3").await;
    }
    assert_eq!(lively.ask("heartbeat", json!({})).await["ok"], true);
}

#[tokio::test]
async fn a_close_packet_ends_the_session_on_either_transport() {
    let hospital = Hospital::open().await;
    let (polling, _) = Polling::open(&hospital).await;
    assert_eq!(polling.post("1").await, StatusCode::OK);
    assert!(polling.poll().await.0.is_client_error());

    let mut wire = hospital.connect("alice").await;
    wire.raw("1").await;
    wire.until_closed().await;
}

#[tokio::test]
async fn who_opens_a_connection_and_never_connects_is_closed() {
    let hospital = Hospital::open_with(|config| config.connect_timeout = Duration::from_millis(200)).await;
    let mut wire = Wire::open(&hospital.url()).await;
    assert_eq!(wire.next().await, Frame::Closed);
}

#[tokio::test]
async fn there_is_one_namespace() {
    let hospital = Hospital::open().await;
    let auth = auth(&hospital, "alice").await;
    let mut wire = Wire::open_unread(&hospital.url(), "").await;
    wire.text().await.unwrap();
    wire.raw(&format!("40/admin,{auth}")).await;
    let mut refused = wire.text().await.unwrap();
    // The first ping comes when it likes.
    while refused == "2" {
        wire.raw("3").await;
        refused = wire.text().await.unwrap();
    }
    assert!(refused.starts_with("44/admin,"), "{refused}");
    wire.raw(&format!("40{auth}")).await;
    assert_eq!(wire.next().await, Frame::Connected, "the same connection is good for the one there is");
}

#[tokio::test]
async fn events_before_connect_are_not_heard() {
    let hospital = Hospital::open().await;
    let mut early = Wire::open(&hospital.url()).await;
    early.raw(&format!("421{}", json!(["message", says("ward", "too early")]))).await;
    early.raw(&format!("40{}", auth(&hospital, "alice").await)).await;
    // Closed, or connected as if nothing had been said.
    match early.next().await {
        Frame::Closed | Frame::Connected => {}
        other => panic!("{other:?}"),
    }
    let token = hospital.token("alice").await;
    assert_eq!(hospital.get("/api/rooms/ward/messages", &token).await["messages"], json!([]));
}

#[tokio::test]
async fn whoever_disconnects_is_heard_and_told_no_more_and_may_come_back() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.enter("alice", "ward").await;
    let mut bob = hospital.connect("bob").await;
    alice.raw("41").await;
    loop {
        alice.raw("421[\"heartbeat\",{}]").await;
        match alice.next().await {
            // It was on its way already.
            Frame::Ack(..) => {}
            Frame::Closed | Frame::Disconnected => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(bob.ask("message", says("ward", "without alice")).await["ok"], true);
    let mut alice = hospital.enter("alice", "ward").await;
    assert_eq!(alice.heard().await, [], "nothing is made up for on a new connection");
}

#[tokio::test]
async fn an_event_is_acknowledged_once_under_its_own_number_and_only_if_it_was_asked() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.connect("alice").await;
    alice.emit("heartbeat", json!({})).await;
    for id in [0, 7, 7, 4_294_967_296_u64] {
        alice.raw(&format!("42{id}[\"heartbeat\",{{}}]")).await;
        match alice.next().await {
            Frame::Ack(answered, answer) => {
                assert_eq!((answered, &answer["ok"]), (id, &json!(true)));
            }
            other => panic!("{other:?}"),
        }
    }
    // An acknowledgement of something nobody asked about changes nothing.
    alice.raw("4399[{}]").await;
    assert_eq!(alice.ask("heartbeat", json!({})).await["ok"], true);
}
