//! Finding what is on this computer: instantly, inside the encrypted store, without a server.
//!
//! Invariant: what is found is there: every hit is checked against its text, which is the only truth; the index only says where
//! to look.

mod excerpt;
mod fold;
mod terms;

use std::{borrow::Cow, sync::Arc, time::Duration};

use tokio::time::sleep;

use crate::{
    account::Account,
    core::Core,
    error::{Error, ErrorCode},
    store::search::{self, Wanted},
    view::{MessageView, SearchHit, SearchPage, SearchQuery},
};

pub(crate) use fold::fold;
pub(crate) use terms::{of_message, question};

/// Hits of one page.
const PAGE: usize = 50;
/// Longest text looked for, in characters; what comes after is not looked for.
const LONGEST: usize = 200;
/// Messages of a store from before the search that are indexed as one transaction.
const BATCH: u32 = 200;
/// Between two of them, so that whoever else asks the store gets a turn.
const BREATH: Duration = Duration::from_millis(20);
/// After a failed one.
const PAUSE: Duration = Duration::from_secs(30);

impl Core {
    /// What is on this computer and matches, the newest first.
    ///
    /// # Errors
    /// `Refused` for an `after` that is none; a store that fails.
    pub async fn search(&self, query: SearchQuery) -> Result<SearchPage, Error> {
        let account = self.account()?;
        let me = account.me.id.clone();
        let wanted = wanted(query)?;
        account
            .store
            .read(move |connection| {
                let found = search::find(connection, &me, &wanted, PAGE)?;
                let hits = found.messages.into_iter().map(|message| {
                    let excerpt = excerpt::excerpt(&excerpted(&message, &wanted.words), &wanted.words);
                    SearchHit { message, excerpt }
                });
                Ok(SearchPage { hits: hits.collect(), next: found.next.map(|key| key.to_string()) })
            })
            .await
    }
}

/// Where the words are shown in: the text of a message, with what its files are called if not all of them stand in the text.
fn excerpted<'a>(message: &'a MessageView, words: &[String]) -> Cow<'a, str> {
    let content = message.content.as_str();
    let folded = fold(content);
    if message.attachments.is_empty() || words.iter().all(|word| folded.contains(word.as_str())) && !content.is_empty()
    {
        return Cow::Borrowed(content);
    }
    let names = message.attachments.iter().map(|file| file.name.as_str());
    let parts: Vec<_> = std::iter::once(content).chain(names).filter(|part| !part.is_empty()).collect();
    Cow::Owned(parts.join("\n"))
}

fn wanted(query: SearchQuery) -> Result<Wanted, Error> {
    let text: String = query.text.as_str().chars().take(LONGEST).collect();
    let after = query.after.map(|after| after.parse()).transpose();
    Ok(Wanted {
        words: fold(&text).split_whitespace().map(str::to_owned).collect(),
        room: query.room_id,
        author: query.author_id,
        since: query.since,
        until: query.until,
        after: after.map_err(|_| Error::new(ErrorCode::Refused, "no such page of hits"))?,
    })
}

/// Indexes what was stored before there was an index, a little at a time. What is done is in the store, so it goes on where it
/// ended.
pub(crate) async fn index_rest(account: Arc<Account>) {
    let indexing = async {
        loop {
            match index_next(&account).await {
                Ok(true) => sleep(BREATH).await,
                Ok(false) => return,
                // The store is closed.
                Err(error) if error.code() == ErrorCode::NotSignedIn => return,
                Err(error) => {
                    tracing::info!(%error, "indexing pauses");
                    sleep(PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = account.stop.cancelled() => {}
        () = indexing => {}
    }
}

/// Returns whether there was anything to do.
async fn index_next(account: &Account) -> Result<bool, Error> {
    let is_behind = account.store.read(search::is_behind).await?;
    if is_behind {
        account.store.write(|transaction| search::index_some(transaction, BATCH)).await?;
    }
    Ok(is_behind)
}
