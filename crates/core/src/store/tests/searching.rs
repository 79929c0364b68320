//! What is found, held against looking through every message.

use std::time::Instant;

use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};

use super::{
    search::{Found, Wanted},
    *,
};
use crate::search::fold;

fn wanted(text: &str) -> Wanted {
    Wanted { words: fold(text).split_whitespace().map(str::to_owned).collect(), ..Wanted::default() }
}

fn found(connection: &Connection, text: &str) -> Vec<String> {
    texts(search::find(connection, &me(), &wanted(text), 50).expect("searches"))
}

fn texts(found: Found) -> Vec<String> {
    found.messages.into_iter().map(|row| row.content.into_string()).collect()
}

fn told(transaction: &Connection, message: &Message) {
    messages::take_in(transaction, &me(), message).expect("writes");
}

fn changed(transaction: &Connection, seq: u64, message: Message) {
    let change = MessageChanged { room_id: message.room_id.clone(), seq: Seq::new(seq), message };
    messages::take_in_change(transaction, &me(), &change).expect("writes");
}

pub(super) fn words_of_any_length_are_found_however_they_are_written(store: &Store) {
    store.now(|transaction| {
        told(transaction, &said("suzuki", 1, "ﾊﾞｲﾀﾙ測定、SpO2 98%"));
        told(transaction, &said("suzuki", 2, "発熱あり。解熱剤を"));
        told(transaction, &said("suzuki", 3, "\"引用\" AND (かっこ)* OR NEAR"));
        for (query, expected) in [
            ("バイタル", 1),
            ("ばいたる　ＳＰＯ２", 1),
            ("98%", 1),
            ("熱", 2),
            ("解熱", 2),
            ("発熱あり。解熱剤を", 2),
            ("を", 2),
            ("\"", 3),
            ("AND", 3),
            (")*", 3),
        ] {
            let seqs: Vec<_> = search::find(transaction, &me(), &wanted(query), 50)
                .expect("searches")
                .messages
                .iter()
                .filter_map(|row| row.seq)
                .collect();
            assert_eq!(seqs, [Seq::new(expected)], "{query}");
        }
        for nothing in ["", "   ", "熱発", "バイタル 発熱", "号室"] {
            assert!(found(transaction, nothing).is_empty(), "{nothing}");
        }
    });
}

pub(super) fn what_changes_or_goes_is_found_as_it_now_is_or_not_at_all(store: &Store) {
    store.now(|transaction| {
        told(transaction, &said("suzuki", 1, "初版です"));
        let edited = Message { edited_at: Some(Timestamp::now()), ..said("suzuki", 1, "改版です") };
        changed(transaction, 2, edited);
        told(transaction, &said("suzuki", 1, "初版です"));
        assert_eq!((found(transaction, "初版"), found(transaction, "改版")), (vec![], vec!["改版です".to_owned()]));
        changed(transaction, 3, Message { deleted_at: Some(Timestamp::now()), ..said("suzuki", 1, "") });
        assert!(found(transaction, "改版").is_empty());

        // An own message is found once the server has it.
        outbox::enqueue(transaction, &sato(), &outgoing("送信中の薬")).expect("writes");
        assert!(found(transaction, "薬").is_empty(), "there is no place to jump to yet");
        let due = outbox::take_due(transaction, Timestamp::now()).expect("reads").expect("is due");
        let settled = Settled { id: "m-4".into(), seq: Seq::new(4), created_at: Timestamp::now() };
        outbox::conclude(transaction, &due, &SendOutcome::Settled(settled)).expect("writes");
        assert_eq!(found(transaction, "薬"), ["送信中の薬"]);
        let edit = OwnChange::Edited("点滴に変更".into());
        own_changes::apply(transaction, &me(), (&general(), &"m-4".into()), &edit, Seq::new(5), Timestamp::now())
            .expect("writes");
        assert_eq!((found(transaction, "薬").len(), found(transaction, "点滴").len()), (0, 1));

        rooms::remove(transaction, &general()).expect("writes");
        assert!(found(transaction, "点滴").is_empty());
        assert_index_is_whole(transaction);
        told(transaction, &said("suzuki", 1, "点滴"));
        meta::forget_history(transaction).expect("writes");
        assert!(found(transaction, "点滴").is_empty());
        assert_index_is_whole(transaction);
    });
}

pub(super) fn messages_are_found_by_what_their_files_are_called(store: &Store) {
    let digest = "ab".repeat(32);
    let carrying = |seq, text: &str, name: &str| Message {
        attachments: vec![Opaque(serde_json::json!({
            "id": format!("file-{seq}"), "name": name, "mediaType": "application/pdf", "size": 8, "sha256": digest,
        }))],
        ..said("suzuki", seq, text)
    };
    store.now(|transaction| {
        told(transaction, &carrying(1, "送ります", "ﾚﾝﾄｹﾞﾝ_胸部.PDF"));
        told(transaction, &carrying(2, "", "心電図.pdf"));
        for (query, expected) in [("れんとげん", "送ります"), ("胸部 送り", "送ります"), ("心電図.PDF", "")]
        {
            assert_eq!(found(transaction, query), [expected], "{query}");
        }
        assert!(found(transaction, "ます心").is_empty() && found(transaction, "胸部 心電図").is_empty());
        changed(transaction, 3, Message { deleted_at: Some(Timestamp::now()), ..said("suzuki", 2, "") });
        assert!(found(transaction, "心電図").is_empty());
        assert_index_is_whole(transaction);
    });
}

#[test]
fn file_names_of_messages_from_before_are_found_after_the_upgrade() {
    let mut connection = migrating::filled(9);
    connection
        .execute_batch(
            r#"UPDATE message SET search_key = (1500 << 20) | 1,
                 extras = '{"attachments":[{"name":"紹介状.pdf"}]}' WHERE local_id = 1;
               INSERT INTO message_search (rowid, terms) SELECT search_key, '本文 文' FROM message WHERE local_id = 1;"#,
        )
        .expect("as version 9 left it");
    migrations::run(&mut connection).expect("migrates");
    assert!(search::is_behind(&connection).expect("reads"));
    while search::is_behind(&connection).expect("reads") {
        search::index_some(&connection, 200).expect("indexes");
    }
    for query in ["紹介状", "本文"] {
        assert_eq!(found(&connection, query), ["本文"], "{query}");
    }
}

pub(super) fn hits_come_newest_first_page_by_page_within_the_asked_bounds(store: &Store) {
    store.now(|transaction| {
        // History arrives backwards, and three messages share each moment.
        for seq in (1..=90).rev() {
            let room = if seq % 2 == 0 { "general" } else { "support" };
            let message = Message {
                id: format!("{room}-{seq}").as_str().into(),
                room_id: room.into(),
                created_at: Timestamp::from_millis(1_000 * (i64::try_from(seq).expect("small") / 3)),
                ..said(if seq % 5 == 0 { "tanaka" } else { "suzuki" }, seq, &format!("検査 {seq}"))
            };
            told(transaction, &message);
        }
        let pages = |wanted: Wanted, limit| {
            let (mut wanted, mut all) = (wanted, Vec::new());
            loop {
                let page = search::find(transaction, &me(), &wanted, limit).expect("searches");
                assert!(page.messages.len() <= limit);
                all.extend(page.messages);
                match page.next {
                    Some(next) => wanted.after = Some(next),
                    None => return all,
                }
            }
        };
        let all = pages(wanted("検査"), 7);
        assert_eq!(all.len(), 90);
        assert!(all.windows(2).all(|pair| pair[0].created_at >= pair[1].created_at));
        let keys: std::collections::BTreeSet<_> = all.iter().map(|row| row.key.clone()).collect();
        assert_eq!(keys.len(), 90, "each once");
        let (since, until) = (Some(Timestamp::from_millis(5_000)), Some(Timestamp::from_millis(20_000)));
        let bounded =
            Wanted { room: Some("support".into()), author: Some("tanaka".into()), since, until, ..wanted("査") };
        let seqs: Vec<_> = pages(bounded, 2).iter().filter_map(|row| row.seq).map(Seq::get).collect();
        assert_eq!(seqs, [55, 45, 35, 25, 15]);
        let by_tanaka = Wanted { author: Some("tanaka".into()), ..Wanted::default() };
        assert_eq!(pages(by_tanaka, 50).len(), 18, "a filter alone is a question too");
    });
}

pub(super) fn the_index_finds_what_looking_through_everything_finds(store: &Store) {
    let alphabet: Vec<&str> = vec![
        "あ", "ア", "ｱ", "い", "血", "圧", "a", "Ａ", "1", "１", " ", "　", "\n", "ﾞ", "%", "\"", "*", "😀", "\u{200b}",
    ];
    let seed = first_seed();
    for seed in seed..seed + cases(20) {
        let mut random = StdRng::seed_from_u64(seed);
        let word = |random: &mut StdRng, most: usize| -> String {
            let length = random.random_range(0..=most);
            (0..length).filter_map(|_| alphabet.choose(random).copied()).collect()
        };
        store.now(|transaction| {
            rooms::remove(transaction, &general()).expect("writes");
            for step in 1..=60_u64 {
                let text = word(&mut random, 12);
                let seq = if random.random_bool(0.7) { step } else { random.random_range(1..=step) };
                match random.random_range(0..10) {
                    0 => changed(
                        transaction,
                        100 + step,
                        Message { deleted_at: Some(Timestamp::now()), ..said("suzuki", seq, "") },
                    ),
                    1 | 2 => changed(
                        transaction,
                        100 + step,
                        Message { edited_at: Some(Timestamp::now()), ..said("suzuki", seq, &text) },
                    ),
                    _ => told(transaction, &said("suzuki", seq, &text)),
                }
            }
            assert_index_is_whole(transaction);
            let rows: Vec<String> = transaction
                .prepare("SELECT content FROM message WHERE deleted_at IS NULL ORDER BY created_at DESC")
                .and_then(|mut all| all.query_map([], |row| row.get(0))?.collect())
                .expect("reads");
            for _ in 0..40 {
                let query = word(&mut random, 4);
                let wanted = wanted(&query);
                let holds = |text: &str| wanted.words.iter().all(|word| fold(text).contains(word.as_str()));
                let naive: Vec<String> =
                    rows.iter().filter(|text| !wanted.words.is_empty() && holds(text)).cloned().collect();
                let indexed = texts(search::find(transaction, &me(), &wanted, 1_000).expect("searches"));
                assert_eq!(indexed, naive, "seed {seed}, looking for {query:?}");
            }
        });
    }
}

/// Every message that is to be found has its row in the index, and nothing else has one.
fn assert_index_is_whole(connection: &Connection) {
    let count = |query: &str| connection.query_row(query, [], |row| row.get::<_, i64>(0)).expect("counts");
    let shown = count("SELECT count(*) FROM message WHERE seq IS NOT NULL AND deleted_at IS NULL");
    assert_eq!(count("SELECT count(search_key) FROM message"), shown);
    assert_eq!(count("SELECT count(*) FROM message_search_docsize"), shown);
}

#[test]
fn what_was_stored_before_the_index_is_indexed_little_by_little() {
    let store = Store::in_memory(Surroundings::real()).expect("opens");
    store.now(|transaction| {
        for seq in 1..=25 {
            told(transaction, &said("suzuki", seq, "以前の記録"));
        }
        search::forget_all(transaction).expect("writes");
        assert!(found(transaction, "記録").is_empty());
        for done in [10, 20, 25] {
            assert!(search::is_behind(transaction).expect("reads"));
            search::index_some(transaction, 10).expect("writes");
            assert_eq!(found(transaction, "記録").len(), done);
        }
        assert!(!search::is_behind(transaction).expect("reads"));
        assert_index_is_whole(transaction);
    });
}

/// Prints how long looking takes: `HUGMEDO_CHAT_MESSAGES=100000 cargo nextest run --release -p hugmedo-chat-core
/// how_long_looking_takes --no-capture`.
#[test]
fn how_long_looking_takes() {
    let count = std::env::var("HUGMEDO_CHAT_MESSAGES").ok().and_then(|count| count.parse().ok()).unwrap_or(2_000_u64);
    let words = [
        "血圧",
        "体温",
        "点滴",
        "回診",
        "申し送り",
        "家族",
        "検査",
        "異常なし",
        "３０２号室",
        "バイタル",
        "を",
        "です。",
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let store = Store::open(&path, &new_key(), Surroundings::real()).expect("opens");
    let mut random = StdRng::seed_from_u64(1);
    let began = Instant::now();
    for page in 0..count.div_ceil(200) {
        store.now(|transaction| {
            for seq in page * 200 + 1..=(page * 200 + 200).min(count) {
                let length = random.random_range(4..24);
                let mut text: String = (0..length).filter_map(|_| words.choose(&mut random).copied()).collect();
                if seq % 1_000 == 0 {
                    text.push_str("珍しい薬");
                }
                told(transaction, &said("suzuki", seq, &text));
            }
        });
    }
    println!("{count} messages in pages of 200: {:.1?}, store {} MB", began.elapsed(), size(&path));
    for query in ["血圧", "珍し", "薬", "血", "異常なし 302号室", "圧体", "存在"] {
        let wanted = wanted(query);
        let mut times: Vec<_> = (0..20)
            .map(|_| {
                let wanted = wanted.clone();
                let began = Instant::now();
                let hits = store.seen(move |connection| search::find(connection, &me(), &wanted, 50));
                (began.elapsed(), hits.messages.len())
            })
            .collect();
        times.sort();
        println!(
            "{query}: {} hits on the first page, median {:.1?}, slowest {:.1?}",
            times[0].1, times[10].0, times[19].0
        );
    }
}

fn size(path: &std::path::Path) -> u64 {
    path.metadata().map_or(0, |file| file.len()) / 1_000_000
}
