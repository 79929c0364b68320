//! Every event and every route, tried by everyone, against one table of who may.
//!
//! A cell is one thing that can be reached, one person and, where it is about a room, one room. Whoever is refused gets the code
//! of the table, learns nothing else, and has changed nothing.

mod people;
mod table;

use std::{
    collections::{BTreeSet, hash_map::DefaultHasher},
    hash::{Hash as _, Hasher as _},
    path::Path,
    time::Duration,
};

use image::{ImageFormat, RgbImage};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use self::{
    people::{Person, Standing, gather},
    table::{Answer, NO_CALLS, PLACES, Place, Props, ROUTES, Rule, What, Wish, events},
};
use crate::{
    attachments::picture,
    backing::Store,
    hospital::{Hospital, user},
};

#[test]
fn the_table_knows_every_event_and_every_route_and_no_other() {
    let surface = hugmedo_chat_server::surface();
    let listed: BTreeSet<What> =
        events().into_iter().map(|(what, ..)| what).chain(ROUTES.iter().map(|entry| entry.what)).collect();
    let mut offered = BTreeSet::new();
    for name in surface.events {
        offered.insert(What::Event(name));
        if !NO_CALLS.contains(&name) {
            offered.insert(What::Call(name));
        }
    }
    for (method, path) in surface.routes {
        if path != "/api/events/{event}" {
            let method = if method == "GET" { "GET" } else { "POST" };
            offered.insert(What::Route(method, path));
        }
    }
    let unlisted: Vec<_> = offered.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&offered).collect();
    assert!(unlisted.is_empty() && gone.is_empty(), "not in the table: {unlisted:?}; only in the table: {gone:?}");
}

/// So that the list of what can be reached is whole: there is one place each where it can grow.
#[test]
fn there_is_one_way_in_for_routes_and_one_for_events() {
    fn count(folder: &Path, word: &str) -> usize {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries
            .map(|path| {
                if path.is_dir() {
                    count(&path, word)
                } else {
                    std::fs::read_to_string(path).unwrap().matches(word).count()
                }
            })
            .sum()
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (word, expected) in
        [(".route(", 1), (".nest(", 0), (".merge(", 0), (".route_service(", 0), (".nest_service(", 0), ("io.ns(", 1)]
    {
        assert_eq!(count(&source, word), expected, "{word}");
    }
    assert_eq!((count(&source, "socket.on("), count(&source, ".on_fallback(")), (0, 1));
}

type Asking = Box<dyn Fn(&Props<'_>) -> Wish>;

struct Stage {
    hospital: Hospital,
    people: Vec<Person>,
    store: Store,
    /// The last [`Stage::state`], and the version of the store it was of.
    seen: Option<(String, u64)>,
    /// By room: a file, and alice's message that carries it.
    files: Vec<(&'static str, String, String)>,
    waiting: String,
    unique: usize,
}

const ALICE: usize = 0;
const BOB: usize = 1;

impl Stage {
    async fn open() -> Self {
        // Nobody tells the server of what another process does.
        let hospital = Hospital::open_with(|config| config.notice_every = Duration::from_secs(60 * 60)).await;
        let people = gather(&hospital).await;
        let store = Store::of(hospital.folder());
        let mut stage =
            Self { hospital, people, store, seen: None, files: Vec::new(), waiting: String::new(), unique: 0 };
        let token = stage.people[ALICE].token.clone().unwrap();
        let bytes = picture(RgbImage::new(2, 2), ImageFormat::Png);
        for place in PLACES.iter().filter(|place| place.room != "nowhere") {
            let (_, file) = stage.hospital.bring(&token, "canary.png", &bytes).await;
            let said = json!({ "content": "canary", "attachments": [{ "id": file["id"] }] });
            let path = format!("/api/rooms/{}/messages", place.room);
            let (status, answer) = stage.hospital.call(Method::POST, &path, Some(&token), Some(said)).await;
            assert_eq!(status, StatusCode::OK, "{answer}");
            let id = |of: &Value| of["id"].as_str().unwrap().to_owned();
            stage.files.push((place.room, id(&file), id(&answer)));
        }
        let (_, waiting) = stage.hospital.bring(&token, "canary.png", &bytes).await;
        waiting["id"].as_str().unwrap().clone_into(&mut stage.waiting);
        stage
    }

    /// Everything that lasts, but for sessions and the audit, which attempts may touch.
    fn state(&mut self) -> u64 {
        let version = self.store.version();
        if let Some((before, state)) = &self.seen
            && version.as_ref() == Some(before)
        {
            return *state;
        }
        let mut hash = DefaultHasher::new();
        for table in [
            "user",
            "room",
            "member",
            "message",
            "reaction",
            "acknowledgement",
            "attachment",
            "carried",
            "change",
            "retention",
        ] {
            self.store.dump(&format!("SELECT * FROM {table} ORDER BY 1, 2")).hash(&mut hash);
        }
        self.seen = version.map(|version| (version, hash.finish()));
        hash.finish()
    }

    /// Says something in a room as someone; `None` if they may not.
    async fn says(&self, who: usize, room: &str) -> Option<String> {
        let path = format!("/api/rooms/{room}/messages");
        let said = json!({ "content": "canary" });
        let token = self.people[who].token.as_deref();
        let (_, answer) = self.hospital.call(Method::POST, &path, token, Some(said)).await;
        answer["id"].as_str().map(str::to_owned)
    }

    /// One cell: what is answered, which is to be `expected`.
    async fn ask(&mut self, what: What, place: Place, who: usize, wish: &Asking, expected: Answer) -> Answer {
        self.unique += 1;
        // Made only where they are needed: each is a few writes that are synced to the disk.
        let (name, is_logout) = match what {
            What::Event(name) | What::Call(name) => (name, false),
            What::Route(_, path) => ("", path == "/api/logout"),
        };
        let (mut alices, mut own) = ("none".to_owned(), "none".to_owned());
        if matches!(name, "acknowledge" | "react" | "edit_message" | "delete_message") {
            alices = self.says(ALICE, place.room).await.unwrap_or(alices);
            own = match self.says(who, place.room).await {
                Some(own) => own,
                // What the former members said when they were members.
                None => {
                    let before = self.people[who].said.iter().find(|(room, _)| *room == place.room);
                    before.map_or_else(|| alices.clone(), |(_, message)| message.clone())
                }
            };
        }
        let token = self.people[who].token.clone();
        let mut fresh = token.clone().unwrap_or_default();
        if name == "renew" || is_logout {
            let id = user(self.people[who].name);
            let issued = self.hospital.server.admin().issue_token(&id, Duration::from_secs(600)).await;
            fresh = issued.map_or(fresh, |token| token.expose().to_owned());
        }
        let other = if who == BOB { ALICE } else { BOB };
        let file = self.files.iter().find(|(room, ..)| *room == place.room).map_or("file-none", |(_, id, _)| id);
        let elsewhere = self.files.iter().find(|(room, ..)| *room != place.room).map(|(.., message)| message);
        let wish = wish(&Props {
            room: place.room,
            own: &own,
            alices: &alices,
            elsewhere: elsewhere.unwrap(),
            file,
            waiting: &self.waiting,
            fresh: &fresh,
            ended: self.people[who].ended.as_deref().unwrap_or("none"),
            anothers: self.people[other].token.as_deref().unwrap(),
            unique: self.unique,
        });
        let before = (expected != Answer::Granted).then(|| self.state());
        let answer = match what {
            What::Event(name) => match &mut self.people[who].wire {
                Some(wire) => told(&wire.ask(name, wish.body).await),
                None => unreachable!("those who cannot connect ask nothing"),
            },
            What::Call(name) => {
                self.call(Method::POST, &format!("/api/events/{name}"), token.as_deref(), wish.body).await
            }
            What::Route("POST", "/api/attachments") => {
                let (status, answer) = match token.as_deref() {
                    Some(token) => self.hospital.bring(token, "a.txt", b"canary").await,
                    None => self.hospital.call(Method::POST, "/api/attachments", None, None).await,
                };
                if status.is_success() { Answer::Granted } else { told(&answer) }
            }
            What::Route(method, path) => {
                let method = if method == "GET" { Method::GET } else { Method::POST };
                let path = wish.path.unwrap_or_else(|| path.to_owned());
                // Signing out with the token of all other cells would end them.
                let is_last = path == "/api/logout" && self.people[who].standing == Standing::Live;
                let token = if is_last { Some(fresh.as_str()) } else { token.as_deref() };
                self.call(method, &path, token, wish.body).await
            }
        };
        if let Some(before) = before.filter(|_| answer != Answer::Granted) {
            assert_eq!(self.state(), before, "{what:?} was refused to {} and yet did something", self.people[who].name);
        }
        answer
    }

    async fn call(&self, method: Method, path: &str, token: Option<&str>, body: Value) -> Answer {
        let mut request = self.hospital.http.request(method, self.hospital.url() + path);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        if answer.status().is_success() {
            return Answer::Granted;
        }
        told(&answer.json().await.unwrap())
    }

    /// Nobody falls behind with what they hear, and nobody hears of a room they are not in.
    async fn listen(&mut self) -> Vec<String> {
        let mut overheard = Vec::new();
        for person in &mut self.people {
            let Some(wire) = &mut person.wire else { continue };
            let Some(heard) = wire.drain().await else {
                // With the session that was over, once the server looked.
                assert_eq!(person.standing, Standing::Over, "{} was closed", person.name);
                person.wire = None;
                continue;
            };
            for (event, payload) in heard {
                let room = payload["roomId"].as_str().or(payload["room"]["id"].as_str()).unwrap_or_default();
                let is_known = PLACES.iter().any(|place| place.room == room);
                if is_known && !person.rooms.contains(&room) && event != "room_removed" {
                    overheard.push(format!("{} heard {event} of {room}", person.name));
                }
            }
        }
        overheard
    }
}

/// What an ack or an error's body says.
fn told(answer: &Value) -> Answer {
    if answer["ok"] == true {
        return Answer::Granted;
    }
    assert!(!answer.to_string().contains("canary"), "a refusal told of what was said: {answer}");
    let code = answer["code"].as_str().unwrap_or_default().to_owned();
    Answer::Refused(code.leak())
}

#[tokio::test]
async fn every_event_and_every_route_answers_everyone_as_the_table_says() {
    let mut stage = Stage::open().await;
    for person in stage.people.iter().filter(|person| person.wire.is_none()) {
        let auth = person.token.as_ref().map_or_else(|| json!({}), |token| json!({ "token": token }));
        let code = crate::wire::Wire::refused(&stage.hospital.url(), &auth.to_string()).await;
        assert_eq!(Answer::Refused(code.leak()), Rule::Session.answer(person, PLACES[0]), "CONNECT of {}", person.name);
    }
    // What came while people still were members.
    stage.listen().await;
    let (mut cells, mut wrong) = (0, Vec::new());
    let mut entries: Vec<(What, Rule, Asking)> = Vec::new();
    for (what, rule, payload) in events() {
        entries.push((what, rule, Box::new(move |props| Wish { path: None, body: payload(props) })));
    }
    for entry in ROUTES {
        entries.push((entry.what, entry.rule, Box::new(entry.wish)));
    }
    'table: for (what, rule, wish) in &entries {
        let places = if rule.is_local() { &PLACES[..] } else { &PLACES[..1] };
        for place in places {
            for who in 0..stage.people.len() {
                if matches!(what, What::Event(_)) && stage.people[who].wire.is_none() {
                    // Refused at the door, which was seen above.
                    continue;
                }
                let expected = rule.answer(&stage.people[who], *place);
                let answer = stage.ask(*what, *place, who, wish, expected).await;
                cells += 1;
                if answer != expected {
                    let (name, room) = (stage.people[who].name, place.room);
                    wrong.push(format!("{what:?} in {room} by {name}: {answer:?}, not {expected:?}"));
                }
            }
            wrong.extend(stage.listen().await);
            if !wrong.is_empty() {
                // What else is wrong may follow from it.
                break 'table;
            }
        }
    }
    println!("{cells} cells");
    assert!(wrong.is_empty(), "{} of {cells} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn lists_and_sync_show_everyone_their_own_rooms_and_the_people_in_them_alone() {
    let mut stage = Stage::open().await;
    for who in 0..stage.people.len() {
        let person = &stage.people[who];
        if person.standing != Standing::Live {
            continue;
        }
        let token = person.token.clone().unwrap();
        let rooms = stage.hospital.get("/api/rooms", &token).await;
        let seen: BTreeSet<&str> =
            rooms["rooms"].as_array().unwrap().iter().map(|room| room["id"].as_str().unwrap()).collect();
        assert_eq!(seen, person.rooms.iter().copied().collect(), "{}", person.name);
        let cursor = stage.hospital.cursor(&token).await;
        for room in ["ward", "carol", "news"] {
            stage.says(ALICE, room).await.unwrap();
        }
        let person = &stage.people[who];
        let changes = stage.hospital.sync(&token, &cursor).await;
        let told: BTreeSet<&str> = changes["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|change| change["data"]["roomId"].as_str().unwrap())
            .collect();
        let expected: BTreeSet<&str> = person.rooms.iter().copied().filter(|room| *room != "frank").collect();
        assert_eq!(told, expected, "{}", person.name);
    }
    stage.listen().await;
    let people = async |name: &str| {
        let token = stage.people.iter().find(|person| person.name == name).unwrap().token.clone().unwrap();
        let people = stage.hospital.get("/api/people", &token).await;
        let ids = people["people"].as_array().unwrap().iter().map(|person| person["id"].as_str().unwrap().to_owned());
        ids.collect::<BTreeSet<String>>()
    };
    assert_eq!(
        people("carol").await,
        ["alice", "bob", "expired", "signed-out", "staff"].map(str::to_owned).into(),
        "a patient sees her carers"
    );
    assert_eq!(people("frank").await, BTreeSet::new(), "and announcements acquaint nobody");
    assert!(!people("admin").await.contains("carol"), "an administrator is no carer");
}
