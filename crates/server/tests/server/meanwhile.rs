//! What is withdrawn while a call is on its way: it was let in, and is asked again by what it does.

use std::time::Duration;

use hugmedo_chat_server::{Admin, Rate};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    attachments,
    backing::Store,
    hospital::{Hospital, PEOPLE, room, says, user},
    wire::{Frame, Wire},
};

/// A call, byte by byte.
struct Call {
    line: TcpStream,
    body: Vec<u8>,
}

impl Call {
    /// Sends the head of a call.
    async fn begin(hospital: &Hospital, method: &str, path: &str, token: &str, kind: &str, body: Vec<u8>) -> Self {
        let mut line = Wire::line(&hospital.url()).await;
        let expect = if body.is_empty() { "" } else { "expect: 100-continue\r\n" };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {token}\r\n\
             content-type: {kind}\r\ncontent-length: {}\r\n{expect}\r\n",
            body.len(),
        );
        line.write_all(head.as_bytes()).await.unwrap();
        Self { line, body }
    }

    /// Waits until the server asks for the body, which it does once the call has been let in.
    async fn is_let_in(&mut self) {
        let mut told = Vec::new();
        while !told.ends_with(b"\r\n\r\n") {
            told.push(self.line.read_u8().await.unwrap());
        }
        let told = String::from_utf8(told).unwrap();
        assert!(told.starts_with("HTTP/1.1 100 "), "{told}");
    }

    /// Sends the body; what is answered.
    async fn end(mut self) -> (StatusCode, Value) {
        self.line.write_all(&self.body).await.unwrap();
        let mut answer = String::new();
        self.line.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
        let status = head.split(' ').nth(1).unwrap().parse::<u16>().unwrap();
        (StatusCode::from_u16(status).unwrap(), serde_json::from_str(body).unwrap_or_default())
    }
}

#[derive(Debug, Clone, Copy)]
enum Withdrawn {
    Session,
    Rooms,
    Administration,
}

#[tokio::test]
async fn what_is_withdrawn_before_a_call_has_come_as_a_whole_is_missed_when_it_is_done() {
    let hospital = Hospital::open().await;
    let (admin, alice) = (hospital.server.admin(), user("alice"));
    let group = json!({ "name": "group", "memberIds": ["bob"] });
    let on = json!({ "on": true });
    for (path, body, withdrawn) in [
        ("/api/rooms", Some(group), Withdrawn::Session),
        ("/api/rooms/ward/messages", Some(says("ward", "canary")), Withdrawn::Session),
        ("/api/rooms/ward/messages", Some(says("ward", "canary")), Withdrawn::Rooms),
        ("/api/attachments", None, Withdrawn::Session),
        ("/api/attachments", None, Withdrawn::Rooms),
        ("/api/admin/users/bob/admin", Some(on.clone()), Withdrawn::Session),
        ("/api/admin/users/bob/admin", Some(on), Withdrawn::Administration),
    ] {
        admin.set_admin(&alice, true).await.unwrap();
        for place in ["ward", "carol", "news"] {
            admin.add_member(&room(place), &alice).await.unwrap();
        }
        let token = hospital.token("alice").await;
        let (kind, body) = match body {
            Some(body) => ("application/json", body.to_string().into_bytes()),
            None => ("multipart/form-data; boundary=cut", attachments::form("file", "a.txt", b"canary")),
        };
        let mut call = Call::begin(&hospital, "POST", path, &token, kind, body).await;
        call.is_let_in().await;
        let code = match withdrawn {
            Withdrawn::Session => {
                hospital.call(Method::POST, "/api/logout", Some(&token), None).await;
                "unauthorized"
            }
            Withdrawn::Rooms => {
                for place in ["ward", "carol", "news"] {
                    admin.remove_member(&room(place), &alice).await.unwrap();
                }
                "forbidden"
            }
            Withdrawn::Administration => {
                admin.set_admin(&alice, false).await.unwrap();
                "forbidden"
            }
        };
        let (_, answer) = call.end().await;
        assert_eq!(answer["code"], code, "{path} without {withdrawn:?}: {answer}");
    }
    let store = Store::of(hospital.folder());
    for nothing in ["message", "attachment", "room WHERE name = 'group'", "user WHERE is_admin AND id = 'bob'"] {
        assert_eq!(store.dump(&format!("SELECT count(*) FROM {nothing}")).trim(), "0", "{nothing}");
    }
}

/// Calls without a body, which wait only for their turn to write.
#[tokio::test]
async fn a_session_that_ends_while_a_call_waits_to_write_is_over() {
    let hospital = Hospital::open_with(|config| {
        config.limits.reads = Rate::new(1, 1);
        config.limits.signals = Rate::new(1, 1);
    })
    .await;
    let store = Store::of(hospital.folder());
    for (method, path, (probe, probed)) in [
        ("GET", "/api/attachments/file-none", (Method::GET, "/api/me")),
        ("POST", "/api/devices/none/revoke", (Method::POST, "/api/events/heartbeat")),
    ] {
        let answer = 'seen: loop {
            for person in PEOPLE {
                let token = hospital.token(person).await;
                store.change("BEGIN IMMEDIATE");
                let call = Call::begin(&hospital, method, path, &token, "text/plain", Vec::new()).await;
                // It has been let in once it has used up what its person may do: then the next is one too many.
                let (status, _) = hospital.call(probe.clone(), probed, Some(&token), Some(json!({}))).await;
                let is_in = status == StatusCode::TOO_MANY_REQUESTS;
                if is_in {
                    store.change("UPDATE session SET ended_at = 1");
                }
                store.change("COMMIT");
                let (status, answer) = call.end().await;
                if is_in && status != StatusCode::TOO_MANY_REQUESTS {
                    break 'seen answer;
                }
            }
        };
        assert_eq!(answer["code"], "unauthorized", "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_waiting_sync_does_not_outlive_its_session() {
    let hospital = Hospital::open().await;
    let token = hospital.token("bob").await;
    let cursor = hospital.cursor(&token).await;
    let path = format!("/api/sync?cursor={cursor}&wait=2");
    let call = Call::begin(&hospital, "GET", &path, &token, "text/plain", Vec::new()).await;
    hospital.call(Method::POST, "/api/logout", Some(&token), None).await;
    assert_eq!(call.end().await.1["code"], "unauthorized");
}

/// Each is checked at the door, and heard of by its session's end only once it is in.
#[tokio::test]
async fn a_session_that_ends_while_its_sockets_come_in_leaves_none_of_them_open() {
    const SOCKETS: usize = 48;
    let hospital = Hospital::open_with(|config| config.limits.sockets_per_user = usize::MAX).await;
    for ahead in (0..SOCKETS).step_by(6) {
        let token = hospital.server.admin().issue_token(&user("alice"), Duration::from_secs(600)).await.unwrap();
        let connect = format!("40{}", json!({ "token": token.expose() }));
        let mut sockets = Vec::new();
        for _ in 0..SOCKETS {
            sockets.push(Wire::open(&hospital.url()).await);
        }
        let (early, late) = sockets.split_at_mut(ahead);
        for socket in early {
            socket.raw(&connect).await;
        }
        let sign_out = hospital.call(Method::POST, "/api/logout", Some(token.expose()), None);
        let come_in = async {
            for socket in late {
                socket.raw(&connect).await;
                tokio::task::yield_now().await;
            }
        };
        tokio::join!(sign_out, come_in);
        for socket in &mut sockets {
            while !matches!(socket.next().await, Frame::ConnectError(_) | Frame::Disconnected | Frame::Closed) {}
        }
    }
}

#[tokio::test]
async fn whoever_another_process_took_out_of_a_room_is_told_that_and_no_more() {
    let hospital = Hospital::open_with(|config| config.notice_every = Duration::from_millis(20)).await;
    let mut bob = hospital.enter("bob", "ward").await;
    let behind = Admin::open(hospital.folder()).unwrap();
    behind.remove_member(&room("ward"), &user("bob")).await.unwrap();
    behind.close().await;
    assert_eq!(bob.event().await, ("room_removed".to_owned(), json!({ "roomId": "ward" })));
}
