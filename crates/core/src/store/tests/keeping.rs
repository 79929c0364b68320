//! What is kept beside messages, and what is kept when the history goes.

use super::*;

pub(super) fn a_draft_is_kept_per_room_until_it_is_empty(store: &Store) {
    let write = |room: &str, text: &str| {
        store.now(|transaction| drafts::save_draft(transaction, &room.into(), &written(text))).expect("writes");
    };
    let read = |room: &str| {
        let room: RoomId = room.into();
        store.seen(move |connection| drafts::draft(connection, &room)).content.as_str().to_owned()
    };
    write("general", "書きかけ");
    write("support", "別の下書き");
    write("general", "書きかけ、続き");
    assert_eq!((read("general").as_str(), read("support").as_str()), ("書きかけ、続き", "別の下書き"));
    write("general", "");
    assert_eq!((read("general").as_str(), read("support").as_str()), ("", "別の下書き"));
}

pub(super) fn single_values_are_kept(store: &Store) {
    assert!(
        store.seen(meta::owner).is_none() && store.seen(meta::mode).is_none() && store.seen(meta::cursor).is_none()
    );
    store.now(|transaction| {
        meta::set_owner(transaction, &sato()).expect("writes");
        meta::set_cursor(transaction, "41").expect("writes");
        meta::set_cursor(transaction, "42").expect("writes");
        assert!(!meta::set_mode(transaction, Mode::Extended).expect("writes"), "nothing was there to forget");
    });
    assert_eq!(store.seen(meta::owner), Some(sato()));
    assert_eq!(store.seen(meta::cursor).as_deref(), Some("42"));
    assert_eq!(store.seen(meta::mode), Some(Mode::Extended));
}

/// A store with a history, a message on its way, one that failed, and a draft.
fn filled(store: &Store) -> [OutgoingMessage; 2] {
    let unsent = [outgoing("失敗"), outgoing("待機中")];
    store.now(|transaction| {
        meta::set_mode(transaction, Mode::Extended).expect("writes");
        for seq in 1..=3 {
            messages::take_in(transaction, &me(), &said("suzuki", seq, "本文")).expect("writes");
        }
        rooms::raise_read_seq(transaction, &general(), Seq::new(2)).expect("writes");
        for message in &unsent {
            outbox::enqueue(transaction, &sato(), message).expect("writes");
        }
        let due = outbox::take_due(transaction, Timestamp::now()).expect("reads").expect("is due");
        outbox::conclude(transaction, &due, &SendOutcome::Fails(ErrorCode::Forbidden)).expect("writes");
        drafts::save_draft(transaction, &general(), &written("下書き")).expect("writes");
        meta::set_cursor(transaction, "7").expect("writes");
    });
    unsent
}

fn assert_only_what_is_unsent_is_left(store: &Store) {
    let rows = store.seen(|connection| stretches::newest(connection, &me(), &general(), 10)).messages;
    let shown: Vec<_> = rows.iter().map(|row| (row.content.as_str(), row.delivery)).collect();
    assert_eq!(shown, [("失敗", Some(Delivery::Failed)), ("待機中", Some(Delivery::Queued))]);
    assert_eq!(store.seen(|connection| drafts::draft(connection, &general())).content.as_str(), "下書き");
    assert!(store.seen(meta::cursor).is_none(), "sync begins with a snapshot");
    assert!(store.seen(|connection| coverage::newest(connection, &general())).is_none());
}

pub(super) fn forgetting_the_history_keeps_drafts_and_what_is_unsent(store: &Store) {
    filled(store);
    store.now(|transaction| meta::forget_history(transaction)).expect("writes");
    assert_only_what_is_unsent_is_left(store);
    let room = store.seen(|connection| rooms::view(connection, &me(), &general())).expect("is there");
    assert_eq!((room.read_seq, room.unsent), (Seq::new(2), 2), "the same server counts on");
}

pub(super) fn another_kind_of_server_means_another_history_and_other_positions(store: &Store) {
    filled(store);
    assert!(!store.now(|transaction| meta::set_mode(transaction, Mode::Extended)).expect("writes"));
    assert!(store.now(|transaction| meta::set_mode(transaction, Mode::Baseline)).expect("writes"));
    assert_only_what_is_unsent_is_left(store);
    // Positions begin anew, so what was read by the old ones says nothing of the new ones.
    let mut first = said("suzuki", 1, "新着");
    first.seq = None;
    store.now(|transaction| messages::take_in(transaction, &me(), &first)).expect("writes");
    assert_eq!(store.now(unread), 1);
}

pub(super) fn a_removed_room_takes_everything_in_it_along(store: &Store) {
    filled(store);
    store.now(|transaction| {
        choices::set(transaction, &general(), RoomChoices { pinned: true, notify: RoomNotify::All }).expect("writes");
        acknowledgements::note(transaction, &general(), &"m-1".into(), &me(), Timestamp::now()).expect("writes");
    });
    assert!(store.now(|transaction| rooms::remove(transaction, &general())).expect("writes"));
    assert!(!store.now(|transaction| rooms::remove(transaction, &general())).expect("writes"), "gone already");
    let tables = ["room", "message", "outbox", "draft", "coverage", "receipt", "acknowledgement", "room_choice"];
    for table in tables {
        let query = format!("SELECT count(*) FROM {table}");
        let rows: i64 = store.seen(move |connection| Ok(connection.query_row(&query, [], |row| row.get(0))?));
        assert_eq!(rows, 0, "{table}");
    }
}

pub(super) fn a_cursor_from_before_a_loss_is_not_taken(store: &Store) {
    store.now(|transaction| {
        meta::note_rebuilt(transaction).expect("writes");
        meta::set_cursor(transaction, "7").expect("writes");
        assert!(meta::cursor(transaction).expect("reads").is_none(), "it would make the loss look like silence");
        // A snapshot begins by forgetting.
        meta::forget_history(transaction).expect("writes");
        meta::set_cursor(transaction, "8").expect("writes");
        assert_eq!(meta::cursor(transaction).expect("reads").as_deref(), Some("8"));
    });
}
