//! The simulation's book and the real server are asked the same things, and say the same: in acks, in HTTP answers, and to the
//! sockets. What differs by nature (names given to messages, times, tokens, cursors) is compared by its place.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "all of this file is a test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use hugmedo_chat_core::{
    ServerAddress,
    transport::{Connection, Http, HttpCall, HttpClient, HttpFailure, SocketIo, Transport},
    view::ConnectionSettings,
};
use hugmedo_chat_protocol::{
    ConnectAuth, RoomId, RoomKind, RoomRemoved, Secret, ServerEvent, Timestamp, User, UserId, UserType,
};
use hugmedo_chat_testkit::{
    Hospital,
    simulation::ledger::{Ledger, News},
};
use serde_json::{Value, json};

const PEOPLE: [&str; 2] = ["abe", "baba"];
const ROOMS: [&str; 2] = ["first", "second"];

/// Both servers, each with its own names for things.
struct Both {
    http: HttpClient,
    sockets: Vec<Connection>,
    tokens: Vec<(Secret, Secret)>,
    book: Ledger,
    joined: Vec<BTreeSet<RoomId>>,
    /// What the book told each socket.
    told: Vec<Vec<Value>>,
    real_names: Names,
    book_names: Names,
    hospital: Hospital,
}

/// Message ids and cursors of one server, numbered as they come up.
#[derive(Default)]
struct Names {
    numbers: BTreeMap<String, usize>,
    list: Vec<String>,
}

impl Names {
    fn number(&mut self, name: &str) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        self.list.push(name.to_owned());
        self.numbers.insert(name.to_owned(), self.list.len() - 1);
        self.list.len() - 1
    }

    /// The same thing without what differs by nature.
    fn plain(&mut self, value: Value) -> Value {
        match value {
            Value::Object(fields) => {
                let is_message = fields.contains_key("seq") || fields.contains_key("createdAt");
                Value::Object(
                    fields
                        .into_iter()
                        .filter(|(key, value)| !(key == "message" && value.is_string()))
                        .map(|(key, value)| {
                            let value = match (key.as_str(), value) {
                                ("id", Value::String(id)) if is_message => {
                                    json!(format!("message {}", self.number(&id)))
                                }
                                ("messageId", Value::String(id)) => json!(format!("message {}", self.number(&id))),
                                ("cursor" | "accessToken" | "refreshToken", _) => json!("opaque"),
                                ("createdAt" | "editedAt" | "deletedAt" | "at" | "expiresAt" | "serverTime", _) => {
                                    json!("a time")
                                }
                                ("metadata" | "retryAfterMs" | "features", _) => Value::Null,
                                (_, value) => self.plain(value),
                            };
                            (key, value)
                        })
                        .collect(),
                )
            }
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.plain(item)).collect()),
            other => other,
        }
    }
}

fn outcome(result: Result<Value, HttpFailure>) -> Value {
    match result {
        Ok(value) => value,
        Err(HttpFailure::Refused(error)) => json!({ "refused": error.code }),
        Err(other) => panic!("{other:?}"),
    }
}

impl Both {
    async fn open() -> Result<Self> {
        let hospital = Hospital::open().await?;
        let mut book = Ledger::new(Timestamp::now(), 3_600_000);
        let admin = hospital.server().context("it runs")?.admin();
        for person in PEOPLE {
            admin.add_user(person, "long enough", person, UserType::Clinician).await?;
            book.add_user(User {
                id: person.into(),
                name: person.into(),
                user_type: UserType::Clinician,
                role: None,
                avatar_url: None,
            });
        }
        for room in ROOMS {
            admin.add_room(room, room, RoomKind::Staff).await?;
            book.add_room(room.into(), room, RoomKind::Staff);
        }
        let address = ServerAddress::parse(&hospital.url(), true)?;
        let mut both = Self {
            http: HttpClient::new(&address, Arc::new(ConnectionSettings::default)),
            sockets: Vec::new(),
            tokens: Vec::new(),
            book,
            joined: vec![BTreeSet::new(); 2],
            told: vec![Vec::new(); 2],
            real_names: Names::default(),
            book_names: Names::default(),
            hospital,
        };
        both.member(0, 0, true).await?;
        both.member(0, 1, true).await?;
        both.member(1, 0, true).await?;
        for person in PEOPLE {
            let body = json!({ "username": person, "password": "long enough" });
            let real = both.real("/api/login", None, Some(body)).await.map_err(|e| anyhow::anyhow!("{e:?}"))?;
            let real = Secret::new(real["accessToken"].as_str().context("a token")?);
            let (granted, _) = (both.book.log_in(person).map_err(|e| anyhow::anyhow!("{e:?}"))?, ());
            both.tokens.push((real.clone(), granted.access_token));
            let auth = ConnectAuth { token: real, protocol: Some(1), device_id: None };
            let connection = SocketIo::new(&address, Arc::new(ConnectionSettings::default))
                .connect(auth)
                .await
                .map_err(|e| anyhow::anyhow!("{e:?}"))?;
            both.sockets.push(connection);
        }
        // Nobody was there yet to hear what came before.
        both.told = vec![Vec::new(); 2];
        Ok(both)
    }

    async fn real(&self, path: &str, who: Option<usize>, body: Option<Value>) -> Result<Value, HttpFailure> {
        let token = who.map(|who| self.tokens[who].0.clone());
        let timeout = Duration::from_secs(10);
        self.http.call(HttpCall { post: body.is_some(), path: path.to_owned(), token, body, timeout }).await
    }

    fn announce(&mut self, news: Vec<News>) {
        for news in news {
            for (who, person) in PEOPLE.iter().enumerate() {
                if let News::Expelled(whom, room) = &news
                    && whom.as_str() == *person
                {
                    self.joined[who].remove(room);
                    let event = ServerEvent::RoomRemoved(RoomRemoved { room_id: room.clone() });
                    self.told[who].push(serde_json::to_value(event).unwrap());
                }
                if let Some(event) = news.for_socket(&UserId::from(*person), &self.joined[who], &self.book) {
                    self.told[who].push(serde_json::to_value(event).unwrap());
                }
            }
        }
    }

    /// An HTTP call to both.
    async fn call(&mut self, who: usize, path: &str, body: Option<Value>) -> Result<(Value, Value)> {
        let real = outcome(self.real(path, Some(who), body.clone()).await);
        let token = Some(self.tokens[who].1.clone());
        let timeout = Duration::ZERO;
        let (book, news) =
            self.book.answer(&HttpCall { post: body.is_some(), path: path.to_owned(), token, body, timeout });
        self.announce(news);
        let book = outcome(book);
        assert_eq!(self.real_names.plain(real.clone()), self.book_names.plain(book.clone()), "{who} {path}");
        Ok((real, book))
    }

    /// An event to both. `{message N}` in a payload stands for the Nth message id.
    async fn say(&mut self, who: usize, event: &'static str, payload: Value) -> Result<()> {
        let for_real = filled(&payload, &self.real_names);
        let for_book = filled(&payload, &self.book_names);
        let real = self.sockets[who].link.request(event, for_real).await.map_err(|e| anyhow::anyhow!("{e:?}"))?;
        let bearer = self.book.bearer(&self.tokens[who].1.clone()).map_err(|e| anyhow::anyhow!("{e:?}"))?;
        let answer = self.book.hear(&bearer, event, for_book);
        self.joined[who].extend(answer.joined);
        self.announce(answer.news);
        assert_eq!(self.real_names.plain(real), self.book_names.plain(answer.ack), "{who} {event} {payload}");
        Ok(())
    }

    async fn member(&mut self, room: usize, who: usize, is_in: bool) -> Result<()> {
        let (room, user) = (RoomId::from(ROOMS[room]), UserId::from(PEOPLE[who]));
        let admin = self.hospital.server().context("it runs")?.admin();
        let news = if is_in {
            admin.add_member(&room, &user).await?;
            self.book.add_member(&room, &user)
        } else {
            admin.remove_member(&room, &user).await?;
            self.book.remove_member(&room, &user)
        };
        self.announce(news);
        Ok(())
    }

    /// Everything since a cursor, page by page.
    async fn sync(&mut self, who: usize, from: &(String, String)) -> Result<()> {
        let mut from = from.clone();
        for _ in 0..50 {
            let real = outcome(self.real(&format!("/api/sync?limit=3&cursor={}", from.0), Some(who), None).await);
            let path = format!("/api/sync?limit=3&cursor={}", from.1);
            let token = Some(self.tokens[who].1.clone());
            let call = HttpCall { post: false, path, token, body: None, timeout: Duration::ZERO };
            let book = outcome(self.book.answer(&call).0);
            from = (text(&real, "cursor"), text(&book, "cursor"));
            let more = real["hasMore"] == json!(true);
            assert_eq!(self.real_names.plain(real), self.book_names.plain(book), "sync of {who}");
            if !more {
                return Ok(());
            }
        }
        anyhow::bail!("sync does not end")
    }

    async fn cursor(&mut self, who: usize) -> Result<(String, String)> {
        let (real, book) = self.call(who, "/api/sync", None).await?;
        Ok((text(&real, "cursor"), text(&book, "cursor")))
    }

    /// What the sockets heard is what the book would have told them.
    async fn compare_what_was_heard(&mut self) -> Result<()> {
        for (who, person) in PEOPLE.iter().enumerate() {
            let told: Vec<Value> =
                self.told[who].clone().into_iter().map(|event| self.book_names.plain(event)).collect();
            let mut heard = Vec::new();
            let mut batch = Vec::new();
            while heard.len() < told.len() {
                let next = self.sockets[who].events.next_batch(&mut batch, 1);
                let Ok(true) = tokio::time::timeout(Duration::from_secs(5), next).await else { break };
                for event in
                    batch.drain(..).filter(|event| !matches!(event, ServerEvent::Session(_) | ServerEvent::Presence(_)))
                {
                    heard.push(self.real_names.plain(serde_json::to_value(event)?));
                }
            }
            assert_eq!(heard, told, "what {person} heard");
        }
        Ok(())
    }
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

fn filled(payload: &Value, names: &Names) -> Value {
    let mut payload = payload.clone();
    if let Some(number) = payload["messageId"].as_u64() {
        payload["messageId"] = json!(names.list[usize::try_from(number).unwrap()]);
    }
    payload
}

#[tokio::test]
async fn the_book_answers_as_the_real_server() -> Result<()> {
    let mut both = Both::open().await?;
    let start = [both.cursor(0).await?, both.cursor(1).await?];
    let message = |room: &str, id: &str, text: &str| json!({ "roomId": room, "content": text, "attachments": [], "metadata": {}, "clientMessageId": id });
    both.say(0, "join_room", json!({ "roomId": "first" })).await?;
    both.say(0, "message", message("first", "a1", "one")).await?;
    both.say(0, "message", message("first", "a1", "one")).await?;
    both.say(0, "message", message("first", "a1", "another")).await?;
    both.say(0, "message", message("first", "a2", "  ")).await?;
    both.say(1, "join_room", json!({ "roomId": "first" })).await?;
    both.say(1, "message", message("first", "b1", "two")).await?;
    both.call(1, "/api/rooms/first/messages", Some(message("first", "b2", "three"))).await?;
    both.call(1, "/api/rooms/first/messages", Some(message("first", "b2", "three"))).await?;
    both.say(1, "message", message("second", "b3", "not mine")).await?;
    both.say(1, "join_room", json!({ "roomId": "second" })).await?;
    both.say(0, "edit_message", json!({ "roomId": "first", "messageId": 0, "content": "one, corrected" })).await?;
    both.say(1, "edit_message", json!({ "roomId": "first", "messageId": 0, "content": "not mine" })).await?;
    let react = |number: u32, emoji: &str, on: bool| json!({ "roomId": "first", "messageId": number, "emoji": emoji, "on": on });
    both.say(1, "react", react(0, "👍", true)).await?;
    both.say(0, "react", react(0, "🙏", true)).await?;
    both.say(0, "react", react(0, "👍", true)).await?;
    both.say(0, "react", react(0, "👍", true)).await?;
    both.say(1, "react", react(0, "👍", false)).await?;
    both.say(1, "react", react(0, "🎉", false)).await?;
    both.say(0, "react", react(1, "👍", true)).await?;
    both.say(1, "delete_message", json!({ "roomId": "first", "messageId": 1 })).await?;
    both.say(0, "react", react(1, "👍", true)).await?;
    both.say(1, "delete_message", json!({ "roomId": "first", "messageId": 1 })).await?;
    both.say(0, "message", message("first", "a1", "one")).await?;
    both.say(1, "delivered", json!({ "roomId": "first", "upToSeq": 2 })).await?;
    both.say(1, "read", json!({ "roomId": "first", "upToSeq": 3 })).await?;
    both.say(1, "read", json!({ "roomId": "first", "upToSeq": 1 })).await?;
    both.say(1, "delivered", json!({ "roomId": "first", "upToSeq": 3 })).await?;
    both.say(0, "read", json!({ "roomId": "first", "upToSeq": 99 })).await?;
    both.say(0, "heartbeat", json!({})).await?;
    for who in [0, 1] {
        both.call(who, "/api/rooms", None).await?;
        both.call(who, "/api/rooms/second/messages?limit=5", None).await?;
        for query in ["limit=2", "limit=2&before=3", "limit=200", "limit=1&before=1"] {
            both.call(who, &format!("/api/rooms/first/messages?{query}"), None).await?;
        }
        both.sync(who, &start[who]).await?;
    }
    both.member(0, 1, false).await?;
    both.say(0, "message", message("first", "a3", "alone")).await?;
    both.say(1, "message", message("first", "b4", "out")).await?;
    both.member(1, 1, true).await?;
    both.sync(1, &start[1]).await?;
    both.member(0, 1, true).await?;
    both.say(0, "message", message("first", "a4", "together again")).await?;
    for who in [0, 1] {
        both.call(who, "/api/rooms", None).await?;
        both.sync(who, &start[who]).await?;
        both.call(who, "/api/sync?cursor=nonsense", None).await?;
        both.call(who, "/api/me", None).await?;
    }
    both.compare_what_was_heard().await
}
