//! What the organisation has decided for this computer: some of the settings, in a file that only its administrator can write.
//!
//! Invariants: what is decided holds, whatever the person has chosen or the page asks for, and what they have chosen comes back
//! once it is not decided any more. A policy that is there and cannot be followed, as a whole or in one key, opens nothing: the
//! settings concerned stay closed, at their careful values, and it is said which key it is.

mod file;
mod reading;

use std::fmt;

use url::Url;

use crate::{
    address::ServerAddress,
    error::{Error, ErrorCode},
    view::{NotificationPrivacy, PolicyFault, PolicyKey, PolicyProblem, PolicyView, Preferences},
};

pub use file::{Trust, read};

/// The longest a computer without a policy that can be followed stays open untouched.
const CAREFUL_LOCK_SECONDS: u32 = 600;

/// What a policy says about one setting.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Rule<T> {
    /// Nothing: it is the person's.
    #[default]
    Free,
    /// It is this.
    Set(T),
    /// Something that cannot be followed.
    Broken,
}

impl<T> Rule<T> {
    fn is_free(&self) -> bool {
        matches!(self, Self::Free)
    }

    fn is_broken(&self) -> bool {
        matches!(self, Self::Broken)
    }

    fn set(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Free | Self::Broken => None,
        }
    }
}

/// Whether newer versions are looked for, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Updates {
    /// Not at all: someone else brings them.
    Off,
    /// What is released.
    Stable,
    /// What is about to be released, too.
    Beta,
}

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    server: Rule<ServerAddress>,
    proxy: Rule<String>,
    ca_file: Rule<String>,
    notification_privacy: Rule<NotificationPrivacy>,
    lock_after_minutes: Rule<u32>,
    autostart: Rule<bool>,
    updates: Rule<Updates>,
    update_feed: Rule<Url>,
    export_conversations: Rule<bool>,
    problems: Vec<PolicyProblem>,
}

impl Policy {
    /// A policy that is there and cannot be used at all.
    pub fn unusable(fault: PolicyFault) -> Self {
        Self {
            server: Rule::Broken,
            proxy: Rule::Broken,
            ca_file: Rule::Broken,
            notification_privacy: Rule::Broken,
            lock_after_minutes: Rule::Broken,
            autostart: Rule::Broken,
            updates: Rule::Broken,
            update_feed: Rule::Broken,
            export_conversations: Rule::Broken,
            problems: vec![PolicyProblem { key: None, fault }],
        }
    }

    /// The certificate file that is named is not the administrator's.
    fn break_ca_file(&mut self, fault: PolicyFault) {
        self.ca_file = Rule::Broken;
        self.problems.push(PolicyProblem { key: Some(reading::name(PolicyKey::CaFile)), fault });
    }

    /// The settings that are not the person's.
    pub fn managed(&self) -> Vec<PolicyKey> {
        let rules = [
            (PolicyKey::Server, self.server.is_free()),
            (PolicyKey::Proxy, self.proxy.is_free()),
            (PolicyKey::CaFile, self.ca_file.is_free()),
            (PolicyKey::NotificationPrivacy, self.notification_privacy.is_free()),
            (PolicyKey::LockAfterMinutes, self.lock_after_minutes.is_free()),
            (PolicyKey::Autostart, self.autostart.is_free()),
            (PolicyKey::Updates, self.updates.is_free()),
            (PolicyKey::UpdateFeed, self.update_feed.is_free()),
            (PolicyKey::ExportConversations, self.export_conversations.is_free()),
        ];
        rules.into_iter().filter(|(_, free)| !free).map(|(key, _)| key).collect()
    }

    /// What cannot be followed.
    pub fn problems(&self) -> &[PolicyProblem] {
        &self.problems
    }

    /// Whether newer versions are looked for, and which.
    pub fn updates(&self) -> Updates {
        match (&self.updates, &self.update_feed) {
            (Rule::Broken, _) | (_, Rule::Broken) => Updates::Off,
            (Rule::Set(updates), _) => *updates,
            (Rule::Free, _) => Updates::Stable,
        }
    }

    /// Where newer versions are looked for, if that is decided.
    pub fn update_feed(&self) -> Option<&Url> {
        self.update_feed.set()
    }

    /// Whether a conversation may be saved as a file.
    pub(crate) fn may_export(&self) -> bool {
        match self.export_conversations {
            Rule::Free => true,
            Rule::Set(allowed) => allowed,
            Rule::Broken => false,
        }
    }

    pub(crate) fn view(&self) -> PolicyView {
        PolicyView {
            managed: self.managed(),
            server: self.server.set().map(|server| server.as_str().to_owned()),
            problems: self.problems.clone(),
            may_export: self.may_export(),
        }
    }

    /// Whether a server may be signed in to. While the policy does not say which in a way that can be followed, that is the one
    /// that was signed in to before.
    pub(crate) fn check_server(&self, server: &ServerAddress, last: &str) -> Result<(), Error> {
        match &self.server {
            Rule::Free => Ok(()),
            Rule::Set(decided) if decided == server => Ok(()),
            Rule::Set(_) => Err(Error::new(ErrorCode::ManagedByPolicy, "the policy names another server")),
            Rule::Broken if server.as_str() == last => Ok(()),
            Rule::Broken => Err(Error::new(ErrorCode::PolicyUnusable, "the policy's server cannot be followed")),
        }
    }

    /// The choices as they hold.
    pub(crate) fn over(&self, own: &Preferences) -> Preferences {
        let mut held = own.clone();
        if let Some(proxy) = self.proxy.set() {
            held.connection.proxy.clone_from(proxy);
        }
        if let Some(ca_file) = self.ca_file.set() {
            held.connection.ca_file.clone_from(ca_file);
        }
        match self.notification_privacy {
            Rule::Free => {}
            Rule::Set(privacy) => held.notification_privacy = privacy,
            Rule::Broken if own.notification_privacy == NotificationPrivacy::Content => {
                held.notification_privacy = NotificationPrivacy::Sender;
            }
            Rule::Broken => {}
        }
        match self.lock_after_minutes {
            Rule::Free => {}
            Rule::Set(minutes) => held.lock_after_seconds = minutes.saturating_mul(60),
            Rule::Broken if own.lock_after_seconds == 0 => held.lock_after_seconds = CAREFUL_LOCK_SECONDS,
            Rule::Broken => held.lock_after_seconds = own.lock_after_seconds.min(CAREFUL_LOCK_SECONDS),
        }
        if let Some(autostart) = self.autostart.set() {
            held.autostart = *autostart;
        }
        held
    }

    /// What becomes of the person's own choices when they change them to `wanted`, which is over what holds now.
    pub(crate) fn change(&self, own: &Preferences, wanted: Preferences) -> Result<Preferences, Error> {
        let held = self.over(own);
        // The server that was signed in to before is all that is let in then.
        let is_same_server = !self.server.is_broken() || wanted.last_server == held.last_server;
        let agrees = is_same_server
            && (self.proxy.is_free() || wanted.connection.proxy == held.connection.proxy)
            && (self.ca_file.is_free() || wanted.connection.ca_file == held.connection.ca_file)
            && (self.notification_privacy.is_free() || wanted.notification_privacy == held.notification_privacy)
            && (self.lock_after_minutes.is_free() || wanted.lock_after_seconds == held.lock_after_seconds)
            && (self.autostart.is_free() || wanted.autostart == held.autostart);
        if !agrees {
            return Err(Error::new(ErrorCode::ManagedByPolicy, "a setting that the policy decides"));
        }
        let mut changed = wanted;
        if !self.proxy.is_free() {
            changed.connection.proxy.clone_from(&own.connection.proxy);
        }
        if !self.ca_file.is_free() {
            changed.connection.ca_file.clone_from(&own.connection.ca_file);
        }
        if !self.notification_privacy.is_free() {
            changed.notification_privacy = own.notification_privacy;
        }
        if !self.lock_after_minutes.is_free() {
            changed.lock_after_seconds = own.lock_after_seconds;
        }
        if !self.autostart.is_free() {
            changed.autostart = own.autostart;
        }
        Ok(changed)
    }
}

/// For an administrator, who reads it on a command line: every key that is decided, and everything that is wrong.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let managed: Vec<String> = self.managed().iter().map(|key| reading::name(*key)).collect();
        match managed.as_slice() {
            [] => writeln!(f, "decided: nothing")?,
            names => writeln!(f, "decided: {}", names.join(", "))?,
        }
        for problem in &self.problems {
            writeln!(f, "problem: {}", reading::explain(problem))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
