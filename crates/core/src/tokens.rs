//! The tokens of a session: a fresh access token whenever one is needed.
//!
//! Invariants: a refresh token is used for one renewal, whose id is in the keychain beside it before it begins, so that one whose answer was
//! lost is the same renewal when it is asked for again; the successor is in the keychain before anything else happens; a renewal that was
//! begun is brought to its end, whoever has stopped waiting for it; one renewal at a time; a server's clock, not ours, decides what is
//! expired.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use hugmedo_chat_protocol::{Secret, SessionGrant, Timestamp, TokenRequest, UserId};
use tokio::sync::Mutex;

use crate::{
    address::ServerAddress,
    api::Api,
    error::ErrorCode,
    remains::Remains,
    surroundings::Surroundings,
    transport::HttpFailure,
    unfinished::Unfinished,
    vault::{SavedSession, SavedToken, Vault, account_name},
};

/// A token is renewed this long before it ends.
const MARGIN_MS: i64 = 60_000;

/// What a person signed in with.
pub(crate) enum Tokens {
    /// By the server's own sign-in: renewable.
    Granted {
        access: Option<(Secret, Timestamp)>,
        refresh: Secret,
        /// Of the renewal that `refresh` is for. A session kept by an older version has none.
        renewal_id: Option<Secret>,
        /// For how long after the grant the server lends its data.
        lease_seconds: Option<u64>,
    },
    /// By another service: used as it is.
    Issued { access: Secret },
}

impl From<SessionGrant> for Tokens {
    fn from(grant: SessionGrant) -> Self {
        let SessionGrant { access_token, refresh_token, expires_at, user: _, lease_seconds } = grant;
        let access = Some((access_token, expires_at));
        Self::Granted { access, refresh: refresh_token, renewal_id: Some(new_renewal_id()), lease_seconds }
    }
}

impl Tokens {
    /// As the keychain holds them.
    pub(crate) fn of(token: SavedToken, renewal_id: Option<Secret>) -> Self {
        match token {
            SavedToken::Refresh(refresh) => Self::Granted { access: None, refresh, renewal_id, lease_seconds: None },
            SavedToken::Access(access) => Self::Issued { access },
        }
    }
}

fn new_renewal_id() -> Secret {
    Secret::new(format!("{:032x}", rand::random::<u128>()))
}

/// Why there is no fresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenFailure {
    /// The server refused to renew: the session is over.
    Ended,
    /// Not now.
    Failed(ErrorCode),
}

/// Keeps the tokens of one session.
pub(crate) struct TokenKeeper {
    api: Api,
    server: ServerAddress,
    user_id: UserId,
    /// `None` for a session that must leave no trace, or that is over.
    vault: Mutex<Option<Vault>>,
    tokens: Mutex<Tokens>,
    renewals: Unfinished,
    /// The server refused to renew and wants what is stored here removed.
    is_to_erase: AtomicBool,
    surroundings: Surroundings,
    /// The server's clock less ours, in milliseconds.
    clock_offset: AtomicI64,
}

impl TokenKeeper {
    pub(crate) fn new(
        api: Api,
        server: ServerAddress,
        user_id: UserId,
        vault: Option<Vault>,
        tokens: Tokens,
        surroundings: Surroundings,
    ) -> Self {
        Self {
            api,
            server,
            user_id,
            vault: Mutex::new(vault),
            tokens: Mutex::new(tokens),
            renewals: Unfinished::default(),
            is_to_erase: AtomicBool::new(false),
            surroundings,
            clock_offset: AtomicI64::new(0),
        }
    }

    /// Whether this is a session of the server's own sign-in.
    pub(crate) async fn is_renewable(&self) -> bool {
        matches!(&*self.tokens.lock().await, Tokens::Granted { .. })
    }

    /// Learns the server's clock.
    pub(crate) fn note_server_time(&self, server_time: Timestamp) {
        self.clock_offset.store(server_time.as_millis() - self.surroundings.now().as_millis(), Ordering::Relaxed);
    }

    /// A token with at least a minute left.
    pub(crate) async fn fresh(self: &Arc<Self>) -> Result<Secret, TokenFailure> {
        self.renewed(false).await
    }

    /// A token other than the one just refused, or `Ended` where no other can be had.
    pub(crate) async fn after_refusal(self: &Arc<Self>) -> Result<Secret, TokenFailure> {
        self.renewed(true).await
    }

    /// Milliseconds until the present token should be renewed; `None` if it cannot be.
    pub(crate) async fn renewal_due_in(&self) -> Option<u64> {
        match &*self.tokens.lock().await {
            Tokens::Granted { access: Some((_, expires_at)), .. } => {
                Some(self.time_left(*expires_at).try_into().unwrap_or(0))
            }
            Tokens::Granted { access: None, .. } => Some(0),
            Tokens::Issued { .. } => None,
        }
    }

    /// The present token, if there is one, whatever its age.
    pub(crate) async fn present(&self) -> Option<Secret> {
        match &*self.tokens.lock().await {
            Tokens::Granted { access, .. } => access.as_ref().map(|(token, _)| token.clone()),
            Tokens::Issued { access } => Some(access.clone()),
        }
    }

    /// The newest refresh token, of a session that has any.
    pub(crate) async fn refresh_token(&self) -> Option<Secret> {
        match &*self.tokens.lock().await {
            Tokens::Granted { refresh, .. } => Some(refresh.clone()),
            Tokens::Issued { .. } => None,
        }
    }

    /// Whether the server was heard to want what is stored here removed.
    pub(crate) fn is_to_erase(&self) -> bool {
        self.is_to_erase.load(Ordering::Relaxed)
    }

    pub(crate) fn server(&self) -> &ServerAddress {
        &self.server
    }

    pub(crate) fn api(&self) -> &Api {
        &self.api
    }

    /// Puts the session into the keychain.
    pub(crate) async fn save(&self) -> Result<(), crate::error::Error> {
        let tokens = self.tokens.lock().await;
        self.save_tokens(&tokens).await
    }

    /// The session is over: from here on nothing of it is put into the keychain, which it had until now.
    pub(crate) async fn retire(&self) -> Option<Vault> {
        self.vault.lock().await.take()
    }

    /// It is not over after all: what became of it meanwhile is put there too.
    pub(crate) async fn reinstate(&self, vault: Vault) {
        *self.vault.lock().await = Some(vault);
        if let Err(error) = self.save().await {
            tracing::warn!(%error, "a session that goes on is not saved");
        }
    }

    /// Waits for a renewal that is under way.
    pub(crate) async fn settled(&self) {
        self.renewals.settled().await;
    }

    async fn save_tokens(&self, tokens: &Tokens) -> Result<(), crate::error::Error> {
        let vault = self.vault.lock().await;
        let Some(vault) = &*vault else { return Ok(()) };
        let (token, renewal_id, lease_seconds) = match tokens {
            Tokens::Granted { refresh, renewal_id, lease_seconds, .. } => {
                (SavedToken::Refresh(refresh.clone()), renewal_id.clone(), *lease_seconds)
            }
            Tokens::Issued { access } => (SavedToken::Access(access.clone()), None, None),
        };
        let (server, user_id) = (self.server.as_str().to_owned(), self.user_id.clone());
        let session = SavedSession { server, user_id, token, renewal_id };
        vault.save_session(&session).await?;
        let lease_ends_at = lease_seconds.map(|lease| self.surroundings.in_millis(lease.saturating_mul(1000)));
        let remains = Remains { lease_ends_at, ended: None };
        vault.save_remains(&account_name(&self.server, &self.user_id), &remains).await
    }

    async fn renewed(self: &Arc<Self>, refused: bool) -> Result<Secret, TokenFailure> {
        let keeper = Arc::clone(self);
        let renewal = self.renewals.finish(async move { keeper.renew(refused).await });
        renewal.await.unwrap_or_else(|error| Err(TokenFailure::Failed(error.code())))
    }

    async fn renew(&self, refused: bool) -> Result<Secret, TokenFailure> {
        let mut tokens = self.tokens.lock().await;
        let request = match &*tokens {
            Tokens::Issued { .. } if refused => return Err(TokenFailure::Ended),
            Tokens::Issued { access } => return Ok(access.clone()),
            Tokens::Granted { access: Some((token, expires_at)), .. }
                if !refused && self.time_left(*expires_at) > 0 =>
            {
                return Ok(token.clone());
            }
            Tokens::Granted { refresh, renewal_id, .. } => {
                TokenRequest { refresh_token: refresh.clone(), renewal_id: renewal_id.clone() }
            }
        };
        let grant = match self.api.renew_tokens(&request).await {
            Ok(grant) => grant,
            Err(HttpFailure::Refused(error)) if !error.code.is_transient() => {
                self.is_to_erase.store(error.erase, Ordering::Relaxed);
                return Err(TokenFailure::Ended);
            }
            Err(failure) => return Err(TokenFailure::Failed(failure.code())),
        };
        let token = grant.access_token.clone();
        *tokens = grant.into();
        if let Err(error) = self.save_tokens(&tokens).await {
            // The session lives on; after a restart the person will have to sign in.
            tracing::warn!(%error, "the renewed session could not be kept");
        }
        Ok(token)
    }

    fn time_left(&self, expires_at: Timestamp) -> i64 {
        let server_now = self.surroundings.now().as_millis().saturating_add(self.clock_offset.load(Ordering::Relaxed));
        expires_at.as_millis() - server_now - MARGIN_MS
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::BoxFuture;
    use serde_json::{Value, json};
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::transport::{Http, HttpCall};

    /// Renews a refresh token once, and takes its time over it, as a server behind a slow network does.
    struct SlowServer(std::sync::Mutex<String>);

    impl Http for SlowServer {
        fn call(&self, call: HttpCall) -> BoxFuture<'_, Result<Value, HttpFailure>> {
            let presented = call.body.map(|body| body["refreshToken"].as_str().unwrap_or_default().to_owned());
            let mut good = self.0.lock().unwrap();
            let is_good = presented.as_deref() == Some(good.as_str());
            let next = format!("{good}+");
            good.clone_from(&next);
            Box::pin(async move {
                sleep(Duration::from_secs(5)).await;
                if !is_good {
                    let refusal = json!({ "code": "unauthorized", "message": "" });
                    return Err(HttpFailure::Refused(serde_json::from_value(refusal).unwrap()));
                }
                Ok(json!({
                    "accessToken": format!("access for {next}"), "refreshToken": next, "expiresAt": "2096-10-02T07:06:40.000Z",
                    "user": { "id": "sato", "name": "佐藤", "userType": "clinician" },
                }))
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_whose_caller_was_cut_off_does_not_end_the_session() {
        let api = Api::new(Arc::new(SlowServer("first".to_owned().into())));
        let server = ServerAddress::parse("https://hospital.invalid", false).unwrap();
        let tokens =
            Tokens::Granted { access: None, refresh: Secret::new("first"), renewal_id: None, lease_seconds: None };
        let keeper = TokenKeeper::new(api, server, UserId::new("sato"), None, tokens, Surroundings::real());
        let keeper = Arc::new(keeper);
        assert!(timeout(Duration::from_secs(1), keeper.fresh()).await.is_err(), "the caller gives up");
        assert_eq!(keeper.fresh().await.map(|token| token.expose().to_owned()), Ok("access for first+".to_owned()));
    }
}
