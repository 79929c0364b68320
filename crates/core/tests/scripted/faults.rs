//! Every fault of a link, one at a time.

use std::{sync::Arc, task::Poll, time::Duration};

use anyhow::Result;
use hugmedo_chat_core::{
    Core, ErrorCode,
    transport::{ConnectFailure, HttpFailure},
    view::{ConnectionState, Delivery, Draft, SignInRequest, ViewChange},
};
use hugmedo_chat_protocol::{RoomRemoved, Seq, ServerEvent, SessionEndReason, SessionEnded};
use hugmedo_chat_testkit::{MemorySecrets, RecordingNotifier, ScriptedNetwork, Watch};
use serde_json::{Value, json};

use crate::stage::*;

#[tokio::test]
async fn a_message_written_while_offline_goes_out_by_itself_with_the_same_id() -> Result<()> {
    let mut scene = Scene::signed_in(quiet_server).await?;
    // Past the first snapshot, which fetches anew what this server, having no history, does not have.
    drop(scene.connect().await?);
    scene.watch.until("word of the loss", |watch| watch.connection.state == ConnectionState::Offline).await?;
    let id = scene.send("酸素を2Lに変更しました").await?;
    let row = scene.watch.until_message(&room(), "酸素を2Lに変更しました", Some(Delivery::Queued)).await?;
    assert_eq!(row.delivery, Some(Delivery::Queued), "in sight, and not on its way yet");

    scene.core.reconnect_now().await?;
    let mut session = scene.network.accept().await?;
    session.say(greeting()).await?;
    let asked = session.heard_named("message").await?;
    assert_eq!(asked.payload["clientMessageId"], json!(id));
    let answer = ack(1, &asked.payload);
    asked.answer(answer);
    let row = scene.watch.until_message(&room(), "酸素を2Lに変更しました", Some(Delivery::Sent)).await?;
    assert_eq!(row.seq, Some(Seq::new(1)));
    Ok(())
}

#[tokio::test]
async fn a_message_whose_sender_went_away_in_the_middle_goes_out_all_the_same() -> Result<()> {
    let mut scene = Scene::signed_in(quiet_server).await?;
    let mut session = scene.connect().await?;
    {
        // Polled twice it is on the disk and in sight, and whoever asked is not answered yet.
        let mut sending = std::pin::pin!(scene.send("呼吸器の設定を変えました"));
        let mut polls = 0;
        std::future::poll_fn(|context| {
            polls += 1;
            match sending.as_mut().poll(context) {
                Poll::Pending if polls < 2 => Poll::Pending,
                _ => Poll::Ready(()),
            }
        })
        .await;
    }
    scene.watch.until_message(&room(), "呼吸器の設定を変えました", Some(Delivery::Queued)).await?;
    // Only a failing test waits so long.
    let asked = tokio::time::timeout(Duration::from_secs(20), session.heard_named("message")).await??;
    let answer = ack(1, &asked.payload);
    asked.answer(answer);
    scene.watch.until_message(&room(), "呼吸器の設定を変えました", Some(Delivery::Sent)).await?;
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_with_the_same_id_and_shown_once() -> Result<()> {
    let mut scene = Scene::signed_in(quiet_server).await?;
    let mut session = scene.connect().await?;
    let id = scene.send("採血お願いします").await?;
    let asked = session.heard_named("message").await?;
    assert_eq!(asked.payload["clientMessageId"], json!(id));
    // The server has it, but the line breaks before the answer is out.
    drop(asked);
    drop(session);

    scene.watch.until("word of the loss", |watch| watch.connection.reason.is_some()).await?;
    scene.core.reconnect_now().await?;
    let mut session = scene.network.accept().await?;
    session.say(greeting()).await?;
    let asked = session.heard_named("message").await?;
    assert_eq!(asked.payload["clientMessageId"], json!(id), "a retry is the same message");
    let answer = ack(1, &asked.payload);
    asked.answer(answer);
    scene.watch.until_message(&room(), "採血お願いします", Some(Delivery::Sent)).await?;

    // Its echo comes late and twice.
    let Some(own) = scene.watch.message(&room(), "採血お願いします").cloned() else {
        panic!("the row is there")
    };
    let ServerEvent::NewMessage(mut echo) = said_by_suzuki(1, "採血お願いします") else { unreachable!() };
    echo.user_id = "sato".into();
    echo.client_message_id = own.client_message_id.clone();
    for _ in 0..2 {
        session.say(ServerEvent::NewMessage(echo.clone())).await?;
    }
    session.say(said_by_suzuki(2, "了解です")).await?;
    let room_id = room();
    tokio::select! {
        seen = scene.watch.until_message(&room_id, "了解です", None) => drop(seen?),
        never = answer_everything(&mut session) => never?,
    }
    let opened = scene.core.open_room(&room()).await?;
    let texts: Vec<&str> = opened.page.messages.iter().map(|row| row.content.as_str()).collect();
    assert_eq!(texts, ["採血お願いします", "了解です"]);
    Ok(())
}

#[tokio::test]
async fn a_known_server_that_is_slow_to_say_session_is_not_taken_for_a_baseline_one() -> Result<()> {
    let mut scene = Scene::signed_in(quiet_server).await?;
    scene.send("待っています").await?;
    let mut silent = scene.network.accept().await?;
    scene.watch.until("the end of patience", |watch| watch.connection.state == ConnectionState::Offline).await?;
    assert!(silent.heard().await.is_err(), "nothing was said to it, least of all the message without its id");
    assert!(scene.watch.session.as_ref().is_some_and(|session| !session.baseline));
    Ok(())
}

#[tokio::test]
async fn a_refused_message_stays_in_sight_and_holds_up_nobody() -> Result<()> {
    let mut scene = Scene::signed_in(quiet_server).await?;
    let mut session = scene.connect().await?;
    let first = scene.send("一通目").await?;
    let asked = session.heard_named("message").await?;
    asked.answer(json!({ "ok": false, "code": "forbidden", "message": "not a member" }));
    let row = scene.watch.until_message(&room(), "一通目", Some(Delivery::Failed)).await;
    assert!(row.is_ok());
    scene
        .watch
        .until("the failure", |watch| {
            watch.message(&room(), "一通目").is_some_and(|row| row.problem == Some(ErrorCode::Forbidden))
        })
        .await?;

    scene.send("二通目").await?;
    let asked = session.heard_named("message").await?;
    assert_eq!(asked.payload["content"], "二通目", "the next goes on");
    let answer = ack(1, &asked.payload);
    asked.answer(answer);
    scene.watch.until_message(&room(), "二通目", Some(Delivery::Sent)).await?;

    // The person tries the first again.
    scene.core.retry_message(&first).await?;
    let asked = session.heard_named("message").await?;
    assert_eq!(asked.payload["clientMessageId"], json!(first));
    Ok(())
}

#[tokio::test]
async fn a_busy_server_is_tried_again_after_the_time_it_named() -> Result<()> {
    let mut scene = Scene::signed_in(quiet_server).await?;
    let mut session = scene.connect().await?;
    scene.send("回診の時間").await?;
    let asked = session.heard_named("message").await?;
    asked.answer(json!({ "ok": false, "code": "rate_limited", "message": "", "retryAfterMs": 300 }));
    scene
        .watch
        .until("the wait", |watch| {
            watch.message(&room(), "回診の時間").is_some_and(|row| row.problem == Some(ErrorCode::RateLimited))
        })
        .await?;
    let asked = session.heard_named("message").await?;
    let answer = ack(1, &asked.payload);
    asked.answer(answer);
    scene.watch.until_message(&room(), "回診の時間", Some(Delivery::Sent)).await?;
    Ok(())
}

#[tokio::test]
async fn refused_credentials_are_renewed_once_and_then_end_the_session() -> Result<()> {
    let mut scene = Scene::signed_in(quiet_server).await?;
    let shown = scene.network.refuse(ConnectFailure::Refused("token_expired".to_owned())).await?;
    assert_eq!(shown.token.expose(), "access-1");
    let shown = scene.network.refuse(ConnectFailure::Refused("unauthorized".to_owned())).await?;
    assert_eq!(shown.token.expose(), "access-2", "one renewal, one more attempt");
    scene.watch.until("the end of the session", |watch| watch.session.is_none()).await?;
    assert!(scene.watch.history.iter().any(|change| matches!(
        change,
        ViewChange::SessionChanged { session: None, ended: Some(SessionEndReason::Revoked) }
    )));
    assert!(!scene.secrets.names().iter().any(|name| name.ends_with(":session")), "the keychain forgets the session");
    assert!(
        scene.secrets.names().iter().any(|name| name.contains(":store-key:")),
        "but keeps the key of what is unsent"
    );
    Ok(())
}

#[tokio::test]
async fn a_token_that_was_granted_and_is_too_old_already_is_no_end_of_the_session() -> Result<()> {
    let mut scene = Scene::signed_in(quiet_server).await?;
    let expired = || ConnectFailure::Refused("token_expired".to_owned());
    scene.network.refuse(expired()).await?;
    // The computer slept before it used the new one.
    let shown = scene.network.refuse(expired()).await?;
    assert_eq!(shown.token.expose(), "access-2");
    scene.connect().await?;
    assert!(scene.watch.session.is_some());
    Ok(())
}

#[tokio::test]
async fn what_was_unsent_when_the_session_was_revoked_goes_out_after_the_next_sign_in() -> Result<()> {
    let mut scene = Scene::signed_in(quiet_server).await?;
    let session = scene.connect().await?;
    scene.core.set_typing(&room(), true).await?;
    session.say(ServerEvent::SessionEnded(SessionEnded { reason: SessionEndReason::Revoked })).await?;
    scene.watch.until("the end of the session", |watch| watch.session.is_none()).await?;
    drop(session);
    assert_eq!(scene.core.open_room(&room()).await.map_err(|error| error.code()).err(), Some(ErrorCode::NotSignedIn));

    scene.core.sign_in(request()).await?;
    scene.send("引き継ぎです").await?;
    let mut session = scene.network.accept().await?;
    session.say(greeting()).await?;
    assert_eq!(session.heard_named("message").await?.payload["content"], "引き継ぎです");
    Ok(())
}

#[tokio::test]
async fn a_restart_keeps_the_session_the_draft_and_the_queue() -> Result<()> {
    let mut scene = Scene::signed_in(quiet_server).await?;
    let id = scene.send("転棟は14時です").await?;
    scene.core.save_draft(&room(), Draft { content: "書きかけ".into(), ..Draft::default() }).await?;
    scene.core.shutdown().await;

    let (notifier, _) = RecordingNotifier::new();
    scene.core =
        Core::start(scene.network.config(scene.folder.path()), Arc::new(scene.secrets.clone()), notifier).await?;
    scene.watch = Watch::of(&scene.core).await?;
    assert_eq!(
        scene.watch.session.as_ref().map(|session| session.user.name.as_str().to_owned()),
        Some("佐藤 恵".to_owned())
    );
    let opened = scene.core.open_room(&room()).await?;
    assert_eq!(opened.draft.content.as_str(), "書きかけ");

    let mut session = scene.network.accept().await?;
    session.say(greeting()).await?;
    let sent = session.heard_named("message").await?.payload;
    assert_eq!(sent["clientMessageId"], json!(id));
    Ok(())
}

#[tokio::test]
async fn a_gap_in_the_sequence_is_fetched_and_never_shown_as_silence() -> Result<()> {
    let mut scene = Scene::signed_in(|call, body| {
        if call.starts_with("GET /api/sync") && call.contains("cursor=1") {
            let changes: Vec<Value> = [(1, "一"), (2, "二"), (3, "三")]
                .iter()
                .filter_map(|(seq, text)| serde_json::to_value(said_by_suzuki(*seq, text)).ok())
                .collect();
            return Ok(json!({ "changes": changes, "cursor": "2", "hasMore": false }));
        }
        if call.starts_with("GET /api/sync") && call.contains("cursor=2") {
            return Ok(json!({ "changes": [], "cursor": "2", "hasMore": false }));
        }
        quiet_server(call, body)
    })
    .await?;
    let mut session = scene.network.accept().await?;
    session.say(greeting()).await?;
    // Only the third reaches the socket.
    session.say(said_by_suzuki(3, "三")).await?;
    let watch = &mut scene.watch;
    tokio::select! {
        seen = watch.until("all three", |watch| ["一", "二", "三"].iter().all(|text| watch.count(&room(), text) == 1)) => seen?,
        never = answer_everything(&mut session) => never?,
    }
    let opened = scene.core.open_room(&room()).await?;
    let texts: Vec<&str> = opened.page.messages.iter().map(|row| row.content.as_str()).collect();
    assert_eq!(texts, ["一", "二", "三"]);
    assert_eq!(opened.room.unread, 3);
    Ok(())
}

#[tokio::test]
async fn an_old_cursor_leads_to_a_snapshot_that_keeps_drafts_and_unsent_messages() -> Result<()> {
    let expired = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let first = Arc::clone(&expired);
    let mut scene = Scene::signed_in(move |call, body| {
        if call.contains("cursor=1") && first.swap(false, std::sync::atomic::Ordering::SeqCst) {
            return Err(HttpFailure::Refused(
                serde_json::from_value(json!({ "code": "cursor_expired" })).expect("fits"),
            ));
        }
        quiet_server(call, body)
    })
    .await?;
    scene.send("未送信").await?;
    scene.core.save_draft(&room(), Draft { content: "下書き".into(), ..Draft::default() }).await?;
    let mut session = scene.network.accept().await?;
    session.say(greeting()).await?;
    // Nobody answers the message, so it stays unsent throughout.
    let unanswered = session.heard_named("message").await?;
    let watch = &mut scene.watch;
    watch.until_live().await?;
    drop(unanswered);
    assert!(!expired.load(std::sync::atomic::Ordering::SeqCst), "the old cursor was tried");
    let opened = scene.core.open_room(&room()).await?;
    assert_eq!(opened.draft.content.as_str(), "下書き");
    assert_eq!(opened.page.messages.len(), 1, "the unsent message is still in its place");
    Ok(())
}

#[tokio::test]
async fn an_old_word_of_a_removal_that_comes_late_takes_no_room_away() -> Result<()> {
    let mut scene = Scene::signed_in(quiet_server).await?;
    let mut session = scene.connect().await?;
    session.say(ServerEvent::RoomRemoved(RoomRemoved { room_id: room() })).await?;
    // Forgotten at once, because it may be true; and back, because the server still lists it.
    let watch = &mut scene.watch;
    watch.until("the removal", |watch| !watch.rooms.contains_key(&room())).await?;
    watch.until("the room", |watch| watch.rooms.contains_key(&room())).await?;
    assert_eq!(session.heard_named("join_room").await?.payload["roomId"], json!(ROOM), "what is said there is heard");
    Ok(())
}

#[tokio::test]
async fn what_changes_while_a_snapshot_is_fetched_is_not_missed() -> Result<()> {
    // The author mends the message right after its room's history was handed out.
    let mended = std::sync::atomic::AtomicBool::new(false);
    let mut scene = Scene::signed_in(move |call, body| {
        let was_mended = mended.load(std::sync::atomic::Ordering::SeqCst);
        let message = |text: &str| {
            let ServerEvent::NewMessage(message) = said_by_suzuki(1, text) else { panic!("it is one") };
            json!(message)
        };
        match call {
            "GET /api/rooms" => Ok(json!({ "rooms": [{
                "id": ROOM, "name": "病棟", "kind": "staff", "members": [sato()], "lastSeq": 1 + u64::from(was_mended),
            }] })),
            call if call.starts_with("GET /api/rooms/") => {
                mended.store(true, std::sync::atomic::Ordering::SeqCst);
                Ok(json!({ "messages": [message("一〇ミリ")], "hasMore": false }))
            }
            call if call.starts_with("GET /api/sync") && call.contains("cursor=before") && was_mended => {
                let change = json!({
                    "event": "message_changed",
                    "data": { "roomId": ROOM, "seq": 2, "message": message("一ミリ") },
                });
                Ok(json!({ "changes": [change], "cursor": "after", "hasMore": false }))
            }
            call if call.starts_with("GET /api/sync") => {
                let cursor = if was_mended { "after" } else { "before" };
                Ok(json!({ "changes": [], "cursor": cursor, "hasMore": false }))
            }
            _ => quiet_server(call, body),
        }
    })
    .await?;
    let _session = scene.connect().await?;
    let opened = scene.core.open_room(&room()).await?;
    let texts: Vec<&str> = opened.page.messages.iter().map(|row| row.content.as_str()).collect();
    assert_eq!(texts, ["一ミリ"]);
    Ok(())
}

#[tokio::test]
async fn a_keychain_that_cannot_keep_the_session_fails_the_sign_in_and_memory_only_still_works() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let network = ScriptedNetwork::new(Arc::new(quiet_server));
    let secrets = MemorySecrets::default();
    secrets.fail_with(Some(hugmedo_chat_core::host::SecretStoreError::Missing("none".to_owned())));
    let (notifier, _) = RecordingNotifier::new();
    let core = Core::start(network.config(folder.path()), Arc::new(secrets.clone()), notifier).await?;
    let refused = core.sign_in(request()).await.map_err(|error| error.code());
    assert_eq!(refused.err(), Some(ErrorCode::KeychainMissing));

    let session = core.sign_in(SignInRequest { remember: false, ..request() }).await?;
    assert!(!session.remembered);
    assert!(!folder.path().join("accounts").exists(), "nothing of it is on disk");
    Ok(())
}

#[tokio::test]
async fn a_locked_keychain_at_start_is_told_and_signs_nobody_out() -> Result<()> {
    let scene = Scene::signed_in(quiet_server).await?;
    scene.core.shutdown().await;
    scene.secrets.fail_with(Some(hugmedo_chat_core::host::SecretStoreError::Locked("locked".to_owned())));
    let (notifier, _) = RecordingNotifier::new();
    let config = scene.network.config(scene.folder.path());
    let core = Core::start(config.clone(), Arc::new(scene.secrets.clone()), Arc::clone(&notifier) as _).await?;
    let (snapshot, _) = core.subscribe().await?;
    assert_eq!((snapshot.session, snapshot.trouble), (None, Some(ErrorCode::KeychainLocked)));

    scene.secrets.fail_with(None);
    let core = Core::start(config, Arc::new(scene.secrets.clone()), notifier).await?;
    let (snapshot, _) = core.subscribe().await?;
    assert!(snapshot.session.is_some(), "unlocked, the session is there again");
    Ok(())
}

#[tokio::test]
async fn an_empty_or_overlong_message_is_refused_before_it_is_anywhere() -> Result<()> {
    let scene = Scene::signed_in(quiet_server).await?;
    for (text, code) in [("  \n ".to_owned(), ErrorCode::Empty), ("あ".repeat(10_001), ErrorCode::TooLong)] {
        let refused = scene.send(&text).await.expect_err("refused");
        assert_eq!(refused.downcast_ref::<hugmedo_chat_core::Error>().map(|error| error.code()), Some(code));
    }
    assert!(scene.core.open_room(&room()).await.is_err(), "not even the room was made");
    Ok(())
}
