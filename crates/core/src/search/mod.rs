//! Search over everything that is on this computer, in the middle of sentences and in Japanese.
//!
//! Invariant: a hit is verified in the text as it is stored now. The index only says where to look: it is in the encrypted
//! store, follows the writing within about a second, and is brought up to date before it is asked.

mod excerpt;
mod folding;
pub(crate) mod pieces;

use std::{sync::Arc, time::Duration};

use rusqlite::Connection;
use tokio::time::sleep;

use crate::{
    account::Account,
    error::{Error, ErrorCode},
    store::{messages, search},
    view::{SearchHit, SearchPage, SearchQuery},
};
use hugmedo_chat_protocol::UserId;

/// Hits of one page.
const PAGE: usize = 50;
/// Messages looked at in one go.
const CANDIDATES: u32 = 200;
/// Messages taken into the index in one transaction, so that nothing else waits long for its turn.
const BATCH: u32 = 200;
/// Batches taken in before a question is answered, if so many are due; the rest follows by itself.
const BATCHES_BEFORE: usize = 3;
/// How long writing goes on before the index follows.
const CALM: Duration = Duration::from_secs(1);

/// What is on this computer and matches, the newest first.
pub(crate) async fn search(account: &Account, query: SearchQuery) -> Result<SearchPage, Error> {
    for _ in 0..BATCHES_BEFORE {
        if !account.store.read(search::has_due).await? {
            break;
        }
        account.store.write(|transaction| search::index_due(transaction, BATCH)).await?;
    }
    let me = account.me.id.clone();
    account.store.read(move |connection| page(connection, &me, &query)).await
}

/// Keeps the index up to date for as long as the account is open.
pub(crate) async fn keep_index(account: Arc<Account>) {
    loop {
        match index_all(&account).await {
            Ok(()) => {}
            Err(error) if error.code() == ErrorCode::NotSignedIn => return,
            // It is tried again with the next writing; what is not in the index is due, not lost.
            Err(error) => tracing::warn!(code = %error.code(), "the search index is behind"),
        }
        tokio::select! {
            () = account.stop.cancelled() => return,
            () = account.store.written() => sleep(CALM).await,
        }
    }
}

async fn index_all(account: &Account) -> Result<(), Error> {
    while !account.stop.is_cancelled() && account.store.read(search::has_due).await? {
        account.store.write(|transaction| search::index_due(transaction, BATCH)).await?;
    }
    Ok(())
}

pub(crate) fn page(connection: &Connection, me: &UserId, query: &SearchQuery) -> Result<SearchPage, Error> {
    let words = folding::words(query.text.as_str());
    let (room, author) = (query.room_id.as_ref().map(|id| id.as_str()), query.author_id.as_ref().map(|id| id.as_str()));
    let Some(condition) = pieces::condition(&words, room, author) else {
        return Ok(SearchPage { hits: Vec::new(), next: None });
    };
    let time = (query.since, query.until);
    let mut before = query.after.as_deref().and_then(|after| after.parse::<i64>().ok());
    let mut hits = Vec::new();
    let mut last_place = None;
    loop {
        let found = search::candidates(connection, &condition, time, before, CANDIDATES)?;
        let is_last = found.len() < CANDIDATES as usize;
        for candidate in found {
            before = Some(candidate.place);
            let folded = folding::fold(&candidate.content);
            let Some(excerpt) = excerpt::excerpt(&candidate.content, &folded, &words) else { continue };
            if hits.len() == PAGE {
                return Ok(SearchPage { hits, next: last_place.map(|place: i64| place.to_string()) });
            }
            let Some(message) = messages::one(connection, me, candidate.local_id)? else { continue };
            hits.push(SearchHit { message, excerpt });
            last_place = Some(candidate.place);
        }
        if is_last {
            return Ok(SearchPage { hits, next: None });
        }
    }
}
