//! Spoiling what peers send, the same way for every test that does it. A seed tells a case.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::{fs, path::Path};

use rand::{Rng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde_json::{Value, json};

/// The golden payloads of the contract, from its folder of fixtures.
pub(crate) fn golden(folder: &Path) -> Vec<Value> {
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

/// A value that nobody expects.
pub(crate) fn junk(random: &mut StdRng) -> Value {
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

/// Puts something else in one place.
pub(crate) fn spoil(value: &mut Value, random: &mut StdRng, others: &[Value]) {
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

/// Turns, drops, doubles or adds a few bytes.
pub(crate) fn spoil_bytes(bytes: &mut Vec<u8>, random: &mut StdRng) {
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

/// A number from the environment.
pub(crate) fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
