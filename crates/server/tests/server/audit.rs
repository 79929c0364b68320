//! The audit: complete, and any tampering with it shows.

use std::path::Path;

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use reqwest::Method;
use rusqlite::Connection;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use hugmedo_chat_server::Admin;

use crate::hospital::{Hospital, entries, room, says, user};

#[tokio::test]
async fn who_signed_in_sent_changed_fetched_read_took_on_and_administered_is_in_it_and_nothing_that_was_said() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.enter("alice", "ward").await;
    let said = alice.ask("message", says("ward", "canary-1")).await;
    let id = said["id"].as_str().unwrap();
    alice.ask("edit_message", json!({ "roomId": "ward", "messageId": id, "content": "canary-2" })).await;
    let bob = hospital.token("bob").await;
    hospital.get("/api/rooms/ward/messages", &bob).await;
    for (event, payload) in [
        ("delivered", json!({ "roomId": "ward", "upToSeq": 1 })),
        ("read", json!({ "roomId": "ward", "upToSeq": 1 })),
        ("acknowledge", json!({ "roomId": "ward", "messageId": id })),
    ] {
        hospital.call(Method::POST, &format!("/api/events/{event}"), Some(&bob), Some(payload)).await;
    }
    alice.ask("react", json!({ "roomId": "ward", "messageId": id, "emoji": "👍", "on": true })).await;
    alice.ask("react", json!({ "roomId": "ward", "messageId": id, "emoji": "👍", "on": false })).await;
    alice.ask("delete_message", json!({ "roomId": "ward", "messageId": id })).await;
    hospital.server.admin().remove_member(&room("ward"), &user("bob")).await.unwrap();

    let entries = entries(hospital.server.admin()).await;
    let told: Vec<(&str, &str)> = entries
        .iter()
        .filter(|entry| entry["roomId"] == "ward")
        .map(|entry| (entry["actor"].as_str().unwrap(), entry["action"].as_str().unwrap()))
        .collect();
    let deeds = [
        ("alice", "send"),
        ("alice", "edit"),
        ("bob", "fetch"),
        ("bob", "receive"),
        ("bob", "read"),
        ("bob", "acknowledge"),
        ("alice", "react"),
        ("alice", "unreact"),
        ("alice", "delete"),
        ("", "remove_member"),
    ];
    assert_eq!(told[told.len() - deeds.len()..], deeds);
    assert!(entries.iter().any(|entry| entry["action"] == "sign_in" && entry["actor"] == "bob"));
    assert!(!serde_json::to_string(&entries).unwrap().contains("canary"));
    assert_eq!(hospital.server.admin().verify_audit(hospital.folder()).await.unwrap().findings, []);
}

/// Does one thing to the audit that nobody may do, and returns what it was.
fn tamper(folder: &Path, random: &mut StdRng) -> String {
    let store = Connection::open(folder.join("server.sqlite3")).unwrap();
    store.execute_batch("DROP TRIGGER audit_is_never_changed; DROP TRIGGER audit_is_never_cut;").unwrap();
    let last: i64 = store.query_row("SELECT max(id) FROM audit", (), |row| row.get(0)).unwrap();
    let id = random.random_range(1..=last);
    match random.random_range(0..8) {
        0 => {
            let column = ["actor", "action", "room_id", "object", "seq", "at"][random.random_range(0..6)];
            let value = if matches!(column, "seq" | "at") { "41" } else { "'mallory'" };
            store.execute(&format!("UPDATE audit SET {column} = {value} WHERE id = ?1"), (id,)).unwrap();
            format!("{column} of {id} changed")
        }
        1 => {
            store.execute("DELETE FROM audit WHERE id = ?1", (id,)).unwrap();
            format!("{id} deleted")
        }
        2 => {
            store.execute("DELETE FROM audit WHERE id >= ?1", (id,)).unwrap();
            format!("cut off at {id}")
        }
        3 => {
            let other = if id == last { 1 } else { id + 1 };
            let swap = "UPDATE audit SET id = ?2 WHERE id = ?1";
            for (from, to) in [(id, -1), (other, id), (-1, other)] {
                store.execute(swap, (from, to)).unwrap();
            }
            format!("{id} and {other} swapped")
        }
        4 => {
            // Deleted, and the later ones moved up to hide it.
            store.execute("DELETE FROM audit WHERE id = ?1", (id,)).unwrap();
            for later in id + 1..=last {
                store.execute("UPDATE audit SET id = id - 1 WHERE id = ?1", (later,)).unwrap();
            }
            format!("{id} deleted and hidden")
        }
        5 => {
            // Something that never was, and the later ones moved down for it.
            for later in (id..=last).rev() {
                store.execute("UPDATE audit SET id = id + 1 WHERE id = ?1", (later,)).unwrap();
            }
            let copied =
                "INSERT INTO audit SELECT ?1, at, actor, action, room_id, object, seq, hash FROM audit WHERE id = ?2";
            store.execute(copied, (id, id + 1)).unwrap();
            format!("one put in before {id}")
        }
        6 => {
            // By someone who knows how the chain is made, but has not the key.
            let actor = "UPDATE audit SET actor = 'mallory' WHERE id = ?1";
            store.execute(actor, (id,)).unwrap();
            chain_anew(&store);
            format!("actor of {id} changed and everything chained anew")
        }
        _ => {
            let path = folder.join("audit-checkpoints.jsonl");
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, text.replacen("\"id\":", "\"id\":1", 1)).unwrap();
            "a checkpoint changed".to_owned()
        }
    }
}

/// Gives every entry the hash it would have.
fn chain_anew(store: &Connection) {
    type Entry = (i64, i64, String, String, Option<String>, Option<String>, Option<i64>);
    let mut all = store.prepare("SELECT id, at, actor, action, room_id, object, seq FROM audit ORDER BY id").unwrap();
    let entries: Vec<Entry> = all
        .query_map((), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?))
        })
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mut before = Vec::new();
    for (id, at, actor, action, room, object, seq) in entries {
        let mut hash = Sha256::new();
        hash.update(&before);
        hash.update(id.to_be_bytes());
        hash.update(at.to_be_bytes());
        for field in [Some(actor), Some(action), room, object, seq.map(|seq| seq.to_string())] {
            match field {
                Some(text) => {
                    hash.update([1]);
                    hash.update((text.len() as u64).to_be_bytes());
                    hash.update(text.as_bytes());
                }
                None => hash.update([0]),
            }
        }
        before = hash.finalize().to_vec();
        store.execute("UPDATE audit SET hash = ?2 WHERE id = ?1", (id, &before)).unwrap();
    }
}

#[test]
fn who_chains_anew_does_it_as_the_server_does() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = runtime.block_on(async { Hospital::open().await.stop().await });
    let store = Connection::open(folder.path().join("server.sqlite3")).unwrap();
    store.execute_batch("DROP TRIGGER audit_is_never_changed").unwrap();
    chain_anew(&store);
    drop(store);
    runtime.block_on(async {
        let admin = Admin::open(folder.path()).unwrap();
        assert_eq!(admin.verify_audit(folder.path()).await.unwrap().findings, []);
        admin.close().await;
    });
}

#[tokio::test]
async fn any_edit_deletion_reorder_or_truncation_is_found() {
    let hospital = Hospital::open().await;
    let mut alice = hospital.enter("alice", "ward").await;
    for number in 0..40 {
        alice.ask("message", says("ward", &number.to_string())).await;
    }
    drop(alice);
    let folder = hospital.stop().await;
    let cases = std::env::var("HUGMEDO_CHAT_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1000);
    for seed in 0..cases {
        let copy = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
            // The folder of files has no part in it.
            if file.file_type().unwrap().is_dir() {
                continue;
            }
            std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
        }
        let what = tamper(copy.path(), &mut StdRng::seed_from_u64(seed));
        let admin = Admin::open(copy.path()).unwrap();
        let report = admin.verify_audit(copy.path()).await.unwrap();
        assert!(!report.findings.is_empty(), "not found: {what} (seed {seed})");
        admin.close().await;
    }
    println!("{cases} tamperings, all found");
}
