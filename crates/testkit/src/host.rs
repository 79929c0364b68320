//! A keychain and a notification area in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, PoisonError},
};

use hugmedo_chat_core::host::{NativeNotification, Notifier, SecretStore, SecretStoreError};
use hugmedo_chat_protocol::{MessageId, Secret};
use tokio::sync::mpsc;

/// A keychain that can be made to fail.
#[derive(Clone, Default)]
pub struct MemorySecrets {
    entries: Arc<Mutex<BTreeMap<String, Secret>>>,
    failure: Arc<Mutex<Option<SecretStoreError>>>,
    refused: Arc<Mutex<Option<String>>>,
    question: Arc<Question>,
}

/// The keychain's question to the person.
#[derive(Default)]
struct Question {
    open: Mutex<bool>,
    answered: Condvar,
}

impl MemorySecrets {
    /// From now on every call waits, as behind a prompt, until [`MemorySecrets::answer`].
    pub fn ask(&self) {
        *self.question.open.lock().unwrap_or_else(PoisonError::into_inner) = true;
    }

    /// Lets every waiting call go on.
    pub fn answer(&self) {
        *self.question.open.lock().unwrap_or_else(PoisonError::into_inner) = false;
        self.question.answered.notify_all();
    }

    /// Puts another secret in place of every one whose name holds this text, as if the keychain had mixed them up.
    pub fn change(&self, text: &str, secret: &Secret) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        for (_, entry) in entries.iter_mut().filter(|(name, _)| name.contains(text)) {
            *entry = secret.clone();
        }
    }

    /// From now on every call fails so; `None` mends it.
    pub fn fail_with(&self, failure: Option<SecretStoreError>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    /// From now on nothing is written under a name that holds this text; `None` mends it.
    pub fn refuse_writing(&self, text: Option<&str>) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = text.map(str::to_owned);
    }

    /// Another keychain with the same entries.
    pub fn duplicate(&self) -> Self {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Self { entries: Arc::new(Mutex::new(entries)), ..Self::default() }
    }

    /// The names of all entries.
    pub fn names(&self) -> Vec<String> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// Removes every entry whose name holds this text, as if the keychain had lost it.
    pub fn lose(&self, text: &str) {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).retain(|name, _| !name.contains(text));
    }

    fn work<T>(&self, work: impl FnOnce(&mut BTreeMap<String, Secret>) -> T) -> Result<T, SecretStoreError> {
        let open = self.question.open.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.question.answered.wait_while(open, |open| *open).unwrap_or_else(PoisonError::into_inner));
        if let Some(failure) = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Err(failure);
        }
        Ok(work(&mut self.entries.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl SecretStore for MemorySecrets {
    fn read(&self, name: &str) -> Result<Option<Secret>, SecretStoreError> {
        self.work(|entries| entries.get(name).cloned())
    }

    fn write(&self, name: &str, secret: &Secret) -> Result<(), SecretStoreError> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if refused.is_some_and(|text| name.contains(&text)) {
            return Err(SecretStoreError::Failed("refused".to_owned()));
        }
        self.work(|entries| drop(entries.insert(name.to_owned(), secret.clone())))
    }

    fn delete(&self, name: &str) -> Result<(), SecretStoreError> {
        self.work(|entries| drop(entries.remove(name)))
    }
}

/// What stands on a computer's screen, whichever run of the app has raised it.
#[derive(Clone, Default)]
pub struct Screen(Arc<Mutex<BTreeMap<MessageId, NativeNotification>>>);

impl Screen {
    /// All of it.
    pub fn standing(&self) -> Vec<NativeNotification> {
        self.change(|standing| standing.values().cloned().collect())
    }

    /// What is to be read there, all of it.
    pub fn text(&self) -> String {
        self.standing().iter().map(|shown| format!("{} {}\n", shown.title.as_str(), shown.body.as_str())).collect()
    }

    fn change<T>(&self, change: impl FnOnce(&mut BTreeMap<MessageId, NativeNotification>) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Keeps what was raised, for a test to look at.
pub struct RecordingNotifier {
    screen: Screen,
    raised: mpsc::UnboundedSender<NativeNotification>,
    withdrawn: mpsc::UnboundedSender<MessageId>,
}

impl RecordingNotifier {
    /// The notifier, and what it raises.
    pub fn new() -> (Arc<Self>, mpsc::UnboundedReceiver<NativeNotification>) {
        let (notifier, raised, _) = Self::on(Screen::default());
        (notifier, raised)
    }

    /// As [`Self::new`], on a screen to look at, with what it takes back by name.
    pub fn on(
        screen: Screen,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<NativeNotification>, mpsc::UnboundedReceiver<MessageId>) {
        let ((raised, seen), (withdrawn, gone)) = (mpsc::unbounded_channel(), mpsc::unbounded_channel());
        (Arc::new(Self { screen, raised, withdrawn }), seen, gone)
    }
}

impl Notifier for RecordingNotifier {
    fn notify(&self, notification: NativeNotification) {
        self.screen.change(|standing| standing.insert(notification.message_id.clone(), notification.clone()));
        let _ = self.raised.send(notification);
    }

    fn withdraw(&self, messages: &[MessageId]) {
        for message in messages {
            self.screen.change(|standing| standing.remove(message));
            let _ = self.withdrawn.send(message.clone());
        }
    }

    fn replace(&self, message: &MessageId, by: NativeNotification) {
        self.screen.change(|standing| {
            if standing.remove(message).is_some() {
                standing.insert(by.message_id.clone(), by);
            }
        });
    }

    fn settle(&self, given: Vec<NativeNotification>) {
        self.screen.change(|standing| {
            let there = |given: &NativeNotification| standing.contains_key(&given.message_id);
            let kept = given.into_iter().filter(there).map(|given| (given.message_id.clone(), given)).collect();
            *standing = kept;
        });
    }
}
