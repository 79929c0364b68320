//! Tokens of an outside issuer, which a test plays on this machine.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{Json, Router, routing::get};
use data_encoding::BASE64URL_NOPAD;
use hugmedo_chat_server::{Config, IssuerSettings};
use reqwest::{Method, StatusCode};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
        RsaKeyPair, RsaPublicKeyComponents,
    },
};
use serde_json::{Value, json};

use crate::{
    hospital::{Hospital, says, user},
    wire::Wire,
};

const AUDIENCE: &str = "hugmedo-chat";

/// A key of the issuer.
enum Key {
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
    Rsa(RsaKeyPair),
}

impl Key {
    fn ec() -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self::Ec(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap())
    }

    fn ed() -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap();
        Self::Ed(Ed25519KeyPair::from_pkcs8(document.as_ref()).unwrap())
    }

    /// Made for this test alone; ring makes none.
    fn rsa() -> Self {
        Self::Rsa(RsaKeyPair::from_pkcs8(include_bytes!("issuer-test-key.pk8")).unwrap())
    }

    fn public(&self, id: &str) -> Value {
        match self {
            Self::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "kid": id, "use": "sig", "x": encode(x), "y": encode(y) })
            }
            Self::Ed(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "kid": id, "x": encode(pair.public_key().as_ref()) })
            }
            Self::Rsa(pair) => {
                let parts = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "kid": id, "n": encode(&parts.n), "e": encode(&parts.e) })
            }
        }
    }

    fn sign(&self, algorithm: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Ec(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                match algorithm {
                    "PS256" => pair.sign(&RSA_PSS_SHA256, &random, message, &mut signature).unwrap(),
                    _ => pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap(),
                }
                signature
            }
        }
    }

    /// A token by this key, under the id the issuer knows it by.
    fn token(&self, algorithm: &str, id: &str, claims: &Value) -> String {
        let head = encode(json!({ "alg": algorithm, "kid": id, "typ": "at+jwt" }).to_string().as_bytes());
        let signed = format!("{head}.{}", encode(claims.to_string().as_bytes()));
        let signature = self.sign(algorithm, signed.as_bytes());
        format!("{signed}.{}", encode(&signature))
    }
}

fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// An issuer on this machine.
struct Issuer {
    url: String,
    keys: Arc<Mutex<Vec<Value>>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    async fn open(keys: Vec<Value>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (keys, asked) = (Arc::new(Mutex::new(keys)), Arc::new(AtomicUsize::new(0)));
        let document = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") });
        let (shown, counted) = (keys.clone(), asked.clone());
        let routes = Router::new().route("/.well-known/openid-configuration", get(async move || Json(document))).route(
            "/keys",
            get(async move || {
                counted.fetch_add(1, Ordering::Relaxed);
                Json(json!({ "keys": *shown.lock().unwrap() }))
            }),
        );
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Self { url, keys, asked }
    }

    fn set_keys(&self, keys: Vec<Value>) {
        *self.keys.lock().unwrap() = keys;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn claims(&self, person: &str) -> Value {
        json!({ "iss": self.url, "aud": AUDIENCE, "sub": person, "iat": now(), "exp": now() + 300 })
    }

    /// A hospital that believes it, and asks for keys as often as it likes.
    async fn hospital(&self, adjust: impl FnOnce(&mut IssuerSettings)) -> Hospital {
        let mut settings = IssuerSettings::new(&self.url, AUDIENCE);
        settings.keys_retry = Duration::ZERO;
        adjust(&mut settings);
        Hospital::open_with(move |config: &mut Config| config.issuer = Some(settings)).await
    }
}

/// Who a call is for, or the code it is refused with.
async fn me(hospital: &Hospital, token: &str) -> String {
    let (status, body) = hospital.call(Method::GET, "/api/me", Some(token), None).await;
    match status {
        StatusCode::OK => body["id"].as_str().unwrap().to_owned(),
        _ => body["code"].as_str().unwrap().to_owned(),
    }
}

#[tokio::test]
async fn a_token_of_the_issuer_opens_calls_and_sockets_by_every_kind_of_key() {
    let keys = [
        ("ec", "ES256", Key::ec()),
        ("ed", "EdDSA", Key::ed()),
        ("rsa", "RS256", Key::rsa()),
        ("rsa", "PS256", Key::rsa()),
    ];
    let issuer = Issuer::open(keys.iter().map(|(id, _, key)| key.public(id)).collect()).await;
    let hospital = issuer.hospital(|_| {}).await;
    for (id, algorithm, key) in &keys {
        let mut claims = issuer.claims("alice");
        claims["jti"] = (*algorithm).into();
        let token = key.token(algorithm, id, &claims);
        assert_eq!(me(&hospital, &token).await, "alice", "{algorithm}");
        let mut alice = Wire::connect(&hospital.url(), &token).await;
        assert_eq!(alice.ask("join_room", json!({ "roomId": "ward" })).await["ok"], true);
        assert_eq!(alice.ask("message", says("ward", algorithm)).await["ok"], true);
    }
    let mut claims = issuer.claims("bob");
    claims["aud"] = json!(["another", AUDIENCE]);
    assert_eq!(me(&hospital, &keys[0].2.token("ES256", "ec", &claims)).await, "bob", "an audience among others");
    assert_eq!(issuer.asked(), 1, "the keys are fetched once");
}

#[tokio::test]
async fn what_is_not_signed_by_the_issuer_for_us_and_now_is_refused() {
    let (ec, stranger, rsa) = (Key::ec(), Key::ec(), Key::rsa());
    let issuer = Issuer::open(vec![ec.public("ec"), rsa.public("rsa")]).await;
    let hospital = issuer.hospital(|_| {}).await;
    let good = issuer.claims("alice");
    let with = |change: &dyn Fn(&mut Value)| {
        let mut claims = good.clone();
        change(&mut claims);
        ec.token("ES256", "ec", &claims)
    };
    let without = |claim: &str| with(&|claims| drop(claims.as_object_mut().unwrap().remove(claim)));
    for (what, token) in [
        ("another issuer", with(&|claims| claims["iss"] = "https://elsewhere.example.org".into())),
        ("no issuer", without("iss")),
        ("another audience", with(&|claims| claims["aud"] = "another".into())),
        ("other audiences", with(&|claims| claims["aud"] = json!(["another", "third"]))),
        ("no audience", without("aud")),
        ("no end", without("exp")),
        ("an end that is a text", with(&|claims| claims["exp"] = "tomorrow".into())),
        ("not yet begun", with(&|claims| claims["nbf"] = (now() + 600).into())),
        ("issued in the future", with(&|claims| claims["iat"] = (now() + 600).into())),
        ("nobody", without("sub")),
        ("a stranger", with(&|claims| claims["sub"] = "nobody".into())),
        ("the server itself", with(&|claims| claims["sub"] = "server:alerts".into())),
        ("a person by number", with(&|claims| claims["sub"] = 7.into())),
        ("a key of someone else", stranger.token("ES256", "ec", &good)),
        ("an unknown key", stranger.token("ES256", "unknown", &good)),
    ] {
        assert_eq!(me(&hospital, &token).await, "unauthorized", "{what}");
        let auth = json!({ "token": token }).to_string();
        assert_eq!(Wire::refused(&hospital.url(), &auth).await, "unauthorized", "{what}");
    }
    let expired = with(&|claims| claims["exp"] = (now() - 1).into());
    assert_eq!(me(&hospital, &expired).await, "token_expired");
    let auth = json!({ "token": expired }).to_string();
    assert_eq!(Wire::refused(&hospital.url(), &auth).await, "token_expired");
    let late_clock = with(&|claims| claims["nbf"] = (now() + 10).into());
    assert_eq!(me(&hospital, &late_clock).await, "alice", "clocks differ a little");
}

#[tokio::test]
async fn no_token_chooses_an_algorithm_that_anyone_could_use() {
    let (ec, rsa) = (Key::ec(), Key::rsa());
    let issuer = Issuer::open(vec![ec.public("ec"), rsa.public("rsa")]).await;
    let hospital = issuer.hospital(|_| {}).await;
    let claims = encode(issuer.claims("alice").to_string().as_bytes());
    let signed = |head: Value| format!("{}.{claims}", encode(head.to_string().as_bytes()));
    for algorithm in ["none", "None", "NONE", ""] {
        let signed = signed(json!({ "alg": algorithm, "kid": "ec" }));
        for signature in ["", "AAAA"] {
            assert_eq!(me(&hospital, &format!("{signed}.{signature}")).await, "unauthorized", "{algorithm}");
        }
    }
    // The public key, which everyone has, taken for a shared secret, in every shape it is found in.
    let jwk = rsa.public("rsa");
    let modulus = BASE64URL_NOPAD.decode(jwk["n"].as_str().unwrap().as_bytes()).unwrap();
    for secret in [modulus, jwk["n"].as_str().unwrap().as_bytes().to_vec(), jwk.to_string().into_bytes(), Vec::new()] {
        for (name, kind) in [("HS256", hmac::HMAC_SHA256), ("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
            let signed = signed(json!({ "alg": name, "kid": "rsa" }));
            let signature = hmac::sign(&hmac::Key::new(kind, &secret), signed.as_bytes());
            assert_eq!(me(&hospital, &format!("{signed}.{}", encode(signature.as_ref()))).await, "unauthorized");
        }
    }
    // An honest signature under the name of another algorithm, or with an extension we do not know.
    for head in [
        json!({ "alg": "RS256", "kid": "ec" }),
        json!({ "alg": "ES384", "kid": "ec" }),
        json!({ "alg": "EdDSA", "kid": "ec" }),
        json!({ "alg": "ES256", "kid": "rsa" }),
        json!({ "alg": "ES256", "kid": "ec", "crit": ["b64"] }),
    ] {
        let signed = signed(head.clone());
        let signature = encode(&ec.sign("ES256", signed.as_bytes()));
        assert_eq!(me(&hospital, &format!("{signed}.{signature}")).await, "unauthorized", "{head}");
    }
    // And a key that is for one algorithm alone is for no other.
    let mut only = rsa.public("only");
    only["alg"] = "RS256".into();
    issuer.set_keys(vec![only]);
    let claims = issuer.claims("alice");
    assert_eq!(me(&hospital, &rsa.token("PS256", "only", &claims)).await, "unauthorized");
    assert_eq!(me(&hospital, &rsa.token("RS256", "only", &claims)).await, "alice");
}

#[tokio::test]
async fn a_key_the_issuer_changed_is_fetched_and_one_it_withdrew_is_not_believed_any_more() {
    let (old, new) = (Key::ec(), Key::ec());
    let issuer = Issuer::open(vec![old.public("1")]).await;
    let hospital = issuer.hospital(|settings| settings.keys_fresh = Duration::ZERO).await;
    assert_eq!(me(&hospital, &old.token("ES256", "1", &issuer.claims("alice"))).await, "alice");
    let by_new = new.token("ES256", "2", &issuer.claims("alice"));
    assert_eq!(me(&hospital, &by_new).await, "unauthorized", "not yet one of the issuer's");
    issuer.set_keys(vec![old.public("1"), new.public("2")]);
    assert_eq!(me(&hospital, &by_new).await, "alice");
    issuer.set_keys(vec![new.public("2")]);
    assert_eq!(me(&hospital, &old.token("ES256", "1", &issuer.claims("bob"))).await, "unauthorized");
    assert_eq!(me(&hospital, &new.token("ES256", "2", &issuer.claims("bob"))).await, "bob");
}

#[tokio::test]
async fn tokens_that_name_made_up_keys_do_not_make_the_server_ask_again_and_again() {
    let key = Key::ec();
    let issuer = Issuer::open(vec![key.public("1")]).await;
    let hospital = issuer.hospital(|settings| settings.keys_retry = Duration::from_secs(600)).await;
    assert_eq!(me(&hospital, &key.token("ES256", "1", &issuer.claims("alice"))).await, "alice");
    for made_up in 0..20 {
        let token = key.token("ES256", &format!("made-up-{made_up}"), &issuer.claims("alice"));
        assert_eq!(me(&hospital, &token).await, "unauthorized");
    }
    assert_eq!(issuer.asked(), 1);
}

#[tokio::test]
async fn a_socket_ends_with_the_issuers_token_and_lives_on_with_a_fresh_one() {
    let key = Key::ec();
    let issuer = Issuer::open(vec![key.public("1")]).await;
    let hospital = issuer.hospital(|_| {}).await;
    let token = |person: &str, seconds: i64| {
        let mut claims = issuer.claims(person);
        claims["exp"] = (now() + seconds).into();
        key.token("ES256", "1", &claims)
    };
    let short = token("alice", 2);
    let mut ends = Wire::connect(&hospital.url(), &short).await;
    let mut goes_on = Wire::connect(&hospital.url(), &short).await;
    assert_eq!(goes_on.ask("renew", json!({ "token": token("bob", 300) })).await["code"], "forbidden");
    assert_eq!(goes_on.ask("renew", json!({ "token": token("nobody", 300) })).await["code"], "unauthorized");
    let fresh = token("alice", 300);
    assert_eq!(goes_on.ask("renew", json!({ "token": fresh })).await["ok"], true);
    let (status, _) = hospital
        .call(Method::POST, "/api/events/renew", Some(&fresh), Some(json!({ "token": token("alice", 200) })))
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(ends.until_closed().await, [("session_ended".to_owned(), json!({ "reason": "expired" }))]);
    assert_eq!(me(&hospital, &short).await, "token_expired");
    assert_eq!(goes_on.ask("heartbeat", json!({})).await["ok"], true);
    // Signed out here, the token is of no use here any more, though the issuer still stands by it.
    let (status, _) = hospital.call(Method::POST, "/api/logout", Some(&fresh), None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(goes_on.until_closed().await.last().unwrap().1, json!({ "reason": "signed_out" }));
    assert_eq!(me(&hospital, &fresh).await, "unauthorized");
}

#[tokio::test]
async fn a_closed_account_stays_closed_whatever_the_issuer_says() {
    let key = Key::ec();
    let issuer = Issuer::open(vec![key.public("1")]).await;
    let hospital = issuer.hospital(|settings| settings.user_claim = "preferred_username".to_owned()).await;
    let token = |number: u32| {
        let mut claims = issuer.claims("b7e0-subject");
        claims["preferred_username"] = "alice".into();
        claims["jti"] = number.into();
        key.token("ES256", "1", &claims)
    };
    let mut alice = Wire::connect(&hospital.url(), &token(1)).await;
    hospital.server.admin().disable_user(&user("alice")).await.unwrap();
    assert_eq!(alice.until_closed().await.last().unwrap().1, json!({ "reason": "revoked" }));
    for number in [1, 2] {
        assert_eq!(me(&hospital, &token(number)).await, "unauthorized");
    }
}

#[tokio::test]
async fn while_the_issuer_is_away_known_tokens_work_and_others_wait() {
    let key = Key::ec();
    let issuer = Issuer::open(vec![key.public("1")]).await;
    let nowhere = IssuerSettings {
        jwks_url: Some("http://127.0.0.1:9/keys".into()),
        ..IssuerSettings::new(&issuer.url, AUDIENCE)
    };
    let hospital = Hospital::open_with(|config| config.issuer = Some(nowhere)).await;
    let token = key.token("ES256", "1", &issuer.claims("alice"));
    assert_eq!(me(&hospital, &token).await, "unavailable");
    let auth = json!({ "token": token }).to_string();
    assert_eq!(Wire::refused(&hospital.url(), &auth).await, "unavailable");
    let ours = hospital.token("alice").await;
    assert_eq!(me(&hospital, &ours).await, "alice", "our own sign-in is not concerned");
    assert_eq!(me(&hospital, "hmca_made-up").await, "unauthorized");
}

#[tokio::test]
async fn without_an_issuer_in_the_settings_no_such_token_is_believed() {
    let key = Key::ec();
    let issuer = Issuer::open(vec![key.public("1")]).await;
    let hospital = Hospital::open().await;
    assert_eq!(me(&hospital, &key.token("ES256", "1", &issuer.claims("alice"))).await, "unauthorized");
    assert_eq!(issuer.asked(), 0);
    for (issuer, audience) in
        [("http://login.example.org", AUDIENCE), ("login", AUDIENCE), ("https://login.example.org", "")]
    {
        let folder = tempfile::tempdir().unwrap();
        let mut config = crate::hospital::config(folder.path());
        config.issuer = Some(IssuerSettings::new(issuer, audience));
        assert!(hugmedo_chat_server::start(config).await.is_err(), "{issuer} {audience}");
    }
}
