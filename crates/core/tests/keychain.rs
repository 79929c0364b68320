//! Every state a keychain can be in: the app stays usable, says what is wrong, and writes nothing in the clear.

#![allow(clippy::indexing_slicing, reason = "all of this file is a test")]

mod scene;

use anyhow::Result;
use hugmedo_chat_core::{
    Core, ErrorCode,
    host::SecretStoreError,
    view::{Delivery, Draft, ViewChange},
};
use hugmedo_chat_protocol::{Secret, Sensitive};
use hugmedo_chat_testkit::Watch;
use scene::*;
use serde_json::json;

fn failures() -> [(SecretStoreError, ErrorCode); 4] {
    [
        (SecretStoreError::Missing("no service".to_owned()), ErrorCode::KeychainMissing),
        (SecretStoreError::Locked("locked".to_owned()), ErrorCode::KeychainLocked),
        (SecretStoreError::Locked("the person said no".to_owned()), ErrorCode::KeychainLocked),
        (SecretStoreError::Failed("it broke".to_owned()), ErrorCode::KeychainMissing),
    ]
}

/// Sends a message and sees it arrive.
async fn assert_usable(scene: &Scene, core: &Core) -> Result<()> {
    let mut watch = Watch::of(core).await?;
    let mut session = scene.connect(&mut watch).await?;
    let id = send(core, "届きますか").await?;
    let asked = session.heard_named("message").await?;
    assert_eq!(asked.payload["clientMessageId"], json!(id));
    let answer = ack(9, &asked.payload);
    asked.answer(answer);
    watch.until_message(&room(), &format!("{MARKER} 届きますか"), Some(Delivery::Sent)).await?;
    Ok(())
}

#[tokio::test]
async fn whatever_is_wrong_with_the_keychain_signing_in_says_so_and_works_without_remembering() -> Result<()> {
    for (failure, code) in failures() {
        let folder = tempfile::tempdir()?;
        let scene = Scene::new(0);
        scene.secrets.fail_with(Some(failure.clone()));
        let core = scene.start(folder.path()).await?;
        assert_eq!(core.subscribe().await?.0.trouble, Some(code), "{failure}: told at once");
        let refused = core.sign_in(request(true)).await.map_err(|error| error.code());
        assert_eq!(refused.err(), Some(code), "{failure}");
        core.sign_in(request(false)).await?;
        core.save_draft(&room(), Draft { content: Sensitive::new(format!("{MARKER} 下書き")), ..Draft::default() })
            .await?;
        assert_usable(&scene, &core).await?;
        assert_nothing_in_the_clear(folder.path())?;
        assert!(!folder.path().join("accounts").exists(), "{failure}: not even encrypted");
        core.shutdown().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_keychain_that_goes_away_while_the_app_runs_disturbs_nobody() -> Result<()> {
    for (failure, _) in failures() {
        let folder = tempfile::tempdir()?;
        let scene = Scene::new(0);
        let core = scene.start(folder.path()).await?;
        core.sign_in(request(true)).await?;
        scene.secrets.fail_with(Some(failure));
        assert_usable(&scene, &core).await?;
        assert_nothing_in_the_clear(folder.path())?;
        core.shutdown().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_keychain_that_fails_at_the_start_is_not_an_empty_one() -> Result<()> {
    for (failure, code) in failures() {
        let folder = tempfile::tempdir()?;
        let scene = Scene::new(0);
        let core = scene.start(folder.path()).await?;
        core.sign_in(request(true)).await?;
        send(&core, "未送信").await?;
        core.shutdown().await;

        scene.secrets.fail_with(Some(failure.clone()));
        let core = scene.start(folder.path()).await?;
        let (snapshot, _) = core.subscribe().await?;
        assert_eq!((snapshot.session, snapshot.trouble), (None, Some(code)), "{failure}");
        core.shutdown().await;
        let aside = files_below(folder.path())?.iter().any(|file| file.to_string_lossy().contains("unreadable"));
        assert!(!aside, "{failure}: nothing was set aside");

        scene.secrets.fail_with(None);
        let core = scene.start(folder.path()).await?;
        let opened = core.open_room(&room()).await?;
        assert_eq!(opened.page.messages.len(), 1, "{failure}: everything is there again");
        assert_nothing_in_the_clear(folder.path())?;
        core.shutdown().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_lost_or_changed_key_leaves_a_fresh_account_and_says_that_something_is_gone() -> Result<()> {
    for changed in [None, Some("ab".repeat(32)), Some("'; --".to_owned()), Some(String::new())] {
        let folder = tempfile::tempdir()?;
        let scene = Scene::new(0);
        let core = scene.start(folder.path()).await?;
        core.sign_in(request(true)).await?;
        send(&core, "未送信").await?;
        core.shutdown().await;

        match changed {
            Some(key) => scene.secrets.change(":store-key:", &Secret::new(key)),
            None => scene.secrets.lose(":store-key:"),
        }
        let core = scene.start(folder.path()).await?;
        let mut watch = Watch::of(&core).await?;
        watch.until("a session", |watch| watch.session.is_some()).await?;
        let told = |watch: &Watch| {
            let said = ViewChange::TroubleChanged { trouble: Some(ErrorCode::StoreUnreadable) };
            watch.history.iter().any(|change| format!("{change:?}") == format!("{said:?}"))
        };
        if core.subscribe().await?.0.trouble != Some(ErrorCode::StoreUnreadable) {
            watch.until("word of the loss", told).await?;
        }
        let aside = files_below(folder.path())?.iter().any(|file| file.to_string_lossy().contains("unreadable"));
        assert!(aside, "kept, in case the key turns up again");
        assert_usable(&scene, &core).await?;
        assert_nothing_in_the_clear(folder.path())?;
        core.shutdown().await;

        let core = scene.start(folder.path()).await?;
        let (snapshot, _) = core.subscribe().await?;
        assert_eq!(snapshot.trouble, None, "the next start has nothing to complain of");
        assert!(snapshot.session.is_some());
        core.shutdown().await;
    }
    Ok(())
}

/// Starts the app while the keychain asks the person, who does not answer.
async fn start_while_asked(scene: &Scene, folder: &std::path::Path) -> Result<Core> {
    scene.secrets.ask();
    scene.start(folder).await
}

#[tokio::test]
async fn a_slow_keychain_does_not_hold_up_the_app_and_the_session_comes_when_it_answers() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let scene = Scene::new(0);
    let core = scene.start(folder.path()).await?;
    core.sign_in(request(true)).await?;
    core.shutdown().await;

    let core = start_while_asked(&scene, folder.path()).await?;
    let mut watch = Watch::of(&core).await?;
    let (snapshot, _) = core.subscribe().await?;
    assert_eq!(
        (snapshot.session, snapshot.trouble),
        (None, Some(ErrorCode::KeychainLocked)),
        "it is told what is missing"
    );
    scene.secrets.answer();
    watch.until("the session", |watch| watch.session.is_some()).await?;
    assert_eq!(core.subscribe().await?.0.trouble, None);
    assert_usable(&scene, &core).await?;
    core.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn whoever_signs_in_while_the_keychain_still_asks_stays_signed_in() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let scene = Scene::new(0);
    let core = scene.start(folder.path()).await?;
    core.sign_in(request(true)).await?;
    core.shutdown().await;

    let core = start_while_asked(&scene, folder.path()).await?;
    let session = core.sign_in(request(false)).await?;
    assert!(!session.remembered);
    assert_usable(&scene, &core).await?;
    let mut watch = Watch::of(&core).await?;
    scene.secrets.answer();
    watch
        .until("the late answer", |watch| {
            watch.history.iter().any(|change| matches!(change, ViewChange::TroubleChanged { trouble: None }))
        })
        .await?;
    assert!(watch.session.as_ref().is_some_and(|session| !session.remembered), "the late answer replaces nobody");
    core.shutdown().await;
    Ok(())
}
