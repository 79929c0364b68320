//! The networks of hospitals: a certificate authority of their own, and a proxy that everything goes through.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Context, Result};
use hugmedo_chat_core::{
    ErrorCode,
    policy::Policy,
    view::{ConnectionSettings, ConnectionState, Delivery},
};
use hugmedo_chat_testkit::{Clinician, FaultyLink, Hospital};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, copy_bidirectional},
    net::{TcpListener, TcpStream},
};

/// TLS in front of the server, with a certificate that only the hospital's own authority vouches for.
struct Tls {
    address: SocketAddr,
    ca_file: tempfile::NamedTempFile,
}

impl Tls {
    async fn before(hospital: &Hospital) -> Result<Self> {
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // A name of its own, or the certificate below would look signed by itself.
        authority.distinguished_name.push(DnType::CommonName, "Hospital CA");
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &authority)?;
        let ca_file = tempfile::NamedTempFile::new()?;
        std::fs::write(ca_file.path(), authority.pem())?;

        let identity = native_tls::Identity::from_pkcs8(certificate.pem().as_bytes(), key.serialize_pem().as_bytes())?;
        let acceptor = tokio_native_tls::TlsAcceptor::from(native_tls::TlsAcceptor::new(identity)?);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let server = hospital.url().trim_start_matches("http://").to_owned();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, server) = (acceptor.clone(), server.clone());
                tokio::spawn(async move {
                    let mut client = acceptor.accept(client).await?;
                    let mut server = TcpStream::connect(server).await?;
                    copy_bidirectional(&mut client, &mut server).await?;
                    anyhow::Ok(())
                });
            }
        });
        Ok(Self { address, ca_file })
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    fn trusted(&self) -> ConnectionSettings {
        ConnectionSettings { ca_file: self.ca_file.path().to_string_lossy().into_owned(), ..Default::default() }
    }
}

/// A proxy that knows CONNECT, and counts.
async fn proxy() -> Result<(String, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let tunnels = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tunnels);
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let count = Arc::clone(&count);
            tokio::spawn(async move {
                let mut client = BufReader::new(client);
                let mut request = String::new();
                client.read_line(&mut request).await?;
                let target = request.strip_prefix("CONNECT ").and_then(|rest| rest.split(' ').next());
                let target = target.context("only CONNECT")?.to_owned();
                let mut header = String::new();
                while client.read_line(&mut header).await? > 2 {
                    header.clear();
                }
                let mut server = TcpStream::connect(target).await?;
                count.fetch_add(1, Ordering::SeqCst);
                client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
                copy_bidirectional(&mut client, &mut server).await?;
                anyhow::Ok(())
            });
        }
    });
    Ok((url, tunnels))
}

async fn with_settings(connection: ConnectionSettings) -> Result<Clinician> {
    let clinician = Clinician::at_a_computer().await?;
    clinician.core.change_preferences(|preferences| preferences.connection = connection).await?;
    Ok(clinician)
}

#[tokio::test]
async fn a_hospitals_own_certificate_authority_is_trusted_by_sign_in_and_by_the_live_connection() -> Result<()> {
    let hospital = Hospital::open().await?;
    let tls = Tls::before(&hospital).await?;
    let mut sato = with_settings(tls.trusted()).await?;
    sato.sign_in(&tls.url(), "sato").await?;
    sato.watch.until_live().await?;
    let general = "general".into();
    sato.say(&general, "院内認証局").await?;
    sato.watch.until_message(&general, "院内認証局", Some(Delivery::Sent)).await?;
    Ok(())
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_refused_with_that_reason() -> Result<()> {
    let hospital = Hospital::open().await?;
    let tls = Tls::before(&hospital).await?;
    let sato = Clinician::at_a_computer().await?;
    let refused = sato.sign_in(&tls.url(), "sato").await.expect_err("not trusted");
    let code = refused.downcast_ref::<hugmedo_chat_core::Error>().map(|error| error.code());
    assert_eq!(code, Some(ErrorCode::UntrustedCertificate));
    let tried = sato.core.check_server(&tls.url(), false).await.expect_err("not trusted");
    assert_eq!(tried.code(), ErrorCode::UntrustedCertificate);
    Ok(())
}

#[tokio::test]
async fn everything_goes_through_the_proxy_that_is_set_and_messages_go_both_ways() -> Result<()> {
    let hospital = Hospital::open().await?;
    let tls = Tls::before(&hospital).await?;
    let (proxy, tunnels) = proxy().await?;
    let mut sato = with_settings(ConnectionSettings { proxy, ..tls.trusted() }).await?;
    sato.sign_in(&tls.url(), "sato").await?;
    sato.watch.until("the calls", |watch| watch.connection.state == ConnectionState::Limited).await?;
    assert_eq!(sato.watch.connection.reason, Some(ErrorCode::ProxyInUse));
    assert!(tunnels.load(Ordering::SeqCst) > 0);

    let mut suzuki = hospital.clinician("suzuki").await?;
    let general = "general".into();
    sato.say(&general, "代理経由で届く").await?;
    let heard = suzuki.watch.until_message(&general, "代理経由で届く", None).await?;
    suzuki.core.mark_read(&general, heard.seq.context("it is sent")?).await?;
    sato.watch.until_message(&general, "代理経由で届く", Some(Delivery::Read)).await?;
    suzuki.say(&general, "返事も届く").await?;
    sato.watch.until_message(&general, "返事も届く", None).await?;
    Ok(())
}

#[tokio::test]
async fn the_proxy_and_the_authority_that_are_decided_are_those_of_every_connection() -> Result<()> {
    let hospital = Hospital::open().await?;
    let tls = Tls::before(&hospital).await?;
    let (proxy, tunnels) = proxy().await?;
    let decided = format!(r#"{{ "proxy": {proxy:?}, "caFile": {:?} }}"#, tls.trusted().ca_file);
    let mut sato = Clinician::at_a_computer_under(Policy::parse(decided.as_bytes())).await?;
    sato.core.check_server(&tls.url(), false).await?;
    assert!(tunnels.swap(0, Ordering::SeqCst) > 0, "trying the server");
    sato.sign_in(&tls.url(), "sato").await?;
    assert!(tunnels.load(Ordering::SeqCst) > 0, "signing in");
    sato.watch.until("the calls", |watch| watch.connection.state == ConnectionState::Limited).await?;
    assert_eq!(sato.watch.connection.reason, Some(ErrorCode::ProxyInUse));
    Ok(())
}

#[tokio::test]
async fn where_websockets_are_blocked_messages_go_over_https_until_they_are_not() -> Result<()> {
    let hospital = Hospital::open().await?;
    let server = hospital.server().context("it is open")?.local_addr();
    let link = FaultyLink::to(server).await?;
    link.block_upgrade(true);
    let mut sato = Clinician::at_a_computer().await?;
    sato.sign_in(&link.url(), "sato").await?;
    let asked = std::time::Instant::now();
    sato.watch.until("the calls", |watch| watch.connection.state == ConnectionState::Limited).await?;
    println!("limited after {:.1} s", asked.elapsed().as_secs_f64());
    assert_eq!(sato.watch.connection.reason, Some(ErrorCode::WebSocketBlocked));

    let mut suzuki = hospital.clinician("suzuki").await?;
    let general = "general".into();
    sato.say(&general, "制限中でも届く").await?;
    suzuki.watch.until_message(&general, "制限中でも届く", None).await?;
    suzuki.say(&general, "返事も届く").await?;
    sato.watch.until_message(&general, "返事も届く", None).await?;

    // The proxy lets sockets through again: the app finds that out by itself.
    link.block_upgrade(false);
    sato.watch.until_live().await?;
    suzuki.say(&general, "もう制限はない").await?;
    sato.watch.until_message(&general, "もう制限はない", None).await?;
    assert_eq!(sato.watch.count(&general, "返事も届く"), 1);
    Ok(())
}
