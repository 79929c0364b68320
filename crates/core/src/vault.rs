//! What is kept in the keychain for one data folder: the session, and of each account the key of its store, its lock and how
//! long its data may stay.
//!
//! Invariant: nothing confidential is ever in a file in the clear, and keychain calls, which may block, run off the event
//! loop.

use std::sync::Arc;

use hugmedo_chat_protocol::{Secret, UserId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    address::ServerAddress,
    error::{Error, ErrorCode},
    host::{SecretStore, SecretStoreError},
    lock::LockRecord,
    remains::Remains,
    surroundings::Surroundings,
};

/// A session that outlives the app. Small, because some keychains hold no more than 2,560 bytes in one entry.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SavedSession {
    pub(crate) server: String,
    pub(crate) user_id: UserId,
    pub(crate) token: SavedToken,
    /// Of the renewal the token is good for. Kept from before it is begun, so that it can be asked for again after a crash too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) renewal_id: Option<Secret>,
}

impl SavedSession {
    /// The name of its account in folders and keychain entries.
    pub(crate) fn account(&self) -> Option<String> {
        // Consent to an unencrypted connection was given when this address was signed in to.
        let server = ServerAddress::parse(&self.server, true).ok()?;
        Some(account_name(&server, &self.user_id))
    }
}

/// What opens the session again.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum SavedToken {
    /// Good for one renewal.
    Refresh(Secret),
    /// Issued elsewhere; used as it is until it is refused.
    Access(Secret),
}

/// The keychain entries of one data folder.
#[derive(Clone)]
pub(crate) struct Vault {
    secrets: Arc<dyn SecretStore>,
    profile: String,
    surroundings: Surroundings,
}

impl Vault {
    /// `profile` tells apart data folders that share a keychain.
    pub(crate) fn new(secrets: Arc<dyn SecretStore>, profile: String, surroundings: Surroundings) -> Self {
        Self { secrets, profile, surroundings }
    }

    pub(crate) async fn session(&self) -> Result<Option<SavedSession>, Error> {
        let saved = self.run("session", |secrets, name| secrets.read(name)).await?;
        // An entry of an older or newer shape is as good as none: the person signs in again.
        Ok(saved.and_then(|saved| serde_json::from_str(saved.expose()).ok()))
    }

    pub(crate) async fn save_session(&self, session: &SavedSession) -> Result<(), Error> {
        let text = serde_json::to_string(session).map_err(|_| Error::new(ErrorCode::Internal, "session as JSON"))?;
        let secret = Secret::new(text);
        self.run("session", move |secrets, name| secrets.write(name, &secret)).await
    }

    pub(crate) async fn forget_session(&self) -> Result<(), Error> {
        self.run("session", |secrets, name| secrets.delete(name)).await
    }

    pub(crate) async fn store_key(&self, account: &str) -> Result<Option<Secret>, Error> {
        let key = self.run(&format!("store-key:{account}"), |secrets, name| secrets.read(name)).await?;
        // What is no key of ours opens no store of ours; SQLCipher would take it for a pass phrase.
        Ok(key.filter(|key| is_key(key.expose())))
    }

    pub(crate) async fn save_store_key(&self, account: &str, key: &Secret) -> Result<(), Error> {
        let key = key.clone();
        self.run(&format!("store-key:{account}"), move |secrets, name| secrets.write(name, &key)).await
    }

    pub(crate) async fn forget_store_key(&self, account: &str) -> Result<(), Error> {
        self.run(&format!("store-key:{account}"), |secrets, name| secrets.delete(name)).await
    }

    /// How the account is locked; not at all where the keychain holds nothing about it.
    pub(crate) async fn lock_record(&self, account: &str) -> Result<LockRecord, Error> {
        let record = self.run(&format!("lock:{account}"), |secrets, name| secrets.read(name)).await?;
        match record {
            // One that cannot be read locks, and has no PIN: its owner signs in.
            Some(record) => Ok(serde_json::from_str(record.expose()).unwrap_or(LockRecord { locked: true, pin: None })),
            None => Ok(LockRecord::default()),
        }
    }

    pub(crate) async fn save_lock_record(&self, account: &str, record: &LockRecord) -> Result<(), Error> {
        let text = serde_json::to_string(record).map_err(|_| Error::new(ErrorCode::Internal, "lock as JSON"))?;
        let secret = Secret::new(text);
        self.run(&format!("lock:{account}"), move |secrets, name| secrets.write(name, &secret)).await
    }

    pub(crate) async fn forget_lock_record(&self, account: &str) -> Result<(), Error> {
        self.run(&format!("lock:{account}"), |secrets, name| secrets.delete(name)).await
    }

    /// What is left of an account; nothing to be heeded where the keychain holds nothing about it.
    pub(crate) async fn remains(&self, account: &str) -> Result<Remains, Error> {
        let remains = self.run(&format!("remains:{account}"), |secrets, name| secrets.read(name)).await?;
        Ok(remains.and_then(|remains| serde_json::from_str(remains.expose()).ok()).unwrap_or_default())
    }

    pub(crate) async fn save_remains(&self, account: &str, remains: &Remains) -> Result<(), Error> {
        let text = serde_json::to_string(remains).map_err(|_| Error::new(ErrorCode::Internal, "remains as JSON"))?;
        let secret = Secret::new(text);
        self.run(&format!("remains:{account}"), move |secrets, name| secrets.write(name, &secret)).await
    }

    pub(crate) async fn forget_remains(&self, account: &str) -> Result<(), Error> {
        self.run(&format!("remains:{account}"), |secrets, name| secrets.delete(name)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        entry: &str,
        work: impl FnOnce(&dyn SecretStore, &str) -> Result<T, SecretStoreError> + Send + 'static,
    ) -> Result<T, Error> {
        let secrets = Arc::clone(&self.secrets);
        let name = format!("{}:{entry}", self.profile);
        self.surroundings.off_loop(move || Ok(work(secrets.as_ref(), &name)?)).await
    }
}

/// Whether this is what `store::new_key` makes: 32 bytes as hexadecimal digits.
fn is_key(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The name of a person's account on one server, for folders and keychain entries: says neither.
pub(crate) fn account_name(server: &ServerAddress, user: &UserId) -> String {
    let digest = Sha256::digest(format!("{}\n{user}", server.as_str()));
    digest.iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}
