//! Frames no well-behaved client sends. Each gets an error or a closed socket, and the server lives.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{
    hospital::{Hospital, says},
    wire::{Frame, Wire},
};

const KIB: usize = 1024;

#[tokio::test]
async fn a_payload_of_the_wrong_shape_is_answered_with_bad_request() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.enter("alice", "ward").await;
    for (id, frame) in [
        r#"["message"]"#,
        r#"["message",null]"#,
        r#"["message","text"]"#,
        r#"["message",[]]"#,
        r#"["message",[{"roomId":"ward","content":"x"}]]"#,
        r#"["message",{}]"#,
        r#"["message",{"roomId":"ward"}]"#,
        r#"["message",{"roomId":true,"content":"x"}]"#,
        r#"["message",{"roomId":"ward","content":{}}]"#,
        r#"["message",{"roomId":"ward","content":"x","attachments":{}}]"#,
        r#"["message",{"roomId":"ward","content":"x"},{"roomId":"ward"}]"#,
        r#"["message",{"roomId":"ward","content":"x"},"extra"]"#,
        r#"["join_room",{"roomId":["ward"]}]"#,
        r#"["typing",{"roomId":"ward","isTyping":"yes"}]"#,
        r#"["read",{"roomId":"ward","upToSeq":-1}]"#,
        r#"["read",{"roomId":"ward","upToSeq":1.5}]"#,
        r#"["delivered",{"roomId":"ward"}]"#,
        r#"["edit_message",{"roomId":"ward","messageId":{},"content":"x"}]"#,
        r#"["renew",{"token":1}]"#,
        r#"["heartbeat"]"#,
    ]
    .into_iter()
    .enumerate()
    {
        let id = 1000 + id as u64;
        alice.raw(&format!("42{id}{frame}")).await;
        let answer = alice.answer(id).await;
        assert_eq!(answer["code"], "bad_request", "{frame}: {answer}");
        // And without asking for an answer it is only ignored.
        alice.raw(&format!("42{frame}")).await;
    }
    assert_eq!(alice.heard().await, [], "nobody was told anything");
}

#[tokio::test]
async fn a_broken_frame_closes_its_socket_and_no_other() {
    let hospital = Hospital::open().await;
    let mut bystander = hospital.enter("bob", "ward").await;
    let token = hospital.token("alice").await;
    let nested = format!("42{}{}", "[".repeat(5_000), "]".repeat(5_000));
    for frame in [
        "42",
        "42[",
        "42{}",
        "42[]",
        "42[7]",
        "4",
        "49",
        "4x",
        "x",
        "",
        "451-[\"message\",{\"_placeholder\":true,\"num\":0}]",
        &nested,
    ] {
        let mut wire = Wire::connect(&hospital.url(), &token).await;
        wire.raw(frame).await;
        // Closed, or ignored and still answering.
        wire.raw("4277[\"heartbeat\",{}]").await;
        match wire.next().await {
            Frame::Closed | Frame::Disconnected => {}
            Frame::Ack(77, answer) => assert_eq!(answer["ok"], true, "{frame}"),
            other => panic!("{frame}: {other:?}"),
        }
    }
    let mut wire = Wire::connect(&hospital.url(), &token).await;
    wire.raw_binary(&[0, 1, 2, 255]).await;
    wire.until_closed().await;
    assert_eq!(bystander.heard().await, []);
}

#[tokio::test]
async fn an_oversized_frame_closes_the_socket_before_and_after_connect() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.connect("alice").await;
    alice.raw(&format!("42{}", json!(["message", says("ward", &"x".repeat(300 * KIB))]))).await;
    alice.until_closed().await;
    let mut anonymous = Wire::open(&hospital.url()).await;
    anonymous.raw(&format!("40{}", json!({ "token": "x".repeat(300 * KIB) }))).await;
    anonymous.until_closed().await;

    // The longest text there is, in characters JSON can escape, still fits a frame.
    let mut alice = hospital.connect("alice").await;
    let escaped = "\\ud83d\\ude00".repeat(10_000);
    alice.raw(&format!(r#"421["message",{{"roomId":"ward","content":"{escaped}"}}]"#)).await;
    assert_eq!(alice.answer(1).await["ok"], true);
}

#[tokio::test]
async fn an_oversized_or_broken_body_gets_a_json_error() {
    let hospital = Hospital::open().await;
    let token = hospital.token("alice").await;
    let path = "/api/rooms/ward/messages";
    let (status, body) =
        hospital.call(Method::POST, path, Some(&token), Some(says("ward", &"x".repeat(300 * KIB)))).await;
    assert_eq!((status, &body["code"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("too_large")));
    for body in [json!({}), json!([]), json!("x"), json!({ "roomId": "ward", "content": 7 })] {
        let (status, answer) = hospital.call(Method::POST, path, Some(&token), Some(body)).await;
        assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("bad_request")));
    }
    let (status, answer) = hospital.call(Method::POST, "/api/login", None, Some(json!({ "username": "alice" }))).await;
    assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("bad_request")));
    let (status, answer) = hospital.call(Method::GET, "/api/no-such-route", None, None).await;
    assert_eq!((status, &answer["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    let (status, answer) = hospital.call(Method::DELETE, "/api/rooms", Some(&token), None).await;
    assert_eq!((status, &answer["code"]), (StatusCode::METHOD_NOT_ALLOWED, &json!("bad_request")));
    for path in ["/healthz", "/readyz"] {
        assert_eq!(hospital.call(Method::GET, path, None, None).await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_socket_that_sends_faster_than_it_is_heard_is_closed() {
    let hospital = Hospital::open_with(|config| config.limits.queued_events = 4).await;
    let mut alice = hospital.connect("alice").await;
    let burst: Vec<_> = (0..2_000).map(|number| says("ward", &number.to_string())).collect();
    for wish in burst {
        alice.emit("message", wish).await;
    }
    alice.until_closed().await;
    assert_eq!(hospital.connect("alice").await.ask("message", says("ward", "after")).await["ok"], true);
}

#[tokio::test]
async fn a_socket_that_does_not_read_is_closed_and_the_others_hear_everything() {
    const COUNT: usize = 500;
    let hospital = Hospital::open().await;
    let mut stalled = hospital.enter("bob", "ward").await;
    let mut listener = hospital.enter("alice", "ward").await;
    let mut alice = hospital.connect("alice").await;
    // More than the system's buffers and the server's together hold.
    let long = "x".repeat(9_900) + "薬";
    let reader = tokio::spawn(async move {
        for expected in 1..=COUNT {
            assert_eq!(listener.event_named("new_message").await["seq"], json!(expected));
        }
        assert_eq!(listener.heard().await, []);
    });
    for _ in 0..COUNT {
        let mut wish = says("ward", &long);
        wish["metadata"] = json!({ "padding": "x".repeat(3_900) });
        wish["attachments"] = json!([{ "padding": "x".repeat(20_000) }]);
        assert_eq!(alice.ask("message", wish).await["ok"], true);
    }
    reader.await.unwrap();
    let heard = stalled.until_closed().await;
    assert!(heard.len() < COUNT, "it was closed in the middle");
    let seqs: Vec<_> = heard.iter().map(|(_, message)| message["seq"].as_u64().unwrap()).collect();
    assert!(seqs.iter().copied().eq(1..=seqs.len() as u64), "and up to there nothing was left out");
}
