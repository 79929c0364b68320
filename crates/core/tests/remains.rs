//! What is left of an account on a computer once its organisation wants it gone, with the real server.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "all of this file is a test")]

use std::time::Duration;

use anyhow::{Context, Result};
use hugmedo_chat_core::{ErrorCode, host::SecretStore};
use hugmedo_chat_protocol::{RoomId, UserId};
use hugmedo_chat_testkit::{Clinician, Hospital, Watch};

const PIN: &str = "4711";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn general() -> RoomId {
    "general".into()
}

fn sato() -> UserId {
    UserId::new("sato")
}

/// Someone with a message on their computer that the server has, too.
async fn at_work(hospital: &Hospital) -> Result<Clinician> {
    let mut clinician = hospital.clinician("sato").await?;
    clinician.say(&general(), "回診の時間です").await?;
    let has_it = |watch: &Watch| watch.message(&general(), "回診の時間です").is_some_and(|row| row.seq.is_some());
    clinician.watch.until("the message at the server", has_it).await?;
    Ok(clinician)
}

async fn revoke(hospital: &Hospital) -> Result<()> {
    let admin = hospital.server().expect("running").admin();
    let devices = admin.devices(&sato()).await?;
    admin.revoke_device(&sato(), &devices[0].id).await?;
    Ok(())
}

async fn until_erased(clinician: &mut Clinician) -> Result<()> {
    until_removed(clinician, ErrorCode::DataErased).await
}

async fn until_removed(clinician: &mut Clinician, why: ErrorCode) -> Result<()> {
    let watch = &mut clinician.watch;
    watch.until("the removal", |watch| watch.trouble == Some(why)).await?;
    assert!(watch.session.is_none() && watch.lock.is_none());
    assert_eq!(clinician.secrets.names(), Vec::<String>::new(), "nothing of it in the keychain");
    assert_eq!(std::fs::read_dir(clinician.data_dir().join("accounts"))?.count(), 0, "nor on the disk");
    Ok(())
}

#[tokio::test]
async fn a_revoked_device_is_signed_out_at_once_and_has_nothing_left() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut clinician = at_work(&hospital).await?;
    revoke(&hospital).await?;
    until_erased(&mut clinician).await?;

    let admin = hospital.server().expect("running").admin();
    let device = admin.devices(&sato()).await?.remove(0);
    assert!(!device.is_signed_in && device.erase_asked_at.is_some() && device.erase_told_at.is_some());

    // Whoever is allowed to comes back, and finds what the server has.
    clinician.sign_in(&hospital.url(), "sato").await?;
    clinician.watch.until_live().await?;
    assert_eq!(clinician.newest(&general(), 1).await?, ["回診の時間です"]);
    Ok(())
}

#[tokio::test]
async fn a_person_signs_a_lost_computer_out_from_another_and_it_has_nothing_left() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut lost = at_work(&hospital).await?;
    let at_hand = hospital.clinician("sato").await?;
    let devices = at_hand.core.devices().await?;
    assert_eq!((devices.len(), devices.iter().filter(|device| device.is_this).count()), (2, 1));
    let other = devices.iter().find(|device| !device.is_this).expect("the lost one");
    at_hand.core.revoke_device(&other.id).await?;
    until_erased(&mut lost).await?;
    let other = at_hand.core.devices().await?.into_iter().find(|device| device.id == other.id).expect("still listed");
    assert!(!other.is_signed_in && other.erase_told_at.is_some(), "and one sees that it was told");
    Ok(())
}

#[tokio::test]
async fn a_device_that_was_off_is_erased_when_it_is_heard_of_again() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut clinician = at_work(&hospital).await?;
    clinician.core.shutdown().await;
    revoke(&hospital).await?;
    clinician.restart().await?;
    until_erased(&mut clinician).await
}

#[tokio::test]
async fn so_is_a_locked_one() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut clinician = at_work(&hospital).await?;
    clinician.core.set_pin(Some(PIN.into())).await?;
    clinician.core.lock().await?;
    revoke(&hospital).await?;
    until_erased(&mut clinician).await
}

#[tokio::test]
async fn so_is_what_someone_left_at_whose_locked_app_another_signed_in() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut computer = at_work(&hospital).await?;
    computer.core.lock().await?;
    computer.sign_in(&hospital.url(), "suzuki").await?;
    computer.watch.until_live().await?;
    let accounts = || Ok::<_, std::io::Error>(std::fs::read_dir(computer.data_dir().join("accounts"))?.count());
    assert_eq!(accounts()?, 2, "what sato has not sent yet waits for sato");
    revoke(&hospital).await?;
    computer.restart().await?;
    computer.watch.until("the removal", |watch| watch.trouble == Some(ErrorCode::DataErased)).await?;
    assert_eq!(std::fs::read_dir(computer.data_dir().join("accounts"))?.count(), 1);
    let session = computer.watch.session.as_ref().expect("suzuki is still there");
    assert_eq!(session.user.id.as_str(), "suzuki");
    Ok(())
}

#[tokio::test]
async fn a_sign_in_that_the_keychain_refuses_ends_nobody_elses_session() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut computer = at_work(&hospital).await?;
    computer.core.set_pin(Some(PIN.into())).await?;
    computer.core.lock().await?;
    let remains = |computer: &Clinician| -> Result<_> {
        let names = computer.secrets.names();
        let name = names.iter().find(|name| name.contains(":remains:")).context("an entry of what is left")?;
        Ok(computer.secrets.read(name)?.map(|entry| entry.expose().to_owned()))
    };
    let before = remains(&computer)?;
    computer.secrets.refuse_writing(Some("session"));
    assert!(computer.sign_in(&hospital.url(), "suzuki").await.is_err(), "suzuki could not be remembered");
    assert_eq!(remains(&computer)?, before, "sato's session is not noted as one that is over");

    computer.secrets.refuse_writing(None);
    computer.core.unlock(PIN.into()).await?;
    computer.watch.until_live().await?;
    computer.restart().await?;
    computer.watch.until_live().await?;
    let session = computer.watch.session.as_ref().expect("sato is still signed in");
    assert_eq!(session.user.id.as_str(), "sato");
    Ok(())
}

#[tokio::test]
async fn what_a_session_has_left_stays_for_its_person_until_the_organisation_wants_it_gone() -> Result<()> {
    let mut hospital = Hospital::open().await?;
    let mut clinician = at_work(&hospital).await?;
    hospital.server().expect("running").admin().set_password(&sato(), "another-password").await?;
    clinician.watch.until("the end of the session", |watch| watch.session.is_none()).await?;
    // Asked whether it has to go, the server did not say so.
    clinician.restart().await?;
    assert_eq!(clinician.watch.trouble, None);
    let key = |clinician: &Clinician| clinician.secrets.names().iter().any(|name| name.contains(":store-key:"));
    assert!(key(&clinician), "what is unsent is still there");

    // An administrator, while the server is away and the computer on.
    hospital.close().await;
    clinician.restart().await?;
    assert!(key(&clinician), "a server that cannot be reached removes nothing");
    hospital.reopen().await?;
    hospital.server().expect("running").admin().disable_user(&sato()).await?;
    clinician.restart().await?;
    until_erased(&mut clinician).await
}

#[tokio::test]
async fn what_a_server_lends_is_gone_once_it_has_not_been_heard_of_for_so_long() -> Result<()> {
    let mut hospital = Hospital::open_with(|config| config.lease = Some(2 * DAY)).await?;
    let mut clinician = at_work(&hospital).await?;
    hospital.close().await;
    clinician.restart_ahead(DAY).await?;
    assert!(clinician.watch.session.is_some(), "a server that cannot be reached takes nothing back before its time");

    // Heard of on the second day, it lends for two more.
    hospital.reopen().await?;
    clinician.restart_ahead(DAY).await?;
    clinician.watch.until_live().await?;
    hospital.close().await;
    clinician.restart_ahead(5 * DAY / 2).await?;
    assert!(clinician.watch.session.is_some() && clinician.watch.trouble.is_none(), "lent anew");
    clinician.restart_ahead(7 * DAY / 2).await?;
    until_removed(&mut clinician, ErrorCode::LeaseOver).await?;

    // Who is allowed to comes back, and finds what the server has.
    hospital.reopen().await?;
    clinician.sign_in(&hospital.url(), "sato").await?;
    clinician.watch.until_live().await?;
    assert_eq!(clinician.newest(&general(), 1).await?, ["回診の時間です"]);
    Ok(())
}

#[tokio::test]
async fn a_server_that_sets_no_time_lends_for_ever() -> Result<()> {
    let mut hospital = Hospital::open().await?;
    let mut clinician = at_work(&hospital).await?;
    hospital.close().await;
    clinician.restart_ahead(3_650 * DAY).await?;
    assert!(clinician.watch.session.is_some() && clinician.watch.trouble.is_none());
    assert_eq!(clinician.newest(&general(), 1).await?, ["回診の時間です"]);
    Ok(())
}

#[tokio::test]
async fn at_the_persons_wish_nothing_of_any_account_is_left() -> Result<()> {
    let hospital = Hospital::open().await?;
    let mut clinician = at_work(&hospital).await?;
    // Someone else who used this computer, and did not sign out.
    clinician.sign_in(&hospital.url(), "suzuki").await?;
    clinician.watch.until_live().await?;
    clinician.core.set_pin(Some(PIN.into())).await?;
    assert_eq!(std::fs::read_dir(clinician.data_dir().join("accounts"))?.count(), 2);

    clinician.core.lock().await?;
    let refused = clinician.core.remove_everything().await.expect_err("whoever stands before a locked app may not");
    assert_eq!(refused.code(), ErrorCode::Locked);
    clinician.core.unlock(PIN.into()).await?;

    clinician.core.remove_everything().await?;
    assert_eq!(clinician.secrets.names(), Vec::<String>::new());
    assert_eq!(std::fs::read_dir(clinician.data_dir().join("accounts"))?.count(), 0);
    assert!(!clinician.data_dir().join("preferences.json").exists());
    assert_eq!(clinician.core.preferences(), hugmedo_chat_core::view::Preferences::default());
    clinician.core.remove_everything().await?;

    // Its server knows the person as before.
    hospital.clinician("sato").await?.watch.until_live().await?;
    Ok(())
}
