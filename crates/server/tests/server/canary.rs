//! Nothing of a room reaches anyone who is not a member at that moment, whatever happens in which order.
//!
//! `HUGMEDO_CHAT_STEPS=20000 cargo nextest run -p hugmedo-chat-server canary` takes more steps than the gate does, and
//! `HUGMEDO_CHAT_SEED` takes those of a run that failed.

use std::collections::{BTreeMap, BTreeSet};

use hugmedo_chat_protocol::{RoomKind, UserType};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    hospital::{Hospital, PASSWORD, room, says, user},
    wire::Wire,
};

const ROOMS: [&str; 5] = ["ward", "carol", "news", "frank", "night"];
const PEOPLE: [&str; 9] = ["alice", "bob", "carol", "dave", "erin", "frank", "gina", "hugo", "ivy"];
const PATIENTS: [&str; 3] = ["carol", "frank", "ivy"];
/// What has come is looked at after so many steps at the latest.
const LOOK_EVERY: usize = 16;

/// The text by which everything of a room can be recognised.
fn canary(room: &str) -> String {
    format!("canary-of-{room}-")
}

struct Person {
    wire: Wire,
    token: String,
    cursor: String,
}

struct Ward {
    hospital: Hospital,
    members: BTreeMap<&'static str, BTreeSet<&'static str>>,
    people: BTreeMap<&'static str, Person>,
    /// The newest message of a room, and who said it.
    last_message: BTreeMap<&'static str, Value>,
    files: Vec<(&'static str, String)>,
}

impl Ward {
    async fn open() -> Self {
        let hospital = Hospital::open().await;
        let admin = hospital.server.admin();
        for name in PEOPLE.iter().skip(4) {
            let user_type = if PATIENTS.contains(name) { UserType::Patient } else { UserType::Staff };
            admin.add_user(name, PASSWORD, *name, user_type).await.unwrap();
        }
        for (id, kind) in [("frank", RoomKind::Patient), ("night", RoomKind::Staff)] {
            admin.add_room(id, id, kind).await.unwrap();
        }
        let members = BTreeMap::from([
            ("ward", BTreeSet::from(["alice", "bob"])),
            ("carol", BTreeSet::from(["alice", "bob", "carol"])),
            ("news", BTreeSet::from(["alice", "bob", "carol"])),
            ("frank", BTreeSet::new()),
            ("night", BTreeSet::new()),
        ]);
        let mut people = BTreeMap::new();
        for name in PEOPLE {
            let token = hospital.token(name).await;
            let wire = Wire::connect(&hospital.url(), &token).await;
            let cursor = hospital.cursor(&token).await;
            people.insert(name, Person { wire, token, cursor });
        }
        Self { hospital, members, people, last_message: BTreeMap::new(), files: Vec::new() }
    }

    fn is_member(&self, room: &str, who: &str) -> bool {
        self.members[room].contains(who)
    }

    fn may_post(&self, room: &str, who: &str) -> bool {
        self.is_member(room, who) && !(room == "news" && PATIENTS.contains(&who))
    }

    /// Fails if a text that `who` has got holds anything of a room they are not in.
    fn look_at(&self, who: &str, what: &str, text: &str) {
        for room in ROOMS {
            let is_allowed = self.is_member(room, who) || !text.contains(&canary(room));
            assert!(is_allowed, "{who} got something of {room} by {what}: {text}");
        }
    }

    /// Looks at everything that has come to anyone.
    async fn look(&mut self) {
        for who in PEOPLE {
            let person = self.people.get_mut(who).unwrap();
            for (event, payload) in person.wire.drain().await.expect("it is open") {
                let named = payload["roomId"].as_str().or(payload["room"]["id"].as_str()).unwrap_or_default();
                let is_told = named.is_empty() || event == "room_removed" || self.members[named].contains(who);
                assert!(is_told, "{who} heard {event} of {named}: {payload}");
                self.look_at(who, &event, &payload.to_string());
            }
        }
    }

    async fn call(&self, who: &'static str, method: Method, path: &str, body: Option<Value>) -> Value {
        let (_, answer) = self.hospital.call(method, path, Some(&self.people[who].token), body).await;
        self.look_at(who, path, &answer.to_string());
        answer
    }

    async fn ask(&mut self, who: &'static str, event: &str, payload: Value) -> Value {
        let answer = self.people.get_mut(who).unwrap().wire.ask(event, payload).await;
        self.look_at(who, event, &answer.to_string());
        answer
    }

    /// One random deed of one person, member or not.
    async fn step(&mut self, random: &mut StdRng, number: usize) {
        let (here, who) = (*ROOMS.choose(random).unwrap(), *PEOPLE.choose(random).unwrap());
        let message = self.last_message.get(here).cloned().unwrap_or_else(|| json!("none"));
        let text = format!("{}{number}", canary(here));
        let on = number.is_multiple_of(2);
        match random.random_range(0..24) {
            0 | 1 => self.change_membership(here, who).await,
            2 => drop(self.ask(who, "join_room", json!({ "roomId": here })).await),
            3 => drop(self.ask(who, "leave_room", json!({ "roomId": here })).await),
            4 => drop(self.ask(who, "typing", json!({ "roomId": here, "isTyping": on })).await),
            5 => drop(self.ask(who, "read", json!({ "roomId": here, "upToSeq": 1_000_000 })).await),
            6 => drop(self.ask(who, "delivered", json!({ "roomId": here, "upToSeq": 1_000_000 })).await),
            7 => drop(self.ask(who, "acknowledge", json!({ "roomId": here, "messageId": message })).await),
            8 => {
                let wish = json!({ "roomId": here, "messageId": message, "content": text });
                drop(self.ask(who, "edit_message", wish).await);
            }
            9 => drop(self.ask(who, "delete_message", json!({ "roomId": here, "messageId": message })).await),
            10 => {
                let wish = json!({ "roomId": here, "messageId": message, "emoji": "👍", "on": on });
                drop(self.ask(who, "react", wish).await);
            }
            11 => drop(self.ask(who, "set_presence", json!({ "status": "busy" })).await),
            12 => drop(self.call(who, Method::GET, &format!("/api/rooms/{here}/messages?limit=20"), None).await),
            13 => drop(self.call(who, Method::GET, "/api/rooms", None).await),
            14 => drop(self.call(who, Method::GET, "/api/people", None).await),
            15 => self.sync(who).await,
            16 => self.fetch(random, who).await,
            17 if self.may_post(here, who) => self.send_file(here, who, &text).await,
            18 => {
                // Errors must not repeat what is there.
                let wish = json!({ "content": text, "replyTo": message, "clientMessageId": format!("{who}-{number}") });
                drop(self.call(who, Method::POST, &format!("/api/rooms/{here}/messages"), Some(wish)).await);
            }
            19 => {
                let wish = json!({ "roomId": here, "messageId": message, "content": text });
                drop(self.call(who, Method::POST, "/api/events/edit_message", Some(wish)).await);
            }
            _ => {
                let mut wish = says(here, &text);
                wish["priority"] = json!(if on { "urgent" } else { "normal" });
                let answer = self.ask(who, "message", wish).await;
                assert_eq!(answer["ok"], self.may_post(here, who), "{who} in {here}: {answer}");
                if answer["ok"] == true {
                    self.last_message.insert(here, answer["id"].clone());
                }
            }
        }
    }

    /// Takes a member out or brings somebody in. What came before is judged by who was in before.
    async fn change_membership(&mut self, here: &'static str, who: &'static str) {
        self.look().await;
        let admin = self.hospital.server.admin();
        let members = self.members.get_mut(here).unwrap();
        if members.remove(who) {
            admin.remove_member(&room(here), &user(who)).await.unwrap();
        } else {
            admin.add_member(&room(here), &user(who)).await.unwrap();
            members.insert(who);
        }
    }

    async fn sync(&mut self, who: &'static str) {
        let page = self.call(who, Method::GET, &format!("/api/sync?cursor={}", self.people[who].cursor), None).await;
        let cursor = page["cursor"].as_str().expect("a cursor").to_owned();
        self.people.get_mut(who).unwrap().cursor = cursor;
    }

    async fn send_file(&mut self, here: &'static str, who: &'static str, text: &str) {
        let (_, brought) = self.hospital.bring(&self.people[who].token, &format!("{text}.txt"), text.as_bytes()).await;
        let wish = json!({ "roomId": here, "content": "", "attachments": [{ "id": brought["id"] }] });
        let answer = self.ask(who, "message", wish).await;
        assert_eq!(answer["ok"], true, "{answer}");
        self.files.push((here, brought["id"].as_str().unwrap().to_owned()));
    }

    async fn fetch(&mut self, random: &mut StdRng, who: &'static str) {
        let Some((_, file)) = self.files.choose(random) else { return };
        for path in [file.clone(), format!("{file}/thumbnail")] {
            let answer = self.hospital.fetch(&self.people[who].token, &path).await;
            let headers = format!("{:?}", answer.headers());
            self.look_at(who, &path, &(headers + &answer.text().await.unwrap()));
        }
    }
}

#[tokio::test]
async fn in_a_random_course_of_events_no_byte_of_a_room_reaches_a_non_member() {
    let number = |name: &str| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let seed = number("HUGMEDO_CHAT_SEED").unwrap_or_else(rand::random);
    let steps = usize::try_from(number("HUGMEDO_CHAT_STEPS").unwrap_or(400)).unwrap();
    println!("seed {seed}, {steps} steps");
    let mut random = StdRng::seed_from_u64(seed);
    let mut ward = Ward::open().await;
    for step in 0..steps {
        ward.step(&mut random, step).await;
        if step.is_multiple_of(LOOK_EVERY) {
            ward.look().await;
        }
    }
    ward.look().await;
    for who in PEOPLE {
        ward.sync(who).await;
        ward.call(who, Method::GET, "/api/rooms", None).await;
        for here in ROOMS {
            ward.call(who, Method::GET, &format!("/api/rooms/{here}/messages?limit=200"), None).await;
        }
    }
    let fetched = ward.files.clone();
    for (here, file) in fetched.iter().rev().take(20) {
        for who in PEOPLE {
            let text = ward.hospital.fetch(&ward.people[who].token, file).await.text().await.unwrap();
            ward.look_at(who, "a file", &text);
            // And members do get what is theirs, unless it was taken back meanwhile.
            let is_refused = text.contains("\"code\":\"forbidden\"");
            assert!(text.contains(&canary(here)) || is_refused, "{who} {here}: {text}");
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
