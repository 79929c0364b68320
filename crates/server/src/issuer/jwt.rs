//! JSON Web Tokens: reading, the signature, the claims.
//!
//! Invariant: nothing of a token is used before a key of the issuer has verified it, but the name of that key. The algorithm is
//! the token's only if it is on our list and fits the key's kind: so neither `none` nor a public key taken for a shared secret
//! can be asked for.

use data_encoding::BASE64URL_NOPAD;
use hugmedo_chat_protocol::Secret;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    IssuerSettings,
    keys::{Algorithm, Key},
};

/// Longer ones are not looked at.
const MAX_BYTES: usize = 16 * 1024;
/// How far the issuer's clock may be ahead of ours. An end is taken as it is: a late clock only ends a token sooner.
const LEEWAY: i64 = 30 * 1000;

/// Why a token is not believed. For the log; none of it tells what stands in the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unbelieved {
    #[error("it is not a JSON Web Token")]
    Misshapen,
    #[error("its algorithm is none that is accepted")]
    Algorithm,
    #[error("no key of the issuer has signed it")]
    Signature,
    #[error("it is of another issuer")]
    Issuer,
    #[error("it is meant for another audience")]
    Audience,
    #[error("it has no end, or one that cannot be read")]
    Endless,
    #[error("its time is over")]
    Expired,
    #[error("its time has not begun")]
    Early,
    #[error("it does not say whose it is")]
    Nobody,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that have to be understood; we understand none.
    crit: Option<Value>,
}

/// A token taken apart, not yet believed.
pub(super) struct Parts<'a> {
    algorithm: Algorithm,
    key_id: Option<String>,
    signed: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// Three parts between dots. Ours have none.
pub(super) fn looks_like_one(token: &Secret) -> bool {
    token.expose().len() <= MAX_BYTES && token.expose().bytes().filter(|byte| *byte == b'.').count() == 2
}

impl<'a> Parts<'a> {
    pub(super) fn read(token: &'a Secret) -> Result<Self, Unbelieved> {
        let decode = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| Unbelieved::Misshapen);
        let (signed, signature) = token.expose().rsplit_once('.').ok_or(Unbelieved::Misshapen)?;
        let (header, payload) = signed.split_once('.').ok_or(Unbelieved::Misshapen)?;
        let header: Header = serde_json::from_slice(&decode(header)?).map_err(|_| Unbelieved::Misshapen)?;
        if header.crit.is_some() {
            return Err(Unbelieved::Misshapen);
        }
        Ok(Self {
            algorithm: Algorithm::named(&header.alg).ok_or(Unbelieved::Algorithm)?,
            key_id: header.kid,
            signed,
            payload: decode(payload)?,
            signature: decode(signature)?,
        })
    }

    pub(super) fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The claims, if one of these keys has signed them.
    pub(super) fn verified_by(&self, keys: &[Key]) -> Result<Claims, Unbelieved> {
        let is_named = |key: &&Key| self.key_id.is_none() || key.id() == self.key_id();
        let verified = keys
            .iter()
            .filter(is_named)
            .any(|key| key.verifies(self.algorithm, self.signed.as_bytes(), &self.signature));
        if !verified {
            return Err(Unbelieved::Signature);
        }
        serde_json::from_slice(&self.payload).map(Claims).map_err(|_| Unbelieved::Misshapen)
    }
}

/// What a believed signature stands under.
pub(super) struct Claims(Map<String, Value>);

impl Claims {
    pub(super) fn text(&self, claim: &str) -> Option<&str> {
        self.0.get(claim)?.as_str().filter(|text| !text.is_empty())
    }

    /// When the token ends, if it is this issuer's, for this audience, and its time is now. Milliseconds since 1970 (UTC).
    pub(super) fn check(&self, settings: &IssuerSettings, now: i64) -> Result<i64, Unbelieved> {
        if self.text("iss") != Some(settings.issuer.as_str()) {
            return Err(Unbelieved::Issuer);
        }
        let is_for_us = match self.0.get("aud") {
            Some(Value::String(audience)) => *audience == settings.audience,
            Some(Value::Array(audiences)) => audiences.iter().any(|audience| *audience == settings.audience),
            _ => false,
        };
        if !is_for_us {
            return Err(Unbelieved::Audience);
        }
        let until = self.time("exp")?.ok_or(Unbelieved::Endless)?;
        if until <= now {
            return Err(Unbelieved::Expired);
        }
        for begin in ["nbf", "iat"] {
            if self.time(begin)?.is_some_and(|begin| begin > now.saturating_add(LEEWAY)) {
                return Err(Unbelieved::Early);
            }
        }
        Ok(until)
    }

    /// A time in milliseconds; the claim has seconds, perhaps with a fraction.
    fn time(&self, claim: &str) -> Result<Option<i64>, Unbelieved> {
        let Some(value) = self.0.get(claim) else { return Ok(None) };
        if let Some(seconds) = value.as_i64() {
            return Ok(Some(seconds.saturating_mul(1000)));
        }
        let seconds = value.as_f64().ok_or(Unbelieved::Endless)?;
        // Cut, and at the ends of what there is: no time of a token comes near them.
        #[allow(clippy::cast_possible_truncation, reason = "see above")]
        Ok(Some((seconds * 1000.0) as i64))
    }
}
