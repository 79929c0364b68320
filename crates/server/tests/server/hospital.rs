//! The people and rooms the tests act with: alice and bob share a ward, carol is a patient, dave belongs to nothing.

use std::{path::PathBuf, sync::Arc};

use hugmedo_chat_protocol::{RoomId, RoomKind, SessionGrant, UserId, UserType};
use hugmedo_chat_server::{Admin, Config, Server, start};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{backing, wire::Wire};

pub(crate) const PASSWORD: &str = "correct horse";
pub(crate) const PEOPLE: [&str; 4] = ["alice", "bob", "carol", "dave"];

pub(crate) struct Hospital {
    pub(crate) server: Server,
    pub(crate) http: reqwest::Client,
    folder: Arc<TempDir>,
    config: Config,
}

/// A configuration whose limits no test meets by accident.
pub(crate) fn config(folder: impl Into<PathBuf>) -> Config {
    let mut config = Config::new(([127, 0, 0, 1], 0).into(), folder);
    config.database = backing::database(&config.data_dir);
    let plenty = hugmedo_chat_server::Rate::new(100_000, 100_000);
    config.limits.messages = plenty;
    config.limits.typing = plenty;
    config.limits.signals = plenty;
    config.limits.reads = plenty;
    config.limits.connects = plenty;
    config.limits.socket_events = plenty;
    config.limits.socket_bytes = hugmedo_chat_server::Rate::new(1 << 30, 1 << 30);
    config.limits.requests_per_address = plenty;
    config.limits.new_rooms_per_minute = 100_000;
    config.limits.uploads_per_minute = 100_000;
    config.limits.failed_logins_per_account = 1_000;
    config.limits.failed_logins_per_address = 1_000;
    config
}

impl Hospital {
    pub(crate) async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    /// alice and bob in `ward`, and with carol in `carol`; all but dave in `news`.
    pub(crate) async fn open_with(adjust: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = config(folder.path());
        adjust(&mut config);
        let server = start(config.clone()).await.unwrap();
        let admin = server.admin();
        for (person, user_type) in
            PEOPLE.into_iter().zip([UserType::Clinician, UserType::Clinician, UserType::Patient, UserType::Clinician])
        {
            admin.add_user(person, PASSWORD, person.to_uppercase().as_str(), user_type).await.unwrap();
        }
        for (room, kind, members) in [
            ("ward", RoomKind::Staff, &["alice", "bob"][..]),
            ("carol", RoomKind::Patient, &["alice", "bob", "carol"]),
            ("news", RoomKind::Announcement, &["alice", "bob", "carol"]),
        ] {
            let room = admin.add_room(room, room, kind).await.unwrap();
            for member in members {
                admin.add_member(&room, &UserId::new(*member)).await.unwrap();
            }
        }
        // Nobody who comes hears of what was done before.
        backing::told(&server.url()).await;
        Self { server, http: reqwest::Client::new(), folder: Arc::new(folder), config }
    }

    /// Another server on the same store, which has to be one that can be shared.
    #[allow(dead_code, reason = "../postgres has such stores")]
    pub(crate) async fn beside(&self) -> Self {
        self.beside_with(|_| {}).await
    }

    /// [`Hospital::beside`], configured otherwise.
    #[allow(dead_code, reason = "../postgres has such stores")]
    pub(crate) async fn beside_with(&self, adjust: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.config.clone();
        adjust(&mut config);
        let server = start(config.clone()).await.unwrap();
        Self { server, http: self.http.clone(), folder: self.folder.clone(), config }
    }

    /// Stops the server and starts another on the same folder.
    pub(crate) async fn restart(self) -> Self {
        self.server.shutdown().await;
        let server = start(config(self.folder.path())).await.unwrap();
        Self { server, ..self }
    }

    /// A server over data that is there.
    pub(crate) async fn over(folder: TempDir) -> Self {
        let config = config(folder.path());
        let server = start(config.clone()).await.unwrap();
        Self { server, http: reqwest::Client::new(), folder: Arc::new(folder), config }
    }

    /// Where the store is.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Stops the server and returns its data.
    pub(crate) async fn stop(self) -> TempDir {
        self.server.shutdown().await;
        Arc::into_inner(self.folder).expect("no other server is on it")
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    pub(crate) async fn log_in(&self, person: &str) -> SessionGrant {
        let (status, grant) = self
            .call(Method::POST, "/api/login", None, Some(json!({ "username": person, "password": PASSWORD })))
            .await;
        assert_eq!(status, StatusCode::OK, "{grant}");
        serde_json::from_value(grant).unwrap()
    }

    pub(crate) async fn token(&self, person: &str) -> String {
        self.log_in(person).await.access_token.expose().to_owned()
    }

    pub(crate) async fn connect(&self, person: &str) -> Wire {
        Wire::connect(&self.url(), &self.token(person).await).await
    }

    /// Connected and in the room.
    pub(crate) async fn enter(&self, person: &str, room: &str) -> Wire {
        let mut wire = self.connect(person).await;
        let joined = wire.ask("join_room", json!({ "roomId": room, "userId": person, "userType": "clinician" })).await;
        assert_eq!(joined["ok"], true, "{joined}");
        wire
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let mut request = self.http.request(method, self.url() + path);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).expect(&text) })
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, Some(token), None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    /// Everything since a cursor.
    pub(crate) async fn sync(&self, token: &str, cursor: &str) -> Value {
        self.get(&format!("/api/sync?cursor={cursor}"), token).await
    }

    pub(crate) async fn cursor(&self, token: &str) -> String {
        self.get("/api/sync", token).await["cursor"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn room(id: &str) -> RoomId {
    RoomId::new(id)
}

pub(crate) fn user(id: &str) -> UserId {
    UserId::new(id)
}

pub(crate) fn says(room: &str, content: &str) -> Value {
    json!({ "roomId": room, "content": content, "attachments": [], "metadata": {} })
}

/// Everything in the audit.
pub(crate) async fn entries(admin: &Admin) -> Vec<Value> {
    let (lines_tx, lines) = std::sync::mpsc::channel();
    admin
        .export_audit(0, move |line| {
            let _ = lines_tx.send(line.to_owned());
            Ok(())
        })
        .await
        .unwrap();
    lines.iter().map(|line| serde_json::from_str(&line).unwrap()).collect()
}
