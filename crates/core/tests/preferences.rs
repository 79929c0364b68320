//! Choices are a person's, also where several work at one computer, and the computer's where nobody has signed in yet.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "all of this file is a test")]

use anyhow::Result;
use hugmedo_chat_core::{
    ErrorCode,
    view::{
        Credentials, Language, NotificationPrivacy, Preferences, QuietHours, SignInRequest, TextSize, Theme, ViewChange,
    },
};
use hugmedo_chat_protocol::Timestamp;
use hugmedo_chat_testkit::{Clinician, Hospital};
use serde_json::{Value, json};

const NIGHT: QuietHours = QuietHours { from: 1_290, to: 420 };

fn file(computer: &Clinician) -> Value {
    let bytes = std::fs::read(computer.data_dir().join("preferences.json")).expect("is there");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn some_way(preferences: &mut Preferences) {
    preferences.language = Some(Language::En);
    preferences.theme = Theme::Dark;
    preferences.quiet_hours = Some(NIGHT);
    preferences.notification_privacy = NotificationPrivacy::AppOnly;
    preferences.lock_after_seconds = 60;
}

fn is_that_way(preferences: &Preferences) -> bool {
    let mut hers = preferences.clone();
    some_way(&mut hers);
    hers == *preferences
}

#[tokio::test]
async fn two_people_at_one_workstation_have_each_their_own_choices_and_the_computer_its_own() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut ward = hospital.clinician("suzuki").await?;
    ward.core.change_preferences(some_way).await?;
    ward.core.change_preferences(|preferences| preferences.close_to_tray = false).await?;
    ward.core.lock().await?;
    ward.watch.until("the lock", |watch| watch.lock.is_some()).await?;
    ward.watch.history.clear();

    ward.sign_in(&hospital.url(), "sato").await?;
    let satos = ward.core.preferences();
    let look = (satos.language, satos.theme);
    assert_eq!(look, (Some(Language::En), Theme::Dark), "a newcomer goes on with what the computer looks like");
    let usual = Preferences::default();
    assert_eq!(
        (satos.quiet_hours, satos.notification_privacy, satos.lock_after_seconds),
        (None, usual.notification_privacy, usual.lock_after_seconds),
        "and has nothing else of the other's"
    );
    assert!(!satos.close_to_tray, "which is the computer's");
    ward.core
        .change_preferences(|preferences| {
            preferences.language = Some(Language::Ja);
            preferences.lock_after_seconds = 1_200;
        })
        .await?;
    ward.core.lock().await?;

    ward.sign_in(&hospital.url(), "suzuki").await?;
    let is_hers = |change: &ViewChange| matches!(change, ViewChange::SessionChanged { session: Some(session), .. } if session.user.id.as_str() == "suzuki");
    ward.watch.until("suzuki", |watch| watch.history.iter().any(is_hers)).await?;
    let told = ward.watch.history.iter().rev().find_map(|change| match change {
        ViewChange::PreferencesChanged { preferences } => Some(preferences.clone()),
        _ => None,
    });
    assert!(is_that_way(&ward.core.preferences()), "{:?}", ward.core.preferences());
    assert_eq!(told, Some(ward.core.preferences()), "and who watches was told");
    ward.restart().await?;
    assert!(is_that_way(&ward.core.preferences()));
    ward.core.lock().await?;
    ward.sign_in(&hospital.url(), "sato").await?;
    let satos = ward.core.preferences();
    assert_eq!((satos.language, satos.lock_after_seconds), (Some(Language::Ja), 1_200));
    let mut names: Vec<_> = file(&ward).as_object().expect("an object").keys().cloned().collect();
    names.sort();
    let of_the_computer =
        ["autostart", "closeToTray", "connection", "language", "lastServer", "lastUsername", "textSize", "theme"];
    assert_eq!(names, of_the_computer, "nothing else lies in the open");
    Ok(())
}

#[tokio::test]
async fn choices_kept_for_everyone_by_an_earlier_version_become_those_of_whoever_signs_in_first() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut ward = Clinician::at_a_computer().await?;
    let before = json!({
        "language": "en", "theme": "dark", "textSize": "large", "enterSends": false, "notifyAbout": "all",
        "notificationPrivacy": "appOnly", "notificationSounds": "urgent", "quietHours": { "from": 1_290, "to": 420 },
        "doNotDisturbUntil": Timestamp::from_millis(1_000), "urgentRepeatMinutes": 5, "lockAfterSeconds": 60, "closeToTray": false,
        "toldAboutTray": true, "autostart": true, "protectFromCapture": true, "lastServer": hospital.url(), "lastUsername": "sato",
        "connection": { "reconnectionAttempts": 5 },
    });
    let path = ward.data_dir().join("preferences.json");
    std::fs::write(&path, serde_json::to_vec(&before)?)?;
    ward.restart().await?;
    let all: Preferences = serde_json::from_value(before)?;
    assert_eq!(ward.core.preferences(), all, "they hold until then");
    ward.core.change_preferences(|preferences| preferences.text_size = TextSize::Largest).await?;
    ward.restart().await?;
    let all = Preferences { text_size: TextSize::Largest, ..all };
    assert_eq!(ward.core.preferences(), all, "and a change of the computer's loses none");

    ward.sign_in(&hospital.url(), "sato").await?;
    assert_eq!(ward.core.preferences(), all);
    assert!(file(&ward).get("lockAfterSeconds").is_none(), "they have moved");
    ward.restart().await?;
    assert_eq!(ward.core.preferences(), all);
    ward.core.lock().await?;
    ward.sign_in(&hospital.url(), "suzuki").await?;
    let hers = ward.core.preferences();
    assert_eq!((hers.quiet_hours, hers.lock_after_seconds), (None, Preferences::default().lock_after_seconds));
    assert_eq!((hers.autostart, hers.connection), (all.autostart, all.connection));
    Ok(())
}

#[tokio::test]
async fn a_lock_and_signing_out_keep_a_persons_choices_for_them_alone() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut sato = hospital.clinician("sato").await?;
    sato.core.set_pin(Some("4711".into())).await?;
    sato.core.change_preferences(some_way).await?;
    sato.core.lock().await?;
    for _ in 0..2 {
        assert!(is_that_way(&sato.core.preferences()));
        let refused = sato.core.change_preferences(|preferences| preferences.quiet_hours = None).await;
        assert_eq!(refused.map_err(|error| error.code()), Err(ErrorCode::Locked));
        sato.restart().await?;
        assert!(sato.watch.lock.is_some());
    }
    sato.core.change_preferences(|preferences| preferences.theme = Theme::Light).await?;
    assert_eq!(sato.core.preferences().theme, Theme::Light);
    sato.core.unlock("4711".into()).await?;
    assert!(is_that_way(&sato.core.preferences()), "and the person's own look is back");
    sato.core.sign_out().await?;
    let left = sato.core.preferences();
    assert_eq!((left.theme, left.quiet_hours), (Theme::Dark, None), "what is theirs has gone with them");
    sato.restart().await?;
    sato.sign_in(&hospital.url(), "suzuki").await?;
    assert_eq!(sato.core.preferences().quiet_hours, None, "and waits for nobody else");
    sato.core.lock().await?;
    sato.sign_in(&hospital.url(), "sato").await?;
    assert!(is_that_way(&sato.core.preferences()));
    sato.core.remove_everything().await?;
    assert!(!sato.data_dir().join("preferences.json").exists());
    let refused = sato.core.change_preferences(some_way).await;
    assert_eq!(refused.map_err(|error| error.code()), Err(ErrorCode::NotSignedIn));
    Ok(())
}

#[tokio::test]
async fn who_leaves_no_trace_leaves_none_in_how_the_computer_looks() -> Result<()> {
    let hospital = Hospital::open().await?;
    let ward = Clinician::at_a_computer().await?;
    let credentials = Credentials::Password { username: "sato".to_owned(), password: "hugmedo-demo".into(), otp: None };
    let request = SignInRequest { server: hospital.url(), credentials, remember: false, allow_insecure: false };
    ward.core.sign_in(request).await?;
    ward.core.change_preferences(some_way).await?;
    assert!(is_that_way(&ward.core.preferences()));
    ward.core.sign_out().await?;
    assert_eq!(ward.core.preferences(), Preferences::default());
    Ok(())
}

#[tokio::test]
async fn changes_at_the_same_time_from_several_sides_are_all_kept() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut sato = hospital.clinician("sato").await?;
    let until = Timestamp::from_millis(4_102_444_800_000);
    let page = serde_json::from_value(json!({ "notifyAbout": "all", "theme": "dark" }))?;
    let (tray, hint, page) = tokio::join!(
        sato.core.change_preferences(|preferences| preferences.do_not_disturb_until = Some(until)),
        sato.core.change_preferences(|preferences| preferences.told_about_tray = true),
        sato.core.set_preferences(page),
    );
    tray.and(hint).and(page)?;
    let held = sato.core.preferences();
    assert_eq!((held.do_not_disturb_until, held.told_about_tray, held.theme), (Some(until), true, Theme::Dark));
    sato.core.set_preferences(serde_json::from_value(json!({ "doNotDisturbUntil": null }))?).await?;
    assert_eq!(sato.core.preferences(), Preferences { do_not_disturb_until: None, ..held });
    sato.restart().await?;
    assert!(sato.core.preferences().told_about_tray && sato.core.preferences().do_not_disturb_until.is_none());
    Ok(())
}

#[tokio::test]
async fn a_choice_that_could_not_be_written_is_written_when_it_is_made_again() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut ward = hospital.clinician("suzuki").await?;
    let in_the_way = ward.data_dir().join("preferences.json.new");
    std::fs::create_dir(&in_the_way)?;
    let keep_open = |preferences: &mut Preferences| preferences.close_to_tray = false;
    assert!(ward.core.change_preferences(keep_open).await.is_err(), "it is told");
    assert!(!ward.core.preferences().close_to_tray, "and holds meanwhile");

    std::fs::remove_dir(&in_the_way)?;
    ward.core.change_preferences(keep_open).await?;
    ward.restart().await?;
    assert!(!ward.core.preferences().close_to_tray);
    Ok(())
}
