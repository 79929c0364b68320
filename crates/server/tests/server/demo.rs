//! The sample hospital.

use std::time::Duration;

use hugmedo_chat_server::{Error, Server, start};
use serde_json::{Value, json};

use crate::{hospital::config, wire::Wire};

async fn open(folder: &tempfile::TempDir, quiet: bool) -> Server {
    let mut config = config(folder.path());
    config.demo = true;
    config.demo_quiet = quiet;
    start(config).await.unwrap()
}

async fn sign_in(server: &Server, username: &str) -> String {
    let body = json!({ "username": username, "password": "hugmedo-demo" });
    let answer = reqwest::Client::new().post(server.url() + "/api/login").json(&body).send().await.unwrap();
    let grant: Value = answer.json().await.unwrap();
    grant["accessToken"].as_str().expect("signed in").to_owned()
}

async fn rooms(server: &Server, token: &str) -> Vec<Value> {
    let answer = reqwest::Client::new().get(server.url() + "/api/rooms").bearer_auth(token).send().await.unwrap();
    let list: Value = answer.json().await.unwrap();
    list["rooms"].as_array().unwrap().clone()
}

fn ids(rooms: &[Value]) -> Vec<&str> {
    let mut ids: Vec<_> = rooms.iter().map(|room| room["id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn the_people_and_rooms_of_the_contract_are_there_and_are_filled_once() {
    let folder = tempfile::tempdir().unwrap();
    let server = open(&folder, true).await;
    for person in ["suzuki", "admin"] {
        sign_in(&server, person).await;
    }
    let tanaka = rooms(&server, &sign_in(&server, "tanaka").await).await;
    assert_eq!(ids(&tanaka), ["announcements", "patient-tanaka"]);
    let sato = rooms(&server, &sign_in(&server, "sato").await).await;
    assert_eq!(ids(&sato), ["announcements", "general", "patient-tanaka", "support"]);
    let room = |id: &str| sato.iter().find(|room| room["id"] == id).unwrap();
    let members: Vec<_> =
        room("patient-tanaka")["members"].as_array().unwrap().iter().map(|m| m["id"].clone()).collect();
    assert_eq!(members, ["sato", "suzuki", "tanaka"]);
    let general = room("general");
    assert!(general["lastSeq"].as_u64().unwrap() >= 60, "enough to scroll");
    assert!(general["readSeq"].as_u64() < general["lastSeq"].as_u64(), "something is unread");
    assert_eq!(room("support")["readSeq"], room("support")["lastSeq"]);
    let last = general["lastSeq"].clone();
    server.shutdown().await;

    let server = open(&folder, true).await;
    let sato = rooms(&server, &sign_in(&server, "sato").await).await;
    assert_eq!(sato.iter().find(|room| room["id"] == "general").unwrap()["lastSeq"], last);
}

#[tokio::test]
async fn it_never_leaves_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let mut config = config(folder.path());
        config.listen = listen.parse().unwrap();
        config.demo = true;
        assert!(matches!(start(config).await, Err(Error::DemoNotLoopback(_))), "{listen}");
    }
}

#[tokio::test]
async fn a_colleague_reads_types_and_answers_and_a_patient_too() {
    let folder = tempfile::tempdir().unwrap();
    let server = open(&folder, false).await;
    for (room, who) in [("general", "yamada"), ("patient-tanaka", "tanaka")] {
        let mut sato = Wire::connect(&server.url(), &sign_in(&server, "sato").await).await;
        sato.ask("join_room", json!({ "roomId": room })).await;
        let wish = json!({ "roomId": room, "content": "薬の件、お願いできますか。" });
        let said = sato.ask("message", wish).await;
        let receipt = sato.event_named("receipt").await;
        assert_eq!((&receipt["userId"], &receipt["upToSeq"]), (&json!(who), &said["seq"]));
        let typing = sato.event_named("typing").await;
        assert_eq!((&typing["userId"], &typing["isTyping"]), (&json!(who), &json!(true)));
        loop {
            let message = sato.event_named("new_message").await;
            if message["userId"] == who {
                break;
            }
        }
    }
}

#[tokio::test]
async fn someone_begins_a_conversation_when_a_person_comes() {
    let folder = tempfile::tempdir().unwrap();
    let server = open(&folder, false).await;
    let mut suzuki = Wire::connect(&server.url(), &sign_in(&server, "suzuki").await).await;
    suzuki.ask("join_room", json!({ "roomId": "general" })).await;
    assert_eq!(suzuki.event_named("new_message").await["userId"], "yamada");
}

#[tokio::test]
async fn the_simulated_patient_is_silent_while_the_real_one_is_signed_in() {
    let folder = tempfile::tempdir().unwrap();
    let server = open(&folder, false).await;
    let token = sign_in(&server, "tanaka").await;
    let _tanaka = Wire::connect(&server.url(), &token).await;
    let mut sato = Wire::connect(&server.url(), &sign_in(&server, "sato").await).await;
    for room in ["patient-tanaka", "general"] {
        sato.ask("join_room", json!({ "roomId": room })).await;
    }
    // The colleague needs as long to answer as the patient would; when he has, she would have had the time.
    sato.ask("message", json!({ "roomId": "patient-tanaka", "content": "こんにちは。" })).await;
    sato.ask("message", json!({ "roomId": "general", "content": "引き継ぎの記録を更新しました。" })).await;
    loop {
        let (name, payload) = sato.event().await;
        assert_ne!(payload["userId"], "tanaka", "{name}");
        if name == "new_message" && payload["userId"] == "yamada" {
            break;
        }
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    for (name, payload) in sato.heard().await {
        assert_ne!(payload["userId"], "tanaka", "{name}");
    }
}
