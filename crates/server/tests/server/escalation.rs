//! Urgent messages that nobody takes on.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    hospital::{Hospital, room, user},
    wire::Wire,
};

/// Says something urgent in the ward, of which messages are told again after this long.
async fn urgent(hospital: &Hospital, after: Option<Duration>) -> (Wire, Value) {
    hospital.server.admin().set_escalation(&room("ward"), after).await.unwrap();
    let mut alice = hospital.enter("alice", "ward").await;
    let wish = json!({ "roomId": "ward", "content": "302号室、急変", "priority": "urgent", "clientMessageId": uuid() });
    let said = alice.ask("message", wish).await;
    alice.heard().await;
    (alice, said)
}

fn uuid() -> String {
    hugmedo_chat_protocol::ClientMessageId::generate().as_str().to_owned()
}

/// What stands in the ward now.
async fn ward(hospital: &Hospital) -> Vec<Value> {
    let token = hospital.token("bob").await;
    let page = hospital.get("/api/rooms/ward/messages?limit=50", &token).await;
    page["messages"].as_array().unwrap().clone()
}

const SOON: Option<Duration> = Some(Duration::from_millis(300));

#[tokio::test]
async fn it_is_told_again_to_those_on_call_once_and_also_after_a_restart_with_its_sender_gone() {
    let hospital = Hospital::open().await;
    hospital.server.admin().set_on_call(&user("bob"), true).await.unwrap();
    // Longer than the server lives: what is due is in the store.
    let (alice, said) = urgent(&hospital, Some(Duration::from_secs(2))).await;
    drop(alice);
    let hospital = hospital.restart().await;
    let mut bob = hospital.enter("bob", "ward").await;
    let notice = bob.event_named("new_message").await;
    assert_eq!(
        (&notice["replyTo"], &notice["priority"], &notice["mentions"]),
        (&said["id"], &json!("urgent"), &json!(["bob"]))
    );
    assert_eq!(notice["metadata"]["system"], "escalated");
    assert_eq!(notice["userName"], "HugMeDo Chat");
    // Neither another restart nor the next one that waits tells of it again.
    let hospital = hospital.restart().await;
    let (mut alice, next) = urgent(&hospital, SOON).await;
    assert_eq!(alice.event_named("new_message").await["replyTo"], next["id"]);
    let answered: Vec<_> = ward(&hospital).await.into_iter().map(|message| message["replyTo"].clone()).collect();
    assert_eq!(answered, [Value::Null, said["id"].clone(), Value::Null, next["id"].clone()]);
}

#[tokio::test]
async fn with_nobody_on_call_all_members_but_the_sender_are_named() {
    let hospital = Hospital::open().await;
    let (mut bob, mut dave) = (hospital.connect("bob").await, hospital.connect("dave").await);
    let (mut alice, _) = urgent(&hospital, SOON).await;
    let notice = alice.event_named("new_message").await;
    assert_eq!(notice["mentions"], json!(["bob"]));
    for _ in ["of the message", "of the notice"] {
        bob.event_named("notification").await;
    }
    assert_eq!(dave.heard().await, [], "nobody else hears of it");
}

#[tokio::test]
async fn what_was_taken_on_withdrawn_or_waits_where_there_is_no_rule_is_not_told_again() {
    let hospital = Hospital::open().await;
    let (mut alice, first) = urgent(&hospital, Some(Duration::from_secs(1))).await;
    let mut bob = hospital.connect("bob").await;
    bob.ask("acknowledge", json!({ "roomId": "ward", "messageId": first["id"] })).await;
    let second = alice.ask("message", json!({ "roomId": "ward", "content": "間違い", "priority": "urgent" })).await;
    alice.ask("delete_message", json!({ "roomId": "ward", "messageId": second["id"] })).await;
    alice.ask("message", json!({ "roomId": "carol", "content": "規則のない部屋", "priority": "urgent" })).await;
    // The last one is told of: by then the others would have been.
    let due = alice.ask("message", json!({ "roomId": "ward", "content": "三つ目", "priority": "urgent" })).await;
    let notice = loop {
        let message = alice.event_named("new_message").await;
        if message["userId"] == "server:alerts" {
            break message;
        }
    };
    assert_eq!(notice["replyTo"], due["id"]);
    let told: Vec<_> =
        ward(&hospital).await.into_iter().filter(|message| message["userId"] == "server:alerts").collect();
    assert_eq!(told.len(), 1, "{told:?}");
}

#[tokio::test]
async fn whoever_takes_on_what_the_server_said_takes_on_the_message_itself() {
    let hospital = Hospital::open().await;
    let (mut alice, said) = urgent(&hospital, SOON).await;
    let notice = alice.event_named("new_message").await;
    let mut bob = hospital.connect("bob").await;
    bob.ask("acknowledge", json!({ "roomId": "ward", "messageId": notice["id"] })).await;
    let taken_on: Vec<_> = alice
        .heard()
        .await
        .into_iter()
        .filter(|(name, receipt)| name == "receipt" && receipt["kind"] == "acknowledged")
        .map(|(_, receipt)| receipt["messageId"].clone())
        .collect();
    assert_eq!(taken_on, [notice["id"].clone(), said["id"].clone()]);
}

#[tokio::test]
async fn nobody_meets_the_server_among_the_people_or_signs_in_as_it() {
    let hospital = Hospital::open().await;
    let people = hospital.get("/api/people", &hospital.token("alice").await).await;
    assert!(!people.to_string().contains("server:alerts"), "{people}");
    let login = json!({ "username": "server:alerts", "password": "" });
    let (status, _) = hospital.call(reqwest::Method::POST, "/api/login", None, Some(login)).await;
    assert_eq!(status, reqwest::StatusCode::UNAUTHORIZED);
}
