//! A person at a computer whose network does what a test says.

use std::sync::Arc;

use anyhow::Result;
use hugmedo_chat_core::{
    Config, Core, Surroundings,
    host::NativeNotification,
    transport::HttpFailure,
    view::{Credentials, OutgoingMessage, SignInRequest},
};
use hugmedo_chat_protocol::{
    ClientMessageId, Message, RoomId, Seq, ServerEvent, SessionInfo, Timestamp, User, UserType,
};
use hugmedo_chat_testkit::{MemorySecrets, RecordingNotifier, ScriptedNetwork, ScriptedSession, Watch};
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;

pub(crate) const ROOM: &str = "general";

pub(crate) fn sato() -> User {
    User { id: "sato".into(), name: "佐藤 恵".into(), user_type: UserType::Clinician, role: None, avatar_url: None }
}

pub(crate) fn grant(number: u32) -> Value {
    json!({
        "accessToken": format!("access-{number}"),
        "refreshToken": format!("refresh-{number}"),
        "expiresAt": Timestamp::from_millis(Timestamp::now().as_millis() + 600_000),
        "user": sato(),
    })
}

/// A server with one empty room.
pub(crate) fn quiet_server(call: &str, _body: Option<&Value>) -> Result<Value, HttpFailure> {
    match call {
        "POST /api/login" => Ok(grant(1)),
        "POST /api/token" => Ok(grant(2)),
        "GET /api/rooms" => {
            Ok(json!({ "rooms": [{ "id": ROOM, "name": "病棟", "kind": "staff", "members": [sato()] }] }))
        }
        call if call.starts_with("GET /api/rooms/") => Ok(json!({ "messages": [], "hasMore": false })),
        call if call.starts_with("GET /api/sync") => Ok(json!({ "changes": [], "cursor": "1", "hasMore": false })),
        _ => Ok(Value::Null),
    }
}

pub(crate) struct Scene {
    pub(crate) network: ScriptedNetwork,
    pub(crate) core: Core,
    pub(crate) watch: Watch,
    pub(crate) notifications: UnboundedReceiver<NativeNotification>,
    pub(crate) secrets: MemorySecrets,
    pub(crate) folder: tempfile::TempDir,
}

impl Scene {
    pub(crate) async fn signed_in(
        http: impl Fn(&str, Option<&Value>) -> Result<Value, HttpFailure> + Send + Sync + 'static,
    ) -> Result<Self> {
        Self::signed_in_at(Surroundings::real(), http).await
    }

    /// As [`Self::signed_in`], with a time of day of the test's own.
    pub(crate) async fn signed_in_at(
        surroundings: Surroundings,
        http: impl Fn(&str, Option<&Value>) -> Result<Value, HttpFailure> + Send + Sync + 'static,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let network = ScriptedNetwork::new(Arc::new(http));
        let secrets = MemorySecrets::default();
        let (notifier, notifications) = RecordingNotifier::new();
        let config = Config { surroundings, ..network.config(folder.path()) };
        let core = Core::start(config, Arc::new(secrets.clone()), notifier).await?;
        let mut watch = Watch::of(&core).await?;
        core.sign_in(request()).await?;
        watch.until("a session", |watch| watch.session.is_some()).await?;
        Ok(Self { network, core, watch, notifications, secrets, folder })
    }

    /// Accepts a connection as our server does, and plays along until core is live.
    pub(crate) async fn connect(&mut self) -> Result<ScriptedSession> {
        let mut session = self.network.accept().await?;
        session.say(greeting()).await?;
        let watch = &mut self.watch;
        tokio::select! {
            live = watch.until_live() => live?,
            never = answer_everything(&mut session) => never?,
        }
        Ok(session)
    }

    pub(crate) async fn send(&self, text: &str) -> Result<ClientMessageId> {
        let id = ClientMessageId::generate();
        let outgoing = OutgoingMessage {
            room_id: ROOM.into(),
            client_message_id: id.clone(),
            content: text.into(),
            priority: Default::default(),
            reply_to: None,
            mentions: Vec::new(),
            attachments: Vec::new(),
            keeps_draft: false,
        };
        self.core.send_message(outgoing).await?;
        Ok(id)
    }
}

pub(crate) fn request() -> SignInRequest {
    SignInRequest {
        server: "http://127.0.0.1:9".to_owned(),
        credentials: Credentials::Password { username: "sato".to_owned(), password: "hugmedo-demo".into(), otp: None },
        remember: true,
        allow_insecure: false,
    }
}

pub(crate) fn greeting() -> ServerEvent {
    ServerEvent::Session(SessionInfo { protocol: 1, user: sato(), server_time: Timestamp::now(), features: vec![] })
}

pub(crate) async fn answer_everything(session: &mut ScriptedSession) -> Result<()> {
    session.heard_named("an event that never comes").await.map(|_| ())
}

pub(crate) fn ack(seq: u64, payload: &Value) -> Value {
    json!({
        "ok": true, "id": format!("m-{seq}"), "roomId": ROOM, "seq": seq,
        "clientMessageId": payload["clientMessageId"], "createdAt": Timestamp::now(),
    })
}

pub(crate) fn said_by_suzuki(seq: u64, text: &str) -> ServerEvent {
    ServerEvent::NewMessage(Message {
        id: format!("m-{seq}").as_str().into(),
        room_id: ROOM.into(),
        user_id: "suzuki".into(),
        user_name: "鈴木 健一".into(),
        user_type: UserType::Clinician,
        content: text.into(),
        attachments: vec![],
        metadata: Default::default(),
        created_at: Timestamp::now(),
        seq: Some(Seq::new(seq)),
        client_message_id: None,
        priority: Default::default(),
        reply_to: None,
        mentions: vec![],
        edited_at: None,
        deleted_at: None,
        reactions: Vec::new(),
        acknowledged_by: Vec::new(),
    })
}

pub(crate) fn room() -> RoomId {
    ROOM.into()
}
