//! Signing in by itself while developing, so that `npm start` opens onto a living chat.
//!
//! Invariant: this module exists in debug builds only; a release build cannot be made to sign anyone in. The password comes
//! in a file that its owner alone can read, never as an argument or in the environment.

use std::{fs, io, path::Path};

use hugmedo_chat_core::{
    Core,
    view::{Credentials, SignInRequest},
};
use hugmedo_chat_protocol::Secret;
use serde::Deserialize;

/// Names the file: `{ "server": "http://127.0.0.1:3000", "username": "sato", "password": "…" }`, mode 0600.
const VARIABLE: &str = "HUGMEDO_CHAT_SIGN_IN_FILE";

#[derive(Deserialize)]
struct SignInFile {
    server: String,
    username: String,
    password: Secret,
}

/// Signs in with the file that the environment names, if it names one and nobody is signed in. The file is left alone.
pub(crate) async fn sign_in_if_asked(core: &Core) {
    let Some(path) = std::env::var_os(VARIABLE) else { return };
    let request = match read(Path::new(&path)) {
        Ok(request) => request,
        Err(error) => return tracing::error!(reason = %error.kind(), "{VARIABLE} cannot be used"),
    };
    match core.subscribe().await {
        Ok((snapshot, _)) if snapshot.session.is_none() && snapshot.lock.is_none() => {}
        _ => return,
    }
    if let Err(error) = core.sign_in(request).await {
        tracing::error!(code = %error.code(), %error, "signing in from {VARIABLE} failed");
    }
}

fn read(path: &Path) -> io::Result<SignInRequest> {
    refuse_if_others_can_read(path)?;
    let file: SignInFile = serde_json::from_slice(&fs::read(path)?).map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(SignInRequest {
        server: file.server,
        credentials: Credentials::Password { username: file.username, password: file.password, otp: None },
        remember: true,
        allow_insecure: false,
    })
}

#[cfg(unix)]
fn refuse_if_others_can_read(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    match fs::metadata(path)?.permissions().mode() & 0o077 {
        0 => Ok(()),
        _ => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

/// Windows: a file in the person's own folders is theirs alone already.
#[cfg(not(unix))]
fn refuse_if_others_can_read(_: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn file_with(text: &str, mode: u32) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        fs::set_permissions(file.path(), fs::Permissions::from_mode(mode)).unwrap();
        file
    }

    const SATO: &str = r#"{ "server": "http://127.0.0.1:1", "username": "sato", "password": "hugmedo-demo" }"#;

    #[test]
    fn a_private_file_signs_in() {
        let request = read(file_with(SATO, 0o600).path()).unwrap();
        assert_eq!(request.server, "http://127.0.0.1:1");
        assert!(matches!(request.credentials, Credentials::Password { username, .. } if username == "sato"));
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        assert_eq!(read(file_with(SATO, 0o644).path()).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_file_of_another_shape_is_refused_without_quoting_it() {
        let error = read(file_with(r#"{ "password": "hugmedo-demo" }"#, 0o600).path()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(!error.to_string().contains("hugmedo-demo"));
    }
}
