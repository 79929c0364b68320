//! Administration by those who are signed in: the same as by the command line, and in their name.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    hospital::{Hospital, PASSWORD, entries, says, user},
    wire::Wire,
};

/// A hospital where dave administers, who belongs to nothing, and his token.
async fn administered() -> (Hospital, String) {
    let hospital = Hospital::open().await;
    hospital.server.admin().set_admin(&user("dave"), true).await.unwrap();
    let token = hospital.token("dave").await;
    (hospital, token)
}

impl Hospital {
    async fn done(&self, token: &str, path: &str, body: Value) {
        let path = format!("/api/admin/{path}");
        let (status, answer) = self.call(Method::POST, &path, Some(token), Some(body)).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{path}: {answer}");
    }
}

#[tokio::test]
async fn an_administrator_does_all_that_the_command_line_does_and_the_audit_names_them() {
    let (hospital, dave) = administered().await;
    let erin =
        json!({ "username": "erin", "password": PASSWORD, "name": "Erin", "userType": "staff", "role": "ward 3" });
    hospital.done(&dave, "users", erin).await;
    hospital.done(&dave, "rooms", json!({ "id": "night", "name": "Night", "kind": "staff" })).await;
    let sign_in = json!({ "username": "erin", "password": PASSWORD, "deviceId": "erins-pc" });
    let (_, grant) = hospital.call(Method::POST, "/api/login", None, Some(sign_in)).await;
    let mut erin = Wire::connect(&hospital.url(), grant["accessToken"].as_str().unwrap()).await;
    hospital.done(&dave, "rooms/night/members", json!({ "userId": "erin", "on": true })).await;
    assert_eq!(erin.event_named("room_changed").await["room"]["name"], "Night", "told at once");
    assert_eq!(erin.ask("message", says("night", "hello")).await["ok"], true);
    hospital.done(&dave, "rooms/night/escalation", json!({ "afterMinutes": 5 })).await;
    hospital.done(&dave, "rooms/night/hold", json!({ "on": true })).await;
    hospital.done(&dave, "users/erin/on-call", json!({ "on": true })).await;
    hospital.done(&dave, "users/erin/admin", json!({ "on": true })).await;
    hospital.done(&dave, "retention", json!({ "kind": "announcement", "days": 365 })).await;

    let users = hospital.get("/api/admin/users", &dave).await;
    let erin_now = users["users"].as_array().unwrap().iter().find(|user| user["id"] == "erin").unwrap();
    assert_eq!(
        (&erin_now["isAdmin"], &erin_now["isOnCall"], &erin_now["role"]),
        (&json!(true), &json!(true), &json!("ward 3"))
    );
    let rooms = hospital.get("/api/admin/rooms", &dave).await;
    let night = rooms["rooms"].as_array().unwrap().iter().find(|room| room["id"] == "night").unwrap();
    assert_eq!((&night["memberIds"], &night["escalateAfterMs"]), (&json!(["erin"]), &json!(300_000)));
    assert!(night["heldAt"].is_string());
    let rules = hospital.get("/api/admin/retention", &dave).await;
    assert_eq!(rules, json!({ "rules": [{ "kind": "announcement", "days": 365 }] }));
    let devices = hospital.get("/api/admin/users/erin/devices", &dave).await;
    assert_eq!(devices["devices"][0]["id"], "erins-pc");

    hospital.done(&dave, "rooms/night/members", json!({ "userId": "erin", "on": false })).await;
    assert_eq!(erin.event_named("room_removed").await["roomId"], "night");
    hospital.done(&dave, "users/erin/devices/erins-pc/revoke", json!({})).await;
    assert_eq!(erin.until_closed().await.last().unwrap().1, json!({ "reason": "revoked" }));
    hospital.done(&dave, "users/erin/password", json!({ "password": "another password" })).await;
    hospital.done(&dave, "users/erin/disable", json!({})).await;
    let sign_in = json!({ "username": "erin", "password": "another password" });
    assert_eq!(hospital.call(Method::POST, "/api/login", None, Some(sign_in)).await.0, StatusCode::UNAUTHORIZED);

    let told: Vec<String> = entries(hospital.server.admin())
        .await
        .into_iter()
        .filter(|entry| entry["actor"] == "dave" && entry["action"] != "sign_in")
        .map(|entry| entry["action"].as_str().unwrap().to_owned())
        .collect();
    let deeds = [
        "add_user",
        "add_room",
        "add_member",
        "set_escalation",
        "hold",
        "set_on_call",
        "grant_admin",
        "set_retention",
        "inspect",
        "inspect",
        "inspect",
        "inspect",
        "remove_member",
        "revoke_device",
        "set_password",
        "disable_user",
    ];
    assert_eq!(told, deeds);
    // And the audit is theirs to read, by pages.
    let page = hospital.get("/api/admin/audit?after=3&limit=2", &dave).await;
    assert_eq!((page["entries"].as_array().unwrap().len(), &page["hasMore"]), (2, &json!(true)));
    assert_eq!(page["entries"][0]["id"], 4);
}

#[tokio::test]
async fn administering_opens_no_room() {
    let (hospital, dave) = administered().await;
    let mut alice = hospital.enter("alice", "ward").await;
    alice.ask("message", says("ward", "canary")).await;
    let (status, _) = hospital.call(Method::GET, "/api/rooms/ward/messages", Some(&dave), None).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    for path in ["users", "rooms", "retention", "audit?limit=1000", "users/alice/devices"] {
        let answer = hospital.get(&format!("/api/admin/{path}"), &dave).await;
        assert!(!answer.to_string().contains("canary"), "{path}");
    }
    // Whoever lets themselves in is seen to: by the audit, and by everyone in the room.
    hospital.done(&dave, "rooms/ward/members", json!({ "userId": "dave", "on": true })).await;
    let members = alice.event_named("room_changed").await["room"]["members"].clone();
    assert!(members.as_array().unwrap().iter().any(|member| member["id"] == "dave"));
}

#[tokio::test]
async fn what_cannot_be_done_is_said_and_changes_nothing() {
    let (hospital, dave) = administered().await;
    for (path, body, status) in [
        ("users", json!({ "username": "alice", "password": PASSWORD, "name": "A", "userType": "staff" }), 409),
        ("users", json!({ "username": "new", "password": "short", "name": "A", "userType": "staff" }), 400),
        ("users", json!({ "username": "new", "password": PASSWORD, "name": " ", "userType": "staff" }), 400),
        ("users", json!({ "username": "new", "password": PASSWORD, "name": "A", "userType": "wizard" }), 400),
        ("users", json!({ "username": "n e w", "password": PASSWORD, "name": "A", "userType": "staff" }), 400),
        ("users", json!([]), 400),
        ("users/nobody/password", json!({ "password": PASSWORD }), 404),
        ("users/nobody/disable", json!({}), 404),
        ("users/dave/disable", json!({}), 400),
        ("users/nobody/admin", json!({ "on": true }), 404),
        ("users/dave/admin", json!({ "on": false }), 400),
        ("users/dave/admin", json!({ "on": "yes" }), 400),
        ("users/nobody/on-call", json!({ "on": true }), 404),
        ("users/alice/devices/none/revoke", json!({}), 404),
        ("rooms", json!({ "id": "ward", "name": "Ward", "kind": "staff" }), 409),
        ("rooms", json!({ "id": "a/b", "name": "Ward", "kind": "staff" }), 400),
        ("rooms", json!({ "id": "new", "name": "Ward", "kind": "dungeon" }), 400),
        ("rooms/nowhere/members", json!({ "userId": "alice", "on": true }), 404),
        ("rooms/ward/members", json!({ "userId": "nobody", "on": true }), 404),
        ("rooms/ward/members", json!({ "userId": "carol", "on": false }), 404),
        ("rooms/nowhere/escalation", json!({ "afterMinutes": 5 }), 404),
        ("rooms/ward/escalation", json!({ "afterMinutes": 0 }), 400),
        ("rooms/nowhere/hold", json!({ "on": true }), 404),
        ("retention", json!({ "kind": "staff", "days": 0 }), 400),
        ("retention", json!({ "kind": "dungeon", "days": 1 }), 400),
    ] {
        let path = format!("/api/admin/{path}");
        let (found, answer) = hospital.call(Method::POST, &path, Some(&dave), Some(body)).await;
        assert_eq!(found.as_u16(), status, "{path}: {answer}");
        assert!(answer["code"].is_string() && !answer["message"].as_str().unwrap().is_empty());
    }
    assert_eq!(hospital.get("/api/admin/users", &dave).await["users"].as_array().unwrap().len(), 4);
}
