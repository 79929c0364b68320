//! What stands between a server and what it is connected to, and stops without a word what goes one way.

use std::path::PathBuf;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};

const AT_ONCE: usize = 64 * 1024;

/// What is held while the valve is closed.
#[derive(Clone, Copy)]
pub(crate) enum Holds {
    /// Whatever holds these words.
    Asked(&'static str),
    /// What comes back over a connection over which these words were said.
    Answers(&'static str),
}

/// See the module.
pub(crate) struct Valve {
    pub(crate) address: std::net::SocketAddr,
    is_closed: watch::Sender<bool>,
    held: watch::Receiver<u64>,
}

impl Valve {
    pub(crate) async fn before(socket: PathBuf, what: Holds) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (is_closed, closing) = watch::channel(false);
        let (holding, held) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((server, _)) = listener.accept().await {
                let other = UnixStream::connect(&socket).await.unwrap();
                tokio::spawn(pass(server, other, what, closing.clone(), holding.clone()));
            }
        });
        Self { address, is_closed, held }
    }

    pub(crate) fn close(&self) {
        self.is_closed.send_replace(true);
    }

    pub(crate) fn open(&self) {
        self.is_closed.send_replace(false);
    }

    /// Waits until something is held.
    pub(crate) async fn has_held(&self) {
        self.held.clone().wait_for(|held| *held > 0).await.unwrap();
    }
}

async fn pass(
    mut server: TcpStream,
    mut other: UnixStream,
    what: Holds,
    mut closing: watch::Receiver<bool>,
    holding: watch::Sender<u64>,
) {
    // So large that what was said at once is read at once, and no word lies in two pieces.
    let (mut asked, mut answered) = (Vec::with_capacity(AT_ONCE), Vec::with_capacity(AT_ONCE));
    let mut is_meant = false;
    loop {
        let (is_asked, is_held) = tokio::select! {
            read = server.read_buf(&mut asked) => {
                if read.unwrap_or(0) == 0 {
                    return;
                }
                let (Holds::Asked(words) | Holds::Answers(words)) = what;
                let has_words = asked.windows(words.len()).any(|window| window == words.as_bytes());
                is_meant |= has_words;
                (true, has_words && matches!(what, Holds::Asked(_)))
            }
            read = other.read_buf(&mut answered) => {
                if read.unwrap_or(0) == 0 {
                    return;
                }
                (false, is_meant && matches!(what, Holds::Answers(_)))
            }
        };
        if is_held && *closing.borrow() {
            holding.send_modify(|held| *held += 1);
            if closing.wait_for(|is_closed| !is_closed).await.is_err() {
                return;
            }
        }
        let passed = if is_asked { other.write_all(&asked).await } else { server.write_all(&answered).await };
        if passed.is_err() {
            return;
        }
        if is_asked { asked.clear() } else { answered.clear() }
    }
}
