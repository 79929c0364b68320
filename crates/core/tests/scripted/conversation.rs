//! Changing what was said, people and new rooms: done once the server has it, shown without waiting for its echo.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::{Context as _, Result};
use hugmedo_chat_core::{
    ErrorCode,
    transport::HttpFailure,
    view::{MessageView, NewRoom, PresenceStatus, ViewChange},
};
use hugmedo_chat_protocol::{
    Message, MessageChanged, MessageId, Opaque, Presence, Priority, Reaction, Receipt, ReceiptKind, Room, RoomChanged,
    Seq, ServerEvent, Timestamp, User,
};
use hugmedo_chat_testkit::ScriptedSession;
use serde_json::{Value, json};

use crate::stage::*;

fn said(seq: u64, text: &str) -> Message {
    let ServerEvent::NewMessage(message) = said_by_suzuki(seq, text) else { unreachable!() };
    message
}

fn id(seq: u64) -> MessageId {
    format!("m-{seq}").as_str().into()
}

/// A live session in which these messages have arrived.
async fn with(messages: Vec<Message>) -> Result<(Scene, ScriptedSession)> {
    let mut scene = Scene::signed_in(quiet_server).await?;
    let mut session = scene.connect().await?;
    let count = messages.len();
    for message in messages {
        session.say(ServerEvent::NewMessage(message)).await?;
    }
    let watch = &mut scene.watch;
    tokio::select! {
        seen = watch.until("the messages", |watch| watch.messages.get(&room()).map_or(0, |rows| rows.len()) == count) => seen?,
        never = answer_everything(&mut session) => never?,
    }
    Ok((scene, session))
}

/// The row of a message, as changes alone have shown it.
async fn shown(scene: &mut Scene, seq: u64, what: &str, holds: impl Fn(&MessageView) -> bool) -> Result<MessageView> {
    let key = format!("m-{seq}");
    let row = |watch: &hugmedo_chat_testkit::Watch| watch.messages.get(&room())?.get(&key).cloned();
    scene.watch.until(what, |watch| row(watch).is_some_and(|row| holds(&row))).await?;
    row(&scene.watch).context("it was there")
}

/// Answers the next event of this name, and returns what was asked.
async fn answered(session: &mut ScriptedSession, event: &str, answer: Value) -> Result<Value> {
    let asked = session.heard_named(event).await?;
    let payload = asked.payload.clone();
    asked.answer(answer);
    Ok(payload)
}

fn changed(seq: u64, message: Message) -> ServerEvent {
    ServerEvent::MessageChanged(MessageChanged { room_id: room(), seq: Seq::new(seq), message })
}

#[tokio::test]
async fn a_message_of_an_unknown_kind_is_shown_as_such_and_no_name_passes_for_another() -> Result<()> {
    let mut poll = said(1, "昼食はどちら？");
    poll.metadata = Opaque(json!({ "kind": "poll", "options": ["A", "B"] }));
    poll.user_name = "鈴木\u{202e}一健".into();
    let mut plain = said(2, "了解");
    plain.metadata = Opaque(json!({ "kind": "text", "senderType": "clinician" }));
    let (mut scene, session) = with(vec![poll, plain]).await?;
    let row = shown(&mut scene, 1, "the poll", |_| true).await?;
    assert_eq!((row.unknown_kind, row.content.as_str()), (true, "昼食はどちら？"));
    assert_eq!(row.author.name.as_str(), "鈴木\u{fffd}一健");
    assert!(!shown(&mut scene, 2, "the answer", |_| true).await?.unknown_kind);

    let mut renamed: Room = serde_json::from_value(json!({ "id": room(), "name": "病棟\u{200b}", "kind": "staff" }))?;
    renamed.members = vec![User { name: "佐\u{2066}藤".into(), role: Some("看護師\u{202d}".into()), ..sato() }];
    session.say(ServerEvent::RoomChanged(RoomChanged { room: renamed })).await?;
    let is_renamed = |watch: &hugmedo_chat_testkit::Watch| {
        watch.rooms.get(&room()).is_some_and(|room| room.name.as_str() == "病棟\u{fffd}")
    };
    scene.watch.until("the other name", is_renamed).await?;
    let members = scene.watch.rooms.get(&room()).context("the room")?.members.clone();
    let told: Vec<_> = members.iter().map(|user| (user.name.as_str(), user.role.as_deref())).collect();
    assert_eq!(told, [("佐\u{fffd}藤", Some("看護師\u{fffd}"))]);
    Ok(())
}

#[tokio::test]
async fn an_edit_is_shown_once_the_server_has_it_and_the_servers_own_word_is_taken_over_it() -> Result<()> {
    let (here, first) = (room(), id(1));
    let own = Message { user_id: "sato".into(), ..said(1, "体温 37.2") };
    let answer = Message { reply_to: Some(id(1)), ..said(2, "了解です") };
    let (mut scene, mut session) = with(vec![own.clone(), answer]).await?;
    let (done, asked) = tokio::join!(
        scene.core.edit_message(&here, &first, "体温 38.2".into()),
        answered(&mut session, "edit_message", json!({ "ok": true, "seq": 4 })),
    );
    done?;
    assert_eq!(asked?, json!({ "roomId": ROOM, "messageId": "m-1", "content": "体温 38.2" }));
    assert!(shown(&mut scene, 1, "the edit", |row| row.content.as_str() == "体温 38.2").await?.edited);
    shown(&mut scene, 2, "the edit above the answer", |row| {
        row.reply_to.as_ref().is_some_and(|quote| quote.preview.as_str() == "体温 38.2")
    })
    .await?;

    // Another's reaction took the position before it and comes late; then the edit itself, with both.
    let reaction = Reaction { emoji: "👀".to_owned(), user_ids: vec!["suzuki".into()] };
    let before = Message { reactions: vec![reaction], ..own };
    let after = Message { content: "体温 38.2".into(), edited_at: Some(Timestamp::now()), ..before.clone() };
    session.say(changed(3, before)).await?;
    session.say(changed(4, after)).await?;
    let row = shown(&mut scene, 1, "the reaction", |row| row.reactions.len() == 1).await?;
    assert_eq!(row.content.as_str(), "体温 38.2", "the older word did not undo the newer one");
    Ok(())
}

#[tokio::test]
async fn an_edit_that_comes_with_a_page_of_history_is_shown_at_once() -> Result<()> {
    // Nothing but the event brings the message; what lies above cannot be had before it is edited.
    let (is_said, is_edited) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (said_to_all, edited) = (Arc::clone(&is_said), Arc::clone(&is_edited));
    let mut scene = Scene::signed_in(move |call, body| match call {
        call if call.starts_with("GET /api/rooms/") && edited.load(Ordering::SeqCst) => {
            let message = Message { edited_at: Some(Timestamp::now()), ..said(5, "一ミリ") };
            Ok(json!({ "messages": [message], "hasMore": false }))
        }
        call if call.starts_with("GET /api/rooms/") && said_to_all.load(Ordering::SeqCst) => {
            Err(HttpFailure::Failed(ErrorCode::ServerUnavailable))
        }
        call => quiet_server(call, body),
    })
    .await?;
    let session = scene.connect().await?;
    is_said.store(true, Ordering::SeqCst);
    session.say(said_by_suzuki(5, "一〇ミリ")).await?;
    shown(&mut scene, 5, "what was said first", |row| row.content.as_str() == "一〇ミリ").await?;
    is_edited.store(true, Ordering::SeqCst);
    scene.core.load_earlier(&room(), Seq::new(5)).await?;
    shown(&mut scene, 5, "the edit", |row| row.content.as_str() == "一ミリ" && row.edited).await?;
    Ok(())
}

#[tokio::test]
async fn a_message_taken_back_is_gone_at_once_and_stays_gone() -> Result<()> {
    let (here, first) = (room(), id(1));
    let own = Message { user_id: "sato".into(), ..said(1, "別の患者さんの話") };
    let (mut scene, mut session) = with(vec![own.clone()]).await?;
    let (done, asked) = tokio::join!(
        scene.core.delete_message(&here, &first),
        answered(&mut session, "delete_message", json!({ "ok": true, "seq": 2 })),
    );
    done?;
    assert_eq!(asked?["messageId"], "m-1");
    let row = shown(&mut scene, 1, "the deletion", |row| row.deleted).await?;
    assert!(row.content.as_str().is_empty());
    // A page of history that was on its way tells the original again.
    session.say(ServerEvent::NewMessage(own)).await?;
    session.say(said_by_suzuki(3, "区切り")).await?;
    shown(&mut scene, 3, "the next message", |_| true).await?;
    let row = scene.core.open_room(&room()).await?.page.messages.remove(0);
    assert!(row.deleted && row.content.as_str().is_empty());
    Ok(())
}

#[tokio::test]
async fn reactions_come_and_go_and_a_refusal_changes_nothing() -> Result<()> {
    let (here, first) = (room(), id(1));
    let (mut scene, mut session) = with(vec![said(1, "回診は10時です")]).await?;
    for (on, seq) in [(true, 2), (false, 3)] {
        let (done, asked) = tokio::join!(
            scene.core.react_to_message(&here, &first, "👍", on),
            answered(&mut session, "react", json!({ "ok": true, "seq": seq })),
        );
        done?;
        assert_eq!(asked?, json!({ "roomId": ROOM, "messageId": "m-1", "emoji": "👍", "on": on }));
        shown(&mut scene, 1, "the reaction", |row| row.reactions.iter().any(|reaction| reaction.own) == on).await?;
    }
    let (refused, _) = tokio::join!(
        scene.core.react_to_message(&here, &first, "👍", true),
        answered(&mut session, "react", json!({ "ok": false, "code": "forbidden" })),
    );
    assert_eq!(refused.map_err(|error| error.code()), Err(ErrorCode::Forbidden));
    drop(session);
    scene.watch.until("word of the loss", |watch| watch.connection.reason.is_some()).await?;
    let offline = scene.core.react_to_message(&here, &first, "👍", true).await;
    assert_eq!(offline.map_err(|error| error.code()), Err(ErrorCode::Unreachable));
    assert!(scene.core.open_room(&room()).await?.page.messages[0].reactions.is_empty());
    Ok(())
}

#[tokio::test]
async fn taking_on_an_urgent_message_is_shown_with_everyone_elses() -> Result<()> {
    let (here, first) = (room(), id(1));
    let urgent = Message { priority: Priority::Urgent, ..said(1, "302号室、急変です") };
    let (mut scene, mut session) = with(vec![urgent]).await?;
    let (done, asked) = tokio::join!(
        scene.core.acknowledge_message(&here, &first),
        answered(&mut session, "acknowledge", json!({ "ok": true, "messageId": "m-1", "at": Timestamp::now() })),
    );
    done?;
    assert_eq!(asked?, json!({ "roomId": ROOM, "messageId": "m-1" }));
    shown(&mut scene, 1, "own acknowledgement", |row| row.acknowledged_by == ["sato".into()]).await?;
    let theirs = Receipt {
        room_id: room(),
        user_id: "tanaka".into(),
        kind: ReceiptKind::Acknowledged,
        up_to_seq: None,
        message_id: Some(id(1)),
        at: Timestamp::now(),
    };
    session.say(ServerEvent::Receipt(theirs)).await?;
    shown(&mut scene, 1, "both", |row| row.acknowledged_by.len() == 2).await?;
    let details = scene.core.message_details(&here, &first).await?;
    let sato = &details.members[0];
    assert_eq!((sato.user.id.as_str(), sato.acknowledged_at.is_some(), sato.delivered), ("sato", true, true));
    let missing = scene.core.message_details(&room(), &"none".into()).await;
    assert_eq!(missing.map_err(|error| error.code()).err(), Some(ErrorCode::NotFound));
    Ok(())
}

#[tokio::test]
async fn nothing_is_known_of_anyones_presence_without_a_connection() -> Result<()> {
    let (mut scene, session) = with(Vec::new()).await?;
    for (user, status) in [("suzuki", "available"), ("tanaka", "busy"), ("suzuki", "on_call"), ("kato", "dancing")] {
        session.say(ServerEvent::Presence(Presence { user_id: user.into(), status: status.to_owned() })).await?;
    }
    let last = |watch: &hugmedo_chat_testkit::Watch| {
        watch.history.iter().rev().find_map(|change| match change {
            ViewChange::PresenceChanged { presence } => {
                Some(presence.iter().map(|one| (one.user_id.as_str().to_owned(), one.status)).collect::<Vec<_>>())
            }
            _ => None,
        })
    };
    let both = vec![("suzuki".to_owned(), PresenceStatus::OnCall), ("tanaka".to_owned(), PresenceStatus::Busy)];
    scene.watch.until("both", |watch| last(watch).as_ref() == Some(&both)).await?;
    assert_eq!(scene.core.subscribe().await?.0.presence.len(), 2);
    drop(session);
    scene.watch.until("nobody", |watch| last(watch).is_some_and(|people| people.is_empty())).await?;
    assert!(scene.core.subscribe().await?.0.presence.is_empty());
    Ok(())
}

#[tokio::test]
async fn a_new_conversation_is_in_the_list_and_listened_to_at_once() -> Result<()> {
    let mut scene = Scene::signed_in(|call, body| match call {
        "GET /api/people" => {
            Ok(json!({ "people": [{ "id": "suzuki", "name": "鈴木 健一", "userType": "clinician" }] }))
        }
        "POST /api/rooms" if body == Some(&json!({ "memberIds": ["suzuki"] })) => {
            Ok(json!({ "id": "direct-1", "name": "鈴木 健一", "kind": "staff", "members": [sato()] }))
        }
        "POST /api/rooms" => {
            Err(HttpFailure::Refused(serde_json::from_value(json!({ "code": "forbidden" })).expect("fits")))
        }
        _ => quiet_server(call, body),
    })
    .await?;
    let mut session = scene.connect().await?;
    let people = scene.core.list_people().await?;
    assert_eq!(people.iter().map(|person| person.id.as_str()).collect::<Vec<_>>(), ["suzuki"]);

    let new = NewRoom { name: None, member_ids: vec!["suzuki".into()] };
    let (room, joined) = tokio::join!(scene.core.create_room(new), async {
        let asked = session.heard_named("join_room").await?;
        let room = asked.payload["roomId"].clone();
        asked.answer(json!({ "ok": true, "roomId": room, "lastSeq": 0, "readSeq": 0 }));
        anyhow::Ok(room)
    });
    assert_eq!((room?.id.as_str(), joined?), ("direct-1", json!("direct-1")));
    scene.watch.until("the room in the list", |watch| watch.rooms.contains_key(&"direct-1".into())).await?;

    let strangers = NewRoom { name: Some("会議".into()), member_ids: vec!["nobody".into()] };
    let refused = scene.core.create_room(strangers).await.map_err(|error| error.code());
    assert_eq!(refused.err(), Some(ErrorCode::Forbidden));
    Ok(())
}
