//! A member on the bare wire: as much of Socket.IO as it takes to join a room, to say something and to note what is heard.
//! Cheap enough that a hundred of them measure the server and not themselves.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use anyhow::{Context as _, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use hugmedo_chat_protocol::{RoomId, Secret};
use serde_json::json;
use tokio::{
    net::TcpStream,
    sync::mpsc,
    time::{Instant, timeout},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

use crate::ledger::text_of;

/// The longest the server may take to let someone in.
const PATIENCE: Duration = Duration::from_secs(30);

/// What makes a message long without making its number longer.
pub(crate) const PADDING: char = '字';

/// A socket, and the room it speaks in.
pub(crate) struct Wire {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    room: RoomId,
}

impl Wire {
    /// Connects and joins.
    pub(crate) async fn enter(server: SocketAddr, token: &Secret, room: &RoomId) -> Result<Self> {
        let mut wire = Self::connect(server, token, room).await?;
        timeout(PATIENCE, wire.join()).await.context("the server let nobody into the room")??;
        Ok(wire)
    }

    /// Connects, so that it can speak.
    pub(crate) async fn connect(server: SocketAddr, token: &Secret, room: &RoomId) -> Result<Self> {
        let connecting = async {
            let url = format!("ws://{server}/socket.io/?EIO=4&transport=websocket");
            let (socket, _) = connect_async(url).await?;
            let mut wire = Self { socket, room: room.clone() };
            wire.frame_with("0{").await?;
            wire.send(format!("40{}", json!({ "token": token.expose() }))).await?;
            wire.frame_with("42[\"session\"").await?;
            Ok(wire)
        };
        timeout(PATIENCE, connecting).await.context("the server let nobody in")?
    }

    async fn join(&mut self) -> Result<()> {
        self.send(format!("420{}", json!(["join_room", { "roomId": self.room.as_str() }]))).await?;
        let answer = self.frame_with("430[").await?;
        if !answer.contains("\"ok\":true") {
            bail!("not let into the room");
        }
        Ok(())
    }

    /// Hears until the task is ended, and notes when each message came.
    pub(crate) async fn listen(mut self, heard: mpsc::UnboundedSender<(String, Instant)>) -> Result<()> {
        loop {
            let _ = heard.send(self.heard().await?);
        }
    }

    /// Hears so many messages, and notes when each came.
    pub(crate) async fn hear(&mut self, count: usize) -> Result<Vec<(String, Instant)>> {
        let mut heard = Vec::with_capacity(count);
        while heard.len() < count {
            heard.push(timeout(PATIENCE, self.heard()).await.context("a message did not come")??);
        }
        Ok(heard)
    }

    async fn heard(&mut self) -> Result<(String, Instant)> {
        loop {
            let frame = self.frame().await?;
            if let Some(id) = said(&frame) {
                return Ok((id.to_owned(), Instant::now()));
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
            self.say(1, id).await?;
            accepted(&self.frame_with("431[").await?)?;
        }
        Ok(begun)
    }

    /// Says all as fast as they are taken, at most so many of them without an answer.
    pub(crate) async fn pour(&mut self, ids: &[String], at_once: usize) -> Result<()> {
        let mut answered = 0;
        for (number, id) in ids.iter().enumerate() {
            while number - answered >= at_once {
                answered += self.answer().await?;
            }
            self.say(number, id).await?;
        }
        while answered < ids.len() {
            answered += timeout(PATIENCE, self.answer()).await.context("a message was not answered")??;
        }
        Ok(())
    }

    /// One for an answer, nothing for any other frame.
    async fn answer(&mut self) -> Result<usize> {
        let frame = self.frame().await?;
        if !frame.starts_with("43") {
            return Ok(0);
        }
        accepted(&frame).map(|()| 1)
    }

    async fn say(&mut self, number: usize, id: &str) -> Result<()> {
        let message = json!({
            "roomId": self.room.as_str(),
            "content": text_of(id),
            "attachments": [],
            "metadata": {},
            // Ids of messages are padded to their length; the wire's own are short.
            "clientMessageId": id.trim_end_matches(PADDING),
        });
        self.send(format!("42{number}{}", json!(["message", message]))).await
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

fn accepted(answer: &str) -> Result<()> {
    if !answer.contains("\"ok\":true") {
        bail!("a message was refused");
    }
    Ok(())
}

/// The id of the message that a frame brings. Looked for as text: a thousand listeners that parse would measure themselves.
fn said(frame: &str) -> Option<&str> {
    let (_, content) = frame.strip_prefix("42[\"new_message\"")?.split_once("\"content\":\"")?;
    content.split_once(' ').map(|(id, _)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_known_by_how_its_text_begins() {
        let frame = format!("42{}", json!(["new_message", { "roomId": "a", "content": text_of("r1n2") }]));
        assert_eq!(said(&frame), Some("r1n2"));
        assert_eq!(said(&frame.replace("new_message", "notification")), None);
    }
}
