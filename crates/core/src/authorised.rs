//! Calls to the server that need a token.
//!
//! Invariants: a refused token is renewed once for a call; a server that is busy is waited for, but not for ever.

use std::time::Duration;

use hugmedo_chat_protocol::{ErrorCode as WireCode, Secret};
use tokio::time::sleep;

use crate::{account::Account, error::ErrorCode, tokens::TokenFailure, transport::HttpFailure};

/// How often one call waits for a busy server before it fails.
const MOST_WAITS: u32 = 5;
/// The longest such wait, in milliseconds; whoever is asked to wait longer fails at once.
const LONGEST_WAIT_MS: u64 = 60_000;

impl Account {
    /// Makes a call with a valid token; a refused one is renewed once, and a server that is busy is waited for.
    pub(crate) async fn authorised<T, F>(&self, call: impl Fn(Secret) -> F) -> Result<T, HttpFailure>
    where
        F: Future<Output = Result<T, HttpFailure>>,
    {
        let mut token = self.tokens.fresh().await.map_err(failure)?;
        let mut renewed = false;
        loop {
            match patiently(|| call(token.clone())).await {
                Err(HttpFailure::Refused(error)) if is_about_the_token(error.code) && !renewed => {
                    token = self.tokens.after_refusal().await.map_err(failure)?;
                    renewed = true;
                }
                result => return result,
            }
        }
    }
}

/// Makes a call, and waits for a server that is busy.
pub(crate) async fn patiently<T, F>(call: impl Fn() -> F) -> Result<T, HttpFailure>
where
    F: Future<Output = Result<T, HttpFailure>>,
{
    let mut waits = 0;
    loop {
        match call().await {
            // Many rooms at once are more than a server answers in one second; it says how long to wait.
            Err(HttpFailure::Refused(error))
                if error.code == WireCode::RateLimited
                    && waits < MOST_WAITS
                    && error.retry_after_ms.is_none_or(|wait| wait <= LONGEST_WAIT_MS) =>
            {
                sleep(Duration::from_millis(error.retry_after_ms.unwrap_or(1_000))).await;
                waits += 1;
            }
            result => return result,
        }
    }
}

fn is_about_the_token(code: WireCode) -> bool {
    matches!(code, WireCode::Unauthorized | WireCode::TokenExpired)
}

fn failure(failure: TokenFailure) -> HttpFailure {
    HttpFailure::Failed(match failure {
        TokenFailure::Ended => ErrorCode::SessionExpired,
        TokenFailure::Failed(code) => code,
    })
}
