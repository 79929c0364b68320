//! Files: in a composer, with an unsent message, and as copies of what messages carry.

use hugmedo_chat_protocol::{Attachment, Opaque};
use serde_json::json;

use super::*;
use crate::view::{AttachmentState, AttachmentView, NewAttachment};

fn now() -> Timestamp {
    Timestamp::from_millis(1_000)
}

fn chosen(id: &str, size: u32) -> NewAttachment {
    NewAttachment { id: id.to_owned(), room_id: general(), name: "心電図.pdf".into(), size }
}

/// A whole file in the composer.
fn put(transaction: &Transaction<'_>, id: &str, bytes: &[u8]) {
    let size = u32::try_from(bytes.len()).expect("small");
    attachments::add(transaction, &chosen(id, size), now()).expect("writes");
    pieces::hand_over(transaction, id, 0, bytes).expect("writes");
}

fn with_files(text: &str, files: &[&str]) -> OutgoingMessage {
    OutgoingMessage { attachments: files.iter().map(|id| (*id).to_owned()).collect(), ..outgoing(text) }
}

fn told(id: &str, size: u64) -> Attachment {
    Attachment {
        id: id.into(),
        name: "心電図.pdf".into(),
        media_type: "application/pdf".to_owned(),
        size,
        sha256: "ab".repeat(32),
        width: None,
        height: None,
    }
}

/// The server has taken the next file. Returns its row.
fn bring(transaction: &Transaction<'_>, server_id: &str) -> i64 {
    match uploads::next_upload(transaction, now()).expect("reads") {
        uploads::NextUpload::Due(file) => {
            uploads::note_uploaded(transaction, file.file_id, &told(server_id, file.size.into())).expect("writes");
            file.file_id
        }
        _ => panic!("no file is due"),
    }
}

fn due(transaction: &Transaction<'_>) -> Option<DueMessage> {
    outbox::take_due(transaction, now()).expect("reads")
}

fn is_swept(store: &Store) -> bool {
    while store.now(|transaction| pieces::sweep(transaction)).expect("writes") {}
    !store.seen(pieces::is_untidy)
}

fn count(store: &Store, table: &'static str) -> i64 {
    store.seen(move |connection| {
        Ok(connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?)
    })
}

fn carried(message: &MessageView) -> Vec<(&str, AttachmentState)> {
    message.attachments.iter().map(|file| (file.id.as_str(), file.state)).collect()
}

fn rows(store: &Store) -> Vec<MessageView> {
    store.seen(|connection| stretches::newest(connection, &me(), &general(), 10)).messages
}

pub(super) fn a_file_is_handed_over_piece_by_piece_and_any_piece_may_come_twice(store: &Store) {
    store.now(|transaction| {
        rooms::ensure(transaction, &general()).expect("writes");
        let added = attachments::add(transaction, &chosen("a", 10), now()).expect("writes");
        assert_eq!(added.view().state, AttachmentState::Reading { bytes: 0 });
        attachments::add(transaction, &chosen("a", 10), now()).expect("the same again");
        assert!(attachments::add(transaction, &chosen("a", 11), now()).is_err(), "another one");
        let hand_over = |offset, bytes: &[u8]| {
            pieces::hand_over(transaction, "a", offset, bytes).map(|file| file.view().state).map_err(|e| e.code())
        };
        assert_eq!(hand_over(0, b"%PDF"), Ok(AttachmentState::Reading { bytes: 4 }));
        assert_eq!(hand_over(0, b"%PDF"), Ok(AttachmentState::Reading { bytes: 4 }));
        assert_eq!(hand_over(5, b"x"), Err(ErrorCode::Refused), "a hole");
        assert_eq!(hand_over(4, b"-1.7-more"), Err(ErrorCode::Refused), "more than was announced");
        assert_eq!(hand_over(2, b"DF-1."), Ok(AttachmentState::Reading { bytes: 7 }), "only what is new counts");
        assert_eq!(hand_over(7, b"7!!"), Ok(AttachmentState::Waiting));
        assert_eq!(hand_over(7, b"7!!"), Ok(AttachmentState::Waiting));
        let file = attachments::by_id(transaction, "a").expect("reads").expect("is there");
        let mut bytes = Vec::new();
        while let Some(piece) =
            pieces::piece(transaction, file.file_id, u32::try_from(bytes.len()).expect("small")).expect("reads")
        {
            bytes.extend(piece);
        }
        assert_eq!(bytes, b"%PDF-1.7!!");
        assert_eq!(attachments::remove(transaction, "a").expect("writes"), Some(general()));
        assert_eq!(attachments::remove(transaction, "a").expect("writes"), None);
        assert_eq!(hand_over(0, b"%PDF"), Err(ErrorCode::NotFound));
    });
    assert!(is_swept(store) && count(store, "attachment_piece") == 0);
}

pub(super) fn a_message_goes_out_once_the_server_has_its_files_and_then_carries_them(store: &Store) {
    let message = with_files("", &["b", "a"]);
    store.now(|transaction| {
        rooms::ensure(transaction, &general()).expect("writes");
        put(transaction, "a", b"%PDF-a");
        put(transaction, "b", b"%PDF-bb");
        let room = rooms::view(transaction, &me(), &general()).expect("reads").expect("is there");
        assert!(room.has_draft, "a file waits");
        outbox::enqueue(transaction, &sato(), &message).expect("writes");
        outbox::enqueue(transaction, &sato(), &outgoing("その後")).expect("writes");
        assert!(attachments::composing(transaction, &general()).expect("reads").is_empty());
        assert!(due(transaction).is_none() && outbox::next_due_at(transaction).expect("reads").is_some());
        bring(transaction, "file-b");
        assert!(due(transaction).is_none(), "one is missing still, and what was said later waits its turn");
        bring(transaction, "file-a");
        let due = due(transaction).expect("all are there");
        let ids: Vec<_> = due.message.attachments.iter().map(|file| file.0["id"].as_str().expect("an id")).collect();
        assert_eq!(ids, ["file-b", "file-a"], "in the order that was chosen");
        let settled = Settled { id: "m-1".into(), seq: Seq::new(1), created_at: now() };
        outbox::conclude(transaction, &due, &SendOutcome::Settled(settled)).expect("writes");
    });
    let shown = rows(store);
    assert_eq!(carried(&shown[0]), [("b", AttachmentState::Here), ("a", AttachmentState::Here)]);
    let last = store.seen(|connection| rooms::view(connection, &me(), &general())).expect("is there").last_message;
    assert_eq!(last.expect("is there").preview.as_str(), "その後");
    // The server's own telling of it changes nothing, nor does losing and fetching the history.
    let mut echo = said("sato", 1, "");
    echo.client_message_id = Some(message.client_message_id);
    echo.attachments =
        ["file-b", "file-a"].map(|id| Opaque(serde_json::to_value(told(id, 6)).expect("is JSON"))).to_vec();
    for forget in [false, true] {
        store.now(|transaction| {
            if forget {
                meta::forget_history(transaction).expect("writes");
            }
            messages::take_in(transaction, &me(), &echo).expect("writes");
        });
        assert_eq!(carried(&rows(store)[0]), [("b", AttachmentState::Here), ("a", AttachmentState::Here)]);
        let wanted = search::Wanted { words: vec!["心電図".to_owned()], ..search::Wanted::default() };
        let found = store.seen(move |connection| search::find(connection, &me(), &wanted, 10));
        assert_eq!(found.messages.len(), 1, "it is found by what its files are called");
    }
    let last = store.seen(|connection| rows::last(connection, &me(), &general())).expect("is there");
    assert_eq!(last.content.as_str(), "その後");
}

pub(super) fn only_an_urgent_message_goes_past_one_that_waits_for_its_files(store: &Store) {
    store.now(|transaction| {
        rooms::ensure(transaction, &general()).expect("writes");
        put(transaction, "a", b"%PDF");
        outbox::enqueue(transaction, &sato(), &with_files("動画です", &["a"])).expect("writes");
        outbox::enqueue(transaction, &sato(), &outgoing("ふつう")).expect("writes");
        let urgent = OutgoingMessage { priority: hugmedo_chat_protocol::Priority::Urgent, ..outgoing("急変です") };
        outbox::enqueue(transaction, &sato(), &urgent).expect("writes");
        let elsewhere = OutgoingMessage { room_id: "support".into(), ..outgoing("別室") };
        outbox::enqueue(transaction, &sato(), &elsewhere).expect("writes");
        let mut gone = Vec::new();
        while let Some(due) = due(transaction) {
            gone.push(due.message.content.as_str().to_owned());
        }
        assert_eq!(gone, ["急変です", "別室"]);
    });
}

pub(super) fn a_refused_file_stops_its_message_until_the_person_decides(store: &Store) {
    let message = with_files("写真", &["a"]);
    store.now(|transaction| {
        rooms::ensure(transaction, &general()).expect("writes");
        put(transaction, "a", b"%PDF");
        let local_id = outbox::enqueue(transaction, &sato(), &message).expect("writes").expect("is new");
        let uploads::NextUpload::Due(file) = uploads::next_upload(transaction, now()).expect("reads") else {
            panic!("no file is due")
        };
        uploads::put_off_upload(
            transaction,
            (local_id, file.file_id),
            ErrorCode::Unreachable,
            Timestamp::from_millis(2_000),
        )
        .expect("writes");
        let next = uploads::next_upload(transaction, now()).expect("reads");
        assert!(matches!(next, uploads::NextUpload::Later(Some(at)) if at.as_millis() == 2_000));
        outbox::wake_all(transaction).expect("writes");
        assert!(matches!(uploads::next_upload(transaction, now()), Ok(uploads::NextUpload::Due(_))));
        uploads::fail_upload(transaction, local_id, Some(file.file_id), ErrorCode::UnsupportedType).expect("writes");
        assert!(matches!(uploads::next_upload(transaction, now()), Ok(uploads::NextUpload::Later(None))));
        let row = rows::one(transaction, &me(), local_id).expect("reads").expect("is there");
        assert_eq!((row.delivery, row.problem), (Some(Delivery::Failed), Some(ErrorCode::UnsupportedType)));
        assert_eq!(carried(&row), [("a", AttachmentState::Failed { problem: ErrorCode::UnsupportedType })]);
        outbox::retry(transaction, &me(), &message.client_message_id).expect("writes");
        bring(transaction, "file-a");
        // The server has forgotten it meanwhile: brought again once, then the person decides.
        let first = due(transaction).expect("is due");
        outbox::conclude(transaction, &first, &SendOutcome::FilesUnknown(ErrorCode::Refused)).expect("writes");
        assert!(due(transaction).is_none(), "its file comes first");
        bring(transaction, "file-b");
        let second = due(transaction).expect("is due");
        outbox::conclude(transaction, &second, &SendOutcome::FilesUnknown(ErrorCode::Refused)).expect("writes");
        let row = rows::one(transaction, &me(), local_id).expect("reads").expect("is there");
        assert_eq!((row.delivery, row.problem), (Some(Delivery::Failed), Some(ErrorCode::Refused)));
        outbox::discard(transaction, &me(), &message.client_message_id).expect("writes");
    });
    assert!(is_swept(store) && count(store, "attachment") == 0 && count(store, "attachment_piece") == 0);
}

pub(super) fn a_message_never_goes_out_without_a_file_that_was_lost(store: &Store) {
    store.now(|transaction| {
        rooms::ensure(transaction, &general()).expect("writes");
        for id in ["a", "b"] {
            put(transaction, id, b"%PDF");
        }
        let local_id =
            outbox::enqueue(transaction, &sato(), &with_files("二枚", &["a", "b"])).expect("writes").expect("is new");
        bring(transaction, "file-a");
        transaction.execute("DELETE FROM attachment WHERE id = 'b'", []).expect("writes");
        assert!(due(transaction).is_none());
        let next = uploads::next_upload(transaction, now()).expect("reads");
        assert!(matches!(next, uploads::NextUpload::Lost(lost) if lost == local_id));
        put(transaction, "c", b"%PDF");
        let unknown = outbox::enqueue(transaction, &sato(), &with_files("ない", &["c", "nowhere"]));
        assert_eq!(unknown.map_err(|error| error.code()), Err(ErrorCode::NotFound));
    });
}

/// A message of someone else's with a file.
fn with_file(seq: u64, file: &str) -> Message {
    Message {
        attachments: vec![
            Opaque(serde_json::to_value(told(file, 4)).expect("is JSON")),
            Opaque(json!({ "fileName": "古い.doc" })),
            Opaque(json!([1, 2])),
        ],
        ..said("suzuki", seq, "")
    }
}

/// Brings a copy here.
fn fetch(transaction: &Transaction<'_>, id: &str, at: i64) -> AttachmentView {
    let at = Timestamp::from_millis(at);
    let file = attachments::in_room(transaction, &general(), id, at).expect("reads").expect("is carried");
    let file = if file.held == 0 { pieces::append(transaction, &file, b"%PDF").expect("writes") } else { file };
    pieces::accept(transaction, file.file_id).expect("writes");
    pieces::note_used(transaction, file.file_id, at).expect("writes");
    attachments::by_id(transaction, id).expect("reads").expect("is there").view()
}

pub(super) fn what_a_message_carries_can_be_had_in_its_room_until_it_is_taken_back(store: &Store) {
    let message = with_file(1, "file-1");
    store.now(|transaction| {
        messages::take_in(transaction, &me(), &message).expect("writes");
        messages::take_in(transaction, &me(), &said("suzuki", 2, "次")).expect("writes");
    });
    let unknown = AttachmentState::Failed { problem: ErrorCode::NotFound };
    assert_eq!(carried(&rows(store)[0]), [("file-1", AttachmentState::Remote), ("foreign:1", unknown)]);
    store.now(|transaction| {
        for (room, id) in [("support", "file-1"), ("general", "file-2"), ("general", "foreign:1")] {
            let found = attachments::in_room(transaction, &room.into(), id, now()).expect("reads");
            assert!(found.is_none(), "{id} is not in {room}");
        }
        assert_eq!(fetch(transaction, "file-1", 1).state, AttachmentState::Here);
        let (quote, room) = (
            rows::quote(transaction, &general(), message.id.clone()).expect("reads"),
            rooms::view(transaction, &me(), &general()).expect("reads").expect("is there"),
        );
        assert_eq!(quote.preview.as_str(), "心電図.pdf, 古い.doc");
        assert_eq!(room.last_message.expect("is there").preview.as_str(), "次");
    });
    assert_eq!(carried(&rows(store)[0]), [("file-1", AttachmentState::Here), ("foreign:1", unknown)]);
    let taken_back = MessageChanged {
        room_id: general(),
        seq: Seq::new(3),
        message: Message { deleted_at: Some(now()), attachments: vec![], ..message },
    };
    store.now(|transaction| messages::take_in_change(transaction, &me(), &taken_back)).expect("writes");
    assert!(rows(store)[0].attachments.is_empty());
    assert!(is_swept(store) && count(store, "attachment") == 0 && count(store, "attachment_piece") == 0);
    let left: i64 = store.seen(|connection| {
        let named = "SELECT count(*) FROM message WHERE extras LIKE '%心電図%'";
        Ok(connection.query_row(named, [], |row| row.get(0))?)
    });
    assert_eq!(left, 0, "nor is its name kept");
}

pub(super) fn copies_give_way_the_longest_unused_first_and_what_is_unsent_never(store: &Store) {
    store.now(|transaction| {
        for seq in 1..=3 {
            messages::take_in(transaction, &me(), &with_file(seq, &format!("file-{seq}"))).expect("writes");
            fetch(transaction, &format!("file-{seq}"), i64::try_from(seq).expect("small"));
        }
        put(transaction, "a", b"%PDF");
        fetch(transaction, "file-1", 9);
        pieces::make_room(transaction, -1, 4, 12).expect("writes");
    });
    let states: Vec<_> = rows(store).iter().map(|row| row.attachments[0].state).collect();
    assert_eq!(states, [AttachmentState::Here, AttachmentState::Remote, AttachmentState::Here]);
    assert!(is_swept(store) && count(store, "attachment_piece") == 3);
    // And what has given way can be had again.
    store.now(|transaction| assert_eq!(fetch(transaction, "file-2", 10).state, AttachmentState::Here));
    store.now(|transaction| pieces::make_room(transaction, -1, 4, 4)).expect("writes");
    let waiting = store.now(|transaction| attachments::composing(transaction, &general())).expect("reads");
    assert_eq!(waiting[0].view().state, AttachmentState::Waiting);
}

#[test]
fn after_a_restart_nothing_is_on_its_way_and_a_file_that_was_being_handed_over_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, key) = (folder.path().join("store.db"), new_key());
    let store = Store::open(&path, &key, Surroundings::real()).expect("opens");
    store.now(|transaction| {
        rooms::ensure(transaction, &general()).expect("writes");
        put(transaction, "a", b"%PDF");
        put(transaction, "b", b"%PDF");
        attachments::add(transaction, &chosen("half", 10), now()).expect("writes");
        pieces::hand_over(transaction, "half", 0, b"%PDF").expect("writes");
        outbox::enqueue(transaction, &sato(), &with_files("一枚", &["a"])).expect("writes");
        let file = attachments::by_id(transaction, "a").expect("reads").expect("is there");
        uploads::note_moved(transaction, file.file_id, Some(2)).expect("writes");
    });
    assert_eq!(carried(&rows(&store)[0]), [("a", AttachmentState::Uploading { bytes: 2 })]);
    store.connections.close();
    let store = Store::open(&path, &key, Surroundings::real()).expect("opens");
    assert_eq!(carried(&rows(&store)[0]), [("a", AttachmentState::Waiting)]);
    let waiting = store.now(|transaction| attachments::composing(transaction, &general())).expect("reads");
    assert_eq!(waiting.iter().map(|file| file.id.as_str()).collect::<Vec<_>>(), ["b"]);
}
