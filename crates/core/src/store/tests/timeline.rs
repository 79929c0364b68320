//! Messages as they arrive and as they are shown.

use std::collections::BTreeSet;

use super::*;

pub(super) fn a_message_that_arrives_by_every_way_is_one_row(store: &Store) {
    store.now(|transaction| {
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
        let rows = stretches::newest(transaction, &me(), &general(), 10).expect("reads").messages;
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].delivery, rows[0].seq), (Some(Delivery::Sent), Some(Seq::new(1))));
        assert_eq!(rows[0].key, id.client_message_id.as_str(), "the list key never changes");
    });
}

pub(super) fn a_deleted_message_is_not_unread_and_its_text_is_gone(store: &Store) {
    store.now(|transaction| {
        messages::take_in(transaction, &me(), &said("suzuki", 1, "間違い")).expect("writes");
        let mut deleted = said("suzuki", 1, "");
        deleted.deleted_at = Some(Timestamp::now());
        let change = MessageChanged { room_id: general(), seq: Seq::new(2), message: deleted };
        messages::take_in_change(transaction, &me(), &change).expect("writes");
        // The original is told again, by a page of history that was on its way.
        messages::take_in(transaction, &me(), &said("suzuki", 1, "間違い")).expect("writes");
        let rows = stretches::newest(transaction, &me(), &general(), 10).expect("reads").messages;
        assert!(rows[0].deleted && rows[0].content.as_str().is_empty());
        assert_eq!(unread(transaction), 0);
        let stored: String =
            transaction.query_row("SELECT content FROM message", [], |row| row.get(0)).expect("is there");
        assert!(stored.is_empty());
    });
}

pub(super) fn an_older_change_never_undoes_a_newer_one(store: &Store) {
    store.now(|transaction| {
        messages::take_in(transaction, &me(), &said("suzuki", 1, "初版")).expect("writes");
        let edit = |seq: u64, text: &str| {
            let mut message = said("suzuki", 1, text);
            message.edited_at = Some(Timestamp::now());
            MessageChanged { room_id: general(), seq: Seq::new(seq), message }
        };
        messages::take_in_change(transaction, &me(), &edit(3, "第三版")).expect("writes");
        assert!(messages::take_in_change(transaction, &me(), &edit(2, "第二版")).expect("writes").is_empty());
        let rows = stretches::newest(transaction, &me(), &general(), 10).expect("reads").messages;
        assert_eq!(rows[0].content.as_str(), "第三版");
    });
}

pub(super) fn a_change_told_late_never_undoes_what_came_with_the_history(store: &Store) {
    store.now(|transaction| {
        let edited = |text: &str| Message { edited_at: Some(Timestamp::now()), ..said("suzuki", 1, text) };
        let text = || {
            let rows = stretches::newest(transaction, &me(), &general(), 10).expect("reads").messages;
            rows[0].content.as_str().to_owned()
        };
        let change = |seq: u64, text: &str| {
            let change = MessageChanged { room_id: general(), seq: Seq::new(seq), message: edited(text) };
            messages::take_in_change(transaction, &me(), &change).expect("writes");
        };
        messages::take_in_as_of(transaction, &me(), &edited("第三版"), Seq::new(3)).expect("writes");
        coverage::add(transaction, &general(), Seq::new(1), Seq::new(4)).expect("writes");
        change(2, "第二版");
        assert_eq!(text(), "第三版");
        change(4, "第四版");
        assert_eq!(text(), "第四版");
        messages::take_in_as_of(transaction, &me(), &edited("第三版"), Seq::new(3)).expect("writes");
        assert_eq!(text(), "第四版", "an older page");
        messages::take_in_as_of(transaction, &me(), &edited("第五版"), Seq::new(5)).expect("writes");
        assert_eq!(text(), "第五版");
    });
}

pub(super) fn an_original_told_late_never_undoes_an_edit_that_came_with_the_history(store: &Store) {
    store.now(|transaction| {
        let mut edited = said("suzuki", 1, "第二版");
        edited.edited_at = Some(Timestamp::now());
        messages::take_in(transaction, &me(), &edited).expect("writes");
        messages::take_in(transaction, &me(), &said("suzuki", 1, "初版")).expect("writes");
        let text = || {
            let rows = stretches::newest(transaction, &me(), &general(), 10).expect("reads").messages;
            (rows[0].content.as_str().to_owned(), rows[0].edited, rows[0].deleted)
        };
        assert_eq!(text(), ("第二版".to_owned(), true, false));

        let mut deleted = said("suzuki", 1, "");
        deleted.deleted_at = Some(Timestamp::now());
        messages::take_in(transaction, &me(), &deleted).expect("writes");
        messages::take_in(transaction, &me(), &edited).expect("writes");
        assert_eq!(text(), (String::new(), false, true));
    });
}

pub(super) fn a_timeline_is_shown_from_within_one_stretch_without_holes(store: &Store) {
    store.now(|transaction| {
        for seq in [1, 2, 3, 7, 8] {
            messages::take_in(transaction, &me(), &said("suzuki", seq, "本文")).expect("writes");
        }
        let seqs = |stretch: &stretches::Stretch| {
            stretch.messages.iter().filter_map(|row| row.seq).map(Seq::get).collect::<Vec<_>>()
        };
        let newest = stretches::newest(transaction, &me(), &general(), 10).expect("reads");
        assert_eq!(
            (seqs(&newest), newest.has_earlier),
            (vec![7, 8], true),
            "4 to 6 are missing, so 3 is not shown beside 7"
        );
        assert!(
            stretches::before(transaction, &me(), &general(), Seq::new(7), 10).expect("reads").is_none(),
            "ask the server"
        );
        for seq in [6, 5, 4] {
            messages::take_in(transaction, &me(), &said("suzuki", seq, "本文")).expect("writes");
        }
        let newest = stretches::newest(transaction, &me(), &general(), 10).expect("reads");
        assert_eq!((seqs(&newest), newest.has_earlier), ((1..=8).collect(), false));
        let page = stretches::before(transaction, &me(), &general(), Seq::new(6), 3).expect("reads").expect("is here");
        assert_eq!((seqs(&page), page.has_earlier), (vec![3, 4, 5], true));
    });
}

pub(super) fn later_rows_end_with_the_newest_and_what_waits_or_at_a_hole(store: &Store) {
    store.now(|transaction| {
        for seq in [1, 2, 3, 4, 8, 9] {
            messages::take_in(transaction, &me(), &said("suzuki", seq, "本文")).expect("writes");
        }
        outbox::enqueue(transaction, &sato(), &outgoing("待機中")).expect("writes");
        let after = |seq: u64, limit| stretches::after(transaction, &me(), &general(), Seq::new(seq), limit);
        let shown = |seq: u64, limit| {
            let page = after(seq, limit).expect("reads")?;
            let seqs: Vec<u64> = page.messages.iter().map(|row| row.seq.map_or(0, Seq::get)).collect();
            Some((seqs, page.has_earlier, page.has_later))
        };
        assert_eq!(shown(0, 2), Some((vec![1, 2], false, true)));
        assert_eq!(shown(1, 3), Some((vec![2, 3, 4], true, true)), "5 to 7 are missing, so 8 is not shown beside 4");
        assert_eq!(shown(4, 3), None, "ask the server");
        assert_eq!(shown(7, 2), Some((vec![8, 9, 0], true, false)), "the newest, and what waits");
        assert_eq!(shown(9, 2), Some((vec![0], true, false)));
        // 5 to 7 turn out to be changes, which show nothing.
        coverage::add(transaction, &general(), Seq::new(5), Seq::new(7)).expect("writes");
        assert_eq!(shown(4, 3), Some((vec![8, 9, 0], true, false)));
        rooms::raise_last_seq(transaction, &general(), Seq::new(12)).expect("writes");
        assert_eq!(shown(9, 3), None, "there are newer ones elsewhere");
        assert_eq!(shown(8, 3), Some((vec![9], true, true)));
    });
}

pub(super) fn a_time_stands_between_the_messages_beside_it(store: &Store) {
    store.now(|transaction| {
        for seq in [2, 3, 7] {
            messages::take_in(transaction, &me(), &said("suzuki", seq, "本文")).expect("writes");
        }
        let beside =
            |millis| stretches::beside_time(transaction, &general(), Timestamp::from_millis(millis)).expect("reads");
        let seq = |number| Some(Seq::new(number));
        assert_eq!(beside(0), (None, seq(2)));
        assert_eq!(beside(3_000), (seq(2), seq(3)));
        assert_eq!(beside(3_001), (seq(3), seq(7)));
        assert_eq!(beside(7_001), (seq(7), None));
    });
}

pub(super) fn coverage_equals_a_plain_set_of_positions_whatever_the_order(store: &Store) {
    use rand::{Rng as _, SeedableRng as _};
    for seed in 0..200 {
        let mut random = rand::rngs::StdRng::seed_from_u64(seed);
        store.now(|transaction| {
            rooms::remove(transaction, &general()).expect("writes");
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

pub(super) fn the_unread_count_and_the_timeline_are_served_by_an_index(store: &Store) {
    store.now(|transaction| {
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
