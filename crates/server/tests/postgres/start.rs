//! Servers that start on one database.

use std::{
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use hugmedo_chat_server::{Admin, Config, restore, start};

use crate::{
    backing::Store,
    hospital::{Hospital, config, user},
    instances::{Postgres, RedisServer, shared_database},
};

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_start_together_on_an_empty_database_make_one_store_and_one_set_of_keys() {
    let postgres = Postgres::start();
    let folder = tempfile::tempdir().unwrap();
    let mut starting = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let mut config = config(folder.path());
        config.database = Some(postgres.database());
        starting.spawn(start(config));
    }
    let servers: Vec<_> = starting.join_all().await.into_iter().map(Result::unwrap).collect();
    servers[0].admin().add_room("ward", "Ward", hugmedo_chat_protocol::RoomKind::Staff).await.unwrap();
    assert_eq!(servers[3].admin().rooms().await.unwrap().len(), 1);
    for server in servers {
        server.shutdown().await;
    }
    // Each has signed a checkpoint at its end, all with the one key.
    let admin = Admin::open_with(folder.path(), Some(&postgres.database())).unwrap();
    let report = admin.verify_audit(folder.path()).await.unwrap();
    assert_eq!((report.findings, report.checkpoints >= 1), (Vec::new(), true));
    assert!(
        admin.backup(folder.path(), &folder.path().join("copy")).await.unwrap_err().to_string().contains("pg_dump")
    );
    admin.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_a_file_and_servers_on_a_database_do_not_share_a_folder_and_redis_needs_a_database() {
    let (postgres, redis) = (Postgres::start(), RedisServer::start());
    let folder = tempfile::tempdir().unwrap();
    let mut shared = config(folder.path());
    shared.database = Some(postgres.database());
    let server = start(shared.clone()).await.unwrap();
    let mut alone = shared.clone();
    alone.database = None;
    assert!(start(alone.clone()).await.unwrap_err().to_string().contains("a server is working on the data folder"));
    alone.redis = Some(redis.redis());
    assert!(start(alone).await.unwrap_err().to_string().contains("Redis is for several servers"));
    let mut demo = shared;
    demo.demo = true;
    assert!(start(demo).await.unwrap_err().to_string().contains("sample data"));
    server.shutdown().await;
}

async fn refused(config: Config) -> String {
    start(config).await.unwrap_err().to_string()
}

/// A configuration of a server whose store is in the folder.
fn in_file(folder: &Path) -> Config {
    let mut config = config(folder);
    config.database = None;
    config
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folder_of_a_database_loses_nothing_to_a_store_in_a_file_a_copy_of_one_or_another_database() {
    let hospital = Hospital::open().await;
    let token = hospital.token("alice").await;
    let (_, file) = hospital.bring(&token, "report.txt", b"what the file says").await;
    let folder = hospital.stop().await;
    let folder = folder.path();
    let brought = folder.join("attachments").join(file["id"].as_str().unwrap());
    // Old enough not to be one that another server is taking in.
    let long_ago = SystemTime::now() - Duration::from_secs(3 * 24 * 60 * 60);
    fs::File::options().write(true).open(&brought).unwrap().set_modified(long_ago).unwrap();
    let key = fs::read(folder.join("audit-key")).unwrap();

    let elsewhere = tempfile::tempdir().unwrap();
    let (other, copy) = (elsewhere.path().join("other"), elsewhere.path().join("copy"));
    let server = start(in_file(&other)).await.unwrap();
    server.admin().backup(&other, &copy).await.unwrap();
    server.shutdown().await;

    for is_marked in [true, false] {
        if !is_marked {
            // As a version left it that knew no marks.
            fs::remove_file(folder.join("belongs-to")).unwrap();
        }
        assert!(refused(in_file(folder)).await.contains("HUGMEDO_CHAT_DATABASE"));
        assert!(Admin::open(folder).unwrap_err().to_string().contains("HUGMEDO_CHAT_DATABASE"));
        let said = restore(&copy, folder).await.unwrap_err().to_string();
        assert!(said.contains(if is_marked { "a store in a database" } else { "keys of another store" }), "{said}");
    }
    start(config(folder)).await.unwrap().shutdown().await;
    let mut astray = config(folder);
    astray.database = Some(shared_database("astray"));
    assert!(refused(astray).await.contains("another store"));

    assert_eq!(fs::read(folder.join("audit-key")).unwrap(), key);
    assert!(brought.exists() && !folder.join("server.sqlite3").exists());

    // Nor the other way round.
    let mut shared = config(&other);
    shared.database = Some(shared_database("astray"));
    assert!(refused(shared.clone()).await.contains("one in a database needs a folder of its own"));
    fs::remove_file(other.join("belongs-to")).unwrap();
    assert!(refused(shared).await.contains("move server.sqlite3 elsewhere"));
    start(in_file(&other)).await.unwrap().shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_put_back_keeps_its_folder() {
    let hospital = Hospital::open().await;
    let token = hospital.token("alice").await;
    let (_, file) = hospital.bring(&token, "report.txt", b"what the file says").await;
    let folder = hospital.stop().await;
    let before = fs::read_to_string(folder.path().join("belongs-to")).unwrap();
    let admin = Admin::open_with(folder.path(), config(folder.path()).database.as_ref()).unwrap();
    admin.begin_anew(folder.path()).await.unwrap();
    admin.close().await;
    let hospital = Hospital::over(folder).await;
    let token = hospital.token("alice").await;
    let path = file["id"].as_str().unwrap();
    assert_eq!(hospital.fetch(&token, path).await.text().await.unwrap(), "what the file says");
    assert_ne!(fs::read_to_string(hospital.folder().join("belongs-to")).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_see_what_was_written_before_them_whatever_isolation_is_the_databases_default() {
    let postgres = Postgres::start();
    let database = postgres.database();
    let default = "ALTER DATABASE chat SET default_transaction_isolation = 'serializable'";
    Store::in_database(&database).change(default);
    let here = Hospital::open_with(|config| config.database = Some(database)).await;
    let there = here.beside().await;
    let mut talking = tokio::task::JoinSet::new();
    for node in [&here, &there] {
        let mut alice = node.enter("alice", "ward").await;
        talking.spawn(async move {
            for number in 0..20 {
                let answer = alice.ask("message", crate::hospital::says("ward", &number.to_string())).await;
                assert_eq!(answer["ok"], true, "{answer}");
            }
        });
    }
    talking.join_all().await;
    let report = here.server.admin().verify_audit(here.folder()).await.unwrap();
    assert_eq!(report.findings, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    start(config(folder.path())).await.unwrap().shutdown().await;
    let store = Store::of(folder.path());
    store.change("UPDATE meta SET value = '99' WHERE key = 'schema'");
    let error = start(config(folder.path())).await.unwrap_err();
    assert!(error.to_string().contains("newer version"), "{error}");
    assert_eq!(store.dump("SELECT value FROM meta WHERE key = 'schema'"), "99\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_of_another_process_is_noticed_by_a_server() {
    let postgres = Postgres::start();
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(folder.path());
    config.database = Some(postgres.database());
    config.notice_every = std::time::Duration::from_millis(50);
    let server = start(config).await.unwrap();
    let behind = Admin::open_with(folder.path(), Some(&postgres.database())).unwrap();
    let alice = behind.add_user("alice", "a long password", "Alice", hugmedo_chat_protocol::UserType::Staff);
    let alice = alice.await.unwrap();
    let token = behind.issue_token(&alice, std::time::Duration::from_secs(600)).await.unwrap();
    let mut wire = crate::wire::Wire::connect(&server.url(), token.expose()).await;
    let ward = behind.add_room("ward", "Ward", hugmedo_chat_protocol::RoomKind::Staff).await.unwrap();
    behind.add_member(&ward, &alice).await.unwrap();
    assert_eq!(wire.event_named("room_changed").await["room"]["id"], "ward");
    behind.disable_user(&user("alice")).await.unwrap();
    wire.until_closed().await;
    behind.close().await;
    server.shutdown().await;
}
