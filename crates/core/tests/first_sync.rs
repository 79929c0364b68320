//! The first sync of a long history: usable at once, paged, seen to go on, and going on where it was cut off.
//!
//! `HUGMEDO_CHAT_MESSAGES=100000 cargo test --release -p hugmedo-chat-core --test first_sync -- --nocapture` prints the
//! figures of docs/reliability.md.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::{StreamExt, stream};
use hugmedo_chat_core::view::SyncProgress;
use hugmedo_chat_protocol::{ClientMessageId, RoomId};
use hugmedo_chat_server::Rate;
use hugmedo_chat_testkit::{Clinician, Hospital};
use serde_json::json;

fn room() -> RoomId {
    "general".into()
}

/// Says `count` things in the room, quickly, over HTTP.
async fn fill(hospital: &Hospital, count: usize) -> Result<()> {
    let admin = hospital.server().context("it runs")?.admin();
    let token = admin.issue_token(&"sato".into(), Duration::from_secs(3600)).await?;
    let url = format!("{}/api/rooms/{}/messages", hospital.url(), room());
    let client = reqwest::Client::new();
    let said = stream::iter(0..count).map(|number| {
        let id = ClientMessageId::generate();
        let body = json!({ "content": format!("申し送り {number}"), "clientMessageId": id });
        let post = client.post(&url).bearer_auth(token.expose()).json(&body).send();
        async move { anyhow::Ok(post.await?.error_for_status().map(drop)?) }
    });
    let mut said = said.buffer_unordered(8);
    while let Some(outcome) = said.next().await {
        outcome?;
    }
    // Read elsewhere, so that nothing but history is missing on a new computer.
    let token = admin.issue_token(&"suzuki".into(), Duration::from_secs(3600)).await?;
    let read = json!({ "roomId": room(), "upToSeq": 1_000_000 });
    let url = format!("{}/api/events/read", hospital.url());
    client.post(url).bearer_auth(token.expose()).json(&read).send().await?.error_for_status()?;
    Ok(())
}

fn progress(clinician: &Clinician) -> Option<SyncProgress> {
    clinician.watch.connection.progress
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_history_comes_in_pages_while_the_app_is_used_and_goes_on_after_a_restart() -> Result<()> {
    let count = std::env::var("HUGMEDO_CHAT_MESSAGES").ok().and_then(|count| count.parse().ok()).unwrap_or(1_500);
    let mut hospital = Hospital::open_with(|config| {
        config.limits.messages = Rate::new(100_000, 100_000);
        // Receipts come as fast as the messages do.
        config.limits.signals = Rate::new(100_000, 100_000);
        config.limits.socket_events = Rate::new(100_000, 100_000);
        config.limits.socket_bytes = Rate::new(1 << 30, 1 << 30);
    })
    .await?;
    let before = {
        let suzuki = hospital.clinician("suzuki").await?;
        let newest = suzuki.core.open_room(&room()).await?.page.messages;
        newest.last().and_then(|row| row.seq).map_or(0, |seq| seq.get())
    };
    fill(&hospital, count).await?;

    let began = Instant::now();
    let mut suzuki = hospital.clinician("suzuki").await?;
    let live_after = began.elapsed();
    let newest = suzuki.core.open_room(&room()).await?.page;
    assert!(newest.messages.last().is_some_and(|row| row.content.as_str().starts_with("申し送り")));

    // Usable throughout: opening the room is a question to the store, whatever goes on beside it.
    suzuki.watch.until("history on its way", |watch| watch.connection.progress.is_some()).await?;
    let mut opened = Vec::new();
    let cut_off_at = loop {
        let asked = Instant::now();
        suzuki.core.open_room(&room()).await?;
        opened.push(asked.elapsed());
        let SyncProgress { fetched, total } = progress(&suzuki).context("it is not done yet")?;
        if u64::from(fetched) * 2 >= u64::from(total.context("the server told")?) {
            break fetched;
        }
        let seen = fetched;
        suzuki
            .watch
            .until("another page", |watch| watch.connection.progress.is_none_or(|now| now.fetched > seen))
            .await?;
    };
    suzuki.restart().await?;
    suzuki.watch.until("history going on", |watch| watch.connection.progress.is_some()).await?;
    assert!(progress(&suzuki).is_some_and(|now| now.fetched >= cut_off_at), "what was fetched is kept");
    while progress(&suzuki).is_some() {
        let seen = progress(&suzuki);
        suzuki.watch.until("the end of history", |watch| watch.connection.progress != seen).await?;
    }
    let all_after = began.elapsed();

    // All of it is here now: without the server, the whole room can be read, each message once and in order.
    hospital.close().await;
    let mut page = suzuki.core.open_room(&room()).await?.page;
    let mut rows = Vec::new();
    loop {
        assert_eq!(page.incomplete, None);
        rows.splice(0..0, page.messages.iter().map(|row| (row.seq.map_or(0, |seq| seq.get()), row.key.clone())));
        let Some((first, _)) = rows.first().filter(|_| page.has_earlier) else { break };
        page = suzuki.core.load_earlier(&room(), hugmedo_chat_protocol::Seq::new(*first)).await?;
    }
    let seqs: Vec<u64> = rows.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(seqs, (1..=before + u64::try_from(count)?).collect::<Vec<_>>());
    opened.sort();
    println!(
        "{count} messages: live after {live_after:.1?}, all here after {all_after:.1?} with one restart; the room opened \
         {} times meanwhile, median {:.1?}, slowest {:.1?}",
        opened.len(),
        opened[opened.len() / 2],
        opened[opened.len() - 1]
    );
    Ok(())
}
