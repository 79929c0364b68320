#![allow(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::PathBuf};

use super::*;
use crate::view::ConnectionSettings;

fn parsed(text: &str) -> Policy {
    Policy::parse(text.as_bytes())
}

fn fault(key: Option<&str>, fault: PolicyFault) -> PolicyProblem {
    PolicyProblem { key: key.map(str::to_owned), fault }
}

fn chosen() -> Preferences {
    Preferences {
        notification_privacy: NotificationPrivacy::Content,
        lock_after_seconds: 0,
        autostart: false,
        last_server: "https://old.example".to_owned(),
        connection: ConnectionSettings { proxy: "http://own:1".to_owned(), ..ConnectionSettings::default() },
        ..Preferences::default()
    }
}

/// Every key with a value that is fine and differs from what is chosen above.
const ALL: &str = r#"{
    "server": "https://chat.example.org",
    "proxy": "http://proxy.example.org:8080",
    "caFile": "/etc/ssl/hospital.pem",
    "notificationPrivacy": "nothing",
    "lockAfterMinutes": 5,
    "autostart": true,
    "updates": "beta",
    "updateFeed": "https://updates.example.org/latest.json",
    "exportConversations": false
}"#;

#[test]
fn every_key_decides_its_setting() {
    let policy = parsed(ALL);
    assert_eq!(policy.problems(), []);
    assert_eq!(policy.managed().len(), 9);
    let held = policy.over(&chosen());
    assert_eq!(held.connection.proxy, "http://proxy.example.org:8080");
    assert_eq!(held.connection.ca_file, "/etc/ssl/hospital.pem");
    assert_eq!(held.notification_privacy, NotificationPrivacy::Nothing);
    assert_eq!(held.lock_after_seconds, 300);
    assert!(held.autostart);
    assert_eq!(policy.updates(), Updates::Beta);
    assert_eq!(policy.update_feed().unwrap().as_str(), "https://updates.example.org/latest.json");
    assert!(!policy.may_export());
    assert_eq!(policy.view().server.as_deref(), Some("https://chat.example.org"));
}

#[test]
fn each_key_takes_what_the_administrators_guide_says_it_takes() {
    let guide = include_str!("../../../../docs/admin-guide.md");
    for key in parsed(ALL).managed().into_iter().map(reading::name) {
        assert!(guide.contains(&format!("\n| `{key}` | ")), "{key} is not in the guide");
    }
    for text in [
        r#"{ "server": "chat.example.org" }"#,
        r#"{ "server": "https://chat.example.org:8443" }"#,
        r#"{ "proxy": "" }"#,
        r#"{ "caFile": "" }"#,
        r#"{ "notificationPrivacy": "appOnly" }"#,
        r#"{ "notificationPrivacy": "nothing" }"#,
        r#"{ "notificationPrivacy": "sender" }"#,
        r#"{ "notificationPrivacy": "content" }"#,
        r#"{ "lockAfterMinutes": 1 }"#,
        r#"{ "lockAfterMinutes": 240 }"#,
        r#"{ "updates": "off" }"#,
        r#"{ "updates": "stable" }"#,
        r#"{ "updates": "beta" }"#,
        r#"{ "updateFeed": "https://updates.example.org/{channel}/latest.json" }"#,
        r#"{ "autostart": false }"#,
        r#"{ "exportConversations": true }"#,
    ] {
        let policy = parsed(text);
        assert_eq!((policy.managed().len(), policy.problems()), (1, [].as_slice()), "{text}");
    }
}

#[test]
fn without_a_policy_everything_is_the_persons() {
    for policy in [Policy::default(), parsed("{}")] {
        assert_eq!((policy.managed(), policy.problems()), (Vec::new(), [].as_slice()));
        assert_eq!(policy.over(&chosen()), chosen());
        assert_eq!(policy.updates(), Updates::Stable);
        assert!(policy.may_export());
    }
}

#[test]
fn what_is_decided_cannot_be_changed_and_what_was_chosen_comes_back() {
    type Change = fn(&mut Preferences);
    let changes: [(&str, Change); 5] = [
        (r#"{ "proxy": "" }"#, |wanted| wanted.connection.proxy = "http://other:1".to_owned()),
        (r#"{ "caFile": "/ca.pem" }"#, |wanted| wanted.connection.ca_file = "/mine.pem".to_owned()),
        (r#"{ "notificationPrivacy": "sender" }"#, |wanted| wanted.notification_privacy = NotificationPrivacy::Content),
        (r#"{ "lockAfterMinutes": 1 }"#, |wanted| wanted.lock_after_seconds = 3_600),
        (r#"{ "autostart": true }"#, |wanted| wanted.autostart = false),
    ];
    for (text, change) in changes {
        let policy = parsed(text);
        let mut wanted = policy.over(&chosen());
        wanted.enter_sends = !wanted.enter_sends;
        let own = policy.change(&chosen(), wanted.clone()).unwrap();
        assert_eq!(own, Preferences { enter_sends: wanted.enter_sends, ..chosen() }, "{text}");
        change(&mut wanted);
        let refused = policy.change(&chosen(), wanted).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::ManagedByPolicy, "{text}");
    }
}

#[test]
fn only_the_decided_server_may_be_signed_in_to() {
    let server = |address: &str| ServerAddress::parse(address, false).unwrap();
    let policy = parsed(r#"{ "server": "chat.example.org" }"#);
    assert_eq!(policy.check_server(&server("https://chat.example.org/"), ""), Ok(()));
    for other in ["https://chat.example.org:8443", "https://evil.example"] {
        let refused = policy.check_server(&server(other), other).unwrap_err();
        assert_eq!(refused.code(), ErrorCode::ManagedByPolicy);
    }
}

#[test]
fn a_key_that_cannot_be_followed_is_named_and_stays_closed_while_the_others_hold() {
    let wrong = [
        ("server", r#""http://chat.example.org""#),
        ("server", r#""https://chat.example.org/chat""#),
        ("server", "1"),
        ("proxy", r#""http://user:secret@proxy:8080""#),
        ("caFile", r#""hospital.pem""#),
        ("notificationPrivacy", r#""everything""#),
        ("lockAfterMinutes", "0"),
        ("lockAfterMinutes", "241"),
        ("lockAfterMinutes", "1.5"),
        ("lockAfterMinutes", r#""5""#),
        ("autostart", r#""yes""#),
        ("updates", r#""nightly""#),
        ("updateFeed", r#""http://updates.example.org""#),
        ("updateFeed", r#""https://user:secret@updates.example.org""#),
        ("updateFeed", r#""updates.example.org""#),
        ("exportConversations", "1"),
    ];
    for (key, value) in wrong {
        let other = if key == "autostart" { r#""lockAfterMinutes": 7"# } else { r#""autostart": true"# };
        let policy = parsed(&format!(r#"{{ "{key}": {value}, {other} }}"#));
        assert_eq!(policy.problems(), [fault(Some(key), PolicyFault::WrongValue)], "{key}: {value}");
        assert_eq!(policy.managed().len(), 2, "{key}: {value}");
        let held = policy.over(&chosen());
        assert!(held.autostart || held.lock_after_seconds == 420, "the other holds: {key}: {value}");
        assert!(policy.to_string().contains(&format!("`{key}` must be ")), "{policy}");
        assert!(!policy.to_string().contains("secret"), "{policy}");
    }
}

#[test]
fn a_key_there_is_none_of_is_named_and_the_others_hold() {
    let policy = parsed(r#"{ "lockAfterMinuts": 5, "autostart": true }"#);
    assert_eq!(policy.problems(), [fault(Some("lockAfterMinuts"), PolicyFault::UnknownKey)]);
    assert!(policy.over(&chosen()).autostart);
    let said = policy.to_string();
    assert!(said.contains("`lockAfterMinuts`") && said.contains("lockAfterMinutes"), "{said}");
}

#[test]
fn a_policy_that_cannot_be_read_closes_every_setting_at_its_careful_value() {
    for text in ["", "{", "[]", "null", "\"server\"", r#"{ "server": "a", }"#] {
        let policy = parsed(text);
        assert_eq!(policy.problems(), [fault(None, PolicyFault::Malformed)], "{text:?}");
        assert_eq!(policy.managed().len(), 9);
        let held = policy.over(&chosen());
        assert_eq!(held.notification_privacy, NotificationPrivacy::Sender, "not the text");
        assert_eq!(held.lock_after_seconds, 600, "not never");
        assert_eq!(held.connection, chosen().connection, "as it was");
        assert_eq!(policy.updates(), Updates::Off);
        assert!(!policy.may_export());
        let server = |address: &str| ServerAddress::parse(address, false).unwrap();
        assert_eq!(policy.check_server(&server("https://old.example"), "https://old.example"), Ok(()));
        let refused = policy.check_server(&server("https://new.example"), "https://old.example").unwrap_err();
        assert_eq!(refused.code(), ErrorCode::PolicyUnusable);
    }
}

#[test]
fn where_the_decided_server_is_not_known_no_page_names_the_one_that_was_signed_in_to_before() {
    let elsewhere = || Preferences { last_server: "https://evil.example".to_owned(), ..chosen() };
    for text in ["not json", r#"{ "server": 1 }"#] {
        let policy = parsed(text);
        let wanted = Preferences { last_server: elsewhere().last_server, ..policy.over(&chosen()) };
        assert_eq!(policy.change(&chosen(), wanted).unwrap_err().code(), ErrorCode::ManagedByPolicy, "{text}");
    }
    // As signing in does.
    for text in ["{}", r#"{ "server": "https://evil.example" }"#] {
        assert_eq!(parsed(text).change(&chosen(), elsewhere()), Ok(elsewhere()), "{text}");
    }
}

#[test]
fn an_editors_mark_at_the_beginning_does_no_harm() {
    assert_eq!(Policy::parse(format!("\u{feff}{ALL}").as_bytes()), parsed(ALL));
}

/// A folder as the administrator's, and who they are here.
#[cfg(unix)]
struct Etc {
    folder: tempfile::TempDir,
    owner: u32,
}

#[cfg(unix)]
impl Etc {
    fn new() -> Self {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().unwrap();
        let owner = fs::metadata(folder.path()).unwrap().uid();
        let etc = Self { folder, owner };
        fs::create_dir(etc.path("hugmedo-chat")).unwrap();
        etc.mode("hugmedo-chat", 0o755);
        etc.write("hugmedo-chat/policy.json", r#"{ "autostart": true }"#, 0o644);
        etc
    }

    fn path(&self, part: &str) -> PathBuf {
        self.folder.path().join(part)
    }

    fn mode(&self, part: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(self.path(part), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn write(&self, part: &str, text: &str, mode: u32) {
        fs::write(self.path(part), text).unwrap();
        self.mode(part, mode);
    }

    fn read_as(&self, owner: u32) -> Policy {
        read(&self.path("hugmedo-chat/policy.json"), Trust { owner, from: self.folder.path() })
    }

    fn read(&self) -> Policy {
        self.read_as(self.owner)
    }
}

#[cfg(unix)]
#[test]
fn the_administrators_own_file_is_followed_and_no_file_is_no_policy() {
    let etc = Etc::new();
    assert_eq!(etc.read(), parsed(r#"{ "autostart": true }"#));
    fs::remove_file(etc.path("hugmedo-chat/policy.json")).unwrap();
    assert_eq!(etc.read(), Policy::default());
    fs::remove_dir(etc.path("hugmedo-chat")).unwrap();
    assert_eq!(etc.read(), Policy::default());
}

#[cfg(unix)]
#[test]
fn a_file_of_someone_else_is_not_believed_also_where_nobody_may_write_to_it() {
    let etc = Etc::new();
    etc.mode("hugmedo-chat/policy.json", 0o444);
    assert_eq!(etc.read_as(etc.owner + 1), Policy::unusable(PolicyFault::WrongOwner));
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_change_is_not_believed_nor_one_in_a_folder_where_they_could_exchange_it() {
    for mode in [0o664, 0o646, 0o666] {
        let etc = Etc::new();
        etc.mode("hugmedo-chat/policy.json", mode);
        assert_eq!(etc.read(), Policy::unusable(PolicyFault::Writable), "{mode:o}");
    }
    for mode in [0o775, 0o777, 0o1777] {
        let etc = Etc::new();
        etc.mode("hugmedo-chat", mode);
        assert_eq!(etc.read(), Policy::unusable(PolicyFault::Writable), "{mode:o}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_is_as_good_as_where_it_lies_and_where_it_leads() {
    use std::os::unix::fs::symlink;
    let etc = Etc::new();
    etc.write("real.json", r#"{ "autostart": false }"#, 0o644);
    let place = etc.path("hugmedo-chat/policy.json");
    fs::remove_file(&place).unwrap();
    symlink(etc.path("real.json"), &place).unwrap();
    assert_eq!(etc.read(), parsed(r#"{ "autostart": false }"#));
    etc.mode("real.json", 0o666);
    assert_eq!(etc.read(), Policy::unusable(PolicyFault::Writable));
    fs::remove_file(etc.path("real.json")).unwrap();
    assert_eq!(etc.read(), Policy::unusable(PolicyFault::Unreadable), "a link to nowhere is not no policy");
}

#[cfg(unix)]
#[test]
fn what_is_no_policys_file_is_unreadable_and_not_no_policy() {
    let etc = Etc::new();
    etc.write("hugmedo-chat/policy.json", &format!("{{}}{}", " ".repeat(64 * 1024)), 0o644);
    assert_eq!(etc.read(), Policy::unusable(PolicyFault::Unreadable), "one without an end");
    fs::remove_file(etc.path("hugmedo-chat/policy.json")).unwrap();
    fs::create_dir(etc.path("hugmedo-chat/policy.json")).unwrap();
    etc.mode("hugmedo-chat/policy.json", 0o755);
    assert_eq!(etc.read(), Policy::unusable(PolicyFault::Unreadable), "a folder");
}

#[cfg(unix)]
#[test]
fn a_certificate_that_others_may_exchange_is_not_taken_from_a_policy() {
    let etc = Etc::new();
    let ca_file = etc.path("ca.pem");
    etc.write("ca.pem", "", 0o644);
    let text = format!(r#"{{ "caFile": {ca_file:?}, "autostart": true }}"#);
    etc.write("hugmedo-chat/policy.json", &text, 0o644);
    assert_eq!(etc.read(), parsed(&text));
    etc.mode("ca.pem", 0o666);
    let policy = etc.read();
    assert_eq!(policy.problems(), [fault(Some("caFile"), PolicyFault::Writable)]);
    let held = policy.over(&chosen());
    assert!(held.autostart && held.connection.ca_file.is_empty());
}
