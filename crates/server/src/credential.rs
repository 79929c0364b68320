//! Tokens and what is kept of them.
//!
//! Invariant: a token exists in clear only in the answer that hands it out; the store and the memory hold its SHA-256.
//! Tokens are 256 random bits, so a fast hash without salt is enough.

use std::fmt::Write as _;

use hugmedo_chat_protocol::Secret;
use rand::RngCore;
use sha2::{Digest, Sha256};

use crate::store::sql::{Cell, FromCell, ToValue, Value};

/// One sign-in on one device: the family of tokens that descend from it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct SessionId(String);

impl SessionId {
    pub(crate) fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    pub(crate) fn generate() -> Self {
        Self(uuid::Uuid::new_v4().to_string())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// SHA-256 of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct TokenHash([u8; 32]);

impl TokenHash {
    pub(crate) fn of(token: &Secret) -> Self {
        Self(Sha256::digest(token.expose().as_bytes()).into())
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash(..)")
    }
}

impl ToValue for TokenHash {
    const NULL: Value<'static> = Value::Blob(None);

    fn to_value(&self) -> Value<'_> {
        Value::Blob(Some(&self.0))
    }
}

/// What makes, with the id of a renewal, the successors of a refresh token: 256 random bits that never leave the store, so that who
/// has a token and the id still has to ask.
#[derive(Clone, Copy)]
pub(crate) struct Seed([u8; 32]);

impl Seed {
    pub(crate) fn generate() -> Self {
        Self(random())
    }

    /// The token of this kind that this renewal of `parent` is answered with.
    pub(crate) fn successor(&self, prefix: &str, parent: &Secret, renewal_id: &Secret) -> Secret {
        let mut hash = Sha256::new();
        hash.update(self.0);
        // Hashed by themselves, so that no two questions run together into the same bytes.
        for part in [prefix, parent.expose(), renewal_id.expose()] {
            hash.update(Sha256::digest(part));
        }
        written(prefix, hash.finalize().into())
    }
}

impl ToValue for Seed {
    const NULL: Value<'static> = Value::Blob(None);

    fn to_value(&self) -> Value<'_> {
        Value::Blob(Some(&self.0))
    }
}

impl FromCell for Seed {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        <[u8; 32]>::from_cell(cell).map(Self)
    }
}

/// A fresh token of 256 random bits.
pub(crate) fn generate(prefix: &str) -> Secret {
    written(prefix, random())
}

fn random() -> [u8; 32] {
    let mut bytes = [0_u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

/// A token as it is handed out. The prefix lets scanners of leaked secrets know it.
fn written(prefix: &str, bytes: [u8; 32]) -> Secret {
    let mut token = String::with_capacity(prefix.len() + 64);
    token.push_str(prefix);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(token, "{byte:02x}");
    }
    Secret::new(token)
}

/// Opens sockets and routes for minutes.
pub(crate) const ACCESS_PREFIX: &str = "hmca_";
/// Traded once for a new pair.
pub(crate) const REFRESH_PREFIX: &str = "hmcr_";
