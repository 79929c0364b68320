//! A server that was put back to an earlier state, and the apps that know more than it does.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "all of this file is a test")]

use anyhow::Result;
use hugmedo_chat_core::view::{Delivery, Draft};
use hugmedo_chat_protocol::RoomId;
use hugmedo_chat_testkit::{Clinician, Hospital};

fn general() -> RoomId {
    "general".into()
}

async fn comes_back(clinician: &mut Clinician, hospital: &Hospital, name: &str) -> Result<()> {
    clinician.watch.until("the end of the session", |watch| watch.session.is_none()).await?;
    clinician.sign_in(&hospital.url(), name).await?;
    clinician.watch.until("the session", |watch| watch.session.is_some()).await?;
    clinician.watch.until_live().await
}

#[tokio::test]
async fn after_a_restore_everyone_shows_what_the_server_has_and_what_is_said_next_is_unread_once_and_in_order()
-> Result<()> {
    let mut hospital = Hospital::open().await?;
    let (mut sato, mut suzuki) = (hospital.clinician("sato").await?, hospital.clinician("suzuki").await?);
    suzuki.say(&general(), "前から").await?;
    sato.watch.until_message(&general(), "前から", None).await?;
    let copies = tempfile::tempdir()?;
    let copy = copies.path().join("nightly");
    hospital.back_up(&copy).await?;

    // What is said now will be lost, also by those who have read it; what was written and not sent is not.
    for text in ["失われる 一", "失われる 二", "失われる 三"] {
        suzuki.say(&general(), text).await?;
    }
    let row = sato.watch.until_message(&general(), "失われる 三", None).await?;
    sato.core.mark_read(&general(), row.seq.expect("it is sent")).await?;
    suzuki.watch.until_message(&general(), "失われる 三", Some(Delivery::Read)).await?;
    sato.core.save_draft(&general(), Draft { content: "書きかけ".into(), ..Draft::default() }).await?;
    hospital.restore(&copy).await?;

    for (clinician, name) in [(&mut sato, "sato"), (&mut suzuki, "suzuki")] {
        // It may have found out by itself, and then nobody is signed in.
        let _ = clinician.core.reconnect_now().await;
        comes_back(clinician, &hospital, name).await?;
    }
    assert_eq!(sato.newest(&general(), 1).await?, ["前から"], "what the server does not have is shown no more");
    assert_eq!(sato.watch.rooms[&general()].unread, 0);

    for text in ["後から 一", "後から 二"] {
        suzuki.say(&general(), text).await?;
        sato.watch.until_message(&general(), text, None).await?;
    }
    sato.watch.until("two unread", |watch| watch.rooms[&general()].unread == 2).await?;
    let expected = ["前から", "後から 一", "後から 二"];
    assert_eq!(sato.newest(&general(), 3).await?, expected);
    assert_eq!(suzuki.newest(&general(), 3).await?, expected);
    suzuki.watch.until_message(&general(), "後から 二", Some(Delivery::Delivered)).await?;
    let row = suzuki.watch.message(&general(), "後から 二").expect("it is there").clone();
    assert_eq!(row.read_by, 0, "nobody has read what nobody has looked at");
    let opened = sato.core.open_room(&general()).await?;
    assert_eq!(opened.draft.content.as_str(), "書きかけ");
    Ok(())
}
