//! One person at two computers, with the real server: what is read at one is cleared at the other, and how soon.
//!
//! `HUGMEDO_CHAT_READS=100 cargo test -p hugmedo-chat-core --test two_computers -- --nocapture` prints the figures of
//! docs/reliability.md.

#![allow(clippy::indexing_slicing, reason = "all of this file is a test")]

use std::time::Instant;

use anyhow::{Context as _, Result};
use hugmedo_chat_protocol::RoomId;
use hugmedo_chat_testkit::Hospital;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_at_one_computer_is_no_longer_counted_nor_notified_at_the_other() -> Result<()> {
    let reads: usize = std::env::var("HUGMEDO_CHAT_READS").ok().and_then(|count| count.parse().ok()).unwrap_or(3);
    let room: RoomId = "patient-tanaka".into();
    let hospital = Hospital::open().await?;
    let (mut here, mut there) = (hospital.clinician("sato").await?, hospital.clinician("sato").await?);
    let suzuki = hospital.clinician("suzuki").await?;
    let mut times = Vec::new();
    for number in 0..reads {
        let text = format!("検温 {number}");
        suzuki.say(&room, &text).await?;
        let seq = here.watch.until_message(&room, &text, None).await?.seq.context("it is the server's")?;
        there.watch.until("the badge", |watch| watch.rooms[&room].unread > 0).await?;
        let raised = there.notifications.recv().await.context("a notification")?;

        let began = Instant::now();
        here.core.mark_read(&room, seq).await?;
        there.watch.until("the end of the badge", |watch| watch.rooms[&room].unread == 0).await?;
        let withdrawn = there.withdrawn.recv().await.context("the end of the notification")?;
        times.push(began.elapsed());
        assert_eq!(withdrawn, raised.message_id);
    }
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent).div_ceil(100) - 1];
    println!(
        "{reads} reads, cleared at the other computer after p50 {:.1?}, p99 {:.1?}, at the latest {:.1?}",
        at(50),
        at(99),
        at(100)
    );
    Ok(())
}
