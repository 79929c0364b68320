//! What the app wishes of the desktop's notification service, and what it hears from there.
//!
//! Invariants: what is wished happens in the order of the wishes; what the service has closed is forgotten; a service that hangs
//! holds up notifications and nothing else.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    marker::PhantomData,
    path::{Path, PathBuf},
};

use futures_util::{StreamExt, stream};
use hugmedo_chat_core::{
    host::{NativeNotification, Sound},
    view::{Language, NotificationTest},
};
use hugmedo_chat_protocol::{MessageId, RoomId};
use tauri::{AppHandle, Manager, Runtime};
use tokio::sync::{mpsc, oneshot};
use zbus::{Message, zvariant::Value};

use super::{
    bus::{Service, Signals},
    left_over::LeftOver,
    sound::{self, Sounds},
};
use crate::core_handle::CoreHandle;

/// As the desktop knows the app: its entry in the menu, and its icon.
const DESKTOP_ENTRY: &str = "hugmedo-chat";
enum Wish {
    Raise(NativeNotification),
    Withdraw(Vec<MessageId>),
    Replace(MessageId, Box<NativeNotification>),
    Settle(Vec<NativeNotification>),
    /// All before it are served.
    Served(oneshot::Sender<()>),
    TryOut {
        words: [String; 2],
        sound: Option<Sound>,
        outcome: oneshot::Sender<NotificationTest>,
    },
}

/// The app's way to the service.
pub(super) struct Notifications<R: Runtime> {
    wishes: mpsc::UnboundedSender<Wish>,
    _runtime: PhantomData<fn() -> R>,
}

impl<R: Runtime> Notifications<R> {
    pub(super) fn start(app: AppHandle<R>, data_dir: &Path) -> Self {
        let (wishes, received) = mpsc::unbounded_channel();
        tauri::async_runtime::spawn(serve(app, data_dir.to_owned(), received));
        Self { wishes, _runtime: PhantomData }
    }

    pub(super) fn raise(&self, notification: NativeNotification) {
        self.wish(Wish::Raise(notification));
    }

    pub(super) fn withdraw(&self, messages: &[MessageId]) {
        self.wish(Wish::Withdraw(messages.to_vec()));
    }

    pub(super) fn replace(&self, message: &MessageId, by: NativeNotification) {
        self.wish(Wish::Replace(message.clone(), Box::new(by)));
    }

    pub(super) fn settle(&self, standing: Vec<NativeNotification>) {
        self.wish(Wish::Settle(standing));
    }

    pub(super) async fn try_out(&self, title: &str, body: &str, sound: Option<Sound>) -> NotificationTest {
        let (outcome, told) = oneshot::channel();
        self.wish(Wish::TryOut { words: [title.to_owned(), body.to_owned()], sound, outcome });
        told.await.unwrap_or(NotificationTest::NoService)
    }

    /// Waits until what was wished so far is done, for as long as the service may take to answer.
    #[cfg(target_os = "linux")]
    pub(super) async fn served(&self) {
        let (done, served) = oneshot::channel();
        self.wish(Wish::Served(done));
        if tokio::time::timeout(super::bus::PATIENCE, served).await.is_err() {
            tracing::warn!(reason = "not_served", "notifications may say more than a locked app's");
        }
    }

    fn wish(&self, wish: Wish) {
        // It ends with the app only.
        let _ = self.wishes.send(wish);
    }
}

/// What one notification says and how.
struct Worded<'a> {
    title: &'a str,
    body: &'a str,
    urgent: bool,
    sound: Option<Sound>,
    /// Whose place it takes; 0 for nobody's.
    replaces: u32,
}

impl<'a> Worded<'a> {
    fn of(notification: &'a NativeNotification, replaces: u32) -> Self {
        Self {
            title: notification.title.as_str(),
            body: notification.body.as_str(),
            urgent: notification.urgent,
            sound: notification.sound.filter(|_| replaces == 0),
            replaces,
        }
    }
}

/// The desk at which wishes are served.
struct Desk<R: Runtime> {
    app: AppHandle<R>,
    sounds: Sounds,
    service: Option<Service>,
    left_over: LeftOver,
    /// Of what this run has shown: what it is about, by the service's numbers.
    about: BTreeMap<u32, (RoomId, MessageId)>,
}

async fn serve<R: Runtime>(app: AppHandle<R>, data_dir: PathBuf, mut wishes: mpsc::UnboundedReceiver<Wish>) {
    let (sounds, left_over) = (Sounds::in_folder(&data_dir), LeftOver::read(&data_dir));
    let mut desk = Desk { app, sounds, service: None, left_over, about: BTreeMap::new() };
    let mut signals: Signals = Box::new(stream::pending());
    loop {
        tokio::select! {
            signal = signals.next() => match signal {
                Some(Ok(signal)) => desk.hear(&signal),
                Some(Err(_)) => {}
                // The bus is gone, and with it whatever was shown.
                None => {
                    desk.service = None;
                    signals = Box::new(stream::pending());
                }
            },
            wish = wishes.recv() => {
                let Some(wish) = wish else { return };
                if desk.service.is_none() {
                    match Service::find().await {
                        Ok((service, heard)) => {
                            desk.left_over.of(&service.identity);
                            (desk.service, signals) = (Some(service), heard);
                        }
                        Err(_) => tracing::warn!(reason = "no_service", "nothing shows notifications"),
                    }
                }
                desk.serve(wish).await;
            }
        }
    }
}

impl<R: Runtime> Desk<R> {
    async fn serve(&mut self, wish: Wish) {
        match wish {
            Wish::Raise(notification) => {
                // Taken away and raised anew, so that it is seen again.
                self.take_away(&notification.message_id).await;
                self.show(&notification, 0).await;
            }
            Wish::Withdraw(messages) => {
                for message in &messages {
                    self.take_away(message).await;
                }
            }
            Wish::Replace(message, by) => {
                if let Some(number) = self.left_over.forget(&message) {
                    self.show(&by, number).await;
                }
            }
            Wish::Settle(standing) => {
                let others = self.left_over.forget_others(standing.iter().map(|given| &given.message_id));
                for number in others {
                    self.close(number).await;
                }
                for given in &standing {
                    if let Some(number) = self.left_over.number(&given.message_id) {
                        self.show(given, number).await;
                    }
                }
            }
            Wish::Served(done) => drop(done.send(())),
            Wish::TryOut { words: [title, body], sound, outcome } => {
                let worded = Worded { title: &title, body: &body, urgent: false, sound, replaces: 0 };
                let raised = self.notify(&worded).await.is_some();
                // Whoever asked may have gone.
                let _ = outcome.send(self.outcome(raised).await);
            }
        }
    }

    async fn outcome(&self, raised: bool) -> NotificationTest {
        let Some(service) = self.service.as_ref().filter(|_| raised) else { return NotificationTest::NoService };
        if service.holds_back().await {
            return NotificationTest::HeldBack;
        }
        NotificationTest::Raised { service: service.name().await.ok() }
    }

    /// Shows one. Nothing to show it is logged, and told by the self-test.
    async fn show(&mut self, notification: &NativeNotification, replaces: u32) {
        let Some(number) = self.notify(&Worded::of(notification, replaces)).await else {
            return tracing::warn!(reason = "not_taken", "notification not raised");
        };
        if number != replaces {
            self.about.remove(&replaces);
        }
        self.about.insert(number, (notification.room_id.clone(), notification.message_id.clone()));
        self.left_over.note(&notification.message_id, number);
    }

    /// Hands one over, and has it heard. Returns the service's number for it.
    async fn notify(&mut self, worded: &Worded<'_>) -> Option<u32> {
        let language = self.app.state::<CoreHandle>().running().map(hugmedo_chat_core::Core::language);
        let label = if language == Some(Language::En) { "Open" } else { "開く" };
        let file = worded.sound.and_then(|sound| self.sounds.file(sound));
        let service = self.service.as_ref()?;
        let urgency: u8 = if worded.urgent { 2 } else { 1 };
        let mut hints = HashMap::from([
            ("urgency", Value::from(urgency)),
            ("category", Value::from("im.received")),
            ("desktop-entry", Value::from(DESKTOP_ENTRY)),
        ]);
        match file.as_ref().filter(|_| service.sounds) {
            Some(file) => drop(hints.insert("sound-file", Value::from(file.to_string_lossy().into_owned()))),
            None => drop(hints.insert("suppress-sound", Value::from(true))),
        }
        // An urgent one stays until someone reacts; how long others stay is the desktop's business.
        let expires: i32 = if worded.urgent { 0 } else { -1 };
        let body = escape_markup(worded.body);
        let actions = ["default", label];
        let shown =
            ("HugMeDo Chat", worded.replaces, DESKTOP_ENTRY, worded.title, &*body, &actions[..], hints, expires);
        let answered = service.call("Notify", &shown).await;
        let number = answered.ok().and_then(|answer| answer.body().deserialize::<u32>().ok());
        // The desktop's own 'do not disturb' is the person's wish too, but for what is urgent.
        if let Some(file) = file.filter(|_| number.is_some() && !service.sounds)
            && (worded.urgent || !service.holds_back().await)
        {
            sound::play(&file);
        }
        number
    }

    async fn take_away(&mut self, message: &MessageId) {
        if let Some(number) = self.left_over.forget(message) {
            self.close(number).await;
        }
    }

    async fn close(&mut self, number: u32) {
        self.about.remove(&number);
        if let Some(service) = &self.service {
            service.close(number).await;
        }
    }

    /// What the service tells, or the bus of it.
    fn hear(&mut self, signal: &Message) {
        let (header, body) = (signal.header(), signal.body());
        match header.member().map(|member| member.as_str()) {
            Some("ActionInvoked") => {
                let Ok((number, _action)) = body.deserialize::<(u32, String)>() else { return };
                match self.about.get(&number).cloned() {
                    Some((room, message)) => super::clicked(&self.app, Some((room, Some(message)))),
                    // Of an earlier run, and not taken over yet.
                    None if self.left_over.has(number) => super::clicked(&self.app, None),
                    None => {}
                }
            }
            Some("NotificationClosed") => {
                let Ok((number, _reason)) = body.deserialize::<(u32, u32)>() else { return };
                self.about.remove(&number);
                self.left_over.forget_number(number);
            }
            // Another service, or none, to which our numbers say nothing.
            Some("NameOwnerChanged") => {
                let Ok((_, _, owner)) = body.deserialize::<(String, String, String)>() else { return };
                let known = self.service.as_ref().map_or("", |service| service.identity.as_str());
                if !known.ends_with(&format!(" {owner}")) {
                    self.about.clear();
                    self.service = None;
                }
            }
            _ => {}
        }
    }
}

/// The specification gives the body, and only the body, a small HTML: what a person wrote must not become links or images there.
fn escape_markup(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>', '"', '\'']) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            character => escaped.push(character),
        }
    }
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_wrote_never_becomes_markup() {
        assert_eq!(
            escape_markup("<a href=\"http://x\">BP < 90 & HR > 120</a>"),
            "&lt;a href=&quot;http://x&quot;&gt;BP &lt; 90 &amp; HR &gt; 120&lt;/a&gt;"
        );
        assert_eq!(escape_markup("田中さん、38.5℃です"), "田中さん、38.5℃です");
        assert_eq!(escape_markup("&amp;"), "&amp;amp;");
    }
}
