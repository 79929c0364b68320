//! What core needs from whatever runs it: a place for secrets, and a way to raise a notification.
//!
//! The shell implements both over the operating system; tests implement both in memory. A trait here grows only when core
//! needs an operation that every host can offer; it offers operations, never handles of the host.

use hugmedo_chat_protocol::{MessageId, RoomId, Secret, Sensitive};

/// The operating system's keychain. Calls may block, so core makes them off its event loop.
pub trait SecretStore: Send + Sync + 'static {
    /// The secret under this name, or `None` if there is none.
    ///
    /// # Errors
    /// If the keychain is missing, locked or fails. "Could not read" is never "there is none".
    fn read(&self, name: &str) -> Result<Option<Secret>, SecretStoreError>;

    /// Puts a secret under this name, in place of any other.
    ///
    /// # Errors
    /// See [`SecretStore::read`].
    fn write(&self, name: &str, secret: &Secret) -> Result<(), SecretStoreError>;

    /// Removes the secret under this name; none there is fine.
    ///
    /// # Errors
    /// See [`SecretStore::read`].
    fn delete(&self, name: &str) -> Result<(), SecretStoreError>;
}

/// Why the keychain did not answer. The cause is for logs; it holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SecretStoreError {
    /// There is no keychain service.
    #[error("no keychain service: {0}")]
    Missing(String),
    /// It is locked, or access was denied.
    #[error("the keychain is locked: {0}")]
    Locked(String),
    /// It failed.
    #[error("the keychain failed: {0}")]
    Failed(String),
}

/// How a notification sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sound {
    /// Soft: nothing has to be done at once.
    Routine,
    /// To be heard over a ward.
    Urgent,
}

/// A native notification, already worded in the person's language and cut to their privacy level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NativeNotification {
    /// The message it is about. At most one notification is ever raised per message, but for urgent ones that are raised again.
    pub message_id: MessageId,
    /// The room a click shows.
    pub room_id: RoomId,
    /// First line.
    pub title: Sensitive,
    /// Second line; may be empty.
    pub body: Sensitive,
    /// Whether it must stay until someone reacts.
    pub urgent: bool,
    /// Whether it was raised before, and nobody has taken the message on since. It takes the place of the one before.
    pub repeated: bool,
    /// How it sounds; `None` for silently.
    pub sound: Option<Sound>,
}

/// Raises native notifications. Must not block.
pub trait Notifier: Send + Sync + 'static {
    /// Raises one.
    fn notify(&self, notification: NativeNotification);

    /// Takes those of these messages from the screen that are still there.
    fn withdraw(&self, messages: &[MessageId]);

    /// Lets the one of a message that is still on the screen say this instead, without a sound. One that is not there is not raised.
    fn replace(&self, message: &MessageId, by: NativeNotification);

    /// Takes those of all other messages from the screen, also what an earlier run of the app has left there. Those of these
    /// messages that are on it say what is given from now on, without a sound. None is raised that is not there.
    fn settle(&self, standing: Vec<NativeNotification>);
}
