//! A TCP link between a client and a server that misbehaves when told to, or by a schedule that a seed repeats.
//!
//! Invariant: what it forwards is forwarded faithfully. Within one connection no byte is lost before the connection is,
//! none is changed, repeated or overtaken by another; only time and the connection's end are the link's to choose.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{oneshot, watch},
    task::JoinHandle,
    time::sleep,
};

/// Bytes forwarded at a time. Small enough that a cut often falls in the middle of a frame.
const CHUNK: usize = 4 * 1024;
/// What the link takes from a server while it forwards nothing.
const RECEIVE_BUFFER: u32 = 16 * 1024;
/// The longest head of an HTTP request that is looked at for an upgrade.
const LONGEST_HEAD: usize = 16 * 1024;
/// What a proxy that knows no WebSockets says to one.
const NO_UPGRADES: &[u8] = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// How a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// In good form, by FIN.
    Closed,
    /// By RST, as a crashed machine or a firewall does.
    Reset,
}

/// What is wrong with the link at present.
#[derive(Debug, Clone, Copy, Default)]
struct Faults {
    refuses: bool,
    blocks_upgrade: bool,
    stalls_up: bool,
    stalls_down: bool,
    delay: Duration,
}

/// The two ways through the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

#[derive(Debug)]
struct Shared {
    target: Mutex<SocketAddr>,
    faults: watch::Sender<Faults>,
    open: Mutex<BTreeMap<u64, oneshot::Sender<End>>>,
    accepted: AtomicU64,
    ended: AtomicU64,
}

/// The link. Dropping it ends its connections and frees its address.
#[derive(Debug)]
pub struct FaultyLink {
    shared: Arc<Shared>,
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

/// Outages that come and go by themselves. The same seed is the same schedule.
#[derive(Debug, Clone)]
pub struct Outages {
    /// Chooses the times.
    pub seed: u64,
    /// How long the link serves between two outages.
    pub every: Range<Duration>,
    /// How long one lasts.
    pub offline: Duration,
}

impl FaultyLink {
    /// A link to this address, listening on a free port of this computer.
    ///
    /// # Errors
    /// If no port can be had.
    pub async fn to(target: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            faults: watch::Sender::new(Faults::default()),
            open: Mutex::default(),
            accepted: AtomicU64::new(0),
            ended: AtomicU64::new(0),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { shared, address, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://ADDR:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// New connections lead here from now on.
    pub fn lead_to(&self, target: SocketAddr) {
        *held(&self.shared.target) = target;
    }

    /// How many connections stand.
    pub fn open(&self) -> usize {
        held(&self.shared.open).len()
    }

    /// How many connections have come, refused ones included.
    pub fn accepted(&self) -> u64 {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// How many connections were cut or reset on command.
    pub fn ended(&self) -> u64 {
        self.shared.ended.load(Ordering::Relaxed)
    }

    /// Closes every connection in good form, wherever in a frame it is.
    pub fn cut_all(&self) {
        self.end_all(End::Closed);
    }

    /// Resets every connection.
    pub fn reset_all(&self) {
        self.end_all(End::Reset);
    }

    /// Ends one of the connections, chosen and in a manner chosen by `choice`.
    pub fn end_one(&self, choice: u64) {
        let mut open = held(&self.shared.open);
        let nth = usize::try_from(choice >> 1).unwrap_or_default().checked_rem(open.len()).unwrap_or_default();
        let Some(connection) = open.keys().nth(nth).copied() else { return };
        if let Some(ending) = open.remove(&connection) {
            let _ = ending.send(if choice & 1 == 0 { End::Closed } else { End::Reset });
            self.shared.ended.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn end_all(&self, end: End) {
        for ending in std::mem::take(&mut *held(&self.shared.open)).into_values() {
            let _ = ending.send(end);
            self.shared.ended.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// While true, connections stay open and nothing gets through: half-open, as behind a router that lost its state.
    pub fn stall(&self, stalls: bool) {
        self.shared.faults.send_modify(|faults| (faults.stalls_up, faults.stalls_down) = (stalls, stalls));
    }

    /// While true, what the client says does not arrive, though it hears the server.
    pub fn stall_up(&self, stalls: bool) {
        self.shared.faults.send_modify(|faults| faults.stalls_up = stalls);
    }

    /// While true, what the server says does not arrive, though it hears the client.
    pub fn stall_down(&self, stalls: bool) {
        self.shared.faults.send_modify(|faults| faults.stalls_down = stalls);
    }

    /// While true, new connections are reset as soon as they come. The port stays ours, so nobody else can take it.
    pub fn refuse(&self, refuses: bool) {
        self.shared.faults.send_modify(|faults| faults.refuses = refuses);
    }

    /// An outage: while true, there are no connections and none comes about.
    pub fn outage(&self, is_out: bool) {
        self.refuse(is_out);
        if is_out {
            self.reset_all();
        }
    }

    /// While true, a connection that begins with a request to become a WebSocket is answered 403; others pass.
    pub fn block_upgrade(&self, blocks: bool) {
        self.shared.faults.send_modify(|faults| faults.blocks_upgrade = blocks);
    }

    /// Every piece takes this much longer, each way.
    pub fn delay(&self, delay: Duration) {
        self.shared.faults.send_modify(|faults| faults.delay = delay);
    }

    /// Goes through outages until dropped.
    pub async fn suffer(&self, outages: Outages) {
        let mut chance = StdRng::seed_from_u64(outages.seed);
        loop {
            let serves =
                if outages.every.is_empty() { outages.every.start } else { chance.random_range(outages.every.clone()) };
            sleep(serves).await;
            self.outage(true);
            sleep(outages.offline).await;
            self.outage(false);
        }
    }
}

impl Drop for FaultyLink {
    fn drop(&mut self) {
        self.accepting.abort();
        self.end_all(End::Closed);
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            // Out of file descriptors: the next one may be granted.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let number = shared.accepted.fetch_add(1, Ordering::Relaxed);
        if shared.faults.borrow().refuses {
            let _ = client.set_zero_linger();
            continue;
        }
        let (ending, end) = oneshot::channel();
        held(&shared.open).insert(number, ending);
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            carry(&shared, client, end).await;
            held(&shared.open).remove(&number);
        });
    }
}

/// One connection, from its first byte to its end.
async fn carry(shared: &Shared, mut client: TcpStream, mut end: oneshot::Receiver<End>) {
    let mut head = Vec::new();
    if shared.faults.borrow().blocks_upgrade {
        tokio::select! {
            read = read_head(&mut client, &mut head) => if read.is_err() { return },
            _ = &mut end => return,
        }
        if asks_for_a_websocket(&head) {
            let _ = client.write_all(NO_UPGRADES).await;
            let _ = client.shutdown().await;
            return;
        }
    }
    let target = *held(&shared.target);
    let dialled = tokio::select! {
        dialled = dial(target) => dialled,
        _ = &mut end => return,
    };
    let Ok(server) = dialled else {
        let _ = client.set_zero_linger();
        return;
    };
    // The link adds no waiting of its own.
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let (up, down) = (shared.faults.subscribe(), shared.faults.subscribe());
    let through = async {
        if to_server.write_all(&head).await.is_ok() {
            tokio::join!(
                forward(&mut from_client, &mut to_server, up, Way::Up),
                forward(&mut from_server, &mut to_client, down, Way::Down),
            );
        }
    };
    let end = tokio::select! {
        () = through => None,
        end = &mut end => end.ok(),
    };
    match end {
        Some(End::Reset) => {
            let _ = (from_client.as_ref().set_zero_linger(), from_server.as_ref().set_zero_linger());
            // Plainly dropped, they would say goodbye first.
            to_client.forget();
            to_server.forget();
        }
        Some(End::Closed) => {
            let _ = (to_client.shutdown().await, to_server.shutdown().await);
        }
        None => {}
    }
}

/// With a small buffer: a server whose words are stalled is to feel it after kilobytes, not megabytes.
async fn dial(target: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = if target.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
    socket.connect(target).await
}

async fn read_head(client: &mut TcpStream, head: &mut Vec<u8>) -> std::io::Result<()> {
    while head.len() < LONGEST_HEAD && !head.windows(4).any(|window| window == b"\r\n\r\n") {
        if client.read_buf(head).await? == 0 {
            break;
        }
    }
    Ok(())
}

fn asks_for_a_websocket(head: &[u8]) -> bool {
    String::from_utf8_lossy(head).lines().any(|line| {
        line.split_once(':').is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("upgrade") && value.trim().eq_ignore_ascii_case("websocket")
        })
    })
}

/// One way of a connection, until its sender is done or its receiver is gone.
async fn forward(from: &mut OwnedReadHalf, to: &mut OwnedWriteHalf, mut faults: watch::Receiver<Faults>, way: Way) {
    let mut chunk = vec![0; CHUNK];
    loop {
        if until_flowing(&mut faults, way).await.is_err() {
            return;
        }
        let read = tokio::select! {
            read = from.read(&mut chunk) => read,
            _ = faults.changed() => continue,
        };
        let Ok(length @ 1..) = read else { break };
        let delay = faults.borrow().delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        // What was read just before a stall is stalled with the rest.
        if until_flowing(&mut faults, way).await.is_err() {
            return;
        }
        let Some(piece) = chunk.get(..length) else { return };
        if to.write_all(piece).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

async fn until_flowing(faults: &mut watch::Receiver<Faults>, way: Way) -> Result<(), watch::error::RecvError> {
    let stalls = |faults: &Faults| match way {
        Way::Up => faults.stalls_up,
        Way::Down => faults.stalls_down,
    };
    faults.wait_for(|faults| !stalls(faults)).await.map(|_| ())
}
