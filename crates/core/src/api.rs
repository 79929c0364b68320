//! The server's HTTP calls, typed.

use std::{io, sync::Arc, time::Duration};

use futures_util::stream::BoxStream;
use hugmedo_chat_protocol::{
    Attachment, AttachmentId, ClientEvent, DeviceId, DevicesList, LoginRequest, MessagesPage, NewRoomRequest,
    PeopleList, RecoveryCodes, Room, RoomId, RoomsList, SecondFactorOffer, SecondFactorRequest, SecondFactorStatus,
    Secret, SendMessage, Sensitive, Seq, SessionGrant, SyncPage, TokenRequest, User,
    limits::{MAX_PAGE, MAX_SYNC_WAIT},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use url::form_urlencoded;

use crate::{
    error::{Error, ErrorCode},
    transport::{Body, Download, Http, HttpCall, HttpFailure, Upload},
};

/// The longest an ordinary call may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// The longest an event may take, as on a socket.
const EVENT_TIMEOUT: Duration = Duration::from_secs(10);
/// What a server that holds a call open may take longer than it was asked to.
const WAIT_MARGIN: Duration = Duration::from_secs(10);

/// Which part of a room's history a page is of.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Part {
    /// The newest messages.
    Newest,
    /// The last ones before a position.
    Before(Seq),
    /// The first ones after a position.
    After(Seq),
}

/// Calls to one server.
#[derive(Clone)]
pub(crate) struct Api {
    http: Arc<dyn Http>,
}

impl Api {
    pub(crate) fn new(http: Arc<dyn Http>) -> Self {
        Self { http }
    }

    pub(crate) async fn login(&self, request: &LoginRequest) -> Result<SessionGrant, HttpFailure> {
        self.post("/api/login".to_owned(), None, request).await
    }

    pub(crate) async fn renew_tokens(&self, request: &TokenRequest) -> Result<SessionGrant, HttpFailure> {
        self.post("/api/token".to_owned(), None, request).await
    }

    pub(crate) async fn devices(&self, token: &Secret) -> Result<DevicesList, HttpFailure> {
        self.get("/api/devices".to_owned(), token).await
    }

    pub(crate) async fn revoke_device(&self, token: &Secret, device: &DeviceId) -> Result<(), HttpFailure> {
        let path = format!("/api/devices/{}/revoke", encoded(device.as_str()));
        let call = HttpCall { post: true, path, token: Some(token.clone()), body: None, timeout: TIMEOUT };
        self.http.call(call).await.map(|_| ())
    }

    pub(crate) async fn second_factor(&self, token: &Secret) -> Result<SecondFactorStatus, HttpFailure> {
        self.get("/api/second-factor".to_owned(), token).await
    }

    pub(crate) async fn offer_second_factor(
        &self,
        request: &SecondFactorRequest,
    ) -> Result<SecondFactorOffer, HttpFailure> {
        self.post("/api/second-factor".to_owned(), None, request).await
    }

    pub(crate) async fn confirm_second_factor(
        &self,
        request: &SecondFactorRequest,
    ) -> Result<RecoveryCodes, HttpFailure> {
        self.post("/api/second-factor/confirm".to_owned(), None, request).await
    }

    pub(crate) async fn remove_second_factor(&self, request: &SecondFactorRequest) -> Result<(), HttpFailure> {
        let body = serde_json::to_value(request).map_err(|_| HttpFailure::Failed(ErrorCode::Internal))?;
        let path = "/api/second-factor/remove".to_owned();
        // The answer has no body.
        let call = HttpCall { post: true, path, token: None, body: Some(body), timeout: TIMEOUT };
        self.http.call(call).await.map(|_| ())
    }

    pub(crate) async fn logout(&self, token: &Secret) -> Result<(), HttpFailure> {
        let call = HttpCall {
            post: true,
            path: "/api/logout".to_owned(),
            token: Some(token.clone()),
            body: None,
            // Signing out here must not wait for a server that is away.
            timeout: Duration::from_secs(3),
        };
        self.http.call(call).await.map(|_| ())
    }

    pub(crate) async fn me(&self, token: &Secret) -> Result<User, HttpFailure> {
        self.get("/api/me".to_owned(), token).await
    }

    pub(crate) async fn rooms(&self, token: &Secret) -> Result<RoomsList, HttpFailure> {
        self.get("/api/rooms".to_owned(), token).await
    }

    /// A page of a room's history, ascending.
    pub(crate) async fn messages(
        &self,
        token: &Secret,
        room: &RoomId,
        part: Part,
        limit: usize,
    ) -> Result<MessagesPage, HttpFailure> {
        let part = match part {
            Part::Newest => String::new(),
            Part::Before(seq) => format!("&before={seq}"),
            Part::After(seq) => format!("&after={seq}"),
        };
        let limit = limit.min(MAX_PAGE);
        let room = encoded(room.as_str());
        self.get(format!("/api/rooms/{room}/messages?limit={limit}{part}"), token).await
    }

    pub(crate) async fn people(&self, token: &Secret) -> Result<PeopleList, HttpFailure> {
        self.get("/api/people".to_owned(), token).await
    }

    pub(crate) async fn create_room(&self, token: &Secret, request: &NewRoomRequest) -> Result<Room, HttpFailure> {
        self.post("/api/rooms".to_owned(), Some(token), request).await
    }

    /// Brings a file.
    pub(crate) async fn upload(
        &self,
        token: &Secret,
        (name, size): (&Sensitive, u32),
        bytes: BoxStream<'static, io::Result<Vec<u8>>>,
    ) -> Result<Attachment, HttpFailure> {
        let (path, token, name) = ("/api/attachments".to_owned(), token.clone(), name.clone());
        let answer = self.http.upload(Upload { path, token, name, size: size.into(), bytes }).await?;
        serde_json::from_value(answer).map_err(|_| HttpFailure::Foreign)
    }

    /// A file's bytes from one on.
    pub(crate) async fn download(&self, token: &Secret, id: &AttachmentId, start: u32) -> Result<Body, HttpFailure> {
        let path = format!("/api/attachments/{}", encoded(id.as_str()));
        self.http.download(Download { path, token: token.clone(), start: start.into() }).await
    }

    /// The small copy of a picture.
    pub(crate) async fn thumbnail(&self, token: &Secret, id: &AttachmentId) -> Result<Body, HttpFailure> {
        let path = format!("/api/attachments/{}/thumbnail", encoded(id.as_str()));
        self.http.download(Download { path, token: token.clone(), start: 0 }).await
    }

    pub(crate) async fn sync(&self, token: &Secret, cursor: Option<&str>) -> Result<SyncPage, HttpFailure> {
        let cursor = cursor.map(|cursor| format!("&cursor={}", encoded(cursor))).unwrap_or_default();
        self.get(format!("/api/sync?limit={MAX_PAGE}{cursor}"), token).await
    }

    /// As [`Api::sync`], but the server answers only once there is something, or after a while.
    pub(crate) async fn wait(&self, token: &Secret, cursor: &str) -> Result<SyncPage, HttpFailure> {
        let (cursor, wait) = (encoded(cursor), MAX_SYNC_WAIT.as_secs());
        let path = format!("/api/sync?limit={MAX_PAGE}&cursor={cursor}&wait={wait}");
        let timeout = MAX_SYNC_WAIT + WAIT_MARGIN;
        self.call(HttpCall { post: false, path, token: Some(token.clone()), body: None, timeout }).await
    }

    /// Says a client event by a call of its own. A message goes the contract's way, every other event ours.
    pub(crate) async fn say(&self, token: &Secret, event: &str, payload: Value) -> Result<Value, HttpFailure> {
        let path = match payload.get("roomId").and_then(Value::as_str) {
            Some(room) if event == SendMessage::NAME => format!("/api/rooms/{}/messages", encoded(room)),
            _ => format!("/api/events/{event}"),
        };
        let call =
            HttpCall { post: true, path, token: Some(token.clone()), body: Some(payload), timeout: EVENT_TIMEOUT };
        self.call(call).await
    }

    async fn get<T: DeserializeOwned>(&self, path: String, token: &Secret) -> Result<T, HttpFailure> {
        self.call(HttpCall { post: false, path, token: Some(token.clone()), body: None, timeout: TIMEOUT }).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: String,
        token: Option<&Secret>,
        body: &impl Serialize,
    ) -> Result<T, HttpFailure> {
        let body = serde_json::to_value(body).map_err(|_| HttpFailure::Failed(ErrorCode::Internal))?;
        self.call(HttpCall { post: true, path, token: token.cloned(), body: Some(body), timeout: TIMEOUT }).await
    }

    async fn call<T: DeserializeOwned>(&self, call: HttpCall) -> Result<T, HttpFailure> {
        let answer: Value = self.http.call(call).await?;
        serde_json::from_value(answer).map_err(|_| HttpFailure::Foreign)
    }
}

/// For use in a path or a query. The form encoding writes a space as a plus sign, which only a query understands.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

impl HttpFailure {
    /// The code to branch on.
    pub(crate) fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(error) => error.code.into(),
            Self::Foreign => ErrorCode::NotAChatServer,
            Self::Failed(code) => *code,
        }
    }
}

impl From<HttpFailure> for Error {
    fn from(failure: HttpFailure) -> Self {
        Error::new(failure.code(), format!("http call: {}", failure.code()))
    }
}
