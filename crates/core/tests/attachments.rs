//! Files between two clinicians, over a real socket and a real server.

use std::{path::Path, time::Duration};

use anyhow::{Context, Result};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hugmedo_chat_core::{
    Core, Error, ErrorCode,
    view::{
        AttachmentState, AttachmentView, ConnectionState, Delivery, NewAttachment, OutgoingMessage, PictureSize,
        ViewChange,
    },
};
use hugmedo_chat_protocol::{ClientMessageId, RoomId};
use hugmedo_chat_testkit::{Clinician, FaultyLink, Hospital, Watch};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

fn tanakas() -> RoomId {
    "patient-tanaka".into()
}

/// Bytes that look like a document and nothing else does.
fn pdf(size: usize) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut block = Sha256::digest(b"a document");
    while bytes.len() < size {
        bytes.extend_from_slice(&block);
        block = Sha256::digest(block);
    }
    bytes.truncate(size);
    bytes
}

/// A grey picture, 40 pixels wide and 30 high.
fn png() -> Result<Vec<u8>> {
    const ENCODED: &str =
        "iVBORw0KGgoAAAANSUhEUgAAACgAAAAeCAAAAAB7tgMBAAAAGElEQVR42mNoIBIwjCocVTiqcFThYFYIAME9WB8e3PU7AAAAAElFTkSuQmCC";
    Ok(STANDARD.decode(ENCODED)?)
}

/// Chooses a file, as a page does: announced, then handed over in pieces.
async fn choose(core: &Core, room: &RoomId, name: &str, bytes: &[u8]) -> Result<AttachmentView> {
    let id = Uuid::new_v4().to_string();
    let size = u32::try_from(bytes.len())?;
    let file = NewAttachment { id: id.clone(), room_id: room.clone(), name: name.into(), size };
    let mut view = core.add_attachment(file).await?;
    let mut offset = 0;
    for piece in bytes.chunks(512 * 1024) {
        view = core.add_attachment_bytes(&id, offset, &STANDARD.encode(piece)).await?;
        offset += u32::try_from(piece.len())?;
    }
    Ok(view)
}

async fn send(core: &Core, room: &RoomId, text: &str, files: &[&AttachmentView]) -> Result<ClientMessageId, Error> {
    let client_message_id = ClientMessageId::generate();
    let message = OutgoingMessage {
        room_id: room.clone(),
        client_message_id: client_message_id.clone(),
        content: text.into(),
        priority: Default::default(),
        reply_to: None,
        mentions: Vec::new(),
        attachments: files.iter().map(|file| file.id.clone()).collect(),
        keeps_draft: false,
    };
    core.send_message(message).await?;
    Ok(client_message_id)
}

/// The files of the message with this text, once it is as far.
async fn carried(watch: &mut Watch, text: &str, delivery: Option<Delivery>) -> Result<Vec<AttachmentView>> {
    Ok(watch.until_message(&tanakas(), text, delivery).await?.attachments)
}

fn failed(problem: ErrorCode) -> AttachmentState {
    AttachmentState::Failed { problem }
}

/// Whether any file below holds these bytes.
fn is_in_the_clear(folder: &Path, marker: &[u8]) -> Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let found = if path.is_dir() {
            is_in_the_clear(&path, marker)?
        } else {
            std::fs::read(path)?.windows(marker.len()).any(|window| window == marker)
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

#[tokio::test]
async fn a_picture_and_a_document_are_sent_seen_fetched_and_saved() -> Result<()> {
    let hospital = Hospital::open().await?;
    let (mut sato, mut suzuki) = (hospital.clinician("sato").await?, hospital.clinician("suzuki").await?);
    let (document, picture) = (pdf(1_300_000), png()?);
    let chosen = choose(&sato.core, &tanakas(), "創部.png", &picture).await?;
    assert_eq!((chosen.state, chosen.media_type.as_str()), (AttachmentState::Waiting, "image/png"));
    let own = sato.core.attachment_picture(&tanakas(), &chosen.id, PictureSize::Thumbnail).await?;
    assert_eq!(own, picture, "an own one is shown before it is sent");
    let second = choose(&sato.core, &tanakas(), "紹介状.pdf", &document).await?;
    let waiting = sato.core.open_room(&tanakas()).await?.attachments;
    assert_eq!(waiting.iter().map(|file| &file.id).collect::<Vec<_>>(), [&chosen.id, &second.id]);

    send(&sato.core, &tanakas(), "", &[&chosen, &second]).await?;
    assert!(sato.core.open_room(&tanakas()).await?.attachments.is_empty(), "they left the composer");
    let sent = carried(&mut sato.watch, "", Some(Delivery::Sent)).await?;
    let states: Vec<_> = sent.iter().map(|file| (file.id.as_str(), file.state)).collect();
    assert_eq!(states, [(chosen.id.as_str(), AttachmentState::Here), (second.id.as_str(), AttachmentState::Here)]);

    suzuki.watch.until("a message", |watch| watch.messages.contains_key(&tanakas())).await?;
    let files = carried(&mut suzuki.watch, "", None).await?;
    let [shown, saved] = files.as_slice() else { anyhow::bail!("two files") };
    assert_eq!((shown.width, shown.height, shown.state), (Some(40), Some(30), AttachmentState::Remote));
    assert_eq!((saved.name.as_str(), saved.media_type.as_str()), ("紹介状.pdf", "application/pdf"));
    let last = suzuki.core.subscribe().await?.0.rooms.into_iter().find(|room| room.id == tanakas());
    let preview = last.and_then(|room| room.last_message).context("a last message")?.preview;
    assert_eq!(preview.as_str(), "創部.png, 紹介状.pdf");

    let thumbnail = suzuki.core.attachment_picture(&tanakas(), &shown.id, PictureSize::Thumbnail).await?;
    assert!(thumbnail.starts_with(b"\x89PNG") || thumbnail.starts_with(&[0xff, 0xd8]));
    let full = suzuki.core.attachment_picture(&tanakas(), &shown.id, PictureSize::Full).await?;
    assert_eq!(full, picture);
    let refused = suzuki.core.attachment_picture(&tanakas(), &saved.id, PictureSize::Full).await;
    assert_eq!(refused.map_err(|error| error.code()), Err(ErrorCode::Refused), "a document is no picture");

    let folder = tempfile::tempdir()?;
    let target = folder.path().join("紹介状.pdf");
    std::fs::write(&target, "what was there before")?;
    suzuki.core.export_attachment(&tanakas(), &saved.id, &target).await?;
    assert_eq!(std::fs::read(&target)?, document);
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 1, "nothing else is left there");
    let here = suzuki.core.attachment(&tanakas(), &saved.id).await?;
    assert_eq!(here.state, AttachmentState::Here);

    // What is here needs no server.
    let mut hospital = hospital;
    hospital.close().await;
    assert_eq!(suzuki.core.attachment_picture(&tanakas(), &shown.id, PictureSize::Full).await?, picture);
    assert_eq!(suzuki.core.attachment_picture(&tanakas(), &shown.id, PictureSize::Thumbnail).await?, thumbnail);
    Ok(())
}

#[tokio::test]
async fn what_is_cut_off_goes_on_where_it_ended_and_what_is_written_offline_goes_by_itself() -> Result<()> {
    let hospital = Hospital::open().await?;
    let link = FaultyLink::to(hospital.server().context("it runs")?.local_addr()).await?;
    let (mut sato, mut suzuki) = (Clinician::at_a_computer().await?, hospital.clinician("suzuki").await?);
    sato.sign_in(&link.url(), "sato").await?;
    sato.watch.until_live().await?;

    link.outage(true);
    sato.watch.until("word of the loss", |watch| watch.connection.state == ConnectionState::Offline).await?;
    let document = pdf(6_000_000);
    let file = choose(&sato.core, &tanakas(), "動画の代わり.pdf", &document).await?;
    send(&sato.core, &tanakas(), "留守中の書類", &[&file]).await?;
    let queued = carried(&mut sato.watch, "留守中の書類", Some(Delivery::Queued)).await?;
    assert_eq!(queued[0].state, AttachmentState::Waiting);

    // Slow enough to be cut in the middle.
    link.outage(false);
    link.delay(Duration::from_millis(15));
    sato.core.reconnect_now().await?;
    let is_under_way = |change: &ViewChange| {
        matches!(change, ViewChange::AttachmentChanged { attachment, .. }
            if matches!(attachment.state, AttachmentState::Uploading { bytes } if bytes > 0))
    };
    sato.watch.until("an upload", |watch| watch.history.iter().any(is_under_way)).await?;
    link.reset_all();
    link.delay(Duration::ZERO);
    sato.core.reconnect_now().await?;
    let sent = carried(&mut sato.watch, "留守中の書類", Some(Delivery::Sent)).await?;
    assert_eq!(sent[0].state, AttachmentState::Here);
    carried(&mut suzuki.watch, "留守中の書類", None).await?;

    // And back: a second computer of sato's fetches it over the same link.
    let mut office = Clinician::at_a_computer().await?;
    office.sign_in(&link.url(), "sato").await?;
    office.watch.until_live().await?;
    let rows = office.core.open_room(&tanakas()).await?.page.messages;
    let there = rows.last().context("a message")?.attachments[0].clone();
    assert_eq!(there.state, AttachmentState::Remote);
    link.delay(Duration::from_millis(15));
    let is_coming = |change: &ViewChange| {
        matches!(change, ViewChange::AttachmentChanged { attachment, .. }
            if matches!(attachment.state, AttachmentState::Downloading { bytes } if bytes > 0))
    };
    let (core, id) = (office.core.clone(), there.id.clone());
    let fetching = tokio::spawn(async move { core.fetch_attachment(&tanakas(), &id).await });
    office.watch.until("a download", |watch| watch.history.iter().any(is_coming)).await?;
    link.outage(true);
    let failed = fetching.await?.map_err(|error| error.is_retryable());
    assert_eq!(failed.map(|file| file.state), Err(true));
    let held = office.core.attachment(&tanakas(), &there.id).await?;
    assert_eq!(held.state, AttachmentState::Remote);
    link.outage(false);
    link.delay(Duration::ZERO);
    let seen = office.watch.history.len();
    let here = office.core.fetch_attachment(&tanakas(), &there.id).await?;
    assert_eq!(here.state, AttachmentState::Here);
    office
        .watch
        .until("word of it", |watch| {
            watch.history.iter().skip(seen).any(|change| {
                matches!(change, ViewChange::AttachmentChanged { attachment, .. } if attachment.state == AttachmentState::Here)
            })
        })
        .await?;
    let resumed = office.watch.history.iter().skip(seen).find_map(|change| match change {
        ViewChange::AttachmentChanged { attachment, .. } => match attachment.state {
            AttachmentState::Downloading { bytes } => Some(bytes),
            _ => None,
        },
        _ => None,
    });
    assert!(resumed.is_some_and(|bytes| bytes > 0), "it went on where it had ended: {resumed:?}");
    let folder = tempfile::tempdir()?;
    let target = folder.path().join("copy.pdf");
    office.core.export_attachment(&tanakas(), &there.id, &target).await?;
    assert_eq!(std::fs::read(&target)?, document);
    Ok(())
}

#[tokio::test]
async fn a_file_that_was_on_its_way_when_the_app_ended_arrives_once_after_the_next_start() -> Result<()> {
    let hospital = Hospital::open().await?;
    let link = FaultyLink::to(hospital.server().context("it runs")?.local_addr()).await?;
    let (mut sato, mut suzuki) = (Clinician::at_a_computer().await?, hospital.clinician("suzuki").await?);
    sato.sign_in(&link.url(), "sato").await?;
    sato.watch.until_live().await?;
    link.stall_up(true);
    let file = choose(&sato.core, &tanakas(), "報告書.pdf", &pdf(2_000_000)).await?;
    send(&sato.core, &tanakas(), "報告書です", &[&file]).await?;
    // Another room does not wait for it.
    let begun = |change: &ViewChange| {
        matches!(change, ViewChange::AttachmentChanged { attachment, .. }
            if matches!(attachment.state, AttachmentState::Uploading { .. }))
    };
    sato.watch.until("an upload", |watch| watch.history.iter().any(begun)).await?;
    sato.restart().await?;
    link.stall_up(false);
    link.reset_all();
    sato.core.reconnect_now().await?;
    let sent = carried(&mut sato.watch, "報告書です", Some(Delivery::Sent)).await?;
    assert_eq!((sent[0].id.as_str(), sent[0].state), (file.id.as_str(), AttachmentState::Here));
    carried(&mut suzuki.watch, "報告書です", None).await?;
    assert_eq!(suzuki.newest(&tanakas(), 100).await?.iter().filter(|text| *text == "報告書です").count(), 1);
    Ok(())
}

#[tokio::test]
async fn where_sockets_are_blocked_files_come_and_go_all_the_same() -> Result<()> {
    let hospital = Hospital::open().await?;
    let link = FaultyLink::to(hospital.server().context("it runs")?.local_addr()).await?;
    link.block_upgrade(true);
    let (mut sato, mut suzuki) = (Clinician::at_a_computer().await?, hospital.clinician("suzuki").await?);
    sato.sign_in(&link.url(), "sato").await?;
    sato.watch.until("single calls", |watch| watch.connection.state == ConnectionState::Limited).await?;
    let file = choose(&sato.core, &tanakas(), "処方.pdf", &pdf(700_000)).await?;
    send(&sato.core, &tanakas(), "処方です", &[&file]).await?;
    carried(&mut sato.watch, "処方です", Some(Delivery::Sent)).await?;
    carried(&mut suzuki.watch, "処方です", None).await?;
    let answer = choose(&suzuki.core, &tanakas(), "返事.pdf", &pdf(600_000)).await?;
    send(&suzuki.core, &tanakas(), "返事です", &[&answer]).await?;
    let theirs = carried(&mut sato.watch, "返事です", None).await?.remove(0);
    let here = sato.core.fetch_attachment(&tanakas(), &theirs.id).await?;
    assert_eq!(here.state, AttachmentState::Here);
    Ok(())
}

#[tokio::test]
async fn a_long_upload_holds_up_no_other_room() -> Result<()> {
    let hospital = Hospital::open_with(|config| config.limits.uploads_per_minute = 1).await?;
    let mut sato = hospital.clinician("sato").await?;
    let files = [
        choose(&sato.core, &tanakas(), "一.pdf", &pdf(20_000)).await?,
        choose(&sato.core, &tanakas(), "二.pdf", &pdf(30_000)).await?,
    ];
    // The second has to wait for the minute to pass.
    let id = send(&sato.core, &tanakas(), "二通", &[&files[0], &files[1]]).await?;
    sato.say(&"general".into(), "別室は先に").await?;
    sato.watch.until_message(&"general".into(), "別室は先に", Some(Delivery::Sent)).await?;
    let row = sato.core.unsent_messages().await?.pop().context("it waits")?;
    assert_eq!(row.client_message_id.as_ref(), Some(&id));
    sato.core.discard_message(&id).await?;
    assert!(sato.core.unsent_messages().await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn what_the_server_does_not_take_is_told_at_the_file_and_its_message_stays() -> Result<()> {
    let hospital = Hospital::open_with(|config| config.max_attachment_bytes = 200_000).await?;
    let mut sato = hospital.clinician("sato").await?;
    for (size, expected) in [(0, ErrorCode::Empty), (26 * 1024 * 1024, ErrorCode::FileTooLarge)] {
        let file = NewAttachment { id: "x".to_owned(), room_id: tanakas(), name: "x".into(), size };
        assert_eq!(sato.core.add_attachment(file).await.map_err(|error| error.code()), Err(expected));
    }
    let large = choose(&sato.core, &tanakas(), "大きい.pdf", &pdf(8_000_000)).await?;
    let program = choose(&sato.core, &tanakas(), "写真.png", b"MZ\x90\0 not a picture at all\0").await?;
    send(&sato.core, &tanakas(), "大きすぎる", &[&large]).await?;
    let mislabelled = send(&sato.core, &tanakas(), "偽物", &[&program]).await?;
    for (text, problem) in [("大きすぎる", ErrorCode::FileTooLarge), ("偽物", ErrorCode::UnsupportedType)] {
        sato.watch
            .until(text, |watch| {
                let row = watch.message(&tanakas(), text);
                row.is_some_and(|row| row.problem == Some(problem) && row.delivery == Some(Delivery::Failed))
            })
            .await?;
        assert_eq!(sato.watch.message(&tanakas(), text).context("it stays")?.attachments[0].state, failed(problem));
    }
    sato.say(&tanakas(), "その後").await?;
    sato.watch.until_message(&tanakas(), "その後", Some(Delivery::Sent)).await?;
    sato.core.discard_message(&mislabelled).await?;
    assert_eq!(sato.core.unsent_messages().await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_file_the_server_has_forgotten_is_brought_again() -> Result<()> {
    let mut hospital = Hospital::open().await?;
    let link = FaultyLink::to(hospital.server().context("it runs")?.local_addr()).await?;
    let mut sato = Clinician::at_a_computer().await?;
    sato.sign_in(&link.url(), "sato").await?;
    sato.watch.until_live().await?;
    // The first is there and waits for the second, which cannot go.
    let files = [
        choose(&sato.core, &tanakas(), "一.pdf", &pdf(20_000)).await?,
        choose(&sato.core, &tanakas(), "二.pdf", &pdf(3_000_000)).await?,
    ];
    link.delay(Duration::from_millis(20));
    send(&sato.core, &tanakas(), "二通", &[&files[0], &files[1]]).await?;
    let first = files[0].id.clone();
    let is_there = |change: &ViewChange| {
        matches!(change, ViewChange::AttachmentChanged { attachment, .. }
            if attachment.id == first && attachment.state == AttachmentState::Here)
    };
    sato.watch.until("the first file", |watch| watch.history.iter().any(is_there)).await?;
    link.outage(true);
    hospital.close().await;
    rusqlite::Connection::open(hospital.data_dir().join("server.sqlite3"))?.execute("DELETE FROM attachment", [])?;
    hospital.reopen().await?;
    link.delay(Duration::ZERO);
    link.outage(false);
    sato.core.reconnect_now().await?;
    let sent = carried(&mut sato.watch, "二通", Some(Delivery::Sent)).await?;
    assert!(sent.iter().all(|file| file.state == AttachmentState::Here));
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_not_what_its_message_told_of_is_refused_and_not_kept() -> Result<()> {
    let hospital = Hospital::open().await?;
    let (sato, mut suzuki) = (hospital.clinician("sato").await?, hospital.clinician("suzuki").await?);
    let file = choose(&sato.core, &tanakas(), "検査.pdf", &pdf(90_000)).await?;
    send(&sato.core, &tanakas(), "検査結果", &[&file]).await?;
    let theirs = carried(&mut suzuki.watch, "検査結果", None).await?.remove(0);
    let on_disk = hospital.data_dir().join("attachments").join(&theirs.id);
    let mut bytes = std::fs::read(&on_disk)?;
    bytes[80_000] ^= 1;
    std::fs::write(&on_disk, &bytes)?;
    let refused = suzuki.core.fetch_attachment(&tanakas(), &theirs.id).await;
    assert_eq!(refused.map_err(|error| error.code()), Err(ErrorCode::Refused));
    assert_eq!(suzuki.core.attachment(&tanakas(), &theirs.id).await?.state, AttachmentState::Remote);
    bytes[80_000] ^= 1;
    std::fs::write(&on_disk, &bytes)?;
    assert_eq!(suzuki.core.fetch_attachment(&tanakas(), &theirs.id).await?.state, AttachmentState::Here);
    Ok(())
}

#[tokio::test]
async fn who_is_not_in_the_room_cannot_have_its_files_and_who_leaves_it_keeps_none() -> Result<()> {
    let hospital = Hospital::open().await?;
    let (sato, mut suzuki) = (hospital.clinician("sato").await?, hospital.clinician("suzuki").await?);
    let file = choose(&sato.core, &tanakas(), "検査.pdf", &pdf(9_000)).await?;
    send(&sato.core, &tanakas(), "検査結果", &[&file]).await?;
    let theirs = carried(&mut suzuki.watch, "検査結果", None).await?.remove(0);
    let elsewhere = suzuki.core.fetch_attachment(&"general".into(), &theirs.id).await;
    assert_eq!(elsewhere.map_err(|error| error.code()), Err(ErrorCode::NotFound), "no message there carries it");
    suzuki.core.fetch_attachment(&tanakas(), &theirs.id).await?;
    let admin = hospital.server().context("it runs")?.admin();
    admin.remove_member(&tanakas(), &"suzuki".into()).await?;
    suzuki.watch.until("the room gone", |watch| !watch.rooms.contains_key(&tanakas())).await?;
    let gone = suzuki.core.fetch_attachment(&tanakas(), &theirs.id).await;
    assert_eq!(gone.map_err(|error| error.code()), Err(ErrorCode::NotFound));
    Ok(())
}

#[tokio::test]
async fn what_is_taken_back_carries_nothing_and_nothing_lies_in_the_clear_at_any_time() -> Result<()> {
    let hospital = Hospital::open().await?;
    let (mut sato, mut suzuki) = (hospital.clinician("sato").await?, hospital.clinician("suzuki").await?);
    let marker = b"MARKER-e1d7-PATIENT-BYTES";
    let mut document = pdf(700_000);
    document.splice(350_000..350_000 + marker.len(), marker.iter().copied());
    let file = choose(&sato.core, &tanakas(), "MARKER-e1d7-NAME.pdf", &document).await?;
    send(&sato.core, &tanakas(), "取り消す書類", &[&file]).await?;
    let row = sato.watch.until_message(&tanakas(), "取り消す書類", Some(Delivery::Sent)).await?;
    let theirs = carried(&mut suzuki.watch, "取り消す書類", None).await?.remove(0);
    suzuki.core.fetch_attachment(&tanakas(), &theirs.id).await?;
    for computer in [&sato, &suzuki] {
        assert!(!is_in_the_clear(computer.data_dir(), b"MARKER-e1d7")?);
    }
    sato.core.delete_message(&tanakas(), &row.id.context("it is sent")?).await?;
    let is_empty = |watch: &Watch| {
        let rows = watch.messages.get(&tanakas());
        rows.is_some_and(|rows| rows.values().any(|row| row.deleted && row.attachments.is_empty()))
    };
    suzuki.watch.until("it taken back", is_empty).await?;
    for (clinician, id) in [(&suzuki, &theirs.id), (&sato, &file.id)] {
        let gone = clinician.core.fetch_attachment(&tanakas(), id).await;
        assert_eq!(gone.map_err(|error| error.code()), Err(ErrorCode::NotFound));
    }
    Ok(())
}

#[tokio::test]
async fn a_file_is_forwarded_as_a_copy_which_outlives_the_first() -> Result<()> {
    let hospital = Hospital::open().await?;
    let (mut sato, mut suzuki) = (hospital.clinician("sato").await?, hospital.clinician("suzuki").await?);
    let document = pdf(1_300_000);
    let chosen = choose(&sato.core, &tanakas(), "紹介状.pdf", &document).await?;
    send(&sato.core, &tanakas(), "紹介状です", &[&chosen]).await?;
    let [received] = <[_; 1]>::try_from(carried(&mut suzuki.watch, "紹介状です", None).await?).expect("one file");

    // It is not here yet, and comes for this.
    let general = RoomId::from("general");
    let copy = suzuki.core.copy_attachment(&tanakas(), &received.id, &general, "copy").await?;
    assert_eq!((copy.state, copy.name.as_str(), copy.size), (AttachmentState::Waiting, "紹介状.pdf", 1_300_000));
    let again = suzuki.core.copy_attachment(&tanakas(), &received.id, &general, "copy").await?;
    assert_eq!((again.id.as_str(), again.state), ("copy", AttachmentState::Waiting), "the same copy");
    let waiting = suzuki.core.open_room(&general).await?.attachments;
    assert_eq!(waiting.iter().map(|file| file.id.as_str()).collect::<Vec<_>>(), ["copy"]);
    let said = sato.watch.until_message(&tanakas(), "紹介状です", Some(Delivery::Sent)).await?;
    sato.core.delete_message(&tanakas(), &said.id.context("it is sent")?).await?;
    send(&suzuki.core, &general, "転送します", &[&copy]).await?;

    let row = sato.watch.until_message(&general, "転送します", None).await?;
    let forwarded = row.attachments.first().context("a file")?;
    let folder = tempfile::tempdir()?;
    let target = folder.path().join("紹介状.pdf");
    sato.core.export_attachment(&general, &forwarded.id, &target).await?;
    assert_eq!(std::fs::read(&target)?, document);
    let elsewhere = suzuki.core.copy_attachment(&tanakas(), &forwarded.id, &general, "other").await;
    assert_eq!(elsewhere.map_err(|error| error.code()).err(), Some(ErrorCode::NotFound), "no file of that room");
    Ok(())
}
