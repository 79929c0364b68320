//! Search finds what is there, as a plain look at every text would, and nothing that is gone.

use proptest::{prelude::*, test_runner::TestRunner};

use super::*;
use crate::{
    search::page,
    store::search::index_due,
    view::{SearchPage, SearchQuery},
};

fn asked(text: &str) -> SearchQuery {
    SearchQuery { text: text.into(), room_id: None, author_id: None, since: None, until: None, after: None }
}

fn found(connection: &Connection, query: &SearchQuery) -> SearchPage {
    while index_due(connection, 3).expect("indexes") > 0 {}
    page(connection, &me(), query).expect("searches")
}

fn texts(page: &SearchPage) -> Vec<&str> {
    page.hits.iter().map(|hit| hit.message.content.as_str()).collect()
}

pub(super) fn a_word_is_found_in_the_middle_of_a_sentence(store: &Store) {
    store.now(|transaction| {
        for (seq, text) in
            [(1, "この部屋は空いています"), (2, "ＣＴ室で\n検査"), (3, "ガン検診は来週"), (4, "採血\u{3000}処方")]
        {
            messages::take_in(transaction, &me(), &said("suzuki", seq, text)).expect("writes");
        }
        for (query, hit) in [
            ("部屋", "この部屋は空いています"),
            ("屋", "この部屋は空いています"),
            ("す", "この部屋は空いています"),
            ("空いています", "この部屋は空いています"),
            ("ct室", "ＣＴ室で\n検査"),
            ("ｶﾞﾝ", "ガン検診は来週"),
            ("がん検", "ガン検診は来週"),
            ("処方 採血", "採血\u{3000}処方"),
        ] {
            assert_eq!(texts(&found(transaction, &asked(query))), [hit], "{query}");
        }
        for query in ["", " ", "血処", "部屋 検査", "\" OR rowid > 0 --", "*"] {
            assert_eq!(texts(&found(transaction, &asked(query))), [""; 0], "{query}");
        }
        let page = found(transaction, &asked("部屋"));
        let parts: Vec<_> = page.hits[0].excerpt.iter().map(|part| (part.text.as_str(), part.hit)).collect();
        assert_eq!(parts, [("この", false), ("部屋", true), ("は空いています", false)]);
    });
}

pub(super) fn what_was_edited_deleted_or_left_is_no_longer_found(store: &Store) {
    store.now(|transaction| {
        for seq in 1..=3 {
            messages::take_in(transaction, &me(), &said("suzuki", seq, "用量")).expect("writes");
        }
        assert_eq!(found(transaction, &asked("用量")).hits.len(), 3);
        let mut edited = said("suzuki", 1, "中止");
        edited.edited_at = Some(Timestamp::now());
        let change = MessageChanged { room_id: general(), seq: Seq::new(4), message: edited };
        messages::take_in_change(transaction, &me(), &change).expect("writes");
        let mut deleted = said("suzuki", 2, "");
        deleted.deleted_at = Some(Timestamp::now());
        let change = MessageChanged { room_id: general(), seq: Seq::new(5), message: deleted };
        messages::take_in_change(transaction, &me(), &change).expect("writes");
        assert_eq!(page(transaction, &me(), &asked("用量")).expect("searches").hits.len(), 1, "at once");
        assert_eq!(texts(&found(transaction, &asked("中止"))), ["中止"]);
        rooms::remove(transaction, &general()).expect("writes");
        assert_eq!(page(transaction, &me(), &asked("用量")).expect("searches").hits.len(), 0, "at once");
        let left: i64 = transaction
            .query_row("SELECT (SELECT count(*) FROM search_place) + (SELECT count(*) FROM search_due)", [], |row| {
                row.get(0)
            })
            .expect("counts");
        assert_eq!(left, 0);
    });
}

pub(super) fn many_hits_come_in_pages_the_newest_first(store: &Store) {
    store.now(|transaction| {
        // Two of each millisecond, so that time alone orders nothing.
        for seq in 1..=120 {
            let mut message = said("suzuki", seq, &format!("採血 {seq}"));
            message.created_at = Timestamp::from_millis(i64::try_from(seq / 2).expect("small"));
            messages::take_in(transaction, &me(), &message).expect("writes");
        }
        let (mut query, mut all, mut sizes) = (asked("採血"), Vec::new(), Vec::new());
        loop {
            let page = found(transaction, &query);
            sizes.push(page.hits.len());
            all.extend(page.hits.iter().filter_map(|hit| hit.message.seq));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(sizes, [50, 50, 20]);
        let mut once = all.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), 120, "each once");
        assert!(all.windows(2).all(|pair| pair[0].get() / 2 >= pair[1].get() / 2), "the newest first");
    });
}

pub(super) fn search_finds_what_a_look_at_every_text_finds(store: &Store) {
    const ALPHABET: &str = "あアaＡb 室　.";
    let text = proptest::collection::vec(proptest::sample::select(ALPHABET.chars().collect::<Vec<_>>()), 0..8)
        .prop_map(|chars| chars.into_iter().collect::<String>());
    let written = proptest::collection::vec((text.clone(), 0_usize..2, 0_usize..2, 0_i64..4), 1..12);
    let asked_for = (text, 0_usize..3, 0_usize..3, 0_i64..5, 0_i64..5);
    let mut runner =
        TestRunner::new(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() });
    let (people, places) = (["suzuki", "yamada"], ["general", "support"]);
    let ran = runner.run(&(written, asked_for), |(written, (text, author, room, since, until))| {
        store.now(|transaction| {
            transaction.execute("DELETE FROM room", ()).expect("empties");
            for ((text, by, room, at), seq) in written.iter().zip(1..) {
                let mut message = said(people[*by], seq, text);
                message.room_id = places[*room].into();
                message.created_at = Timestamp::from_millis(*at);
                messages::take_in(transaction, &me(), &message).expect("writes");
            }
            let mut query = asked(&text);
            query.author_id = people.get(author).map(|name| (*name).into());
            query.room_id = places.get(room).map(|name| (*name).into());
            query.since = (since < 4).then(|| Timestamp::from_millis(since));
            query.until = (until < 4).then(|| Timestamp::from_millis(until));
            let page = found(transaction, &query);
            let mut hits: Vec<String> =
                page.hits.iter().filter_map(|hit| hit.message.id.clone()).map(|id| id.to_string()).collect();
            hits.sort_unstable();

            let plain = |text: &str| {
                text.to_lowercase().replace('Ａ', "a").replace('ア', "あ").replace('　', " ").replace('ａ', "a")
            };
            let words: Vec<String> =
                plain(&text).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
            let mut expected: Vec<String> = written
                .iter()
                .zip(1..)
                .filter(|((said, by, at_room, at), _)| {
                    !words.is_empty()
                        && words.iter().all(|word| plain(said).contains(word))
                        && people.get(author).is_none_or(|name| *name == people[*by])
                        && places.get(room).is_none_or(|name| *name == places[*at_room])
                        && (since >= 4 || *at >= since)
                        && (until >= 4 || *at < until)
                })
                .map(|(_, seq)| format!("m-{seq}"))
                .collect();
            expected.sort_unstable();
            prop_assert_eq!(hits, expected);
            Ok(())
        })
    });
    ran.expect("holds");
}

#[test]
fn a_search_in_many_messages_is_served_by_the_index() {
    let count: u64 = std::env::var("HUGMEDO_CHAT_MESSAGES").ok().and_then(|text| text.parse().ok()).unwrap_or(2_000);
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("store.db"), &new_key(), Surroundings::real()).expect("opens");
    let sentences = [
        "退院処方は14時までに薬局から上がります。",
        "502号室の方、抗凝固薬の用量を変更しました。",
        "経過は良さそうですね。",
        "承知しました。",
    ];
    for first in (1..=count).step_by(1_000) {
        store.now(|transaction| {
            for seq in first..(first + 1_000).min(count + 1) {
                let text = format!("{}{}", sentences[seq as usize % sentences.len()], seq);
                messages::take_in(transaction, &me(), &said("suzuki", seq, &text)).expect("writes");
            }
        });
    }
    let begun = std::time::Instant::now();
    while store.now(|transaction| index_due(transaction, 200).expect("indexes")) > 0 {}
    let indexed = begun.elapsed();
    for query in ["処方", "ます", "用量を変更", "号", &count.to_string()] {
        let begun = std::time::Instant::now();
        let hits = store.now(|transaction| page(transaction, &me(), &asked(query)).expect("searches").hits.len());
        println!("{count} messages, {query}: {hits} hits on the first page after {:?}", begun.elapsed());
        assert!(hits > 0, "{query}");
    }
    println!("{count} messages indexed in {indexed:?}");
}
