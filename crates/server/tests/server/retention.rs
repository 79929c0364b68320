//! How long what was said is kept, and rooms nothing may be lost of.

use std::time::Duration;

use hugmedo_chat_protocol::RoomKind;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    backing::Store,
    hospital::{Hospital, entries, room, says},
    wire::Wire,
};

const WEEKS_AGO_MS: i64 = 30 * 24 * 60 * 60 * 1000;

async fn hospital() -> Hospital {
    Hospital::open_with(|config| config.retention_every = Duration::from_millis(20)).await
}

impl Hospital {
    /// Makes everything that was said in a room a month older.
    fn age(&self, room: &str) {
        let older = format!("UPDATE message SET created_at = created_at - {WEEKS_AGO_MS} WHERE room_id = '{room}'");
        Store::of(self.folder()).change(&older);
    }

    async fn history(&self, token: &str, room: &str) -> Vec<Value> {
        let page = self.get(&format!("/api/rooms/{room}/messages"), token).await;
        page["messages"].as_array().unwrap().clone()
    }

    /// Waits until nothing of a room's history says anything.
    async fn until_empty(&self, token: &str, room: &str) {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while self.history(token, room).await.iter().any(|message| message["content"] != "") {
            assert!(std::time::Instant::now() < deadline, "nothing is removed");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn what_is_past_its_time_goes_for_everyone_and_everyone_is_told_as_of_a_message_taken_back() {
    let hospital = hospital().await;
    let admin = hospital.server.admin();
    let token = hospital.token("alice").await;
    let (_, file) = hospital.bring(&token, "old.txt", b"canary").await;
    let id = file["id"].as_str().unwrap();
    let mut alice = hospital.enter("alice", "ward").await;
    let mut bob = hospital.enter("bob", "ward").await;
    let mut said = says("ward", "canary");
    said["attachments"] = json!([{ "id": id }]);
    said["clientMessageId"] = json!("old");
    let said = alice.ask("message", said).await;
    alice.ask("message", says("carol", "of another kind")).await;
    let bobs = hospital.token("bob").await;
    let cursor = hospital.cursor(&bobs).await;
    hospital.age("ward");
    hospital.age("carol");
    let fresh = alice.ask("message", says("ward", "fresh")).await;

    admin.set_retention(RoomKind::Staff, Some(7)).await.unwrap();
    let changed = bob.event_named("message_changed").await;
    assert_eq!(
        (&changed["message"]["id"], &changed["message"]["content"], &changed["message"]["attachments"]),
        (&said["id"], &json!(""), &json!([]))
    );
    assert!(changed["message"]["deletedAt"].is_string());
    assert_eq!(changed["seq"].as_u64(), fresh["seq"].as_u64().map(|seq| seq + 1), "a position of its own");

    let history = hospital.history(&bobs, "ward").await;
    assert_eq!((&history[0]["content"], &history[1]["content"]), (&json!(""), &json!("fresh")));
    let synced = hospital.sync(&bobs, &cursor).await;
    assert!(synced["changes"].as_array().unwrap().iter().any(|change| change["event"] == "message_changed"));
    assert_eq!(hospital.history(&bobs, "carol").await[0]["content"], "of another kind");
    for token in [&token, &bobs] {
        // Not even who brought it gets it, once it is swept away.
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        while hospital.fetch(token, id).await.status() != StatusCode::FORBIDDEN {
            assert!(std::time::Instant::now() < deadline, "the file stays");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    assert!(!hospital.folder().join("attachments").join(id).exists());

    let told: Vec<Value> = entries(admin).await.into_iter().filter(|entry| entry["action"] == "expire").collect();
    assert_eq!((told.len(), &told[0]["object"], &told[0]["actor"]), (1, &said["id"], &json!("")));
    assert_eq!(admin.verify_audit(hospital.folder()).await.unwrap().findings, []);
    // The hash of the words has gone with them, so the same words under the same id are other words.
    let mut again = says("ward", "canary");
    again["clientMessageId"] = json!("old");
    assert_eq!(alice.ask("message", again).await["code"], "conflict");
}

#[tokio::test]
async fn what_goes_is_told_to_members_alone() {
    let hospital = hospital().await;
    let (mut alice, mut bob) = (hospital.enter("alice", "ward").await, hospital.enter("bob", "ward").await);
    alice.ask("message", says("ward", "canary")).await;
    hospital.age("ward");
    bob.event_named("new_message").await;
    // His socket is not told, and has joined still.
    Store::of(hospital.folder()).change("DELETE FROM member WHERE room_id = 'ward' AND user_id = 'bob'");
    hospital.server.admin().set_retention(RoomKind::Staff, Some(7)).await.unwrap();
    alice.event_named("message_changed").await;
    assert_eq!(bob.heard().await, []);
}

#[tokio::test]
async fn of_a_held_room_nothing_is_lost_whatever_its_members_take_back_until_it_is_let_go() {
    let hospital = hospital().await;
    let admin = hospital.server.admin();
    let token = hospital.token("alice").await;
    let (_, file) = hospital.bring(&token, "proof.txt", b"canary of a file").await;
    let id = file["id"].as_str().unwrap();
    let mut alice = hospital.enter("alice", "ward").await;
    let mut said = says("ward", "first words");
    said["attachments"] = json!([{ "id": id }]);
    let said = alice.ask("message", said).await;
    let untouched = alice.ask("message", says("ward", "nobody touches this")).await;
    admin.set_hold(&room("ward"), true).await.unwrap();
    assert!(admin.rooms().await.unwrap().iter().any(|room| room.held_at.is_some()));

    let edit = json!({ "roomId": "ward", "messageId": said["id"], "content": "second words" });
    assert_eq!(alice.ask("edit_message", edit).await["ok"], true);
    let delete = json!({ "roomId": "ward", "messageId": said["id"] });
    assert_eq!(alice.ask("delete_message", delete).await["ok"], true, "members notice nothing of it");
    let kept = serde_json::to_value(admin.kept(&room("ward")).await.unwrap()).unwrap();
    let words: Vec<&Value> = kept.as_array().unwrap().iter().map(|kept| &kept["content"]).collect();
    assert_eq!(words, ["first words", "second words"]);
    assert_eq!(kept[1]["attachments"][0]["id"], json!(id));
    assert!(entries(admin).await.iter().any(|entry| entry["action"] == "export_kept"), "and who looks is in the audit");
    // The file is there, and nobody's to fetch.
    let path = hospital.folder().join("attachments").join(id);
    assert_eq!(hospital.fetch(&token, id).await.status(), StatusCode::FORBIDDEN);
    assert!(path.exists());

    // The rule of its kind waits.
    hospital.age("ward");
    admin.set_retention(RoomKind::Staff, Some(7)).await.unwrap();
    hospital.age("carol");
    admin.set_retention(RoomKind::Patient, Some(7)).await.unwrap();
    alice.ask("message", says("carol", "x")).await;
    hospital.age("carol");
    hospital.until_empty(&token, "carol").await;
    let history = hospital.history(&token, "ward").await;
    let waits = history.iter().find(|message| message["id"] == untouched["id"]).unwrap();
    assert_eq!(waits["content"], "nobody touches this");

    admin.set_hold(&room("ward"), false).await.unwrap();
    hospital.until_empty(&token, "ward").await;
    assert_eq!(admin.kept(&room("ward")).await.unwrap(), []);
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while path.exists() {
        assert!(std::time::Instant::now() < deadline, "the file stays");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until it was looked for what is past its time once more: something in another room goes with it.
async fn look(hospital: &Hospital, alice: &mut Wire, token: &str) {
    alice.ask("message", says("carol", "x")).await;
    hospital.age("carol");
    hospital.until_empty(token, "carol").await;
}

#[tokio::test]
async fn the_fingerprint_of_a_message_its_author_took_back_goes_when_its_time_is_over_unless_the_room_is_held() {
    let hospital = hospital().await;
    let admin = hospital.server.admin();
    let token = hospital.token("alice").await;
    let mut alice = hospital.enter("alice", "ward").await;
    let mut wish = says("ward", "canary");
    wish["clientMessageId"] = json!("taken back");
    let said = alice.ask("message", wish.clone()).await;
    let delete = json!({ "roomId": "ward", "messageId": said["id"] });
    assert_eq!(alice.ask("delete_message", delete).await["ok"], true);
    hospital.age("ward");
    admin.set_hold(&room("ward"), true).await.unwrap();
    admin.set_retention(RoomKind::Staff, Some(7)).await.unwrap();
    admin.set_retention(RoomKind::Patient, Some(7)).await.unwrap();

    look(&hospital, &mut alice, &token).await;
    let again = alice.ask("message", wish.clone()).await;
    assert_eq!((&again["ok"], &again["id"]), (&json!(true), &said["id"]), "still known as a repeat: {again}");

    admin.set_hold(&room("ward"), false).await.unwrap();
    look(&hospital, &mut alice, &token).await;
    assert_eq!(alice.ask("message", wish).await["code"], "conflict", "nobody knows any more what it said");
}

#[tokio::test]
async fn without_a_rule_everything_stays_and_rules_are_days() {
    let hospital = hospital().await;
    let admin = hospital.server.admin();
    let mut alice = hospital.enter("alice", "ward").await;
    alice.ask("message", says("ward", "old")).await;
    hospital.age("ward");
    for days in [0, 36_501] {
        assert!(admin.set_retention(RoomKind::Staff, Some(days)).await.is_err());
    }
    admin.set_retention(RoomKind::Staff, Some(31)).await.unwrap();
    admin.set_retention(RoomKind::Staff, None).await.unwrap();
    assert_eq!(admin.retention().await.unwrap(), []);
    admin.set_retention(RoomKind::Patient, Some(1)).await.unwrap();
    alice.ask("message", says("carol", "x")).await;
    hospital.age("carol");
    let token = hospital.token("alice").await;
    hospital.until_empty(&token, "carol").await;
    assert_eq!(hospital.history(&token, "ward").await[0]["content"], "old");
}
