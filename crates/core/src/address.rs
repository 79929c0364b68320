//! Server addresses: from what a person types to what is connected to.
//!
//! Invariant: an address is a scheme, a host and a port, nothing else; plain `http` leaves this computer only with the
//! person's consent.

use url::{Host, Url};

use crate::error::{Error, ErrorCode};

/// A server's address, normalised: `https://chat.example.jp` or `http://127.0.0.1:8080`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress(Url);

impl ServerAddress {
    /// Reads an address as typed. Without a scheme it is `https`, or `http` on this computer.
    ///
    /// # Errors
    /// `InvalidAddress`, `AddressHasPath`, or `InsecureAddress` for `http` to another computer without `allow_insecure`.
    pub fn parse(typed: &str, allow_insecure: bool) -> Result<Self, Error> {
        let typed = typed.trim();
        let invalid = || Error::new(ErrorCode::InvalidAddress, "the server address cannot be read");
        if typed.is_empty() || typed.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(invalid());
        }
        let url = if typed.contains("://") {
            Url::parse(typed).map_err(|_| invalid())?
        } else {
            let secure = Url::parse(&format!("https://{typed}")).map_err(|_| invalid())?;
            if is_loopback(&secure) { Url::parse(&format!("http://{typed}")).map_err(|_| invalid())? } else { secure }
        };
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(invalid());
        }
        if !matches!(url.path(), "" | "/")
            || url.query().is_some()
            || url.fragment().is_some()
            || !url.username().is_empty()
            || url.password().is_some()
        {
            return Err(Error::new(
                ErrorCode::AddressHasPath,
                "the server address has more than scheme, host and port",
            ));
        }
        if url.scheme() == "http" && !is_loopback(&url) && !allow_insecure {
            return Err(Error::new(ErrorCode::InsecureAddress, "plain http to another computer"));
        }
        Ok(Self(url))
    }

    /// The address as shown and stored, without a trailing slash.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }

    /// The URL of an absolute path on this server.
    pub(crate) fn join(&self, path: &str) -> String {
        format!("{}{path}", self.as_str())
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(typed: &str) -> Result<String, ErrorCode> {
        ServerAddress::parse(typed, false).map(|address| address.as_str().to_owned()).map_err(|error| error.code())
    }

    #[test]
    fn a_missing_scheme_means_encryption_except_on_this_computer() {
        assert_eq!(parsed("chat.example.jp").as_deref(), Ok("https://chat.example.jp"));
        assert_eq!(parsed(" chat.example.jp:8443/ ").as_deref(), Ok("https://chat.example.jp:8443"));
        assert_eq!(parsed("localhost:3000").as_deref(), Ok("http://localhost:3000"));
        assert_eq!(parsed("127.0.0.1:3000").as_deref(), Ok("http://127.0.0.1:3000"));
        assert_eq!(parsed("[::1]:3000").as_deref(), Ok("http://[::1]:3000"));
    }

    #[test]
    fn plain_http_to_another_computer_needs_consent() {
        assert_eq!(parsed("http://chat.example.jp"), Err(ErrorCode::InsecureAddress));
        assert_eq!(parsed("http://192.168.0.5:3000"), Err(ErrorCode::InsecureAddress));
        assert!(ServerAddress::parse("http://chat.example.jp", true).is_ok());
    }

    #[test]
    fn an_address_is_scheme_host_and_port_only() {
        for typed in ["https://chat.example.jp/chat", "https://a.jp/?x=1", "https://a.jp/#x", "https://u:p@a.jp"] {
            assert_eq!(parsed(typed), Err(ErrorCode::AddressHasPath), "{typed}");
        }
        for typed in
            ["", "   ", "https://", "ftp://a.jp", "file:///etc", "a b", "https://a.jp\n.b.jp", "http://a:99999"]
        {
            assert_eq!(parsed(typed), Err(ErrorCode::InvalidAddress), "{typed}");
        }
    }
}
