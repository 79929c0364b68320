//! What is chosen for a computer, in a small file that holds nothing confidential.
//!
//! Invariant: what the policy decides is never written there, so that the own choice is back once it is theirs again.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use serde_json::Value;

use super::{APPEARANCE, COMPUTER, Part, at_computer, looking_like, parts, personal, read};
use crate::{error::Error, policy::Policy, view::Preferences};

/// Its name for [`Kept::signed_out`].
const SIGNED_OUT: &str = "signedOut";

/// The choices, and the file they are kept in.
pub(crate) struct PreferencesFile {
    path: PathBuf,
    policy: Arc<Policy>,
    kept: Mutex<Kept>,
    /// Whether the file does not hold yet what is kept, because it could not be written. Changes only while `kept` is held.
    is_behind: AtomicBool,
}

/// What the file holds.
#[derive(Clone, Default, PartialEq)]
struct Kept {
    own: Preferences,
    /// Whether what is of a person is there too, from a version that did not tell them apart. It waits for whoever signs in first.
    is_legacy: bool,
    /// What people had chosen who have signed out since, by account: it waits for them, and for nobody else.
    signed_out: BTreeMap<String, Part>,
}

impl PreferencesFile {
    /// Reads the file. Without one, or with one that cannot be read, the defaults hold; so they do for a single choice.
    pub(crate) fn open(folder: &Path, policy: Arc<Policy>) -> Self {
        let path = folder.join("preferences.json");
        let mut part: Part =
            std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        let signed_out = part.remove(SIGNED_OUT).and_then(|left| serde_json::from_value(left).ok()).unwrap_or_default();
        let is_legacy = part.keys().any(|name| !is_of_computer(name));
        let kept = Kept { own: read(&part), is_legacy, signed_out };
        Self { path, policy, kept: Mutex::new(kept), is_behind: AtomicBool::new(false) }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was chosen, for a person at this computer or for nobody.
    pub(super) fn own(&self, person: Option<&Preferences>) -> Preferences {
        let kept = self.kept();
        person.map_or_else(|| kept.own.clone(), |person| at_computer(&kept.own, person))
    }

    /// The same behind a lock, which looks as the computer does.
    pub(super) fn own_locked(&self, person: &Preferences) -> Preferences {
        let kept = self.kept();
        looking_like(&kept.own, at_computer(&kept.own, person))
    }

    /// The choices as they hold.
    pub(crate) fn get(&self, person: Option<&Preferences>) -> Preferences {
        self.policy.over(&self.own(person))
    }

    /// What begins for someone whose store holds nothing yet.
    pub(crate) fn for_a_newcomer(&self, account: &str) -> Part {
        let kept = self.kept();
        kept.signed_out.get(account).cloned().unwrap_or_else(|| personal(&kept.own))
    }

    /// Someone has signed out, whose store is gone.
    pub(crate) fn note_signed_out(&self, account: &str, person: &Preferences) -> Result<(), Error> {
        let mut kept = self.kept();
        let mut fresh = kept.clone();
        fresh.signed_out.insert(account.to_owned(), personal(person));
        self.write(&mut kept, fresh)
    }

    /// Someone's account is open who is remembered here. From now on the computer looks as they like it, and what an earlier version
    /// kept for everyone has become theirs.
    pub(crate) fn note_person(&self, account: &str, person: &Preferences) -> Result<(), Error> {
        let mut kept = self.kept();
        let own = looking_like(person, at_computer(&kept.own, &Preferences::default()));
        let mut fresh = Kept { own, is_legacy: false, ..kept.clone() };
        fresh.signed_out.remove(account);
        self.write(&mut kept, fresh)
    }

    /// Takes what is of the computer, and with `look` how it looks.
    pub(super) fn set(&self, own: &Preferences, look: bool) -> Result<(), Error> {
        let mut kept = self.kept();
        let mut fresh = Kept { own: at_computer(own, &kept.own), ..kept.clone() };
        if look {
            fresh.own = looking_like(own, fresh.own);
        }
        self.write(&mut kept, fresh)
    }

    /// Everything is as in the beginning.
    pub(crate) fn forget(&self) -> Result<(), Error> {
        let mut kept = self.kept();
        *kept = Kept::default();
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Takes effect at once, and is written so that a crash leaves either the old file or the new one. What could not be written is
    /// written the next time, whatever is chosen then.
    fn write(&self, kept: &mut Kept, fresh: Kept) -> Result<(), Error> {
        if *kept == fresh && !self.is_behind.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.is_behind.store(true, Ordering::Relaxed);
        *kept = fresh;
        let mut part = parts(&kept.own);
        if !kept.is_legacy {
            part.retain(|name, _| is_of_computer(name));
        }
        if !kept.signed_out.is_empty() {
            part.insert(SIGNED_OUT.to_owned(), serde_json::to_value(&kept.signed_out).unwrap_or_default());
        }
        let bytes = serde_json::to_vec_pretty(&Value::Object(part)).unwrap_or_default();
        let draft = self.path.with_extension("json.new");
        std::fs::write(&draft, bytes)?;
        std::fs::rename(&draft, &self.path)?;
        self.is_behind.store(false, Ordering::Relaxed);
        Ok(())
    }
}

fn is_of_computer(name: &str) -> bool {
    COMPUTER.contains(&name) || APPEARANCE.contains(&name)
}
