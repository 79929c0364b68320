//! How core gets back to a server, and what stands in where it cannot.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use hugmedo_chat_core::{
    ErrorCode,
    transport::{ConnectFailure, HttpFailure},
    view::{ConnectionSettings, ConnectionState, Delivery, ViewChange},
};
use hugmedo_chat_protocol::Timestamp;
use hugmedo_chat_testkit::{ScriptedNetwork, ScriptedSession, Watch};
use serde_json::{Value, json};

use crate::stage::*;

/// A server that answers every call, also those that stand in for a socket.
fn answering_server(call: &str, body: Option<&Value>) -> Result<Value, HttpFailure> {
    match call {
        "GET /api/me" => Ok(json!(sato())),
        "POST /api/events/heartbeat" => Ok(json!({ "serverTime": Timestamp::now() })),
        "POST /api/rooms/general/messages" => Ok(json!({
            "id": "m-1", "roomId": ROOM, "seq": 1, "createdAt": Timestamp::now(),
            "clientMessageId": body.and_then(|body| body.get("clientMessageId")),
        })),
        call => quiet_server(call, body),
    }
}

fn unreachable() -> ConnectFailure {
    ConnectFailure::Failed(ErrorCode::Unreachable)
}

fn is_offline(change: &ViewChange) -> bool {
    matches!(change, ViewChange::ConnectionChanged { connection } if connection.state == ConnectionState::Offline)
}

async fn until_state(watch: &mut Watch, state: ConnectionState) -> Result<()> {
    watch.until(&format!("{state:?}"), |watch| watch.connection.state == state).await
}

/// Plays a server until the link is live.
async fn welcome(watch: &mut Watch, network: &ScriptedNetwork) -> Result<ScriptedSession> {
    let mut session = network.accept().await?;
    session.say(greeting()).await?;
    tokio::select! {
        live = watch.until_live() => live?,
        never = answer_everything(&mut session) => never?,
    }
    Ok(session)
}

#[tokio::test]
async fn where_sockets_are_blocked_calls_stand_in_and_give_way_when_a_socket_comes_about() -> Result<()> {
    let mut scene = Scene::signed_in(answering_server).await?;
    scene.network.refuse(unreachable()).await?;
    scene.network.refuse(unreachable()).await?;
    until_state(&mut scene.watch, ConnectionState::Limited).await?;
    assert_eq!(scene.watch.connection.reason, Some(ErrorCode::WebSocketBlocked));

    scene.send("回診が終わりました").await?;
    scene.watch.until_message(&room(), "回診が終わりました", Some(Delivery::Sent)).await?;

    scene.core.reconnect_now().await?;
    welcome(&mut scene.watch, &scene.network).await?;
    assert_eq!(scene.watch.connection.reason, None);
    assert_eq!(scene.watch.count(&room(), "回診が終わりました"), 1);
    Ok(())
}

#[tokio::test]
async fn a_server_that_has_no_calls_to_stand_in_costs_no_renewal() -> Result<()> {
    let mut scene = Scene::signed_in(|call, body| match call {
        "POST /api/events/heartbeat" => {
            Err(HttpFailure::Refused(serde_json::from_value(json!({ "code": "not_found" })).expect("fits")))
        }
        call => answering_server(call, body),
    })
    .await?;
    scene.network.refuse(unreachable()).await?;
    scene.watch.until("an end of the attempt", |watch| watch.history.iter().any(is_offline)).await?;
    let calls = scene.network.calls();
    assert!(calls.iter().any(|call| call == "POST /api/events/heartbeat"), "the calls were tried");
    assert!(!calls.iter().any(|call| call == "POST /api/token"), "and said nothing against the token");
    Ok(())
}

#[tokio::test]
async fn a_server_that_has_only_just_come_up_is_not_taken_for_a_blocked_one() -> Result<()> {
    let mut scene = Scene::signed_in(answering_server).await?;
    scene.network.refuse(unreachable()).await?;
    welcome(&mut scene.watch, &scene.network).await?;
    let was_limited = scene.watch.history.iter().any(|change| {
        matches!(change,
        ViewChange::ConnectionChanged { connection } if connection.state == ConnectionState::Limited)
    });
    assert!(!was_limited);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_hangs_is_stood_in_for_within_ten_seconds() -> Result<()> {
    let began = tokio::time::Instant::now();
    let mut scene = Scene::signed_in(answering_server).await?;
    // Nobody answers the attempt.
    until_state(&mut scene.watch, ConnectionState::Limited).await?;
    assert!(began.elapsed().as_secs() < 10, "{:?} of virtual time", began.elapsed());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_fails_late_does_not_end_the_calls_that_are_under_way() -> Result<()> {
    let mut scene = Scene::signed_in(answering_server).await?;
    scene.network.slow_down(Duration::from_secs(1));
    // What a proxy does that swallows the upgrade, where a socket may take five seconds.
    tokio::time::sleep(Duration::from_secs(5)).await;
    scene.network.refuse(ConnectFailure::Failed(ErrorCode::Timeout)).await?;
    until_state(&mut scene.watch, ConnectionState::Limited).await?;
    assert!(
        !scene.watch.history.iter().any(is_offline),
        "at the first attempt, which waits for calls no longer than ten seconds"
    );
    Ok(())
}

#[tokio::test]
async fn behind_a_proxy_calls_are_the_way_and_the_reason_is_told() -> Result<()> {
    let mut scene = Scene::signed_in(answering_server).await?;
    scene.network.refuse(ConnectFailure::Failed(ErrorCode::ProxyInUse)).await?;
    until_state(&mut scene.watch, ConnectionState::Limited).await?;
    assert_eq!(scene.watch.connection.reason, Some(ErrorCode::ProxyInUse));
    Ok(())
}

#[tokio::test]
async fn what_was_said_is_changed_by_a_call_where_sockets_are_blocked() -> Result<()> {
    let mut scene = Scene::signed_in(|call, body| match call {
        "POST /api/events/edit_message" => Ok(json!({ "seq": 2 })),
        "POST /api/events/read" => Ok(json!({ "roomId": ROOM, "readSeq": 1 })),
        "POST /api/events/delivered" => Ok(json!({ "roomId": ROOM, "deliveredSeq": 1 })),
        "POST /api/events/delete_message" => {
            Err(HttpFailure::Refused(serde_json::from_value(json!({ "code": "forbidden" })).expect("fits")))
        }
        _ => answering_server(call, body),
    })
    .await?;
    scene.network.refuse(ConnectFailure::Failed(ErrorCode::ProxyInUse)).await?;
    until_state(&mut scene.watch, ConnectionState::Limited).await?;
    scene.send("回診は10時").await?;
    let row = scene.watch.until_message(&room(), "回診は10時", Some(Delivery::Sent)).await?;
    let id = row.id.expect("it is sent");
    scene.core.edit_message(&room(), &id, "回診は11時".into()).await?;
    assert!(scene.watch.until_message(&room(), "回診は11時", None).await?.edited);
    let refused = scene.core.delete_message(&room(), &id).await.map_err(|error| error.code());
    assert_eq!(refused, Err(ErrorCode::Forbidden));
    Ok(())
}

#[tokio::test]
async fn a_lost_call_link_is_noticed_and_told() -> Result<()> {
    let is_away = Arc::new(AtomicBool::new(false));
    let away = Arc::clone(&is_away);
    let mut scene = Scene::signed_in(move |call, body| {
        if away.load(Ordering::SeqCst) {
            return Err(HttpFailure::Failed(ErrorCode::Unreachable));
        }
        answering_server(call, body)
    })
    .await?;
    scene.network.refuse(unreachable()).await?;
    scene.network.refuse(unreachable()).await?;
    until_state(&mut scene.watch, ConnectionState::Limited).await?;
    is_away.store(true, Ordering::SeqCst);
    scene.send("届かない").await?;
    scene.watch.until("the loss", |watch| watch.history.iter().any(is_offline)).await?;
    let waiting = scene.core.unsent_messages().await?;
    assert_eq!(waiting.iter().map(|row| row.content.as_str()).collect::<Vec<_>>(), ["届かない"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn when_the_network_changes_a_dead_link_is_found_at_once_and_a_live_one_stays() -> Result<()> {
    let mut scene = Scene::signed_in(quiet_server).await?;
    let mut session = scene.connect().await?;
    scene.core.network_changed().await;
    session.heard_named("heartbeat").await?.answer(json!({ "ok": true, "serverTime": Timestamp::now() }));

    let began = tokio::time::Instant::now();
    scene.core.network_changed().await;
    let unanswered = session.heard_named("heartbeat").await?;
    // In the history, because the next attempt may begin at once.
    scene.watch.until("the loss", |watch| watch.history.iter().any(is_offline)).await?;
    assert!(began.elapsed().as_secs() <= 5, "{:?} of virtual time", began.elapsed());
    drop(unanswered);
    Ok(())
}

#[tokio::test]
async fn when_the_network_is_back_nobody_waits_for_the_announced_time() -> Result<()> {
    let mut scene = Scene::signed_in(quiet_server).await?;
    for outage in 1..=6 {
        scene.network.refuse(unreachable()).await?;
        let is_offline = |change: &&ViewChange| matches!(change, ViewChange::ConnectionChanged { connection } if connection.state == ConnectionState::Offline);
        let enough = |watch: &Watch| watch.history.iter().filter(is_offline).count() == outage;
        scene.watch.until("the next outage", enough).await?;
        scene.core.network_changed().await;
    }
    welcome(&mut scene.watch, &scene.network).await?;
    Ok(())
}

#[tokio::test]
async fn who_allows_two_attempts_gets_two_and_goes_on_when_asked() -> Result<()> {
    let mut scene = Scene::signed_in(quiet_server).await?;
    let connection = ConnectionSettings {
        reconnection_attempts: 2,
        reconnection_delay_ms: 10,
        reconnection_delay_max_ms: 10,
        ..ConnectionSettings::default()
    };
    scene.core.change_preferences(|preferences| preferences.connection = connection).await?;
    let gave_up = |watch: &Watch| {
        watch.connection.state == ConnectionState::Offline && watch.connection.next_attempt_at.is_none()
    };
    let refuse_all = async || -> Result<()> {
        loop {
            scene.network.refuse(unreachable()).await?;
        }
    };
    tokio::select! {
        gone = refuse_all() => gone?,
        gave_up = scene.watch.until("the end of trying", gave_up) => gave_up?,
    }
    scene.core.reconnect_now().await?;
    welcome(&mut scene.watch, &scene.network).await?;
    Ok(())
}

#[tokio::test]
async fn settings_that_cannot_be_followed_are_refused_and_change_nothing() -> Result<()> {
    let scene = Scene::signed_in(quiet_server).await?;
    let before = scene.core.subscribe().await?.0.preferences;
    for (connection, code) in [
        (ConnectionSettings { proxy: "proxy:8080".to_owned(), ..Default::default() }, ErrorCode::InvalidProxy),
        (ConnectionSettings { ca_file: "/nowhere.pem".to_owned(), ..Default::default() }, ErrorCode::InvalidCaFile),
    ] {
        let refused = scene.core.change_preferences(|preferences| preferences.connection = connection).await;
        assert_eq!(refused.map_err(|error| error.code()), Err(code));
    }
    assert_eq!(scene.core.subscribe().await?.0.preferences, before);
    Ok(())
}
