//! The addresses of the database and of Redis hold passwords: nobody reads them anywhere.

use std::process::{Command, Output};

use hugmedo_chat_protocol::Secret;
use hugmedo_chat_server::{Config, Database, Redis};

const PASSWORD: &str = "swordfish-4711";

fn run(arguments: &[&str], environment: &[(&str, String)]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hugmedo-chat-server"));
    command.env("HUGMEDO_CHAT_DATA_DIR", folder.path()).args(arguments);
    command.envs(environment.iter().map(|(name, value)| (name, value))).output().unwrap()
}

fn assert_silent(output: &Output) -> String {
    let said = [&output.stdout[..], &output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(!said.contains(PASSWORD), "{said}");
    said
}

#[test]
fn no_password_of_an_address_is_in_what_the_program_says() {
    let closed = format!("postgres://chat:{PASSWORD}@127.0.0.1:1/chat");
    let odd = format!("postgres://chat:{PASSWORD}@host:port/chat?sslmode=sometimes");
    let redis = format!("redis:/{PASSWORD}");
    let database = |url: &str| ("HUGMEDO_CHAT_DATABASE", url.to_owned());
    let serve = ["serve", "--listen", "127.0.0.1:0", "--log", "debug"];

    let unreachable = run(&serve, &[database(&closed)]);
    assert!(!unreachable.status.success());
    assert!(assert_silent(&unreachable).contains("cannot be reached"));
    assert!(!run(&serve, &[database(&odd)]).status.success());
    for (arguments, environment) in [
        (&serve[..], vec![database(&odd)]),
        (&["serve", "--help"], vec![database(&closed), ("HUGMEDO_CHAT_REDIS", redis.clone())]),
        (&["room", "list"], vec![database(&closed)]),
        (&["serve", "--database", &closed, "--listen", "nowhere"], vec![]),
        (&["serve", "--listen", "127.0.0.1:0"], vec![("HUGMEDO_CHAT_REDIS", redis)]),
    ] {
        assert_silent(&run(arguments, &environment));
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings.toml");
    std::fs::write(&file, format!("database = \"{closed}\"\nlistne = 1\n")).unwrap();
    let file = file.to_str().unwrap();
    for arguments in [&["serve", "--config", file][..], &["serve", "--config", file, "--help"]] {
        assert_silent(&run(arguments, &[]));
    }
}

#[test]
fn a_configuration_that_is_printed_holds_no_address() {
    let mut config = Config::new(([127, 0, 0, 1], 0).into(), "/nowhere");
    config.database = Some(Database { url: Secret::new(format!("postgres://a:{PASSWORD}@b/c")), ca_file: None });
    config.redis = Some(Redis { url: Secret::new(format!("redis://:{PASSWORD}@b")) });
    assert!(!format!("{config:?}").contains(PASSWORD));
}
