//! A store in a file is upgraded with a way back.

use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime},
};

use super::{
    connections::unlock,
    migrating::{contents, rows_of, version},
    migrations::STEPS,
    *,
};

const STEP_OF_TODAY: usize = STEPS.len();

fn open(path: &Path, key: &Secret) -> Connection {
    let connection = Connection::open(path).expect("opens");
    unlock(&connection, key).expect("the key fits");
    connection
}

/// A file as the version before today's left it, filled.
fn old_store(path: &Path, key: &Secret) {
    let mut connection = open(path, key);
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;").expect("sets");
    for step in 1..STEP_OF_TODAY {
        migrations::run_steps(&mut connection, STEPS.get(..step).expect("a known step")).expect("migrates");
        connection.execute_batch(&rows_of(step)).expect("the rows fit their version");
    }
}

fn copy_of(path: &Path) -> std::path::PathBuf {
    files::before_upgrade(path)
}

#[tokio::test]
async fn an_upgrade_leaves_an_encrypted_copy_of_the_store_as_it_was_until_a_week_is_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, key) = (folder.path().join("store.db"), new_key());
    old_store(&path, &key);
    let before = contents(&open(&path, &key));

    Store::open(&path, &key, Surroundings::real()).expect("is upgraded").close().await;
    assert_eq!(version(&open(&path, &key)), STEP_OF_TODAY);
    let copy = open(&copy_of(&path), &key);
    assert_eq!((version(&copy), contents(&copy)), (STEP_OF_TODAY - 1, before));
    drop(copy);
    assert!(
        Connection::open(copy_of(&path))
            .expect("opens lazily")
            .query_row("SELECT 1 FROM message", [], |_| Ok(()))
            .is_err()
    );

    Store::open(&path, &key, Surroundings::real()).expect("opens").close().await;
    assert!(copy_of(&path).exists(), "the next start does not take it away");
    let week_ago = SystemTime::now() - Duration::from_secs(7 * 24 * 60 * 60 + 1);
    File::options().write(true).open(copy_of(&path)).expect("opens").set_modified(week_ago).expect("sets");
    Store::open(&path, &key, Surroundings::real()).expect("opens").close().await;
    assert!(!copy_of(&path).exists());
}

#[test]
fn an_upgrade_that_fails_leaves_everything_as_it_was_also_what_its_first_steps_did() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, key) = (folder.path().join("store.db"), new_key());
    old_store(&path, &key);
    let mut connection = open(&path, &key);
    let before = contents(&connection);
    let mut steps = STEPS.to_vec();
    steps.push("CREATE TABLE new (id INTEGER); INSERT INTO no_such_table VALUES (1);");

    let failed = upgrade::run_steps(&path, &mut connection, &steps).expect_err("the last step fails");
    assert_eq!(failed.code(), ErrorCode::StoreUpgradeFailed);
    assert_eq!((version(&connection), contents(&connection)), (STEP_OF_TODAY - 1, before));
    drop(connection);
    let left: Vec<_> =
        fs::read_dir(folder.path()).expect("lists").map(|file| file.expect("readable").file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().contains("before-upgrade")), "{left:?}");
    upgrade::run(&path, &mut open(&path, &key)).expect("the next start, with better steps, upgrades it");
}

#[test]
fn an_upgrade_whose_result_is_not_sound_is_taken_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, key) = (folder.path().join("store.db"), new_key());
    old_store(&path, &key);
    let mut connection = open(&path, &key);
    connection.execute_batch("PRAGMA foreign_keys = OFF").expect("sets");
    let before = contents(&connection);
    let mut steps = STEPS.to_vec();
    steps.push("CREATE TABLE parent (id INTEGER PRIMARY KEY); CREATE TABLE child (parent REFERENCES parent (id)); INSERT INTO child VALUES (7);");
    let failed = upgrade::run_steps(&path, &mut connection, &steps).expect_err("a child without its parent");
    assert_eq!(failed.code(), ErrorCode::StoreUpgradeFailed);
    assert_eq!((version(&connection), contents(&connection)), (STEP_OF_TODAY - 1, before));
}

#[test]
fn without_room_for_the_copy_nothing_is_upgraded() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, key) = (folder.path().join("store.db"), new_key());
    old_store(&path, &key);
    // Something is where the copy would be.
    fs::create_dir(copy_of(&path)).expect("makes");
    fs::write(copy_of(&path).join("file"), "").expect("writes");
    assert!(upgrade::run(&path, &mut open(&path, &key)).is_err());
    assert_eq!(version(&open(&path, &key)), STEP_OF_TODAY - 1);
}
