//! Stores of older versions: every step is tried on a filled store of the version before it, and cut off in the middle.
//!
//! Whoever adds step n adds the rows that version n can newly hold as `tests/fixtures/store-v<n>.sql`; the tests here fail
//! until it is there.

use std::{collections::BTreeMap, path::PathBuf};

use rusqlite::types::Value;
use sha2::{Digest as _, Sha256};

use super::{migrations::STEPS, *};

/// What each version could newly hold, filled in once that version is reached.
pub(super) fn rows_of(version: usize) -> String {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/store-v{version}.sql"));
    std::fs::read_to_string(file).unwrap_or_else(|_| panic!("step {version} needs tests/fixtures/store-v{version}.sql"))
}

/// A store as version `version` left it, filled by it and the versions before.
pub(super) fn filled(version: usize) -> Connection {
    let mut connection = Connection::open_in_memory().expect("opens");
    connection.execute_batch("PRAGMA foreign_keys = ON").expect("sets");
    for step in 1..=version {
        migrations::run_steps(&mut connection, STEPS.get(..step).expect("a known step")).expect("migrates");
        connection.execute_batch(&rows_of(step)).expect("the rows fit their version");
    }
    connection
}

/// Columns that a later step replaced by another, whose value is checked for itself.
const REPLACED: [(&str, &str); 1] = [("room_choice", "muted")];

/// Every row of every table, by the table's name and the column's.
pub(super) fn contents(connection: &Connection) -> BTreeMap<String, Vec<BTreeMap<String, Value>>> {
    let mut tables = connection
        .prepare(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite_%'",
        )
        .expect("prepares");
    let names = tables.query_map([], |row| row.get::<_, String>(0)).expect("reads");
    names
        .map(|name| {
            let name = name.expect("reads");
            let mut rows = connection.prepare(&format!("SELECT * FROM {name} ORDER BY 1, 2")).expect("prepares");
            let columns: Vec<String> = rows.column_names().map(str::to_owned).collect();
            let rows = rows
                .query_map([], |row| {
                    columns.iter().enumerate().map(|(at, name)| Ok((name.clone(), row.get(at)?))).collect()
                })
                .expect("reads")
                .collect::<Result<_, _>>()
                .expect("reads");
            (name, rows)
        })
        .collect()
}

pub(super) fn version(connection: &Connection) -> usize {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).expect("reads");
    version as usize
}

#[test]
fn every_step_keeps_every_row_of_the_version_before() {
    for old in 1..=STEPS.len() {
        let mut connection = filled(old);
        let before = contents(&connection);
        assert!(before.values().all(|rows| !rows.is_empty()), "version {old} is filled: {:?}", before.keys());
        migrations::run(&mut connection).expect("migrates");
        assert_eq!(version(&connection), STEPS.len());
        let after = contents(&connection);
        for (table, rows) in &before {
            let now = after.get(table).unwrap_or_else(|| panic!("{table} is gone since version {old}"));
            assert_eq!(now.len(), rows.len(), "{table} since version {old}");
            for (row, now) in rows.iter().zip(now) {
                for (column, value) in row {
                    if REPLACED.contains(&(table.as_str(), column.as_str())) {
                        continue;
                    }
                    assert_eq!(now.get(column), Some(value), "{table}.{column} since version {old}");
                }
            }
        }
    }
}

#[test]
fn a_migrated_store_is_read_as_a_fresh_one_is() {
    for old in 1..=STEPS.len() {
        let mut connection = filled(old);
        migrations::run(&mut connection).expect("migrates");
        let rows = stretches::newest(&connection, &me(), &general(), 10).expect("reads").messages;
        let shown: Vec<_> = rows.iter().map(|row| (row.content.as_str(), row.delivery)).collect();
        assert_eq!(
            shown,
            [
                ("本文", None),
                ("直した", Some(Delivery::Read)),
                ("", None),
                ("待機中", Some(Delivery::Queued)),
                ("送信中", Some(Delivery::Sending)),
                ("失敗", Some(Delivery::Failed)),
            ],
            "since version {old}"
        );
        let room = rooms::view(&connection, &me(), &general()).expect("reads").expect("is there");
        // From version 7 on it can be marked as unread.
        let read = Seq::new(if old >= 7 { 1 } else { 3 });
        assert_eq!((room.unsent, room.has_draft, room.read_seq), (3, true, read), "since version {old}");
        let named: i64 = connection
            .query_row("SELECT mentions_me FROM message WHERE local_id = 1", [], |row| row.get(0))
            .expect("reads");
        assert_eq!(named, 1, "who was named before version 2 still is, since version {old}");
        if old >= 2 {
            assert_eq!(room.choices.notify, RoomNotify::Mentions, "it was muted, since version {old}");
        }
        assert_eq!(meta::owner(&connection).expect("reads"), Some(sato()));
        assert_eq!(meta::cursor(&connection).expect("reads").as_deref(), Some("42"));
        assert_eq!(receipts::due(&connection).expect("reads").read.get(&general()), Some(&Seq::new(3)));
        // The same tables as in a store that was made today.
        let mut fresh = Connection::open_in_memory().expect("opens");
        migrations::run(&mut fresh).expect("migrates");
        let schema = |connection: &Connection| -> Vec<(String, Option<String>)> {
            let mut statement =
                connection.prepare("SELECT name, sql FROM sqlite_master ORDER BY name").expect("prepares");
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("reads");
            rows.collect::<Result<_, _>>().expect("reads")
        };
        assert_eq!(schema(&connection), schema(&fresh), "since version {old}");
    }
}

#[test]
fn a_step_that_fails_at_any_statement_leaves_the_version_before_as_it_was() {
    for old in 0..STEPS.len() {
        let step = STEPS.get(old).expect("a step");
        let ends: Vec<usize> = step.match_indices(";\n").map(|(at, _)| at + 2).collect();
        for end in ends {
            let broken = format!("{}\nINSERT INTO no_such_table VALUES (1);", step.get(..end).expect("within"));
            let mut connection = filled(old);
            let before = contents(&connection);
            let mut steps: Vec<&str> = STEPS.get(..old).expect("within").to_vec();
            steps.push(&broken);
            assert!(migrations::run_steps(&mut connection, &steps).is_err(), "cut off after {end}");
            assert_eq!((version(&connection), contents(&connection)), (old, before), "cut off after {end}");
            migrations::run(&mut connection).expect("the next start migrates");
        }
    }
}

#[test]
fn steps_are_numbered_without_a_hole_and_all_are_in_use() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("lists").map(|file| file.expect("readable").path()).collect();
    files.sort();
    assert_eq!(files.len(), STEPS.len());
    for ((file, step), number) in files.iter().zip(STEPS).zip(1..) {
        let name = file.file_name().expect("named").to_string_lossy().into_owned();
        assert!(name.starts_with(&format!("{number:04}_")), "{name} is step {number}");
        assert_eq!(std::fs::read_to_string(file).expect("reads"), *step, "{name} is step {number}");
    }
}

/// The beginnings of the steps' SHA-256. A step that people's stores have taken must never change: append another one, and its digest here.
const DIGESTS: [&str; 10] = [
    "5294b7754e78edc5",
    "eef0dddbe40b9f31",
    "7018c61672e4d34f",
    "760ad536830d0e5f",
    "6561ae5ebad91a2c",
    "75f17a0f32fd9747",
    "36d1cb82709c343a",
    "0990f6e829d39cf0",
    "89e3bda85b650823",
    "d82aa37fcc80b063",
];

#[test]
fn a_step_that_was_once_taken_never_changes() {
    let digest =
        |step: &&str| -> String { Sha256::digest(step).iter().take(8).map(|byte| format!("{byte:02x}")).collect() };
    let digests: Vec<String> = STEPS.iter().map(digest).collect();
    assert_eq!(digests, DIGESTS);
}
