//! What holds for a store in a file only.

use super::*;

#[tokio::test]
async fn a_file_is_unreadable_without_its_key_and_holds_no_text_in_the_clear() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let key = new_key();
    let store = Store::open(&path, &key, Surroundings::real()).expect("opens");
    store
        .write(|transaction| {
            messages::take_in(transaction, &me(), &said("suzuki", 1, "MARKER-TEXT"))?;
            drafts::save_draft(transaction, &general(), &written("MARKER-DRAFT"))
        })
        .await
        .expect("writes");
    for file in std::fs::read_dir(folder.path()).expect("lists") {
        let bytes = std::fs::read(file.expect("readable").path()).expect("reads");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("MARKER") && !text.contains("SQLite format 3"), "encrypted, log and all");
    }
    store.close().await;

    let plain = rusqlite::Connection::open(&path).expect("opens lazily");
    assert!(
        plain.query_row("SELECT count(*) FROM message", [], |row| row.get::<_, i64>(0)).is_err(),
        "no key, no data"
    );
    drop(plain);
    let again = Store::open(&path, &key, Surroundings::real()).expect("the key opens it");
    let rows = again.read(|connection| stretches::newest(connection, &me(), &general(), 10)).await.expect("reads");
    assert_eq!(rows.messages.len(), 1);
}

#[tokio::test]
async fn a_file_that_its_key_does_not_open_is_set_aside_and_not_overwritten() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    Store::open(&path, &new_key(), Surroundings::real()).expect("opens").close().await;
    let before = std::fs::read(&path).expect("reads");

    Store::open(&path, &new_key(), Surroundings::real()).expect("a fresh store takes its place").close().await;
    let aside: Vec<_> = std::fs::read_dir(folder.path())
        .expect("lists")
        .map(|file| file.expect("readable").path())
        .filter(|path| path.to_string_lossy().contains("store.db.unreadable-"))
        .collect();
    assert_eq!(aside.len(), 1);
    assert_eq!(std::fs::read(&aside[0]).expect("reads"), before, "as it was");
}

#[tokio::test]
async fn a_store_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let key = new_key();
    let store = Store::open(&path, &key, Surroundings::real()).expect("opens");
    store.write(|transaction| Ok(transaction.pragma_update(None, "user_version", 999)?)).await.expect("writes");
    store.close().await;
    let refused = Store::open(&path, &key, Surroundings::real()).map(|_| ()).map_err(|error| error.code());
    assert_eq!(refused, Err(ErrorCode::StoreTooNew));
    assert_eq!(std::fs::read_dir(folder.path()).expect("lists").count(), 1, "nothing was moved");
}

#[tokio::test]
async fn every_commit_is_durable_and_checked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("store.db"), &new_key(), Surroundings::real()).expect("opens");
    let (journal, synchronous, cipher) = store
        .write(|transaction| {
            Ok((
                transaction.pragma_query_value(None, "journal_mode", |row| row.get::<_, String>(0))?,
                transaction.pragma_query_value(None, "synchronous", |row| row.get::<_, i64>(0))?,
                transaction.pragma_query_value(None, "cipher_version", |row| row.get::<_, String>(0))?,
            ))
        })
        .await
        .expect("reads");
    assert_eq!((journal.as_str(), synchronous), ("wal", 2), "2 is FULL");
    assert!(!cipher.is_empty());
}
