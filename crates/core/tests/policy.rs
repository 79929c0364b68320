//! What an organisation has decided holds in core, whatever the page asks for.

use anyhow::Result;
use hugmedo_chat_core::{
    ErrorCode,
    policy::Policy,
    view::{Delivery, NotificationPrivacy, PolicyKey, Preferences, RoomChoices, RoomNotify},
};
use hugmedo_chat_testkit::{Clinician, Hospital};

fn policy(text: &str) -> Policy {
    Policy::parse(text.as_bytes())
}

fn code<T>(result: Result<T>) -> Option<ErrorCode> {
    result.err()?.downcast_ref::<hugmedo_chat_core::Error>().map(hugmedo_chat_core::Error::code)
}

#[tokio::test]
async fn core_refuses_to_change_what_is_decided_and_keeps_everything_else_as_it_was() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut sato = hospital.clinician("sato").await?;
    sato.core.change_preferences(|told| told.notification_privacy = NotificationPrivacy::Content).await?;
    let own = sato.core.preferences();
    sato.restart_under(policy(r#"{ "notificationPrivacy": "nothing", "lockAfterMinutes": 3 }"#)).await?;

    let (snapshot, _) = sato.core.subscribe().await?;
    assert_eq!(snapshot.policy.managed, [PolicyKey::NotificationPrivacy, PolicyKey::LockAfterMinutes]);
    let held = snapshot.preferences;
    assert_eq!((held.notification_privacy, held.lock_after_seconds), (NotificationPrivacy::Nothing, 180));

    let forbidden = |preferences: &mut Preferences| {
        (preferences.lock_after_seconds, preferences.enter_sends) = (0, false);
    };
    let refused = sato.core.change_preferences(forbidden).await.expect_err("decided");
    assert_eq!(refused.code(), ErrorCode::ManagedByPolicy);
    assert_eq!(sato.core.preferences(), held, "nor was the rest of it taken");
    sato.core.change_preferences(|preferences| preferences.enter_sends = false).await?;

    sato.restart().await?;
    assert_eq!(sato.core.preferences(), Preferences { enter_sends: false, ..own }, "the own choice is back");
    Ok(())
}

#[tokio::test]
async fn a_notification_tells_what_the_organisation_lets_it_whatever_the_person_has_chosen() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut sato = hospital.clinician("sato").await?;
    let suzuki = hospital.clinician("suzuki").await?;
    let general = "general".into();
    sato.core.set_room_choices(&general, RoomChoices { pinned: false, notify: RoomNotify::All }).await?;
    sato.core.change_preferences(|told| told.notification_privacy = NotificationPrivacy::Content).await?;
    // Each what it lets through, of the sender's name and the text.
    for (decided, tells) in
        [("content", (true, true)), ("sender", (true, false)), ("nothing", (false, false)), ("appOnly", (false, false))]
    {
        sato.restart_under(policy(&format!(r#"{{ "notificationPrivacy": "{decided}" }}"#))).await?;
        sato.watch.until_live().await?;
        let text = format!("採血が終わりました {decided}");
        suzuki.say(&general, &text).await?;
        let raised = sato.notifications.recv().await.expect("raised");
        let words = format!("{} {}", raised.title.as_str(), raised.body.as_str());
        assert_eq!((words.contains("鈴木"), words.contains("採血")), tells, "{decided}: {words}");
    }
    Ok(())
}

#[tokio::test]
async fn no_other_server_than_the_decided_one_is_signed_in_to_or_resumed_and_nothing_of_it_is_lost() -> Result<()> {
    let (hospital, other) = (Hospital::open().await?, Hospital::open().await?);
    let decided = format!(r#"{{ "server": "{}" }}"#, hospital.url());
    let mut sato = Clinician::at_a_computer_under(policy(&decided)).await?;
    assert_eq!(code(sato.sign_in(&other.url(), "sato").await), Some(ErrorCode::ManagedByPolicy));
    sato.sign_in(&hospital.url(), "sato").await?;
    sato.watch.until_live().await?;

    let elsewhere = format!(r#"{{ "server": "{}" }}"#, other.url());
    sato.restart_under(policy(&elsewhere)).await?;
    let (snapshot, _) = sato.core.subscribe().await?;
    assert_eq!((snapshot.session, snapshot.trouble), (None, Some(ErrorCode::ManagedByPolicy)));

    sato.restart_under(policy(&decided)).await?;
    sato.watch.until_live().await?;
    Ok(())
}

#[tokio::test]
async fn a_policy_that_cannot_be_followed_lets_the_session_that_is_there_go_on_and_no_other_begin() -> Result<()> {
    let (hospital, other) = (Hospital::open().await?, Hospital::open().await?);
    let mut sato = hospital.clinician("sato").await?;
    sato.restart_under(policy("{ not json")).await?;
    sato.watch.until_live().await?;
    assert_eq!(sato.core.subscribe().await?.0.policy.problems.len(), 1);
    assert_eq!(code(sato.sign_in(&other.url(), "sato").await), Some(ErrorCode::PolicyUnusable));

    let suzuki = Clinician::at_a_computer_under(policy("{ not json")).await?;
    assert_eq!(code(suzuki.sign_in(&hospital.url(), "suzuki").await), Some(ErrorCode::PolicyUnusable));
    Ok(())
}

#[tokio::test]
async fn the_diagnostics_name_what_is_decided_and_what_is_wrong() -> Result<()> {
    let sato = Clinician::at_a_computer_under(policy(r#"{ "autostart": true, "updates": 1 }"#)).await?;
    let told = sato.core.diagnostics().await;
    assert!(told.contains("Policy, decided: autostart, updates\nproblem: `updates` must be "), "{told}");
    Ok(())
}

#[tokio::test]
async fn a_conversation_is_a_text_with_everything_the_server_has_unless_the_organisation_does_not_allow_it()
-> Result<()> {
    let hospital = Hospital::open().await?;
    let mut sato = hospital.clinician("sato").await?;
    let room = "general".into();
    for number in 0..3 {
        let text = format!("記録{number}");
        sato.say(&room, &text).await?;
        sato.watch.until_message(&room, &text, Some(Delivery::Sent)).await?;
    }
    let exported = sato.core.export_conversation(&room).await?;
    let places: Vec<_> = (0..3).map(|number| exported.as_str().find(&format!("記録{number}\n"))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "in their order: {places:?}");

    sato.restart_under(policy(r#"{ "exportConversations": false }"#)).await?;
    let refused = sato.core.export_conversation(&room).await.expect_err("not allowed");
    assert_eq!(refused.code(), ErrorCode::ManagedByPolicy);
    Ok(())
}
