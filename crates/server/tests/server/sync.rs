//! `GET /api/sync`: the pull that makes up for every lost hint.

use std::time::Duration;

use hugmedo_chat_protocol::SyncPage;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    backing,
    hospital::{Hospital, room, says, user},
};

fn names(page: &Value) -> Vec<&str> {
    page["changes"].as_array().unwrap().iter().map(|change| change["event"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn everything_that_happened_comes_in_one_order_across_rooms() {
    let hospital = Hospital::open().await;
    let bob = hospital.token("bob").await;
    let start = hospital.get("/api/sync", &bob).await;
    assert_eq!((&start["changes"], &start["hasMore"]), (&json!([]), &json!(false)));
    let cursor = start["cursor"].as_str().unwrap();

    let mut alice = hospital.connect("alice").await;
    let mut bobs_desk = hospital.connect("bob").await;
    let said = alice.ask("message", says("ward", "one")).await;
    alice.ask("message", says("carol", "two")).await;
    bobs_desk.ask("delivered", json!({ "roomId": "ward", "upToSeq": 1 })).await;
    bobs_desk.ask("read", json!({ "roomId": "ward", "upToSeq": 1 })).await;
    bobs_desk.ask("acknowledge", json!({ "roomId": "ward", "messageId": said["id"] })).await;
    alice.ask("edit_message", json!({ "roomId": "ward", "messageId": said["id"], "content": "ONE" })).await;

    let page = hospital.sync(&bob, cursor).await;
    let expected = ["new_message", "new_message", "receipt", "receipt", "receipt", "message_changed"];
    assert_eq!(names(&page), expected);
    let data = |index: usize| &page["changes"][index]["data"];
    assert_eq!(data(0)["content"], "ONE", "a payload is as it is now");
    assert_eq!(data(1)["roomId"], "carol");
    assert_eq!(
        (&data(3)["kind"], &data(3)["userId"]),
        (&json!("read"), &json!("bob")),
        "own reading, for other devices"
    );
    assert_eq!(data(5)["seq"], 2);
    let typed: SyncPage = serde_json::from_value(page.clone()).unwrap();
    assert_eq!(typed.changes.len(), expected.len());
    let end = page["cursor"].as_str().unwrap();
    assert_eq!(hospital.sync(&bob, end).await["changes"], json!([]));

    // Page by page it is the same.
    let (mut cursor, mut paged) = (cursor.to_owned(), Vec::new());
    loop {
        let page = hospital.get(&format!("/api/sync?cursor={cursor}&limit=2"), &bob).await;
        paged.extend(names(&page).into_iter().map(str::to_owned));
        cursor = page["cursor"].as_str().unwrap().to_owned();
        if page["hasMore"] == false {
            break;
        }
    }
    assert_eq!(paged, expected);
    assert_eq!(cursor, end);
}

#[tokio::test]
async fn cumulative_receipts_replace_their_forerunners() {
    let hospital = Hospital::open().await;
    let token = hospital.token("alice").await;
    let cursor = hospital.cursor(&token).await;
    let mut bob = hospital.connect("bob").await;
    for seq in 1..=50 {
        bob.ask("message", says("ward", "x")).await;
        bob.ask("read", json!({ "roomId": "ward", "upToSeq": seq })).await;
    }
    let page = hospital.sync(&token, &cursor).await;
    let receipts: Vec<_> = page["changes"].as_array().unwrap().iter().filter(|c| c["event"] == "receipt").collect();
    assert_eq!(receipts.len(), 1);
    assert_eq!(receipts[0]["data"]["upToSeq"], 50);
}

#[tokio::test]
async fn a_foreign_unknown_or_old_cursor_is_gone() {
    let hospital = Hospital::open().await;
    let token = hospital.token("alice").await;
    let own = hospital.cursor(&token).await;
    let bobs = hospital.cursor(&hospital.token("bob").await).await;
    let elsewhere = Hospital::open().await;
    let of_another_store = elsewhere.cursor(&elsewhere.token("alice").await).await;
    let (tag, _) = own.split_once('.').unwrap();
    let future = format!("{tag}.999999");
    let negative = format!("{tag}.-1");
    for cursor in [bobs.as_str(), &of_another_store, &future, &negative, "nonsense", "", "1", "%00"] {
        let path = format!("/api/sync?cursor={cursor}");
        let (status, body) = hospital.call(Method::GET, &path, Some(&token), None).await;
        assert_eq!((status, &body["code"]), (StatusCode::GONE, &json!("cursor_expired")), "{cursor}");
    }
    hospital.sync(&token, &own).await;
}

#[tokio::test]
async fn a_cursor_older_than_what_is_kept_is_gone() {
    if backing::IS_SHARED {
        // Its sample data fill a file only.
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut config = crate::hospital::config(folder.path());
    config.demo = true;
    config.demo_quiet = true;
    let server = hugmedo_chat_server::start(config.clone()).await.unwrap();
    let http = reqwest::Client::new();
    let sato = server.admin().issue_token(&user("sato"), Duration::from_secs(60)).await.unwrap();
    let page: Value =
        http.get(server.url() + "/api/sync").bearer_auth(sato.expose()).send().await.unwrap().json().await.unwrap();
    let (tag, head) = page["cursor"].as_str().unwrap().split_once('.').unwrap();
    server.shutdown().await;

    config.change_retention = Duration::ZERO;
    // Retention goes by the clock, and the sample data was recorded just now.
    tokio::time::sleep(Duration::from_millis(20)).await;
    let server = hugmedo_chat_server::start(config).await.unwrap();
    for (cursor, status) in [(format!("{tag}.1"), StatusCode::GONE), (format!("{tag}.{head}"), StatusCode::OK)] {
        let answer =
            http.get(server.url() + "/api/sync?cursor=" + &cursor).bearer_auth(sato.expose()).send().await.unwrap();
        assert_eq!(answer.status(), status, "{cursor}");
    }
}

#[tokio::test]
async fn a_removed_member_learns_of_the_removal_and_of_nothing_else_in_that_room() {
    let hospital = Hospital::open().await;
    let token = hospital.token("bob").await;
    let cursor = hospital.cursor(&token).await;
    let mut alice = hospital.connect("alice").await;
    alice.ask("message", says("ward", "before")).await;
    hospital.server.admin().remove_member(&room("ward"), &user("bob")).await.unwrap();
    alice.ask("message", says("ward", "after")).await;
    let page = hospital.sync(&token, &cursor).await;
    let removed = json!([{ "event": "room_removed", "data": { "roomId": "ward" } }]);
    assert_eq!(page["changes"], removed);

    let dave = hospital.token("dave").await;
    let before = hospital.cursor(&dave).await;
    hospital.server.admin().add_member(&room("ward"), &user("dave")).await.unwrap();
    hospital.server.admin().remove_member(&room("ward"), &user("dave")).await.unwrap();
    assert_eq!(hospital.sync(&dave, &before).await["changes"], removed, "who was let in meanwhile sees no more of it");

    hospital.server.admin().add_member(&room("ward"), &user("bob")).await.unwrap();
    let page = hospital.sync(&token, page["cursor"].as_str().unwrap()).await;
    assert_eq!(names(&page), ["room_changed"]);
    assert_eq!(page["changes"][0]["data"]["room"]["lastSeq"], 2);
}

#[tokio::test]
async fn a_waiting_sync_is_woken_by_what_happens() {
    let hospital = Hospital::open().await;
    let token = hospital.token("bob").await;
    let cursor = hospital.cursor(&token).await;
    let mut alice = hospital.connect("alice").await;
    let path = format!("/api/sync?cursor={cursor}&wait=20");
    let waiting = hospital.get(&path, &token);
    let saying = async {
        // Something that does not concern bob must not end his waiting.
        alice.ask("heartbeat", json!({})).await;
        alice.ask("message", says("ward", "wake up")).await
    };
    let (page, said) = tokio::join!(waiting, saying);
    assert_eq!(page["changes"][0]["data"]["id"], said["id"]);
}

#[tokio::test]
async fn a_waiting_sync_does_not_keep_a_stopping_server() {
    let hospital = Hospital::open().await;
    let token = hospital.token("bob").await;
    let cursor = hospital.cursor(&token).await;
    let request = hospital.http.get(hospital.url() + &format!("/api/sync?cursor={cursor}&wait=25")).bearer_auth(&token);
    let waiting = tokio::spawn(async move { request.send().await });
    let mut bob = hospital.connect("bob").await;
    bob.ask("heartbeat", json!({})).await;
    let server = hospital.server;
    server.shutdown().await;
    bob.until_closed().await;
    // Answered or cut off, but over.
    let _ = waiting.await.unwrap();
}
