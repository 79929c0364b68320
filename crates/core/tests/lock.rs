//! The locked app, with the real server: nothing is open, nothing urgent is missed, and only its owner opens it.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "all of this file is a test")]

use anyhow::Result;
use hugmedo_chat_core::{
    ErrorCode,
    view::{Credentials, Delivery, EditText, NotificationPrivacy, OutgoingMessage, SignInRequest, ViewChange},
};
use hugmedo_chat_protocol::{ClientMessageId, Priority, RoomId};
use hugmedo_chat_testkit::{Clinician, Hospital};

const PIN: &str = "4711";

fn general() -> RoomId {
    "general".into()
}

async fn locked(hospital: &Hospital) -> Result<Clinician> {
    let mut sato = hospital.clinician("sato").await?;
    sato.core.set_pin(Some(PIN.into())).await?;
    sato.core.lock().await?;
    sato.watch.until("the lock", |watch| watch.lock.is_some() && watch.session.is_none()).await?;
    Ok(sato)
}

async fn say_urgently(who: &Clinician, text: &str) -> Result<()> {
    let urgent = OutgoingMessage {
        room_id: general(),
        client_message_id: ClientMessageId::generate(),
        content: text.into(),
        priority: Priority::Urgent,
        reply_to: None,
        mentions: Vec::new(),
        attachments: Vec::new(),
        keeps_draft: false,
    };
    who.core.send_message(urgent).await?;
    Ok(())
}

#[tokio::test]
async fn while_locked_nothing_is_shown_or_done_and_what_comes_in_is_counted_and_told_without_a_word_of_it() -> Result<()>
{
    let hospital = Hospital::open().await?;
    let suzuki = hospital.clinician("suzuki").await?;
    let mut sato = locked(&hospital).await?;
    let before = sato.watch.lock.clone().expect("locked");

    let (snapshot, _) = sato.core.subscribe().await?;
    assert!(snapshot.session.is_none() && snapshot.rooms.is_empty() && snapshot.presence.is_empty());
    let codes = [
        sato.core.open_room(&general()).await.map(drop).expect_err("locked").code(),
        sato.core.unsent_messages().await.map(drop).expect_err("locked").code(),
        sato.say(&general(), "x")
            .await
            .map(drop)
            .expect_err("locked")
            .downcast_ref::<hugmedo_chat_core::Error>()
            .expect("ours")
            .code(),
        sato.core.set_pin(None).await.expect_err("locked").code(),
        sato.core.sign_out().await.expect_err("locked").code(),
    ];
    assert_eq!(codes, [ErrorCode::Locked; 5]);

    suzuki.say(&general(), "回診は10時からです").await?;
    say_urgently(&suzuki, "302号室、急変です").await?;
    sato.watch
        .until("both counted", |watch| {
            watch.lock.as_ref().is_some_and(|lock| (lock.unread, lock.urgent) == (before.unread + 2, before.urgent + 1))
        })
        .await?;
    let raised = sato.notifications.recv().await.expect("raised");
    assert!(raised.urgent);
    let shown = format!("{}{}", raised.title.as_str(), raised.body.as_str());
    assert!(!shown.contains("急変") && !shown.contains("鈴木"), "{shown}");

    sato.core.unlock(PIN.into()).await?;
    sato.watch.until_live().await?;
    sato.watch.until("the rooms", |watch| watch.lock.is_none() && watch.rooms.contains_key(&general())).await?;
    assert_eq!(sato.newest(&general(), 2).await?, ["回診は10時からです", "302号室、急変です"]);
    // What alerted while locked does not alert again; the next thing does.
    say_urgently(&suzuki, "303号室もお願いします").await?;
    let next = sato.notifications.recv().await.expect("raised");
    assert_ne!(next.message_id, raised.message_id);
    assert!(sato.notifications.try_recv().is_err());
    Ok(())
}

#[tokio::test]
async fn a_session_that_leaves_no_trace_stays_connected_and_yet_tells_no_more_than_the_lock_may() -> Result<()> {
    let hospital = Hospital::open().await?;
    let suzuki = hospital.clinician("suzuki").await?;
    let mut sato = Clinician::at_a_computer().await?;
    let credentials = Credentials::Password { username: "sato".to_owned(), password: "hugmedo-demo".into(), otp: None };
    let request = SignInRequest { server: hospital.url(), credentials, remember: false, allow_insecure: false };
    sato.core.sign_in(request).await?;
    sato.watch.until_live().await?;
    sato.core.change_preferences(|told| told.notification_privacy = NotificationPrivacy::Content).await?;
    sato.core.lock().await?;
    sato.watch.until("the lock", |watch| watch.lock.is_some()).await?;
    let (before, told) = (sato.watch.lock.clone().expect("locked").urgent, sato.watch.history.len());
    for text in ["302号室、急変です", "303号室もです"] {
        say_urgently(&suzuki, text).await?;
        let raised = sato.notifications.recv().await.expect("raised");
        let shown = format!("{}{}", raised.title.as_str(), raised.body.as_str());
        assert!(!shown.contains("号室") && !shown.contains("鈴木"), "{shown}");
    }
    assert!(sato.notifications.try_recv().is_err(), "each alerted once");
    sato.watch.until("both counted", |watch| watch.lock.as_ref().is_some_and(|lock| lock.urgent == before + 2)).await?;
    suzuki.core.set_typing(&general(), true).await?;
    suzuki.say(&general(), "三つ目").await?;
    sato.watch.until("the third", |watch| watch.lock.as_ref().is_some_and(|lock| lock.unread >= before + 3)).await?;
    let of_the_lock = |change: &ViewChange| {
        matches!(
            change,
            ViewChange::LockChanged { .. }
                | ViewChange::SessionChanged { session: None, .. }
                | ViewChange::ConnectionChanged { .. }
        )
    };
    assert!(sato.watch.history[told..].iter().all(of_the_lock), "nothing of rooms, messages and people");
    Ok(())
}

#[tokio::test]
async fn the_pin_of_a_session_that_leaves_no_trace_ends_with_it() -> Result<()> {
    let hospital = Hospital::open().await?;
    let computer = Clinician::at_a_computer().await?;
    let request = |username: &str| SignInRequest {
        server: hospital.url(),
        credentials: Credentials::Password {
            username: username.to_owned(),
            password: "hugmedo-demo".into(),
            otp: None,
        },
        remember: false,
        allow_insecure: false,
    };
    computer.core.sign_in(request("sato")).await?;
    computer.core.set_pin(Some(PIN.into())).await?;
    assert!(computer.core.has_pin().await?);
    computer.core.sign_out().await?;
    computer.core.sign_in(request("suzuki")).await?;
    assert!(!computer.core.has_pin().await?);
    computer.core.lock().await?;
    assert_eq!(computer.core.unlock(PIN.into()).await.map(drop).expect_err("sato's").code(), ErrorCode::PinUsedUp);
    Ok(())
}

#[tokio::test]
async fn an_edit_that_was_begun_outlasts_a_lock_and_ends_with_its_message() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut sato = hospital.clinician("sato").await?;
    sato.core.set_pin(Some(PIN.into())).await?;
    sato.say(&general(), "血圧 120/80").await?;
    let said = sato.watch.until_message(&general(), "血圧 120/80", Some(Delivery::Sent)).await?;
    let id = said.id.clone().expect("sent");
    let edit = EditText { message_id: id.clone(), content: "血圧 130/80".into() };
    sato.core.save_edit(&general(), Some(edit.clone())).await?;
    // What else is sent meanwhile does not end it.
    sato.say(&general(), "体温 36.5").await?;
    sato.core.lock().await?;
    sato.restart().await?;
    sato.core.unlock(PIN.into()).await?;
    let begun = sato.core.open_room(&general()).await?.edit.expect("begun");
    assert_eq!((begun.message.id, begun.content.as_str()), (Some(id.clone()), "血圧 130/80"));
    sato.core.save_edit(&general(), None).await?;
    assert_eq!(sato.core.open_room(&general()).await?.edit, None);

    sato.core.save_edit(&general(), Some(edit)).await?;
    sato.watch.until_live().await?;
    sato.core.delete_message(&general(), &id).await?;
    assert_eq!(sato.core.open_room(&general()).await?.edit, None);
    Ok(())
}

#[tokio::test]
async fn what_is_read_on_another_device_is_no_longer_counted() -> Result<()> {
    let hospital = Hospital::open().await?;
    let suzuki = hospital.clinician("suzuki").await?;
    let mut office = hospital.clinician("sato").await?;
    let mut ward = locked(&hospital).await?;
    let before = ward.watch.lock.clone().expect("locked").unread;
    suzuki.say(&general(), "カンファレンスは15時です").await?;
    ward.watch.until("counted", |watch| watch.lock.as_ref().is_some_and(|lock| lock.unread == before + 1)).await?;
    let row = office.watch.until_message(&general(), "カンファレンスは15時です", None).await?;
    office.core.mark_read(&general(), row.seq.expect("sent")).await?;
    ward.watch
        .until("no longer counted", |watch| watch.lock.as_ref().is_some_and(|lock| lock.unread <= before))
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_wrong_pin_opens_nothing_is_slowed_and_then_only_signing_in_helps() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut sato = locked(&hospital).await?;
    for left in [7, 6, 5] {
        let refused = sato.core.unlock("0000".into()).await.map(drop).expect_err("wrong");
        assert_eq!(refused.code(), ErrorCode::WrongPin);
        sato.watch
            .until("one less", |watch| {
                watch.lock.as_ref().and_then(|lock| lock.pin).is_some_and(|pin| pin.attempts_left == left)
            })
            .await?;
    }
    // Also the right one has to wait now, and a restart does not help.
    assert_eq!(sato.core.unlock(PIN.into()).await.map(drop).expect_err("early").code(), ErrorCode::RateLimited);
    sato.restart().await?;
    assert!(sato.watch.session.is_none() && sato.watch.lock.is_some(), "locked still");
    assert_eq!(sato.core.unlock(PIN.into()).await.map(drop).expect_err("early").code(), ErrorCode::RateLimited);

    sato.sign_in(&hospital.url(), "sato").await?;
    sato.watch.until_live().await?;
    assert!(sato.watch.lock.is_none() && !sato.watch.rooms.is_empty());
    // Its owner has signed in: the PIN is as new.
    sato.core.lock().await?;
    sato.core.unlock(PIN.into()).await?;
    Ok(())
}

#[tokio::test]
async fn a_locked_app_is_locked_when_it_starts_again_and_loses_nothing() -> Result<()> {
    let mut hospital = Hospital::open().await?;
    let mut sato = hospital.clinician("sato").await?;
    sato.core.set_pin(Some(PIN.into())).await?;
    hospital.close().await;
    sato.say(&general(), "つながったら送ってください").await?;
    sato.core.lock().await?;
    sato.restart().await?;
    assert!(sato.watch.session.is_none() && sato.watch.lock.is_some());
    hospital.reopen().await?;
    sato.core.unlock(PIN.into()).await?;
    sato.watch.until_message(&general(), "つながったら送ってください", Some(Delivery::Sent)).await?;
    Ok(())
}

#[tokio::test]
async fn whoever_else_signs_in_opens_their_own_account_and_not_the_locked_one() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut computer = hospital.clinician("sato").await?;
    computer.say(&general(), "佐藤の下書きではない発言").await?;
    computer.watch.until_message(&general(), "佐藤の下書きではない発言", Some(Delivery::Sent)).await?;
    let draft = hugmedo_chat_core::view::Draft { content: "佐藤の書きかけ".into(), ..Default::default() };
    computer.core.save_draft(&general(), draft).await?;
    computer.core.lock().await?;
    computer.sign_in(&hospital.url(), "suzuki").await?;
    computer
        .watch
        .until("suzuki", |watch| watch.session.as_ref().is_some_and(|s| s.user.id.as_str() == "suzuki"))
        .await?;
    computer.watch.until_live().await?;
    assert!(computer.watch.lock.is_none());
    assert!(computer.core.open_room(&general()).await?.draft.content.as_str().is_empty());
    // And hers waits for her.
    computer.core.lock().await?;
    computer.sign_in(&hospital.url(), "sato").await?;
    assert_eq!(computer.core.open_room(&general()).await?.draft.content.as_str(), "佐藤の書きかけ");
    // Who has signed in at another's lock is locked out by neither theirs nor their own earlier one.
    computer.restart().await?;
    assert!(computer.watch.lock.is_none() && computer.watch.session.is_some());
    Ok(())
}

#[tokio::test]
async fn a_session_that_leaves_no_trace_is_locked_too_and_keeps_what_is_unsent() -> Result<()> {
    let mut hospital = Hospital::open().await?;
    let mut sato = Clinician::at_a_computer().await?;
    let credentials =
        || Credentials::Password { username: "sato".to_owned(), password: "hugmedo-demo".into(), otp: None };
    let request =
        || SignInRequest { server: hospital.url(), credentials: credentials(), remember: false, allow_insecure: false };
    sato.core.sign_in(request()).await?;
    sato.watch.until_live().await?;
    let again = request();
    hospital.close().await;
    sato.say(&general(), "あとで届きます").await?;
    sato.core.lock().await?;
    assert_eq!(sato.core.open_room(&general()).await.map(drop).expect_err("locked").code(), ErrorCode::Locked);
    assert_eq!(sato.core.unlock(PIN.into()).await.map(drop).expect_err("none chosen").code(), ErrorCode::PinUsedUp);
    hospital.reopen().await?;
    sato.core.sign_in(again).await?;
    sato.watch.until("unlocked", |watch| watch.lock.is_none() && watch.session.is_some()).await?;
    sato.watch.until_message(&general(), "あとで届きます", Some(Delivery::Sent)).await?;
    assert!(sato.secrets.names().is_empty(), "nothing of it in the keychain");
    Ok(())
}

#[tokio::test]
async fn a_session_that_is_ended_from_elsewhere_ends_while_locked() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut sato = locked(&hospital).await?;
    let server = hospital.server().expect("running");
    server.admin().disable_user(&"sato".into()).await?;
    sato.watch.until("the end", |watch| watch.lock.is_none()).await?;
    assert_eq!(sato.core.unlock(PIN.into()).await.map(drop).expect_err("over").code(), ErrorCode::NotSignedIn);
    Ok(())
}
