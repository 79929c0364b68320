//! Servers that start on one database.

use hugmedo_chat_server::{Admin, start};

use crate::{
    backing::Store,
    hospital::{config, user},
    instances::{Postgres, RedisServer},
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
