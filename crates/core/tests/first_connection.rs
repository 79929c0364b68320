//! Trying a server, over real sockets: what answers, and each thing that can be in the way.

use std::{net::SocketAddr, time::Duration};

use anyhow::Result;
use hugmedo_chat_core::{
    ErrorCode,
    view::{ConnectionSettings, ServerKind},
};
use hugmedo_chat_testkit::{Clinician, Hospital};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// Something that listens and answers every request with the same words.
async fn answering(answer: &'static str) -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 2048];
                let _ = client.read(&mut request).await;
                let _ = client.write_all(answer.as_bytes()).await;
            });
        }
    });
    Ok(address)
}

/// A port on which nobody listens.
async fn nobody() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0").await?.local_addr()?)
}

async fn found(server: &str, connection: ConnectionSettings) -> Result<Result<ServerKind, ErrorCode>> {
    let sato = Clinician::at_a_computer().await?;
    sato.core.change_preferences(|preferences| preferences.connection = connection).await?;
    let check = sato.core.check_server(server, true).await;
    Ok(check.map(|check| check.kind).map_err(|error| error.code()))
}

async fn plainly(server: impl ToString) -> Result<Result<ServerKind, ErrorCode>> {
    found(&server.to_string(), ConnectionSettings::default()).await
}

#[tokio::test]
async fn our_own_server_is_known_for_what_it_is() -> Result<()> {
    let hospital = Hospital::open().await?;
    let sato = Clinician::at_a_computer().await?;
    let check = sato.core.check_server(&format!(" {}/ ", hospital.url()), false).await?;
    assert_eq!((check.address, check.kind), (hospital.url(), ServerKind::Extended));
    Ok(())
}

#[tokio::test]
async fn a_server_of_the_guides_kind_is_told_from_ours_and_from_one_that_is_too_old() -> Result<()> {
    let guide = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n0{\"sid\":\"x\",\"upgrades\":[\"websocket\"]}";
    assert_eq!(plainly(answering(guide).await?).await?, Ok(ServerKind::Baseline));
    let old = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n11:0{\"sid\":\"x\"}2:40";
    assert_eq!(plainly(answering(old).await?).await?, Err(ErrorCode::NotAChatServer), "the count has to be right");
    let old = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n12:0{\"sid\":\"x\"}2:40";
    assert_eq!(plainly(answering(old).await?).await?, Err(ErrorCode::ServerTooOld));
    let old = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n{\"code\":5,\"message\":\"Unsupported protocol version\"}";
    assert_eq!(plainly(answering(old).await?).await?, Err(ErrorCode::ServerTooOld));
    Ok(())
}

#[tokio::test]
async fn anything_else_that_answers_is_not_a_chat_server() -> Result<()> {
    for answer in [
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n<html>It works!</html>",
        "HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: http://login.hotel.example/\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n",
    ] {
        assert_eq!(plainly(answering(answer).await?).await?, Err(ErrorCode::NotAChatServer), "{answer}");
    }
    // It answers, but not with TLS.
    let plain = answering("HTTP/1.1 400 Bad Request\r\n\r\n").await?;
    assert_eq!(plainly(format!("https://{plain}")).await?, Err(ErrorCode::NotAChatServer));
    Ok(())
}

#[tokio::test]
async fn a_name_that_nobody_bears_is_told_from_a_computer_that_takes_no_connection() -> Result<()> {
    // This ending is reserved for names that nobody bears.
    assert_eq!(plainly("chat.hospital.invalid").await?, Err(ErrorCode::HostNotFound));
    assert_eq!(plainly(nobody().await?).await?, Err(ErrorCode::ConnectionRefused));
    Ok(())
}

#[tokio::test]
async fn a_proxy_that_is_away_is_told_from_one_that_leads_no_further() -> Result<()> {
    let through = |proxy: SocketAddr| ConnectionSettings { proxy: format!("http://{proxy}"), ..Default::default() };
    let away = found("https://chat.example.org", through(nobody().await?)).await?;
    assert_eq!(away, Err(ErrorCode::ProxyUnreachable));
    let refusing = answering("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await?;
    let refused = found("https://chat.example.org", through(refusing)).await?;
    assert_eq!(refused, Err(ErrorCode::ProxyRefused));
    Ok(())
}

#[tokio::test]
async fn an_address_is_checked_before_anything_is_sent() -> Result<()> {
    let sato = Clinician::at_a_computer().await?;
    for (typed, code) in [
        ("", ErrorCode::InvalidAddress),
        ("https://chat.example.org/chat", ErrorCode::AddressHasPath),
        ("http://chat.example.org", ErrorCode::InsecureAddress),
    ] {
        let refused = sato.core.check_server(typed, false).await.expect_err(typed);
        assert_eq!(refused.code(), code, "{typed}");
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_given_up() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let sato = Clinician::at_a_computer().await?;
    let silent =
        tokio::time::timeout(Duration::from_secs(60), sato.core.check_server(&address.to_string(), true)).await?;
    assert_eq!(silent.expect_err("silent").code(), ErrorCode::Timeout);
    Ok(())
}
