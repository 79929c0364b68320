//! The issuer's keys: fetched when they are needed, kept for a while, fetched anew when a token names another.
//!
//! Invariants: by HTTPS only, but for an issuer on this very machine; a token that names unknown keys makes nobody ask more
//! often than the settings allow; keys that could not be fetched anew are used for a day at most.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hugmedo_chat_protocol::ErrorCode;
use reqwest::{Certificate, Client, redirect};
use serde_json::Value;
use tokio::sync::Mutex;
use url::{Host, Url};

use super::{IssuerSettings, keys::Key};
use crate::{error::Error, failure::Failure};

const TIMEOUT: Duration = Duration::from_secs(5);
/// How long keys are used while the issuer cannot be asked.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_BYTES: usize = 256 * 1024;
const MAX_KEYS: usize = 64;

/// See the module.
#[derive(Debug)]
pub(super) struct KeySet {
    issuer: String,
    /// Where the keys are, or where it says where they are.
    start: Start,
    http: Client,
    fresh: Duration,
    retry: Duration,
    /// Locked while they are fetched: one asks for all.
    cache: Mutex<Cache>,
}

#[derive(Debug)]
enum Start {
    Keys(Url),
    Discovery(Url),
}

#[derive(Debug, Default)]
struct Cache {
    keys: Arc<Vec<Key>>,
    fetched: Option<Instant>,
    tried: Option<Instant>,
}

/// Why there are no new keys. For the log.
#[derive(Debug, thiserror::Error)]
enum Unfetched {
    #[error("{0}")]
    Http(#[from] reqwest::Error),
    #[error("the answer is too large")]
    TooLarge,
    #[error("the answer is not what was asked for")]
    Misshapen,
    #[error("the discovery document is of another issuer")]
    OtherIssuer,
    #[error("the discovery document points to an address that is not HTTPS")]
    InClear,
}

impl KeySet {
    pub(super) fn new(settings: &IssuerSettings) -> Result<Self, Error> {
        let start = match &settings.jwks_url {
            Some(url) => Start::Keys(safe(url).ok_or(Error::Invalid("the issuer's keys need an https address"))?),
            None => {
                let url = format!("{}/.well-known/openid-configuration", settings.issuer.trim_end_matches('/'));
                Start::Discovery(safe(&url).ok_or(Error::Invalid("the issuer needs an https address"))?)
            }
        };
        let mut http = Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none());
        if let Some(path) = &settings.ca_file {
            let unusable = || Error::Invalid("the issuer's CA file holds no certificate in PEM");
            let bytes = std::fs::read(path).map_err(|source| Error::File { path: path.clone(), source })?;
            let certificates = Certificate::from_pem_bundle(&bytes).map_err(|_| unusable())?;
            if certificates.is_empty() {
                return Err(unusable());
            }
            for certificate in certificates {
                http = http.add_root_certificate(certificate);
            }
        }
        let http = http.build().map_err(|_| Error::Invalid("no HTTPS can be spoken to the issuer"))?;
        Ok(Self {
            issuer: settings.issuer.clone(),
            start,
            http,
            fresh: settings.keys_fresh,
            retry: settings.keys_retry,
            cache: Mutex::default(),
        })
    }

    /// The keys, fetched anew if they are old, or if none of them is the one that is named.
    pub(super) async fn with(&self, named: Option<&str>) -> Result<Arc<Vec<Key>>, Failure> {
        let mut cache = self.cache.lock().await;
        let is_there = named.is_none_or(|named| cache.keys.iter().any(|key| key.id() == Some(named)));
        let is_fresh = cache.fetched.is_some_and(|at| at.elapsed() < self.fresh);
        let may_ask = cache.tried.is_none_or(|at| at.elapsed() >= self.retry);
        if may_ask && !(is_there && is_fresh) {
            cache.tried = Some(Instant::now());
            match self.fetch().await {
                Ok(keys) => {
                    cache.keys = Arc::new(keys);
                    cache.fetched = Some(Instant::now());
                }
                Err(error) => tracing::warn!(%error, "the issuer's keys cannot be fetched"),
            }
        }
        if cache.fetched.is_none_or(|at| at.elapsed() > STALE.max(self.fresh)) {
            return Err(Failure::refused(ErrorCode::Unavailable, "the issuer's keys are not at hand"));
        }
        Ok(cache.keys.clone())
    }

    async fn fetch(&self) -> Result<Vec<Key>, Unfetched> {
        let url = match &self.start {
            Start::Keys(url) => url.clone(),
            Start::Discovery(url) => {
                let document = self.get(url.clone()).await?;
                if text(&document, "issuer") != Some(self.issuer.as_str()) {
                    return Err(Unfetched::OtherIssuer);
                }
                safe(text(&document, "jwks_uri").ok_or(Unfetched::Misshapen)?).ok_or(Unfetched::InClear)?
            }
        };
        let set = self.get(url).await?;
        let keys = set.get("keys").and_then(Value::as_array).ok_or(Unfetched::Misshapen)?;
        Ok(keys.iter().filter_map(Key::read).take(MAX_KEYS).collect())
    }

    async fn get(&self, url: Url) -> Result<Value, Unfetched> {
        let mut answer = self.http.get(url).send().await?.error_for_status()?;
        let mut bytes = Vec::new();
        while let Some(piece) = answer.chunk().await? {
            if bytes.len() + piece.len() > MAX_BYTES {
                return Err(Unfetched::TooLarge);
            }
            bytes.extend_from_slice(&piece);
        }
        serde_json::from_slice(&bytes).map_err(|_| Unfetched::Misshapen)
    }
}

fn text<'a>(document: &'a Value, field: &str) -> Option<&'a str> {
    document.get(field)?.as_str()
}

/// An address nobody on the way can answer for.
fn safe(url: &str) -> Option<Url> {
    let url = Url::parse(url).ok()?;
    let is_here = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    (url.scheme() == "https" || (url.scheme() == "http" && is_here)).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_fetched_by_https_or_from_this_machine() {
        for url in
            ["https://login.example.org/keys", "http://127.0.0.1:8080/keys", "http://localhost/", "http://[::1]/"]
        {
            assert!(safe(url).is_some(), "{url}");
        }
        for url in
            ["http://login.example.org/keys", "http://127.0.0.1.example.org/", "ftp://x/", "file:///keys", "keys"]
        {
            assert!(safe(url).is_none(), "{url}");
        }
    }
}
