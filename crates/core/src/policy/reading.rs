//! From the policy's text to what it says, key by key: one that cannot be followed does not undo the others.

use std::path::Path;

use serde_json::{Map, Value};
use url::Url;

use super::{Policy, Rule, Updates};
use crate::{
    address::ServerAddress,
    transport::trust,
    view::{ConnectionSettings, NotificationPrivacy, PolicyFault, PolicyKey, PolicyProblem},
};

/// The longest time until the lock that can be decided.
const MOST_MINUTES: u64 = 240;

const KEYS: [PolicyKey; 9] = [
    PolicyKey::Server,
    PolicyKey::Proxy,
    PolicyKey::CaFile,
    PolicyKey::NotificationPrivacy,
    PolicyKey::LockAfterMinutes,
    PolicyKey::Autostart,
    PolicyKey::Updates,
    PolicyKey::UpdateFeed,
    PolicyKey::ExportConversations,
];

impl Policy {
    /// Reads a policy's text.
    pub fn parse(text: &[u8]) -> Self {
        // Editors of some systems begin a file with this mark.
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        let Ok(Value::Object(mut object)) = serde_json::from_slice(text) else {
            return Self::unusable(PolicyFault::Malformed);
        };
        let mut policy = Self::default();
        policy.server = policy.rule(&mut object, PolicyKey::Server, server);
        policy.proxy = policy.rule(&mut object, PolicyKey::Proxy, proxy);
        policy.ca_file = policy.rule(&mut object, PolicyKey::CaFile, ca_file);
        policy.notification_privacy = policy.rule(&mut object, PolicyKey::NotificationPrivacy, privacy);
        policy.lock_after_minutes = policy.rule(&mut object, PolicyKey::LockAfterMinutes, minutes);
        policy.autostart = policy.rule(&mut object, PolicyKey::Autostart, Value::as_bool);
        policy.updates = policy.rule(&mut object, PolicyKey::Updates, updates);
        policy.update_feed = policy.rule(&mut object, PolicyKey::UpdateFeed, feed);
        policy.export_conversations = policy.rule(&mut object, PolicyKey::ExportConversations, Value::as_bool);
        for (key, _) in object {
            let key: String = key.chars().filter(|c| !c.is_control()).take(64).collect();
            policy.problems.push(PolicyProblem { key: Some(key), fault: PolicyFault::UnknownKey });
        }
        policy
    }

    fn rule<T>(
        &mut self,
        object: &mut Map<String, Value>,
        key: PolicyKey,
        read: impl Fn(&Value) -> Option<T>,
    ) -> Rule<T> {
        let name = name(key);
        let Some(value) = object.remove(&name) else { return Rule::Free };
        match read(&value) {
            Some(value) => Rule::Set(value),
            None => {
                self.problems.push(PolicyProblem { key: Some(name), fault: PolicyFault::WrongValue });
                Rule::Broken
            }
        }
    }
}

/// As it is written in the policy.
pub(super) fn name(key: PolicyKey) -> String {
    match serde_json::to_value(key) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}

/// Nobody has been asked whether an unencrypted connection to another computer is fine.
fn server(value: &Value) -> Option<ServerAddress> {
    ServerAddress::parse(value.as_str()?, false).ok()
}

fn proxy(value: &Value) -> Option<String> {
    let proxy = value.as_str()?.trim().to_owned();
    let settings = ConnectionSettings { proxy: proxy.clone(), ..ConnectionSettings::default() };
    trust::proxy(&settings).is_ok().then_some(proxy)
}

/// Whether it holds a certificate is found out when it is used.
fn ca_file(value: &Value) -> Option<String> {
    let path = value.as_str()?;
    (path.is_empty() || Path::new(path).is_absolute()).then(|| path.to_owned())
}

fn privacy(value: &Value) -> Option<NotificationPrivacy> {
    serde_json::from_value(value.clone()).ok()
}

fn minutes(value: &Value) -> Option<u32> {
    let minutes = value.as_u64().filter(|minutes| (1..=MOST_MINUTES).contains(minutes))?;
    u32::try_from(minutes).ok()
}

fn updates(value: &Value) -> Option<Updates> {
    match value.as_str()? {
        "off" => Some(Updates::Off),
        "stable" => Some(Updates::Stable),
        "beta" => Some(Updates::Beta),
        _ => None,
    }
}

fn feed(value: &Value) -> Option<Url> {
    let url = Url::parse(value.as_str()?).ok()?;
    let anonymous = url.username().is_empty() && url.password().is_none();
    (url.scheme() == "https" && url.has_host() && anonymous).then_some(url)
}

/// What is wrong and what to do about it, for an administrator.
pub(super) fn explain(problem: &PolicyProblem) -> String {
    let key = problem.key.as_deref().unwrap_or_default();
    let file = if key.is_empty() { "the file".to_owned() } else { format!("the file that `{key}` names") };
    match problem.fault {
        PolicyFault::Unreadable => format!("{file} cannot be read; put it there, and let everyone read it (mode 0644)"),
        PolicyFault::WrongOwner => {
            format!("{file}, or a folder it is in, is not the administrator's; give it to root (chown root)")
        }
        PolicyFault::Writable => {
            format!("others may change {file}, or a folder it is in; take that right away (chmod go-w)")
        }
        PolicyFault::Malformed => {
            "the text is not one JSON object; correct it, for instance with a JSON checker".to_owned()
        }
        PolicyFault::UnknownKey => {
            let known: Vec<String> = KEYS.iter().map(|key| name(*key)).collect();
            format!("there is no key `{key}`; correct or remove it. Known keys: {}", known.join(", "))
        }
        PolicyFault::WrongValue => format!("`{key}` must be {}", expected(key)),
    }
}

fn expected(key: &str) -> &'static str {
    match KEYS.into_iter().find(|known| name(*known) == key) {
        Some(PolicyKey::Server) => "an address of https, such as \"https://chat.example.org\", without a path",
        Some(PolicyKey::Proxy) => {
            "an address such as \"http://proxy.example.org:8080\" without a password, or \"\" for none"
        }
        Some(PolicyKey::CaFile) => "the full path of a PEM file, or \"\" for none",
        Some(PolicyKey::NotificationPrivacy) => "\"appOnly\", \"nothing\", \"sender\" or \"content\"",
        Some(PolicyKey::LockAfterMinutes) => "a whole number from 1 to 240",
        Some(PolicyKey::Autostart | PolicyKey::ExportConversations) => "true or false",
        Some(PolicyKey::Updates) => "\"off\", \"stable\" or \"beta\"",
        Some(PolicyKey::UpdateFeed) => "an address that begins with https:// and holds no password",
        None => "something else",
    }
}
