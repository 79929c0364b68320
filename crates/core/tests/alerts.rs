//! Notifications over the real server: taken back once they are settled, on whichever device that happens.

#![allow(clippy::indexing_slicing, reason = "all of this file is a test")]

use anyhow::Result;
use hugmedo_chat_core::view::{Delivery, Language, OutgoingMessage, RoomChoices, RoomNotify, ViewChange};
use hugmedo_chat_protocol::{ClientMessageId, Priority, RoomId, Seq};
use hugmedo_chat_testkit::{Clinician, Hospital};

fn general() -> RoomId {
    "general".into()
}

async fn say_urgently(who: &Clinician, text: &str) -> Result<()> {
    let outgoing = OutgoingMessage {
        room_id: general(),
        client_message_id: ClientMessageId::generate(),
        content: text.into(),
        priority: Priority::Urgent,
        reply_to: None,
        mentions: Vec::new(),
        attachments: Vec::new(),
        keeps_draft: false,
    };
    who.core.send_message(outgoing).await?;
    Ok(())
}

#[tokio::test]
async fn what_is_read_on_one_device_is_taken_back_on_the_other() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut ward = hospital.clinician("sato").await?;
    let mut office = hospital.clinician("sato").await?;
    let suzuki = hospital.clinician("suzuki").await?;
    say_urgently(&suzuki, "血圧が下がっています").await?;
    let raised = ward.notifications.recv().await.expect("raised");
    assert_eq!(office.notifications.recv().await.expect("raised").message_id, raised.message_id);
    let seq = ward.watch.until_message(&general(), "血圧が下がっています", None).await?.seq.expect("it is sent");
    office.watch.until_message(&general(), "血圧が下がっています", None).await?;
    office.core.mark_read(&general(), seq).await?;
    assert_eq!(office.withdrawn.recv().await.expect("taken back"), raised.message_id);
    assert_eq!(ward.withdrawn.recv().await.expect("taken back"), raised.message_id);
    Ok(())
}

#[tokio::test]
async fn one_message_after_the_other_becomes_one_notification_of_all() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut sato = hospital.clinician("sato").await?;
    let suzuki = hospital.clinician("suzuki").await?;
    sato.core.set_room_choices(&general(), RoomChoices { pinned: false, notify: RoomNotify::All }).await?;
    sato.core.change_preferences(|preferences| preferences.language = Some(Language::Ja)).await?;
    let mut before = None;
    for (text, others) in [("一つ目", None), ("二つ目", Some("1")), ("三つ目", Some("2"))] {
        suzuki.say(&general(), text).await?;
        let raised = sato.notifications.recv().await.expect("raised");
        let told = others.map(|others| format!("ほか{others}件")).unwrap_or_default();
        assert!(raised.body.as_str().contains(&told) && (others.is_some() || !raised.body.as_str().contains("ほか")));
        if let Some(before) = before.replace(raised.message_id) {
            assert_eq!(sato.withdrawn.recv().await.expect("its place is taken"), before);
        }
    }
    let seq = sato.watch.until_message(&general(), "三つ目", None).await?.seq.expect("it is sent");
    sato.core.mark_read(&general(), seq).await?;
    assert_eq!(sato.withdrawn.recv().await, before);
    suzuki.say(&general(), "四つ目").await?;
    assert!(!sato.notifications.recv().await.expect("raised").body.as_str().contains("ほか"), "it begins anew");
    Ok(())
}

/// Of how many further messages the only notification on a screen tells.
async fn others_told(clinician: &mut Clinician, others: Option<u32>) -> Result<()> {
    let is_told = || match clinician.screen.standing().as_slice() {
        [only] => {
            let told = others.map(|others| format!("ほか{others}件")).unwrap_or_default();
            only.body.as_str().contains(&told) && (others.is_some() || !only.body.as_str().contains("ほか"))
        }
        _ => false,
    };
    // What changes on the screen is told of its room right after.
    clinician.watch.until("the count", |_| is_told()).await
}

#[tokio::test]
async fn a_notification_of_several_messages_tells_of_as_many_as_are_left_unread_also_while_locked() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut office = hospital.clinician("sato").await?;
    let mut suzuki = hospital.clinician("suzuki").await?;
    for locked in [false, true] {
        let mut ward = hospital.clinician("sato").await?;
        ward.core.set_room_choices(&general(), RoomChoices { pinned: false, notify: RoomNotify::All }).await?;
        ward.core.change_preferences(|preferences| preferences.language = Some(Language::Ja)).await?;
        let texts = [1, 2, 3, 4].map(|number| format!("{number}、{locked}"));
        let mut said = Vec::new();
        for (text, number) in texts.iter().zip(0..) {
            suzuki.say(&general(), text).await?;
            said.push(suzuki.watch.until_message(&general(), text, Some(Delivery::Sent)).await?);
            ward.notifications.recv().await.expect("raised");
            if locked && number == 1 {
                ward.core.lock().await?;
            }
        }
        others_told(&mut ward, Some(3)).await?;
        // The first was read on another device.
        office.watch.until_message(&general(), &texts[3], None).await?;
        office.core.mark_read(&general(), said[0].seq.expect("sent")).await?;
        others_told(&mut ward, Some(2)).await?;
        // One in the middle, and then the newest, are taken back.
        for (gone, left) in [(2, Some(1)), (3, None)] {
            suzuki.core.delete_message(&general(), said[gone].id.as_ref().expect("sent")).await?;
            others_told(&mut ward, left).await?;
        }
        assert_eq!(Some(&ward.screen.standing()[0].message_id), said[1].id.as_ref());
        assert!(ward.notifications.try_recv().is_err(), "nothing is raised anew by it");
        office.core.mark_read(&general(), said[3].seq.expect("sent")).await?;
        let screen = ward.screen.clone();
        let is_empty = |_: &hugmedo_chat_testkit::Watch| screen.standing().is_empty();
        ward.watch.until("nothing left", is_empty).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_message_that_is_taken_back_takes_its_notification_along() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut sato = hospital.clinician("sato").await?;
    let mut suzuki = hospital.clinician("suzuki").await?;
    say_urgently(&suzuki, "間違えました").await?;
    let raised = sato.notifications.recv().await.expect("raised");
    let row =
        suzuki.watch.until_message(&general(), "間違えました", Some(hugmedo_chat_core::view::Delivery::Sent)).await?;
    suzuki.core.delete_message(&general(), &row.id.expect("it is sent")).await?;
    assert_eq!(sato.withdrawn.recv().await.expect("taken back"), raised.message_id);
    Ok(())
}

#[tokio::test]
async fn a_room_of_which_nothing_is_wanted_still_raises_what_is_urgent() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut sato = hospital.clinician("sato").await?;
    let suzuki = hospital.clinician("suzuki").await?;
    sato.core.set_room_choices(&general(), RoomChoices { pinned: false, notify: RoomNotify::None }).await?;
    suzuki.say(&general(), "普段の話").await?;
    say_urgently(&suzuki, "急変です").await?;
    let raised = sato.notifications.recv().await.expect("raised");
    assert!(raised.urgent && !raised.repeated, "the routine one before it raised nothing");
    let urgent = sato.watch.until_message(&general(), "急変です", None).await?;
    assert!(urgent.seq.is_some_and(|seq| seq > Seq::ZERO));
    Ok(())
}

#[tokio::test]
async fn the_app_does_not_begin_anew_by_itself_while_a_call_waits_for_an_answer() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut sato = hospital.clinician("sato").await?;
    let suzuki = hospital.clinician("suzuki").await?;
    suzuki.say(&general(), "普段の話").await?;
    sato.watch.until_message(&general(), "普段の話", None).await?;
    assert!(sato.core.may_begin_anew().await);
    say_urgently(&suzuki, "応援をお願いします").await?;
    sato.notifications.recv().await.expect("raised");
    let row = sato.watch.until_message(&general(), "応援をお願いします", None).await?;
    assert!(sato.core.is_call_open().await && !sato.core.may_begin_anew().await);
    sato.core.mark_read(&general(), row.seq.expect("it is sent")).await?;
    assert!(sato.core.is_call_open().await, "reading it is not answering it");
    sato.core.acknowledge_message(&general(), &row.id.expect("it is sent")).await?;
    assert!(sato.core.may_begin_anew().await);
    Ok(())
}

#[tokio::test]
async fn a_new_computer_knows_who_took_an_urgent_message_on() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut suzuki = hospital.clinician("suzuki").await?;
    let mut yamada = hospital.clinician("yamada").await?;
    say_urgently(&suzuki, "採血をお願いします").await?;
    let row = yamada.watch.until_message(&general(), "採血をお願いします", None).await?;
    yamada.core.acknowledge_message(&general(), &row.id.expect("it is sent")).await?;
    suzuki.watch.until("yamada's word", |watch| watch.history.iter().any(is_taken_on)).await?;
    // It is all history for a computer on which nobody has signed in.
    let sato = hospital.clinician("sato").await?;
    let rows = sato.core.open_room(&general()).await?.page.messages;
    let urgent = rows.iter().find(|row| row.content.as_str() == "採血をお願いします").expect("is shown");
    assert_eq!(urgent.acknowledged_by, ["yamada".into()]);
    Ok(())
}

fn is_taken_on(change: &ViewChange) -> bool {
    matches!(change, ViewChange::MessagesUpserted { messages, .. } if messages.iter().any(|row| !row.acknowledged_by.is_empty()))
}
