//! Whatever a peer sends, reading it ends in a value or an error, never in a panic, and no error quotes it.
//!
//! Golden payloads are spoiled, as JSON and as bytes, and read by every type of the contract. `HUGMEDO_CHAT_CASES` sets how
//! many are tried. A failure names its seed: replay it with `HUGMEDO_CHAT_SEED=<seed> HUGMEDO_CHAT_CASES=1`.

#![allow(clippy::expect_used, clippy::panic, reason = "all of this file is a test")]

mod spoil;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use hugmedo_chat_protocol::*;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use spoil::{golden, number, spoil, spoil_bytes};

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
    by_event::<SetPresence>,
    by_event::<Renew>,
    by_event::<Heartbeat>,
    by::<LoginRequest>,
    by::<SecondFactorRequest>,
    by::<SecondFactorOffer>,
    by::<RecoveryCodes>,
    by::<SecondFactorStatus>,
    by::<DevicesList>,
    by::<TokenRequest>,
    by::<SessionGrant>,
    by::<User>,
    by::<RoomsList>,
    by::<MessagesPage>,
    by::<PeopleList>,
    by::<Attachment>,
    by::<NewRoomRequest>,
    by::<Room>,
    by::<SyncPage>,
    by::<ApiError>,
    by::<ConnectAuth>,
    by::<SessionInfo>,
    by::<Message>,
];

#[test]
fn whatever_a_peer_sends_reading_it_never_panics() {
    let golden = golden(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"));
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
