//! What an account has left on this computer, and when it has to go: by the person's signing out or wish, because its server wants
//! it removed, or because the server has not been heard of for as long as it lends its data.
//!
//! Invariants: what goes, goes with its key first, so that an interrupted removal leaves nothing that can be read; nothing goes
//! because a server could not be reached, but by its lease; the account of who has signed in again meanwhile stays.

use std::{
    path::Path,
    sync::{Arc, PoisonError, Weak},
    time::Duration,
};

use hugmedo_chat_protocol::{Secret, SessionEndReason, Timestamp, TokenRequest};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use crate::{
    account::Account,
    address::ServerAddress,
    api::Api,
    core::{Core, Inner},
    error::{Error, ErrorCode},
    store,
    tokens::TokenKeeper,
    transport::HttpFailure,
    vault::SavedToken,
    view::ViewChange,
};

/// How often leases are looked at and servers of ended sessions asked.
const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);

/// What the keychain holds about an account's data, beside its key.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Remains {
    /// Until when the data may stay without a word from the server; `None` for ever.
    pub(crate) lease_ends_at: Option<Timestamp>,
    /// Whom to ask, once the session is over, whether the data has to go.
    pub(crate) ended: Option<EndedSession>,
}

/// A session that is over, and was not ended by its person.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EndedSession {
    pub(crate) server: String,
    /// Good for nothing any more but to say which session it was.
    pub(crate) refresh_token: Secret,
}

/// Looks after what is left of accounts until core is gone.
pub(crate) async fn watch(inner: Weak<Inner>) {
    loop {
        let Some(strong) = inner.upgrade() else { return };
        let turn = strong.turnstile.lock().await;
        if let Err(error) = end_leases_in_turn(&strong).await {
            tracing::warn!(%error, "leases were not looked at");
        }
        drop(turn);
        ask_servers(&strong).await;
        drop(strong);
        sleep(LOOK_EVERY).await;
    }
}

/// Removes the data of every account whose lease is over, and answers whose. For who has the turnstile.
pub(crate) async fn end_leases_in_turn(inner: &Arc<Inner>) -> Result<Vec<String>, Error> {
    let now = inner.config.surroundings.now();
    let mut over = Vec::new();
    for name in inner.folder.accounts() {
        if inner.vault.remains(&name).await?.lease_ends_at.is_some_and(|ends_at| ends_at <= now) {
            end_lease(inner, &name).await?;
            over.push(name);
        }
    }
    Ok(over)
}

async fn end_lease(inner: &Arc<Inner>, name: &str) -> Result<(), Error> {
    if inner.open_account().is_some_and(|account| account.name == name)
        && let Some(account) = inner.close_account().await
    {
        account.tokens.retire().await;
        inner.notifier.settle(Vec::new());
        inner.tell_ended(Some(SessionEndReason::Expired));
    }
    if inner.locked_name().is_some_and(|locked| locked == name) {
        inner.drop_lock();
        inner.tell_ended(Some(SessionEndReason::Expired));
    }
    if inner.vault.session().await?.and_then(|saved| saved.account()).is_some_and(|account| account == name) {
        inner.vault.forget_session().await?;
    }
    inner.remove(name).await?;
    inner.tell_trouble(ErrorCode::LeaseOver);
    Ok(())
}

/// Asks the servers of sessions that are over whether what they have left has to go.
async fn ask_servers(inner: &Arc<Inner>) {
    for name in inner.folder.accounts() {
        let Ok(Remains { ended: Some(ended), .. }) = inner.vault.remains(&name).await else { continue };
        if inner.is_in_use(&name) {
            continue;
        }
        let Ok(server) = ServerAddress::parse(&ended.server, true) else { continue };
        let api = Api::new(Arc::clone(&inner.network(&server).http));
        if wants_removal(&api, &ended.refresh_token).await
            && let Err(error) = remove_unless_back(inner, &name).await
        {
            tracing::warn!(%error, "data that has to go is still here");
        }
    }
}

/// Whether the server of a session that is over wants its data removed.
async fn wants_removal(api: &Api, refresh_token: &Secret) -> bool {
    let request = TokenRequest { refresh_token: refresh_token.clone(), renewal_id: None };
    matches!(api.renew_tokens(&request).await, Err(HttpFailure::Refused(error)) if error.erase)
}

/// A session that had to make place in the keychain for another account's, and that its server is to end.
pub(crate) struct Displaced {
    name: String,
    server: ServerAddress,
    request: TokenRequest,
}

/// Puts this account's session into the one place the keychain has. Another account's that is there is over: from here on its server
/// is asked whether what it has left has to go, as after any session that ended. If the keychain refuses, that one goes on as it
/// was. For who has the turnstile.
pub(crate) async fn take_place(inner: &Inner, account: &Account) -> Result<Option<Displaced>, Error> {
    let locked = inner.locked_tokens().filter(|_| inner.locked_name().is_some_and(|locked| locked != account.name));
    let mut vault = None;
    if let Some(tokens) = &locked {
        // It would put its session there again.
        tokens.settled().await;
        vault = tokens.retire().await;
    }
    let taken = displace(inner, account).await;
    if let (Err(_), Some(tokens), Some(vault)) = (&taken, locked, vault) {
        tokens.reinstate(vault).await;
    }
    taken
}

async fn displace(inner: &Inner, account: &Account) -> Result<Option<Displaced>, Error> {
    let Some(displaced) = in_place(inner, &account.name).await? else {
        account.tokens.save().await?;
        return Ok(None);
    };
    let before = inner.vault.remains(&displaced.name).await?;
    let (server, refresh_token) = (displaced.server.as_str().to_owned(), displaced.request.refresh_token.clone());
    note_ended(inner, &displaced.name, EndedSession { server, refresh_token }).await?;
    if let Err(refused) = account.tokens.save().await {
        if let Err(error) = inner.vault.save_remains(&displaced.name, &before).await {
            tracing::warn!(%error, "a session that goes on is noted as over");
        }
        return Err(refused);
    }
    Ok(Some(displaced))
}

/// The session of another account than this one that is in the keychain.
async fn in_place(inner: &Inner, account: &str) -> Result<Option<Displaced>, Error> {
    let Some(saved) = inner.vault.session().await? else { return Ok(None) };
    let Some(name) = saved.account().filter(|name| name != account) else { return Ok(None) };
    let SavedToken::Refresh(refresh_token) = saved.token else { return Ok(None) };
    let server = ServerAddress::parse(&saved.server, true)?;
    Ok(Some(Displaced { name, server, request: TokenRequest { refresh_token, renewal_id: saved.renewal_id } }))
}

impl Displaced {
    /// Ends it at its server. Where that fails it ends there when its token is presented again, which is how it is asked about.
    pub(crate) async fn end(self, inner: Weak<Inner>) {
        let Some(inner) = inner.upgrade() else { return };
        let api = Api::new(Arc::clone(&inner.network(&self.server).http));
        let Ok(grant) = api.renew_tokens(&self.request).await else { return };
        if api.logout(&grant.access_token).await.is_err() {
            tracing::info!("the server was not told of the end of a session");
        }
        let ended = EndedSession { server: self.server.as_str().to_owned(), refresh_token: grant.refresh_token };
        if let Err(error) = note_unless_back(&inner, &self.name, ended).await {
            tracing::warn!(%error, "what a session has left is not settled");
        }
    }
}

/// Settles what a session has left that its server has ended: it goes if the server wants it, or stays, and is asked about again.
pub(crate) async fn settle(inner: &Arc<Inner>, name: &str, tokens: &TokenKeeper) {
    let Some(refresh_token) = tokens.refresh_token().await else { return };
    let settled = if tokens.is_to_erase() || wants_removal(tokens.api(), &refresh_token).await {
        remove_unless_back(inner, name).await
    } else {
        let ended = EndedSession { server: tokens.server().as_str().to_owned(), refresh_token };
        note_unless_back(inner, name, ended).await
    };
    if let Err(error) = settled {
        tracing::warn!(%error, "what a session has left is not settled");
    }
}

async fn remove_unless_back(inner: &Arc<Inner>, name: &str) -> Result<(), Error> {
    let _turn = inner.turnstile.lock().await;
    if inner.is_in_use(name) {
        return Ok(());
    }
    inner.remove(name).await?;
    inner.tell_trouble(ErrorCode::DataErased);
    Ok(())
}

async fn note_unless_back(inner: &Arc<Inner>, name: &str, ended: EndedSession) -> Result<(), Error> {
    let _turn = inner.turnstile.lock().await;
    if inner.is_in_use(name) {
        return Ok(());
    }
    note_ended(inner, name, ended).await
}

async fn note_ended(inner: &Inner, name: &str, ended: EndedSession) -> Result<(), Error> {
    let remains = Remains { ended: Some(ended), ..inner.vault.remains(name).await? };
    inner.vault.save_remains(name, &remains).await
}

impl Core {
    /// Removes what every account has left on this computer, the session and the choices. What the servers have stays. Can be done
    /// again where it failed.
    ///
    /// # Errors
    /// `Locked` while the app is locked; or if something could not be removed.
    pub async fn remove_everything(&self) -> Result<(), Error> {
        self.sign_out().await?;
        let _turn = self.inner.turnstile.lock().await;
        for name in self.inner.folder.accounts() {
            self.inner.remove(&name).await?;
        }
        self.inner.vault.forget_session().await?;
        self.inner.computer.forget()
    }
}

impl Inner {
    /// Whether the account is open or locked, which is to say that its person is signed in.
    fn is_in_use(&self, name: &str) -> bool {
        self.open_account().is_some_and(|account| account.name == name)
            || self.locked_name().is_some_and(|locked| locked == name)
    }

    /// Removes everything of a closed account from this computer, its session left aside. Can be done again where it failed.
    pub(crate) async fn remove(&self, name: &str) -> Result<(), Error> {
        self.vault.forget_store_key(name).await?;
        self.vault.forget_lock_record(name).await?;
        let path = self.folder.store_path(name);
        self.config.surroundings.off_loop(move || remove_files(&path)).await?;
        // The last, because without it nobody would know that something is left to do.
        self.vault.forget_remains(name).await
    }

    /// Nobody's account is open any more, and nothing is to be connected.
    pub(crate) fn tell_ended(&self, ended: Option<SessionEndReason>) {
        self.tell_signed_out(ended);
        self.hub.publish(ViewChange::ConnectionChanged { connection: self.idle() });
    }

    fn tell_trouble(&self, code: ErrorCode) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(code);
        self.hub.publish(ViewChange::TroubleChanged { trouble: Some(code) });
    }
}

fn remove_files(store: &Path) -> Result<(), Error> {
    store::remove(store)?;
    match store.parent().map(std::fs::remove_dir) {
        Some(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
