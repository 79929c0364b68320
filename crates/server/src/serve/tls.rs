//! TLS: a certificate and its key, exchanged while connections go on.
//!
//! Invariant: what is used always fits together. A pair that cannot be read, or of which the key belongs to another
//! certificate, is refused at start; later it is told in the log, and the one in use stays.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use sha2::{Digest, Sha256};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Where certificate and key are, both as PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate and those between it and the authority, in this order.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// Why a pair cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsError {
    #[error("{path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{0} holds no certificate in PEM")]
    NoCertificate(PathBuf),
    #[error("{0} holds no private key in PEM that can be used here")]
    NoKey(PathBuf),
    #[error("the key in {key} does not belong to the certificate in {certificate}")]
    Strangers { certificate: PathBuf, key: PathBuf },
    #[error("TLS cannot be set up: {0}")]
    Other(#[from] rustls::Error),
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Tls {
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    config: Arc<ServerConfig>,
    current: Arc<Current>,
}

/// The pair that new connections get.
#[derive(Debug)]
struct Current(RwLock<Pair>);

#[derive(Debug)]
struct Pair {
    key: Arc<CertifiedKey>,
    /// Of both files, to notice another pair.
    fingerprint: [u8; 32],
}

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.read().unwrap_or_else(PoisonError::into_inner).key.clone())
    }
}

impl Tls {
    pub(crate) fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let current = Arc::new(Current(RwLock::new(load(&files, &provider)?)));
        let mut config = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        // WebSockets start from HTTP/1.1.
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { files, provider, config: Arc::new(config), current })
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.config.clone().into()
    }

    /// Puts another pair into use if there is one. Connections that stand are not touched.
    fn renew(&self) -> Result<bool, TlsError> {
        let pair = load(&self.files, &self.provider)?;
        let mut current = self.current.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = pair.fingerprint != current.fingerprint;
        *current = pair;
        Ok(is_new)
    }
}

/// Looks for another pair until the server stops.
pub(crate) async fn keep_fresh(tls: Arc<Tls>, every: Duration, stop: CancellationToken) {
    let mut told = String::new();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        let looking = tls.clone();
        let trouble = match tokio::task::spawn_blocking(move || looking.renew()).await {
            Ok(Ok(true)) => {
                tracing::info!("another certificate is in use from now on");
                String::new()
            }
            Ok(Ok(false)) | Err(_) => String::new(),
            Ok(Err(error)) => error.to_string(),
        };
        // Once for each trouble: certificate and key are rarely exchanged in one step, and nobody reads a line every minute.
        if trouble != told && !trouble.is_empty() {
            tracing::error!("the certificate in use stays: {trouble}");
        }
        told = trouble;
    }
}

fn load(files: &TlsFiles, provider: &CryptoProvider) -> Result<Pair, TlsError> {
    let read = |path: &Path| fs::read(path).map_err(|source| TlsError::Unreadable { path: path.to_owned(), source });
    let (certificate, key) = (read(&files.certificate)?, read(&files.key)?);
    let mut hash = Sha256::new();
    hash.update((certificate.len() as u64).to_be_bytes());
    hash.update(&certificate);
    hash.update(&key);

    let chain = CertificateDer::pem_slice_iter(&certificate).collect::<Result<Vec<_>, _>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| TlsError::NoCertificate(files.certificate.clone()))?;
    let no_key = || TlsError::NoKey(files.key.clone());
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| no_key())?;
    let key = provider.key_provider.load_private_key(key).map_err(|_| no_key())?;
    let key = CertifiedKey::new(chain, key);
    match key.keys_match() {
        Ok(()) => {}
        Err(rustls::Error::InconsistentKeys(_)) => {
            let TlsFiles { certificate, key } = files.clone();
            return Err(TlsError::Strangers { certificate, key });
        }
        Err(_) => return Err(TlsError::NoCertificate(files.certificate.clone())),
    }
    Ok(Pair { key: Arc::new(key), fingerprint: hash.finalize().into() })
}
