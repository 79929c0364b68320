//! Those who take too much: connections, time, memory. Each is closed or refused, and everyone else is served.

use std::time::Duration;

use hugmedo_chat_server::{Config, Rate};
use reqwest::{Method, StatusCode};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::{
    hospital::{Hospital, says, user},
    wire::Wire,
};

/// Only how long a broken test hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// Everything the server says until it closes the connection.
async fn until_closed(line: &mut TcpStream) -> String {
    let mut said = Vec::new();
    // A reset is a close too.
    let _ = timeout(PATIENCE, line.read_to_end(&mut said)).await.expect("the server keeps the connection");
    String::from_utf8_lossy(&said).into_owned()
}

async fn is_served(hospital: &Hospital) {
    let token = hospital.server.admin().issue_token(&user("alice"), Duration::from_secs(60)).await.unwrap();
    let mut alice = Wire::connect(&hospital.url(), token.expose()).await;
    assert_eq!(alice.ask("heartbeat", json!({})).await["ok"], true);
}

fn hasty(config: &mut Config) {
    config.patience.head = Duration::from_millis(200);
    config.patience.body = Duration::from_millis(200);
    config.patience.stalled_write = Duration::from_millis(200);
    config.connect_timeout = Duration::from_millis(200);
}

#[tokio::test]
async fn a_connection_that_says_nothing_or_never_ends_a_requests_head_is_closed() {
    let hospital = Hospital::open_with(hasty).await;
    let mut silent = Wire::line(&hospital.url()).await;
    let mut slow = Wire::line(&hospital.url()).await;
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    let dripping = async {
        // One more header again and again never makes a head.
        while slow.write_all(b"X: y\r\n").await.is_ok() {
            let mut byte = [0];
            if let Ok(Ok(0)) = timeout(Duration::from_millis(50), slow.read(&mut byte)).await {
                break;
            }
        }
    };
    timeout(PATIENCE, dripping).await.expect("the server keeps the connection");
    assert_eq!(until_closed(&mut silent).await, "");
    let mut idle = Wire::line(&hospital.url()).await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let said = until_closed(&mut idle).await;
    assert!(said.starts_with("HTTP/1.1 200"), "answered, and closed once it was idle: {said}");
    is_served(&hospital).await;
}

#[tokio::test]
async fn a_body_that_comes_drop_by_drop_is_given_up_and_one_that_comes_steadily_is_not() {
    let hospital = Hospital::open_with(|config| {
        hasty(config);
        config.patience.body_bytes_per_second = 500;
    })
    .await;
    let head =
        "POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n";
    let mut dripping = Wire::line(&hospital.url()).await;
    dripping.write_all(head.as_bytes()).await.unwrap();
    let answer = timeout(PATIENCE, async {
        let mut answer = vec![0; 4096];
        loop {
            let _ = dripping.write_all(b" ").await;
            if let Ok(Ok(read)) = timeout(Duration::from_millis(20), dripping.read(&mut answer)).await {
                answer.truncate(read);
                return String::from_utf8(answer).unwrap();
            }
        }
    });
    let answer = answer.await.expect("the server waits for ever");
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");

    // Slower than the grace allows in all, but no slower than the rate.
    let mut steady = Wire::line(&hospital.url()).await;
    let body = json!({ "username": "alice", "password": crate::hospital::PASSWORD }).to_string();
    let body = format!("{}{body}", " ".repeat(8_000));
    let head = head.replace("100000", &body.len().to_string()).replace("Host: x", "Host: x\r\nConnection: close");
    steady.write_all(head.as_bytes()).await.unwrap();
    for piece in body.as_bytes().chunks(1_000) {
        steady.write_all(piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    let answer = until_closed(&mut steady).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_socket_that_never_connects_is_closed() {
    let hospital = Hospital::open_with(hasty).await;
    let mut wire = Wire::open(&hospital.url()).await;
    wire.until_closed().await;
    is_served(&hospital).await;
}

#[tokio::test]
async fn one_address_has_so_many_connections_and_a_closed_one_makes_room() {
    let hospital = Hospital::open_with(|config| config.limits.connections_per_address = 2).await;
    let mut first = Wire::line(&hospital.url()).await;
    first.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
    let token = hospital.server.admin().issue_token(&user("alice"), Duration::from_secs(60)).await.unwrap();
    let mut second = Wire::connect(&hospital.url(), token.expose()).await;
    for _ in 0..3 {
        assert_eq!(until_closed(&mut Wire::line(&hospital.url()).await).await, "", "an upgraded connection counts too");
    }
    assert_eq!(second.ask("heartbeat", json!({})).await["ok"], true);
    drop(first);
    // The place is free as soon as the server has seen the close.
    timeout(PATIENCE, until_let_in(&hospital)).await.expect("the place is never free");
}

/// Tries until a connection is answered.
async fn until_let_in(hospital: &Hospital) {
    loop {
        let mut line = Wire::line(&hospital.url()).await;
        let _ = line.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
        if until_closed(&mut line).await.starts_with("HTTP/1.1 200") {
            break;
        }
    }
}

#[tokio::test]
async fn a_reader_that_stalls_loses_its_connection_though_it_never_closes_it() {
    let hospital = Hospital::open_with(|config| {
        hasty(config);
        config.limits.connections_per_address = 2;
    })
    .await;
    let admin = hospital.server.admin();
    let token = async |person| admin.issue_token(&user(person), Duration::from_secs(60)).await.unwrap();
    let mut stalled = Wire::connect(&hospital.url(), token("bob").await.expose()).await;
    assert_eq!(stalled.ask("join_room", json!({ "roomId": "ward" })).await["ok"], true);
    let mut alice = Wire::connect(&hospital.url(), token("alice").await.expose()).await;
    let long = "x".repeat(9_000);
    let fill = async {
        loop {
            let mut wish = says("ward", &long);
            wish["attachments"] = json!([{ "padding": "x".repeat(20_000) }]);
            assert_eq!(alice.ask("message", wish).await["ok"], true);
        }
    };
    tokio::select! {
        () = fill => {}
        let_in = timeout(PATIENCE, until_let_in(&hospital)) => let_in.expect("what the stalled reader holds is never free"),
    }
    drop(stalled);
}

#[tokio::test]
async fn one_address_has_so_many_sockets_whoevers_they_are() {
    let hospital = Hospital::open_with(|config| config.limits.sockets_per_address = 2).await;
    let _alice = hospital.connect("alice").await;
    let bob = hospital.connect("bob").await;
    let auth = json!({ "token": hospital.token("carol").await }).to_string();
    assert_eq!(Wire::refused(&hospital.url(), &auth).await, "rate_limited");
    bob.close().await;
    loop {
        let mut wire = Wire::open(&hospital.url()).await;
        wire.raw(&format!("40{auth}")).await;
        match wire.next().await {
            crate::wire::Frame::Connected => break,
            crate::wire::Frame::ConnectError(code) => assert_eq!(code, "rate_limited"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn one_address_makes_so_many_calls() {
    let hospital = Hospital::open_with(|config| config.limits.requests_per_address = Rate::new(1, 3)).await;
    for _ in 0..3 {
        assert_eq!(hospital.call(Method::GET, "/healthz", None, None).await.0, StatusCode::OK);
    }
    let (status, answer) = hospital.call(Method::GET, "/healthz", None, None).await;
    assert_eq!((status, &answer["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("rate_limited")));
    assert!(answer["retryAfterMs"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_socket_that_floods_is_closed_even_with_what_is_refused_and_another_of_the_same_person_is_not() {
    let hospital = Hospital::open_with(|config| config.limits.socket_events = Rate::new(1, 20)).await;
    let mut quiet = hospital.connect("alice").await;
    let mut loud = hospital.connect("alice").await;
    for _ in 0..50 {
        loud.emit("no_such_event", json!({})).await;
    }
    loud.until_closed().await;
    assert_eq!(quiet.ask("heartbeat", json!({})).await["ok"], true);
}

#[tokio::test]
async fn a_socket_sends_so_many_bytes() {
    let hospital = Hospital::open_with(|config| config.limits.socket_bytes = Rate::new(1_000, 20_000)).await;
    let mut alice = hospital.connect("alice").await;
    assert_eq!(alice.ask("message", says("ward", &"x".repeat(9_000))).await["ok"], true);
    for _ in 0..3 {
        alice.emit("message", says("ward", &"x".repeat(9_000))).await;
    }
    alice.until_closed().await;
}
