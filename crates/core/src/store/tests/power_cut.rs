//! Power cuts and rot: the write-ahead log cut anywhere, bits turned over anywhere. The store then holds a state that once
//! was true, whole, or is built anew; it never shows a text that is not its message's.
//!
//! `HUGMEDO_CHAT_CASES` sets how many random cuts and how many turned bits are tried. A failure names its seed: replay it
//! with `HUGMEDO_CHAT_SEED=<seed> HUGMEDO_CHAT_CASES=1`.

use std::{fs, path::Path};

use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{damage::assert_honest, known_load::*, *};

/// SQLite's format: a header, then frames of a header and a page each.
const LOG_HEADER: u64 = 32;
const FRAME: u64 = 24 + 4096;

/// A running store's files at rest, as a power cut would leave them.
struct Scene {
    database: Vec<u8>,
    log: Vec<u8>,
    ran: Ran,
    _folder: tempfile::TempDir,
}

impl Scene {
    fn play() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let mut ran = run(&path, &mut StdRng::seed_from_u64(3), 30);
        leave_unsent(&ran.store);
        ran.commits.push((files::log_length(&path), state_of(&ran.store)));
        let log = fs::read(folder.path().join("store.db-wal")).expect("reads");
        assert!(log.len() as u64 > 40 * FRAME, "something is at stake");
        Self { database: fs::read(&path).expect("reads"), log, ran, _folder: folder }
    }

    /// The state of the last commit that lies whole before this place in the log.
    fn surviving(&self, length: u64) -> &State {
        let mut survivors = self.ran.commits.iter().filter(|(end, _)| *end <= length);
        &survivors.next_back().expect("the first state needs no log").1
    }

    fn check(&self, database: &[u8], log: &[u8], expected: &State, case: &str) -> Rebuilds {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        write(&path, database);
        write(&folder.path().join("store.db-wal"), log);
        let store = Store::open(&path, &self.ran.key).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_honest(&store, expected, case)
    }
}

fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).expect("writes");
}

#[test]
fn a_log_cut_anywhere_leaves_the_last_whole_commit_and_nothing_of_the_next() {
    let scene = Scene::play();
    let length = scene.log.len() as u64;
    let boundaries = (0..).map(|frame| LOG_HEADER + frame * FRAME).take_while(|end| *end <= length);
    let mut tried = 0;
    for cut in boundaries.chain([0, 1, LOG_HEADER - 1]) {
        let log = scene.log.get(..usize::try_from(cut).expect("fits")).expect("within");
        let rebuilds = scene.check(&scene.database, log, scene.surviving(cut), &format!("cut at {cut}"));
        assert_eq!(rebuilds.count, 0, "cut at {cut}: a cut is no damage");
        tried += 1;
    }
    let (seed, cases) = (first_seed(), cases(100));
    for seed in seed..seed + cases {
        let cut = StdRng::seed_from_u64(seed).random_range(0..=length);
        let log = scene.log.get(..usize::try_from(cut).expect("fits")).expect("within");
        let rebuilds = scene.check(&scene.database, log, scene.surviving(cut), &format!("seed {seed}: cut at {cut}"));
        assert_eq!(rebuilds.count, 0, "seed {seed}: a cut is no damage");
    }
    println!("log cut at {tried} frame boundaries and, from seed {seed}, at {cases} random places: 0 wrong");
}

#[test]
fn a_bit_turned_over_anywhere_shows_no_wrong_text_and_loses_nothing_silently() {
    let scene = Scene::play();
    let (seed, cases) = (first_seed(), cases(150));
    let (mut rebuilt, mut lossy) = (0, 0);
    for seed in seed..seed + cases {
        let mut random = StdRng::seed_from_u64(seed);
        let in_log = random.random_bool(0.5);
        let (mut database, mut log) = (scene.database.clone(), scene.log.clone());
        let spoiled = if in_log { &mut log } else { &mut database };
        let place = random.random_range(0..spoiled.len());
        spoiled[place] ^= 1 << random.random_range(0..8);
        // SQLite checks every frame, and takes the log to end before the first that fails.
        let whole = if in_log { frame_start(place as u64) } else { u64::MAX };
        let part = if in_log { "log" } else { "database" };
        let case = format!("seed {seed}: a bit at {place} of the {part}");
        let rebuilds = scene.check(&database, &log, scene.surviving(whole), &case);
        rebuilt += rebuilds.count;
        lossy += u32::from(rebuilds.lossy);
    }
    println!(
        "{cases} bits turned over from seed {seed}: {rebuilt} stores built anew, {lossy} with a loss that was told"
    );
}

/// Where the frame begins that this place is in; the header's damage makes the log worthless.
fn frame_start(place: u64) -> u64 {
    match place.checked_sub(LOG_HEADER) {
        Some(place) => LOG_HEADER + place / FRAME * FRAME,
        None => 0,
    }
}

#[test]
fn a_checkpoint_leaves_no_log_behind_that_could_be_mixed_with_what_it_wrote() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let store = Store::open(&path, &new_key()).expect("opens");
    let (mut longest, mut shortened) = (0, 0);
    for number in 0..1_500 {
        let message = outgoing(&"長".repeat(3_000));
        store.connections.write(move |t| outbox::enqueue(t, &sato(), &message)).expect("writes");
        let length = files::log_length(&path);
        if length < longest {
            assert_eq!(length, 0, "message {number}: written back whole");
            shortened += 1;
            longest = 0;
        }
        longest = longest.max(length);
        assert!(longest < 5 * 1024 * 1024, "message {number}: the log is {longest} bytes long");
    }
    assert!(shortened > 2, "it was written back {shortened} times");
}
