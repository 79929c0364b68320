use super::*;
use crate::view::{QuietHours, Theme};
use hugmedo_chat_protocol::Timestamp;

/// Every choice is there, also what is absent until chosen.
fn chosen() -> Preferences {
    Preferences {
        language: Some(Language::En),
        quiet_hours: Some(QuietHours { from: 1, to: 2 }),
        do_not_disturb_until: Some(Timestamp::from_millis(1)),
        ..Preferences::default()
    }
}

#[test]
fn every_choice_is_of_the_computer_or_of_a_person_and_the_names_say_so() {
    let names = parts(&chosen());
    for name in COMPUTER.iter().chain(&APPEARANCE) {
        assert!(names.contains_key(*name), "{name} is no choice");
    }
    let computer = Preferences {
        close_to_tray: false,
        autostart: true,
        last_server: "s".to_owned(),
        last_username: "u".to_owned(),
        connection: crate::view::ConnectionSettings { proxy: "p".to_owned(), ..Default::default() },
        ..Preferences::default()
    };
    let both = parts(&at_computer(&computer, &chosen()));
    for (name, value) in &both {
        let whose = if COMPUTER.contains(&name.as_str()) { parts(&computer) } else { parts(&chosen()) };
        assert_eq!(Some(value), whose.get(name), "{name}");
        assert!(!COMPUTER.contains(&name.as_str()) || names.get(name) != Some(value), "{name} is not tried");
    }
    let look = parts(&looking_like(&Preferences { theme: Theme::Dark, ..chosen() }, Preferences::default()));
    let differs = |name: &&String| look.get(*name) != parts(&Preferences::default()).get(*name);
    assert!(look.keys().filter(differs).all(|name| APPEARANCE.contains(&name.as_str())));
}

#[test]
fn one_choice_that_is_not_known_leaves_the_others() {
    let mut part = parts(&Preferences { theme: Theme::Dark, lock_after_seconds: 60, ..chosen() });
    part.insert("theme".to_owned(), "of a later version".into());
    part.insert("ofALaterVersion".to_owned(), 7.into());
    assert_eq!(read(&part), Preferences { theme: Theme::System, lock_after_seconds: 60, ..chosen() });
}

#[test]
fn a_change_is_made_as_a_whole_and_nothing_named_is_nothing_changed() {
    let mut preferences = chosen();
    let change = |json: serde_json::Value| match json {
        Value::Object(part) => PreferencesChange(part),
        _ => PreferencesChange::default(),
    };
    let refused = change(serde_json::json!({ "theme": "dark", "lockAfterSeconds": "soon" })).apply(&mut preferences);
    assert_eq!(refused.map_err(|error| error.code()), Err(ErrorCode::Refused));
    assert_eq!(preferences, chosen());
    change(serde_json::json!({ "quietHours": null, "theme": "dark" })).apply(&mut preferences).unwrap();
    assert_eq!(preferences, Preferences { quiet_hours: None, theme: Theme::Dark, ..chosen() });
}
