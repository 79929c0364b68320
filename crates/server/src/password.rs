//! Hashing and checking of passwords: argon2id with the crate's defaults, which are OWASP's minimum.
//!
//! Invariants: two at a time, on blocking threads, so a storm of sign-ins cannot stop the chat; an unknown account costs
//! as much time as a wrong password.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use hugmedo_chat_protocol::{ErrorCode, Refusal, Secret};
use tokio::sync::Semaphore;

use crate::failure::Failure;

/// Hashes computed at the same time.
const AT_ONCE: usize = 2;
/// Sign-ins that may be under way in all. Past it people are asked to try again rather than kept waiting.
const UNDER_WAY: usize = 64;

#[derive(Debug)]
pub(crate) struct Passwords {
    at_once: Semaphore,
    under_way: Semaphore,
    /// What unknown accounts are checked against.
    nobody: String,
}

impl Passwords {
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Self {
            at_once: Semaphore::new(AT_ONCE),
            under_way: Semaphore::new(UNDER_WAY),
            nobody: hash(&crate::credential::generate(""))?,
        })
    }

    /// For a process that signs nobody in, and so has nobody to compare with.
    pub(crate) fn only_hashing() -> Self {
        Self { at_once: Semaphore::new(AT_ONCE), under_way: Semaphore::new(UNDER_WAY), nobody: String::new() }
    }

    pub(crate) async fn hash(&self, password: Secret) -> Result<String, Failure> {
        self.compute(move || hash(&password)).await?
    }

    /// Whether the password belongs to the hash. Without one (no such account) the answer takes as long, and is no.
    pub(crate) async fn verify(&self, password: Secret, known: Option<String>) -> Result<bool, Failure> {
        let exists = known.is_some();
        let against = known.unwrap_or_else(|| self.nobody.clone());
        let matches = self.compute(move || verify(&password, &against)).await?;
        Ok(matches && exists)
    }

    async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Failure> {
        let busy = || Failure::refused(ErrorCode::Unavailable, "too many sign-ins at once");
        let _place = self.under_way.try_acquire().map_err(|_| busy())?;
        let _turn = self.at_once.acquire().await.map_err(|_| busy())?;
        tokio::task::spawn_blocking(work).await.map_err(|_| busy())
    }
}

fn hash(password: &Secret) -> Result<String, Failure> {
    match Argon2::default().hash_password(password.expose().as_bytes()) {
        Ok(hash) => Ok(hash.to_string()),
        Err(_) => Err(Refusal::new(ErrorCode::Internal, "the password could not be hashed").into()),
    }
}

fn verify(password: &Secret, known: &str) -> bool {
    PasswordHash::new(known)
        .is_ok_and(|known| Argon2::default().verify_password(password.expose().as_bytes(), &known).is_ok())
}
