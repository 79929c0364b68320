//! Settings: from arguments, the environment and a file, in this order, and every mistake at once.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};

use crate::command_line::{Serving, done, program};

fn file(folder: &Path, text: &str) -> String {
    let path = folder.join("settings.toml");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn fails(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_file_sets_what_flags_set_and_the_environment_and_arguments_go_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Addresses on which somebody listens already: from where the server was told of one shows in what it complains of.
    let held = [(); 2].map(|()| std::net::TcpListener::bind("127.0.0.1:0").unwrap());
    let [taken, other] = held.each_ref().map(|listener| listener.local_addr().unwrap().to_string());
    let settings = file(
        folder,
        &format!(
            "listen = \"{taken}\"\nlease_days = 30\nlog = \"off\"\nallow-origin = [\"https://a.example\", \"https://b.example\"]\n"
        ),
    );
    assert!(fails(program(folder).args(["--config", &settings])).contains(&taken));
    assert!(fails(program(folder).args(["--config", &settings]).env("HUGMEDO_CHAT_LISTEN", &other)).contains(&other));
    let serving = Serving::start(folder, &["serve", &format!("--config={settings}")]);
    assert!(serving.url.starts_with("http://127.0.0.1:"), "the argument");
    drop(serving);

    // The folder of the data is a setting of every command.
    let data = folder.join("elsewhere");
    let settings = file(folder, &format!("data_dir = {:?}\ndemo = false\n", data.to_str().unwrap()));
    let mut add = program(folder);
    add.env_remove("HUGMEDO_CHAT_DATA_DIR").env("HUGMEDO_CHAT_CONFIG", &settings).args(["room", "add", "ward"]);
    assert!(add.output().unwrap().status.success());
    assert!(data.join("server.sqlite3").exists());
    assert_eq!(done(&data, &["room", "list"], "").lines().count(), 1);
}

/// For how long a server that is started so lends what devices store: as it says at sign-in, and when the session is renewed.
async fn lent(folder: &Path, args: &[&str]) -> [Value; 2] {
    let serving = Serving::start(folder, args);
    let grant = async |path: &str, body: Value| -> Value {
        let answer = reqwest::Client::new().post(format!("{}{path}", serving.url)).json(&body).send().await.unwrap();
        answer.json().await.unwrap()
    };
    let signed_in = grant("/api/login", json!({ "username": "alice", "password": "a long password" })).await;
    let renewed = grant("/api/token", json!({ "refreshToken": signed_in["refreshToken"] })).await;
    assert!(renewed["accessToken"].is_string(), "{renewed}");
    [signed_in, renewed].map(|grant| grant["leaseSeconds"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn how_long_devices_may_keep_what_they_store_is_set_in_days_and_told_with_every_grant() {
    const DAY: u64 = 24 * 60 * 60;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, &["user", "add", "alice"], "a long password\n");
    let settings = file(folder, "lease_days = 30\n");
    let settings = settings.as_str();
    for (args, days) in [
        (&["serve"][..], None),
        (&["serve", "--config", settings], Some(30)),
        (&["serve", "--config", settings, "--lease-days", "2"], Some(2)),
        (&["serve", "--config", settings, "--lease-days", "0"], None),
    ] {
        let seconds = days.map_or(Value::Null, |days: u64| json!(days * DAY));
        assert_eq!(lent(folder, args).await, [seconds.clone(), seconds], "{args:?}");
    }
}

#[test]
fn every_mistake_is_named_at_once_and_nothing_starts() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let settings = file(
        folder,
        "listen = \"somewhere\"\nlease_days = -1\nlistne = 1\ndemo = \"yes\"\nlog = 7\n[limits]\nmessages = 3\n",
    );
    let said = fails(program(folder).args(["--config", &settings]).env("HUGMEDO_CHAT_MAX_ATTACHMENT_MB", "many"));
    for mistake in [
        "listen: ",
        "lease_days: ",
        "listne: there is no such setting",
        "demo: true or false",
        "log: ",
        "limits: there is no such",
    ] {
        assert!(said.contains(&format!("{settings}: {mistake}")), "{mistake} in {said}");
    }
    assert!(said.contains("HUGMEDO_CHAT_MAX_ATTACHMENT_MB: "), "{said}");
    assert_eq!(said.lines().count(), 7, "{said}");
    assert!(!folder.join("server.sqlite3").exists());

    let settings = file(folder, "listen = \n");
    assert!(fails(program(folder).args(["--config", &settings])).contains("line 1: "));
    assert!(fails(program(folder).args(["--config", "/nowhere/settings.toml"])).contains("cannot be read"));

    let said = fails(program(folder).args([
        "--demo-quiet",
        "--max-attachment-mb=0",
        "--allow-origin=https://a.example/,b.example,https://c.example",
    ]));
    assert_eq!(said.lines().count(), 4, "{said}");
}

#[test]
fn settings_that_go_together_are_taken_from_wherever_they_stand_and_one_without_the_other_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    fs::write(folder.join("chat.pem"), cert.pem()).unwrap();
    fs::write(folder.join("chat.key"), signing_key.serialize_pem()).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let pairs = [
        ("TLS_CERT", "tls_cert", path("chat.pem"), "TLS_KEY", "tls_key", path("chat.key")),
        (
            "OIDC_ISSUER",
            "oidc_issuer",
            "https://id.example.org".to_owned(),
            "OIDC_AUDIENCE",
            "oidc_audience",
            "chat".to_owned(),
        ),
    ];
    let variable = |name: &str| format!("HUGMEDO_CHAT_{name}");
    let data = |name: &str| folder.join(name);

    let mut environment = program(&data("environment"));
    let mut text = String::new();
    for (first, first_key, first_value, second, second_key, second_value) in &pairs {
        environment.env(variable(first), first_value).env(variable(second), second_value);
        text += &format!("{first_key} = {first_value:?}\n{second_key} = {second_value:?}\n");
    }
    let by_environment = Serving::of(environment.arg("serve"));
    assert!(by_environment.url.starts_with("https://"), "{}", by_environment.url);
    let settings = file(folder, &text);
    let by_file = Serving::start(&data("file"), &["serve", "--config", &settings]);
    assert!(by_file.url.starts_with("https://"), "{}", by_file.url);

    for (first, first_key, first_value, second, second_key, second_value) in &pairs {
        // One from the environment, the other from the file.
        let settings = file(folder, &format!("{second_key} = {second_value:?}\n"));
        let mut mixed = program(&data("mixed"));
        drop(Serving::of(mixed.args(["serve", "--config", &settings]).env(variable(first), first_value)));

        let lonely = format!("{} needs {} beside it", second_key.replace('_', "-"), first_key.replace('_', "-"));
        let said = fails(program(&data("none")).args(["serve", "--config", &settings]));
        assert!(said.contains(&lonely), "{said}");
        let said = fails(program(&data("none")).arg("serve").env(variable(second), second_value));
        assert!(said.contains(&lonely), "{said}");
    }
    assert!(!data("none").exists(), "nothing was begun");
}

#[cfg(unix)]
#[test]
fn a_log_for_machines_is_one_json_object_per_line() {
    use std::io::Read as _;
    let folder = tempfile::tempdir().unwrap();
    let mut serving = Serving::start(folder.path(), &["serve", "--log-format", "json", "--demo", "--demo-quiet"]);
    let id = serving.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let mut log = String::new();
    serving.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(lines.iter().any(|line| line["message"] == "listening" && line["address"].is_string()), "{log}");
    assert!(lines.iter().all(|line| line["level"].is_string() && line["timestamp"].is_string()), "{log}");
}
