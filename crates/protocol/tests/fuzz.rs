//! Whatever a peer sends, reading it ends in a value or an error, never in a panic, and no error quotes it.
//!
//! Golden payloads are spoiled, as JSON and as bytes, and read by every type of the contract. `HUGMEDO_CHAT_CASES` sets how
//! many are tried. A failure names its seed: replay it with `HUGMEDO_CHAT_SEED=<seed> HUGMEDO_CHAT_CASES=1`.
//! (There are no deep links yet; once there are, they are read here too.)

#![allow(clippy::expect_used, clippy::panic, reason = "all of this file is a test")]

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use hugmedo_chat_protocol::*;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// The golden payloads, and what reads each of them without error: there is something to lose.
fn golden() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("the fixtures are there").map(|file| file.expect("readable").path()).collect();
    files.sort();
    let mut payloads = Vec::new();
    for file in files {
        let fixture: Value = serde_json::from_slice(&fs::read(file).expect("readable")).expect("JSON");
        payloads.extend(["payload", "ack", "request", "answer"].iter().filter_map(|part| fixture.get(part).cloned()));
    }
    assert!(payloads.len() > 40);
    payloads
}

/// Reads, and writes what was read. Whether it was read.
type Reader = fn(&[u8], &Value) -> bool;

fn by<T: DeserializeOwned + Serialize>(bytes: &[u8], value: &Value) -> bool {
    let _ = serde_json::from_slice::<T>(bytes);
    match serde_json::from_value::<T>(value.clone()) {
        Ok(typed) => {
            let written = serde_json::to_value(&typed).expect("what was read can be written");
            let again = serde_json::from_value::<T>(written.clone()).expect("and read again");
            assert_eq!(serde_json::to_value(again).expect("writes"), written, "and is the same then");
            true
        }
        Err(_) => false,
    }
}

fn by_event<E: ClientEvent>(bytes: &[u8], value: &Value) -> bool {
    by::<E>(bytes, value) | by::<Ack<E::Answer>>(bytes, value)
}

const SERVER_EVENTS: [&str; 12] = [
    "new_message",
    "notification",
    "typing",
    "message_changed",
    "receipt",
    "room_changed",
    "room_removed",
    "presence",
    "session",
    "session_ended",
    "from_the_future",
    "",
];

fn by_server_event(_: &[u8], value: &Value) -> bool {
    let mut read = false;
    for name in SERVER_EVENTS {
        match ServerEvent::parse(name, value.clone()) {
            Ok(event) => {
                let _ = event.payload();
                read |= !matches!(event, ServerEvent::Unknown(_));
            }
            Err(error) => {
                let shown = format!("{error} {error:?}");
                assert!(!shown.contains("血圧") && !shown.contains("MARKER"), "an error quotes what was said");
            }
        }
    }
    read
}

const READERS: &[Reader] = &[
    by_server_event,
    by::<ServerEvent>,
    by_event::<JoinRoom>,
    by_event::<LeaveRoom>,
    by_event::<SendMessage>,
    by_event::<Typing>,
    by_event::<Read>,
    by_event::<Delivered>,
    by_event::<Acknowledge>,
    by_event::<EditMessage>,
    by_event::<DeleteMessage>,
    by_event::<React>,
    by_event::<Renew>,
    by_event::<Heartbeat>,
    by::<LoginRequest>,
    by::<TokenRequest>,
    by::<SessionGrant>,
    by::<User>,
    by::<RoomsList>,
    by::<MessagesPage>,
    by::<SyncPage>,
    by::<ApiError>,
    by::<ConnectAuth>,
    by::<SessionInfo>,
    by::<Message>,
];

fn junk(random: &mut StdRng) -> Value {
    let texts =
        ["", "0", "-1", "null", "\0", "\u{1e}", "\u{2028}", "2026-02-30T25:61:61Z", "MARKER", "𠮟\u{200d}\u{202e}"];
    match random.random_range(0..12) {
        0 => Value::Null,
        1 => random.random::<bool>().into(),
        2 => random.random::<i64>().into(),
        3 => [u64::MAX, 1 << 53, (1 << 53) + 1, 0].choose(random).copied().unwrap_or(0).into(),
        4 => [i64::MIN, -1, i64::MAX].choose(random).copied().unwrap_or(0).into(),
        5 => [1e308, -0.0, 0.1, 1e-320, 9.007_199_254_740_993e15].choose(random).copied().unwrap_or(0.0).into(),
        6 => "長".repeat(random.random_range(0..2_000)).into(),
        7 => (0..random.random_range(0..20)).map(|_| random.random::<char>()).collect::<String>().into(),
        8 => (0..random.random_range(0..200)).fold(json!(1), |inner, _| json!([inner])),
        9 => json!({ "ok": random.random::<bool>(), "code": "teapot", "id": {} }),
        10 => json!([]),
        _ => texts.choose(random).copied().unwrap_or("").into(),
    }
}

fn spoil(value: &mut Value, random: &mut StdRng, others: &[Value]) {
    let inner: Vec<&mut Value> = match value {
        Value::Object(fields) if random.random_bool(0.85) => {
            if let Some(name) = fields.keys().nth(random.random_range(0..=fields.len())).cloned()
                && random.random_bool(0.2)
            {
                let taken = fields.remove(&name);
                if random.random_bool(0.3) {
                    fields.insert(name.to_uppercase(), taken.unwrap_or_default());
                }
                return;
            }
            fields.values_mut().collect()
        }
        Value::Array(items) if random.random_bool(0.85) => {
            if random.random_bool(0.2)
                && let Some(item) = items.first().cloned()
            {
                items.push(item);
            }
            items.iter_mut().collect()
        }
        _ => Vec::new(),
    };
    let count = inner.len();
    match inner.into_iter().nth(random.random_range(0..count.max(1))) {
        Some(inner) => spoil(inner, random, others),
        None if random.random_bool(0.2) => *value = others.choose(random).cloned().unwrap_or_default(),
        None => *value = junk(random),
    }
}

fn spoil_bytes(bytes: &mut Vec<u8>, random: &mut StdRng) {
    for _ in 0..random.random_range(1..4) {
        let place = random.random_range(0..bytes.len().max(1));
        match random.random_range(0..5) {
            0 => bytes.truncate(place),
            1 => bytes.insert(place.min(bytes.len()), random.random()),
            2 => bytes.extend_from_within(place.min(bytes.len())..),
            3 => bytes.splice(place.min(bytes.len())..place.min(bytes.len()), *b"\\ud800").for_each(drop),
            _ => {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= 1 << random.random_range(0..8);
                }
            }
        }
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn whatever_a_peer_sends_reading_it_never_panics() {
    let golden = golden();
    for payload in &golden {
        let bytes = serde_json::to_vec(payload).expect("writes");
        assert!(READERS.iter().any(|reader| reader(&bytes, payload)), "a golden payload is read by something");
    }
    let (first, cases) = (number("HUGMEDO_CHAT_SEED").unwrap_or(0), number("HUGMEDO_CHAT_CASES").unwrap_or(10_000));
    let (mut read, mut refused) = (0_u64, 0_u64);
    for seed in first..first + cases {
        let mut random = StdRng::seed_from_u64(seed);
        let mut value = golden.choose(&mut random).cloned().unwrap_or_default();
        let times = random.random_range(0..4);
        (0..times).for_each(|_| spoil(&mut value, &mut random, &golden));
        let mut bytes = serde_json::to_vec(&value).expect("writes");
        spoil_bytes(&mut bytes, &mut random);
        for _ in 0..4 {
            let reader = READERS.choose(&mut random).expect("there are some");
            match catch_unwind(AssertUnwindSafe(|| reader(&bytes, &value))) {
                Ok(true) => read += 1,
                Ok(false) => refused += 1,
                Err(_) => panic!("replay with HUGMEDO_CHAT_SEED={seed} HUGMEDO_CHAT_CASES=1"),
            }
        }
    }
    println!("{cases} spoiled payloads from seed {first}: 0 panics, {read} readings, {refused} refusals");
    assert!(read > 0 && refused > read / 10, "both happen: {read} and {refused}");
}
