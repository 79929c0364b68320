//! The program as a process.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use serde_json::{Value, json};

use crate::wire::Wire;

pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hugmedo-chat-server"));
    command.env("HUGMEDO_CHAT_DATA_DIR", folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(folder: &Path, args: &[&str], input: &str) -> Output {
    let mut child = program(folder).args(args).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

pub(crate) fn done(folder: &Path, args: &[&str], input: &str) -> String {
    let output = run(folder, args, input);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A server process that ends with its test.
pub(crate) struct Serving {
    pub(crate) child: Child,
    pub(crate) url: String,
}

impl Serving {
    pub(crate) fn start(folder: &Path, args: &[&str]) -> Self {
        Self::of(program(folder).args(args))
    }

    pub(crate) fn of(command: &mut Command) -> Self {
        let mut child = command.args(["--listen", "127.0.0.1:0"]).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").expect("the line of the contract").to_owned();
        Self { child, url }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_notices_what_the_command_line_does() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, &["user", "add", "alice", "--name", "Alice", "--type", "staff"], "a long password\n");
    done(folder, &["room", "add", "ward", "--name", "Ward 3", "--kind", "staff"], "");
    let serving = Serving::start(folder, &["serve"]);
    let token = done(folder, &["token", "issue", "alice"], "");
    let mut alice = Wire::connect(&serving.url, &token).await;
    assert_eq!(alice.ask("join_room", json!({ "roomId": "ward" })).await["code"], "forbidden");

    done(folder, &["room", "member", "ward", "alice"], "");
    assert_eq!(alice.event_named("room_changed").await["room"]["name"], "Ward 3");
    assert_eq!(alice.ask("join_room", json!({ "roomId": "ward" })).await["ok"], true);
    done(folder, &["room", "member", "ward", "alice", "--remove"], "");
    assert_eq!(alice.event_named("room_removed").await, json!({ "roomId": "ward" }));

    let sign_in = async |password: &str| {
        let body = json!({ "username": "alice", "password": password, "deviceId": "ward-pc" });
        reqwest::Client::new().post(format!("{}/api/login", serving.url)).json(&body).send().await.unwrap().status()
    };
    assert_eq!(sign_in("a long password").await, 200);
    done(folder, &["user", "passwd", "alice"], "another password\n");
    assert_eq!(alice.until_closed().await.last().unwrap().1, json!({ "reason": "revoked" }));
    assert_eq!(sign_in("a long password").await, 401);
    assert_eq!(sign_in("another password").await, 200);

    let devices = || -> Vec<Value> {
        let lines = done(folder, &["device", "list", "alice"], "");
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    assert_eq!(
        (devices().len(), &devices()[0]["id"], &devices()[0]["isSignedIn"]),
        (1, &json!("ward-pc"), &json!(true))
    );
    done(folder, &["device", "revoke", "alice", "ward-pc"], "");
    assert_eq!(devices()[0]["isSignedIn"], false);
    assert!(devices()[0]["eraseAskedAt"].is_string());

    done(folder, &["user", "disable", "alice"], "");
    assert_eq!(sign_in("another password").await, 401);
}

#[test]
fn what_cannot_be_done_is_one_clear_line() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, &["user", "add", "alice"], "a long password\n");
    for (args, input, says) in [
        (&["user", "add", "alice"][..], "a long password\n", "already such a user"),
        (&["user", "add", "bob"], "short\n", "at least 8 characters"),
        (&["user", "add", "bob"], "", "no password on standard input"),
        (&["user", "add", "b o b"], "a long password\n", "a user name is"),
        (&["user", "passwd", "nobody"], "a long password\n", "no such user"),
        (&["user", "disable", "nobody"], "", "no such user"),
        (&["room", "add", "a/b"], "", "a room id is"),
        (&["room", "member", "nowhere", "alice"], "", "no such room"),
        (&["token", "issue", "nobody"], "", "no such user"),
        (&["device", "list", "nobody"], "", "no such user"),
        (&["device", "revoke", "alice", "nowhere"], "", "no such device"),
        (&["--demo", "--listen", "0.0.0.0:0"], "", "refuses to listen on"),
        (&["--listen", "0.0.0.0:0"], "", "could be read by others"),
        (&["--tls-cert", "chat.pem"], "", "tls-key"),
        (&["--tls-cert", "no-such.pem", "--tls-key", "no-such.key"], "", "TLS: no-such.pem"),
        (&["--trusted-proxy", "the proxy"], "", "an address or a network"),
        (&["user", "reset-second-factor", "nobody"], "", "no such user"),
        (&["--database-url", "postgres://x"], "", "unexpected argument"),
        (&["--redis-url", "redis://x"], "", "unexpected argument"),
    ] {
        let output = run(folder, args, input);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{args:?}");
        assert!(error.contains(says), "{args:?}: {error}");
        assert!(!error.contains("panicked"), "{error}");
    }
}

#[test]
fn the_audit_is_verified_and_exported_and_a_tampered_one_fails() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, &["user", "add", "alice"], "a long password\n");
    let verified = run(folder, &["audit", "verify"], "");
    assert!(verified.status.success());
    assert_eq!(String::from_utf8_lossy(&verified.stdout).trim(), "1 entries, 1 checkpoints, 0 findings");
    let exported = run(folder, &["audit", "export"], "");
    let entry: serde_json::Value = serde_json::from_slice(&exported.stdout).unwrap();
    assert_eq!((&entry["action"], &entry["object"]), (&"add_user".into(), &"alice".into()));

    let store = rusqlite::Connection::open(folder.join("server.sqlite3")).unwrap();
    assert!(store.execute("UPDATE audit SET object = 'bob'", ()).is_err(), "the store itself refuses a change");
    store.execute_batch("DROP TRIGGER audit_is_never_changed; UPDATE audit SET object = 'bob'").unwrap();
    drop(store);
    let tampered = run(folder, &["audit", "verify"], "");
    assert!(!tampered.status.success());
    assert!(String::from_utf8_lossy(&tampered.stdout).contains("entry 1"), "{tampered:?}");
}

/// A marker goes through everything a client can say; neither log nor answer of another may hold it.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_server_at_its_finest_log_level_logs_no_text_no_name_and_no_token_and_stops_when_told() {
    const MARKER: &str = "canary-7f3a";
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, &["user", "add", "alice", "--name", MARKER], &format!("{MARKER}-password\n"));
    done(folder, &["room", "add", "ward", "--name", MARKER], "");
    done(folder, &["room", "member", "ward", "alice"], "");
    let mut serving = Serving::start(folder, &["--log", "trace"]);
    let http = reqwest::Client::new();
    let body = json!({ "username": "alice", "password": format!("{MARKER}-password") });
    let grant: serde_json::Value =
        http.post(format!("{}/api/login", serving.url)).json(&body).send().await.unwrap().json().await.unwrap();
    let token = grant["accessToken"].as_str().unwrap();
    let mut alice = Wire::connect(&serving.url, token).await;
    for (name, payload) in [
        ("join_room", json!({ "roomId": "ward" })),
        ("message", json!({ "roomId": "ward", "content": MARKER, "metadata": { MARKER: MARKER } })),
        ("message", json!({ "roomId": MARKER, "content": MARKER })),
        ("message", json!({ "roomId": "ward", "content": [MARKER] })),
        (MARKER, json!({ "content": MARKER })),
        ("renew", json!({ "token": MARKER })),
    ] {
        alice.ask(name, payload).await;
    }
    http.get(format!("{}/api/sync?cursor={MARKER}", serving.url)).bearer_auth(token).send().await.unwrap();
    http.post(format!("{}/api/login", serving.url)).body(MARKER).send().await.unwrap();

    let id = serving.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    alice.until_closed().await;
    let mut log = String::new();
    serving.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    let status = loop {
        match serving.child.try_wait().unwrap() {
            Some(status) => break status,
            None if std::time::Instant::now() < deadline => std::thread::sleep(Duration::from_millis(20)),
            None => panic!("it did not stop"),
        }
    };
    assert!(status.success());
    assert!(log.contains("listening") && log.contains("stopping"), "{log}");
    assert!(!log.contains(MARKER), "{log}");
    assert!(!log.contains(token) && !log.contains("hmca_") && !log.contains("hmcr_"), "{log}");
    assert!(!folder.join("server.sqlite3-wal").exists(), "the store was closed");
    let mode =
        std::os::unix::fs::PermissionsExt::mode(&folder.join("server.sqlite3").metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "other accounts of the machine cannot read it");
}
