//! A damaged file: nothing wrong is shown, what is unsent is taken over, and the store goes on.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rand::{SeedableRng as _, rngs::StdRng};

use super::{known_load::*, *};

const PAGE: usize = 4096;

/// What a closed store holds, in one file.
fn closed_store(path: &Path) -> (Secret, State) {
    let ran = run(path, &mut StdRng::seed_from_u64(1), 40);
    leave_unsent(&ran.store);
    let state = state_of(&ran.store);
    ran.store.connections.close();
    (ran.key, state)
}

fn spoil(path: &Path, offset: usize) {
    let mut bytes = fs::read(path).expect("reads");
    bytes[offset] ^= 0x40;
    // In place: a store that has the file open goes on with this one.
    fs::OpenOptions::new()
        .write(true)
        .open(path)
        .and_then(|mut file| std::io::Write::write_all(&mut file, &bytes))
        .expect("writes");
}

fn beside(path: &Path, part: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(path.parent().expect("in a folder")).expect("lists");
    entries.map(|entry| entry.expect("readable").path()).filter(|path| path.to_string_lossy().contains(part)).collect()
}

/// Holds of any store that may be damaged: it shows what was, or is built anew with what was unsent.
pub(super) fn assert_honest(store: &Store, before: &State, case: &str) -> Rebuilds {
    let mut seen = state_of(store);
    let rebuilds = *store.rebuilds().borrow();
    if rebuilds.count == 0 {
        assert_eq!(seen, *before, "{case}: nothing was found damaged, so nothing may differ");
        return rebuilds;
    }
    // A rebuild in the middle of reading is seen by reading again.
    seen = state_of(store);
    assert_eq!(seen.cursor, None, "{case}: the history is fetched again");
    assert!(seen.timeline.iter().all(|(_, seq)| seq.is_none()), "{case}: and none of it passes for whole");
    assert!(seen.unsent.iter().all(|(name, row)| before.unsent.get(name) == Some(row)), "{case}: nothing is made up");
    assert!(
        seen.files.iter().all(|(name, held)| before.files.get(name) == Some(held)),
        "{case}: a file is whole or gone"
    );
    assert!([0, before.read_by_other].contains(&seen.read_by_other), "{case}: what another has read is known or not");
    let lost = seen.timeline.iter().any(|(key, _)| key == "c-file") && !seen.files.contains_key("f-sent");
    if lost && before.files.contains_key("f-sent") {
        store.now(|transaction| {
            while let Some(due) = outbox::take_due(transaction, Timestamp::now()).expect("reads") {
                let name = due.message.client_message_id.expect("named");
                assert_ne!(name.as_str(), "c-file", "{case}: it never goes without its file");
                transaction
                    .execute("UPDATE outbox SET state = 'failed' WHERE local_id = ?", [due.local_id])
                    .expect("writes");
            }
        });
    }
    if !rebuilds.lossy {
        assert_eq!(
            (&seen.unsent, &seen.draft, &seen.files, seen.read_seq),
            (&before.unsent, &before.draft, &before.files, before.read_seq),
            "{case}"
        );
        assert_eq!(store.seen(meta::mode), Some(Mode::Extended), "{case}");
    }
    rebuilds
}

#[test]
fn whichever_page_is_damaged_no_wrong_text_is_shown_and_what_is_unsent_is_kept_or_its_loss_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let original = folder.path().join("store.db");
    let (key, before) = closed_store(&original);
    assert!(!before.unsent.is_empty() && !before.draft.is_empty(), "something is at stake");
    let pages = fs::read(&original).expect("reads").len() / PAGE;
    let (mut rebuilt, mut whole, mut read) = (0, 0, 0);
    for page in 0..pages {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        fs::copy(&original, &path).expect("copies");
        spoil(&path, page * PAGE + 100 + page % 3_000);
        let damaged = fs::read(&path).expect("reads");
        let store = Store::open(&path, &key, Surroundings::real()).expect("opens");
        let rebuilds = assert_honest(&store, &before, &format!("page {page}"));
        if rebuilds.count > 0 {
            rebuilt += 1;
            whole += usize::from(!rebuilds.lossy);
            read += usize::from(state_of(&store).read_by_other == before.read_by_other);
            let aside = beside(&path, ".unreadable-");
            let kept = aside
                .iter()
                .find(|path| !path.to_string_lossy().ends_with("-wal") && !path.to_string_lossy().ends_with("-shm"));
            assert_eq!(fs::read(kept.expect("kept")).expect("reads"), damaged, "page {page}: kept as it was");
        }
        // It goes on, and the next start finds nothing to mend.
        let next = outgoing("その後");
        let sent = next.clone();
        store.connections.write(move |transaction| outbox::enqueue(transaction, &sato(), &sent)).expect("writes");
        let row = store.seen(move |connection| rows::by_client_id(connection, &me(), &next.client_message_id));
        let row = row.expect("is there");
        assert!(
            before.unsent.values().all(|known| i64::from(row.pending_order) > *known),
            "no row number is given twice"
        );
        store.connections.close();
        assert_eq!(
            Store::open(&path, &key, Surroundings::real()).expect("opens").rebuilds().borrow().count,
            0,
            "page {page}"
        );
    }
    println!("{pages} pages damaged in turn: {rebuilt} stores built anew, {whole} of them without any loss");
    assert!(rebuilt > pages / 2 && whole > rebuilt / 2, "{rebuilt} of {pages} built anew, {whole} of them whole");
    assert!(before.read_by_other > 0 && read > rebuilt * 9 / 10, "{read} of {rebuilt} know what another has read");
}

#[tokio::test]
async fn damage_that_shows_while_the_app_runs_is_mended_under_every_handle() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let (key, _) = closed_store(&path);
    let store = Store::open(&path, &key, Surroundings::real()).expect("opens");
    let (other, mut rebuilds) = (store.clone(), store.rebuilds());
    assert_eq!(rebuilds.borrow_and_update().count, 0);
    let pages = fs::read(&path).expect("reads").len() / PAGE;
    // Everything but the first pages, which hold the schema and are in memory by now.
    for page in pages / 2..pages {
        spoil(&path, page * PAGE + 200);
    }
    let shown =
        store.read(|connection| stretches::newest(connection, &me(), &general(), 1_000)).await.expect("reads on");
    assert!(shown.messages.iter().all(|row| row.seq.is_none()) && shown.has_earlier, "the rest has to be fetched");
    rebuilds.changed().await.expect("it is told");
    assert_eq!(rebuilds.borrow().count, 1);
    other
        .write(|transaction| outbox::enqueue(transaction, &sato(), &outgoing("その後")))
        .await
        .expect("a clone of the handle goes on as well");
    assert_eq!(*store.rebuilds().borrow(), *other.rebuilds().borrow());
}

#[tokio::test]
async fn a_page_of_sync_that_was_on_its_way_does_not_hide_that_the_history_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let (key, _) = closed_store(&path);
    let store = Store::open(&path, &key, Surroundings::real()).expect("opens");
    let pages = fs::read(&path).expect("reads").len() / PAGE;
    for page in 2..pages {
        spoil(&path, page * PAGE + 200);
    }
    store
        .write(|transaction| {
            messages::take_in(transaction, &me(), &said("suzuki", 9_000, "本文"))?;
            meta::set_cursor(transaction, "9000")
        })
        .await
        .expect("writes, on the fresh store");
    assert_eq!(store.rebuilds().borrow().count, 1);
    assert!(store.seen(meta::cursor).is_none(), "sync starts from a snapshot");
}

#[test]
fn a_log_without_its_database_is_kept_and_a_lost_log_leaves_an_older_state() {
    for lost in ["store.db", "store.db-wal"] {
        let folder = tempfile::tempdir().expect("a folder");
        let running = tempfile::tempdir().expect("a folder");
        let ran = run(&running.path().join("store.db"), &mut StdRng::seed_from_u64(2), 20);
        for file in ["store.db", "store.db-wal"].iter().filter(|file| **file != lost) {
            fs::copy(running.path().join(file), folder.path().join(file)).expect("copies");
        }
        let path = folder.path().join("store.db");
        if lost == "store.db" {
            // Empty or gone is the same to SQLite, which would then delete the log.
            fs::write(&path, b"").expect("writes");
        }
        let store = Store::open(&path, &ran.key, Surroundings::real()).expect("opens");
        if lost == "store.db" {
            assert_eq!(*store.rebuilds().borrow(), Rebuilds { count: 1, lossy: true });
            assert_eq!(
                beside(&path, "-wal").iter().filter(|path| path.to_string_lossy().contains("unreadable")).count(),
                1
            );
        } else {
            assert_eq!(state_of(&store), ran.commits[0].1, "as it was when the log was last written back");
        }
    }
}

#[test]
fn a_file_cut_short_at_any_page_is_mended_like_any_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    let original = folder.path().join("store.db");
    let (key, before) = closed_store(&original);
    let bytes = fs::read(&original).expect("reads");
    for length in (0..bytes.len()).step_by(PAGE).flat_map(|page| [page, page + 1_000]) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        fs::write(&path, &bytes[..length]).expect("writes");
        let store = Store::open(&path, &key, Surroundings::real()).expect("opens");
        if length == 0 {
            assert_eq!(state_of(&store), State::default(), "an empty file is a new store");
        } else {
            assert_honest(&store, &before, &format!("cut at {length}"));
        }
    }
}

#[test]
fn an_interrupted_exchange_of_the_damaged_store_is_finished_or_begun_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let (key, before) = closed_store(&path);
    // Cut off while building: the old store still counts.
    fs::write(files::workshop(&path), b"half").expect("writes");
    let store = Store::open(&path, &key, Surroundings::real()).expect("opens");
    assert_eq!(state_of(&store), before);
    assert!(!files::workshop(&path).exists());
    store.connections.close();
    // Cut off after the damaged database, but not its log, was moved away.
    fs::rename(&path, files::workshop(&path)).expect("moves");
    fs::write(folder.path().join("store.db-wal"), b"the damaged store's log").expect("writes");
    let store = Store::open(&path, &key, Surroundings::real()).expect("opens");
    assert_eq!(state_of(&store), before, "the new one was complete");
    assert_eq!(beside(&path, ".unreadable-").len(), 1, "the old log is kept beside it");
}

#[test]
fn a_place_that_cannot_hold_a_store_is_a_clear_error_and_is_left_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    fs::create_dir(&path).expect("makes a folder");
    fs::write(path.join("something"), b"else").expect("writes");
    let code =
        |path: &Path| Store::open(path, &new_key(), Surroundings::real()).map(|_| ()).map_err(|error| error.code());
    assert_eq!(code(&path), Err(ErrorCode::StoreFailed));
    assert_eq!(fs::read(path.join("something")).expect("reads"), b"else");
    // A file where the folder should be.
    assert_eq!(code(&path.join("something").join("store.db")), Err(ErrorCode::StoreFailed));
}

#[test]
fn signing_out_removes_what_was_set_aside_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let (key, _) = closed_store(&path);
    spoil(&path, 100);
    Store::open(&path, &key, Surroundings::real()).expect("opens").connections.close();
    assert!(!beside(&path, ".unreadable-").is_empty());
    remove(&path).expect("removes");
    assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 0);
}
