//! A full disk: a clear error, nothing half-written, and it passes by itself. On a disk that really is full where the test
//! may mount one, which only root on Linux may, and by SQLite's own limit everywhere.

use std::fs;

use hugmedo_chat_testkit::SmallDisk;

use super::{known_load::*, *};

#[tokio::test]
async fn a_store_that_may_not_grow_refuses_with_a_code_of_its_own_and_loses_nothing() {
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
    let rows = store.read(|connection| stretches::newest(connection, &me(), &general(), 10)).await.expect("reads");
    assert_eq!(rows.messages.len(), 2, "what was refused is not half there");
}

/// A small disk, or the reason why this machine has none.
fn small_disk(mebibytes: u32) -> Option<SmallDisk> {
    SmallDisk::mount(mebibytes).map_err(|reason| println!("SKIPPED: no disk of its own: {reason}")).ok()
}

fn code<T>(result: Result<T, Error>) -> Result<(), ErrorCode> {
    result.map(|_| ()).map_err(|error| error.code())
}

fn enqueue(store: &Store, text: &str) -> Result<(), ErrorCode> {
    let message = outgoing(text);
    code(store.connections.write(move |transaction| outbox::enqueue(transaction, &sato(), &message)))
}

fn texts(store: &Store) -> Vec<String> {
    let rows = store.seen(|connection| stretches::newest(connection, &me(), &general(), 10_000)).messages;
    rows.into_iter().map(|row| row.content.as_str().to_owned()).collect()
}

#[test]
fn on_a_full_disk_a_message_is_refused_whole_and_goes_once_there_is_room() {
    let Some(disk) = small_disk(4) else { return };
    let key = new_key();
    let path = disk.path().join("account").join("store.db");
    disk.fill().expect("fills");
    assert_eq!(
        code(Store::open(&path, &key, Surroundings::real())),
        Err(ErrorCode::DiskFull),
        "no room for a new store"
    );
    disk.make_room().expect("makes room");
    let store = Store::open(&path, &key, Surroundings::real()).expect("opens");
    enqueue(&store, "一").expect("there is room");

    disk.fill().expect("fills");
    // The log may still have room from before for a short one.
    let long = "長".repeat(5_000);
    let mut kept = 1;
    while enqueue(&store, &long) == Ok(()) {
        kept += 1;
    }
    for _ in 0..3 {
        assert_eq!(enqueue(&store, &long), Err(ErrorCode::DiskFull));
    }
    assert_eq!(texts(&store).len(), kept, "it can still be read");
    store.connections.close();
    // The app is started again while the disk is still full; closing it had given some room back.
    disk.fill().expect("fills");
    assert!(files::is_disk_full(&path));
    match Store::open(&path, &key, Surroundings::real()) {
        Ok(store) => assert_eq!(texts(&store).len(), kept, "reading needs no room"),
        Err(error) => assert_eq!(error.code(), ErrorCode::DiskFull),
    }
    disk.make_room().expect("makes room");
    assert!(!files::is_disk_full(&path));
    let store = Store::open(&path, &key, Surroundings::real()).expect("opens");
    assert_eq!(store.rebuilds().borrow().count, 0, "a full disk is no damage");
    enqueue(&store, "二").expect("there is room");
    let texts = texts(&store);
    assert_eq!((texts.len(), texts.last().map(String::as_str)), (kept + 1, Some("二")));
}

#[test]
fn a_disk_too_full_to_write_the_log_back_loses_nothing_that_was_committed() {
    let Some(disk) = small_disk(6) else { return };
    let path = disk.path().join("store.db");
    let store = Store::open(&path, &new_key(), Surroundings::real()).expect("opens");
    let mut kept = 0;
    let long = "長".repeat(5_000);
    while enqueue(&store, &long) == Ok(()) {
        kept += 1;
    }
    assert_eq!(enqueue(&store, &long), Err(ErrorCode::DiskFull));
    assert!(files::log_length(&path) > 4 * 1024 * 1024, "the log is overdue and has nowhere to go");
    assert_eq!(texts(&store).len(), kept, "every message that was taken is there");
    disk.resize(32).expect("grows");
    enqueue(&store, &long).expect("there is room");
    assert_eq!(files::log_length(&path), 0, "and the log was written back");
    assert_eq!(texts(&store).len(), kept + 1);
}

#[test]
fn a_damaged_store_on_a_full_disk_is_left_alone_and_mended_once_there_is_room() {
    let Some(disk) = small_disk(4) else { return };
    let path = disk.path().join("store.db");
    let ran = run(&path, &mut rand::SeedableRng::seed_from_u64(1), 20);
    leave_unsent(&ran.store);
    let before = state_of(&ran.store);
    ran.store.connections.close();
    let store = Store::open(&path, &ran.key, Surroundings::real()).expect("opens");
    let mut bytes = fs::read(&path).expect("reads");
    let pages = bytes.len() / 4096;
    for page in pages / 2..pages {
        bytes[page * 4096 + 200] ^= 1;
    }
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, &bytes))
        .expect("writes");
    disk.fill().expect("fills");
    let read = || code(store.connections.read(|connection| stretches::newest(connection, &me(), &general(), 10_000)));
    for _ in 0..2 {
        assert_eq!(read(), Err(ErrorCode::DiskFull));
    }
    assert_eq!(fs::read(&path).expect("reads"), bytes, "the damaged one is still in its place");
    disk.make_room().expect("makes room");
    assert_eq!(read(), Ok(()), "the same handle goes on by itself");
    assert_eq!(store.rebuilds().borrow().count, 1);
    let after = state_of(&store);
    assert!(store.rebuilds().borrow().lossy || after.unsent == before.unsent);
}

#[test]
fn a_disk_that_lets_nobody_write_is_a_clear_error_and_changes_nothing() {
    let Some(disk) = small_disk(4) else { return };
    let path = disk.path().join("store.db");
    let key = new_key();
    let store = Store::open(&path, &key, Surroundings::real()).expect("opens");
    enqueue(&store, "一").expect("writes");
    store.connections.close();
    disk.set_read_only(true).expect("remounts");
    assert_eq!(code(Store::open(&path, &key, Surroundings::real())), Err(ErrorCode::StoreFailed));
    assert_eq!(
        code(Store::open(&disk.path().join("new").join("store.db"), &key, Surroundings::real())),
        Err(ErrorCode::StoreFailed)
    );
    disk.set_read_only(false).expect("remounts");
    assert_eq!(texts(&Store::open(&path, &key, Surroundings::real()).expect("opens")), ["一"]);
}
