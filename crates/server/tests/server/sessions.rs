//! Signing in, staying signed in, signing out.

use std::time::Duration;

use hugmedo_chat_protocol::{DeviceId, UserId};
use hugmedo_chat_server::{Admin, Config};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::{
    backing::{self, Store},
    hospital::{Hospital, PASSWORD, says, user},
    wire::Wire,
};

async fn sign_in(hospital: &Hospital, username: &str, password: &str) -> (StatusCode, Value) {
    let body = json!({ "username": username, "password": password });
    hospital.call(Method::POST, "/api/login", None, Some(body)).await
}

async fn refresh(hospital: &Hospital, token: &str) -> (StatusCode, Value) {
    hospital.call(Method::POST, "/api/token", None, Some(json!({ "refreshToken": token }))).await
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_name_get_the_same_answer() {
    let hospital = Hospital::open().await;
    let wrong = sign_in(&hospital, "alice", "not the password").await;
    assert_eq!((wrong.0, &wrong.1["code"]), (StatusCode::UNAUTHORIZED, &json!("unauthorized")));
    assert_eq!(sign_in(&hospital, "nobody", PASSWORD).await, wrong);
    assert_eq!(sign_in(&hospital, "", "").await, wrong);
    assert_eq!(sign_in(&hospital, "alice", &"x".repeat(100_000)).await, wrong);
    assert_eq!(sign_in(&hospital, "alice", PASSWORD).await.0, StatusCode::OK);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_signing_in_is_not() {
    let hospital = Hospital::open_with(|config| config.limits.failed_logins_per_account = 3).await;
    for _ in 0..10 {
        assert_eq!(sign_in(&hospital, "alice", PASSWORD).await.0, StatusCode::OK, "successes count nothing");
    }
    for _ in 0..3 {
        assert_eq!(sign_in(&hospital, "alice", "guess").await.0, StatusCode::UNAUTHORIZED);
    }
    let (status, body) = sign_in(&hospital, "alice", "guess").await;
    assert_eq!((status, &body["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("rate_limited")));
    assert!(body["retryAfterMs"].as_u64().unwrap() > 0);
    assert_eq!(sign_in(&hospital, "bob", PASSWORD).await.0, StatusCode::OK, "another account is not concerned");
}

#[tokio::test]
async fn guessing_from_one_address_is_slowed_down_over_all_accounts() {
    let hospital = Hospital::open_with(|config| config.limits.failed_logins_per_address = 2).await;
    assert_eq!(sign_in(&hospital, "alice", "guess").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(sign_in(&hospital, "bob", "guess").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(sign_in(&hospital, "carol", "guess").await.0, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_refresh_token_works_once_and_its_reuse_ends_the_whole_family() {
    let hospital = Hospital::open().await;
    let grant = hospital.log_in("alice").await;
    let mut wire = Wire::connect(&hospital.url(), grant.access_token.expose()).await;
    let other_device = hospital.log_in("alice").await;

    let (status, second) = refresh(&hospital, grant.refresh_token.expose()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(second["user"]["id"], "alice");
    let (status, third) = refresh(&hospital, second["refreshToken"].as_str().unwrap()).await;
    assert_eq!(status, StatusCode::OK);

    // Someone uses a copy of the first.
    assert_eq!(refresh(&hospital, grant.refresh_token.expose()).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(wire.until_closed().await, [("session_ended".to_owned(), json!({ "reason": "revoked" }))]);
    for token in [third["accessToken"].as_str().unwrap(), grant.access_token.expose()] {
        let (status, _) = hospital.call(Method::GET, "/api/me", Some(token), None).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(refresh(&hospital, third["refreshToken"].as_str().unwrap()).await.0, StatusCode::UNAUTHORIZED);
    // The sign-in on the other device is another family.
    hospital.get("/api/me", other_device.access_token.expose()).await;
    assert_eq!(refresh(&hospital, "made-up").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(
        refresh(&hospital, other_device.access_token.expose()).await.0,
        StatusCode::UNAUTHORIZED,
        "an access token is no refresh token"
    );
}

async fn renew(hospital: &Hospital, token: &Value, renewal_id: &str) -> (StatusCode, Value) {
    let body = json!({ "refreshToken": token, "renewalId": renewal_id });
    hospital.call(Method::POST, "/api/token", None, Some(body)).await
}

#[tokio::test]
async fn a_renewal_whose_answer_was_lost_is_given_the_same_pair_until_that_is_used() {
    let hospital = Hospital::open().await;
    let first = json!(hospital.log_in("alice").await.refresh_token.expose());
    let (status, second) = renew(&hospital, &first, "the renewal of alice's first").await;
    assert_eq!(status, StatusCode::OK);
    for _ in 0..3 {
        let (status, again) = renew(&hospital, &first, "the renewal of alice's first").await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!((&again["refreshToken"], &again["accessToken"]), (&second["refreshToken"], &second["accessToken"]));
    }
    let (_, me) = hospital.call(Method::GET, "/api/me", second["accessToken"].as_str(), None).await;
    assert_eq!(me["id"], "alice");

    let (status, third) = renew(&hospital, &second["refreshToken"], "the renewal of the second").await;
    assert_eq!(status, StatusCode::OK);
    assert_ne!(third["refreshToken"], second["refreshToken"]);
    // Whoever asks now has copied the first, with all that was kept beside it.
    assert_eq!(renew(&hospital, &first, "the renewal of alice's first").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(renew(&hospital, &third["refreshToken"], "the renewal of the third").await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_used_refresh_token_with_another_renewal_or_none_ends_the_session() {
    for other in [Some("another renewal's id"), None] {
        let hospital = Hospital::open().await;
        let first = json!(hospital.log_in("alice").await.refresh_token.expose());
        let (_, second) = renew(&hospital, &first, "the renewal of alice's first").await;
        let body = json!({ "refreshToken": first, "renewalId": other });
        let copied = hospital.call(Method::POST, "/api/token", None, Some(body)).await;
        assert_eq!(copied.0, StatusCode::UNAUTHORIZED);
        let (status, _) = hospital.call(Method::GET, "/api/me", second["accessToken"].as_str(), None).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    let hospital = Hospital::open().await;
    let token = json!(hospital.log_in("alice").await.refresh_token.expose());
    for guessable in ["", "1", &"x".repeat(129)] {
        assert_eq!(renew(&hospital, &token, guessable).await.0, StatusCode::BAD_REQUEST);
    }
    assert_eq!(renew(&hospital, &token, "the token was not used up").await.0, StatusCode::OK);
}

#[tokio::test]
async fn signing_out_ends_the_sockets_of_this_session_only() {
    let hospital = Hospital::open().await;
    let here = hospital.log_in("alice").await;
    let mut first = Wire::connect(&hospital.url(), here.access_token.expose()).await;
    let mut second = Wire::connect(&hospital.url(), here.access_token.expose()).await;
    let mut elsewhere = hospital.connect("alice").await;
    let (status, _) = hospital.call(Method::POST, "/api/logout", Some(here.access_token.expose()), None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    for wire in [&mut first, &mut second] {
        assert_eq!(wire.until_closed().await, [("session_ended".to_owned(), json!({ "reason": "signed_out" }))]);
    }
    assert_eq!(elsewhere.ask("heartbeat", json!({})).await["ok"], true);
    let refused = Wire::refused(&hospital.url(), &json!({ "token": here.access_token.expose() }).to_string()).await;
    assert_eq!(refused, "unauthorized");
    assert_eq!(refresh(&hospital, here.refresh_token.expose()).await.0, StatusCode::UNAUTHORIZED);
}

fn short_lived(config: &mut Config) {
    config.access_token_ttl = Duration::from_millis(1500);
}

#[tokio::test]
async fn a_socket_ends_with_its_token() {
    let hospital = Hospital::open_with(short_lived).await;
    let mut alice = hospital.enter("alice", "ward").await;
    assert_eq!(alice.until_closed().await, [("session_ended".to_owned(), json!({ "reason": "expired" }))]);
}

#[tokio::test]
async fn a_renewed_socket_outlives_its_first_token() {
    let hospital = Hospital::open_with(short_lived).await;
    let mut renewed = hospital.enter("alice", "ward").await;
    let mut later = hospital.connect("alice").await;
    let admin = hospital.server.admin();
    let fresh = admin.issue_token(&user("alice"), Duration::from_secs(600)).await.unwrap();
    let bobs = admin.issue_token(&user("bob"), Duration::from_secs(600)).await.unwrap();
    assert_eq!(renewed.ask("renew", json!({ "token": bobs.expose() })).await["code"], "forbidden");
    let answer = renewed.ask("renew", json!({ "token": fresh.expose() })).await;
    assert_eq!(answer["ok"], true, "{answer}");
    assert!(answer["expiresAt"].is_string());
    // When the later token has ended, so has the first one.
    later.until_closed().await;
    assert_eq!(renewed.ask("message", says("ward", "still here")).await["ok"], true);
    // And it hangs on the fresh token's session now.
    let (status, _) = hospital.call(Method::POST, "/api/logout", Some(fresh.expose()), None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(renewed.until_closed().await.last().unwrap().1, json!({ "reason": "signed_out" }));
}

#[tokio::test]
async fn no_session_outlives_its_limit_however_often_it_is_refreshed() {
    let hospital = Hospital::open_with(|config| config.session_ttl = Duration::from_millis(1500)).await;
    let grant = hospital.log_in("alice").await;
    let mut wire = Wire::connect(&hospital.url(), grant.access_token.expose()).await;
    let (_, second) = refresh(&hospital, grant.refresh_token.expose()).await;
    assert_eq!(second["expiresAt"], json!(grant.expires_at.to_string()), "the session's end, not the token's");
    wire.until_closed().await;
    assert_eq!(refresh(&hospital, second["refreshToken"].as_str().unwrap()).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_person_has_a_limited_number_of_sockets() {
    let hospital = Hospital::open_with(|config| config.limits.sockets_per_user = 2).await;
    let token = hospital.token("alice").await;
    let _first = Wire::connect(&hospital.url(), &token).await;
    let second = Wire::connect(&hospital.url(), &token).await;
    let auth = json!({ "token": token }).to_string();
    assert_eq!(Wire::refused(&hospital.url(), &auth).await, "rate_limited");
    second.close().await;
    // The place is free as soon as the server has seen the close.
    loop {
        let mut wire = Wire::open(&hospital.url()).await;
        wire.raw(&format!("40{auth}")).await;
        match wire.next().await {
            crate::wire::Frame::Connected => break,
            crate::wire::Frame::ConnectError(code) => assert_eq!(code, "rate_limited"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_person_sees_where_they_are_signed_in_and_ends_it_there() {
    let hospital = Hospital::open().await;
    let log_in = async |person: &str, device: &str| {
        let body = json!({ "username": person, "password": PASSWORD, "deviceId": device });
        hospital.call(Method::POST, "/api/login", None, Some(body)).await.1
    };
    let token = |grant: &Value| grant["accessToken"].as_str().unwrap().to_owned();
    let (here, lost, bobs) =
        (log_in("alice", "here").await, log_in("alice", "lost one").await, log_in("bob", "bobs").await);
    let listed = hospital.get("/api/devices", &token(&here)).await;
    let mut seen: Vec<_> = listed["devices"].as_array().unwrap().iter().collect();
    seen.sort_by_key(|device| device["id"].as_str().unwrap().to_owned());
    assert_eq!(seen.len(), 2, "and nobody else's: {listed}");
    assert_eq!(
        (&seen[0]["id"], &seen[0]["isThis"], &seen[0]["isSignedIn"]),
        (&json!("here"), &json!(true), &json!(true))
    );
    assert_eq!((&seen[1]["id"], &seen[1]["isThis"]), (&json!("lost one"), &json!(false)));

    let mut wire = Wire::connect(&hospital.url(), &token(&lost)).await;
    let mut kept = Wire::connect(&hospital.url(), &token(&here)).await;
    let revoke = async |device: &str, token: &str| {
        hospital.call(Method::POST, &format!("/api/devices/{device}/revoke"), Some(token), None).await.0
    };
    assert_eq!(revoke("bobs", &token(&here)).await, StatusCode::NOT_FOUND, "another's cannot be ended");
    assert_eq!(revoke("lost%20one", &token(&here)).await, StatusCode::NO_CONTENT);
    assert_eq!(wire.until_closed().await, [("session_ended".to_owned(), json!({ "reason": "revoked" }))]);
    let (status, answer) = refresh(&hospital, lost["refreshToken"].as_str().unwrap()).await;
    assert_eq!((status, &answer["erase"]), (StatusCode::UNAUTHORIZED, &json!(true)), "it removes what it has stored");
    assert_eq!(kept.ask("heartbeat", json!({})).await["ok"], true);
    hospital.get("/api/me", &token(&bobs)).await;
}

#[tokio::test]
async fn only_a_device_that_an_administrator_revoked_is_told_to_remove_what_it_has_stored() {
    let hospital = Hospital::open().await;
    let log_in = async |device: &str| {
        let body = json!({ "username": "alice", "password": PASSWORD, "deviceId": device });
        let (_, grant) = hospital.call(Method::POST, "/api/login", None, Some(body)).await;
        grant["refreshToken"].as_str().unwrap().to_owned()
    };
    let [lost, at_work] = [log_in("lost").await, log_in("at-work").await];
    let alice = UserId::new("alice");
    hospital.server.admin().revoke_device(&alice, &DeviceId::new("lost")).await.unwrap();
    assert!(hospital.server.admin().revoke_device(&alice, &DeviceId::new("unknown")).await.is_err());

    let erased = |(status, body): (StatusCode, Value)| (status, body["code"].clone(), body["erase"].clone());
    let told = (StatusCode::UNAUTHORIZED, json!("unauthorized"), json!(true));
    let refused = (StatusCode::UNAUTHORIZED, json!("unauthorized"), Value::Null);
    assert_eq!(erased(refresh(&hospital, &lost).await), told);
    assert_eq!(erased(refresh(&hospital, &lost).await), told, "as often as it asks");
    let (status, grant) = refresh(&hospital, &at_work).await;
    assert_eq!(status, StatusCode::OK, "the other device goes on");

    hospital.server.admin().set_password(&alice, "another password").await.unwrap();
    let newest = grant["refreshToken"].as_str().unwrap().to_owned();
    assert_eq!(erased(refresh(&hospital, &newest).await), refused, "another password erases nothing");
    hospital.server.admin().disable_user(&alice).await.unwrap();
    assert_eq!(erased(refresh(&hospital, &newest).await), told, "a closed account does, on every device");
}

#[tokio::test]
async fn a_device_that_was_revoked_from_outside_hears_nothing_more_even_if_its_session_cannot_be_looked_up() {
    let hospital = Hospital::open_with(|config| config.notice_every = Duration::from_millis(20)).await;
    let sign_in = json!({ "username": "bob", "password": PASSWORD, "deviceId": "lost" });
    let (_, grant) = hospital.call(Method::POST, "/api/login", None, Some(sign_in)).await;
    let mut bob = Wire::connect(&hospital.url(), grant["accessToken"].as_str().unwrap()).await;
    assert_eq!(bob.heard().await, []);

    Store::of(hospital.folder()).change("ALTER TABLE access_token RENAME TO out_of_sight");
    let outside = Admin::open_with(hospital.folder(), backing::database(hospital.folder()).as_ref()).unwrap();
    outside.revoke_device(&user("bob"), &DeviceId::new("lost")).await.unwrap();
    bob.until_closed().await;
    outside.close().await;
}
