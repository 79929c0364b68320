//! Delivered, read, taken on.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::hospital::{Hospital, says};

#[tokio::test]
async fn receipts_rise_never_fall_and_never_pass_the_log() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.enter("alice", "ward").await;
    let mut bob = hospital.connect("bob").await;
    for number in 1..=3 {
        alice.ask("message", says("ward", &number.to_string())).await;
    }
    alice.heard().await;
    for (event, field, up_to, now) in [
        ("delivered", "deliveredSeq", 2, 2),
        ("delivered", "deliveredSeq", 1, 2),
        ("read", "readSeq", 1, 1),
        ("read", "readSeq", 3, 3),
        ("read", "readSeq", 2, 3),
        ("read", "readSeq", 99, 3),
        ("delivered", "deliveredSeq", 99, 3),
    ] {
        let answer = bob.ask(event, json!({ "roomId": "ward", "upToSeq": up_to })).await;
        assert_eq!(answer, json!({ "ok": true, "roomId": "ward", field: now }), "{event} {up_to}");
    }
    let told: Vec<_> = alice
        .heard()
        .await
        .into_iter()
        .map(|(name, receipt)| {
            assert_eq!((name.as_str(), &receipt["userId"]), ("receipt", &json!("bob")));
            (receipt["kind"].as_str().unwrap().to_owned(), receipt["upToSeq"].as_u64().unwrap())
        })
        .collect();
    let expected = [("delivered", 2), ("read", 1), ("read", 3)];
    assert_eq!(told, expected.map(|(kind, up_to)| (kind.to_owned(), up_to)), "only what rose is told");
}

#[tokio::test]
async fn reading_on_one_device_is_told_to_the_others_wherever_they_look() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.connect("alice").await;
    alice.ask("message", says("ward", "hello")).await;
    let mut desk = hospital.enter("bob", "ward").await;
    let mut phone = hospital.connect("bob").await;
    desk.ask("read", json!({ "roomId": "ward", "upToSeq": 1 })).await;
    let receipt = phone.event_named("receipt").await;
    assert_eq!((&receipt["userId"], &receipt["kind"], &receipt["upToSeq"]), (&json!("bob"), &json!("read"), &json!(1)));
}

#[tokio::test]
async fn taking_a_message_on_is_told_once() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.enter("alice", "ward").await;
    let said = alice.ask("message", says("ward", "who takes 302?")).await;
    alice.heard().await;
    let mut bob = hospital.connect("bob").await;
    let wish = json!({ "roomId": "ward", "messageId": said["id"] });
    let first = bob.ask("acknowledge", wish.clone()).await;
    assert_eq!((&first["ok"], &first["messageId"]), (&json!(true), &said["id"]));
    assert_eq!(bob.ask("acknowledge", wish).await, first);
    let heard = alice.heard().await;
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!((&heard[0].1["kind"], &heard[0].1["messageId"]), (&json!("acknowledged"), &said["id"]));
}

#[tokio::test]
async fn a_notification_counts_what_others_said_and_was_not_read() {
    let hospital = Hospital::open().await;
    let mut bob = hospital.connect("bob").await;
    let mut alice = hospital.connect("alice").await;
    for expected in 1..=3 {
        alice.ask("message", says("ward", "hello")).await;
        assert_eq!(bob.event_named("notification").await["unread"], expected);
    }
    bob.ask("message", says("ward", "own words are not unread")).await;
    bob.ask("read", json!({ "roomId": "ward", "upToSeq": 2 })).await;
    alice.ask("message", says("ward", "hello")).await;
    let notification = bob.event_named("notification").await;
    assert_eq!((&notification["unread"], &notification["userName"]), (&json!(2), &json!("ALICE")));
}

#[tokio::test]
async fn a_receipt_by_a_call_is_the_same_receipt() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.enter("alice", "ward").await;
    alice.ask("message", says("ward", "hello")).await;
    alice.heard().await;
    let bob = hospital.token("bob").await;
    let wish = json!({ "roomId": "ward", "upToSeq": 1 });
    let (status, answer) = hospital.call(Method::POST, "/api/events/read", Some(&bob), Some(wish)).await;
    assert_eq!((status, answer), (StatusCode::OK, json!({ "roomId": "ward", "readSeq": 1 })));
    let receipt = alice.event_named("receipt").await;
    assert_eq!((&receipt["userId"], &receipt["kind"], &receipt["upToSeq"]), (&json!("bob"), &json!("read"), &json!(1)));
}
