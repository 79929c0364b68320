//! Who is signed in, and until when.
//!
//! Invariant: a refresh token is good once, and again for the same renewal while its successor is unused; otherwise used a second time,
//! its session is over.

use std::collections::BTreeMap;

use hugmedo_chat_protocol::{ErrorCode, Refusal, Secret, SessionGrant, Timestamp, TokenRequest, User, UserId};

use super::{Ledger, News};

/// What a valid access token stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Bearer {
    /// Who.
    pub user: UserId,
    /// In which session.
    pub session: u64,
    /// Until when.
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone)]
struct Refresh {
    session: u64,
    user: UserId,
    used: Option<Renewal>,
}

/// What a refresh token was used for.
#[derive(Debug, Clone)]
struct Renewal {
    id: Option<Secret>,
    /// The number of the pair it was answered with.
    pair: u64,
}

#[derive(Debug, Clone)]
pub(in crate::simulation) struct Sessions {
    life_ms: i64,
    minted: u64,
    over: BTreeMap<u64, bool>,
    access: BTreeMap<String, Bearer>,
    refresh: BTreeMap<String, Refresh>,
    /// How many sessions ended because a refresh token came a second time.
    ended_by_reuse: u64,
}

impl Sessions {
    pub(super) fn new(life_ms: i64) -> Self {
        Self {
            life_ms,
            minted: 0,
            over: BTreeMap::new(),
            access: BTreeMap::new(),
            refresh: BTreeMap::new(),
            ended_by_reuse: 0,
        }
    }

    fn mint(&mut self) -> u64 {
        self.minted += 1;
        self.minted
    }

    pub(in crate::simulation) fn is_over(&self, session: u64) -> bool {
        self.over.get(&session).copied().unwrap_or(true)
    }

    pub(in crate::simulation) fn ended_by_reuse(&self) -> u64 {
        self.ended_by_reuse
    }

    pub(in crate::simulation) fn set_life(&mut self, life_ms: i64) {
        self.life_ms = life_ms;
    }

    /// All access tokens are past their time.
    pub(in crate::simulation) fn expire_all(&mut self, now: Timestamp) {
        for bearer in self.access.values_mut() {
            bearer.expires_at = bearer.expires_at.min(now);
        }
    }
}

impl Ledger {
    /// Signs in: passwords are not this book's business.
    pub fn log_in(&mut self, username: &str) -> Result<SessionGrant, Refusal> {
        let user = self.users.get(&UserId::new(username)).cloned();
        let user = user.ok_or_else(|| Refusal::new(ErrorCode::Unauthorized, "nobody of this name"))?;
        let session = self.sessions.mint();
        self.sessions.over.insert(session, false);
        let pair = self.sessions.mint();
        Ok(self.grant(session, user, pair))
    }

    fn grant(&mut self, session: u64, user: User, number: u64) -> SessionGrant {
        let expires_at = Timestamp::from_millis(self.now.as_millis() + self.sessions.life_ms);
        let (access, refresh) = (format!("access-{number}"), refresh_token(number));
        self.sessions.access.insert(access.clone(), Bearer { user: user.id.clone(), session, expires_at });
        let unused = Refresh { session, user: user.id.clone(), used: None };
        self.sessions.refresh.entry(refresh.clone()).or_insert(unused);
        SessionGrant {
            access_token: Secret::new(access),
            refresh_token: Secret::new(refresh),
            expires_at,
            user,
            lease_seconds: None,
        }
    }

    /// Trades a refresh token for a new pair.
    pub fn renew(&mut self, request: &TokenRequest) -> Result<SessionGrant, (Refusal, Vec<News>)> {
        let refused = || Refusal::new(ErrorCode::Unauthorized, "not a token of a session");
        let Some(Refresh { session, user, used }) = self.sessions.refresh.get(request.refresh_token.expose()).cloned()
        else {
            return Err((refused(), Vec::new()));
        };
        if self.sessions.is_over(session) {
            return Err((refused(), Vec::new()));
        }
        let pair = match used {
            None => self.sessions.mint(),
            Some(Renewal { id: Some(id), pair })
                if Some(&id) == request.renewal_id.as_ref() && self.is_unused(pair) =>
            {
                pair
            }
            Some(_) => {
                self.sessions.over.insert(session, true);
                self.sessions.ended_by_reuse += 1;
                return Err((refused(), vec![News::Ended(session)]));
            }
        };
        if let Some(token) = self.sessions.refresh.get_mut(request.refresh_token.expose()) {
            token.used = Some(Renewal { id: request.renewal_id.clone(), pair });
        }
        match self.users.get(&user).cloned() {
            Some(user) => Ok(self.grant(session, user, pair)),
            None => Err((refused(), Vec::new())),
        }
    }

    fn is_unused(&self, pair: u64) -> bool {
        self.sessions.refresh.get(&refresh_token(pair)).is_some_and(|token| token.used.is_none())
    }

    /// Whose a token is.
    pub fn bearer(&self, token: &Secret) -> Result<Bearer, Refusal> {
        let bearer = self.sessions.access.get(token.expose());
        let bearer = bearer.filter(|bearer| !self.sessions.is_over(bearer.session));
        let bearer = bearer.ok_or_else(|| Refusal::new(ErrorCode::Unauthorized, "no valid credentials"))?;
        if bearer.expires_at <= self.now {
            return Err(Refusal::new(ErrorCode::TokenExpired, "the token's time is over"));
        }
        Ok(bearer.clone())
    }
}

fn refresh_token(pair: u64) -> String {
    format!("refresh-{pair}")
}
