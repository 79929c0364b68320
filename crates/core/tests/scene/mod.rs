//! Core over a scripted network with one room, in a folder of the test's choosing, started and stopped as often as it likes.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::{path::Path, sync::Arc};

use anyhow::Result;
use hugmedo_chat_core::{
    Core,
    transport::HttpFailure,
    view::{Credentials, OutgoingMessage, SignInRequest},
};
use hugmedo_chat_protocol::{ClientMessageId, RoomId, Sensitive, ServerEvent, SessionInfo, Timestamp, User, UserType};
use hugmedo_chat_testkit::{MemorySecrets, RecordingNotifier, ScriptedNetwork, ScriptedSession, Watch};
use serde_json::{Value, json};

pub(crate) const ROOM: &str = "general";
/// In every name, word, password and token of the scene, so that one search finds any of them on the disk.
pub(crate) const MARKER: &str = "HITEN7";

pub(crate) fn room() -> RoomId {
    ROOM.into()
}

fn sato() -> User {
    let name = Sensitive::new(format!("佐藤{MARKER}"));
    User { id: "sato".into(), name, user_type: UserType::Clinician, role: None, avatar_url: None }
}

/// What the server's message at this position says.
pub(crate) fn said_at(seq: u64) -> String {
    format!("{MARKER} {seq} {}", "経過良好。".repeat(60))
}

pub(crate) fn ack(seq: u64, payload: &Value) -> Value {
    json!({
        "ok": true, "id": format!("own-{seq}"), "roomId": ROOM, "seq": seq,
        "clientMessageId": payload["clientMessageId"], "createdAt": Timestamp::now(),
    })
}

/// A server with one room in which so much was said.
pub(crate) fn answer(call: &str, said: u64) -> Value {
    let grant = |number: u32| {
        json!({
            "accessToken": format!("{MARKER}-access-{number}"),
            "refreshToken": format!("{MARKER}-refresh-{number}"),
            "expiresAt": Timestamp::from_millis(Timestamp::now().as_millis() + 600_000),
            "user": sato(),
        })
    };
    match call {
        "POST /api/login" => grant(1),
        "POST /api/token" => grant(2),
        "GET /api/rooms" => json!({ "rooms": [{
            "id": ROOM, "name": format!("病棟{MARKER}"), "kind": "staff", "members": [sato()], "lastSeq": said,
        }] }),
        call if call.starts_with("GET /api/rooms/") => {
            let asked = |name: &str| {
                let query = call.split(['?', '&']).find_map(|part| part.strip_prefix(name))?;
                query.parse::<u64>().ok()
            };
            let end = asked("before=").unwrap_or(said + 1);
            let begin = end.saturating_sub(asked("limit=").unwrap_or(50)).max(1);
            let messages: Vec<Value> = (begin..end)
                .map(|seq| {
                    json!({
                        "id": format!("m-{seq}"), "roomId": ROOM, "userId": "suzuki", "userName": format!("鈴木{MARKER}"),
                        "userType": "clinician", "content": said_at(seq), "createdAt": Timestamp::from_millis(1_000), "seq": seq,
                    })
                })
                .collect();
            json!({ "messages": messages, "hasMore": begin > 1 })
        }
        call if call.starts_with("GET /api/sync") => json!({ "changes": [], "cursor": "1", "hasMore": false }),
        _ => Value::Null,
    }
}

pub(crate) struct Scene {
    pub(crate) network: ScriptedNetwork,
    pub(crate) secrets: MemorySecrets,
}

impl Scene {
    pub(crate) fn new(said: u64) -> Self {
        let answer = move |call: &str, _: Option<&Value>| Ok::<_, HttpFailure>(self::answer(call, said));
        Self { network: ScriptedNetwork::new(Arc::new(answer)), secrets: MemorySecrets::default() }
    }

    pub(crate) async fn start(&self, folder: &Path) -> Result<Core> {
        let (notifier, _) = RecordingNotifier::new();
        Ok(Core::start(self.network.config(folder), Arc::new(self.secrets.clone()), notifier).await?)
    }

    /// Accepts a connection and plays along until core is live.
    pub(crate) async fn connect(&self, watch: &mut Watch) -> Result<ScriptedSession> {
        let mut session = self.network.accept().await?;
        session.say(greeting()).await?;
        tokio::select! {
            live = watch.until_live() => live?,
            never = play_along(&mut session) => never?,
        }
        Ok(session)
    }
}

pub(crate) fn greeting() -> ServerEvent {
    ServerEvent::Session(SessionInfo { protocol: 1, user: sato(), server_time: Timestamp::now(), features: vec![] })
}

/// Answers whatever is asked, for ever.
pub(crate) async fn play_along(session: &mut ScriptedSession) -> Result<()> {
    session.heard_named("an event that never comes").await.map(|_| ())
}

pub(crate) fn request(remember: bool) -> SignInRequest {
    SignInRequest {
        server: "http://127.0.0.1:9".to_owned(),
        credentials: Credentials::Password {
            username: "sato".to_owned(),
            password: format!("{MARKER}-password").as_str().into(),
            otp: None,
        },
        remember,
        allow_insecure: false,
    }
}

pub(crate) async fn send(core: &Core, text: &str) -> Result<ClientMessageId, hugmedo_chat_core::Error> {
    let id = ClientMessageId::generate();
    let outgoing = OutgoingMessage {
        room_id: room(),
        client_message_id: id.clone(),
        content: Sensitive::new(format!("{MARKER} {text}")),
        priority: Default::default(),
        reply_to: None,
        mentions: Vec::new(),
        attachments: Vec::new(),
        keeps_draft: false,
    };
    core.send_message(outgoing).await.map(|_| id)
}

/// Every file below a folder.
pub(crate) fn files_below(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { files.extend(files_below(&path)?) } else { files.push(path) }
    }
    Ok(files)
}

/// Fails if anything of the scene can be read in a file without a key.
pub(crate) fn assert_nothing_in_the_clear(folder: &Path) -> Result<()> {
    for file in files_below(folder)? {
        let bytes = std::fs::read(&file)?;
        let found = bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes());
        let plain = bytes.starts_with(b"SQLite format 3");
        assert!(!found && !plain, "in the clear in {}", file.display());
    }
    Ok(())
}
