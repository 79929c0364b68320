//! What belongs to a message beside its text, and a person's own arrangement.

use hugmedo_chat_protocol::{Priority, Reaction, Room, RoomKind};

use super::*;

fn rows(transaction: &Transaction<'_>) -> Vec<crate::view::MessageView> {
    stretches::newest(transaction, &me(), &general(), 100).expect("reads").messages
}

fn change(seq: u64, message: Message) -> MessageChanged {
    MessageChanged { room_id: general(), seq: Seq::new(seq), message }
}

pub(super) fn an_answer_shows_the_beginning_of_what_it_answers_as_it_now_is(store: &Store) {
    store.now(|transaction| {
        let answer = Message { reply_to: Some("m-1".into()), ..said("tanaka", 2, "はい") };
        messages::take_in(transaction, &me(), &answer).expect("writes");
        let quote = rows(transaction)[0].reply_to.clone().expect("it answers");
        assert_eq!((quote.message_id, quote.seq, quote.deleted), ("m-1".into(), None, false), "not here yet");

        messages::take_in(transaction, &me(), &said("suzuki", 1, "薬は\n飲みましたか")).expect("writes");
        let quote = rows(transaction)[1].reply_to.clone().expect("it answers");
        assert_eq!((quote.seq, quote.author_name.as_str()), (Some(Seq::new(1)), "suzuki"));
        assert_eq!(quote.preview.as_str(), "薬は 飲みましたか");

        let deleted = Message { deleted_at: Some(Timestamp::now()), ..said("suzuki", 1, "") };
        let changed = messages::take_in_change(transaction, &me(), &change(3, deleted)).expect("writes");
        assert_eq!(changed.len(), 2, "the answer is shown anew too");
        let quote = rows(transaction)[1].reply_to.clone().expect("it answers");
        assert!(quote.deleted && quote.preview.as_str().is_empty());
    });
}

pub(super) fn reactions_are_shown_by_name_and_change_with_the_message(store: &Store) {
    store.now(|transaction| {
        let room = Room {
            id: general(),
            name: "病棟".into(),
            kind: RoomKind::Staff,
            members: vec![sato()],
            last_seq: Seq::new(1),
            read_seq: Seq::ZERO,
            last_message: None,
            direct: false,
        };
        rooms::take_in(transaction, &room).expect("writes");
        let thumbs = |users: &[&str]| Reaction {
            emoji: "👍".to_owned(),
            user_ids: users.iter().map(|user| UserId::from(*user)).collect(),
        };
        let message = Message { reactions: vec![thumbs(&["suzuki", "sato"])], ..said("suzuki", 1, "本文") };
        messages::take_in(transaction, &me(), &message).expect("writes");
        let shown = rows(transaction)[0].reactions.clone();
        let names: Vec<_> = shown[0].names.iter().map(Sensitive::as_str).collect();
        assert_eq!((names, shown[0].own), (vec!["suzuki", "佐藤 恵"], true), "who has left is known by their id");

        let message = Message { reactions: vec![thumbs(&["suzuki"])], ..message };
        messages::take_in_change(transaction, &me(), &change(3, message.clone())).expect("writes");
        let older = Message { reactions: Vec::new(), ..message.clone() };
        messages::take_in_change(transaction, &me(), &change(2, older.clone())).expect("writes");
        messages::take_in(transaction, &me(), &older).expect("writes");
        assert!(!rows(transaction)[0].reactions[0].own);

        let deleted = Message { deleted_at: Some(Timestamp::now()), ..message };
        messages::take_in_change(transaction, &me(), &change(4, deleted)).expect("writes");
        assert!(rows(transaction)[0].reactions.is_empty(), "nothing hangs under what was taken back");
    });
}

pub(super) fn unread_mentions_and_urgent_ones_are_counted_apart(store: &Store) {
    store.now(|transaction| {
        let naming = |seq| Message { mentions: vec!["tanaka".into(), me()], ..said("suzuki", seq, "確認を") };
        messages::take_in(transaction, &me(), &naming(1)).expect("writes");
        messages::take_in(transaction, &me(), &said("suzuki", 2, "本文")).expect("writes");
        let both = Message { priority: Priority::Urgent, ..naming(3) };
        messages::take_in(transaction, &me(), &both).expect("writes");
        let counts = |transaction: &Transaction<'_>| {
            let room = rooms::view(transaction, &me(), &general()).expect("reads").expect("is there");
            (room.unread, room.unread_mentions, room.unread_urgent)
        };
        assert_eq!(counts(transaction), (3, 2, 1));
        assert_eq!(rows(transaction)[0].mentions, ["tanaka".into(), me()]);
        rooms::raise_read_seq(transaction, &general(), Seq::new(1)).expect("writes");
        assert_eq!(counts(transaction), (2, 1, 1));
        let deleted = Message { deleted_at: Some(Timestamp::now()), content: "".into(), ..both };
        messages::take_in_change(transaction, &me(), &change(4, deleted)).expect("writes");
        assert_eq!(counts(transaction), (1, 0, 0));
    });
}

pub(super) fn who_took_an_urgent_message_on_is_shown_also_when_it_was_told_first(store: &Store) {
    store.now(|transaction| {
        let took_on = |user: &str, at| Receipt {
            room_id: general(),
            user_id: user.into(),
            kind: ReceiptKind::Acknowledged,
            up_to_seq: None,
            message_id: Some("m-1".into()),
            at: Timestamp::from_millis(at),
        };
        assert_eq!(acknowledgements::take_in(transaction, &took_on("tanaka", 2_000)).expect("writes"), None);
        let urgent = Message { priority: Priority::Urgent, ..said("suzuki", 1, "急変です") };
        messages::take_in(transaction, &me(), &urgent).expect("writes");
        assert!(acknowledgements::take_in(transaction, &took_on("sato", 1_000)).expect("writes").is_some());
        assert_eq!(
            acknowledgements::take_in(transaction, &took_on("sato", 3_000)).expect("writes"),
            None,
            "told twice"
        );
        assert_eq!(rows(transaction)[0].acknowledged_by, ["sato".into(), "tanaka".into()], "the first comes first");
        meta::forget_history(transaction).expect("writes");
        messages::take_in(transaction, &me(), &urgent).expect("writes");
        assert_eq!(rows(transaction)[0].acknowledged_by.len(), 2, "no snapshot brings these");
    });
}

pub(super) fn what_a_message_answers_and_names_goes_out_with_it(store: &Store) {
    store.now(|transaction| {
        let answer = OutgoingMessage {
            reply_to: Some("m-1".into()),
            mentions: vec!["suzuki".into()],
            ..outgoing("@鈴木 了解です")
        };
        outbox::enqueue(transaction, &sato(), &answer).expect("writes");
        let row = rows(transaction).remove(0);
        assert_eq!(row.reply_to.map(|quote| quote.message_id), Some("m-1".into()));
        assert_eq!(row.mentions, ["suzuki".into()]);
        let due = outbox::take_due(transaction, Timestamp::now()).expect("reads").expect("is due");
        assert_eq!(due.message.reply_to, Some("m-1".into()));
        assert_eq!(due.message.mentions, ["suzuki".into()]);
        let settled = Settled { id: "m-2".into(), seq: Seq::new(2), created_at: Timestamp::now() };
        outbox::conclude(transaction, &due, &SendOutcome::Settled(settled)).expect("writes");
        assert_eq!(rows(transaction)[0].mentions, ["suzuki".into()], "and stays with it");
    });
}

pub(super) fn a_room_is_pinned_and_quiet_until_the_person_chooses_otherwise(store: &Store) {
    let shown =
        || store.now(|transaction| rooms::view(transaction, &me(), &general()).expect("reads").expect("is there"));
    store.now(|transaction| rooms::ensure(transaction, &general())).expect("writes");
    assert_eq!(shown().choices, RoomChoices::default());
    for choices in [
        RoomChoices { pinned: true, notify: RoomNotify::Urgent },
        RoomChoices { pinned: false, notify: RoomNotify::Urgent },
    ] {
        store.now(|transaction| choices::set(transaction, &general(), choices)).expect("writes");
        assert_eq!(shown().choices, choices);
    }
    store.now(|transaction| meta::forget_history(transaction)).expect("writes");
    assert!(shown().choices.notify == RoomNotify::Urgent, "the history is the server's, this is the person's");
}

pub(super) fn an_own_message_taken_back_leaves_no_text_behind(store: &Store) {
    store.now(|transaction| {
        messages::take_in(transaction, &me(), &said("sato", 1, "別の患者さん")).expect("writes");
        let place = (&general(), &"m-1".into());
        let taken_back = |seq| {
            own_changes::apply(transaction, &me(), place, &OwnChange::Deleted, Seq::new(seq), Timestamp::now())
                .expect("writes")
        };
        assert_eq!(taken_back(3).len(), 1);
        let stored: String =
            transaction.query_row("SELECT content FROM message", [], |row| row.get(0)).expect("is there");
        assert!(stored.is_empty());
        assert!(taken_back(3).is_empty() && taken_back(2).is_empty(), "the same or an older one changes nothing");
    });
}
