//! The faulty link is faulty in the ways it says, and in no other.

#![allow(clippy::unwrap_used, clippy::panic, reason = "all of this file is a test")]

use std::{io::ErrorKind, net::SocketAddr, time::Duration};

use hugmedo_chat_testkit::{FaultyLink, Outages};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// Longer than anything here takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that says back what it hears.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    address
}

async fn say(stream: &mut TcpStream, words: &[u8]) -> Vec<u8> {
    stream.write_all(words).await.unwrap();
    hear(stream, words.len()).await
}

async fn hear(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut heard = vec![0; length];
    timeout(PATIENCE, stream.read_exact(&mut heard)).await.unwrap().unwrap();
    heard
}

async fn connected(link: &FaultyLink) -> TcpStream {
    let mut stream = TcpStream::connect(link.address()).await.unwrap();
    assert_eq!(say(&mut stream, b"hello").await, b"hello");
    stream
}

/// How a connection ended, `None` for in good form.
async fn ending(stream: &mut TcpStream) -> Option<ErrorKind> {
    match timeout(PATIENCE, stream.read(&mut [0; 1])).await.unwrap() {
        Ok(length) => {
            assert_eq!(length, 0, "the connection still speaks");
            None
        }
        Err(error) => Some(error.kind()),
    }
}

#[tokio::test]
async fn a_megabyte_comes_through_byte_for_byte_also_with_a_delay() {
    let link = FaultyLink::to(echo().await).await.unwrap();
    link.delay(Duration::from_millis(1));
    let (mut from, mut to) = TcpStream::connect(link.address()).await.unwrap().into_split();
    let words: Vec<u8> = (0..1_000_000_u32).map(|number| (number % 251) as u8).collect();
    let said = words.clone();
    let saying = tokio::spawn(async move {
        to.write_all(&said).await.unwrap();
        to.shutdown().await.unwrap();
    });
    let mut heard = Vec::new();
    timeout(PATIENCE, from.read_to_end(&mut heard)).await.unwrap().unwrap();
    saying.await.unwrap();
    assert!(heard == words, "the end of one side is passed on too, after everything said before");
}

#[tokio::test]
async fn a_cut_is_an_end_in_good_form_and_a_reset_is_none() {
    let link = FaultyLink::to(echo().await).await.unwrap();
    let mut cut = connected(&link).await;
    link.cut_all();
    assert_eq!(ending(&mut cut).await, None);
    let mut reset = connected(&link).await;
    link.reset_all();
    assert_eq!(ending(&mut reset).await, Some(ErrorKind::ConnectionReset));
    assert_eq!((link.accepted(), link.ended()), (2, 2));
    connected(&link).await;
}

#[tokio::test]
async fn one_of_several_connections_is_ended() {
    let link = FaultyLink::to(echo().await).await.unwrap();
    let (mut first, mut second) = (connected(&link).await, connected(&link).await);
    // The second of two, by reset.
    link.end_one(0b11);
    assert_eq!(ending(&mut second).await, Some(ErrorKind::ConnectionReset));
    assert_eq!(say(&mut first, b"still here").await, b"still here");
}

#[tokio::test]
async fn a_stalled_link_stays_open_says_nothing_and_loses_nothing() {
    let link = FaultyLink::to(echo().await).await.unwrap();
    let mut stream = connected(&link).await;
    link.stall(true);
    stream.write_all(b"into the void").await.unwrap();
    assert!(timeout(Duration::from_millis(100), stream.read(&mut [0; 1])).await.is_err(), "nothing arrives");
    link.stall(false);
    assert_eq!(hear(&mut stream, 13).await, b"into the void");

    link.stall_down(true);
    stream.write_all(b"heard there").await.unwrap();
    assert!(timeout(Duration::from_millis(100), stream.read(&mut [0; 1])).await.is_err(), "nothing comes back");
    link.stall_down(false);
    assert_eq!(hear(&mut stream, 11).await, b"heard there");

    link.stall(true);
    link.cut_all();
    assert_eq!(ending(&mut stream).await, None, "a stalled connection can be cut");
}

#[tokio::test]
async fn an_outage_ends_what_stands_and_lets_nothing_in_until_it_is_over() {
    let link = FaultyLink::to(echo().await).await.unwrap();
    let mut before = connected(&link).await;
    link.outage(true);
    assert_eq!(ending(&mut before).await, Some(ErrorKind::ConnectionReset));
    let mut refused = TcpStream::connect(link.address()).await.unwrap();
    assert_eq!(ending(&mut refused).await, Some(ErrorKind::ConnectionReset));
    link.outage(false);
    connected(&link).await;
}

#[tokio::test]
async fn a_server_that_is_away_looks_like_a_reset_and_may_come_back_elsewhere() {
    let nobody = TcpListener::bind(("127.0.0.1", 0)).await.unwrap().local_addr().unwrap();
    let link = FaultyLink::to(nobody).await.unwrap();
    let mut stream = TcpStream::connect(link.address()).await.unwrap();
    assert_eq!(ending(&mut stream).await, Some(ErrorKind::ConnectionReset));
    link.lead_to(echo().await);
    connected(&link).await;
}

#[tokio::test]
async fn a_link_that_blocks_websockets_answers_them_403_and_passes_plain_http() {
    let link = FaultyLink::to(echo().await).await.unwrap();
    let mut before = connected(&link).await;
    link.block_upgrade(true);
    let mut socket = TcpStream::connect(link.address()).await.unwrap();
    // In two pieces, as a slow client would.
    socket.write_all(b"GET /socket.io/ HTTP/1.1\r\nHost: here\r\nUPGRADE: Web").await.unwrap();
    socket.write_all(b"Socket\r\nConnection: Upgrade\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, socket.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");

    let plain = b"POST /api/token HTTP/1.1\r\nHost: here\r\ncontent-length: 20\r\n\r\nupgrade: websocket\r\n";
    let mut stream = TcpStream::connect(link.address()).await.unwrap();
    assert_eq!(say(&mut stream, plain).await, plain, "the body is not looked at");
    assert_eq!(say(&mut before, b"upgraded earlier").await, b"upgraded earlier");
    link.block_upgrade(false);
    connected(&link).await;
}

#[tokio::test]
async fn outages_come_and_go_by_themselves() {
    let link = FaultyLink::to(echo().await).await.unwrap();
    let every = Duration::from_millis(5)..Duration::from_millis(20);
    let suffering = link.suffer(Outages { seed: 7, every, offline: Duration::from_millis(5) });
    let using = async {
        let (mut served, mut lost) = (0, 0);
        while served < 3 || lost < 3 {
            let mut stream = TcpStream::connect(link.address()).await.unwrap();
            let mut heard = [0; 2];
            let answered = async {
                stream.write_all(b"ok").await?;
                stream.read_exact(&mut heard).await
            };
            match answered.await {
                Ok(_) => served += 1,
                Err(_) => lost += 1,
            }
        }
    };
    tokio::select! {
        () = suffering => unreachable!("it never ends"),
        done = timeout(PATIENCE, using) => done.unwrap(),
    }
}
