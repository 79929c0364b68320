//! Secrets the server has to read again, sealed for the store.
//!
//! Invariant: the key is never in the store, so that a copy of the store alone gives nobody a second factor. What is sealed
//! for one person does not open for another.

use std::{fs, io, path::Path};

use hugmedo_chat_protocol::{ErrorCode, Refusal, UserId};
use rand::RngCore as _;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::{failure::Failure, key_file};

const KEY_FILE: &str = "second-factor-key";

/// The key of one data folder.
pub(crate) struct Seal(LessSafeKey);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(..)")
    }
}

impl Seal {
    /// Opens that of a data folder, making the key if there is none.
    pub(crate) fn open(data_dir: &Path) -> io::Result<Self> {
        let path = data_dir.join(KEY_FILE);
        let bytes: [u8; 32] = match fs::read_to_string(&path) {
            Ok(text) => key_file::read(&text).ok_or_else(unreadable)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut bytes = [0; 32];
                rand::rng().fill_bytes(&mut bytes);
                match key_file::write_new(&path, &key_file::hex(&bytes), 0o600) {
                    // Another server on the folder was faster.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        key_file::read(&fs::read_to_string(&path)?).ok_or_else(unreadable)?
                    }
                    written => written.map(|()| bytes)?,
                }
            }
            Err(error) => return Err(error),
        };
        Ok(Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| unreadable())?)))
    }

    pub(super) fn seal(&self, owner: &UserId, plain: &[u8]) -> Result<Vec<u8>, Failure> {
        // Random is safe here: a key seals one secret for each person and change, not billions.
        let mut nonce = [0; NONCE_LEN];
        rand::rng().fill_bytes(&mut nonce);
        let mut sealed = plain.to_vec();
        let tag = self
            .0
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(owner.as_str()), &mut sealed)
            .map_err(|_| broken())?;
        Ok([nonce.as_slice(), &sealed, tag.as_ref()].concat())
    }

    pub(super) fn unseal(&self, owner: &UserId, sealed: &[u8]) -> Result<Vec<u8>, Failure> {
        let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or_else(broken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| broken())?;
        let mut rest = rest.to_vec();
        let plain = self.0.open_in_place(nonce, Aad::from(owner.as_str()), &mut rest).map_err(|_| broken())?;
        Ok(plain.to_vec())
    }
}

fn unreadable() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the key of the second factors is not readable")
}

/// The key file was lost or exchanged: recovery codes still work, and an administrator can reset the factor.
fn broken() -> Failure {
    tracing::error!("a second factor does not open with the key file of this data folder");
    Refusal::new(ErrorCode::Internal, "the second factor cannot be read").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_owner_and_with_its_key_only() {
        let folder = tempfile::tempdir().unwrap();
        let (alice, bob) = (UserId::new("alice"), UserId::new("bob"));
        let sealed = Seal::open(folder.path()).unwrap().seal(&alice, b"secret").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        let again = Seal::open(folder.path()).unwrap();
        assert_eq!(again.unseal(&alice, &sealed).unwrap(), b"secret");
        assert!(again.unseal(&bob, &sealed).is_err());
        assert!(again.unseal(&alice, &[]).is_err());
        let elsewhere = tempfile::tempdir().unwrap();
        assert!(Seal::open(elsewhere.path()).unwrap().unseal(&alice, &sealed).is_err());
        fs::write(elsewhere.path().join(KEY_FILE), "no key").unwrap();
        assert!(Seal::open(elsewhere.path()).is_err(), "it is not replaced: what it sealed would be lost");
    }
}
