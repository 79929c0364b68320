//! Callers who hang up in the middle of what they asked for.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    backing::Store,
    hospital::{Hospital, says, user},
    wire::Wire,
};

/// Asks for something and hangs up; returns once the server has noticed, which then closes its side.
async fn hang_up(hospital: &Hospital, token: &str, path: &str, body: &Value) {
    let mut line = Wire::line(&hospital.url()).await;
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: chat\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    line.write_all(request.as_bytes()).await.unwrap();
    line.shutdown().await.unwrap();
    let mut answer = Vec::new();
    // A reset is a close too.
    let _ = line.read_to_end(&mut answer).await;
    assert!(answer.is_empty(), "it was not answered before");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_stored_for_a_caller_who_hangs_up_is_told_all_the_same() {
    let hospital = Hospital::open().await;
    hospital.server.admin().set_admin(&user("dave"), true).await.unwrap();
    let (alices, daves) = (hospital.token("alice").await, hospital.token("dave").await);
    let mut alice = hospital.enter("alice", "ward").await;
    let mut bob = hospital.enter("bob", "ward").await;
    let mut carol = hospital.connect("carol").await;
    let said = alice.ask("message", says("ward", "first words")).await;

    // Nobody writes as long as it is held, which is no longer than a writer waits.
    let behind = Store::of(hospital.folder());
    let meanwhile = async |token: &str, path: &str, body: Value| {
        behind.change("BEGIN IMMEDIATE");
        hang_up(&hospital, token, path, &body).await;
        behind.change("COMMIT");
    };
    let edit = json!({ "roomId": "ward", "messageId": said["id"], "content": "second words" });
    meanwhile(&alices, "/api/events/edit_message", edit).await;
    assert_eq!(bob.event_named("message_changed").await["message"]["content"], "second words");
    meanwhile(&alices, "/api/rooms/ward/messages", json!({ "content": "third words" })).await;
    assert_eq!(bob.event_named("new_message").await["content"], "third words");
    meanwhile(&daves, "/api/admin/users/carol/disable", json!({})).await;
    assert_eq!(carol.until_closed().await.last().unwrap().1, json!({ "reason": "revoked" }));
}
