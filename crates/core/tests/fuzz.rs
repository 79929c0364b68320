//! Whatever a server sends, core goes on; whatever a client sends, the server goes on; whatever is typed as an address, it
//! is an address or a clear error, and likewise a link from outside. Nothing panics, and afterwards the honest are served as before.
//!
//! `HUGMEDO_CHAT_CASES` sets how many cases are tried. A failure names its seed: replay it with `HUGMEDO_CHAT_SEED=<seed>
//! HUGMEDO_CHAT_CASES=1`.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "all of this file is a test")]

mod scene;
#[path = "../../protocol/tests/spoil/mod.rs"]
mod spoil;

use std::{
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result};
use hugmedo_chat_core::{DeepLink, ServerAddress, view::Delivery};
use hugmedo_chat_protocol::ServerEvent;
use hugmedo_chat_testkit::{Hospital, MemorySecrets, ScriptedNetwork, Watch};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use scene::*;
use serde_json::{Value, json};
use spoil::{golden, junk, number, spoil, spoil_bytes};

fn cases(few: u64) -> (u64, u64) {
    (number("HUGMEDO_CHAT_SEED").unwrap_or(0), number("HUGMEDO_CHAT_CASES").unwrap_or(few))
}

fn payloads() -> Vec<Value> {
    golden(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../protocol/fixtures"))
}

/// Counts panics, on whichever thread.
fn panics() -> Arc<AtomicU64> {
    let count = Arc::new(AtomicU64::new(0));
    let (counted, usual) = (Arc::clone(&count), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |info| {
        counted.fetch_add(1, Ordering::SeqCst);
        usual(info);
    }));
    count
}

#[test]
fn whatever_comes_as_a_link_leads_to_a_room_or_is_refused() {
    let pieces = [
        "hugmedo-chat://room/",
        "hugmedo-chat:",
        "HUGMEDO-CHAT://",
        "//",
        "room",
        "/",
        "general",
        "/message/",
        "message",
        "0198c2",
        "?",
        "#",
        "@",
        ":",
        "80",
        "%",
        "%00",
        "%2f",
        "%2F",
        "%5c",
        "%2e%2e",
        "..",
        "%E7%97%85",
        "病棟",
        "%FF",
        "\u{202e}",
        "%E2%80%AE",
        "\u{200b}",
        " ",
        "\n",
        "\0",
        "\\",
        "--hidden",
        "javascript:",
        "https://",
        "[",
        "]",
        "xn--",
    ];
    let (first, cases) = cases(20_000);
    let (mut links, mut refused) = (0, 0);
    for seed in first..first + cases {
        let mut random = StdRng::seed_from_u64(seed);
        let mut text = String::from(if random.random_bool(0.7) { "hugmedo-chat://room/" } else { "" });
        for _ in 0..random.random_range(0..6) {
            if random.random_bool(0.1) {
                text.push(random.random());
            } else {
                text.push_str(pieces.choose(&mut random).copied().unwrap_or(""));
            }
        }
        let parsed = std::panic::catch_unwind(|| DeepLink::parse(&text));
        match parsed.unwrap_or_else(|_| panic!("replay with HUGMEDO_CHAT_SEED={seed} HUGMEDO_CHAT_CASES=1")) {
            Ok(DeepLink::Server(server)) => assert!(server.as_str().starts_with("https://"), "seed {seed}"),
            Ok(DeepLink::Place { room_id, message_id }) => {
                links += 1;
                let ids = [Some(room_id.as_str()), message_id.as_ref().map(|id| id.as_str())];
                for id in ids.into_iter().flatten() {
                    assert!(!id.is_empty() && id.len() <= 128, "seed {seed}");
                    assert!(
                        !id.chars().any(|c| c.is_control() || c.is_whitespace() || c == '/' || c == '\\'),
                        "seed {seed}"
                    );
                }
            }
            Err(_) => refused += 1,
        }
    }
    assert!(cases < 1_000 || (links > cases / 100 && refused > cases / 10), "{links} links, {refused} refused");
}

#[test]
fn whatever_is_typed_as_an_address_is_one_or_a_clear_error() {
    let pieces = [
        "http://",
        "https://",
        "HTTP://",
        "://",
        "chat.example.jp",
        "127.0.0.1",
        "[::1]",
        "localhost",
        ":",
        "8080",
        "99999",
        "/",
        "?",
        "#",
        "@",
        "user:pw",
        "\u{202e}",
        "日本.jp",
        "xn--",
        "%00",
        "%2f",
        " ",
        "\n",
        "..",
        "\\",
        "javascript:",
        "file:///",
        "[",
        "]",
        "0x7f.1",
        "1e9",
        "\0",
        ".localhost",
        "ftp://",
    ];
    let (first, cases) = cases(20_000);
    let (mut addresses, mut errors) = (0, 0);
    for seed in first..first + cases {
        let mut random = StdRng::seed_from_u64(seed);
        let mut typed = String::new();
        for _ in 0..random.random_range(0..8) {
            if random.random_bool(0.1) {
                typed.push(random.random());
            } else {
                typed.push_str(pieces.choose(&mut random).copied().unwrap_or(""));
            }
        }
        let allow_insecure = random.random();
        let parsed = std::panic::catch_unwind(|| ServerAddress::parse(&typed, allow_insecure));
        match parsed.unwrap_or_else(|_| panic!("replay with HUGMEDO_CHAT_SEED={seed} HUGMEDO_CHAT_CASES=1")) {
            Ok(address) => {
                addresses += 1;
                let shown = address.as_str();
                assert!(shown.starts_with("http://") || shown.starts_with("https://"), "seed {seed}");
                let rest = shown.split_once("://").map_or("", |(_, rest)| rest);
                assert!(!rest.is_empty() && !rest.contains(['/', '?', '#', '@', ' ']), "seed {seed}: {shown}");
                let again = ServerAddress::parse(shown, true).expect("an address is one");
                assert_eq!(again.as_str(), shown, "seed {seed}: and stays the same");
            }
            Err(error) => {
                errors += 1;
                assert!(!error.to_string().contains("user:pw"), "seed {seed}: an error quotes what was typed");
            }
        }
    }
    println!("{cases} addresses from seed {first}: 0 panics, {addresses} addresses, {errors} errors");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_server_says_core_goes_on_and_is_right_again_once_the_server_is() -> Result<()> {
    const SAID: u64 = 5;
    let panics = panics();
    let (first, cases) = cases(4_000);
    let golden = Arc::new(payloads());
    let honest = Arc::new(AtomicBool::new(true));
    let (spoiled, is_honest) = (Mutex::new(StdRng::seed_from_u64(first)), Arc::clone(&honest));
    let all = Arc::clone(&golden);
    let scene = Scene {
        network: ScriptedNetwork::new(Arc::new(move |call: &str, _: Option<&Value>| {
            let mut answer = answer(call, SAID);
            if !is_honest.load(Ordering::SeqCst) && call.starts_with("GET ") {
                let random = &mut *spoiled.lock().expect("not poisoned");
                if random.random_bool(0.7) {
                    spoil(&mut answer, random, &all);
                }
            }
            Ok(answer)
        })),
        secrets: MemorySecrets::default(),
    };
    let folder = tempfile::tempdir()?;
    let core = scene.start(folder.path()).await?;
    let mut watch = Watch::of(&core).await?;
    core.sign_in(request(true)).await?;
    drop(scene.connect(&mut watch).await?);

    honest.store(false, Ordering::SeqCst);
    let (mut seed, mut said) = (first, 0_u64);
    while seed < first + cases {
        core.reconnect_now().await?;
        let mut session = scene.network.accept().await?;
        session.say(greeting()).await?;
        loop {
            let mut random = StdRng::seed_from_u64(seed);
            let mut payload = golden.choose(&mut random).cloned().unwrap_or_default();
            (0..random.random_range(0..3)).for_each(|_| spoil(&mut payload, &mut random, &golden));
            seed += 1;
            let names =
                ["new_message", "notification", "typing", "message_changed", "receipt", "room_changed", "room_removed"];
            for name in names {
                // Only what can be read reaches core; the rest ends at the transport.
                let Ok(event) = ServerEvent::parse(name, payload.clone()) else { continue };
                if session.say(event).await.is_err() {
                    break;
                }
                said += 1;
            }
            // Spoiled answers to what core asks meanwhile; now and then the link breaks.
            while let Ok(Ok(asked)) = tokio::time::timeout(Duration::from_micros(200), session.heard()).await {
                let mut ack = json!({ "ok": true, "roomId": ROOM, "lastSeq": 0, "readSeq": 0, "deliveredSeq": 0 });
                spoil(&mut ack, &mut random, &golden);
                asked.answer(ack);
            }
            if random.random_bool(0.02) || seed >= first + cases {
                break;
            }
        }
    }
    assert_eq!(panics.load(Ordering::SeqCst), 0, "from seed {first}");

    // The server is itself again; what it never said in truth may stay in the store, what it says now is shown.
    honest.store(true, Ordering::SeqCst);
    core.reconnect_now().await?;
    let mut session = scene.connect(&mut watch).await?;
    let id = send(&core, "本当です").await?;
    loop {
        let asked = session.heard_named("message").await?;
        let ours = asked.payload["clientMessageId"] == json!(id);
        let answer = ack(1_000_000, &asked.payload);
        asked.answer(answer);
        if ours {
            break;
        }
    }
    watch.until_message(&room(), &format!("{MARKER} 本当です"), Some(Delivery::Sent)).await?;
    assert_eq!(panics.load(Ordering::SeqCst), 0, "from seed {first}");
    println!("{cases} spoiled payloads from seed {first}: {said} were events, 0 panics");
    core.shutdown().await;
    Ok(())
}

/// One Engine.IO session by long polling, which takes any bytes we like.
struct Peer {
    http: reqwest::Client,
    url: String,
}

impl Peer {
    async fn open(server: &str, token: Option<&str>) -> Result<Self> {
        let http = reqwest::Client::new();
        let url = format!("{server}/socket.io/?EIO=4&transport=polling");
        let opened = http.get(&url).send().await?.text().await?;
        let handshake: Value =
            serde_json::from_str(opened.trim_start_matches('0')).context("an Engine.IO handshake")?;
        let url = format!("{url}&sid={}", handshake["sid"].as_str().context("a sid")?);
        let peer = Self { http, url };
        if let Some(token) = token {
            peer.say(format!("40{}", json!({ "token": token, "protocol": 1 })).into_bytes()).await?;
            peer.http.get(&peer.url).send().await?;
        }
        Ok(peer)
    }

    /// Whether the session goes on.
    async fn say(&self, frame: Vec<u8>) -> Result<bool> {
        let said =
            self.http.post(&self.url).header("content-type", "text/plain;charset=UTF-8").body(frame).send().await?;
        Ok(said.status().is_success())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_client_sends_the_server_goes_on() -> Result<()> {
    let panics = panics();
    let (first, cases) = cases(300);
    let hospital = Hospital::open().await?;
    let login = json!({ "username": "suzuki", "password": "hugmedo-demo" });
    let http = reqwest::Client::new();
    let grant: Value = http.post(format!("{}/api/login", hospital.url())).json(&login).send().await?.json().await?;
    let token = grant["accessToken"].as_str().context("a token")?;
    let golden = payloads();
    let names =
        ["message", "join_room", "read", "renew", "heartbeat", "acknowledge", "edit_message", "delivered", "typing"];
    let mut peer = None;
    let (mut taken, mut refused) = (0_u64, 0_u64);
    for seed in first..first + cases {
        let mut random = StdRng::seed_from_u64(seed);
        let mut payload = golden.choose(&mut random).cloned().unwrap_or_default();
        (0..random.random_range(0..3)).for_each(|_| spoil(&mut payload, &mut random, &golden));
        let name: Value = match random.random_range(0..10) {
            0 => junk(&mut random),
            _ => names.choose(&mut random).copied().unwrap_or("").into(),
        };
        let id = if random.random_bool(0.7) { random.random_range(0..u32::MAX).to_string() } else { String::new() };
        let mut frame = format!("42{id}{}", json!([name, payload])).into_bytes();
        if random.random_bool(0.5) {
            spoil_bytes(&mut frame, &mut random);
        }
        let present = match peer.take() {
            Some(present) => present,
            None => Peer::open(&hospital.url(), random.random_bool(0.8).then_some(token)).await?,
        };
        if present.say(frame).await? {
            taken += 1;
            peer = Some(present);
        } else {
            refused += 1;
        }
    }
    assert_eq!(panics.load(Ordering::SeqCst), 0, "from seed {first}");
    let mut sato = hospital.clinician("sato").await?;
    let room = sato.watch.rooms.keys().next().cloned().context("a room")?;
    let id = hugmedo_chat_protocol::ClientMessageId::generate();
    let outgoing = hugmedo_chat_core::view::OutgoingMessage {
        room_id: room.clone(),
        client_message_id: id,
        content: "まだ動いています".into(),
        priority: Default::default(),
        reply_to: None,
        mentions: Vec::new(),
        attachments: Vec::new(),
        keeps_draft: false,
    };
    sato.core.send_message(outgoing).await?;
    sato.watch.until_message(&room, "まだ動いています", Some(Delivery::Sent)).await?;
    println!("{cases} spoiled frames from seed {first}: 0 panics, {taken} taken, {refused} refused");
    assert!(taken > 0);
    Ok(())
}
