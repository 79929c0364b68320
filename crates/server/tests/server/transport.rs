//! TLS, and standing behind a proxy that speaks it.

use std::{path::Path, sync::Arc, time::Duration};

use hugmedo_chat_server::{Config, Server, TlsFiles, start};
use reqwest::{StatusCode, header};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName},
};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    hospital::{Hospital, PASSWORD, config, user},
    wire::Wire,
};

/// A certificate of this machine, and its key.
struct Pair {
    certificate: rcgen::Certificate,
    key: rcgen::KeyPair,
}

impl Pair {
    fn new() -> Self {
        let rcgen::CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        Self { certificate: cert, key: signing_key }
    }

    fn write(&self, files: &TlsFiles) {
        // As tools that renew certificates do it: one after the other.
        std::fs::write(&files.certificate, self.certificate.pem()).unwrap();
        std::fs::write(&files.key, self.key.serialize_pem()).unwrap();
    }

    fn der(&self) -> &CertificateDer<'static> {
        self.certificate.der()
    }

    fn http(&self) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(self.certificate.pem().as_bytes()).unwrap();
        reqwest::Client::builder().add_root_certificate(root).build().unwrap()
    }
}

fn files(folder: &Path) -> TlsFiles {
    TlsFiles { certificate: folder.join("chat.pem"), key: folder.join("chat.key") }
}

fn encrypted(folder: &Path) -> Config {
    let mut config = config(folder.join("data"));
    config.tls = Some(files(folder));
    config.tls_look_every = Duration::from_millis(20);
    config
}

/// A TLS connection whose other end has to show one of these certificates.
async fn connect(server: &Server, trusted: &[&Pair]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    for pair in trusted {
        roots.add(pair.der().clone()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let line = Wire::line(&server.url()).await;
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("127.0.0.1").unwrap(), line).await
}

fn shown(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}

#[tokio::test]
async fn over_tls_calls_and_sockets_work_and_answers_say_to_stay_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let pair = Pair::new();
    pair.write(&files(folder.path()));
    let server = start(encrypted(folder.path())).await.unwrap();
    assert!(server.url().starts_with("https://127.0.0.1:"));
    server.admin().add_user("alice", PASSWORD, "Alice", hugmedo_chat_protocol::UserType::Staff).await.unwrap();

    let http = pair.http();
    let body = json!({ "username": "alice", "password": PASSWORD });
    let answer = http.post(format!("{}/api/login", server.url())).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()[header::STRICT_TRANSPORT_SECURITY], "max-age=31536000");
    let grant: serde_json::Value = answer.json().await.unwrap();
    let stream = connect(&server, &[&pair]).await.unwrap();
    let mut alice = Wire::open_over(&server.url().replacen("https", "http", 1), Box::new(stream)).await;
    alice.enter(grant["accessToken"].as_str().unwrap()).await;
    assert_eq!(alice.ask("heartbeat", json!({})).await["ok"], true);

    assert!(connect(&server, &[&Pair::new()]).await.is_err(), "it is this certificate that is shown");
    let plain = server.url().replacen("https", "http", 1);
    assert!(reqwest::get(format!("{plain}/healthz")).await.is_err(), "nothing is answered in clear");
    server.shutdown().await;
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_to_newcomers_and_a_broken_one_to_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let [first, second, third] = [Pair::new(), Pair::new(), Pair::new()];
    let all = [&first, &second, &third];
    first.write(&files);
    let server = start(encrypted(folder.path())).await.unwrap();
    server.admin().add_user("alice", PASSWORD, "Alice", hugmedo_chat_protocol::UserType::Staff).await.unwrap();
    let token = server.admin().issue_token(&user("alice"), Duration::from_secs(600)).await.unwrap();
    let stream = connect(&server, &all).await.unwrap();
    assert_eq!(shown(&stream), *first.der());
    let mut alice = Wire::open_over(&server.url().replacen("https", "http", 1), Box::new(stream)).await;
    alice.enter(token.expose()).await;

    let until_shown = async |wanted: &Pair, but_never: &[&Pair]| loop {
        let stream = connect(&server, &all).await.expect("there is a good pair at every moment");
        let shown = shown(&stream);
        assert!(!but_never.iter().any(|pair| *pair.der() == shown));
        if shown == *wanted.der() {
            break;
        }
    };
    second.write(&files);
    until_shown(&second, &[]).await;
    assert_eq!(alice.ask("heartbeat", json!({})).await["ok"], true, "what stood is still there");

    // A certificate whose key is another's, then none at all, then a file that is gone.
    std::fs::write(&files.certificate, first.certificate.pem()).unwrap();
    for _ in 0..20 {
        until_shown(&second, &[&first]).await;
    }
    std::fs::write(&files.certificate, "no certificate").unwrap();
    until_shown(&second, &[&first]).await;
    std::fs::remove_file(&files.key).unwrap();
    until_shown(&second, &[&first]).await;
    third.write(&files);
    until_shown(&third, &[&first]).await;
    assert_eq!(alice.ask("heartbeat", json!({})).await["ok"], true);
    server.shutdown().await;
}

#[tokio::test]
async fn a_pair_that_cannot_be_used_is_refused_with_the_file_it_is_about() {
    let folder = tempfile::tempdir().unwrap();
    let files = files(folder.path());
    let (good, other) = (Pair::new(), Pair::new());
    let why = async || start(encrypted(folder.path())).await.map(|_| ()).unwrap_err().to_string();
    let says = |why: &str, file: &Path, what: &str| {
        assert!(why.starts_with("TLS: ") && why.contains(file.to_str().unwrap()) && why.contains(what), "{why}");
    };
    says(&why().await, &files.certificate, "");
    good.write(&files);
    std::fs::write(&files.key, other.key.serialize_pem()).unwrap();
    says(&why().await, &files.key, "does not belong to the certificate");
    std::fs::write(&files.key, good.certificate.pem()).unwrap();
    says(&why().await, &files.key, "no private key");
    good.write(&files);
    std::fs::write(&files.certificate, good.key.serialize_pem()).unwrap();
    says(&why().await, &files.certificate, "no certificate");
    std::fs::write(&files.certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    says(&why().await, &files.certificate, "no certificate");
    good.write(&files);
    start(encrypted(folder.path())).await.unwrap().shutdown().await;
}

#[tokio::test]
async fn a_trusted_proxy_says_who_calls_and_nobody_else_does() {
    let guess = async |hospital: &Hospital, for_whom: &str| {
        let body = json!({ "username": "alice", "password": "guess" });
        let call = hospital.http.post(format!("{}/api/login", hospital.url())).json(&body);
        call.header("x-forwarded-for", for_whom).send().await.unwrap().status()
    };
    let limited = |config: &mut Config| config.limits.failed_logins_per_address = 1;

    let behind = Hospital::open_with(|config| {
        limited(config);
        config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    assert_eq!(guess(&behind, "192.0.2.1").await, StatusCode::UNAUTHORIZED);
    assert_eq!(guess(&behind, "192.0.2.1").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(guess(&behind, "192.0.2.2").await, StatusCode::UNAUTHORIZED, "another client is not concerned");
    assert_eq!(guess(&behind, "203.0.113.5, 192.0.2.2").await, StatusCode::TOO_MANY_REQUESTS, "nor gets off by lying");

    let direct = Hospital::open_with(limited).await;
    assert_eq!(guess(&direct, "192.0.2.1").await, StatusCode::UNAUTHORIZED);
    assert_eq!(guess(&direct, "192.0.2.2").await, StatusCode::TOO_MANY_REQUESTS, "the header of a stranger is nothing");
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_browsers_from_guessing_and_keeping() {
    let hospital = Hospital::open_with(|config| config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]).await;
    let token = hospital.token("alice").await;
    for (path, token) in [
        ("/healthz", None),
        ("/api/me", Some(&token)),
        ("/api/me", None),
        ("/no-such-route", None),
        ("/socket.io/", None),
    ] {
        let mut call = hospital.http.get(hospital.url() + path).header("x-forwarded-proto", "https");
        if let Some(token) = token {
            call = call.bearer_auth(token);
        }
        let answer = call.send().await.unwrap();
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", "max-age=31536000"),
        ] {
            assert_eq!(answer.headers()[name], value, "{path}");
        }
        assert!(!answer.headers().contains_key("access-control-allow-origin"), "{path}");
    }
    let plain = Hospital::open().await;
    let answer = plain.http.get(plain.url() + "/healthz").header("x-forwarded-proto", "https").send().await.unwrap();
    assert!(!answer.headers().contains_key("strict-transport-security"), "it came in clear");
}
