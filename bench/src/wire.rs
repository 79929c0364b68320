//! A member on the bare wire: as much of Socket.IO as it takes to join a room, to say something and to note what is heard.
//! Cheap enough that a hundred of them measure the server and not themselves.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use hugmedo_chat_protocol::{RoomId, Secret};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::ledger::{id_in, text_of};

/// The longest the server may take to let someone in.
const PATIENCE: Duration = Duration::from_secs(30);

/// What makes a message long without making its number longer.
pub(crate) const PADDING: char = '字';

/// A socket in a room.
pub(crate) struct Wire {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    room: RoomId,
}

impl Wire {
    /// Connects and joins.
    pub(crate) async fn enter(server: SocketAddr, token: &Secret, room: &RoomId) -> Result<Self> {
        let entering = async {
            let url = format!("ws://{server}/socket.io/?EIO=4&transport=websocket");
            let (socket, _) = connect_async(url).await?;
            let mut wire = Self { socket, room: room.clone() };
            wire.frame_with("0{").await?;
            wire.send(format!("40{}", json!({ "token": token.expose() }))).await?;
            wire.frame_with("42[\"session\"").await?;
            wire.send(format!("420{}", json!(["join_room", { "roomId": room.as_str() }]))).await?;
            let answer = wire.frame_with("430[").await?;
            if !answer.contains("\"ok\":true") {
                bail!("not let into the room");
            }
            Ok(wire)
        };
        timeout(PATIENCE, entering).await.context("the server let nobody in")?
    }

    /// Hears until the task is ended, and notes when each message came.
    pub(crate) async fn listen(mut self, heard: mpsc::UnboundedSender<(String, Instant)>) -> Result<()> {
        loop {
            let frame = self.frame().await?;
            if let Some(id) = said(&frame) {
                let _ = heard.send((id, Instant::now()));
            }
        }
    }

    /// Says one after the other, each at its time, and waits for every answer. Returns when each was begun.
    pub(crate) async fn say_all(&mut self, ids: &[String], pace: Duration) -> Result<BTreeMap<String, Instant>> {
        let mut begun = BTreeMap::new();
        let mut pace = tokio::time::interval(pace);
        for id in ids {
            // Pings are answered while waiting, or the server would take the speaker for dead.
            loop {
                tokio::select! {
                    _ = pace.tick() => break,
                    frame = self.frame() => drop(frame?),
                }
            }
            begun.insert(id.clone(), Instant::now());
            let message = json!({
                "roomId": self.room.as_str(),
                "content": text_of(id),
                "attachments": [],
                "metadata": {},
                // Ids of messages are padded to their length; the wire's own are short.
                "clientMessageId": id.trim_end_matches(PADDING),
            });
            self.send(format!("421{}", json!(["message", message]))).await?;
            let answer = self.frame_with("431[").await?;
            if !answer.contains("\"ok\":true") {
                bail!("a message was refused");
            }
        }
        Ok(begun)
    }

    async fn send(&mut self, frame: String) -> Result<()> {
        Ok(self.socket.send(Message::text(frame)).await?)
    }

    async fn frame_with(&mut self, beginning: &str) -> Result<String> {
        loop {
            let frame = self.frame().await?;
            if frame.starts_with(beginning) {
                return Ok(frame);
            }
            if frame.starts_with("44") {
                bail!("the server refused the connection");
            }
        }
    }

    /// The next frame that is no ping.
    async fn frame(&mut self) -> Result<String> {
        loop {
            let message = self.socket.next().await.context("the server hung up")??;
            let Message::Text(text) = message else { continue };
            if text.as_str() == "2" {
                self.send("3".to_owned()).await?;
            } else {
                return Ok(text.as_str().to_owned());
            }
        }
    }
}

/// The id of the message that a frame brings.
fn said(frame: &str) -> Option<String> {
    let event: Value = serde_json::from_str(frame.strip_prefix("42")?).ok()?;
    if event.get(0)? != "new_message" {
        return None;
    }
    id_in(event.get(1)?.get("content")?.as_str()?).map(str::to_owned)
}
