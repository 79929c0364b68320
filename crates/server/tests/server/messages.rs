//! Saying, changing and taking back; order, repeats, and who hears what.

use hugmedo_chat_server::Rate;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    backing,
    hospital::{Hospital, says},
};

#[tokio::test]
async fn a_client_that_knows_only_the_guide_is_served() {
    let hospital = Hospital::open().await;
    let mut bob = hospital.enter("bob", "ward").await;
    let mut alice = hospital.connect("alice").await;
    // No acks anywhere, the guide's fields only.
    alice.emit("join_room", json!({ "roomId": "ward", "userId": "alice", "userType": "clinician" })).await;
    alice.emit("typing", json!({ "roomId": "ward", "userId": "alice", "isTyping": true })).await;
    alice.emit("message", says("ward", "おはようございます")).await;
    alice.emit("leave_room", json!({ "roomId": "ward", "userId": "alice" })).await;

    let (name, notice) = bob.event().await;
    assert_eq!(name, "typing");
    assert_eq!(notice, json!({ "roomId": "ward", "userId": "alice", "userName": "ALICE", "isTyping": true }));
    let message = bob.event_named("new_message").await;
    for (field, value) in [
        ("roomId", json!("ward")),
        ("userId", json!("alice")),
        ("userName", json!("ALICE")),
        ("userType", json!("clinician")),
        ("content", json!("おはようございます")),
        ("attachments", json!([])),
        ("metadata", json!({})),
    ] {
        assert_eq!(message[field], value, "{field}");
    }
    assert!(message["id"].is_string() && message["createdAt"].is_string());
    // Her own socket hears it too, and of her own typing nothing. And nothing was acked that she did not ask for.
    let (name, own) = alice.event().await;
    assert_eq!((name.as_str(), &own), ("new_message", &message));

    // Once she is answered, she has left: what two sockets send has no order.
    alice.heard().await;
    bob.emit("message", says("ward", "are you there?")).await;
    let notification = alice.event_named("notification").await;
    assert_eq!(notification["roomId"], "ward");
    assert_eq!(notification["room"], "ward");
    assert_eq!(notification["unread"], 1);
    assert!(!notification.to_string().contains("are you there"), "a notification holds no text");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_socket_sends_is_handled_in_the_order_sent_and_numbered_without_gaps() {
    const COUNT: u64 = 500;
    let hospital = Hospital::open().await;
    let mut alice = hospital.connect("alice").await;
    let mut ids = Vec::new();
    for number in 1..=COUNT {
        ids.push(alice.emit_asking("message", says("ward", &number.to_string())).await);
    }
    for (id, number) in ids.into_iter().zip(1..) {
        assert_eq!(alice.answer(id).await["seq"], json!(number), "acks come in order");
    }
    let token = hospital.token("bob").await;
    let mut expected = 1_u64;
    while expected <= COUNT {
        let after = expected - 1;
        let page = hospital.get(&format!("/api/rooms/ward/messages?after={after}&limit=200"), &token).await;
        for message in page["messages"].as_array().unwrap() {
            assert_eq!(message["seq"], json!(expected));
            assert_eq!(message["content"], json!(expected.to_string()), "the content stands where it was sent");
            expected += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn members_hear_concurrent_senders_in_the_order_of_the_positions() {
    const EACH: usize = 100;
    let hospital = Hospital::open().await;
    let mut listener = hospital.enter("carol", "carol").await;
    let mut senders = Vec::new();
    for person in ["alice", "bob", "alice", "bob"] {
        let mut wire = hospital.connect(person).await;
        senders.push(tokio::spawn(async move {
            for number in 0..EACH {
                let answer = wire.ask("message", says("carol", &number.to_string())).await;
                assert_eq!(answer["ok"], true);
            }
        }));
    }
    for expected in 1..=EACH * senders.len() {
        assert_eq!(listener.event_named("new_message").await["seq"], json!(expected));
    }
    for sender in senders {
        sender.await.unwrap();
    }
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_and_is_told_to_nobody() {
    let hospital = Hospital::open().await;
    let mut bob = hospital.enter("bob", "ward").await;
    let mut alice = hospital.connect("alice").await;
    let mut wish = says("ward", "once");
    wish["clientMessageId"] = json!("0198c5a2-0000-7000-8000-000000000001");

    let first = alice.ask("message", wish.clone()).await;
    assert_eq!(first["ok"], true);
    assert_eq!(first["clientMessageId"], wish["clientMessageId"]);
    assert_eq!(alice.ask("message", wish.clone()).await, first, "on the same socket");
    let mut again = hospital.connect("alice").await;
    assert_eq!(again.ask("message", wish.clone()).await, first, "on another socket");
    let token = hospital.token("alice").await;
    let (status, by_http) =
        hospital.call(Method::POST, "/api/rooms/ward/messages", Some(&token), Some(wish.clone())).await;
    assert_eq!((status, &by_http["id"], &by_http["seq"]), (StatusCode::OK, &first["id"], &first["seq"]), "over HTTP");
    // Even after the message was changed.
    alice.ask("edit_message", json!({ "roomId": "ward", "messageId": first["id"], "content": "changed" })).await;
    assert_eq!(alice.ask("message", wish.clone()).await, first);

    for (field, value) in [("content", json!("twice")), ("roomId", json!("carol"))] {
        let mut other = wish.clone();
        other[field] = value;
        assert_eq!(alice.ask("message", other).await["code"], "conflict", "{field}");
    }
    // Somebody else's ids are not hers.
    let (status, _) =
        hospital.call(Method::POST, "/api/rooms/ward/messages", Some(&hospital.token("bob").await), Some(wish)).await;
    assert_eq!(status, StatusCode::OK);
    let heard: Vec<_> = bob.heard().await.into_iter().filter(|(name, _)| name == "new_message").collect();
    assert_eq!(heard.len(), 2, "alice's once, bob's once: {heard:?}");
}

#[tokio::test]
async fn a_message_over_http_is_the_same_as_by_socket() {
    let hospital = Hospital::open().await;
    let mut bob = hospital.enter("bob", "ward").await;
    let alice = hospital.token("alice").await;
    let mut wish = says("ward", "by http");
    wish["priority"] = json!("urgent");
    wish["mentions"] = json!(["bob"]);
    let (status, answer) = hospital.call(Method::POST, "/api/rooms/ward/messages", Some(&alice), Some(wish)).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let heard = bob.event_named("new_message").await;
    assert_eq!((&heard["id"], &heard["seq"]), (&answer["id"], &answer["seq"]));
    assert_eq!((&heard["priority"], &heard["mentions"]), (&json!("urgent"), &json!(["bob"])));
    let (status, _) =
        hospital.call(Method::POST, "/api/rooms/ward/messages", Some(&alice), Some(says("carol", "elsewhere"))).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "the body names another room than the path");
}

#[tokio::test]
async fn only_the_author_changes_or_takes_back_and_each_change_takes_a_position() {
    let hospital = Hospital::open().await;
    let mut bob = hospital.enter("bob", "ward").await;
    let mut alice = hospital.connect("alice").await;
    let said = alice.ask("message", says("ward", "2 tablets")).await;
    let edit = json!({ "roomId": "ward", "messageId": said["id"], "content": "1 tablet" });
    let delete = json!({ "roomId": "ward", "messageId": said["id"] });
    for (name, payload) in [("edit_message", &edit), ("delete_message", &delete)] {
        assert_eq!(bob.ask(name, payload.clone()).await["code"], "forbidden", "{name}");
    }
    assert_eq!(alice.ask("edit_message", edit).await, json!({ "ok": true, "seq": 2 }));
    let changed = bob.event_named("message_changed").await;
    assert_eq!((&changed["seq"], &changed["message"]["seq"]), (&json!(2), &json!(1)));
    assert_eq!(changed["message"]["content"], "1 tablet");
    assert!(changed["message"]["editedAt"].is_string());

    assert_eq!(alice.ask("delete_message", delete.clone()).await, json!({ "ok": true, "seq": 3 }));
    let changed = bob.event_named("message_changed").await;
    assert_eq!(changed["message"]["content"], "");
    assert!(changed["message"]["deletedAt"].is_string());
    assert_eq!(alice.ask("delete_message", delete).await["code"], "bad_request");
    let history = hospital.get("/api/rooms/ward/messages", &hospital.token("bob").await).await;
    assert!(!history.to_string().contains("tablet"), "what was taken back is gone: {history}");
}

#[tokio::test]
async fn history_pages_both_ways() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.connect("alice").await;
    for number in 1..=10 {
        alice.ask("message", says("ward", &number.to_string())).await;
    }
    let token = hospital.token("bob").await;
    for (query, expected, has_more) in [
        ("", 1..=10, false),
        ("?limit=3", 8..=10, true),
        ("?before=8&limit=3", 5..=7, true),
        ("?before=3", 1..=2, false),
        ("?after=7", 8..=10, false),
        ("?after=2&limit=3", 3..=5, true),
        ("?after=2&before=5", 3..=4, false),
    ] {
        let page = hospital.get(&format!("/api/rooms/ward/messages{query}"), &token).await;
        let seqs: Vec<u64> =
            page["messages"].as_array().unwrap().iter().map(|message| message["seq"].as_u64().unwrap()).collect();
        assert_eq!((seqs, page["hasMore"].as_bool()), (expected.collect(), Some(has_more)), "{query}");
    }
    let (status, _) = hospital.call(Method::GET, "/api/rooms/ward/messages?before=x", Some(&token), None).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn contents_beyond_the_limits_are_refused_and_at_the_limits_are_kept() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.connect("alice").await;
    let longest = "薬".repeat(10_000);
    let deep = |kilobytes: usize| json!({ "note": "x".repeat(kilobytes * 1024) });
    let with = |field: &str, value: Value| {
        let mut wish = says("ward", "text");
        wish[field] = value;
        wish
    };
    for (wish, code) in [
        (says("ward", &longest), Value::Null),
        (says("ward", &(longest.clone() + "剤")), json!("too_large")),
        (says("ward", ""), json!("bad_request")),
        (says("ward", " \n\t　"), json!("bad_request")),
        (with("metadata", deep(3)), Value::Null),
        (with("metadata", deep(5)), json!("too_large")),
        (with("metadata", json!([])), json!("bad_request")),
        (with("attachments", json!(["name.png"])), json!("bad_request")),
        (with("attachments", json!(vec![json!({}); 51])), json!("too_large")),
        (with("mentions", json!(vec!["bob"; 51])), json!("too_large")),
        (with("clientMessageId", json!("")), json!("bad_request")),
        (with("clientMessageId", json!("x".repeat(129))), json!("too_large")),
        (with("replyTo", json!("nothing")), json!("bad_request")),
    ] {
        let answer = alice.ask("message", wish).await;
        assert_eq!(answer["code"], code, "{answer}");
    }
}

#[tokio::test]
async fn whoever_says_too_much_is_told_when_to_go_on() {
    let hospital = Hospital::open_with(|config| config.limits.messages = Rate::new(1, 2)).await;
    let mut alice = hospital.connect("alice").await;
    assert_eq!(alice.ask("message", says("ward", "1")).await["ok"], true);
    assert_eq!(alice.ask("message", says("ward", "2")).await["ok"], true);
    let refused = alice.ask("message", says("ward", "3")).await;
    assert_eq!(refused["code"], "rate_limited");
    assert!(refused["retryAfterMs"].as_u64().unwrap() >= 1);
    // The same person by another way is the same person; another person is not.
    let token = hospital.token("alice").await;
    let (status, _) =
        hospital.call(Method::POST, "/api/rooms/ward/messages", Some(&token), Some(says("ward", "3"))).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(hospital.connect("bob").await.ask("message", says("ward", "1")).await["ok"], true);
}

#[tokio::test]
async fn a_restart_keeps_everything_that_was_answered() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.connect("alice").await;
    let mut wish = says("ward", "kept");
    wish["clientMessageId"] = json!("0198c5a2-0000-7000-8000-000000000002");
    let first = alice.ask("message", wish.clone()).await;
    alice.ask("read", json!({ "roomId": "ward", "upToSeq": 1 })).await;
    let token = hospital.token("alice").await;
    let cursor = hospital.cursor(&token).await;

    let hospital = hospital.restart().await;
    assert_eq!(hospital.sync(&token, &cursor).await["changes"], json!([]), "token and cursor still hold");
    let mut alice = hospital.connect("alice").await;
    assert_eq!(alice.ask("message", wish).await, first, "and so does the repeat");
    let joined = alice.ask("join_room", json!({ "roomId": "ward" })).await;
    assert_eq!((&joined["lastSeq"], &joined["readSeq"]), (&json!(1), &json!(1)));
    assert_eq!(alice.ask("message", says("ward", "next")).await["seq"], 2);
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_refused_and_left_as_it_is() {
    if backing::IS_SHARED {
        // The number stands elsewhere; see ../postgres/start.rs.
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("server.sqlite3");
    let version = |file: &std::path::Path| -> i64 {
        let store = rusqlite::Connection::open(file).unwrap();
        store.query_row("PRAGMA user_version", (), |row| row.get(0)).unwrap()
    };
    rusqlite::Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let refused = hugmedo_chat_server::start(crate::hospital::config(folder.path())).await;
    let Err(error) = refused else { panic!("it was opened") };
    assert!(error.to_string().contains("newer version"), "{error}");
    assert_eq!(version(&file), 99);
}
