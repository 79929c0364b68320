//! Who is behind a proxy.
//!
//! Invariant: `X-Forwarded-*` is believed of a trusted proxy only, and only what it has appended itself: the list is read from
//! its end, past other trusted proxies, up to the first address that is none. Whatever a client writes into it stands before.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

const FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED_PROTO: &str = "x-forwarded-proto";

pub(crate) fn is_within(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address.to_canonical()))
}

/// The address a request comes from, and whether it came to a trusted proxy encrypted.
pub(crate) fn client_address(trusted: &[IpNet], peer: SocketAddr, headers: &HeaderMap) -> (IpAddr, bool) {
    let peer = peer.ip().to_canonical();
    if !is_within(trusted, peer) {
        return (peer, false);
    }
    let encrypted = headers.get_all(FORWARDED_PROTO).iter().next_back().is_some_and(|proto| proto == "https");
    let stated: Vec<&str> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .flat_map(|line| line.to_str().unwrap_or("?").split(','))
        .map(str::trim)
        .collect();
    let mut address = peer;
    for stated in stated.into_iter().rev() {
        // What nobody can read ends the search: the proxy behind which it stands is as far as is known.
        let Some(next) = read(stated) else { break };
        address = next;
        if !is_within(trusted, address) {
            break;
        }
    }
    (address, encrypted)
}

/// An address, as some proxies write it with a port.
fn read(stated: &str) -> Option<IpAddr> {
    let address = stated.parse::<IpAddr>().ok().or_else(|| Some(stated.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, lines: &[&str]) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        client_address(&trusted, peer.parse().unwrap(), &headers).0.to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_what_it_appended() {
        assert_eq!(from("192.0.2.7:1", &["198.51.100.1"]), "192.0.2.7", "anyone can write a header");
        assert_eq!(from("10.1.1.1:1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(from("[::ffff:10.1.1.1]:1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(from("10.1.1.1:1", &["203.0.113.9, 198.51.100.1"]), "198.51.100.1", "the client wrote the first");
        assert_eq!(from("10.1.1.1:1", &["203.0.113.9", "198.51.100.1"]), "198.51.100.1", "in lines of their own too");
        assert_eq!(from("10.1.1.1:1", &["198.51.100.1, 10.2.2.2"]), "198.51.100.1", "through two proxies");
        assert_eq!(from("10.1.1.1:1", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(from("10.1.1.1:1", &["2001:db8::1"]), "2001:db8::1");
        assert_eq!(from("10.1.1.1:1", &[]), "10.1.1.1");
        assert_eq!(from("10.1.1.1:1", &["198.51.100.1, unknown"]), "10.1.1.1");
        assert_eq!(from("10.1.1.1:1", &["10.3.3.3, 10.2.2.2"]), "10.3.3.3", "one of the house");
    }

    #[test]
    fn that_it_was_encrypted_is_believed_of_a_trusted_proxy_only() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        let headers = HeaderMap::from_iter([(FORWARDED_PROTO.parse().unwrap(), "https".parse().unwrap())]);
        assert!(client_address(&trusted, "10.1.1.1:1".parse().unwrap(), &headers).1);
        assert!(!client_address(&trusted, "192.0.2.7:1".parse().unwrap(), &headers).1);
    }
}
