//! Whom one may begin a conversation with, and beginning it.

use hugmedo_chat_protocol::UserType;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::hospital::{Hospital, PASSWORD, room, says, user};

impl Hospital {
    async fn begin(&self, token: &str, name: Option<&str>, others: &[&str]) -> (StatusCode, Value) {
        let mut wish = json!({ "memberIds": others });
        if let Some(name) = name {
            wish["name"] = json!(name);
        }
        self.call(Method::POST, "/api/rooms", Some(token), Some(wish)).await
    }

    async fn people(&self, token: &str) -> Vec<String> {
        let people = self.get("/api/people", token).await;
        let ids = people["people"].as_array().unwrap().iter().map(|person| person["id"].as_str().unwrap().to_owned());
        ids.collect()
    }
}

#[tokio::test]
async fn people_are_colleagues_and_those_one_shares_a_room_with_and_for_a_patient_only_her_carers() {
    let hospital = Hospital::open().await;
    let admin = hospital.server.admin();
    admin.add_user("erin", PASSWORD, "Erin", UserType::Staff).await.unwrap();
    admin.add_user("frank", PASSWORD, "Frank", UserType::Patient).await.unwrap();
    admin.add_user("gone", PASSWORD, "Gone", UserType::Clinician).await.unwrap();
    // Both patients and the staff read the announcements, which acquaint nobody.
    for person in ["dave", "erin", "frank"] {
        admin.add_member(&room("news"), &user(person)).await.unwrap();
    }
    // Patients of one room do not meet each other.
    admin.add_member(&room("carol"), &user("frank")).await.unwrap();
    admin.remove_member(&room("carol"), &user("bob")).await.unwrap();
    admin.disable_user(&user("gone")).await.unwrap();
    for (person, expected) in [
        ("alice", &["bob", "carol", "dave", "erin", "frank"][..]),
        ("bob", &["alice", "dave", "erin"]),
        ("erin", &["alice", "bob", "dave"]),
        ("carol", &["alice"]),
        ("frank", &["alice"]),
    ] {
        let mut people = hospital.people(&hospital.token(person).await).await;
        people.sort();
        assert_eq!(people, expected, "{person}");
    }
}

#[tokio::test]
async fn a_conversation_of_two_is_one_room_however_often_and_by_whom_it_is_begun() {
    let hospital = Hospital::open().await;
    let (alice, bob) = (hospital.token("alice").await, hospital.token("bob").await);
    let cursor = hospital.cursor(&bob).await;
    let mut listening = hospital.connect("bob").await;
    let racing = futures_util::future::join_all((0..10).map(|number| {
        let (token, other) = if number % 2 == 0 { (&alice, &"bob") } else { (&bob, &"alice") };
        hospital.begin(
            token,
            None,
            if number % 3 == 0 { &["alice", "bob", "bob"] } else { std::slice::from_ref(other) },
        )
    }))
    .await;
    let id = racing[0].1["id"].clone();
    for (status, room) in racing {
        assert_eq!((status, &room["id"]), (StatusCode::OK, &id), "{room}");
        assert_eq!((&room["kind"], &room["direct"]), (&json!("staff"), &json!(true)));
    }
    let (_, seen_by_alice) = hospital.begin(&alice, None, &["bob"]).await;
    assert_eq!(seen_by_alice["name"], "BOB");
    let heard = listening.event_named("room_changed").await;
    assert_eq!((&heard["room"]["id"], &heard["room"]["name"]), (&id, &json!("ALICE")));
    assert_eq!(listening.heard().await, [], "told once");
    let changes = hospital.sync(&bob, &cursor).await["changes"].clone();
    assert_eq!(changes, json!([{ "event": "room_changed", "data": heard }]));
    let rooms = hospital.get("/api/rooms", &bob).await;
    assert_eq!(rooms["rooms"].as_array().unwrap().iter().filter(|room| room["id"] == id).count(), 1);

    let mut talking = hospital.connect("alice").await;
    assert_eq!(talking.ask("message", says(id.as_str().unwrap(), "a word?")).await["seq"], 1);
    assert_eq!(listening.event_named("notification").await["roomId"], id);
    let mut stranger = hospital.connect("dave").await;
    assert_eq!(stranger.ask("join_room", json!({ "roomId": id })).await["code"], "forbidden");
}

#[tokio::test]
async fn a_conversation_of_two_takes_nobody_else_and_whoever_was_taken_out_stays_out() {
    let hospital = Hospital::open().await;
    let alice = hospital.token("alice").await;
    let (_, begun) = hospital.begin(&alice, None, &["bob"]).await;
    let id = room(begun["id"].as_str().unwrap());
    let admin = hospital.server.admin();
    assert!(admin.add_member(&id, &user("dave")).await.is_err());
    admin.remove_member(&id, &user("bob")).await.unwrap();
    assert_eq!(hospital.begin(&alice, None, &["bob"]).await.0, StatusCode::FORBIDDEN);
    let bob = hospital.token("bob").await;
    assert_eq!(hospital.begin(&bob, None, &["alice"]).await.0, StatusCode::FORBIDDEN);
    admin.add_member(&id, &user("bob")).await.unwrap();
    assert_eq!(hospital.begin(&bob, None, &["alice"]).await.1["id"], begun["id"]);
}

#[tokio::test]
async fn a_group_has_its_name_and_is_a_patients_room_if_one_is_in_it() {
    let hospital = Hospital::open().await;
    let alice = hospital.token("alice").await;
    let mut dave = hospital.connect("dave").await;
    let (status, group) = hospital.begin(&alice, Some("  当直 🏥 "), &["bob", "dave", "dave"]).await;
    assert_eq!(status, StatusCode::OK, "{group}");
    assert_eq!((&group["name"], &group["kind"]), (&json!("当直 🏥"), &json!("staff")));
    assert_eq!(group["direct"], Value::Null);
    let members: Vec<_> = group["members"].as_array().unwrap().iter().map(|member| &member["id"]).collect();
    assert_eq!(members, ["alice", "bob", "dave"]);
    assert_eq!(dave.event_named("room_changed").await["room"], group);
    assert_eq!(dave.ask("message", says(group["id"].as_str().unwrap(), "here")).await["ok"], true);

    let (_, another) = hospital.begin(&alice, Some("当直 🏥"), &["bob", "dave"]).await;
    assert_ne!(another["id"], group["id"], "a name is no identity");
    let (_, of_two) = hospital.begin(&alice, Some("退院支援"), &["carol"]).await;
    assert_eq!((&of_two["kind"], &of_two["direct"]), (&json!("patient"), &Value::Null));
    assert_eq!(hospital.begin(&alice, None, &["carol"]).await.1["kind"], "patient");
}

#[tokio::test]
async fn only_people_one_may_meet_can_be_added_and_patients_begin_nothing() {
    let hospital = Hospital::open().await;
    let (carol, dave) = (hospital.token("carol").await, hospital.token("dave").await);
    let mut listening = hospital.connect("alice").await;
    for (token, name, others) in [
        (&carol, None, &["alice"][..]),
        (&carol, Some("family"), &["alice", "bob"]),
        (&dave, None, &["carol"]),
        (&dave, Some("all"), &["alice", "carol"]),
        (&dave, None, &["nobody"]),
        (&dave, Some("all"), &["alice", "nobody"]),
    ] {
        let (status, refused) = hospital.begin(token, name, others).await;
        assert_eq!((status, &refused["code"]), (StatusCode::FORBIDDEN, &json!("forbidden")), "{others:?}");
    }
    hospital.server.admin().disable_user(&user("bob")).await.unwrap();
    assert_eq!(hospital.begin(&dave, None, &["bob"]).await.0, StatusCode::FORBIDDEN);
    assert_eq!(listening.heard().await, []);
    assert_eq!(hospital.get("/api/rooms", &dave).await, json!({ "rooms": [] }));
}

#[tokio::test]
async fn a_wish_for_a_room_that_cannot_be_is_refused() {
    let hospital = Hospital::open().await;
    let alice = hospital.token("alice").await;
    let crowd: Vec<String> = (0..100).map(|number| format!("p{number}")).collect();
    let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
    let longest = "室".repeat(80);
    for (name, others, code) in [
        (None, &[][..], "bad_request"),
        (None, &["alice"], "bad_request"),
        (None, &["bob", "dave"], "bad_request"),
        (Some(""), &["bob"], "bad_request"),
        (Some(" \u{3000}"), &["bob"], "bad_request"),
        (Some("a\u{202e}b"), &["bob"], "bad_request"),
        (Some("a\nb"), &["bob"], "bad_request"),
        (Some("\u{200b}"), &["bob"], "bad_request"),
        (Some(&(longest.clone() + "室")), &["bob"], "too_large"),
        (Some("crowd"), &crowd, "too_large"),
    ] {
        let (_, refused) = hospital.begin(&alice, name, others).await;
        assert_eq!(refused["code"], code, "{name:?} {}", others.len());
    }
    assert_eq!(hospital.begin(&alice, Some(&longest), &["bob"]).await.1["name"], json!(longest));
    for body in [json!([]), json!({}), json!({ "memberIds": "bob" }), json!({ "memberIds": ["bob"], "name": 7 })] {
        let (status, _) = hospital.call(Method::POST, "/api/rooms", Some(&alice), Some(body)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn whoever_begins_too_many_conversations_is_told_when_to_go_on() {
    let hospital = Hospital::open_with(|config| config.limits.new_rooms_per_minute = 1).await;
    let alice = hospital.token("alice").await;
    assert_eq!(hospital.begin(&alice, None, &["bob"]).await.0, StatusCode::OK);
    let (status, refused) = hospital.begin(&alice, None, &["dave"]).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert!(refused["retryAfterMs"].as_u64().unwrap() >= 1);
}

#[tokio::test]
async fn a_room_begun_outlives_a_restart_and_has_its_entries_in_the_audit() {
    let hospital = Hospital::open().await;
    let alice = hospital.token("alice").await;
    let (_, begun) = hospital.begin(&alice, None, &["bob"]).await;
    let hospital = hospital.restart().await;
    assert_eq!(hospital.begin(&alice, None, &["bob"]).await.1, begun);
    let entries: Vec<(Value, Value)> = crate::hospital::entries(hospital.server.admin())
        .await
        .into_iter()
        .filter(|entry| entry["roomId"] == begun["id"])
        .map(|entry| (entry["actor"].clone(), entry["action"].clone()))
        .collect();
    let deed = |action: &str| (json!("alice"), json!(action));
    assert_eq!(entries, [deed("add_room"), deed("add_member"), deed("add_member")]);
}
