//! Nothing of a room reaches anyone who is not a member at that moment, whatever happens in which order.

use std::collections::{BTreeMap, BTreeSet};

use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::json;

use crate::{
    hospital::{Hospital, PEOPLE, room, says, user},
    wire::Wire,
};

const ROOMS: [&str; 3] = ["ward", "carol", "news"];

/// The text by which everything of a room can be recognised.
fn canary(room: &str) -> String {
    format!("canary-of-{room}-")
}

struct Person {
    wire: Wire,
    token: String,
}

#[tokio::test]
async fn in_a_random_course_of_events_no_byte_of_a_room_reaches_a_non_member() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let hospital = Hospital::open().await;
    let admin = hospital.server.admin();
    let mut members: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::from([
        ("ward", BTreeSet::from(["alice", "bob"])),
        ("carol", BTreeSet::from(["alice", "bob", "carol"])),
        ("news", BTreeSet::from(["alice", "bob", "carol"])),
    ]);
    let mut people = BTreeMap::new();
    for name in PEOPLE {
        let token = hospital.token(name).await;
        people.insert(name, Person { wire: Wire::connect(&hospital.url(), &token).await, token });
    }
    let mut last_message = BTreeMap::new();
    let mut files = Vec::new();
    for step in 0..250 {
        let (room_id, who) = (*ROOMS.choose(&mut random).unwrap(), *PEOPLE.choose(&mut random).unwrap());
        let is_member = members[room_id].contains(who);
        let wire = &mut people.get_mut(who).unwrap().wire;
        let message = last_message.get(room_id).cloned().unwrap_or_else(|| json!("none"));
        let text = format!("{}{step}", canary(room_id));
        match random.random_range(0..13) {
            0 if is_member => {
                admin.remove_member(&room(room_id), &user(who)).await.unwrap();
                members.get_mut(room_id).unwrap().remove(who);
            }
            1 if !is_member => {
                admin.add_member(&room(room_id), &user(who)).await.unwrap();
                members.get_mut(room_id).unwrap().insert(who);
            }
            2 => wire.emit("join_room", json!({ "roomId": room_id })).await,
            3 => wire.emit("leave_room", json!({ "roomId": room_id })).await,
            4 => wire.emit("typing", json!({ "roomId": room_id, "isTyping": true })).await,
            5 => wire.emit("read", json!({ "roomId": room_id, "upToSeq": 10_000 })).await,
            6 => wire.emit("acknowledge", json!({ "roomId": room_id, "messageId": message })).await,
            7 => wire.emit("edit_message", json!({ "roomId": room_id, "messageId": message, "content": text })).await,
            8 => {
                let reaction = json!({ "roomId": room_id, "messageId": message, "emoji": "👍", "on": step % 2 == 0 });
                wire.emit("react", reaction).await;
            }
            9 => wire.emit("set_presence", json!({ "status": "busy" })).await,
            10 if is_member && !(room_id == "news" && who == "carol") => {
                let (_, brought) = hospital.bring(&people[who].token, "file.txt", text.as_bytes()).await;
                let wish = json!({ "roomId": room_id, "content": "", "attachments": [{ "id": brought["id"] }] });
                let answer = people.get_mut(who).unwrap().wire.ask("message", wish).await;
                assert_eq!(answer["ok"], true, "{answer}");
                files.push((room_id, brought["id"].as_str().unwrap().to_owned()));
            }
            _ => {
                let answer = wire.ask("message", says(room_id, &text)).await;
                let may_post = is_member && !(room_id == "news" && who == "carol");
                assert_eq!(answer["ok"], may_post, "{who} in {room_id}: {answer}");
                if may_post {
                    last_message.insert(room_id, answer["id"].clone());
                }
            }
        }
        // Who acted last has been heard to the end before anyone looks at what came.
        people.get_mut(who).unwrap().wire.ask("heartbeat", json!({})).await;
        for (name, person) in &mut people {
            for (event, payload) in person.wire.heard().await {
                let text = payload.to_string();
                for room_id in ROOMS {
                    let is_about = payload["roomId"] == room_id || payload["room"]["id"] == room_id;
                    let is_allowed = members[room_id].contains(name) || event == "room_removed";
                    assert!(
                        is_allowed || !(is_about || text.contains(&canary(room_id))),
                        "{step}: {name} heard {event} {text}"
                    );
                }
            }
        }
    }
    for (name, person) in &people {
        let mut seen = hospital.get("/api/rooms", &person.token).await.to_string();
        for room_id in ROOMS {
            let path = format!("/api/rooms/{room_id}/messages?limit=200");
            let (_, page) = hospital.call(reqwest::Method::GET, &path, Some(&person.token), None).await;
            seen += &page.to_string();
        }
        for (room_id, file) in &files {
            let fetched = hospital.fetch(&person.token, file).await.text().await.unwrap();
            assert_eq!(fetched.contains(&canary(room_id)), members[room_id].contains(name), "{name} {file}");
            seen += &fetched;
        }
        for room_id in ROOMS {
            assert!(members[room_id].contains(name) || !seen.contains(&canary(room_id)), "{name} sees {room_id}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_said_after_a_removal_reaches_the_removed_even_under_load() {
    let hospital = Hospital::open().await;
    let mut bob = hospital.enter("bob", "ward").await;
    let mut alice = hospital.connect("alice").await;
    let talking = tokio::spawn(async move {
        for number in 0..300 {
            alice.ask("message", says("ward", &number.to_string())).await;
        }
    });
    for _ in 0..50 {
        bob.event_named("new_message").await;
    }
    hospital.server.admin().remove_member(&room("ward"), &user("bob")).await.unwrap();
    talking.await.unwrap();
    let heard = bob.heard().await;
    assert_eq!(heard.last().unwrap().0, "room_removed", "the removal is the last bob hears of the room");
}
