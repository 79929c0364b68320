//! The second factor: setting it up, signing in with it, losing it.

use std::time::{SystemTime, UNIX_EPOCH};

use hugmedo_chat_protocol::UserType;
use hugmedo_chat_server::Admin;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use totp_rs::{Builder, Secret};

use crate::{
    backing::{self, Store},
    hospital::{Hospital, PASSWORD, entries, user},
};

/// A code of this secret, so many steps from now. Up to one step off it is taken.
fn code(secret: &str, steps: i64) -> String {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let totp = Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build().unwrap();
    totp.generate(u64::try_from(now + steps * 30).unwrap()).to_string()
}

async fn ask(hospital: &Hospital, path: &str, person: &str, otp: Option<&str>) -> (StatusCode, Value) {
    let mut body = json!({ "username": person, "password": PASSWORD });
    if let Some(otp) = otp {
        body["otp"] = otp.into();
    }
    hospital.call(Method::POST, path, None, Some(body)).await
}

async fn sign_in(hospital: &Hospital, person: &str, otp: Option<&str>) -> (StatusCode, Value) {
    let (status, body) = ask(hospital, "/api/login", person, otp).await;
    (status, body["code"].clone())
}

/// Sets a second factor up; returns its secret and the recovery codes. The present step's code is used up.
async fn set_up(hospital: &Hospital, person: &str) -> (String, Vec<String>) {
    let (status, offer) = ask(hospital, "/api/second-factor", person, None).await;
    assert_eq!(status, StatusCode::OK, "{offer}");
    let secret = offer["secret"].as_str().unwrap().to_owned();
    assert!(offer["uri"].as_str().unwrap().contains(&secret));
    let (status, confirmed) = ask(hospital, "/api/second-factor/confirm", person, Some(&code(&secret, 0))).await;
    assert_eq!(status, StatusCode::OK, "{confirmed}");
    (secret, serde_json::from_value(confirmed["recoveryCodes"].clone()).unwrap())
}

fn needed() -> (StatusCode, Value) {
    (StatusCode::UNAUTHORIZED, json!("otp_required"))
}

fn let_in() -> (StatusCode, Value) {
    (StatusCode::OK, Value::Null)
}

#[tokio::test]
async fn a_second_factor_is_asked_for_once_it_is_confirmed_and_no_code_works_twice() {
    let hospital = Hospital::open().await;
    let (_, offer) = ask(&hospital, "/api/second-factor", "alice", None).await;
    let first = offer["secret"].as_str().unwrap().to_owned();
    assert_eq!(sign_in(&hospital, "alice", None).await, let_in(), "what is only offered is not asked for");
    let wrong = ask(&hospital, "/api/second-factor/confirm", "alice", Some("000000")).await;
    assert_eq!((wrong.0, &wrong.1["code"]), (StatusCode::UNAUTHORIZED, &json!("otp_required")));

    let (secret, recovery_codes) = set_up(&hospital, "alice").await;
    assert_ne!(first, secret, "each offer is another secret");
    assert_eq!(recovery_codes.len(), 10);
    assert_eq!(sign_in(&hospital, "alice", None).await, needed());
    assert_eq!(sign_in(&hospital, "alice", Some("")).await, needed());
    assert_eq!(sign_in(&hospital, "alice", Some("000000")).await, needed());
    assert_eq!(sign_in(&hospital, "alice", Some(&code(&first, 1))).await, needed(), "of the void offer");
    assert_eq!(sign_in(&hospital, "alice", Some(&code(&secret, 0))).await, needed(), "used up by confirming");
    let next = code(&secret, 1);
    assert_eq!(sign_in(&hospital, "alice", Some(&next)).await, let_in());
    assert_eq!(sign_in(&hospital, "alice", Some(&next)).await, needed(), "used up");
    assert_eq!(sign_in(&hospital, "alice", Some(&code(&secret, 0))).await, needed(), "older than the last");
    assert_eq!(sign_in(&hospital, "bob", None).await, let_in(), "and nobody else is asked");

    let wrong = json!({ "username": "alice", "password": "guess", "otp": code(&secret, 1) });
    let (status, answer) = hospital.call(Method::POST, "/api/login", None, Some(wrong)).await;
    assert_eq!((status, &answer["code"]), (StatusCode::UNAUTHORIZED, &json!("unauthorized")), "nothing is given away");
}

#[tokio::test]
async fn of_many_sign_ins_at_once_with_the_same_code_one_is_let_in() {
    let hospital = Hospital::open_with(|config| config.limits.failed_codes_per_account = 100).await;
    let (secret, _) = set_up(&hospital, "alice").await;
    let code = code(&secret, 1);
    let tries = futures_util::future::join_all((0..8).map(|_| sign_in(&hospital, "alice", Some(&code)))).await;
    assert_eq!(tries.iter().filter(|answer| **answer == let_in()).count(), 1, "{tries:?}");
}

#[tokio::test]
async fn a_recovery_code_stands_in_once_however_it_is_typed() {
    let hospital = Hospital::open().await;
    let (_, codes) = set_up(&hospital, "alice").await;
    assert_eq!(sign_in(&hospital, "alice", Some(&codes[0])).await, let_in());
    assert_eq!(sign_in(&hospital, "alice", Some(&codes[0])).await, needed());
    let typed = codes[1].to_lowercase().replace('-', " ");
    let (status, grant) = ask(&hospital, "/api/login", "alice", Some(&typed)).await;
    assert_eq!(status, StatusCode::OK);
    let stands = hospital.get("/api/second-factor", grant["accessToken"].as_str().unwrap()).await;
    assert_eq!(stands, json!({ "inUse": true, "required": false, "recoveryCodesLeft": 8 }));
    let (_, bobs) = set_up(&hospital, "bob").await;
    assert_eq!(sign_in(&hospital, "alice", Some(&bobs[0])).await, needed(), "another person's is nobody's");
}

#[tokio::test]
async fn guessing_codes_is_slowed_down_even_with_the_right_password() {
    let hospital = Hospital::open_with(|config| config.limits.failed_codes_per_account = 3).await;
    let (secret, _) = set_up(&hospital, "alice").await;
    set_up(&hospital, "bob").await;
    for _ in 0..20 {
        assert_eq!(sign_in(&hospital, "alice", None).await, needed(), "asking for the code is no guess");
    }
    for guess in ["000000", "111111", "222222"] {
        assert_eq!(sign_in(&hospital, "alice", Some(guess)).await, needed());
    }
    let (status, answer) = ask(&hospital, "/api/login", "alice", Some(&code(&secret, 1))).await;
    assert_eq!((status, &answer["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("rate_limited")));
    assert!(answer["retryAfterMs"].as_u64().unwrap() > 60_000);
    assert_eq!(sign_in(&hospital, "bob", Some("000000")).await, needed(), "another account is not concerned");
}

#[tokio::test]
async fn wrong_codes_count_as_failed_sign_ins_of_their_address() {
    let hospital = Hospital::open_with(|config| config.limits.failed_logins_per_address = 2).await;
    set_up(&hospital, "alice").await;
    for _ in 0..2 {
        assert_eq!(sign_in(&hospital, "alice", Some("000000")).await, needed());
    }
    assert_eq!(sign_in(&hospital, "bob", None).await.0, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn those_it_is_required_of_set_it_up_before_they_are_let_in() {
    let hospital = Hospital::open_with(|config| config.second_factor_for = vec![UserType::Clinician]).await;
    let required = (StatusCode::UNAUTHORIZED, json!("otp_setup_required"));
    assert_eq!(sign_in(&hospital, "alice", None).await, required);
    assert_eq!(sign_in(&hospital, "alice", Some("000000")).await, required);
    assert_eq!(sign_in(&hospital, "carol", None).await, let_in(), "of a patient it is not");
    let (secret, codes) = set_up(&hospital, "alice").await;
    assert_eq!(sign_in(&hospital, "alice", Some(&code(&secret, 1))).await, let_in());
    let (status, _) = ask(&hospital, "/api/second-factor/remove", "alice", Some(&codes[0])).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(sign_in(&hospital, "alice", None).await, needed(), "it is still there");
    assert_eq!(sign_in(&hospital, "alice", Some(&codes[0])).await, let_in(), "and the code was not used up");
}

#[tokio::test]
async fn changing_a_second_factor_takes_the_password_and_a_code_of_it() {
    let hospital = Hospital::open().await;
    let token = hospital.token("alice").await;
    let (secret, codes) = set_up(&hospital, "alice").await;
    for path in ["/api/second-factor", "/api/second-factor/remove"] {
        let (status, answer) = ask(&hospital, path, "alice", None).await;
        assert_eq!((status, &answer["code"]), (StatusCode::UNAUTHORIZED, &json!("otp_required")), "{path}");
        let body = json!({ "username": "alice", "password": "guess", "otp": codes[0] });
        let (status, answer) = hospital.call(Method::POST, path, Some(&token), Some(body)).await;
        assert_eq!((status, &answer["code"]), (StatusCode::UNAUTHORIZED, &json!("unauthorized")), "{path}");
    }
    let (status, offer) = ask(&hospital, "/api/second-factor", "alice", Some(&codes[0])).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        sign_in(&hospital, "alice", Some(&code(&secret, 1))).await,
        let_in(),
        "the old one until the new one works"
    );
    let new = offer["secret"].as_str().unwrap();
    let (status, confirmed) = ask(&hospital, "/api/second-factor/confirm", "alice", Some(&code(new, 0))).await;
    assert_eq!(status, StatusCode::OK, "{confirmed}");
    assert_eq!(sign_in(&hospital, "alice", Some(&codes[1])).await, needed(), "old recovery codes are void");
    assert_eq!(sign_in(&hospital, "alice", Some(&code(new, 1))).await, let_in());
    let fresh = confirmed["recoveryCodes"][0].as_str().unwrap();
    let (status, _) = ask(&hospital, "/api/second-factor/remove", "alice", Some(fresh)).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(sign_in(&hospital, "alice", None).await, let_in());
    let (status, _) = ask(&hospital, "/api/second-factor/confirm", "alice", Some("000000")).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "nothing was offered");
}

#[tokio::test]
async fn an_administrator_resets_a_lost_second_factor() {
    let hospital = Hospital::open().await;
    set_up(&hospital, "alice").await;
    let admin = hospital.server.admin();
    admin.reset_second_factor(&user("alice")).await.unwrap();
    assert_eq!(sign_in(&hospital, "alice", None).await, let_in());
    admin.reset_second_factor(&user("alice")).await.expect("there is none any more, as wished");
    assert!(admin.reset_second_factor(&user("nobody")).await.is_err());

    // The same by whoever administers over the API, in their name.
    set_up(&hospital, "alice").await;
    admin.set_admin(&user("dave"), true).await.unwrap();
    let dave = hospital.token("dave").await;
    let reset = || hospital.call(Method::POST, "/api/admin/users/alice/reset-second-factor", Some(&dave), None);
    assert_eq!(reset().await.0, StatusCode::NO_CONTENT);
    assert_eq!(sign_in(&hospital, "alice", None).await, let_in());
    assert_eq!(reset().await.0, StatusCode::NO_CONTENT);
    let told = entries(admin).await;
    let resets = told.iter().filter(|entry| entry["action"] == "reset_second_factor" && entry["actor"] == "dave");
    assert_eq!(resets.count(), 1, "what changed nothing is no deed");
}

#[tokio::test]
async fn no_secret_and_no_code_is_in_the_store_in_clear_and_the_audit_tells_what_was_done() {
    let hospital = Hospital::open().await;
    let (secret, codes) = set_up(&hospital, "alice").await;
    sign_in(&hospital, "alice", Some("000000")).await;
    sign_in(&hospital, "alice", Some(&codes[0])).await;
    let raw = Secret::try_from_base32(&secret).unwrap().as_bytes().to_vec();
    let folder = hospital.stop().await;
    let admin = Admin::open_with(folder.path(), backing::database(folder.path()).as_ref()).unwrap();
    let (told, heard) = std::sync::mpsc::channel();
    admin.export_audit(0, move |line| told.send(line.to_owned()).map_err(std::io::Error::other)).await.unwrap();
    let audit: Vec<String> = heard.iter().collect();
    for action in ["set_second_factor", "second_factor_refused", "use_recovery_code"] {
        assert!(audit.iter().any(|line| line.contains(action) && line.contains("alice")), "{action}");
    }
    let store = Store::bytes(folder.path());
    let holds = |part: &[u8]| {
        store.windows(part.len()).any(|found| found == part)
            || audit.concat().as_bytes().windows(part.len()).any(|found| found == part)
    };
    assert!(holds(b"alice"), "the search works");
    assert!(!holds(&raw) && !holds(secret.as_bytes()));
    for code in codes {
        assert!(!holds(code.as_bytes()) && !holds(code.replace('-', "").as_bytes()));
    }
    admin.close().await;
}
