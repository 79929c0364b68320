//! Urgent messages that nobody takes on, with a time of day that the test turns.

#![allow(clippy::expect_used, clippy::panic, reason = "all of this file is a test")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use hugmedo_chat_core::{Surroundings, host::NativeNotification, transport::HttpFailure};
use hugmedo_chat_protocol::{Receipt, ReceiptKind, ServerEvent, Timestamp, UserId};
use hugmedo_chat_testkit::{ScriptedSession, Watch};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::stage::{ROOM, Scene, answer_everything, quiet_server, said_by_suzuki, sato};

/// A computer whose clock goes as tokio's does.
fn by_tokios_clock() -> Surroundings {
    let (epoch, began) = (Timestamp::now().as_millis(), Instant::now());
    let now = move || {
        Timestamp::from_millis(epoch.saturating_add(i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX)))
    };
    Surroundings::simulated(now, || 0.5)
}

fn urgent(seq: u64) -> Result<ServerEvent> {
    let message = json!({
        "id": format!("m-{seq}"), "roomId": ROOM, "userId": "suzuki", "userName": "鈴木 健一", "userType": "clinician",
        "content": "急変です", "attachments": [], "metadata": {}, "createdAt": Timestamp::now(), "seq": seq, "priority": "urgent",
    });
    Ok(ServerEvent::NewMessage(serde_json::from_value(message)?))
}

/// What is raised next, while the server plays along; `None` if nothing is for half an hour.
async fn next_raised(scene: &mut Scene, session: &mut ScriptedSession) -> Option<NativeNotification> {
    let raised = timeout(Duration::from_secs(30 * 60), scene.notifications.recv());
    tokio::select! {
        raised = raised => raised.ok().flatten(),
        _ = answer_everything(session) => None,
    }
}

async fn took_on(session: &mut ScriptedSession, who: &str) -> Result<()> {
    let receipt = Receipt {
        room_id: ROOM.into(),
        user_id: UserId::new(who),
        kind: ReceiptKind::Acknowledged,
        up_to_seq: None,
        message_id: Some("m-1".into()),
        at: Timestamp::now(),
    };
    session.say(ServerEvent::Receipt(receipt)).await
}

#[tokio::test(start_paused = true)]
async fn an_urgent_message_is_raised_again_until_someone_takes_it_on() -> Result<()> {
    let mut scene = Scene::signed_in_at(by_tokios_clock(), quiet_server).await?;
    let mut session = scene.connect().await?;
    session.say(urgent(1)?).await?;
    let first = next_raised(&mut scene, &mut session).await.expect("raised");
    assert!(first.urgent && !first.repeated);
    let began = Instant::now();
    // Read is not taken on.
    scene.core.mark_read(&ROOM.into(), hugmedo_chat_protocol::Seq::new(1)).await?;
    let again = next_raised(&mut scene, &mut session).await.expect("raised again");
    assert!(again.repeated && again.message_id == first.message_id);
    assert_eq!(began.elapsed().as_secs().div_ceil(60), 2, "two minutes later");
    took_on(&mut session, "tanaka").await?;
    assert_eq!(next_raised(&mut scene, &mut session).await, None);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_urgent_message_that_nobody_takes_on_is_raised_ten_times_more_and_no_longer() -> Result<()> {
    let mut scene = Scene::signed_in_at(by_tokios_clock(), quiet_server).await?;
    let mut session = scene.connect().await?;
    session.say(urgent(1)?).await?;
    let mut raised = 0;
    while next_raised(&mut scene, &mut session).await.is_some() {
        raised += 1;
    }
    assert_eq!(raised, 1 + 10);
    Ok(())
}

/// A server that has forgotten where this computer stands, once it is told to. `since` is what was said in the meantime.
fn forgetful(
    forgets: Arc<AtomicBool>,
    since: Vec<ServerEvent>,
) -> impl Fn(&str, Option<&Value>) -> Result<Value, HttpFailure> {
    let messages: Vec<Value> = since
        .into_iter()
        .map(|event| match event {
            ServerEvent::NewMessage(message) => json!(message),
            _ => panic!("messages only"),
        })
        .collect();
    move |call, body| {
        let forgot = forgets.load(Ordering::SeqCst);
        match call {
            call if call.contains("cursor=1&wait") && forgot => {
                Err(HttpFailure::Refused(serde_json::from_value(json!({ "code": "cursor_expired" })).expect("fits")))
            }
            // Nothing new comes while the test lasts; a real server would wait before it said so.
            call if call.contains("&wait") => Err(HttpFailure::Failed(hugmedo_chat_core::ErrorCode::Unreachable)),
            call if call.starts_with("GET /api/sync") && forgot => {
                Ok(json!({ "changes": [], "cursor": "9", "hasMore": false }))
            }
            "GET /api/rooms" if forgot => Ok(json!({ "rooms": [{
                "id": ROOM, "name": "病棟", "kind": "patient", "members": [sato()], "lastSeq": 9, "readSeq": 2,
            }] })),
            call if call.starts_with("GET /api/rooms/") && forgot => {
                Ok(json!({ "messages": messages, "hasMore": false }))
            }
            _ => quiet_server(call, body),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_locked_app_missed_while_its_cursor_expired_is_counted_and_raised_all_the_same() -> Result<()> {
    let forgets = Arc::new(AtomicBool::new(false));
    // 1 and 2 were read meanwhile on another device, 3 is gone from the server, 4 was known, the rest is new.
    let since = vec![urgent(2)?, said_by_suzuki(4, "四"), said_by_suzuki(6, "六"), urgent(7)?];
    let server = forgetful(Arc::clone(&forgets), since);
    let mut scene = Scene::signed_in_at(by_tokios_clock(), server).await?;
    let session = scene.connect().await?;
    for seq in 1..=4 {
        session.say(said_by_suzuki(seq, "既知")).await?;
    }
    let watch = &mut scene.watch;
    watch.until("all four", |watch| watch.rooms.values().any(|room| room.unread == 4)).await?;
    scene.core.lock().await?;
    let is = |watch: &Watch, unread, urgent| {
        watch.lock.as_ref().is_some_and(|lock| (lock.unread, lock.urgent) == (unread, urgent))
    };
    watch.until("the four", |watch| is(watch, 4, 0)).await?;
    forgets.store(true, Ordering::SeqCst);
    watch.until("what is true", |watch| is(watch, 3, 1)).await?;
    let mut raised: Vec<_> = std::iter::from_fn(|| scene.notifications.try_recv().ok()).collect();
    raised.sort_by_key(|raised| raised.urgent);
    let raised: Vec<_> = raised.iter().map(|raised| (raised.message_id.as_str(), raised.urgent)).collect();
    assert_eq!(raised, [("m-6", false), ("m-7", true)]);
    Ok(())
}
