//! Rows that no version of ours wrote: whatever stands in a column, reading and writing ends in a value or a clear error,
//! never in a panic.
//!
//! `HUGMEDO_CHAT_CASES` sets how many cases are tried. A failure names its seed: replay it with `HUGMEDO_CHAT_SEED=<seed>
//! HUGMEDO_CHAT_CASES=1`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use rusqlite::{params, types::Value};

use super::{migrations::STEPS, *};

/// Every column of every table, and whether it holds text.
fn columns(connection: &Connection) -> Vec<(String, String, bool)> {
    let mut statement = connection
        .prepare(
            "SELECT t.name, c.name, c.type = 'TEXT' FROM sqlite_master t, pragma_table_info(t.name) c
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'",
        )
        .expect("prepares");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).expect("reads");
    rows.collect::<Result<_, _>>().expect("reads")
}

/// A store with one of everything in it, without the rules that keep rows in order.
fn unruly() -> Connection {
    let connection = Connection::open_in_memory().expect("opens");
    for step in STEPS {
        connection.execute_batch(step).expect("creates");
    }
    connection.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").expect("sets");
    connection.execute_batch(include_str!("../../../tests/fixtures/store-v1.sql")).expect("fills");
    connection
}

fn garbage(random: &mut StdRng, text: bool) -> Value {
    if !text {
        let edges = [i64::MIN, i64::MIN + 1, -1, 0, 1, i64::from(u32::MAX), i64::from(u32::MAX) + 1, 1 << 53, i64::MAX];
        let number = edges.choose(random).copied().unwrap_or(0);
        return Value::Integer(if random.random_bool(0.5) { number } else { random.random() });
    }
    let words =
        ["", "null", "[]", "{}", "[{}]", "{\"id\":1}", "\0", "baseline", "failed", "queued", "read", "\u{202e}", "𠮟"];
    match random.random_range(0..4) {
        0 => Value::Text(words.choose(random).copied().unwrap_or("").to_owned()),
        1 => Value::Text((0..random.random_range(0..40)).map(|_| random.random::<char>()).collect()),
        2 => Value::Text("[".repeat(random.random_range(0..300))),
        // Bytes that are no text.
        _ => Value::Blob((0..random.random_range(0..40)).map(|_| random.random()).collect()),
    }
}

/// Everything that is ever read, and the writing that reads first. Only a panic is wrong.
fn use_everything(connection: &Connection) -> usize {
    let (me, general, one) = (me(), general(), Seq::new(1));
    let mut failed = 0;
    let mut count = |result: Result<(), Error>| {
        if let Err(error) = result {
            failed += 1;
            assert!(!error.to_string().contains("病棟") && !error.to_string().contains("本文"), "no text in an error");
        }
    };
    count(meta::owner(connection).map(drop));
    count(meta::mode(connection).map(drop));
    count(meta::cursor(connection).map(drop));
    count(rooms::ids(connection).map(drop));
    count(rooms::views(connection, &me).map(drop));
    count(rooms::view(connection, &me, &general).map(drop));
    count(rooms::is_behind(connection, &general).map(drop));
    count(rooms::last_seq(connection, &general).map(drop));
    count(stretches::newest(connection, &me, &general, 50).map(drop));
    count(stretches::before(connection, &me, &general, Seq::new(3), 50).map(drop));
    count(rows::last(connection, &me, &general).map(drop));
    count(rows::own_between(connection, &me, &general, (Seq::ZERO, Seq::new(9)), 50).map(drop));
    count(rows::by_client_id(connection, &me, &ClientMessageId::new("c-7")).map(drop));
    for row in 1..10 {
        count(rows::one(connection, &me, row).map(drop));
    }
    count(receipts::due(connection).map(drop));
    count(coverage::newest(connection, &general).map(drop));
    count(coverage::around(connection, &general, one).map(drop));
    count(drafts::draft(connection, &general).map(drop));
    count(outbox::next_due_at(connection).map(drop));
    count(outbox::take_due(connection, Timestamp::now()).and_then(|due| match due {
        Some(due) => outbox::conclude(connection, &due, &SendOutcome::Waits(ErrorCode::RateLimited, Timestamp::now())),
        None => Ok(()),
    }));
    count(outbox::retry(connection, &me, &ClientMessageId::new("c-9")).map(drop));
    count(outbox::enqueue(connection, &sato(), &outgoing("新しい")).map(drop));
    count(messages::take_in(connection, &me, &said("suzuki", 5, "新着")).map(drop));
    let change = MessageChanged { room_id: general.clone(), seq: Seq::new(6), message: said("suzuki", 1, "直し") };
    count(messages::take_in_change(connection, &me, &change).map(drop));
    count(coverage::add(connection, &general, one, Seq::new(7)));
    count(notified::claim_notification(connection, &general, &"m-9".into()).map(drop));
    count(meta::set_mode(connection, Mode::Baseline).map(drop));
    failed
}

#[test]
fn whatever_stands_in_a_row_reading_and_writing_never_panics() {
    let mut connection = unruly();
    let columns = columns(&connection);
    assert!(columns.len() > 40);
    assert_eq!(use_everything(&unruly()), 0, "without garbage everything works");
    let (seed, cases) = (first_seed(), cases(500));
    let mut failed = 0;
    for seed in seed..seed + cases {
        let mut random = StdRng::seed_from_u64(seed);
        connection.execute_batch("SAVEPOINT spoiled").expect("begins");
        for _ in 0..random.random_range(1..4) {
            let (table, column, text) = columns.choose(&mut random).expect("there are some");
            // A rule that refuses the garbage, such as a key that is there twice, is a fine answer too.
            let _ = match garbage(&mut random, *text) {
                Value::Blob(bytes) => connection
                    .execute(&format!("UPDATE OR IGNORE {table} SET {column} = CAST(? AS TEXT)"), params![bytes]),
                value => connection.execute(&format!("UPDATE OR IGNORE {table} SET {column} = ?"), params![value]),
            };
        }
        let used = catch_unwind(AssertUnwindSafe(|| use_everything(&connection)));
        failed += used.unwrap_or_else(|_| panic!("replay with HUGMEDO_CHAT_SEED={seed} HUGMEDO_CHAT_CASES=1"));
        if connection.is_autocommit() {
            // SQLite has rolled back by itself, for instance because the last of all row numbers is taken.
            connection = unruly();
        } else {
            connection.execute_batch("ROLLBACK TO spoiled; RELEASE spoiled").expect("rolls back");
        }
    }
    println!("{cases} stores with garbage in their rows from seed {seed}: 0 panics, {failed} clear errors");
    assert!(failed > 0, "some of it must have been noticed");
}
