//! What is read, by whom, and what is told of it.

use super::*;

pub(super) fn unread_is_counted_from_the_read_position_which_only_rises(store: &Store) {
    store.now(|transaction| {
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

pub(super) fn what_is_marked_as_unread_counts_until_it_is_read_again(store: &Store) {
    store.now(|transaction| {
        for seq in 1..=4 {
            messages::take_in(transaction, &me(), &said("suzuki", seq, "本文")).expect("writes");
        }
        let read = |transaction: &Transaction<'_>, seq: u64| {
            let seq = Seq::new(seq);
            rooms::raise_read_seq(transaction, &general(), seq).expect("writes");
            rooms::end_mark(transaction, &general(), seq).expect("writes");
        };
        read(transaction, 4);
        rooms::mark_unread(transaction, &general(), Seq::new(3)).expect("writes");
        assert_eq!(unread(transaction), 2);
        assert_eq!(
            unread::all(transaction, &me()).expect("reads").len(),
            2,
            "a locked app goes on from the same count"
        );
        let due = receipts::due(transaction).expect("reads").read;
        assert_eq!(due, [(general(), Seq::new(4))].into(), "what was read is told all the same");
        rooms::raise_read_seq(transaction, &general(), Seq::new(4)).expect("writes");
        assert_eq!(unread(transaction), 2, "an echo of what was read before the mark ends nothing");
        read(transaction, 2);
        assert_eq!(unread(transaction), 2, "not read as far as to the mark");
        read(transaction, 3);
        assert_eq!(unread(transaction), 0);
        rooms::mark_unread(transaction, &general(), Seq::new(1)).expect("writes");
        messages::take_in(transaction, &me(), &said("sato", 5, "本文")).expect("writes");
        assert_eq!(unread(transaction), 0, "who answers has read");
        rooms::mark_unread(transaction, &general(), Seq::new(9)).expect("writes");
        assert_eq!(unread(transaction), 0, "nothing is there to be unread");
    });
}

pub(super) fn what_others_have_seen_shows_on_own_messages(store: &Store) {
    store.now(|transaction| {
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
        let rows = stretches::newest(transaction, &me(), &general(), 10).expect("reads").messages;
        let seen: Vec<_> = rows.iter().map(|row| (row.delivery, row.read_by)).collect();
        assert_eq!(seen, [(Some(Delivery::Read), 2), (Some(Delivery::Delivered), 0), (Some(Delivery::Sent), 0)]);
    });
}

pub(super) fn a_message_notifies_at_most_once(store: &Store) {
    store.now(|transaction| {
        assert!(notified::claim_notification(transaction, &general(), &"m-1".into()).expect("writes"));
        assert!(!notified::claim_notification(transaction, &general(), &"m-1".into()).expect("writes"));
    });
}

pub(super) fn how_far_a_message_has_come_never_falls(store: &Store) {
    store.now(|transaction| messages::take_in(transaction, &me(), &said("sato", 1, "本文"))).expect("writes");
    let mut shown = Delivery::Queued;
    for (kind, up_to) in [
        (ReceiptKind::Delivered, 1),
        (ReceiptKind::Read, 1),
        // Late, repeated, from before, from a kind of the future.
        (ReceiptKind::Delivered, 1),
        (ReceiptKind::Read, 0),
        (ReceiptKind::Unknown, 1),
    ] {
        let receipt = Receipt {
            room_id: general(),
            user_id: "suzuki".into(),
            kind,
            up_to_seq: Some(Seq::new(up_to)),
            message_id: None,
            at: Timestamp::now(),
        };
        store.now(|transaction| receipts::take_in(transaction, &me(), &receipt)).expect("writes");
        let row = store.seen(|connection| stretches::newest(connection, &me(), &general(), 10)).messages.remove(0);
        let now = row.delivery.expect("an own message");
        assert!(now >= shown, "{shown:?} became {now:?}");
        shown = now;
    }
    assert_eq!(shown, Delivery::Read);
}
