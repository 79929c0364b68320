//! Codes of authenticators and recovery codes.

use data_encoding::BASE32_NOPAD;
use hugmedo_chat_protocol::{ErrorCode, Refusal, SecondFactorOffer, Secret};
use rand::RngCore as _;
use totp_rs::{Builder, Totp};

use crate::failure::Failure;

/// What authenticators show beside the account.
const ISSUER: &str = "HugMeDo Chat";
/// As RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
const RECOVERY_CODES: usize = 10;
/// 80 random bits: too many to guess, even from a copy of their hashes.
const RECOVERY_BYTES: usize = 10;
/// Longer ones are nobody's.
const MAX_CHARS: usize = 64;

pub(super) fn new_secret() -> [u8; SECRET_BYTES] {
    random()
}

/// As it is handed out.
pub(super) fn offer(secret: &[u8], username: &str) -> Result<SecondFactorOffer, Failure> {
    // User names have no colon, which would separate the issuer.
    let named = Builder::new().with_secret(secret.to_vec()).with_issuer(Some(ISSUER)).with_account_name(username);
    let uri = named.build().and_then(|totp| totp.to_url()).map_err(|_| Failure::bad_request("no such user name"))?;
    Ok(SecondFactorOffer { secret: Secret::new(BASE32_NOPAD.encode(secret)), uri: Secret::new(uri) })
}

/// The time step a code belongs to, if it is one of this secret's just now: the present step, or one beside it for a clock
/// that is not exact.
pub(super) fn step(secret: &[u8], code: &Secret, now_millis: i64) -> Result<Option<i64>, Failure> {
    let seconds = u64::try_from(now_millis / 1000).unwrap_or_default();
    let step = generator(secret)?.check(code.expose(), seconds);
    Ok(step.and_then(|step| i64::try_from(step).ok()))
}

fn generator(secret: &[u8]) -> Result<Totp, Failure> {
    let broken = |_| Failure::from(Refusal::new(ErrorCode::Internal, "the second factor cannot be read"));
    Builder::new().with_secret(secret.to_vec()).build().map_err(broken)
}

/// In groups of four, for people who write them down.
pub(super) fn new_recovery_codes() -> Vec<Secret> {
    let code = |_| {
        let letters = BASE32_NOPAD.encode(&random::<RECOVERY_BYTES>());
        let groups: Vec<&str> = [letters.get(..4), letters.get(4..8), letters.get(8..12), letters.get(12..)]
            .into_iter()
            .flatten()
            .collect();
        Secret::new(groups.join("-"))
    };
    (0..RECOVERY_CODES).map(code).collect()
}

/// A code as people type it: with spaces and hyphens, in small letters, in the wide digits of a Japanese keyboard.
pub(super) fn tidy(code: &Secret) -> Secret {
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    };
    let kept = code.expose().chars().map(narrow).filter(char::is_ascii_alphanumeric).take(MAX_CHARS);
    Secret::new(kept.collect::<String>().to_ascii_uppercase())
}

/// Six digits; recovery codes are longer.
pub(super) fn is_of_authenticator(tidied: &Secret) -> bool {
    tidied.expose().len() == 6 && tidied.expose().bytes().all(|byte| byte.is_ascii_digit())
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        // Appendix B, the last six of eight digits.
        let secret = b"12345678901234567890";
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ] {
            let found = |shift: i64| step(secret, &code.into(), (seconds + shift) * 1000).unwrap();
            assert_eq!(found(0), Some(seconds / 30));
            assert_eq!(found(30), Some(seconds / 30), "a clock may be late");
            assert_eq!(found(-30), Some(seconds / 30), "or early");
            assert_eq!(found(90), None);
            assert_eq!(found(-90), if seconds < 90 { Some(1) } else { None }, "there is no time before 1970");
        }
        assert_eq!(step(secret, &"".into(), 59_000).unwrap(), None);
        assert_eq!(step(secret, &"94287082".into(), 59_000).unwrap(), None);
    }

    #[test]
    fn a_code_is_understood_as_people_type_it() {
        for typed in ["１２３ ４５６", "123456", " 123-456 "] {
            assert_eq!(tidy(&typed.into()).expose(), "123456");
            assert!(is_of_authenticator(&tidy(&typed.into())));
        }
        let first = new_recovery_codes().into_iter().next().unwrap();
        assert_eq!(first.expose().len(), 19);
        assert!(!is_of_authenticator(&tidy(&first)));
        assert_eq!(tidy(&first.expose().to_lowercase().as_str().into()), tidy(&first));
    }

    #[test]
    fn the_address_for_authenticators_says_whose_secret_it_is() {
        let offer = offer(b"12345678901234567890", "sato").unwrap();
        assert_eq!(offer.secret.expose(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let uri = offer.uri.expose();
        assert!(uri.starts_with("otpauth://totp/HugMeDo%20Chat:sato?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "{uri}");
        assert!(uri.contains("issuer=HugMeDo%20Chat"), "{uri}");
    }
}
