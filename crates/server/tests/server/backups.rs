//! Copies of a working server, and what becomes of them.

use std::{fs, path::Path, time::Duration};

use hugmedo_chat_server::{restore, start};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::hospital::{Hospital, config, entries, says};

async fn copy_of(hospital: &Hospital, copies: &Path) -> std::path::PathBuf {
    let copy = copies.join("copy");
    hospital.server.admin().backup(hospital.folder(), &copy).await.unwrap();
    copy
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_is_taken_while_everyone_talks_is_whole_and_holds_all_that_was_acknowledged_before() {
    let hospital = Hospital::open().await;
    let token = hospital.token("alice").await;
    let (_, file) = hospital.bring(&token, "report.txt", b"what the file says").await;
    let mut alice = hospital.enter("alice", "ward").await;
    let mut said = says("ward", "with a file");
    said["attachments"] = json!([{ "id": file["id"] }]);
    let before = alice.ask("message", said).await;
    let talking = tokio::spawn(async move {
        for number in 0.. {
            let answer = alice.ask("message", says("ward", &number.to_string())).await;
            if answer["seq"].as_u64().unwrap() > 400 {
                break;
            }
        }
    });
    let copies = tempfile::tempdir().unwrap();
    let copy = copy_of(&hospital, copies.path()).await;
    talking.await.unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let backup = restore(&copy, elsewhere.path()).await.unwrap();
    assert_eq!(backup.attachments(), 1);

    let server = start(config(elsewhere.path())).await.unwrap();
    let bob = server.admin().issue_token(&crate::hospital::user("bob"), Duration::from_secs(60)).await.unwrap();
    let get = async |path: &str| hospital.http.get(server.url() + path).bearer_auth(bob.expose()).send().await.unwrap();
    let page: Value = get("/api/rooms/ward/messages?after=0&limit=1").await.json().await.unwrap();
    assert_eq!(page["messages"][0]["id"], before["id"]);
    let path = format!("/api/attachments/{}", file["id"].as_str().unwrap());
    assert_eq!(get(&path).await.text().await.unwrap(), "what the file says");
    assert_eq!(server.admin().verify_audit(elsewhere.path()).await.unwrap().findings, []);
    let actions: Vec<Value> = entries(server.admin()).await.into_iter().map(|entry| entry["action"].clone()).collect();
    assert!(actions.contains(&json!("backup")) && actions.contains(&json!("restore")));
    server.shutdown().await;
}

#[tokio::test]
async fn a_restored_server_lets_no_old_session_and_no_old_cursor_in_and_gives_no_position_twice() {
    let hospital = Hospital::open().await;
    let grant = hospital.log_in("alice").await;
    let token = grant.access_token.expose().to_owned();
    let cursor = hospital.cursor(&token).await;
    let copies = tempfile::tempdir().unwrap();
    let copy = copy_of(&hospital, copies.path()).await;
    let mut alice = hospital.connect("alice").await;
    let lost = alice.ask("message", says("ward", "lost")).await;
    drop(alice);
    let folder = hospital.stop().await;
    fs::remove_dir_all(folder.path()).unwrap();
    restore(&copy, folder.path()).await.unwrap();
    let hospital = Hospital::over(folder).await;

    let (status, _) = hospital.call(Method::GET, "/api/me", Some(&token), None).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let refresh = json!({ "refreshToken": grant.refresh_token.expose() });
    let (status, body) = hospital.call(Method::POST, "/api/token", None, Some(refresh)).await;
    assert_eq!((status, &body["erase"]), (StatusCode::UNAUTHORIZED, &Value::Null), "and nobody is to erase anything");
    let again = hospital.token("alice").await;
    let (status, body) = hospital.call(Method::GET, &format!("/api/sync?cursor={cursor}"), Some(&again), None).await;
    assert_eq!((status, &body["code"]), (StatusCode::GONE, &json!("cursor_expired")));
    let said = hospital.connect("alice").await.ask("message", says("ward", "after")).await;
    assert!(said["seq"].as_u64() > lost["seq"].as_u64().map(|seq| seq + 1_000_000), "{said}");
}

#[tokio::test]
async fn a_copy_that_was_touched_is_not_put_back_and_nothing_is_put_over_a_store() {
    let hospital = Hospital::open().await;
    let copies = tempfile::tempdir().unwrap();
    let copy = copy_of(&hospital, copies.path()).await;
    let refused = async |copy: &Path, folder: &Path| restore(copy, folder).await.unwrap_err().to_string();

    assert!(refused(&copy, hospital.folder()).await.contains("a server is working on"));
    let folder = hospital.stop().await;
    assert!(refused(&copy, folder.path()).await.contains("has a store already"));

    let elsewhere = tempfile::tempdir().unwrap();
    let store = copy.join("server.sqlite3");
    let mut bytes = fs::read(&store).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&store, bytes).unwrap();
    assert!(refused(&copy, elsewhere.path()).await.contains("not what they were"));
    fs::remove_file(&store).unwrap();
    assert!(refused(&copy, elsewhere.path()).await.contains("not what they were"));
    assert!(refused(copies.path(), elsewhere.path()).await.contains("is no backup"));
    assert!(!elsewhere.path().join("server.sqlite3").exists());
}

#[tokio::test]
async fn a_copy_is_not_taken_over_another_and_one_that_broke_off_is_none() {
    let hospital = Hospital::open().await;
    let copies = tempfile::tempdir().unwrap();
    let copy = copy_of(&hospital, copies.path()).await;
    let again = hospital.server.admin().backup(hospital.folder(), &copy).await.unwrap_err();
    assert!(again.to_string().contains("is there already"), "{again}");

    // What a process that was killed leaves is not told from what somebody keeps there.
    let partial = copies.path().join("second.partial");
    fs::create_dir(&partial).unwrap();
    fs::write(partial.join("half"), "a store").unwrap();
    let second = async || hospital.server.admin().backup(hospital.folder(), &copies.path().join("second")).await;
    assert!(second().await.unwrap_err().to_string().contains("is in the way"));
    assert!(partial.join("half").exists() && !copies.path().join("second").exists());
    fs::remove_dir_all(&partial).unwrap();
    second().await.unwrap();
    assert!(!partial.exists());
}

#[tokio::test]
async fn a_file_that_is_lost_makes_no_copy() {
    let hospital = Hospital::open().await;
    let token = hospital.token("alice").await;
    let (_, file) = hospital.bring(&token, "report.txt", b"what the file says").await;
    let path = hospital.folder().join("attachments").join(file["id"].as_str().unwrap());
    fs::write(&path, "something else").unwrap();
    let copies = tempfile::tempdir().unwrap();
    let take = async |name: &str| hospital.server.admin().backup(hospital.folder(), &copies.path().join(name)).await;
    assert!(take("changed").await.unwrap_err().to_string().contains("is not what was sent"));
    fs::remove_file(&path).unwrap();
    assert!(take("lost").await.unwrap_err().to_string().contains("is missing"));
    assert!(!copies.path().join("changed").exists() && !copies.path().join("lost").exists());
}

#[tokio::test]
async fn a_folder_goes_on_without_a_mark_and_loses_no_file_to_a_store_that_is_not_its_own() {
    let hospital = Hospital::open().await;
    let token = hospital.token("alice").await;
    let (_, file) = hospital.bring(&token, "report.txt", b"what the file says").await;
    let copies = tempfile::tempdir().unwrap();
    let copy = copy_of(&hospital, copies.path()).await;
    let folder = hospital.stop().await;
    let in_folder = |name: &str| folder.path().join(name);
    let brought = in_folder("attachments").join(file["id"].as_str().unwrap());

    // As a version left it that knew no marks.
    fs::remove_file(in_folder("belongs-to")).unwrap();
    start(config(folder.path())).await.unwrap().shutdown().await;
    let mark = fs::read_to_string(in_folder("belongs-to")).unwrap();

    let refused = async |folder: &Path| start(config(folder)).await.unwrap_err().to_string();
    let store = in_folder("server.sqlite3");
    fs::remove_file(&store).unwrap();
    let error = refused(folder.path()).await;
    assert!(error.contains("`restore` a copy"), "{error}");
    assert!(brought.exists() && !store.exists());

    // Of another store, with a file that it does not know.
    let other = tempfile::tempdir().unwrap();
    start(config(other.path())).await.unwrap().shutdown().await;
    fs::write(other.path().join("belongs-to"), &mark).unwrap();
    fs::copy(&brought, other.path().join("attachments/unknown")).unwrap();
    let error = refused(other.path()).await;
    assert!(error.contains("remove the file belongs-to"), "{error}");
    assert!(other.path().join("attachments/unknown").exists());
    let keys = tempfile::tempdir().unwrap();
    let key = keys.path().join("audit-key");
    fs::copy(other.path().join("audit-key"), &key).unwrap();
    let error = restore(&copy, keys.path()).await.unwrap_err().to_string();
    assert!(error.contains("keys of another store"), "{error}");
    assert_eq!(fs::read(&key).unwrap(), fs::read(other.path().join("audit-key")).unwrap());

    restore(&copy, folder.path()).await.unwrap();
    start(config(folder.path())).await.unwrap().shutdown().await;
    assert_ne!(fs::read_to_string(in_folder("belongs-to")).unwrap(), mark, "a restored store is another");
    assert!(brought.exists());
}

#[tokio::test]
async fn two_servers_do_not_work_on_one_folder() {
    let hospital = Hospital::open().await;
    let second = start(config(hospital.folder())).await.unwrap_err();
    assert!(second.to_string().contains("a server is working on"), "{second}");
}
