//! Core and the real server, over a real socket: what two clinicians live through in a day.

use std::time::Duration;

use anyhow::Result;
use hugmedo_chat_core::view::ViewChange;
use hugmedo_chat_core::{
    ErrorCode,
    view::{ConnectionState, Delivery, Draft, Gaze, OutgoingMessage},
};
use hugmedo_chat_protocol::{ClientMessageId, Priority, RoomId, RoomKind, Seq, SessionEndReason};
use hugmedo_chat_testkit::{Clinician, Hospital, Watch};

fn general() -> RoomId {
    "general".into()
}

fn tanakas() -> RoomId {
    "patient-tanaka".into()
}

#[tokio::test]
async fn a_message_arrives_and_is_seen_to_be_sent_delivered_and_read() -> Result<()> {
    let hospital = Hospital::open().await?;
    let (mut sato, mut suzuki) = (hospital.clinician("sato").await?, hospital.clinician("suzuki").await?);
    assert!(sato.watch.session.as_ref().is_some_and(|session| !session.baseline));

    sato.say(&tanakas(), "採血の結果が出ました").await?;
    sato.watch.until_message(&tanakas(), "採血の結果が出ました", Some(Delivery::Sent)).await?;
    let row = suzuki.watch.until_message(&tanakas(), "採血の結果が出ました", None).await?;
    assert_eq!((row.author.name.as_str(), row.own), ("佐藤 恵", false));
    sato.watch.until_message(&tanakas(), "採血の結果が出ました", Some(Delivery::Delivered)).await?;

    let unread = suzuki.watch.rooms[&tanakas()].unread;
    assert!(unread >= 1);
    suzuki.core.mark_read(&tanakas(), row.seq.expect("it is sent")).await?;
    suzuki.watch.until("a cleared badge", |watch| watch.rooms[&tanakas()].unread == 0).await?;
    let row = sato.watch.until_message(&tanakas(), "採血の結果が出ました", Some(Delivery::Read)).await?;
    assert_eq!(row.read_by, 1);
    Ok(())
}

#[tokio::test]
async fn typing_is_heard_by_others_and_not_by_oneself() -> Result<()> {
    let hospital = Hospital::open().await?;
    let (mut sato, mut suzuki) = (hospital.clinician("sato").await?, hospital.clinician("suzuki").await?);
    suzuki.core.set_typing(&general(), true).await?;
    sato.watch
        .until("suzuki writing", |watch| watch.typing.get(&general()).is_some_and(|people| people.len() == 1))
        .await?;
    suzuki.core.set_typing(&general(), false).await?;
    sato.watch.until("suzuki done", |watch| watch.typing.get(&general()).is_some_and(Vec::is_empty)).await?;
    sato.say(&general(), "区切り").await?;
    suzuki.watch.until_message(&general(), "区切り", None).await?;
    assert!(suzuki.watch.typing.get(&general()).is_none_or(Vec::is_empty));
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_away_is_told_and_what_was_written_meanwhile_arrives_once_and_in_order() -> Result<()> {
    let mut hospital = Hospital::open().await?;
    let (mut sato, mut suzuki) = (hospital.clinician("sato").await?, hospital.clinician("suzuki").await?);
    sato.say(&general(), "停電の前").await?;
    sato.watch.until_message(&general(), "停電の前", Some(Delivery::Sent)).await?;

    hospital.close().await;
    for clinician in [&mut sato, &mut suzuki] {
        let is_told = |watch: &Watch| {
            watch.connection.state == ConnectionState::Offline && watch.connection.next_attempt_at.is_some()
        };
        clinician.watch.until("word of the loss, and of when it is tried again", is_told).await?;
    }
    for text in ["停電中 一", "停電中 二", "停電中 三"] {
        sato.say(&general(), text).await?;
    }
    hospital.reopen().await?;
    for clinician in [&mut sato, &mut suzuki] {
        clinician.core.reconnect_now().await?;
        clinician.watch.until_live().await?;
    }
    sato.watch.until_message(&general(), "停電中 三", Some(Delivery::Sent)).await?;
    suzuki.watch.until_message(&general(), "停電中 三", None).await?;
    let expected = ["停電の前", "停電中 一", "停電中 二", "停電中 三"];
    assert_eq!(suzuki.newest(&general(), 4).await?, expected);
    assert_eq!(sato.newest(&general(), 4).await?, expected);
    Ok(())
}

#[tokio::test]
async fn what_was_said_while_someone_was_away_is_there_when_they_are_back() -> Result<()> {
    let hospital = Hospital::open().await?;
    let (sato, mut suzuki) = (hospital.clinician("sato").await?, hospital.clinician("suzuki").await?);
    let before = suzuki.watch.rooms[&tanakas()].unread;
    suzuki.core.shutdown().await;
    // More than one page of sync.
    for number in 0..25 {
        sato.say(&tanakas(), &format!("留守中 {number}")).await?;
    }
    let mut sato = sato;
    sato.watch.until_message(&tanakas(), "留守中 24", Some(Delivery::Sent)).await?;
    suzuki.restart().await?;
    assert!(suzuki.watch.session.is_some(), "still signed in, from the keychain");
    suzuki.watch.until_live().await?;
    let expected: Vec<String> = (0..25).map(|number| format!("留守中 {number}")).collect();
    assert_eq!(suzuki.newest(&tanakas(), 25).await?, expected);
    assert_eq!(suzuki.watch.rooms[&tanakas()].unread, before + 25);
    Ok(())
}

#[tokio::test]
async fn a_patients_message_notifies_once_and_routine_talk_among_staff_does_not() -> Result<()> {
    let hospital = Hospital::open().await?;
    let (mut sato, tanaka) = (hospital.clinician("sato").await?, hospital.clinician("tanaka").await?);
    let suzuki = hospital.clinician("suzuki").await?;
    suzuki.say(&general(), "来週の勤務表です").await?;
    sato.watch.until_message(&general(), "来週の勤務表です", None).await?;
    tanaka.say(&tanakas(), "頭が痛いです").await?;
    let raised = sato.notifications.recv().await.expect("raised");
    assert_eq!(raised.room_id, tanakas(), "the routine one before it raised nothing");
    let shown = format!("{}{}", raised.title.as_str(), raised.body.as_str());
    assert!(!shown.contains("頭が痛い") && !shown.contains("田中"));

    // A restart brings the message again by sync, and raises nothing again.
    sato.restart().await?;
    sato.watch.until_live().await?;
    sato.core.set_gaze(Gaze { room_id: Some(tanakas()), at_end: true, focused: true }).await?;
    tanaka.say(&tanakas(), "見えていますか").await?;
    sato.watch.until_message(&tanakas(), "見えていますか", None).await?;
    sato.core.set_gaze(Gaze::default()).await?;
    tanaka.say(&tanakas(), "もう一度").await?;
    let second = sato.notifications.recv().await.expect("raised");
    assert_ne!(second.message_id, raised.message_id);
    assert!(sato.notifications.try_recv().is_err(), "what was looked at raised nothing");
    Ok(())
}

#[tokio::test]
async fn an_urgent_message_alerts_also_when_it_came_with_the_history_and_alerts_once() -> Result<()> {
    let hospital = Hospital::open().await?;
    let suzuki = hospital.clinician("suzuki").await?;
    let urgent = OutgoingMessage {
        room_id: general(),
        client_message_id: ClientMessageId::generate(),
        content: "302号室、急変です".into(),
        priority: Priority::Urgent,
        reply_to: None,
        mentions: Vec::new(),
        attachments: Vec::new(),
        keeps_draft: false,
    };
    suzuki.core.send_message(urgent).await?;
    let mut suzuki = suzuki;
    suzuki.watch.until_message(&general(), "302号室、急変です", Some(Delivery::Sent)).await?;
    // A computer on which nobody has signed in gets it with the room's history, not as news.
    let mut sato = hospital.clinician("sato").await?;
    let raised = sato.notifications.recv().await.expect("raised");
    assert!(raised.urgent && raised.room_id == general());
    sato.restart().await?;
    sato.watch.until_live().await?;
    suzuki.say(&tanakas(), "確認をお願いします").await?;
    let next = sato.notifications.recv().await.expect("raised");
    assert_eq!(next.room_id, tanakas(), "the urgent one alerted once");
    Ok(())
}

#[tokio::test]
async fn reading_on_one_device_clears_the_badge_on_the_other() -> Result<()> {
    let hospital = Hospital::open().await?;
    let suzuki = hospital.clinician("suzuki").await?;
    let (mut ward, mut office) = (hospital.clinician("sato").await?, hospital.clinician("sato").await?);
    suzuki.say(&general(), "カンファレンスは15時です").await?;
    let row = ward.watch.until_message(&general(), "カンファレンスは15時です", None).await?;
    office.watch.until_message(&general(), "カンファレンスは15時です", None).await?;
    ward.core.mark_read(&general(), row.seq.expect("it is sent")).await?;
    office.watch.until("a cleared badge", |watch| watch.rooms[&general()].unread == 0).await?;
    // And what one device writes, the other shows as own.
    ward.say(&general(), "了解です").await?;
    let row = office.watch.until_message(&general(), "了解です", Some(Delivery::Sent)).await?;
    assert!(row.own);
    Ok(())
}

#[tokio::test]
async fn what_is_marked_as_unread_is_so_here_alone_and_outlives_the_app() -> Result<()> {
    let hospital = Hospital::open().await?;
    let suzuki = hospital.clinician("suzuki").await?;
    let (mut ward, mut office) = (hospital.clinician("sato").await?, hospital.clinician("sato").await?);
    suzuki.say(&general(), "血糖値を確認してください").await?;
    let row = ward.watch.until_message(&general(), "血糖値を確認してください", None).await?;
    let seq = row.seq.expect("it is sent");
    ward.core.mark_read(&general(), seq).await?;
    office.watch.until("read", |watch| watch.rooms.get(&general()).is_some_and(|room| room.unread == 0)).await?;
    ward.core.mark_unread(&general(), seq).await?;
    ward.watch.until("unread again", |watch| watch.rooms[&general()].unread == 1).await?;
    ward.restart().await?;
    ward.watch.until("still unread", |watch| watch.rooms[&general()].unread == 1).await?;
    ward.core.mark_read(&general(), seq).await?;
    ward.watch.until("read again", |watch| watch.rooms[&general()].unread == 0).await?;
    assert_eq!(office.watch.rooms[&general()].unread, 0);
    Ok(())
}

#[tokio::test]
async fn history_is_paged_back_to_the_first_message_without_a_hole() -> Result<()> {
    let hospital = Hospital::open().await?;
    let sato = hospital.clinician("sato").await?;
    let opened = sato.core.open_room(&general()).await?;
    let mut seqs: Vec<Seq> = opened.page.messages.iter().filter_map(|row| row.seq).collect();
    let mut has_earlier = opened.page.has_earlier;
    while has_earlier {
        let page = sato.core.load_earlier(&general(), seqs[0]).await?;
        assert_eq!(page.incomplete, None);
        has_earlier = page.has_earlier;
        seqs.splice(0..0, page.messages.iter().filter_map(|row| row.seq));
    }
    assert!(seqs.is_sorted() && seqs[0] == Seq::new(1), "{seqs:?}");
    assert!(seqs.len() >= 60, "the sample talk is long enough to scroll");
    Ok(())
}

#[tokio::test]
async fn signing_out_leaves_nothing_on_the_computer_and_ends_the_session_on_the_server() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut sato = hospital.clinician("sato").await?;
    sato.say(&general(), "引き継ぎ完了").await?;
    sato.watch.until_message(&general(), "引き継ぎ完了", Some(Delivery::Sent)).await?;
    sato.core.sign_out().await?;
    sato.core.sign_out().await?;
    assert!(sato.secrets.names().is_empty(), "the keychain is empty");
    let stores = walk(sato.data_dir()).into_iter().filter(|path| path.contains("store.db")).count();
    assert_eq!(stores, 0);
    sato.restart().await?;
    assert!(sato.watch.session.is_none() && sato.watch.rooms.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_disabled_person_is_signed_out_at_once_and_not_let_in_again() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut sato = hospital.clinician("sato").await?;
    let server = hospital.server().expect("it runs");
    server.admin().disable_user(&"sato".into()).await?;
    sato.watch.until("the end of the session", |watch| watch.session.is_none()).await?;
    assert!(sato.watch.history.iter().any(|change| matches!(
        change,
        ViewChange::SessionChanged { session: None, ended: Some(SessionEndReason::Revoked) }
    )));
    let refused = sato.sign_in(&hospital.url(), "sato").await.expect_err("not let in");
    assert_eq!(code(&refused), Some(ErrorCode::Unauthorized));
    Ok(())
}

#[tokio::test]
async fn someone_removed_from_a_room_loses_it_and_someone_added_sees_it() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut suzuki = hospital.clinician("suzuki").await?;
    let sato = hospital.clinician("sato").await?;
    let admin = hospital.server().expect("it runs").admin();
    admin.remove_member(&tanakas(), &"suzuki".into()).await?;
    suzuki.watch.until("the room gone", |watch| !watch.rooms.contains_key(&tanakas())).await?;
    assert_eq!(suzuki.core.open_room(&tanakas()).await.map_err(|error| error.code()).err(), Some(ErrorCode::NotFound));

    let room = admin.add_room("icu", "集中治療室", RoomKind::Staff).await?;
    for user in ["sato", "suzuki"] {
        admin.add_member(&room, &user.into()).await?;
    }
    suzuki.watch.until("the new room", |watch| watch.rooms.contains_key(&room)).await?;
    sato.say(&room, "新しい部屋です").await?;
    suzuki.watch.until_message(&room, "新しい部屋です", None).await?;
    Ok(())
}

#[tokio::test]
async fn a_token_that_ends_is_renewed_on_the_live_link_and_nobody_notices() -> Result<()> {
    // Shorter than the minute before its end at which a token is renewed: it is renewed all the time.
    let hospital = Hospital::open_with(|config| config.access_token_ttl = Duration::from_secs(61)).await?;
    let (mut sato, mut suzuki) = (hospital.clinician("sato").await?, hospital.clinician("suzuki").await?);
    for number in 0..3 {
        let text = format!("更新中 {number}");
        sato.say(&general(), &text).await?;
        suzuki.watch.until_message(&general(), &text, None).await?;
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    sato.watch.until_live().await?;
    let lost = sato.watch.history.iter().any(|change| {
        matches!(change, ViewChange::ConnectionChanged { connection } if connection.state == ConnectionState::Offline)
    });
    assert!(!lost, "the link never broke");
    Ok(())
}

#[tokio::test]
async fn bad_addresses_and_credentials_fail_with_a_code_for_a_sentence() -> Result<()> {
    let hospital = Hospital::open().await?;
    let nobody = Clinician::at_a_computer().await?;
    let refused = nobody.sign_in(&hospital.url(), "nobody").await.expect_err("no such person");
    assert_eq!(code(&refused), Some(ErrorCode::Unauthorized));
    for (address, expected) in [
        ("http://127.0.0.1:9", ErrorCode::Unreachable),
        ("http://chat.example.jp", ErrorCode::InsecureAddress),
        ("https://chat.example.jp/chat", ErrorCode::AddressHasPath),
        ("", ErrorCode::InvalidAddress),
    ] {
        let refused = nobody.sign_in(address, "sato").await.expect_err("refused");
        assert_eq!(code(&refused), Some(expected), "{address}");
    }
    Ok(())
}

fn code(error: &anyhow::Error) -> Option<ErrorCode> {
    error.downcast_ref::<hugmedo_chat_core::Error>().map(hugmedo_chat_core::Error::code)
}

fn walk(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(
            |entry| if entry.path().is_dir() { walk(&entry.path()) } else { vec![entry.path().display().to_string()] },
        )
        .collect()
}

#[tokio::test]
async fn an_answer_an_edit_and_an_acknowledgement_reach_the_other_and_show_in_the_details() -> Result<()> {
    let hospital = Hospital::open().await?;
    let (mut sato, mut suzuki) = (hospital.clinician("sato").await?, hospital.clinician("suzuki").await?);
    let urgent = OutgoingMessage {
        room_id: tanakas(),
        client_message_id: ClientMessageId::generate(),
        content: "血圧が下がっています".into(),
        priority: Priority::Urgent,
        reply_to: None,
        mentions: vec!["suzuki".into()],
        attachments: Vec::new(),
        keeps_draft: false,
    };
    sato.core.send_message(urgent).await?;
    let row = suzuki.watch.until_message(&tanakas(), "血圧が下がっています", None).await?;
    assert_eq!(row.mentions, ["suzuki".into()]);
    suzuki.watch.until("the marks", |watch| watch.rooms[&tanakas()].unread_urgent == 1).await?;
    assert_eq!(suzuki.watch.rooms[&tanakas()].unread_mentions, 1);
    let id = row.id.clone().expect("it is sent");

    suzuki.core.acknowledge_message(&tanakas(), &id).await?;
    let answer = OutgoingMessage {
        room_id: tanakas(),
        client_message_id: ClientMessageId::generate(),
        content: "向かいます".into(),
        priority: Priority::Normal,
        reply_to: Some(id.clone()),
        mentions: Vec::new(),
        attachments: Vec::new(),
        keeps_draft: false,
    };
    suzuki.core.send_message(answer).await?;
    let answer = sato.watch.until_message(&tanakas(), "向かいます", None).await?;
    assert_eq!(answer.reply_to.map(|quote| quote.preview.as_str().to_owned()), Some("血圧が下がっています".to_owned()));
    sato.watch
        .until("the acknowledgement", |watch| {
            watch
                .message(&tanakas(), "血圧が下がっています")
                .is_some_and(|row| row.acknowledged_by == ["suzuki".into()])
        })
        .await?;

    sato.core.edit_message(&tanakas(), &id, "血圧が下がっています。80/50".into()).await?;
    assert!(suzuki.watch.until_message(&tanakas(), "血圧が下がっています。80/50", None).await?.edited);
    let details = sato.core.message_details(&tanakas(), &id).await?;
    assert!(details.edited_at.is_some());
    let others: Vec<_> =
        details.members.iter().map(|one| (one.user.id.as_str(), one.acknowledged_at.is_some())).collect();
    assert_eq!(others, [("suzuki", true), ("tanaka", false)]);

    let refused = suzuki.core.delete_message(&tanakas(), &id).await.map_err(|error| error.code());
    assert_eq!(refused, Err(ErrorCode::Forbidden), "what another said is theirs");
    sato.core.delete_message(&tanakas(), &id).await?;
    suzuki
        .watch
        .until("the deletion", |watch| {
            watch.messages[&tanakas()].values().any(|row| row.id == Some(id.clone()) && row.deleted)
        })
        .await?;
    Ok(())
}

#[tokio::test]
async fn what_was_forwarded_leaves_the_rooms_draft_alone_and_what_was_written_takes_it_along() -> Result<()> {
    let hospital = Hospital::open().await?;
    let sato = hospital.clinician("sato").await?;
    let draft = || Draft { content: "書きかけ".into(), ..Draft::default() };
    for (keeps_draft, left) in [(true, "書きかけ"), (false, "")] {
        sato.core.save_draft(&tanakas(), draft()).await?;
        let outgoing = OutgoingMessage {
            room_id: tanakas(),
            client_message_id: ClientMessageId::generate(),
            content: "転送された文".into(),
            priority: Priority::Normal,
            reply_to: None,
            mentions: Vec::new(),
            attachments: Vec::new(),
            keeps_draft,
        };
        sato.core.send_message(outgoing).await?;
        assert_eq!(sato.core.open_room(&tanakas()).await?.draft.content.as_str(), left);
    }
    Ok(())
}
