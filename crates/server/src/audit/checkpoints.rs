//! Signed statements of how far the audit had come, in a file beside the store.
//!
//! One JSON object per line, only ever appended, so that an operator can copy the file elsewhere as it grows. The key is
//! made with the data folder and stays in it; its public half is what a checker needs.

use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::atomic::{AtomicI64, Ordering},
};

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};

use crate::key_file::{self, hex, unhex, write_new};

const KEY_FILE: &str = "audit-key";
const PUBLIC_KEY_FILE: &str = "audit-key.pub";
const CHECKPOINTS_FILE: &str = "audit-checkpoints.jsonl";

/// How far the audit had come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Checkpoint {
    /// The last entry's place.
    pub(crate) id: i64,
    /// Its hash, in hexadecimal digits.
    pub(crate) hash: String,
    /// When this was stated, in milliseconds since 1970 (UTC).
    pub(crate) at: i64,
    /// Ed25519 over `id`, `hash` and `at`, in hexadecimal digits.
    signature: String,
}

impl Checkpoint {
    fn statement(id: i64, hash: &str, at: i64) -> String {
        format!("hugmedo-chat audit checkpoint\n{id}\n{hash}\n{at}\n")
    }

    /// Whether the key's owner has stated this.
    pub(crate) fn is_signed_by(&self, key: &VerifyingKey) -> bool {
        let Some(signature) = unhex(&self.signature).and_then(|bytes| Signature::from_slice(&bytes).ok()) else {
            return false;
        };
        key.verify_strict(Self::statement(self.id, &self.hash, self.at).as_bytes(), &signature).is_ok()
    }
}

/// The checkpoints of one data folder, and the key they are signed with.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    file: PathBuf,
    key: SigningKey,
    /// The last place stated; nothing new needs no new line.
    last: AtomicI64,
}

impl Checkpoints {
    /// Opens those of a data folder, making the key if there is none.
    pub(crate) fn open(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join(KEY_FILE);
        let key = match fs::read_to_string(&path) {
            Ok(text) => read_key(&text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = SigningKey::from_bytes(&rand::random());
                match write_new(&path, &hex(key.as_bytes()), 0o600) {
                    // Another server on the folder was faster.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        read_key(&fs::read_to_string(&path)?)?
                    }
                    written => {
                        written?;
                        write_new(&data_dir.join(PUBLIC_KEY_FILE), &hex(key.verifying_key().as_bytes()), 0o644)?;
                        key
                    }
                }
            }
            Err(error) => return Err(error),
        };
        Ok(Self { file: data_dir.join(CHECKPOINTS_FILE), key, last: AtomicI64::new(0) })
    }

    /// The last place this process stated; 0 before the first.
    pub(crate) fn last(&self) -> i64 {
        self.last.load(Ordering::Relaxed)
    }

    /// States how far the audit has come. Durable when this returns.
    pub(crate) fn add(&self, id: i64, hash: &[u8], at: i64) -> io::Result<()> {
        if self.last() == id {
            return Ok(());
        }
        let hash = hex(hash);
        let signature = self.key.sign(Checkpoint::statement(id, &hash, at).as_bytes());
        let checkpoint = Checkpoint { id, hash, at, signature: hex(&signature.to_bytes()) };
        let mut line = serde_json::to_string(&checkpoint)?;
        line.push('\n');
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&self.file)?;
        file.write_all(line.as_bytes())?;
        file.sync_data()?;
        self.last.store(id, Ordering::Relaxed);
        Ok(())
    }
}

/// Whether a data folder has the key, which is made after the store.
pub(crate) fn has_key(data_dir: &Path) -> bool {
    data_dir.join(KEY_FILE).exists()
}

/// Whether two folders have the same key.
pub(crate) fn is_same_key(one: &Path, other: &Path) -> bool {
    let key = |folder: &Path| fs::read(folder.join(KEY_FILE)).ok();
    key(one).is_some_and(|one| key(other).is_some_and(|other| one == other))
}

/// The checkpoints in a data folder and the key to check them with. A line that is none is returned as `None`.
pub(super) fn read(data_dir: &Path) -> io::Result<(VerifyingKey, Vec<Option<Checkpoint>>)> {
    let public = key_file::read(&fs::read_to_string(data_dir.join(PUBLIC_KEY_FILE))?)
        .and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok())
        .ok_or_else(|| invalid("the public key of the audit is not readable"))?;
    let lines = match fs::read_to_string(data_dir.join(CHECKPOINTS_FILE)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    Ok((public, lines.lines().map(|line| serde_json::from_str(line).ok()).collect()))
}

fn read_key(text: &str) -> io::Result<SigningKey> {
    key_file::read(text)
        .map(|bytes| SigningKey::from_bytes(&bytes))
        .ok_or_else(|| invalid("the key of the audit is not readable"))
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
