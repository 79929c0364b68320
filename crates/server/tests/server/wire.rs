//! A Socket.IO client of raw frames: it can say what no well-behaved client would.

use std::{collections::VecDeque, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpSocket, TcpStream},
    time::{Instant, timeout, timeout_at},
};
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

use crate::backing;

/// Only how long a broken test hangs; no test waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(20);

/// What frames go over, encrypted or not.
pub(crate) trait Line: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Line for T {}

pub(crate) struct Wire {
    /// Of the server.
    url: String,
    stream: WebSocketStream<Box<dyn Line>>,
    /// Events that came while something else was waited for.
    inbox: VecDeque<(String, Value)>,
    /// Who can be reached, and how: told whenever anyone comes or goes, so kept apart for the tests that ask for it.
    statuses: VecDeque<(String, String)>,
    next_ack: u64,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Frame {
    Event(String, Value),
    Ack(u64, Value),
    ConnectError(String),
    Connected,
    Disconnected,
    Closed,
}

impl Wire {
    /// Opens the transport without CONNECT.
    pub(crate) async fn open(url: &str) -> Self {
        let mut wire = Self::open_unread(url, "").await;
        wire.greeted().await;
        wire
    }

    /// Opens the transport, with more in its query, and reads nothing.
    pub(crate) async fn open_unread(url: &str, query: &str) -> Self {
        Self::try_open(url, query, Box::new(Self::line(url).await)).await.expect("it opens")
    }

    /// Whether a transport opens.
    pub(crate) async fn can_open(url: &str, query: &str) -> bool {
        match Self::try_open(url, query, Box::new(Self::line(url).await)).await {
            Some(mut wire) => wire.text().await.is_some(),
            None => false,
        }
    }

    /// A connection to the server, before anything was said.
    pub(crate) async fn line(url: &str) -> TcpStream {
        // A small buffer, so that a test that stops reading is soon felt by the server.
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        socket.set_nodelay(true).unwrap();
        let address = url.split('/').nth(2).unwrap().parse().unwrap();
        socket.connect(address).await.unwrap()
    }

    /// Opens the transport over a connection of the caller's.
    pub(crate) async fn open_over(url: &str, line: Box<dyn Line>) -> Self {
        let mut wire = Self::try_open(url, "", line).await.expect("it opens");
        wire.greeted().await;
        wire
    }

    async fn try_open(url: &str, query: &str, line: Box<dyn Line>) -> Option<Self> {
        let address = url.replacen("http", "ws", 1) + "/socket.io/?EIO=4&transport=websocket" + query;
        let (stream, _) = client_async(address, line).await.ok()?;
        Some(Self { url: url.to_owned(), stream, inbox: VecDeque::new(), statuses: VecDeque::new(), next_ack: 0 })
    }

    async fn greeted(&mut self) {
        let hello = self.text().await.unwrap();
        assert!(hello.starts_with('0'), "Engine.IO opens first");
    }

    /// The next packet as it is: nothing is answered, not even a ping. `None` once the connection is closed.
    pub(crate) async fn text(&mut self) -> Option<String> {
        loop {
            match timeout(PATIENCE, self.stream.next()).await.expect("the server says nothing") {
                Some(Ok(Message::Text(text))) => return Some(text.as_str().to_owned()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// Opens, connects, and takes the `session` event.
    pub(crate) async fn connect(url: &str, token: &str) -> Self {
        let mut wire = Self::open(url).await;
        wire.enter(token).await;
        wire
    }

    /// Connects, and takes the `session` event.
    pub(crate) async fn enter(&mut self, token: &str) {
        self.raw(&format!("40{}", json!({ "token": token }))).await;
        assert_eq!(self.next().await, Frame::Connected);
        let (name, _) = self.event().await;
        assert_eq!(name, "session", "session is the first event");
    }

    /// The code a CONNECT with this auth is refused with.
    pub(crate) async fn refused(url: &str, auth: &str) -> String {
        let mut wire = Self::open(url).await;
        wire.raw(&format!("40{auth}")).await;
        match wire.next().await {
            Frame::ConnectError(code) => code,
            other => panic!("expected connect_error, got {other:?}"),
        }
    }

    /// A server that has closed meanwhile is noticed by what is read next.
    pub(crate) async fn raw(&mut self, frame: &str) {
        let _ = self.stream.send(Message::text(frame)).await;
    }

    pub(crate) async fn raw_binary(&mut self, frame: &[u8]) {
        self.stream.send(Message::binary(frame.to_vec())).await.unwrap();
    }

    pub(crate) async fn emit(&mut self, name: &str, payload: Value) {
        self.raw(&format!("42{}", json!([name, payload]))).await;
    }

    /// Sends with an ack id and returns it.
    pub(crate) async fn emit_asking(&mut self, name: &str, payload: Value) -> u64 {
        self.next_ack += 1;
        self.raw(&format!("42{}{}", self.next_ack, json!([name, payload]))).await;
        self.next_ack
    }

    /// Sends and waits for the answer.
    pub(crate) async fn ask(&mut self, name: &str, payload: Value) -> Value {
        let id = self.emit_asking(name, payload).await;
        self.answer(id).await
    }

    pub(crate) async fn answer(&mut self, id: u64) -> Value {
        loop {
            match self.next().await {
                Frame::Ack(answered, answer) if answered == id => return answer,
                Frame::Event(name, payload) => self.inbox.push_back((name, payload)),
                other => panic!("expected the answer {id}, got {other:?}"),
            }
        }
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> (String, Value) {
        if let Some(event) = self.inbox.pop_front() {
            return event;
        }
        match self.next().await {
            Frame::Event(name, payload) => (name, payload),
            other => panic!("expected an event, got {other:?}"),
        }
    }

    /// The next event of this name; others are passed over.
    pub(crate) async fn event_named(&mut self, name: &str) -> Value {
        loop {
            let (found, payload) = self.event().await;
            if found == name {
                return payload;
            }
        }
    }

    /// Everything that has come up to now: the answer to a heartbeat marks the end.
    pub(crate) async fn heard(&mut self) -> Vec<(String, Value)> {
        backing::told(&self.url).await;
        let answer = self.ask("heartbeat", json!({})).await;
        assert_eq!(answer["ok"], true, "{answer}");
        self.inbox.drain(..).collect()
    }

    /// Everything that has come up to now, also on a socket whose person may do nothing any more; `None` once it is closed.
    pub(crate) async fn drain(&mut self) -> Option<Vec<(String, Value)>> {
        backing::told(&self.url).await;
        let id = self.emit_asking("heartbeat", json!({})).await;
        loop {
            match self.next().await {
                Frame::Ack(answered, _) if answered == id => break,
                Frame::Event(name, payload) => self.inbox.push_back((name, payload)),
                Frame::Closed | Frame::Disconnected => return None,
                other => panic!("expected the answer {id}, got {other:?}"),
            }
        }
        self.statuses.clear();
        Some(self.inbox.drain(..).collect())
    }

    /// Waits until the server has closed or disconnected this socket; returns the events before it.
    pub(crate) async fn until_closed(&mut self) -> Vec<(String, Value)> {
        let mut events: Vec<_> = self.inbox.drain(..).collect();
        loop {
            match self.next().await {
                Frame::Event(name, payload) => events.push((name, payload)),
                Frame::Disconnected | Frame::Closed => return events,
                Frame::Ack(..) => {}
                other => panic!("unexpected {other:?}"),
            }
        }
    }

    pub(crate) async fn close(mut self) {
        self.stream.close(None).await.unwrap();
    }

    /// The next person one hears of, and how they can be reached.
    pub(crate) async fn status(&mut self) -> (String, String) {
        while self.statuses.is_empty() {
            match self.frame().await {
                Frame::Event(name, payload) if name == "presence" => self.keep_status(&payload),
                Frame::Event(name, payload) => self.inbox.push_back((name, payload)),
                other => panic!("expected a presence, got {other:?}"),
            }
        }
        self.statuses.pop_front().unwrap()
    }

    fn keep_status(&mut self, payload: &Value) {
        let text = |field: &str| payload[field].as_str().unwrap().to_owned();
        self.statuses.push_back((text("userId"), text("status")));
    }

    /// The next frame but a presence.
    pub(crate) async fn next(&mut self) -> Frame {
        loop {
            match self.frame().await {
                Frame::Event(name, payload) if name == "presence" => self.keep_status(&payload),
                other => return other,
            }
        }
    }

    async fn frame(&mut self) -> Frame {
        // For the whole call: pings go on and on.
        let deadline = Instant::now() + PATIENCE;
        loop {
            let message = match timeout_at(deadline, self.stream.next()).await.expect("the server says nothing") {
                Some(Ok(message)) => message,
                Some(Err(_)) | None => return Frame::Closed,
            };
            let text = match &message {
                Message::Text(text) => text.as_str(),
                Message::Close(_) => return Frame::Closed,
                _ => continue,
            };
            match text {
                "2" => self.raw("3").await,
                "1" | "6" => return Frame::Closed,
                "41" => return Frame::Disconnected,
                text if text.starts_with("40") => return Frame::Connected,
                text if text.starts_with("44") => {
                    let error: Value = serde_json::from_str(&text[2..]).unwrap();
                    return Frame::ConnectError(error["message"].as_str().unwrap().to_owned());
                }
                text if text.starts_with("42") => {
                    let (name, payload): (String, Value) = serde_json::from_str(&text[2..]).unwrap();
                    return Frame::Event(name, payload);
                }
                text if text.starts_with("43") => {
                    let start = text.find('[').unwrap();
                    let (answer,): (Value,) = serde_json::from_str(&text[start..]).unwrap();
                    return Frame::Ack(text[2..start].parse().unwrap(), answer);
                }
                other => panic!("unexpected frame {other}"),
            }
        }
    }
}
