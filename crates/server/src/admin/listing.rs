//! What there is: people and rooms, for whoever administers them. Never what is said.
//!
//! Invariants: an administrator's look is in the audit before they see anything; the operator's is not, who can look past it; a list
//! holds up nobody who writes.

use hugmedo_chat_protocol::UserId;
use serde_json::{Value, json};

use super::{Admin, Authority};
use crate::{
    audit::{self, Deed},
    error::Error,
    failure::Failure,
    store::{
        StoreError,
        rooms::{self, RoomRecord},
        sql::Transaction,
        users::{self, Person},
    },
};

/// Most entries of the audit in one page.
const MAX_ENTRIES: usize = 1000;

/// Notes that an administrator looked.
pub(super) fn note(tx: &Transaction<'_>, actor: Option<&UserId>, what: &str) -> Result<(), StoreError> {
    match actor {
        Some(_) => audit::append(tx, actor, Deed::Inspect, None, Some(what), None),
        None => Ok(()),
    }
}

impl Admin {
    /// Reads a list on this authority's word, after it was noted that they did.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        what: &'static str,
        list: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Error> {
        let authority = self.authority;
        if let Authority::Session(_) = authority {
            self.write(move |tx, actor| Ok(note(tx, actor, what)?)).await?;
        }
        let looked: Result<T, Failure> = self
            .store
            .read(move |tx| {
                authority.actor(tx)?;
                Ok(list(tx)?)
            })
            .await;
        Ok(looked?)
    }

    /// Everyone, by user id; the server's own name is left out.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn users(&self) -> Result<Vec<Person>, Error> {
        self.look("users", users::everyone).await
    }

    /// Every room with the ids of who is in it, by room id.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn rooms(&self) -> Result<Vec<RoomRecord>, Error> {
        self.look("rooms", rooms::records).await
    }

    /// A page of the audit after a place, and whether there is more.
    pub(crate) async fn audit_page(&self, after: i64, limit: usize) -> Result<Value, Error> {
        let limit = limit.clamp(1, MAX_ENTRIES);
        self.look("audit", move |tx| {
            let (entries, has_more) = audit::page(tx, after, limit)?;
            Ok(json!({ "entries": entries, "hasMore": has_more }))
        })
        .await
    }
}
