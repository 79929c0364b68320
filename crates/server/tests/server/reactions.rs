//! Emoji under messages.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::hospital::{Hospital, says};

fn react(message: &Value, emoji: &str, on: bool) -> Value {
    json!({ "roomId": "ward", "messageId": message, "emoji": emoji, "on": on })
}

#[tokio::test]
async fn a_reaction_is_told_kept_and_in_history_and_sync_and_a_repeat_changes_nothing() {
    let hospital = Hospital::open().await;
    let mut bob = hospital.enter("bob", "ward").await;
    let mut alice = hospital.enter("alice", "ward").await;
    let said = alice.ask("message", says("ward", "shall I?")).await;
    let id = &said["id"];
    let token = hospital.token("bob").await;
    let cursor = hospital.cursor(&token).await;

    assert_eq!(alice.ask("react", react(id, "👍", true)).await, json!({ "ok": true, "seq": 2 }));
    let (status, answer) =
        hospital.call(Method::POST, "/api/events/react", Some(&token), Some(react(id, "🙏", true))).await;
    assert_eq!((status, &answer), (StatusCode::OK, &json!({ "seq": 3 })), "over HTTP");
    bob.ask("react", react(id, "👍", true)).await;
    for repeat in [react(id, "👍", true), react(id, "🎉", false)] {
        assert_eq!(bob.ask("react", repeat).await, json!({ "ok": true, "seq": 4 }), "the room's last position");
    }
    let all = json!([{ "emoji": "👍", "userIds": ["alice", "bob"] }, { "emoji": "🙏", "userIds": ["bob"] }]);
    for seq in [2, 3, 4] {
        let heard = bob.event_named("message_changed").await;
        assert_eq!((&heard["seq"], &heard["message"]["id"]), (&json!(seq), id));
        if seq == 4 {
            assert_eq!(heard["message"]["reactions"], all);
        }
    }
    assert_eq!(bob.heard().await, [], "a repeat is told to nobody");

    assert_eq!(alice.ask("react", react(id, "👍", false)).await["seq"], 5);
    // Bob's thanks came before his thumb.
    let left = json!([{ "emoji": "🙏", "userIds": ["bob"] }, { "emoji": "👍", "userIds": ["bob"] }]);
    assert_eq!(bob.event_named("message_changed").await["message"]["reactions"], left);
    let hospital = hospital.restart().await;
    let history = hospital.get("/api/rooms/ward/messages", &token).await;
    assert_eq!(history["messages"][0]["reactions"], left);
    let rooms = hospital.get("/api/rooms", &token).await;
    let ward = rooms["rooms"].as_array().unwrap().iter().find(|room| room["id"] == "ward").unwrap();
    assert_eq!(ward["lastMessage"]["reactions"], left);
    let sync = hospital.sync(&token, &cursor).await;
    let changes: Vec<_> = sync["changes"].as_array().unwrap().iter().map(|change| &change["data"]["seq"]).collect();
    assert_eq!(changes, [2, 3, 4, 5]);
    assert_eq!(sync["changes"][3]["data"]["message"]["reactions"], left);
}

#[tokio::test]
async fn a_reaction_is_one_emoji_whichever_way_it_is_spelt() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.connect("alice").await;
    let said = alice.ask("message", says("ward", "hello")).await;
    for wrong in ["", " ", "a", "ok", "👍👍", "👍 ", "<b>", "\u{202e}", "\u{fe0f}", &"👍".repeat(10_000)] {
        let answer = alice.ask("react", react(&said["id"], wrong, true)).await;
        assert_eq!(answer["code"], "bad_request", "{wrong:?}");
    }
    for emoji in ["👍", "👍🏽", "👩🏽‍⚕️", "🇯🇵", "1️⃣", "❤️"] {
        assert_eq!(alice.ask("react", react(&said["id"], emoji, true)).await["ok"], true, "{emoji}");
    }
    let before = alice.ask("react", react(&said["id"], "❤️", true)).await;
    assert_eq!(alice.ask("react", react(&said["id"], "\u{2764}", true)).await, before, "without its selector");
}

#[tokio::test]
async fn a_message_has_at_most_twenty_different_reactions() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.connect("alice").await;
    let mut bob = hospital.connect("bob").await;
    let said = alice.ask("message", says("ward", "hello")).await;
    let faces: Vec<String> = ('\u{1f600}'..='\u{1f614}').map(String::from).collect();
    for face in &faces[..20] {
        assert_eq!(alice.ask("react", react(&said["id"], face, true)).await["ok"], true, "{face}");
    }
    assert_eq!(alice.ask("react", react(&said["id"], &faces[20], true)).await["code"], "too_large");
    assert_eq!(bob.ask("react", react(&said["id"], &faces[0], true)).await["ok"], true, "one that stands already");
    alice.ask("react", react(&said["id"], &faces[1], false)).await;
    assert_eq!(alice.ask("react", react(&said["id"], &faces[20], true)).await["ok"], true, "after one has gone");
}

#[tokio::test]
async fn a_message_taken_back_loses_its_reactions_and_takes_no_more() {
    let hospital = Hospital::open().await;
    let mut bob = hospital.enter("bob", "ward").await;
    let mut alice = hospital.connect("alice").await;
    let said = alice.ask("message", says("ward", "hello")).await;
    bob.ask("react", react(&said["id"], "👍", true)).await;
    alice.ask("delete_message", json!({ "roomId": "ward", "messageId": said["id"] })).await;
    bob.event_named("message_changed").await;
    assert_eq!(bob.event_named("message_changed").await["message"]["reactions"], Value::Null);
    for on in [true, false] {
        assert_eq!(bob.ask("react", react(&said["id"], "👍", on)).await["code"], "bad_request");
    }
    let history = hospital.get("/api/rooms/ward/messages", &hospital.token("bob").await).await;
    assert_eq!(history["messages"][0]["reactions"], Value::Null);
}

#[tokio::test]
async fn a_patient_reacts_to_an_announcement() {
    let hospital = Hospital::open().await;
    let said = hospital.connect("alice").await.ask("message", says("news", "visiting hours")).await;
    let wish = json!({ "roomId": "news", "messageId": said["id"], "emoji": "👍", "on": true });
    assert_eq!(hospital.connect("carol").await.ask("react", wish).await["ok"], true);
}
