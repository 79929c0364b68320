//! Signing in, staying signed in, signing out.
//!
//! Invariants: a wrong password, an unknown and a disabled account get the same answer after the same work; a refresh
//! token is good once, or again for the same renewal; tokens leave this module in clear only inside the grant.

use std::net::IpAddr;

use hugmedo_chat_protocol::{
    ErrorCode, LoginRequest, Refusal, Secret, SessionEndReason, SessionGrant, TokenRequest, User, UserId,
    limits::MAX_ID_BYTES,
};

use crate::{
    app::App,
    audit::{self, Deed},
    authorize::Principal,
    config::Config,
    credential::{self, ACCESS_PREFIX, REFRESH_PREFIX, Seed, SessionId, TokenHash},
    failure::Failure,
    nodes,
    second_factor::{self, Verdict},
    serve,
    store::{
        sessions::{self, Refresh},
        sql::Transaction,
        users,
    },
};

/// Longer ones are not looked at; hashing them would be work for nothing.
const MAX_PASSWORD_BYTES: usize = 1024;

/// How long the id of a renewal is: long enough not to be guessed.
const RENEWAL_ID_BYTES: std::ops::RangeInclusive<usize> = 16..=MAX_ID_BYTES;

/// Someone who has shown the password of an open account. Counted as a failed attempt until told otherwise.
pub(crate) struct Proven {
    user: User,
    username: String,
    address: String,
}

impl Proven {
    pub(crate) fn user(&self) -> &User {
        &self.user
    }

    /// Takes back that the attempt counts as failed.
    pub(crate) fn was_right(&self, app: &App) {
        app.addresses.succeeded(&self.address);
        app.accounts.succeeded(&self.username);
    }
}

pub(crate) async fn log_in(app: &App, from: IpAddr, request: LoginRequest) -> Result<SessionGrant, Failure> {
    let LoginRequest { username, password, otp, device_id } = request;
    let device = device_id.filter(|device| device.as_str().len() <= MAX_ID_BYTES);
    let proven = prove(app, from, username, password).await?;
    let required = second_factor::is_required(&app.config, proven.user());
    let (config, seal) = (app.config.clone(), app.seal.clone());
    let granted = second_factor::with_code(app, &proven, otp, move |tx, otp, user| {
        let verdict = second_factor::judge(tx, &seal, &user.id, required, otp)?;
        if verdict != Verdict::Passed {
            return Ok((verdict, None));
        }
        let session = sessions::open(tx, &user.id, config.session_ttl)?;
        sessions::note_device(tx, &session, device.as_ref())?;
        audit::append(tx, Some(&user.id), Deed::SignIn, None, Some(session.as_str()), None)?;
        Ok((verdict, Some(grant(tx, &config, &session, user, Pair::by_chance())?)))
    });
    granted.await?.ok_or_else(wrong)
}

/// Whose password this is.
pub(crate) async fn prove(app: &App, from: IpAddr, username: String, password: Secret) -> Result<Proven, Failure> {
    if username.len() > crate::admin::MAX_USERNAME_BYTES || password.expose().len() > MAX_PASSWORD_BYTES {
        return Err(wrong());
    }
    let address = serve::neighbourhood(from).to_string();
    app.addresses.attempt(&address)?;
    app.accounts.attempt(&username)?;

    let asked = username.clone();
    let account = app.store.read(move |tx| Ok::<_, Failure>(users::account(tx, &asked)?)).await?;
    let account = account.filter(|account| !account.disabled && !account.password_hash.is_empty());
    let known = account.as_ref().map(|account| account.password_hash.clone());
    let matches = app.passwords.verify(password, known).await?;
    let Some(account) = account else { return Err(wrong()) };
    if !matches {
        // Names that are nobody's are not kept: people type passwords into the wrong field.
        let (store, id) = (app.store.clone(), account.user.id);
        // Not waited for: how long the answer takes must not tell whose name it was.
        tokio::spawn(async move {
            let refused =
                move |tx: &Transaction<'_>| audit::append(tx, Some(&id), Deed::SignInRefused, None, None, None);
            if let Err(error) = store.write(refused).await {
                tracing::error!(%error, "a refused sign-in is not in the audit");
            }
        });
        return Err(wrong());
    }
    Ok(Proven { user: account.user, username, address })
}

fn wrong() -> Failure {
    Failure::refused(ErrorCode::Unauthorized, "wrong user name or password")
}

/// What a grant hands out.
struct Pair {
    access: Secret,
    refresh: Secret,
}

impl Pair {
    fn by_chance() -> Self {
        Self { access: credential::generate(ACCESS_PREFIX), refresh: credential::generate(REFRESH_PREFIX) }
    }

    /// What this renewal gets, now and whenever it is asked for again.
    fn of_renewal(seed: &Seed, parent: &Secret, renewal_id: &Secret) -> Self {
        let made = |prefix| seed.successor(prefix, parent, renewal_id);
        Self { access: made(ACCESS_PREFIX), refresh: made(REFRESH_PREFIX) }
    }
}

fn grant(
    tx: &Transaction<'_>,
    config: &Config,
    session: &SessionId,
    user: User,
    pair: Pair,
) -> Result<SessionGrant, Failure> {
    let Pair { access: access_token, refresh: refresh_token } = pair;
    let expires_at = sessions::add_access_token(tx, session, &TokenHash::of(&access_token), config.access_token_ttl)?;
    sessions::add_refresh_token(tx, session, &TokenHash::of(&refresh_token))?;
    let lease_seconds = config.lease.map(|lease| lease.as_secs());
    Ok(SessionGrant { access_token, refresh_token, expires_at, user, lease_seconds })
}

/// Why there is no new pair.
pub(crate) enum NotRenewed {
    /// The session is over, and its device is to remove what it has stored.
    Erase,
    /// As of any other call.
    Failed(Failure),
}

impl<F: Into<Failure>> From<F> for NotRenewed {
    fn from(failure: F) -> Self {
        Self::Failed(failure.into())
    }
}

/// Trades a refresh token for a new pair. Used a second time, other than by the same renewal whose answer was lost, it has been copied, so
/// the session ends for everyone.
pub(crate) async fn refresh(app: &App, request: TokenRequest) -> Result<SessionGrant, NotRenewed> {
    let TokenRequest { refresh_token, renewal_id } = request;
    if renewal_id.as_ref().is_some_and(|id| !RENEWAL_ID_BYTES.contains(&id.expose().len())) {
        return Err(Failure::refused(ErrorCode::BadRequest, "renewalId has 16 to 128 bytes").into());
    }
    let config = app.config.clone();
    // What is refused is no error of the transaction: what it has noted must be kept.
    let outcome = app
        .store
        .write(move |tx| {
            let pair = |seed: &Seed| renewal_id.as_ref().map(|id| Pair::of_renewal(seed, &refresh_token, id));
            let successor = |seed: &Seed| pair(seed).map(|pair| TokenHash::of(&pair.refresh));
            let refresh = sessions::take_refresh_token(tx, &TokenHash::of(&refresh_token), successor)?;
            let granted = match &refresh {
                Refresh::Granted { session, user, seed } => {
                    let account = users::account(tx, user.as_str())?.ok_or_else(Failure::unauthorized)?;
                    let pair = seed.as_ref().and_then(pair).unwrap_or_else(Pair::by_chance);
                    Some(grant(tx, &config, session, account.user, pair)?)
                }
                Refresh::Reused { session } => {
                    audit::append(tx, None, Deed::TokenReuse, None, Some(session.as_str()), None)?;
                    None
                }
                Refresh::Erase { first_told: Some(session) } => {
                    audit::append(tx, None, Deed::TellErase, None, Some(session.as_str()), None)?;
                    None
                }
                Refresh::Erase { first_told: None } | Refresh::Unknown => None,
            };
            Ok::<_, Failure>((refresh, granted))
        })
        .await?;
    match outcome {
        (_, Some(grant)) => return Ok(grant),
        (Refresh::Erase { .. }, _) => return Err(NotRenewed::Erase),
        (Refresh::Reused { session }, _) => {
            tracing::warn!("a refresh token was used twice; its session is over");
            app.fanout.end(app.fanout.sockets_of_session(&session), SessionEndReason::Revoked);
            nodes::moved(app);
        }
        _ => {}
    }
    Err(Failure::unauthorized().into())
}

/// Ends the caller's session and its sockets.
pub(crate) async fn log_out(app: &App, who: &Principal) -> Result<(), Failure> {
    let (session, id) = (who.session().clone(), who.id().clone());
    app.store
        .write(move |tx| {
            sessions::end(tx, &session)?;
            audit::append(tx, Some(&id), Deed::SignOut, None, Some(session.as_str()), None)?;
            Ok::<_, Failure>(())
        })
        .await?;
    app.fanout.end(app.fanout.sockets_of_session(who.session()), SessionEndReason::SignedOut);
    nodes::moved(app);
    Ok(())
}

/// An access token without sign-in: for organisations whose own service signs people in, and for those who live in the
/// server. A session of its own; not refreshable.
pub(crate) fn issue(
    tx: &Transaction<'_>,
    user: &UserId,
    ttl: std::time::Duration,
) -> Result<(Secret, SessionId), Failure> {
    let account = users::account(tx, user.as_str())?.filter(|account| !account.disabled);
    let Some(account) = account else { return Err(Refusal::new(ErrorCode::NotFound, "no such user").into()) };
    let session = sessions::open(tx, &account.user.id, ttl)?;
    audit::append(tx, None, Deed::IssueToken, None, Some(account.user.id.as_str()), None)?;
    let token = credential::generate(ACCESS_PREFIX);
    sessions::add_access_token(tx, &session, &TokenHash::of(&token), ttl)?;
    Ok((token, session))
}
