//! A server lends what is stored on a computer for a time only.

#![allow(clippy::unwrap_used, reason = "all of this file is a test")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::Result;
use hugmedo_chat_core::{Config, Core, ErrorCode, Surroundings, transport::HttpFailure};
use hugmedo_chat_protocol::Timestamp;
use hugmedo_chat_testkit::{RecordingNotifier, Watch};
use serde_json::Value;
use tokio::time::Instant;

use super::stage::{Scene, quiet_server};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A server that lends for two days.
fn lending(call: &str, body: Option<&Value>) -> Result<Value, HttpFailure> {
    let mut answer = quiet_server(call, body)?;
    if let ("POST /api/login" | "POST /api/token", Some(grant)) = (call, answer.as_object_mut()) {
        grant.insert("leaseSeconds".to_owned(), (2 * DAY).as_secs().into());
    }
    Ok(answer)
}

/// A time of day that goes on with tokio's clock, and can be set forward.
fn clock() -> (Surroundings, Arc<Mutex<Duration>>) {
    let (began, start, ahead) = (Instant::now(), Timestamp::now(), Arc::new(Mutex::new(Duration::ZERO)));
    let set = Arc::clone(&ahead);
    let now = move || {
        let passed = began.elapsed() + *ahead.lock().unwrap();
        Timestamp::from_millis(start.as_millis() + i64::try_from(passed.as_millis()).unwrap())
    };
    (Surroundings::simulated(now, || 0.5), set)
}

fn holds_data(scene: &Scene) -> bool {
    scene.secrets.names().iter().any(|name| name.contains(":store-key:"))
        && std::fs::read_dir(scene.folder.path().join("accounts")).unwrap().count() == 1
}

async fn restart(scene: &mut Scene, surroundings: &Surroundings) -> Result<()> {
    scene.core.shutdown().await;
    let (notifier, _) = RecordingNotifier::new();
    let config = Config { surroundings: surroundings.clone(), ..scene.network.config(scene.folder.path()) };
    scene.core = Core::start(config, Arc::new(scene.secrets.clone()), notifier).await?;
    scene.watch = Watch::of(&scene.core).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_was_lent_is_gone_when_the_app_starts_too_late_and_no_server_has_to_be_asked() -> Result<()> {
    let (surroundings, ahead) = clock();
    let mut scene = Scene::signed_in_at(surroundings.clone(), lending).await?;
    scene.send("転棟は14時です").await?;

    *ahead.lock().unwrap() = DAY;
    restart(&mut scene, &surroundings).await?;
    assert!(scene.watch.session.is_some() && holds_data(&scene), "not yet");

    // Its token was renewed meanwhile, or was not.
    *ahead.lock().unwrap() = 3 * DAY;
    restart(&mut scene, &surroundings).await?;
    assert_eq!(scene.watch.trouble, Some(ErrorCode::LeaseOver));
    assert!(scene.watch.session.is_none());
    assert_eq!(scene.secrets.names(), Vec::<String>::new());
    assert_eq!(std::fs::read_dir(scene.folder.path().join("accounts"))?.count(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn it_goes_from_an_app_that_runs_without_a_network_too() -> Result<()> {
    let (surroundings, _) = clock();
    let mut scene = Scene::signed_in_at(surroundings, |call, body| match call {
        "POST /api/token" => Err(HttpFailure::Failed(ErrorCode::Unreachable)),
        _ => lending(call, body),
    })
    .await?;
    tokio::time::sleep(DAY).await;
    assert!(holds_data(&scene), "not yet");
    tokio::time::sleep(DAY).await;
    scene.watch.until("the removal", |watch| watch.trouble == Some(ErrorCode::LeaseOver)).await?;
    assert!(scene.watch.session.is_none());
    assert!(!scene.secrets.names().iter().any(|name| name.contains(":store-key:")));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn every_renewal_lends_it_anew() -> Result<()> {
    let (surroundings, ahead) = clock();
    let mut scene = Scene::signed_in_at(surroundings.clone(), lending).await?;
    for day in 1..=4 {
        *ahead.lock().unwrap() = day * DAY;
        restart(&mut scene, &surroundings).await?;
        // The token of yesterday is renewed before it is shown.
        let shown = scene.network.accept().await?;
        drop(shown);
        assert!(scene.watch.session.is_some() && holds_data(&scene), "day {day}");
    }
    Ok(())
}
