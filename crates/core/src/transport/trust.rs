//! What the settings say about the way to a server: through which proxy, and whose certificates are trusted.
//!
//! Invariant: a setting that cannot be followed is an error, never ignored; going round a proxy or a check that the
//! organisation asked for is worse than not connecting.

use native_tls::{Certificate, TlsConnector};
use url::Url;

use crate::{error::ErrorCode, view::ConnectionSettings};

/// Whether these settings can be followed.
pub(crate) fn check(settings: &ConnectionSettings) -> Result<(), ErrorCode> {
    proxy(settings)?;
    ca_certificate(settings)?;
    Ok(())
}

/// The proxy that is set, if one is. A password in it would lie in a file in the clear.
pub(crate) fn proxy(settings: &ConnectionSettings) -> Result<Option<Url>, ErrorCode> {
    let text = settings.proxy.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let url = Url::parse(text).map_err(|_| ErrorCode::InvalidProxy)?;
    let plain = matches!(url.scheme(), "http" | "https") && url.has_host() && matches!(url.path(), "" | "/");
    let anonymous = url.username().is_empty() && url.password().is_none();
    if plain && anonymous { Ok(Some(url)) } else { Err(ErrorCode::InvalidProxy) }
}

/// The certificate authority's certificate that is set, if one is, as PEM.
pub(crate) fn ca_certificate(settings: &ConnectionSettings) -> Result<Option<Vec<u8>>, ErrorCode> {
    let path = settings.ca_file.trim();
    if path.is_empty() {
        return Ok(None);
    }
    let pem = std::fs::read(path).map_err(|_| ErrorCode::InvalidCaFile)?;
    Certificate::from_pem(&pem).map_err(|_| ErrorCode::InvalidCaFile)?;
    Ok(Some(pem))
}

/// TLS as the settings want it; `None` where the system's own is meant.
pub(super) fn tls(settings: &ConnectionSettings) -> Result<Option<TlsConnector>, ErrorCode> {
    let Some(pem) = ca_certificate(settings)? else { return Ok(None) };
    let certificate = Certificate::from_pem(&pem).map_err(|_| ErrorCode::InvalidCaFile)?;
    let connector = TlsConnector::builder().add_root_certificate(certificate).build();
    connector.map(Some).map_err(|_| ErrorCode::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_proxy(proxy: &str) -> Result<bool, ErrorCode> {
        let settings = ConnectionSettings { proxy: proxy.to_owned(), ..ConnectionSettings::default() };
        super::proxy(&settings).map(|proxy| proxy.is_some())
    }

    #[test]
    fn a_proxy_is_an_address_without_a_password() {
        assert_eq!(with_proxy("  "), Ok(false));
        assert_eq!(with_proxy("http://proxy.hospital.example:8080"), Ok(true));
        for wrong in
            ["proxy:8080", "socks5://proxy:1080", "http://user:secret@proxy:8080", "http://proxy/path", "http://"]
        {
            assert_eq!(with_proxy(wrong), Err(ErrorCode::InvalidProxy), "{wrong}");
        }
    }

    #[test]
    fn a_certificate_file_that_is_none_is_an_error_and_not_ignored() -> std::io::Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        for ca_file in [file.path().to_string_lossy().into_owned(), "/nowhere/ca.pem".to_owned()] {
            let settings = ConnectionSettings { ca_file, ..ConnectionSettings::default() };
            assert_eq!(ca_certificate(&settings), Err(ErrorCode::InvalidCaFile));
        }
        Ok(())
    }
}
