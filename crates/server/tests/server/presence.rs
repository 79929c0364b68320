//! Who hears how others can be reached.

use std::{collections::BTreeMap, time::Duration};

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{
    backing::Store,
    hospital::{Hospital, room, user},
    wire::Wire,
};

const NEVER: Duration = Duration::from_secs(3600);

async fn hospital(grace: Duration) -> Hospital {
    Hospital::open_with(|config| config.presence_grace = grace).await
}

/// What this person has heard of others up to now, the last of each. Statuses are passed on bundle by bundle, so what was
/// told before the first of two own changes has come when the second has.
async fn heard(wire: &mut Wire, me: &str) -> BTreeMap<String, String> {
    let mut heard = BTreeMap::new();
    for own in ["busy", "away"] {
        assert_eq!(wire.ask("set_presence", json!({ "status": own })).await, json!({ "ok": true, "status": own }));
        loop {
            let (who, status) = wire.status().await;
            if who != me {
                heard.insert(who, status);
            } else if status == own {
                break;
            }
        }
    }
    heard
}

fn told(statuses: &[(&str, &str)]) -> BTreeMap<String, String> {
    statuses.iter().map(|(who, status)| ((*who).to_owned(), (*status).to_owned())).collect()
}

fn is(who: &str, status: &str) -> (String, String) {
    (who.to_owned(), status.to_owned())
}

#[tokio::test]
async fn whoever_comes_hears_who_is_here_and_the_others_hear_of_coming_and_going() {
    let hospital = hospital(Duration::ZERO).await;
    let mut alice = hospital.connect("alice").await;
    assert_eq!(alice.status().await, is("alice", "available"));
    let carol = hospital.connect("carol").await;
    assert_eq!(alice.status().await, is("carol", "available"));
    alice.ask("set_presence", json!({ "status": "on_call" })).await;
    assert_eq!(alice.status().await, is("alice", "on_call"), "so that her other computers show it");
    let mut bob = hospital.connect("bob").await;
    let here = BTreeMap::from([bob.status().await, bob.status().await, bob.status().await]);
    assert_eq!(here, told(&[("alice", "on_call"), ("bob", "available"), ("carol", "available")]));
    assert_eq!(alice.status().await, is("bob", "available"));
    carol.close().await;
    assert_eq!(alice.status().await, is("carol", "offline"));
    assert_eq!(bob.status().await, is("carol", "offline"));
    alice.close().await;
    assert_eq!(bob.status().await, is("alice", "offline"));
    let mut alice = hospital.connect("alice").await;
    assert_eq!(bob.status().await, is("alice", "available"), "what she set ended with her going");
    assert_eq!(heard(&mut alice, "alice").await, told(&[("bob", "available")]), "carol has gone");
}

#[tokio::test]
async fn only_those_who_share_a_conversation_hear_and_announcements_are_none() {
    let hospital = hospital(Duration::ZERO).await;
    hospital.server.admin().add_member(&room("news"), &user("dave")).await.unwrap();
    let mut dave = hospital.connect("dave").await;
    let mut alice = hospital.connect("alice").await;
    alice.ask("set_presence", json!({ "status": "on_call" })).await;
    let bob = hospital.connect("bob").await;
    bob.close().await;
    while alice.status().await != is("bob", "offline") {}
    assert_eq!(heard(&mut dave, "dave").await, told(&[]));
    assert_eq!(heard(&mut alice, "alice").await, told(&[]));
    // Carol shares a room with alice until she is taken out of it.
    let mut carol = hospital.connect("carol").await;
    while carol.status().await != is("alice", "away") {}
    hospital.server.admin().remove_member(&room("carol"), &user("carol")).await.unwrap();
    alice.ask("set_presence", json!({ "status": "on_call" })).await;
    assert_eq!(heard(&mut carol, "carol").await, told(&[]));
}

#[tokio::test]
async fn coming_back_soon_is_no_news_and_leaves_the_status_as_it_was() {
    let hospital = hospital(NEVER).await;
    let mut bob = hospital.connect("bob").await;
    let mut alice = hospital.connect("alice").await;
    while bob.status().await != is("alice", "available") {}
    alice.ask("set_presence", json!({ "status": "on_call" })).await;
    assert_eq!(bob.status().await, is("alice", "on_call"));
    alice.close().await;
    let mut again = hospital.connect("alice").await;
    let second = hospital.connect("alice").await;
    second.close().await;
    while again.status().await != is("alice", "on_call") {}
    assert_eq!(heard(&mut bob, "bob").await, told(&[]));
}

#[tokio::test]
async fn a_grace_ends_only_the_departure_it_was_given_for() {
    let hospital = hospital(Duration::from_millis(300)).await;
    let mut bob = hospital.connect("bob").await;
    let alice = hospital.connect("alice").await;
    while bob.status().await != is("alice", "available") {}
    alice.close().await;
    let mut again = hospital.connect("alice").await;
    // The grace of the first departure has passed when bob, who left after it, is gone for her.
    bob.close().await;
    while again.status().await != is("bob", "offline") {}
    let mut bob = hospital.connect("bob").await;
    while bob.status().await != is("alice", "available") {}
    drop(again);
    while bob.status().await != is("alice", "offline") {}
}

#[tokio::test]
async fn a_status_is_one_of_four_and_by_a_call_it_is_the_same() {
    let hospital = hospital(NEVER).await;
    let mut alice = hospital.connect("alice").await;
    for wrong in [json!({ "status": "offline" }), json!({ "status": "" }), json!({ "status": "薬" }), json!({})] {
        assert_eq!(alice.ask("set_presence", wrong.clone()).await["code"], "bad_request", "{wrong}");
    }
    let set = async |token: &str, status: &str| {
        hospital.call(Method::POST, "/api/events/set_presence", Some(token), Some(json!({ "status": status }))).await
    };
    let token = hospital.token("alice").await;
    assert_eq!(set(&token, "on_call").await, (StatusCode::OK, json!({ "status": "on_call" })));
    while alice.status().await != is("alice", "on_call") {}
    assert_eq!(set(&token, "offline").await.0, StatusCode::BAD_REQUEST);
    let without_a_socket = hospital.token("bob").await;
    assert_eq!(set(&without_a_socket, "busy").await, (StatusCode::OK, json!({ "status": "offline" })));
    assert_eq!(heard(&mut alice, "alice").await, told(&[]));
}

#[tokio::test]
async fn people_who_come_to_share_a_room_hear_of_each_other() {
    let hospital = hospital(NEVER).await;
    let mut alice = hospital.connect("alice").await;
    let mut dave = hospital.connect("dave").await;
    dave.ask("set_presence", json!({ "status": "on_call" })).await;
    assert_eq!(heard(&mut alice, "alice").await, told(&[]));
    let token = hospital.token("alice").await;
    hospital.call(Method::POST, "/api/rooms", Some(&token), Some(json!({ "memberIds": ["dave"] }))).await;
    assert_eq!(heard(&mut alice, "alice").await, told(&[("dave", "on_call")]));
    assert_eq!(heard(&mut dave, "dave").await, told(&[("alice", "away")]));
    let mut carol = hospital.connect("carol").await;
    hospital.server.admin().add_member(&room("carol"), &user("dave")).await.unwrap();
    while carol.status().await != is("dave", "away") {}
    while dave.status().await != is("carol", "available") {}
}

/// More than fit into a socket's buffer at once.
#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_colleagues_are_told_without_closing_anyones_socket() {
    const CROWD: usize = 200;
    let hospital = hospital(NEVER).await;
    let ids: Vec<String> = (0..CROWD).map(|number| format!("colleague-{number}")).collect();
    let people: Vec<String> = ids.iter().map(|id| format!("('{id}', '{id}', 'clinician', '', 0)")).collect();
    let members: Vec<String> = ids.iter().map(|id| format!("('ward', '{id}', 0)")).collect();
    let sql = format!(
        "INSERT INTO user (id, name, user_type, password_hash, created_at) VALUES {};
         INSERT INTO member (room_id, user_id, joined_at) VALUES {}",
        people.join(", "),
        members.join(", ")
    );
    Store::of(hospital.folder()).change(&sql);
    let mut crowd = Vec::new();
    for number in 0..CROWD {
        let id = user(&format!("colleague-{number}"));
        let token = hospital.server.admin().issue_token(&id, NEVER).await.unwrap();
        crowd.push(Wire::connect(&hospital.url(), token.expose()).await);
    }
    for (number, wire) in crowd.iter_mut().enumerate().rev() {
        let me = format!("colleague-{number}");
        let mut missing = CROWD - 1;
        while missing > 0 {
            if wire.status().await.0 != me {
                missing -= 1;
            }
        }
        assert_eq!(wire.ask("heartbeat", json!({})).await["ok"], true);
    }
}
