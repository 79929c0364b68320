//! People who live in the server, so that one person alone sees a living chat.
//!
//! They read, type and speak through [`crate::chat`] like everyone, with tokens of their own. They answer people, never
//! each other, speak only while somebody is there to hear it, and are silent while someone real is signed in as them.

use std::{sync::Arc, time::Duration};

use hugmedo_chat_protocol::{Message, Priority, Read, RoomId, Typing, UserId};
use tokio::{sync::broadcast::error::RecvError, time::Instant};

use super::voices::{VOICES, Voice};
use crate::{
    app::App,
    chat,
    credential::TokenHash,
    error::Error,
    failure::Failure,
    fanout::Heard,
    presence, sign_in,
    store::{StoreError, sessions, users},
};

/// From hearing to having read.
const READING: Duration = Duration::from_millis(900);
/// From having read to the first key.
const THINKING: Duration = Duration::from_millis(900);
/// For one character.
const KEY: Duration = Duration::from_millis(80);
const SHORTEST_TYPING: Duration = Duration::from_millis(1500);
/// Short enough that an answer comes within eight seconds even to someone who interrupts a beginning.
const LONGEST_TYPING: Duration = Duration::from_millis(3000);
/// Whoever arrives this soon after a beginning does not cause the next.
const PAUSE: Duration = Duration::from_secs(60);
/// How long their tokens live; then they take new ones.
const TOKEN_TTL: Duration = Duration::from_secs(60 * 60);

/// Lets the people of the sample hospital live until the server stops. People this store does not know stay away.
pub(crate) async fn live(app: &Arc<App>) -> Result<(), Error> {
    for voice in VOICES {
        let known = app.store.read(|tx| users::account(tx, voice.user)).await?;
        if known.is_some_and(|account| !account.disabled) {
            let person = Person::new(app.clone(), voice);
            let stop = app.stop.clone();
            tokio::spawn(async move { stop.run_until_cancelled(person.live()).await });
        }
    }
    Ok(())
}

struct Person {
    app: Arc<App>,
    voice: &'static Voice,
    id: UserId,
    token: Option<TokenHash>,
    /// What waits for an answer, and until when they read it.
    asked: Option<(Instant, Arc<Message>)>,
    begin_at: Option<Instant>,
    began_at: Option<Instant>,
    answers: usize,
    beginnings: usize,
}

impl Person {
    fn new(app: Arc<App>, voice: &'static Voice) -> Self {
        Self {
            app,
            voice,
            id: UserId::new(voice.user),
            token: None,
            asked: None,
            begin_at: None,
            began_at: None,
            answers: 0,
            beginnings: 0,
        }
    }

    async fn live(mut self) {
        let mut heard = self.app.fanout.listen();
        presence::arrive(&self.app, &self.id);
        loop {
            let answer_at = self.asked.as_ref().map(|(at, _)| *at);
            tokio::select! {
                heard = heard.recv() => match heard {
                    Ok(Heard::Arrived) => self.greet(),
                    Ok(Heard::Said(message)) => self.listen(message),
                    Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                },
                () = at(answer_at) => self.answer().await,
                () = at(self.begin_at) => self.begin().await,
            }
        }
    }

    fn greet(&mut self) {
        let now = Instant::now();
        let rests = self.began_at.is_some_and(|began| now.duration_since(began) < PAUSE);
        let soon = now + self.voice.first;
        if !rests && self.begin_at.is_none_or(|planned| planned > soon) {
            self.begin_at = Some(soon);
        }
    }

    fn listen(&mut self, message: Arc<Message>) {
        let is_mine = self.voice.rooms.contains(&message.room_id.as_str());
        let is_simulated = VOICES.iter().any(|voice| voice.user == message.user_id.as_str());
        if is_mine && !is_simulated {
            // Several in a row get one answer, to the last, no later than the first would have had it.
            let read_at = self.asked.as_ref().map_or_else(|| Instant::now() + READING, |(at, _)| *at);
            self.asked = Some((read_at, message));
        }
    }

    async fn answer(&mut self) {
        let Some((_, message)) = self.asked.take() else { return };
        let text = self.voice.answer(message.content.as_str(), self.answers);
        self.answers += 1;
        if let Err(failure) = self.read_and_speak(&message.room_id, Some(&message), text).await {
            self.note(failure);
        }
    }

    async fn begin(&mut self) {
        self.begin_at = None;
        let (Some(room), false) = (self.voice.rooms.first(), self.app.fanout.all_sockets().is_empty()) else { return };
        let now = Instant::now();
        self.began_at = Some(now);
        self.begin_at = Some(now + self.voice.every);
        let text = self.voice.beginning(self.beginnings);
        self.beginnings += 1;
        if let Err(failure) = self.read_and_speak(&RoomId::new(*room), None, text).await {
            self.note(failure);
        }
    }

    async fn read_and_speak(&mut self, room: &RoomId, to: Option<&Message>, text: &str) -> Result<(), Failure> {
        let Some(token) = self.token().await? else { return Ok(()) };
        if let Some(up_to_seq) = to.and_then(|message| message.seq) {
            let (_, untold) = chat::read(&self.app, token, Read { room_id: room.clone(), up_to_seq }).await?.split();
            untold.announce(&self.app).await;
            tokio::time::sleep(THINKING).await;
        }
        let typing = |is_typing| Typing { room_id: room.clone(), user_id: None, is_typing };
        chat::type_notice(&self.app, token, typing(true)).await?;
        let keys = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        tokio::time::sleep(KEY.saturating_mul(keys).clamp(SHORTEST_TYPING, LONGEST_TYPING)).await;
        chat::type_notice(&self.app, token, typing(false)).await?;
        // Someone real may have come while they typed.
        if self.token().await?.is_none() {
            return Ok(());
        }
        let (_, untold) = chat::say(&self.app, token, super::wish(room, text, Priority::Normal)).await?.split();
        untold.announce(&self.app).await;
        Ok(())
    }

    /// Their token, unless someone real is signed in as them.
    async fn token(&mut self) -> Result<Option<TokenHash>, Failure> {
        let token = match self.token {
            Some(token) => token,
            None => {
                let id = self.id.clone();
                let (token, _) = self.app.store.write(move |tx| sign_in::issue(tx, &id, TOKEN_TTL)).await?;
                *self.token.insert(TokenHash::of(&token))
            }
        };
        let id = self.id.clone();
        let is_real: Result<bool, StoreError> = self.app.store.read(move |tx| sessions::is_signed_in(tx, &id)).await;
        Ok((!is_real? && self.app.fanout.sockets_of(&self.id).is_empty()).then_some(token))
    }

    /// Next time with a fresh token: the old one may have ended.
    fn note(&mut self, failure: Failure) {
        tracing::debug!(%failure, person = self.voice.user, "a simulated person could not speak");
        self.token = None;
    }
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}
