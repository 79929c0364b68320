//! Strangers read nothing: every event and every route, tried by those who have no business there.

use std::time::Duration;

use hugmedo_chat_protocol::{
    Acknowledge, ClientEvent, DeleteMessage, Delivered, EditMessage, Heartbeat, JoinRoom, LeaveRoom, React, Read,
    Renew, SendMessage, Typing,
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    hospital::{Hospital, room, says, user},
    wire::Wire,
};

/// Every event that names a room.
fn events_of(room: &str, message: &str) -> Vec<(&'static str, Value)> {
    vec![
        (JoinRoom::NAME, json!({ "roomId": room })),
        (LeaveRoom::NAME, json!({ "roomId": room })),
        (SendMessage::NAME, says(room, "let me in")),
        (Typing::NAME, json!({ "roomId": room, "isTyping": true })),
        (Read::NAME, json!({ "roomId": room, "upToSeq": 1 })),
        (Delivered::NAME, json!({ "roomId": room, "upToSeq": 1 })),
        (Acknowledge::NAME, json!({ "roomId": room, "messageId": message })),
        (EditMessage::NAME, json!({ "roomId": room, "messageId": message, "content": "changed" })),
        (DeleteMessage::NAME, json!({ "roomId": room, "messageId": message })),
        (React::NAME, json!({ "roomId": room, "messageId": message, "emoji": "👍", "on": true })),
    ]
}

/// Every route that needs a session.
fn routes() -> Vec<(Method, &'static str, Option<Value>)> {
    vec![
        (Method::POST, "/api/logout", None),
        (Method::GET, "/api/me", None),
        (Method::GET, "/api/people", None),
        (Method::GET, "/api/rooms", None),
        (Method::POST, "/api/rooms", Some(json!({ "memberIds": ["alice"] }))),
        (Method::GET, "/api/rooms/ward/messages", None),
        (Method::POST, "/api/rooms/ward/messages", Some(says("ward", "let me in"))),
        (Method::POST, "/api/attachments", None),
        (Method::GET, "/api/attachments/file-1", None),
        (Method::GET, "/api/attachments/file-1/thumbnail", None),
        (Method::GET, "/api/sync", None),
        (Method::POST, "/api/events/read", Some(json!({ "roomId": "ward", "upToSeq": 1 }))),
        (Method::POST, "/api/events/set_presence", Some(json!({ "status": "busy" }))),
        (Method::POST, "/api/events/heartbeat", Some(json!({}))),
    ]
}

#[tokio::test]
async fn a_non_member_is_refused_every_event_and_cannot_tell_a_forbidden_room_from_an_absent_one() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.enter("alice", "ward").await;
    let said = alice.ask("message", says("ward", "for the ward only")).await;
    let id = said["id"].as_str().unwrap();

    for stranger in ["carol", "dave"] {
        let mut wire = hospital.connect(stranger).await;
        for (name, payload) in events_of("ward", id) {
            let forbidden = wire.ask(name, payload).await;
            assert_eq!(forbidden["code"], "forbidden", "{stranger} {name}: {forbidden}");
            let (_, absent) = events_of("no-such-room", id).into_iter().find(|(known, _)| *known == name).unwrap();
            assert_eq!(wire.ask(name, absent).await, forbidden, "{name} tells whether a room exists");
        }
    }
    let heard = alice.heard().await;
    assert_eq!(heard.len(), 1, "members heard of a stranger's attempt: {heard:?}");
}

#[tokio::test]
async fn a_message_of_another_room_cannot_be_reached_through_an_own_room() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.connect("alice").await;
    let said = alice.ask("message", says("ward", "for the ward only")).await;
    let mut carol = hospital.connect("carol").await;
    let (id, own) = (&said["id"], "carol");
    for (name, payload) in [
        (Acknowledge::NAME, json!({ "roomId": own, "messageId": id })),
        (EditMessage::NAME, json!({ "roomId": own, "messageId": id, "content": "changed" })),
        (DeleteMessage::NAME, json!({ "roomId": own, "messageId": id })),
        (React::NAME, json!({ "roomId": own, "messageId": id, "emoji": "👍", "on": true })),
    ] {
        let answer = carol.ask(name, payload).await;
        assert_eq!(answer["code"], "forbidden", "{name}: {answer}");
    }
    let mut reply = says(own, "about that");
    reply["replyTo"] = id.clone();
    assert_eq!(carol.ask("message", reply).await["code"], "bad_request");
}

#[tokio::test]
async fn a_non_member_is_refused_every_route_of_a_room_and_sees_only_own_rooms() {
    let hospital = Hospital::open().await;
    let dave = hospital.token("dave").await;
    for path in ["/api/rooms/ward/messages", "/api/rooms/no-such-room/messages"] {
        let (status, body) = hospital.call(Method::GET, path, Some(&dave), None).await;
        assert_eq!((status, &body["code"]), (StatusCode::FORBIDDEN, &json!("forbidden")));
    }
    let (status, _) =
        hospital.call(Method::POST, "/api/rooms/ward/messages", Some(&dave), Some(says("ward", "let me in"))).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(hospital.get("/api/rooms", &dave).await["rooms"], json!([]));
    let carols = hospital.get("/api/rooms", &hospital.token("carol").await).await;
    let ids: Vec<_> = carols["rooms"].as_array().unwrap().iter().map(|room| room["id"].clone()).collect();
    assert_eq!(ids, ["carol", "news"]);
}

#[tokio::test]
async fn a_non_member_is_refused_every_event_that_is_a_call_of_its_own() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.enter("alice", "ward").await;
    let said = alice.ask("message", says("ward", "for the ward only")).await;
    let dave = hospital.token("dave").await;
    for (name, payload) in events_of("ward", said["id"].as_str().unwrap()) {
        let path = format!("/api/events/{name}");
        let (status, body) = hospital.call(Method::POST, &path, Some(&dave), Some(payload)).await;
        let about_sockets = matches!(name, JoinRoom::NAME | LeaveRoom::NAME | SendMessage::NAME);
        let expected = if about_sockets { StatusCode::NOT_FOUND } else { StatusCode::FORBIDDEN };
        assert_eq!(status, expected, "{name}: {body}");
    }
    let heard = alice.heard().await;
    assert_eq!(heard.len(), 1, "members heard of a stranger's attempt: {heard:?}");
}

#[tokio::test]
async fn nothing_said_in_a_room_reaches_a_socket_of_a_non_member() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.enter("alice", "ward").await;
    let mut carol = hospital.enter("carol", "carol").await;
    let mut dave = hospital.connect("dave").await;
    dave.emit("join_room", json!({ "roomId": "ward" })).await;
    carol.emit("join_room", json!({ "roomId": "ward" })).await;

    let said = alice.ask("message", says("ward", "canary")).await;
    for (name, payload) in events_of("ward", said["id"].as_str().unwrap()) {
        alice.ask(name, payload).await;
    }
    assert_eq!(carol.heard().await, []);
    assert_eq!(dave.heard().await, []);
}

#[tokio::test]
async fn a_patient_reads_announcements_and_writes_none() {
    let hospital = Hospital::open().await;
    let mut carol = hospital.enter("carol", "news").await;
    assert_eq!(carol.ask("message", says("news", "me too")).await["code"], "forbidden");
    let mut alice = hospital.connect("alice").await;
    assert_eq!(alice.ask("message", says("news", "visiting hours")).await["ok"], true);
    assert_eq!(carol.event_named("new_message").await["content"], "visiting hours");
}

#[tokio::test]
async fn without_a_valid_token_no_route_answers_and_no_socket_opens() {
    let hospital = Hospital::open_with(|config| config.access_token_ttl = Duration::ZERO).await;
    let expired = hospital.token("alice").await;
    let closed = hospital.server.admin().issue_token(&user("bob"), Duration::from_secs(60)).await.unwrap();
    hospital.server.admin().disable_user(&user("bob")).await.unwrap();

    for (token, code) in [
        (None, "unauthorized"),
        (Some("made-up"), "unauthorized"),
        (Some(expired.as_str()), "token_expired"),
        (Some(closed.expose()), "unauthorized"),
    ] {
        for (method, path, body) in routes() {
            let (status, answer) = hospital.call(method, path, token, body).await;
            assert_eq!((status, &answer["code"]), (StatusCode::UNAUTHORIZED, &json!(code)), "{path}");
        }
        if let Some(token) = token {
            assert_eq!(Wire::refused(&hospital.url(), &json!({ "token": token }).to_string()).await, code);
        }
    }
    for auth in ["", "{}", "[]", "7", "\"text\"", r#"{"token":7}"#, r#"{"token":null}"#] {
        assert_eq!(Wire::refused(&hospital.url(), auth).await, "unauthorized", "auth {auth}");
    }
}

#[tokio::test]
async fn a_token_in_the_address_opens_nothing() {
    let hospital = Hospital::open().await;
    let token = hospital.token("alice").await;
    let (status, _) = hospital.call(Method::GET, &format!("/api/me?token={token}"), None, None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_event_that_names_another_person_is_refused() {
    let hospital = Hospital::open().await;
    let mut bob = hospital.enter("bob", "ward").await;
    let mut alice = hospital.enter("alice", "ward").await;
    let mut as_bob = says("ward", "I am bob");
    as_bob["userId"] = json!("bob");
    for (name, payload) in [
        ("join_room", json!({ "roomId": "ward", "userId": "bob", "userType": "clinician" })),
        ("leave_room", json!({ "roomId": "ward", "userId": "bob" })),
        ("typing", json!({ "roomId": "ward", "userId": "bob", "isTyping": true })),
        ("message", as_bob),
    ] {
        assert_eq!(alice.ask(name, payload).await["code"], "forbidden", "{name}");
    }
    assert_eq!(bob.heard().await, []);
    // A name that is only claimed is not believed either.
    let mut posing = says("ward", "hello");
    posing["userName"] = json!("BOB");
    alice.emit("message", posing).await;
    let heard = bob.event_named("new_message").await;
    assert_eq!((&heard["userId"], &heard["userName"]), (&json!("alice"), &json!("ALICE")));
}

#[tokio::test]
async fn a_removed_member_loses_the_room_at_once() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.enter("alice", "ward").await;
    let mut bob = hospital.enter("bob", "ward").await;
    hospital.server.admin().remove_member(&room("ward"), &user("bob")).await.unwrap();
    alice.ask("message", says("ward", "bob has gone")).await;
    alice.ask("typing", json!({ "roomId": "ward", "isTyping": true })).await;
    assert_eq!(bob.heard().await, [("room_removed".to_owned(), json!({ "roomId": "ward" }))]);
    let changed = alice.event_named("room_changed").await;
    assert_eq!(changed["room"]["members"].as_array().unwrap().len(), 1);
    for (name, payload) in events_of("ward", "m") {
        assert_eq!(bob.ask(name, payload).await["code"], "forbidden", "{name}");
    }
}

#[tokio::test]
async fn a_closed_account_is_thrown_out_and_its_live_socket_says_nothing_more() {
    let hospital = Hospital::open().await;
    let mut bob = hospital.enter("bob", "ward").await;
    hospital.server.admin().disable_user(&user("bob")).await.unwrap();
    assert_eq!(bob.until_closed().await, [("session_ended".to_owned(), json!({ "reason": "revoked" }))]);
    let issued = hospital.server.admin().issue_token(&user("bob"), Duration::from_secs(60)).await;
    assert!(issued.is_err(), "nor does a service of the organisation get a token for it");
    let (status, _) = hospital
        .call(
            Method::POST,
            "/api/login",
            None,
            Some(json!({ "username": "bob", "password": crate::hospital::PASSWORD })),
        )
        .await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_page_of_a_foreign_origin_is_refused_and_one_on_the_list_is_served() {
    let hospital = Hospital::open_with(|config| config.allowed_origins.push("https://chat.example".to_owned())).await;
    for (origin, status) in [
        ("https://evil.example", StatusCode::FORBIDDEN),
        ("http://localhost:5173", StatusCode::FORBIDDEN),
        ("https://chat.example", StatusCode::OK),
    ] {
        for path in ["/socket.io/?EIO=4&transport=polling", "/healthz"] {
            let answer = hospital.http.get(hospital.url() + path).header("origin", origin).send().await.unwrap();
            assert_eq!(answer.status(), status, "{origin} {path}");
            let shared = answer.headers().get("access-control-allow-origin").is_some();
            assert_eq!(shared, status == StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn unknown_events_are_harmless() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.connect("alice").await;
    for name in ["no_such_event", "__proto__", ""] {
        assert_eq!(alice.ask(name, json!({})).await["code"], "bad_request", "{name}");
        alice.emit(name, json!({})).await;
    }
    assert_eq!(alice.ask(Renew::NAME, json!({ "token": "made-up" })).await["code"], "unauthorized");
    assert_eq!(alice.ask(Heartbeat::NAME, json!({})).await["ok"], true);
}
