//! Secrets in the operating system's keychain: Keychain Services, Credential Manager, or the Secret Service.
//!
//! Invariant: a secret is in the operating system's keychain or nowhere, and "could not read" is never "there is none".
//! There is no other store to fall back to; what to do without a keychain is core's and the person's choice.

use hugmedo_chat_core::host::{SecretStore, SecretStoreError};
use hugmedo_chat_protocol::Secret;
use keyring::{Entry, Error};

/// The keychain entries of this application. Calls may block, for as long as the person is asked to unlock it.
#[derive(Debug)]
pub(crate) struct Keychain {
    service: String,
    connection: connection::Connection,
}

impl Keychain {
    /// `service` is the name under which all entries of the application stand, its identifier.
    pub(crate) fn new(service: impl Into<String>) -> Self {
        Self { service: service.into(), connection: connection::Connection::default() }
    }

    /// Runs `operation` on the entry, once more on a fresh connection if the first one turns out to be dead.
    fn on_entry<T>(
        &self,
        name: &str,
        operation: impl Fn(&Entry) -> Result<T, Error>,
    ) -> Result<Option<T>, SecretStoreError> {
        let run = || {
            let entry = self.connection.entry(&self.service, name).map_err(unreachable)?;
            operation(&entry).map(Some).or_else(none_if_absent).map_err(classify)
        };
        match run() {
            Err(SecretStoreError::Failed(_)) if self.connection.renew() => run(),
            result => result,
        }
    }
}

impl SecretStore for Keychain {
    fn read(&self, name: &str) -> Result<Option<Secret>, SecretStoreError> {
        Ok(self.on_entry(name, Entry::get_password)?.map(Secret::new))
    }

    fn write(&self, name: &str, secret: &Secret) -> Result<(), SecretStoreError> {
        match self.on_entry(name, |entry| entry.set_password(secret.expose()))? {
            Some(()) => Ok(()),
            None => Err(SecretStoreError::Failed("it took the secret for one that does not exist".into())),
        }
    }

    fn delete(&self, name: &str) -> Result<(), SecretStoreError> {
        self.on_entry(name, Entry::delete_credential).map(|_| ())
    }
}

fn none_if_absent<T>(error: Error) -> Result<Option<T>, Error> {
    match error {
        Error::NoEntry => Ok(None),
        error => Err(error),
    }
}

/// Why an operation on a keychain that answers went wrong.
fn classify(error: Error) -> SecretStoreError {
    match error {
        Error::NoStorageAccess(cause) => SecretStoreError::Locked(cause.to_string()),
        Error::NoDefaultStore => SecretStoreError::Missing("no store for this system".into()),
        // These carry what was stored: say which, never what.
        Error::BadEncoding(_) => SecretStoreError::Failed("the entry is not text".into()),
        Error::BadDataFormat(..) => SecretStoreError::Failed("the entry has a foreign format".into()),
        Error::Ambiguous(entries) => SecretStoreError::Failed(format!("{} entries under one name", entries.len())),
        error => SecretStoreError::Failed(error.to_string()),
    }
}

/// Why the keychain could not even be reached.
fn unreachable(error: Error) -> SecretStoreError {
    match classify(error) {
        SecretStoreError::Failed(cause) => SecretStoreError::Missing(cause),
        other => other,
    }
}

/// The Secret Service is a process that may start after us, or restart: `keyring` itself connects once and, if that failed,
/// never again. So the connection is made here, and made anew when it fails.
#[cfg(all(unix, not(target_os = "macos")))]
mod connection {
    use std::sync::{Arc, Mutex, PoisonError};

    use keyring::{Entry, Error};
    use keyring_core::api::CredentialStoreApi;
    use zbus_secret_service_keyring_store::Store;

    #[derive(Debug, Default)]
    pub(super) struct Connection(Mutex<Option<Arc<Store>>>);

    impl Connection {
        pub(super) fn entry(&self, service: &str, name: &str) -> Result<Entry, Error> {
            let mut connected = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let store = match connected.as_ref() {
                Some(store) => Arc::clone(store),
                None => Arc::clone(connected.insert(Store::new()?)),
            };
            drop(connected);
            Ok(Entry { inner: store.build(service, name, None)? })
        }

        /// Forgets the connection; the next entry makes a new one. Whether that may help.
        pub(super) fn renew(&self) -> bool {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
        }
    }
}

/// macOS and Windows answer from within the system: there is nothing to connect to.
#[cfg(not(all(unix, not(target_os = "macos"))))]
mod connection {
    use keyring::{Entry, Error};

    #[derive(Debug, Default)]
    pub(super) struct Connection;

    impl Connection {
        pub(super) fn entry(&self, service: &str, name: &str) -> Result<Entry, Error> {
            Entry::new(service, name)
        }

        pub(super) fn renew(&self) -> bool {
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause() -> Box<dyn std::error::Error + Send + Sync> {
        "the cause".into()
    }

    #[test]
    fn a_locked_keychain_is_told_apart_from_one_that_fails_and_one_that_is_not_there() {
        assert_eq!(classify(Error::NoStorageAccess(cause())), SecretStoreError::Locked("the cause".into()));
        assert!(matches!(classify(Error::PlatformFailure(cause())), SecretStoreError::Failed(_)));
        assert!(matches!(classify(Error::NoDefaultStore), SecretStoreError::Missing(_)));
        assert!(matches!(unreachable(Error::PlatformFailure(cause())), SecretStoreError::Missing(_)));
        assert!(matches!(unreachable(Error::NoStorageAccess(cause())), SecretStoreError::Locked(_)));
    }

    #[test]
    fn only_an_absent_entry_reads_as_none() {
        assert!(matches!(none_if_absent::<()>(Error::NoEntry), Ok(None)));
        assert!(none_if_absent::<()>(Error::NoStorageAccess(cause())).is_err());
        assert!(none_if_absent::<()>(Error::NoDefaultStore).is_err());
    }

    #[test]
    fn an_error_never_quotes_what_was_stored() {
        let stored = b"hunter2".to_vec();
        for error in [Error::BadEncoding(stored.clone()), Error::BadDataFormat(stored, "hunter2".into())] {
            assert!(!classify(error).to_string().contains("hunter2"));
        }
    }
}
