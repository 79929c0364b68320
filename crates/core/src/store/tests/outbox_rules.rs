//! Own messages on their way: what the outbox promises.

use super::*;

pub(super) fn order_within_a_room_holds_while_another_room_goes_on(store: &Store) {
    store.now(|transaction| {
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

pub(super) fn only_what_is_not_on_its_way_can_be_taken_back(store: &Store) {
    store.now(|transaction| {
        let message = outgoing("取り消し");
        outbox::enqueue(transaction, &sato(), &message).expect("writes");
        let due = outbox::take_due(transaction, Timestamp::now()).expect("reads").expect("is due");
        assert_eq!(outbox::discard(transaction, &me(), &message.client_message_id).expect("writes"), None);
        outbox::conclude(transaction, &due, &SendOutcome::Fails(ErrorCode::Forbidden)).expect("writes");
        assert_eq!(outbox::discard(transaction, &me(), &message.client_message_id).expect("writes"), Some(general()));
        assert!(stretches::newest(transaction, &me(), &general(), 10).expect("reads").messages.is_empty());
    });
}

pub(super) fn the_same_message_is_put_into_the_queue_once(store: &Store) {
    let first = outgoing("一度だけ");
    let again = OutgoingMessage { content: "書き換え".into(), room_id: "support".into(), ..first.clone() };
    assert!(store.now(|transaction| outbox::enqueue(transaction, &sato(), &first)).expect("writes").is_some());
    for message in [&first, &again] {
        assert_eq!(store.now(|transaction| outbox::enqueue(transaction, &sato(), message)).expect("writes"), None);
    }
    let rows = store.seen(|connection| stretches::newest(connection, &me(), &general(), 10)).messages;
    assert_eq!(rows.iter().map(|row| row.content.as_str()).collect::<Vec<_>>(), ["一度だけ"], "and as it was first");
    assert_eq!(rows[0].delivery, Some(Delivery::Queued));
}

pub(super) fn a_message_that_failed_for_good_holds_up_nobody_and_can_be_retried(store: &Store) {
    let (parked, next) = (outgoing("先"), outgoing("後"));
    store.now(|transaction| {
        for message in [&parked, &next] {
            outbox::enqueue(transaction, &sato(), message).expect("writes");
        }
        let due = outbox::take_due(transaction, Timestamp::now()).expect("reads").expect("is due");
        outbox::conclude(transaction, &due, &SendOutcome::Fails(ErrorCode::Forbidden)).expect("writes");
        let due = outbox::take_due(transaction, Timestamp::now()).expect("reads").expect("is due");
        assert_eq!(due.message.content.as_str(), "後");
        assert_eq!(
            outbox::retry(transaction, &me(), &next.client_message_id).expect("reads"),
            None,
            "it has not failed"
        );
        assert!(outbox::retry(transaction, &me(), &parked.client_message_id).expect("writes").is_some());
        assert!(
            outbox::take_due(transaction, Timestamp::now()).expect("reads").is_some_and(|due| due.attempts == 1),
            "the attempts so far still count"
        );
    });
}

pub(super) fn an_answer_is_written_down_whole_or_not_at_all(store: &Store) {
    let message = outgoing("確認済み");
    let due = store.now(|transaction| {
        outbox::enqueue(transaction, &sato(), &message).expect("writes");
        outbox::take_due(transaction, Timestamp::now()).expect("reads").expect("is due")
    });
    let settled = Settled { id: "m-1".into(), seq: Seq::new(1), created_at: Timestamp::from_millis(1) };
    let outcome = SendOutcome::Settled(settled);
    let (tried, told) = (due.clone(), outcome.clone());
    let failed = store.connections.write(move |transaction| {
        outbox::conclude(transaction, &tried, &told)?;
        Err::<(), _>(Error::new(ErrorCode::DiskFull, "at the last moment"))
    });
    assert!(failed.is_err());
    let row = store.seen(|connection| stretches::newest(connection, &me(), &general(), 10)).messages.remove(0);
    assert_eq!((row.delivery, row.seq), (Some(Delivery::Sending), None), "as if nothing had been said");

    store.now(|transaction| outbox::conclude(transaction, &due, &outcome)).expect("writes");
    let row = store.seen(|connection| stretches::newest(connection, &me(), &general(), 10)).messages.remove(0);
    assert_eq!((row.delivery, row.seq), (Some(Delivery::Sent), Some(Seq::new(1))));
    let waiting: i64 = store.seen(|c| Ok(c.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0))?));
    assert_eq!(waiting, 0);
}

pub(super) fn an_answer_about_what_was_forgotten_since_claims_nothing(store: &Store) {
    let message = outgoing("本文");
    store.now(|transaction| {
        outbox::enqueue(transaction, &sato(), &message).expect("writes");
        let due = outbox::take_due(transaction, Timestamp::now()).expect("reads").expect("is due");
        // Its echo comes first, and then the history has to be fetched anew.
        let echo = Message { client_message_id: Some(message.client_message_id.clone()), ..said("sato", 3, "本文") };
        let settled = Settled { id: echo.id.clone(), seq: Seq::new(3), created_at: echo.created_at };
        messages::take_in(transaction, &me(), &echo).expect("writes");
        meta::forget_history(transaction).expect("writes");
        outbox::conclude(transaction, &due, &SendOutcome::Settled(settled)).expect("writes");
        assert_eq!(coverage::newest(transaction, &general()).expect("reads"), None, "or it would not be fetched again");
        assert_eq!(rooms::last_seq(transaction, &general()).expect("reads"), Seq::new(3), "it is known to be there");
    });
}

pub(super) fn what_was_on_its_way_goes_back_into_the_queue(store: &Store) {
    let (first, second) = (outgoing("一"), outgoing("二"));
    store.now(|transaction| {
        for message in [&first, &second] {
            outbox::enqueue(transaction, &sato(), message).expect("writes");
        }
        let due = outbox::take_due(transaction, Timestamp::now()).expect("reads").expect("is due");
        assert_eq!(outbox::requeue_unanswered(transaction).expect("writes"), [due.local_id]);
        assert!(outbox::requeue_unanswered(transaction).expect("writes").is_empty());
        let again = outbox::take_due(transaction, Timestamp::now()).expect("reads").expect("is due");
        assert_eq!((again.local_id, again.attempts), (due.local_id, 1), "still the oldest first");
        assert_eq!(again.message.client_message_id, Some(first.client_message_id.clone()), "under the same name");
        // On a server that knows no names, the person decides.
        assert_eq!(outbox::fail_unanswered(transaction, ErrorCode::Timeout).expect("writes"), [due.local_id]);
        assert!(!outbox::fail_one_unanswered(transaction, due.local_id, ErrorCode::Timeout).expect("writes"));
    });
}

pub(super) fn work_that_fails_leaves_nothing_behind(store: &Store) {
    let failed = store.connections.write(|transaction| {
        messages::take_in(transaction, &me(), &said("suzuki", 1, "本文"))?;
        meta::set_cursor(transaction, "9")?;
        Err::<(), _>(Error::new(ErrorCode::Internal, "after all"))
    });
    assert_eq!(failed.map_err(|error| error.code()), Err(ErrorCode::Internal));
    assert!(store.seen(meta::cursor).is_none());
    assert!(store.seen(rooms::ids).is_empty());
}

pub(super) fn a_clock_set_back_by_a_day_does_not_hold_a_waiting_message_up_for_a_day(store: &Store) {
    store.now(|transaction| {
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
