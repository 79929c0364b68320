//! The second factor: codes of an authenticator (RFC 6238), and recovery codes for the day it is lost.
//!
//! Invariants: nobody learns whether an account has one without its password; a code works once, and is used up in the very
//! transaction that opens a session by it; who changes it shows the password and, once one is in use, a code; a secret leaves
//! in clear once, in the answer that hands it out.

mod codes;
mod seal;

pub(crate) use seal::Seal;

use std::net::IpAddr;

use hugmedo_chat_protocol::{
    ErrorCode, RecoveryCodes, SecondFactorOffer, SecondFactorRequest, SecondFactorStatus, Secret, User, UserId,
};

use crate::{
    app::App,
    audit::{self, Deed},
    authorize::Principal,
    config::Config,
    credential::TokenHash,
    failure::Failure,
    sign_in::{self, Proven},
    store::{StoreError, now, second_factors, sql::Transaction},
};

/// How long an offered secret waits for its first code.
const OFFER_WAITS: i64 = 15 * 60 * 1000;

/// What a code, or its absence, is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It works and is used up, or none is asked for.
    Passed,
    /// There is a second factor, and no code was given.
    Missing,
    /// It does not work: wrong, too old, or used before.
    Wrong,
    /// One is required, and none is set up.
    NotSetUp,
}

impl Verdict {
    /// Refuses what has not passed.
    pub(crate) fn demand(self) -> Result<(), Failure> {
        match self {
            Self::Passed => Ok(()),
            Self::Missing => Err(Failure::refused(ErrorCode::OtpRequired, "a code of the second factor is needed")),
            Self::Wrong => Err(Failure::refused(ErrorCode::OtpRequired, "the code does not work")),
            Self::NotSetUp => Err(Failure::refused(ErrorCode::OtpSetupRequired, "a second factor has to be set up")),
        }
    }
}

/// Whether a person needs a second factor to sign in by password.
pub(crate) fn is_required(config: &Config, user: &User) -> bool {
    config.second_factor_for.contains(&user.user_type)
}

/// Judges a code and uses it up.
pub(crate) fn judge(
    tx: &Transaction<'_>,
    seal: &Seal,
    user: &UserId,
    required: bool,
    code: Option<&Secret>,
) -> Result<Verdict, Failure> {
    let kept = second_factors::of(tx, user)?;
    let Some(sealed) = kept.secret else {
        return Ok(if required { Verdict::NotSetUp } else { Verdict::Passed });
    };
    let Some(code) = code.map(codes::tidy).filter(|code| !code.expose().is_empty()) else {
        return Ok(Verdict::Missing);
    };
    let works = if codes::is_of_authenticator(&code) {
        match codes::step(&seal.unseal(user, &sealed)?, &code, now())? {
            Some(step) if step > kept.last_step => second_factors::use_step(tx, user, step)?,
            _ => false,
        }
    } else {
        let works = second_factors::use_recovery_code(tx, user, &TokenHash::of(&code))?;
        if works {
            audit::append(tx, Some(user), Deed::UseRecoveryCode, None, None, None)?;
        }
        works
    };
    if !works {
        audit::append(tx, Some(user), Deed::SecondFactorRefused, None, None, None)?;
        return Ok(Verdict::Wrong);
    }
    Ok(Verdict::Passed)
}

/// Hands out a fresh secret. What is in use stays so until a code of the new one was shown, see [`confirm`].
pub(crate) async fn offer(app: &App, from: IpAddr, request: SecondFactorRequest) -> Result<SecondFactorOffer, Failure> {
    let SecondFactorRequest { username, password, otp } = request;
    let secret = codes::new_secret();
    let offer = codes::offer(&secret, &username)?;
    let seal = app.seal.clone();
    change(app, from, (username, password, otp), move |tx, user, otp| {
        let verdict = judge(tx, &seal, user, false, otp)?;
        if verdict == Verdict::Passed {
            second_factors::offer(tx, user, &seal.seal(user, &secret)?)?;
        }
        Ok((verdict, ()))
    })
    .await?;
    Ok(offer)
}

/// Puts the offered secret into use once a code of it shows that an authenticator has it.
pub(crate) async fn confirm(app: &App, from: IpAddr, request: SecondFactorRequest) -> Result<RecoveryCodes, Failure> {
    let SecondFactorRequest { username, password, otp } = request;
    let recovery_codes = codes::new_recovery_codes();
    let hashes: Vec<TokenHash> = recovery_codes.iter().map(|code| TokenHash::of(&codes::tidy(code))).collect();
    let seal = app.seal.clone();
    change(app, from, (username, password, otp), move |tx, user, otp| {
        let kept = second_factors::of(tx, user)?;
        let waits = kept.offered_at > now() - OFFER_WAITS;
        let Some(offered) = kept.offered.filter(|_| waits) else {
            return Err(Failure::refused(ErrorCode::NotFound, "no second factor was offered, or too long ago"));
        };
        let Some(code) = otp.map(codes::tidy) else { return Ok((Verdict::Missing, ())) };
        let Some(step) = codes::step(&seal.unseal(user, &offered)?, &code, now())? else {
            return Ok((Verdict::Wrong, ()));
        };
        second_factors::confirm(tx, user, step, &hashes)?;
        audit::append(tx, Some(user), Deed::SetSecondFactor, None, None, None)?;
        Ok((Verdict::Passed, ()))
    })
    .await?;
    Ok(RecoveryCodes { recovery_codes })
}

/// Does without one from now on, where none is required.
pub(crate) async fn remove(app: &App, from: IpAddr, request: SecondFactorRequest) -> Result<(), Failure> {
    let SecondFactorRequest { username, password, otp } = request;
    let (seal, config) = (app.seal.clone(), app.config.clone());
    change(app, from, (username, password, otp), move |tx, user, otp| {
        let account = crate::store::users::account(tx, user.as_str())?.ok_or_else(Failure::unauthorized)?;
        if is_required(&config, &account.user) {
            return Err(Failure::forbidden());
        }
        let verdict = judge(tx, &seal, user, false, otp)?;
        if verdict == Verdict::Passed && second_factors::remove(tx, user)? {
            audit::append(tx, Some(user), Deed::RemoveSecondFactor, None, None, None)?;
        }
        Ok((verdict, ()))
    })
    .await
}

/// How it stands with the caller's.
pub(crate) async fn status(app: &App, who: &Principal) -> Result<SecondFactorStatus, Failure> {
    let required = is_required(&app.config, who.user());
    let id = who.id().clone();
    let (in_use, recovery_codes_left) = app
        .store
        .read(move |tx| {
            let in_use = second_factors::is_in_use(tx, &id)?;
            Ok::<_, StoreError>((in_use, second_factors::recovery_codes_left(tx, &id)?))
        })
        .await?;
    Ok(SecondFactorStatus { in_use, required, recovery_codes_left })
}

/// Does something to the second factor of whoever knows the password, as often as passwords and codes may be tried.
async fn change<T: Send + 'static>(
    app: &App,
    from: IpAddr,
    (username, password, otp): (String, Secret, Option<Secret>),
    deed: impl FnOnce(&Transaction<'_>, &UserId, Option<&Secret>) -> Result<(Verdict, T), Failure> + Send + 'static,
) -> Result<T, Failure> {
    let proven = sign_in::prove(app, from, username, password).await?;
    with_code(app, &proven, otp, move |tx, otp, user| deed(tx, &user.id, otp)).await
}

/// Runs a transaction that judges a code. What is refused is no error of the transaction: what it has noted is kept.
pub(crate) async fn with_code<T: Send + 'static>(
    app: &App,
    proven: &Proven,
    otp: Option<Secret>,
    deed: impl FnOnce(&Transaction<'_>, Option<&Secret>, User) -> Result<(Verdict, T), Failure> + Send + 'static,
) -> Result<T, Failure> {
    let user = proven.user().clone();
    let meter = otp.is_some().then(|| user.id.as_str().to_owned());
    if let Some(account) = &meter {
        app.codes.attempt(account)?;
    }
    let (verdict, done) = app.store.write(move |tx| deed(tx, otp.as_ref(), user)).await?;
    if verdict != Verdict::Wrong {
        proven.was_right(app);
        if let Some(account) = &meter {
            app.codes.succeeded(account);
        }
    }
    verdict.demand()?;
    Ok(done)
}
