//! The answer to a renewal of the session is lost on the way. The server has used the refresh token up, the client has no
//! other: presented again, it must not be taken for a theft, or every network that fails at the wrong moment signs someone
//! out, and what they wrote waits until they sign in again.

use std::time::Duration;

use anyhow::Result;
use hugmedo_chat_core::view::ConnectionState;
use hugmedo_chat_testkit::{Clinician, FaultyLink, Hospital};
use tokio::time::sleep;

#[tokio::test]
async fn a_renewal_whose_answer_was_lost_signs_nobody_out() -> Result<()> {
    let hospital = Hospital::open().await?;
    let address = hospital.server().map(|server| server.local_addr()).expect("it runs");
    let link = FaultyLink::to(address).await?;
    let mut sato = Clinician::at_a_computer().await?;
    sato.sign_in(&link.url(), "sato").await?;
    sato.watch.until_live().await?;
    sato.core.shutdown().await;

    link.stall_down(true);
    let before = link.accepted();
    sato.restart().await?;
    while link.accepted() == before {
        sleep(Duration::from_millis(10)).await;
    }
    // Time for the server to answer. Too little would make the test pass, never fail.
    sleep(Duration::from_millis(500)).await;
    link.reset_all();
    link.stall_down(false);
    let is_over = |watch: &hugmedo_chat_testkit::Watch| {
        watch.session.is_none() || watch.connection.state == ConnectionState::Live
    };
    sato.watch.until("a live link or the end of the session", is_over).await?;
    assert!(sato.watch.session.is_some(), "signed out");
    Ok(())
}
