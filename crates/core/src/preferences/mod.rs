//! Choices: of a person, in their encrypted store, and of the computer, in a file beside it.
//!
//! Invariants: a person's choices hold while their account is open or locked, and nobody else ever meets them; of the computer is what
//! has to be known while nobody's account is open. A change is made to what holds, never to a copy of it that may be old.
//!
//! How it looks is both: the computer looks as whoever used it last likes it, also where one signs in and while it is locked.

mod computer;

use std::sync::PoisonError;

pub(crate) use computer::PreferencesFile;
use serde_json::{Map, Value};

use crate::{
    account::Account,
    core::{Core, Inner},
    error::{Error, ErrorCode},
    notify,
    store::preferences,
    transport::trust,
    view::{Language, Preferences, PreferencesChange, ViewChange},
};

/// Choices by their names, as they are written.
pub(crate) type Part = Map<String, Value>;

/// The names of what is of the computer alone.
const COMPUTER: [&str; 5] = ["closeToTray", "autostart", "lastServer", "lastUsername", "connection"];
/// The names of how it looks.
const APPEARANCE: [&str; 3] = ["language", "theme", "textSize"];

/// The choices of a person at a computer.
fn at_computer(computer: &Preferences, person: &Preferences) -> Preferences {
    Preferences {
        close_to_tray: computer.close_to_tray,
        autostart: computer.autostart,
        last_server: computer.last_server.clone(),
        last_username: computer.last_username.clone(),
        connection: computer.connection.clone(),
        ..person.clone()
    }
}

fn looking_like(look: &Preferences, rest: Preferences) -> Preferences {
    Preferences { language: look.language, theme: look.theme, text_size: look.text_size, ..rest }
}

/// What of some choices is a person's, by name.
pub(crate) fn personal(preferences: &Preferences) -> Part {
    let mut part = parts(preferences);
    part.retain(|name, _| !COMPUTER.contains(&name.as_str()));
    part
}

fn parts(preferences: &Preferences) -> Part {
    match serde_json::to_value(preferences) {
        Ok(Value::Object(part)) => part,
        _ => Part::new(),
    }
}

/// The choices of this part; the default where there is none, or one that this version does not know.
pub(crate) fn read(part: &Part) -> Preferences {
    let mut preferences = Preferences::default();
    for (name, value) in part {
        let one = Part::from_iter([(name.clone(), value.clone())]);
        if PreferencesChange(one).apply(&mut preferences).is_err() {
            tracing::info!(name, "a choice that is not known");
        }
    }
    preferences
}

impl PreferencesChange {
    /// Makes the change, or none of it.
    pub(crate) fn apply(self, to: &mut Preferences) -> Result<(), Error> {
        let mut part = parts(to);
        part.extend(self.0);
        part.retain(|_, value| !value.is_null());
        *to = serde_json::from_value(Value::Object(part))
            .map_err(|_| Error::new(ErrorCode::Refused, "a choice that there is not"))?;
        Ok(())
    }
}

impl Core {
    /// The choices as they hold: of who is signed in, or of the computer.
    pub fn preferences(&self) -> Preferences {
        self.inner.preferences()
    }

    /// The language of everything that is said to the person.
    pub fn language(&self) -> Language {
        self.preferences().language.unwrap_or_else(notify::system_language)
    }

    /// Changes some of the choices, and leaves the others as they are at that moment.
    ///
    /// # Errors
    /// `ManagedByPolicy`, `InvalidProxy` or `InvalidCaFile`; `NotSignedIn` or `Locked` for what is of a person; nothing is changed then.
    /// Or if they could not be written: they hold until the app ends all the same.
    pub async fn change_preferences(&self, change: impl FnOnce(&mut Preferences) + Send) -> Result<(), Error> {
        let change = |preferences: &mut Preferences| {
            change(preferences);
            Ok(())
        };
        self.inner.change_preferences(change).await
    }

    /// Changes those of the choices that are named.
    ///
    /// # Errors
    /// See [`Core::change_preferences`]; `Refused` for what is no choice.
    pub async fn set_preferences(&self, change: PreferencesChange) -> Result<(), Error> {
        self.inner.change_preferences(|preferences| change.apply(preferences)).await
    }
}

impl Inner {
    /// The choices as they hold now.
    pub(crate) fn preferences(&self) -> Preferences {
        self.config.policy.over(&self.own_preferences())
    }

    fn own_preferences(&self) -> Preferences {
        match self.locked_person() {
            Some(person) => self.computer.own_locked(&person),
            None => self.computer.own(self.open_account().map(|account| account.person()).as_ref()),
        }
    }

    pub(crate) fn publish_preferences(&self) {
        self.hub.publish(ViewChange::PreferencesChanged { preferences: self.preferences() });
    }

    pub(crate) async fn change_preferences(
        &self,
        change: impl FnOnce(&mut Preferences) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        let _turn = self.changing.lock().await;
        let account = self.open_account().filter(|_| self.lock_view().is_none());
        let own = self.own_preferences();
        let before = self.config.policy.over(&own);
        let mut wanted = before.clone();
        change(&mut wanted)?;
        let wanted = self.config.policy.change(&own, wanted)?;
        let is_of_person = personal(&looking_like(&own, wanted.clone())) != personal(&own);
        if is_of_person && account.is_none() {
            let code = if self.lock_view().is_some() { ErrorCode::Locked } else { ErrorCode::NotSignedIn };
            return Err(Error::new(code, "a choice of nobody"));
        }
        if wanted.connection != own.connection {
            let checked = self.config.policy.over(&wanted).connection;
            let check = move || trust::check(&checked).map_err(|code| Error::new(code, "connection settings"));
            self.config.surroundings.off_loop(check).await?;
        }
        let mut written = self.computer.set(&wanted, account.as_ref().is_none_or(|account| account.is_remembered()));
        if let Some(account) = &account {
            written = account.set_person(wanted).await.and(written);
            // How often urgent messages are raised again may be another.
            account.urgent_raised.notify_one();
        }
        self.publish_preferences();
        if before.connection != self.preferences().connection
            && let Some(account) = self.open_account()
        {
            // What stands was made by the old settings.
            if let Some(link) = account.link() {
                link.close().await;
            }
            account.hurry.notify_one();
        }
        written
    }
}

impl Account {
    /// The choices of its person at this computer, as they hold.
    pub(crate) fn preferences(&self) -> Preferences {
        self.computer.get(Some(&self.person()))
    }

    /// What its person has chosen.
    pub(crate) fn person(&self) -> Preferences {
        self.person.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes effect at once, and is kept.
    async fn set_person(&self, person: Preferences) -> Result<(), Error> {
        let part = personal(&person);
        let before = std::mem::replace(&mut *self.person.lock().unwrap_or_else(PoisonError::into_inner), person);
        if personal(&before) == part {
            return Ok(());
        }
        self.store.write(move |transaction| preferences::replace(transaction, &part)).await
    }
}

#[cfg(test)]
mod tests;
