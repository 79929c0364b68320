//! Jumping to places that are not on this computer.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use anyhow::Result;
use hugmedo_chat_core::{
    ErrorCode,
    transport::HttpFailure,
    view::{Place, TimelinePage},
};
use hugmedo_chat_protocol::{Seq, Timestamp};
use hugmedo_chat_testkit::ScriptedSession;
use serde_json::{Value, json};

use crate::stage::*;

/// The room's last position. Every tenth is the change of a message.
const LAST: u64 = 3_000;

fn is_message(seq: &u64) -> bool {
    !seq.is_multiple_of(10)
}

/// Messages at one a second; history in the background does not come through until `gates` are open.
fn long_history(gates: Arc<AtomicBool>) -> impl Fn(&str, Option<&Value>) -> Result<Value, HttpFailure> {
    move |call, body| match call {
        "GET /api/rooms" => Ok(json!({ "rooms": [{
            "id": ROOM, "name": "病棟", "kind": "staff", "members": [sato()], "lastSeq": LAST, "readSeq": LAST,
        }] })),
        call if call.contains("messages?limit=200") && !gates.load(Ordering::SeqCst) => {
            Err(HttpFailure::Failed(ErrorCode::ServerUnavailable))
        }
        call if call.starts_with("GET /api/rooms/") => {
            let asked =
                |name: &str| call.split(['?', '&']).find_map(|part| part.strip_prefix(name))?.parse::<u64>().ok();
            let limit = asked("limit=").unwrap_or(50) as usize;
            let (from, to) = (asked("after=").map_or(1, |seq| seq + 1), asked("before=").unwrap_or(LAST + 1));
            let all: Vec<u64> = (from..to).filter(is_message).collect();
            let skipped = if asked("after=").is_some() { 0 } else { all.len().saturating_sub(limit) };
            let page: Vec<Value> = all.iter().skip(skipped).take(limit).map(|seq| message(*seq)).collect();
            Ok(json!({ "hasMore": all.len() > limit, "messages": page }))
        }
        _ => quiet_server(call, body),
    }
}

fn message(seq: u64) -> Value {
    json!({
        "id": format!("m-{seq}"), "roomId": ROOM, "userId": "suzuki", "content": format!("{seq}"), "seq": seq,
        "createdAt": Timestamp::from_millis(seq as i64 * 1_000),
    })
}

/// Signed in and live, with the newest page here and nothing else.
async fn with_the_newest_page_only() -> Result<(Scene, ScriptedSession, Arc<AtomicBool>)> {
    let gates = Arc::new(AtomicBool::new(false));
    let mut scene = Scene::signed_in(long_history(Arc::clone(&gates))).await?;
    let session = scene.connect().await?;
    // It fails once, and then rests for half a minute.
    while !scene.network.calls().iter().any(|call| call.contains("messages?limit=200")) {
        tokio::task::yield_now().await;
    }
    gates.store(true, Ordering::SeqCst);
    Ok((scene, session, gates))
}

fn seqs(page: &TimelinePage) -> Vec<u64> {
    page.messages.iter().filter_map(|row| row.seq).map(Seq::get).collect()
}

fn at_second(second: i64, millis: i64) -> Place {
    Place::Time { at: Timestamp::from_millis(second * 1_000 + millis) }
}

#[tokio::test]
async fn a_jump_into_history_shows_a_whole_stretch_and_goes_on_to_the_newest() -> Result<()> {
    let (scene, _session, _) = with_the_newest_page_only().await?;
    let mut page = scene.core.load_around(&room(), Seq::new(1_500)).await?;
    assert_eq!((page.has_earlier, page.has_later, page.incomplete), (true, true, None));
    let mut shown = seqs(&page);
    assert_eq!(shown.iter().filter(|seq| **seq <= 1_500).count(), 25);
    let first = shown[0];
    while page.has_later {
        page = scene.core.load_later(&room(), Seq::new(shown[shown.len() - 1])).await?;
        assert_eq!(page.incomplete, None);
        shown.extend(seqs(&page));
    }
    assert_eq!(shown, (first..=LAST).filter(is_message).collect::<Vec<_>>());
    // A jump to the end is the end, and one beyond it too.
    for at in [LAST, LAST + 5] {
        let page = scene.core.load_around(&room(), Seq::new(at)).await?;
        assert_eq!((page.has_later, seqs(&page).last()), (false, Some(&(LAST - 1))));
    }
    let page = scene.core.load_around(&room(), Seq::new(1)).await?;
    assert_eq!((page.has_earlier, seqs(&page)[0]), (false, 1));
    Ok(())
}

#[tokio::test]
async fn a_time_is_found_wherever_it_is() -> Result<()> {
    let (scene, _session, _) = with_the_newest_page_only().await?;
    let seq = |number| Some(Seq::new(number));
    for (place, expected) in [
        (at_second(700, 1), seq(701)),
        (at_second(701, 0), seq(701)),
        (at_second(709, 1), seq(711)),
        (at_second(0, 0), seq(1)),
        (at_second(2_995, 1), seq(2_996)),
        (at_second(2_999, 1), None),
    ] {
        assert_eq!(scene.core.locate(&room(), place.clone()).await?, expected, "{place:?}");
    }
    let probes = scene.network.calls().iter().filter(|call| call.contains("limit=1&")).count();
    assert!(probes < 60, "{probes} questions for four times that are not here");
    Ok(())
}

#[tokio::test]
async fn a_message_is_found_wherever_it_is() -> Result<()> {
    let (scene, _session, _) = with_the_newest_page_only().await?;
    let place = |id: &str| Place::Message { message_id: id.into() };
    assert_eq!(scene.core.locate(&room(), place("m-2999")).await?, Some(Seq::new(2_999)));
    assert_eq!(scene.core.locate(&room(), place("m-333")).await?, Some(Seq::new(333)));
    assert_eq!(scene.core.locate(&room(), place("of another room")).await?, None);
    Ok(())
}

#[tokio::test]
async fn without_a_server_what_is_not_here_is_said_to_be_missing() -> Result<()> {
    let (mut scene, session, _) = with_the_newest_page_only().await?;
    drop(session);
    scene.watch.until("word of the loss", |watch| watch.connection.reason.is_some()).await?;
    let page = scene.core.load_around(&room(), Seq::new(1_500)).await?;
    assert_eq!((page.messages.len(), page.has_earlier, page.has_later), (0, true, true));
    assert_eq!(page.incomplete, Some(ErrorCode::Unreachable));
    let page = scene.core.load_later(&room(), Seq::new(1_500)).await?;
    assert_eq!((page.messages.len(), page.has_later, page.incomplete), (0, true, Some(ErrorCode::Unreachable)));

    // Where the stretch that is here begins, there is something to show, and it says that more is missing above.
    let newest = scene.core.open_room(&room()).await?.page;
    let first = newest.messages[0].seq.expect("it is sent");
    let page = scene.core.load_around(&room(), first).await?;
    assert_eq!((seqs(&page).first(), page.incomplete), (Some(&first.get()), None));

    for place in [at_second(700, 0), Place::Message { message_id: "m-333".into() }] {
        let failure = scene.core.locate(&room(), place).await.map_err(|error| error.code());
        assert_eq!(failure, Err(ErrorCode::Unreachable), "it may be there for all this computer knows");
    }
    assert_eq!(scene.core.locate(&room(), at_second(2_995, 0)).await?, Some(Seq::new(2_995)));
    Ok(())
}
