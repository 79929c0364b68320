//! A disk that fills up and a file that rots, under the whole of core: nothing is lost, and nobody has to repair anything.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "all of this file is a test")]

mod scene;

use std::{fs, io::Write as _};

use anyhow::Result;
use hugmedo_chat_core::{
    ErrorCode,
    view::{Delivery, Draft, ViewChange},
};
use hugmedo_chat_protocol::{Sensitive, Seq};
use hugmedo_chat_testkit::{SmallDisk, Watch};
use scene::*;
use serde_json::json;

#[tokio::test]
async fn on_a_full_disk_a_message_is_refused_and_the_next_one_goes_once_there_is_room() -> Result<()> {
    let disk = match SmallDisk::mount(4) {
        Ok(disk) => disk,
        Err(reason) => {
            println!("SKIPPED: no disk of its own: {reason}");
            return Ok(());
        }
    };
    let scene = Scene::new(0);
    let core = scene.start(disk.path()).await?;
    let mut watch = Watch::of(&core).await?;
    core.sign_in(request(true)).await?;
    let mut session = scene.connect(&mut watch).await?;

    disk.fill()?;
    let long = "長".repeat(9_000);
    let mut taken = Vec::new();
    let refused = loop {
        match send(&core, &long).await {
            Ok(id) => taken.push(id),
            Err(error) => break error,
        }
    };
    assert_eq!(refused.code(), ErrorCode::DiskFull);
    watch
        .until("word of it", |watch| {
            watch
                .history
                .iter()
                .any(|change| matches!(change, ViewChange::TroubleChanged { trouble: Some(ErrorCode::DiskFull) }))
        })
        .await?;
    let opened = core.open_room(&room()).await?;
    assert_eq!(opened.page.messages.len(), taken.len(), "what was refused is nowhere, what was taken is there");

    disk.make_room()?;
    let last = send(&core, "空きができた").await?;
    let mut heard = Vec::new();
    while heard.last() != Some(&json!(last)) {
        let asked = session.heard_named("message").await?;
        let id = asked.payload["clientMessageId"].clone();
        let answer = ack(heard.len() as u64 + 1, &asked.payload);
        asked.answer(answer);
        if !heard.contains(&id) {
            heard.push(id);
        }
    }
    assert_eq!(heard.len(), taken.len() + 1, "every one that was taken, and the last");
    watch.until_message(&room(), &format!("{MARKER} 空きができた"), Some(Delivery::Sent)).await?;
    watch
        .until("the end of the trouble", |watch| {
            let last = watch.history.iter().rev().find_map(|change| match change {
                ViewChange::TroubleChanged { trouble } => Some(*trouble),
                _ => None,
            });
            last == Some(None)
        })
        .await?;
    core.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn a_start_on_a_full_disk_says_so_and_opens_once_there_is_room() -> Result<()> {
    let disk = match SmallDisk::mount(4) {
        Ok(disk) => disk,
        Err(reason) => {
            println!("SKIPPED: no disk of its own: {reason}");
            return Ok(());
        }
    };
    let scene = Scene::new(0);
    let core = scene.start(disk.path()).await?;
    disk.fill()?;
    let refused = core.sign_in(request(true)).await.map_err(|error| error.code());
    assert_eq!(refused.err(), Some(ErrorCode::DiskFull));
    disk.make_room()?;
    core.sign_in(request(true)).await?;
    core.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn a_store_that_rots_while_the_app_runs_is_fetched_again_and_what_was_unsent_goes_out() -> Result<()> {
    const SAID: u64 = 400;
    let folder = tempfile::tempdir()?;
    let scene = Scene::new(SAID);
    let core = scene.start(folder.path()).await?;
    let mut watch = Watch::of(&core).await?;
    core.sign_in(request(true)).await?;
    let session = scene.connect(&mut watch).await?;
    core.shutdown().await;
    drop(session);

    let core = scene.start(folder.path()).await?;
    let id = send(&core, "未送信").await?;
    core.save_draft(&room(), Draft { content: Sensitive::new(format!("{MARKER} 下書き")), ..Draft::default() }).await?;
    core.shutdown().await;

    // All of this was written back; now the app starts, and half of the file is bad.
    let core = scene.start(folder.path()).await?;
    let mut watch = Watch::of(&core).await?;
    let file = files_below(folder.path())?.into_iter().find(|file| file.ends_with("store.db")).expect("a store");
    let mut bytes = fs::read(&file)?;
    let pages = bytes.len() / 4096;
    assert!(pages > 60, "{pages} pages");
    for page in pages / 4..pages * 3 / 4 {
        bytes[page * 4096 + 77] ^= 1;
    }
    fs::OpenOptions::new().write(true).open(&file)?.write_all(&bytes)?;

    let listed_before = scene.network.calls().iter().filter(|call| *call == "GET /api/rooms").count();
    let mut session = scene.network.accept().await?;
    session.say(greeting()).await?;
    let asked = session.heard_named("message").await?;
    assert_eq!(asked.payload["clientMessageId"], json!(id), "under the name it always had");
    // The answer is on its way while the store is built anew.
    tokio::select! {
        live = watch.until_live() => live?,
        never = play_along(&mut session) => never?,
    }
    // Reads back to the beginning, wherever the rot is.
    let room_id = room();
    let mut before = Seq::new(SAID + 1);
    let mut texts = Vec::new();
    while before > Seq::new(1) {
        let page = tokio::select! {
            page = core.load_earlier(&room_id, before) => page?,
            never = play_along(&mut session) => return never,
        };
        assert_eq!(page.incomplete, None);
        before = page.messages.first().and_then(|row| row.seq).expect("a page is not empty");
        texts.extend(page.messages.iter().rev().map(|row| row.content.as_str().to_owned()));
    }
    let expected: Vec<String> = (1..=SAID).rev().map(said_at).collect();
    assert!(texts == expected, "the whole history, every text as it was said");
    tokio::select! {
        told = watch.until("word of it", |watch| {
            watch.history.iter().any(|change| matches!(change, ViewChange::TimelineReset { .. }))
        }) => told?,
        never = play_along(&mut session) => never?,
    }
    let again = || scene.network.calls().iter().filter(|call| *call == "GET /api/rooms").count() > listed_before;
    tokio::select! {
        snapshot = watch.until("a snapshot", |_| again()) => snapshot?,
        never = play_along(&mut session) => never?,
    }
    let answer = ack(SAID + 1, &asked.payload);
    asked.answer(answer);
    let sent = format!("{MARKER} 未送信");
    tokio::select! {
        row = watch.until_message(&room_id, &sent, Some(Delivery::Sent)) => drop(row?),
        never = play_along(&mut session) => never?,
    }
    let opened = tokio::select! {
        opened = core.open_room(&room_id) => opened?,
        never = play_along(&mut session) => return never,
    };
    assert_eq!(opened.draft.content.as_str(), format!("{MARKER} 下書き"));
    assert_eq!(opened.page.messages.iter().filter(|row| row.content.as_str() == sent).count(), 1, "once");
    assert_nothing_in_the_clear(folder.path())?;
    core.shutdown().await;
    Ok(())
}
