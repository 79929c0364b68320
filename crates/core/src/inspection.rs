//! Trying a server before anyone signs in to it, and saying what is in the way.
//!
//! Invariant: nothing is sent that tells who asks: neither a name nor a token; and the first thing that is in the way is what is
//! told, because what lies behind it cannot be known.

use std::{io, time::Duration};

use serde_json::Value;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use url::Url;

use crate::{
    address::ServerAddress,
    core::Core,
    error::{Error, ErrorCode},
    transport::{Http, HttpCall, HttpFailure, trust},
    view::{ConnectionSettings, ServerCheck, ServerKind},
};

/// The longest one question to the server may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest a connection may take to come about.
const CONNECTING: Duration = Duration::from_secs(5);
/// A route of our server that answers nobody who is not signed in: the refusal is what tells it.
const OURS: &str = "/api/me";
/// The first step of Socket.IO over plain calls, in the version of its protocol that the guide's servers speak.
const HANDSHAKE: &str = "/socket.io/?EIO=4&transport=polling";

impl Core {
    /// Whether a chat server answers at an address, as typed; and if not, what is in the way.
    ///
    /// # Errors
    /// What is in the way, from the address itself to a server that is too old.
    pub async fn check_server(&self, typed: &str, allow_insecure: bool) -> Result<ServerCheck, Error> {
        let address = ServerAddress::parse(typed, allow_insecure)?;
        self.inner.check_policy(&address)?;
        let network = self.inner.network(&address);
        match kind(network.http.as_ref()).await {
            Ok(kind) => Ok(ServerCheck { address: address.as_str().to_owned(), kind }),
            Err(code @ (ErrorCode::Unreachable | ErrorCode::Timeout)) => {
                let settings = self.inner.preferences().connection;
                let code = hindrance(&address, &settings).await.unwrap_or(code);
                Err(Error::new(code, "trying a server"))
            }
            Err(code) => Err(Error::new(code, "trying a server")),
        }
    }
}

async fn kind(http: &dyn Http) -> Result<ServerKind, ErrorCode> {
    match ask(http, OURS).await {
        Err(HttpFailure::Refused(_)) => Ok(ServerKind::Extended),
        // Whoever answers here does so to everyone: not ours, but it may be one of the guide's.
        Ok(_) | Err(HttpFailure::Foreign) => socket_io(http).await,
        Err(HttpFailure::Failed(code)) => Err(code),
    }
}

async fn socket_io(http: &dyn Http) -> Result<ServerKind, ErrorCode> {
    match http.text(HANDSHAKE, PATIENCE).await {
        Ok(text) => handshake(&text),
        Err(HttpFailure::Failed(code)) => Err(code),
        Err(HttpFailure::Refused(_) | HttpFailure::Foreign) => Err(ErrorCode::NotAChatServer),
    }
}

/// What the first answer of a Socket.IO server tells.
fn handshake(text: &str) -> Result<ServerKind, ErrorCode> {
    let opens = |packet: &str| {
        let json = packet.strip_prefix('0').and_then(|json| serde_json::from_str::<Value>(json).ok());
        json.is_some_and(|open| open.get("sid").is_some())
    };
    if opens(text) {
        return Ok(ServerKind::Baseline);
    }
    // The version before counts the characters of each packet: `96:0{"sid":…}2:40`.
    let counted = text.split_once(':').and_then(|(count, rest)| rest.get(..count.parse::<usize>().ok()?));
    let refused = serde_json::from_str::<Value>(text).is_ok_and(|body| body.get("code") == Some(&Value::from(5)));
    if counted.is_some_and(opens) || refused { Err(ErrorCode::ServerTooOld) } else { Err(ErrorCode::NotAChatServer) }
}

async fn ask(http: &dyn Http, path: &str) -> Result<Value, HttpFailure> {
    http.call(HttpCall { post: false, path: path.to_owned(), token: None, body: None, timeout: PATIENCE }).await
}

/// Why no connection comes about, as far as its steps tell; `None` if they tell nothing.
async fn hindrance(address: &ServerAddress, settings: &ConnectionSettings) -> Option<ErrorCode> {
    if let Ok(Some(proxy)) = trust::proxy(settings) {
        return match reach(&proxy).await {
            // It is there, and leads no further.
            Ok(()) => Some(ErrorCode::ProxyRefused),
            Err(_) => Some(ErrorCode::ProxyUnreachable),
        };
    }
    let url = Url::parse(address.as_str()).ok()?;
    reach(&url).await.err()
}

async fn reach(url: &Url) -> Result<(), ErrorCode> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let port = url.port_or_known_default().unwrap_or(443);
    let found = timeout(CONNECTING, lookup_host((host, port))).await;
    let addresses: Vec<_> = match found {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    };
    let mut code = ErrorCode::HostNotFound;
    for address in addresses {
        code = match timeout(CONNECTING, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => ErrorCode::ConnectionRefused,
            Ok(Err(_)) => ErrorCode::Unreachable,
            Err(_) => ErrorCode::Timeout,
        };
    }
    Err(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answer_tells_a_socket_io_server_from_one_that_is_too_old_and_from_anything_else() {
        let open = r#"0{"sid":"x","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}"#;
        assert_eq!(handshake(open), Ok(ServerKind::Baseline));
        let old = format!("{}:{open}2:40", open.len());
        assert_eq!(handshake(&old), Err(ErrorCode::ServerTooOld));
        let refusal = r#"{"code":5,"message":"Unsupported protocol version"}"#;
        assert_eq!(handshake(refusal), Err(ErrorCode::ServerTooOld));
        for other in ["", "0", "<html>", "0{}", r#"{"code":0}"#, "99:0{", "9999999999999999999999:0{}"] {
            assert_eq!(handshake(other), Err(ErrorCode::NotAChatServer), "{other}");
        }
    }
}
