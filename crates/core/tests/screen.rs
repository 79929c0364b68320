//! What stands on the screen, over the ends of the app, the lock and changes of the person: never more than is true, and never
//! more than may be seen.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "all of this file is a test")]

use anyhow::Result;
use hugmedo_chat_core::{
    host::Sound,
    view::{Delivery, Language, NotificationPrivacy, NotificationSounds, NotifyAbout, OutgoingMessage, Preferences},
};
use hugmedo_chat_protocol::{ClientMessageId, Priority, RoomId};
use hugmedo_chat_testkit::{Clinician, Hospital};

const PIN: &str = "4711";

/// A room in which everything notifies.
fn ward() -> RoomId {
    "patient-tanaka".into()
}

fn general() -> RoomId {
    "general".into()
}

async fn say_urgently(who: &Clinician, text: &str) -> Result<()> {
    let urgent = OutgoingMessage {
        room_id: ward(),
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

/// Someone who lets notifications tell everything.
async fn open_hearted(hospital: &Hospital, username: &str) -> Result<Clinician> {
    let clinician = hospital.clinician(username).await?;
    tell_everything(&clinician).await?;
    Ok(clinician)
}

async fn tell_everything(clinician: &Clinician) -> Result<()> {
    let told = |preferences: &mut Preferences| {
        preferences.language = Some(Language::Ja);
        preferences.notification_privacy = NotificationPrivacy::Content;
        preferences.notify_about = NotifyAbout::All;
    };
    Ok(clinician.core.change_preferences(told).await?)
}

#[tokio::test]
async fn what_was_read_elsewhere_while_the_app_was_off_is_gone_and_the_rest_is_taken_over() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut ward_computer = open_hearted(&hospital, "sato").await?;
    let mut office = hospital.clinician("sato").await?;
    let suzuki = hospital.clinician("suzuki").await?;
    suzuki.say(&ward(), "一つ目").await?;
    say_urgently(&suzuki, "急変です").await?;
    for _ in 0..2 {
        ward_computer.notifications.recv().await.expect("raised");
    }
    ward_computer.core.shutdown().await;
    assert_eq!(ward_computer.screen.standing().len(), 2, "nobody takes them away");

    ward_computer.start().await?;
    let text = ward_computer.screen.text();
    assert!(text.contains("一つ目") && text.contains("急変です"), "{text}");
    assert!(ward_computer.notifications.try_recv().is_err(), "none is raised again");

    ward_computer.core.shutdown().await;
    let row = office.watch.until_message(&ward(), "一つ目", None).await?;
    office.core.mark_read(&ward(), row.seq.expect("sent")).await?;
    office.watch.until("read", |watch| watch.rooms.get(&ward()).is_some_and(|room| room.unread == 1)).await?;
    ward_computer.start().await?;
    ward_computer
        .watch
        .until("read here too", |watch| watch.rooms.get(&ward()).is_some_and(|room| room.unread == 1))
        .await?;
    let text = ward_computer.screen.text();
    assert!(!text.contains("一つ目") && text.contains("急変です"), "{text}");
    Ok(())
}

#[tokio::test]
async fn locking_leaves_nothing_on_the_screen_but_that_there_is_something() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut sato = open_hearted(&hospital, "sato").await?;
    let suzuki = hospital.clinician("suzuki").await?;
    suzuki.say(&ward(), "血圧が下がっています").await?;
    say_urgently(&suzuki, "302号室、急変です").await?;
    for _ in 0..2 {
        sato.notifications.recv().await.expect("raised");
    }
    assert!(sato.screen.text().contains("血圧") && sato.screen.text().contains("302"));
    sato.core.set_pin(Some(PIN.into())).await?;
    sato.core.lock().await?;
    let shown = sato.screen.text();
    assert_eq!(sato.screen.standing().len(), 2);
    assert!(!shown.contains("血圧") && !shown.contains("302") && !shown.contains("鈴木"), "{shown}");

    // One notification for all that comes in while locked, too.
    for text in ["脈は60です", "体温は38度です"] {
        suzuki.say(&ward(), text).await?;
        sato.notifications.recv().await.expect("raised");
    }
    let shown = sato.screen.text();
    assert_eq!(sato.screen.standing().len(), 2, "{shown}");
    assert!(shown.contains("ほか2件") && !shown.contains("脈") && !shown.contains("体温"), "{shown}");

    sato.core.unlock(PIN.into()).await?;
    sato.watch.until_live().await?;
    assert!(sato.screen.text().contains("302号室、急変です"), "{}", sato.screen.text());
    Ok(())
}

#[tokio::test]
async fn what_a_locked_app_has_told_is_not_told_again_by_the_next_start() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut sato = hospital.clinician("sato").await?;
    let suzuki = hospital.clinician("suzuki").await?;
    sato.core.set_pin(Some(PIN.into())).await?;
    sato.core.lock().await?;
    sato.watch.until("the lock", |watch| watch.lock.is_some()).await?;
    let before = sato.watch.lock.clone().expect("locked").unread;
    suzuki.say(&ward(), "ロック中の一言").await?;
    say_urgently(&suzuki, "ロック中の急変").await?;
    for _ in 0..2 {
        sato.notifications.recv().await.expect("raised");
    }
    let counted =
        |watch: &hugmedo_chat_testkit::Watch| watch.lock.as_ref().is_some_and(|lock| lock.unread == before + 2);
    sato.watch.until("both counted", counted).await?;
    sato.restart().await?;
    sato.watch.until("counted by the next run", counted).await?;
    // By the time that something new alerts, what came before would have.
    say_urgently(&suzuki, "次の急変").await?;
    sato.notifications.recv().await.expect("raised");
    assert!(sato.notifications.try_recv().is_err(), "only what is new");

    sato.core.unlock(PIN.into()).await?;
    sato.watch.until_live().await?;
    assert_eq!(sato.newest(&ward(), 3).await?, ["ロック中の一言", "ロック中の急変", "次の急変"]);
    assert!(sato.notifications.try_recv().is_err(), "nor after unlocking");
    Ok(())
}

#[tokio::test]
async fn two_people_at_one_computer_have_stores_keys_and_notifications_of_their_own() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut computer = open_hearted(&hospital, "sato").await?;
    let yamada = hospital.clinician("yamada").await?;
    yamada.say(&general(), "佐藤さんへの連絡").await?;
    computer.notifications.recv().await.expect("raised");
    computer.core.set_pin(Some(PIN.into())).await?;
    computer.core.lock().await?;

    computer.sign_in(&hospital.url(), "suzuki").await?;
    computer
        .watch
        .until("suzuki", |watch| watch.session.as_ref().is_some_and(|s| s.user.id.as_str() == "suzuki"))
        .await?;
    computer.watch.until_live().await?;
    assert_eq!(computer.screen.standing(), [], "nothing of sato's is left for suzuki to see");
    tell_everything(&computer).await?;
    let stores: Vec<_> = std::fs::read_dir(computer.data_dir().join("accounts"))?
        .map(|entry| entry.map(|entry| entry.path().join("store.db")))
        .collect::<std::io::Result<_>>()?;
    assert_eq!(stores.len(), 2);
    let names = computer.secrets.names();
    assert_eq!(names.iter().filter(|name| name.contains(":store-key:")).count(), 2, "each has a key of its own");

    // What is said to sato alone is not suzuki's: neither a row nor a notification.
    let private = yamada.core.create_room(direct("sato")).await?;
    yamada.say(&private.id, "佐藤さんだけに").await?;
    yamada.say(&general(), "お二人に").await?;
    assert!(computer.notifications.recv().await.expect("raised").body.as_str().contains("お二人に"));
    assert!(computer.notifications.try_recv().is_err());
    assert!(!computer.watch.rooms.contains_key(&private.id));
    assert!(!computer.screen.text().contains("だけに"));

    computer.core.lock().await?;
    computer.sign_in(&hospital.url(), "sato").await?;
    computer.watch.until_live().await?;
    computer.watch.until_message(&private.id, "佐藤さんだけに", None).await?;
    Ok(())
}

#[tokio::test]
async fn signing_out_takes_everything_from_the_screen() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut sato = hospital.clinician("sato").await?;
    let mut suzuki = hospital.clinician("suzuki").await?;
    suzuki.say(&ward(), "お知らせ").await?;
    sato.notifications.recv().await.expect("raised");
    suzuki.watch.until_message(&ward(), "お知らせ", Some(Delivery::Sent)).await?;
    sato.core.sign_out().await?;
    assert_eq!(sato.screen.standing(), []);
    Ok(())
}

#[tokio::test]
async fn a_burst_sounds_once_and_urgent_messages_sound_otherwise() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut sato = hospital.clinician("sato").await?;
    let suzuki = hospital.clinician("suzuki").await?;
    let mut sounds = Vec::new();
    for text in ["一", "二"] {
        suzuki.say(&ward(), text).await?;
        sounds.push(sato.notifications.recv().await.expect("raised").sound);
    }
    say_urgently(&suzuki, "急変").await?;
    sounds.push(sato.notifications.recv().await.expect("raised").sound);
    assert_eq!(sounds, [Some(Sound::Routine), None, Some(Sound::Urgent)]);
    sato.core.change_preferences(|preferences| preferences.notification_sounds = NotificationSounds::Off).await?;
    say_urgently(&suzuki, "もう一度").await?;
    assert_eq!(sato.notifications.recv().await.expect("raised").sound, None);
    Ok(())
}

fn direct(with: &str) -> hugmedo_chat_core::view::NewRoom {
    hugmedo_chat_core::view::NewRoom { name: None, member_ids: vec![with.into()] }
}
