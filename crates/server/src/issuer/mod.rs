//! Access tokens of an outside issuer (OpenID Connect), for organisations that have a sign-in of their own.
//!
//! Invariants: a token is believed for what one of the issuer's present keys has signed, by an asymmetric algorithm that fits
//! this key, and for an account that is here and open. Once verified it is noted by its hash like a token of ours, with its
//! own end: so everything that ends a token, by time, sign-out or a closed account, goes one way.

mod jwt;
mod key_set;
mod keys;

use std::{path::PathBuf, time::Duration};

use hugmedo_chat_protocol::{ErrorCode, Secret, Timestamp};

use crate::{
    admin::MAX_USERNAME_BYTES,
    app::App,
    audit::{self, Deed},
    authorize::{self, Principal},
    credential::TokenHash,
    error::Error,
    failure::Failure,
    store::{sessions, sql::Transaction, users},
};
use jwt::Unbelieved;
use key_set::KeySet;

/// Whose tokens are accepted beside our own, and how they are read.
#[derive(Debug, Clone)]
pub struct IssuerSettings {
    /// The issuer, exactly as its tokens name it (`iss`). Its keys are found by its discovery document.
    pub issuer: String,
    /// What a token has to be meant for (`aud`).
    pub audience: String,
    /// Where the keys are, for an issuer without a discovery document.
    pub jwks_url: Option<String>,
    /// The claim that holds the name a person signs in with here.
    pub user_claim: String,
    /// Authorities trusted beside the system's when the keys are fetched, as PEM.
    pub ca_file: Option<PathBuf>,
    /// How long fetched keys are used without asking again.
    pub keys_fresh: Duration,
    /// The least time between two tries to fetch them; a token may name any key.
    pub keys_retry: Duration,
}

impl IssuerSettings {
    /// This issuer for this audience, with the defaults for everything else.
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            jwks_url: None,
            user_claim: "sub".to_owned(),
            ca_file: None,
            keys_fresh: Duration::from_secs(10 * 60),
            keys_retry: Duration::from_secs(10),
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Issuer {
    settings: IssuerSettings,
    keys: KeySet,
}

impl Issuer {
    pub(crate) fn new(settings: IssuerSettings) -> Result<Self, Error> {
        if settings.audience.is_empty() || settings.user_claim.is_empty() {
            return Err(Error::Invalid("tokens of an issuer need an audience and a claim that says whose they are"));
        }
        Ok(Self { keys: KeySet::new(&settings)?, settings })
    }

    async fn verify(&self, token: &Secret) -> Result<Verified, Failure> {
        let refused = |why: Unbelieved| {
            tracing::debug!(%why, "a token of the issuer is refused");
            match why {
                Unbelieved::Expired => Failure::refused(ErrorCode::TokenExpired, "the token's time is over"),
                _ => Failure::unauthorized(),
            }
        };
        let parts = jwt::Parts::read(token).map_err(refused)?;
        let keys = self.keys.with(parts.key_id()).await?;
        let claims = parts.verified_by(&keys).map_err(refused)?;
        let until = claims.check(&self.settings, Timestamp::now().as_millis()).map_err(refused)?;
        let username = claims.text(&self.settings.user_claim).filter(|name| name.len() <= MAX_USERNAME_BYTES);
        let username = username.ok_or_else(|| refused(Unbelieved::Nobody))?.to_owned();
        Ok(Verified { username, until })
    }
}

/// What a believed token says.
struct Verified {
    username: String,
    /// Milliseconds since 1970 (UTC).
    until: i64,
}

/// Who presents this token: one of ours, or one of the issuer's.
pub(crate) async fn principal(app: &App, token: &Secret) -> Result<(TokenHash, Principal), Failure> {
    let hash = TokenHash::of(token);
    let known = app.store.read(move |tx| authorize::principal(tx, &hash)).await;
    let refusal = match known {
        Ok(who) => return Ok((hash, who)),
        Err(refusal) => refusal,
    };
    let is_unknown = matches!(&refusal, Failure::Refused(refusal) if refusal.code == ErrorCode::Unauthorized);
    let Some(issuer) = app.issuer.as_ref().filter(|_| is_unknown && jwt::looks_like_one(token)) else {
        return Err(refusal);
    };
    let verified = issuer.verify(token).await?;
    let longest = app.config.session_ttl;
    let who = app.store.write(move |tx| {
        note(tx, &hash, &verified, longest)?;
        authorize::principal(tx, &hash)
    });
    Ok((hash, who.await?))
}

/// Notes a verified token as one of a session of its own. One that was noted before stays as it is, ended or not; what is noted of a
/// closed account, which the server's own is, goes again when it is asked who that is.
fn note(tx: &Transaction<'_>, hash: &TokenHash, verified: &Verified, longest: Duration) -> Result<(), Failure> {
    if sessions::knows_access_token(tx, hash)? {
        return Ok(());
    }
    let Some(account) = users::account(tx, &verified.username)? else {
        tracing::info!("a token of the issuer is for nobody who has an account here");
        return Err(Failure::unauthorized());
    };
    let left = verified.until.saturating_sub(Timestamp::now().as_millis());
    let left = Duration::from_millis(u64::try_from(left).unwrap_or_default()).min(longest);
    let session = sessions::open(tx, &account.user.id, left)?;
    sessions::add_access_token(tx, &session, hash, left)?;
    audit::append(tx, Some(&account.user.id), Deed::AcceptToken, None, Some(session.as_str()), None)?;
    Ok(())
}
