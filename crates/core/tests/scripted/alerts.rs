//! Urgent messages that nobody takes on, with a time of day that the test turns.

use std::time::Duration;

use anyhow::Result;
use hugmedo_chat_core::{Surroundings, host::NativeNotification};
use hugmedo_chat_protocol::{Receipt, ReceiptKind, ServerEvent, Timestamp, UserId};
use hugmedo_chat_testkit::ScriptedSession;
use serde_json::json;
use tokio::time::{Instant, timeout};

use super::stage::{ROOM, Scene, answer_everything, quiet_server};

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
