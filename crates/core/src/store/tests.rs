//! What the store promises, on a file and in memory alike where both can keep the promise.

use std::collections::BTreeSet;

use hugmedo_chat_protocol::{
    ClientMessageId, Message, MessageChanged, Opaque, Receipt, ReceiptKind, RoomId, Sensitive, Seq, Timestamp, User,
    UserId, UserType,
};

use super::*;
use crate::view::{Delivery, OutgoingMessage};

fn sato() -> User {
    User { id: "sato".into(), name: "佐藤 恵".into(), user_type: UserType::Clinician, role: None, avatar_url: None }
}

fn me() -> UserId {
    sato().id
}

fn general() -> RoomId {
    "general".into()
}

fn said(by: &str, seq: u64, text: &str) -> Message {
    Message {
        id: format!("m-{seq}").as_str().into(),
        room_id: general(),
        user_id: by.into(),
        user_name: by.into(),
        user_type: UserType::Clinician,
        content: text.into(),
        attachments: vec![],
        metadata: Opaque::default(),
        created_at: Timestamp::from_millis(1_000 * i64::try_from(seq).expect("small")),
        seq: Some(Seq::new(seq)),
        client_message_id: None,
        priority: Default::default(),
        reply_to: None,
        mentions: vec![],
        edited_at: None,
        deleted_at: None,
    }
}

fn outgoing(text: &str) -> OutgoingMessage {
    OutgoingMessage {
        room_id: general(),
        client_message_id: ClientMessageId::generate(),
        content: text.into(),
        priority: Default::default(),
    }
}

/// Runs on the one connection of an in-memory store.
fn with_store(work: impl FnOnce(&Transaction<'_>)) {
    let store = Store::in_memory(Surroundings::real()).expect("opens");
    let mut guard = store.connections.writer.lock().expect("not poisoned");
    let transaction = guard.as_mut().expect("open").transaction().expect("begins");
    work(&transaction);
}

fn unread(transaction: &Transaction<'_>) -> u32 {
    rooms::view(transaction, &me(), &general()).expect("reads").expect("is there").unread
}

#[tokio::test]
async fn a_file_is_unreadable_without_its_key_and_holds_no_text_in_the_clear() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let key = new_key();
    let store = Store::open(&path, &key, Surroundings::real()).expect("opens");
    store
        .write(|transaction| {
            messages::take_in(transaction, &me(), &said("suzuki", 1, "MARKER-TEXT"))?;
            drafts::save_draft(transaction, &general(), &Sensitive::new("MARKER-DRAFT"))
        })
        .await
        .expect("writes");
    for file in std::fs::read_dir(folder.path()).expect("lists") {
        let bytes = std::fs::read(file.expect("readable").path()).expect("reads");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("MARKER") && !text.contains("SQLite format 3"), "encrypted, log and all");
    }
    store.close().await;

    let plain = rusqlite::Connection::open(&path).expect("opens lazily");
    assert!(
        plain.query_row("SELECT count(*) FROM message", [], |row| row.get::<_, i64>(0)).is_err(),
        "no key, no data"
    );
    drop(plain);
    let again = Store::open(&path, &key, Surroundings::real()).expect("the key opens it");
    let rows = again.read(|connection| messages::newest(connection, &me(), &general(), 10)).await.expect("reads");
    assert_eq!(rows.messages.len(), 1);
}

#[tokio::test]
async fn a_file_that_its_key_does_not_open_is_set_aside_and_not_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    Store::open(&path, &new_key(), Surroundings::real()).expect("opens").close().await;
    let before = std::fs::read(&path).expect("reads");

    Store::open(&path, &new_key(), Surroundings::real()).expect("a fresh store takes its place").close().await;
    let aside: Vec<_> = std::fs::read_dir(folder.path())
        .expect("lists")
        .map(|file| file.expect("readable").path())
        .filter(|path| path.to_string_lossy().contains("store.db.unreadable-"))
        .collect();
    assert_eq!(aside.len(), 1);
    assert_eq!(std::fs::read(&aside[0]).expect("reads"), before, "as it was");
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let key = new_key();
    let store = Store::open(&path, &key, Surroundings::real()).expect("opens");
    store.write(|transaction| Ok(transaction.pragma_update(None, "user_version", 999)?)).await.expect("writes");
    store.close().await;
    let refused = Store::open(&path, &key, Surroundings::real()).map(|_| ()).map_err(|error| error.code());
    assert_eq!(refused, Err(ErrorCode::StoreTooNew));
    assert_eq!(std::fs::read_dir(folder.path()).expect("lists").count(), 1, "nothing was moved");
}

#[tokio::test]
async fn every_commit_is_durable_and_checked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("store.db"), &new_key(), Surroundings::real()).expect("opens");
    let (journal, synchronous, cipher) = store
        .write(|transaction| {
            Ok((
                transaction.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0))?,
                transaction.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0))?,
                transaction.pragma_query_value(None, "cipher_version", |row| row.get::<_, String>(0))?,
            ))
        })
        .await
        .expect("reads");
    assert_eq!((journal.as_str(), synchronous), ("wal", 2), "2 is FULL");
    assert!(!cipher.is_empty());
}

#[tokio::test]
async fn a_full_disk_is_an_error_of_its_own_and_loses_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("store.db"), &new_key(), Surroundings::real()).expect("opens");
    let filling = || {
        store.write(|transaction| {
            outbox::enqueue(transaction, &sato(), &outgoing(&"長文".repeat(3_000)))?;
            Ok(())
        })
    };
    filling().await.expect("room for one");
    let pages: i64 = store
        .write(|transaction| Ok(transaction.pragma_query_value(None, "page_count", |row| row.get(0))?))
        .await
        .expect("reads");
    let limit =
        |pages: i64| store.write(move |t| Ok(t.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?));
    limit(pages).await.expect("sets");
    assert_eq!(filling().await.map_err(|error| error.code()), Err(ErrorCode::DiskFull));

    limit(1_000_000).await.expect("sets");
    filling().await.expect("with space again it goes on");
    let rows = store.read(|connection| messages::newest(connection, &me(), &general(), 10)).await.expect("reads");
    assert_eq!(rows.messages.len(), 2, "what was refused is not half there");
}

#[test]
fn a_message_that_arrives_by_every_way_is_one_row() {
    with_store(|transaction| {
        let id = outgoing("体温 37.2");
        let row = outbox::enqueue(transaction, &sato(), &id).expect("writes").expect("is new");
        assert_eq!(
            outbox::enqueue(transaction, &sato(), &id).expect("writes"),
            None,
            "a re-sent command is the same message"
        );
        let due = outbox::take_due(transaction, Timestamp::now()).expect("reads").expect("is due");
        assert_eq!(due.local_id, row);
        // The echo overtakes the answer.
        let mut echo = said("sato", 1, "体温 37.2");
        echo.client_message_id = Some(id.client_message_id.clone());
        let incoming = messages::take_in(transaction, &me(), &echo).expect("writes");
        assert_eq!((incoming.local_id, incoming.new), (row, false));
        let settled = Settled { id: echo.id.clone(), seq: Seq::new(1), created_at: echo.created_at };
        outbox::conclude(transaction, &due, &SendOutcome::Settled(settled)).expect("writes");
        // And history and sync bring it again.
        for _ in 0..2 {
            messages::take_in(transaction, &me(), &echo).expect("writes");
        }
        let rows = messages::newest(transaction, &me(), &general(), 10).expect("reads").messages;
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].delivery, rows[0].seq), (Some(Delivery::Sent), Some(Seq::new(1))));
        assert_eq!(rows[0].key, id.client_message_id.as_str(), "the list key never changes");
    });
}

#[test]
fn order_within_a_room_holds_while_another_room_goes_on() {
    with_store(|transaction| {
        let first = outgoing("一");
        let second = outgoing("二");
        let elsewhere = OutgoingMessage { room_id: "support".into(), ..outgoing("別室") };
        for message in [&first, &second, &elsewhere] {
            outbox::enqueue(transaction, &sato(), message).expect("writes");
        }
        let now = Timestamp::now();
        let due = outbox::take_due(transaction, now).expect("reads").expect("is due");
        assert_eq!(due.message.content.as_str(), "一");
        let later = Timestamp::from_millis(now.as_millis() + 60_000);
        outbox::conclude(transaction, &due, &SendOutcome::Waits(ErrorCode::RateLimited, later)).expect("writes");
        let due = outbox::take_due(transaction, now).expect("reads").expect("is due");
        assert_eq!(due.message.content.as_str(), "別室", "the second must wait for the first, the other room need not");
        assert!(outbox::take_due(transaction, now).expect("reads").is_none());
        assert_eq!(outbox::next_due_at(transaction).expect("reads"), Some(Timestamp::from_millis(0)));

        // The first fails for good: the second is free to go.
        let due = outbox::take_due(transaction, later).expect("reads").expect("is due");
        assert_eq!(
            (due.message.content.as_str(), due.attempts),
            ("一", 1),
            "the attempt was counted before it was made"
        );
        outbox::conclude(transaction, &due, &SendOutcome::Fails(ErrorCode::Forbidden)).expect("writes");
        let due = outbox::take_due(transaction, later).expect("reads").expect("is due");
        assert_eq!(due.message.content.as_str(), "二");
    });
}

#[test]
fn only_what_is_not_on_its_way_can_be_taken_back() {
    with_store(|transaction| {
        let message = outgoing("取り消し");
        outbox::enqueue(transaction, &sato(), &message).expect("writes");
        let due = outbox::take_due(transaction, Timestamp::now()).expect("reads").expect("is due");
        assert_eq!(outbox::discard(transaction, &me(), &message.client_message_id).expect("writes"), None);
        outbox::conclude(transaction, &due, &SendOutcome::Fails(ErrorCode::Forbidden)).expect("writes");
        assert_eq!(outbox::discard(transaction, &me(), &message.client_message_id).expect("writes"), Some(general()));
        assert!(messages::newest(transaction, &me(), &general(), 10).expect("reads").messages.is_empty());
    });
}

#[test]
fn unread_is_counted_from_the_read_position_which_only_rises() {
    with_store(|transaction| {
        for (seq, by) in [(1, "suzuki"), (2, "suzuki"), (3, "sato"), (4, "suzuki"), (5, "tanaka")] {
            messages::take_in(transaction, &me(), &said(by, seq, "本文")).expect("writes");
        }
        assert_eq!(unread(transaction), 2, "own writing reads what stands above it");
        assert!(rooms::raise_read_seq(transaction, &general(), Seq::new(4)).expect("writes"));
        assert!(!rooms::raise_read_seq(transaction, &general(), Seq::new(2)).expect("writes"), "never back");
        assert_eq!(unread(transaction), 1);
        // Read on another device, and told twice.
        let receipt = Receipt {
            room_id: general(),
            user_id: me(),
            kind: ReceiptKind::Read,
            up_to_seq: Some(Seq::new(5)),
            message_id: None,
            at: Timestamp::now(),
        };
        for _ in 0..2 {
            receipts::take_in(transaction, &me(), &receipt).expect("writes");
        }
        assert_eq!(unread(transaction), 0);
        assert!(receipts::due(transaction).expect("reads").read.is_empty(), "the server knows already");
    });
}

#[test]
fn a_deleted_message_is_not_unread_and_its_text_is_gone() {
    with_store(|transaction| {
        messages::take_in(transaction, &me(), &said("suzuki", 1, "間違い")).expect("writes");
        let mut deleted = said("suzuki", 1, "");
        deleted.deleted_at = Some(Timestamp::now());
        let change = MessageChanged { room_id: general(), seq: Seq::new(2), message: deleted };
        messages::take_in_change(transaction, &me(), &change).expect("writes");
        // The original is told again, by a page of history that was on its way.
        messages::take_in(transaction, &me(), &said("suzuki", 1, "間違い")).expect("writes");
        let rows = messages::newest(transaction, &me(), &general(), 10).expect("reads").messages;
        assert!(rows[0].deleted && rows[0].content.as_str().is_empty());
        assert_eq!(unread(transaction), 0);
        let stored: String =
            transaction.query_row("SELECT content FROM message", [], |row| row.get(0)).expect("is there");
        assert!(stored.is_empty());
    });
}

#[test]
fn an_older_change_never_undoes_a_newer_one() {
    with_store(|transaction| {
        messages::take_in(transaction, &me(), &said("suzuki", 1, "初版")).expect("writes");
        let edit = |seq: u64, text: &str| {
            let mut message = said("suzuki", 1, text);
            message.edited_at = Some(Timestamp::now());
            MessageChanged { room_id: general(), seq: Seq::new(seq), message }
        };
        messages::take_in_change(transaction, &me(), &edit(3, "第三版")).expect("writes");
        assert_eq!(messages::take_in_change(transaction, &me(), &edit(2, "第二版")).expect("writes"), None);
        let rows = messages::newest(transaction, &me(), &general(), 10).expect("reads").messages;
        assert_eq!(rows[0].content.as_str(), "第三版");
    });
}

#[test]
fn a_timeline_is_shown_from_within_one_stretch_without_holes() {
    with_store(|transaction| {
        for seq in [1, 2, 3, 7, 8] {
            messages::take_in(transaction, &me(), &said("suzuki", seq, "本文")).expect("writes");
        }
        let seqs = |stretch: &messages::Stretch| {
            stretch.messages.iter().filter_map(|row| row.seq).map(Seq::get).collect::<Vec<_>>()
        };
        let newest = messages::newest(transaction, &me(), &general(), 10).expect("reads");
        assert_eq!(
            (seqs(&newest), newest.has_earlier),
            (vec![7, 8], true),
            "4 to 6 are missing, so 3 is not shown beside 7"
        );
        assert!(
            messages::before(transaction, &me(), &general(), Seq::new(7), 10).expect("reads").is_none(),
            "ask the server"
        );
        for seq in [6, 5, 4] {
            messages::take_in(transaction, &me(), &said("suzuki", seq, "本文")).expect("writes");
        }
        let newest = messages::newest(transaction, &me(), &general(), 10).expect("reads");
        assert_eq!((seqs(&newest), newest.has_earlier), ((1..=8).collect(), false));
        let page = messages::before(transaction, &me(), &general(), Seq::new(6), 3).expect("reads").expect("is here");
        assert_eq!((seqs(&page), page.has_earlier), (vec![3, 4, 5], true));
    });
}

#[test]
fn coverage_equals_a_plain_set_of_positions_whatever_the_order() {
    use rand::{Rng as _, SeedableRng as _};
    for seed in 0..200 {
        let mut random = rand::rngs::StdRng::seed_from_u64(seed);
        with_store(|transaction| {
            rooms::ensure(transaction, &general()).expect("writes");
            let mut model = BTreeSet::new();
            for _ in 0..30 {
                let first = random.random_range(1..60_u64);
                let last = first + random.random_range(0..8_u64);
                coverage::add(transaction, &general(), Seq::new(first), Seq::new(last)).expect("writes");
                model.extend(first..=last);
            }
            for seq in 1..70 {
                let range = coverage::around(transaction, &general(), Seq::new(seq)).expect("reads");
                assert_eq!(range.is_some(), model.contains(&seq), "seed {seed}, position {seq}");
                if let Some((first, last)) = range {
                    assert!((first.get()..=last.get()).all(|seq| model.contains(&seq)), "seed {seed}");
                    assert!(
                        !model.contains(&(first.get() - 1)) && !model.contains(&(last.get() + 1)),
                        "seed {seed}: ranges join"
                    );
                }
            }
        });
    }
}

#[test]
fn what_others_have_seen_shows_on_own_messages() {
    with_store(|transaction| {
        for seq in 1..=3 {
            messages::take_in(transaction, &me(), &said("sato", seq, "本文")).expect("writes");
        }
        let receipt = |user: &str, kind, up_to: u64| Receipt {
            room_id: general(),
            user_id: user.into(),
            kind,
            up_to_seq: Some(Seq::new(up_to)),
            message_id: None,
            at: Timestamp::now(),
        };
        let stretch =
            receipts::take_in(transaction, &me(), &receipt("suzuki", ReceiptKind::Delivered, 2)).expect("writes");
        assert_eq!(stretch, Some((Seq::ZERO, Seq::new(2))));
        receipts::take_in(transaction, &me(), &receipt("suzuki", ReceiptKind::Read, 1)).expect("writes");
        receipts::take_in(transaction, &me(), &receipt("tanaka", ReceiptKind::Read, 1)).expect("writes");
        assert_eq!(
            receipts::take_in(transaction, &me(), &receipt("suzuki", ReceiptKind::Read, 1)).expect("writes"),
            None
        );
        let rows = messages::newest(transaction, &me(), &general(), 10).expect("reads").messages;
        let seen: Vec<_> = rows.iter().map(|row| (row.delivery, row.read_by)).collect();
        assert_eq!(seen, [(Some(Delivery::Read), 2), (Some(Delivery::Delivered), 0), (Some(Delivery::Sent), 0)]);
    });
}

#[test]
fn a_message_notifies_at_most_once() {
    with_store(|transaction| {
        assert!(notified::claim_notification(transaction, &general(), &"m-1".into()).expect("writes"));
        assert!(!notified::claim_notification(transaction, &general(), &"m-1".into()).expect("writes"));
    });
}

#[test]
fn the_unread_count_and_the_timeline_are_served_by_an_index() {
    with_store(|transaction| {
        for query in [
            "SELECT count(*) FROM message WHERE room_id = 'a' AND seq > 1 AND user_id <> 'b' AND deleted_at IS NULL AND seq IS NOT NULL",
            "SELECT local_id FROM message WHERE room_id = 'a' AND seq >= 1 AND seq < 9 ORDER BY seq DESC LIMIT 50",
        ] {
            let plan: String = transaction
                .query_row(&format!("EXPLAIN QUERY PLAN {query}"), [], |row| row.get("detail"))
                .expect("explains");
            assert!(plan.contains("USING") && plan.contains("message_by_seq"), "{plan}");
        }
    });
}

#[test]
fn a_clock_set_back_by_a_day_does_not_hold_a_waiting_message_up_for_a_day() {
    with_store(|transaction| {
        outbox::enqueue(transaction, &sato(), &outgoing("急ぎ")).expect("writes");
        let now = Timestamp::now();
        let due = outbox::take_due(transaction, now).expect("reads").expect("is due");
        let later = Timestamp::from_millis(now.as_millis() + 30_000);
        outbox::conclude(transaction, &due, &SendOutcome::Waits(ErrorCode::RateLimited, later)).expect("writes");
        assert!(outbox::take_due(transaction, now).expect("reads").is_none(), "it waits");
        let a_day_before = Timestamp::from_millis(now.as_millis() - 86_400_000);
        assert!(outbox::take_due(transaction, a_day_before).expect("reads").is_some());
    });
}
