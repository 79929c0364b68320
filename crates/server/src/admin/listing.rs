//! What there is: people and rooms, for whoever administers them. Never what is said.
//!
//! Invariant: an administrator's look is in the audit; the operator's is not, who can look past it.

use hugmedo_chat_protocol::UserId;
use serde_json::{Value, json};

use super::Admin;
use crate::{
    audit::{self, Deed},
    error::Error,
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
    /// Everyone, by user id; the server's own name is left out.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn users(&self) -> Result<Vec<Person>, Error> {
        self.write(|tx, actor| {
            note(tx, actor, "users")?;
            Ok(users::everyone(tx)?)
        })
        .await
    }

    /// Every room with the ids of who is in it, by room id.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn rooms(&self) -> Result<Vec<RoomRecord>, Error> {
        self.write(|tx, actor| {
            note(tx, actor, "rooms")?;
            Ok(rooms::records(tx)?)
        })
        .await
    }

    /// A page of the audit after a place, and whether there is more.
    pub(crate) async fn audit_page(&self, after: i64, limit: usize) -> Result<Value, Error> {
        let limit = limit.clamp(1, MAX_ENTRIES);
        self.write(move |tx, actor| {
            note(tx, actor, "audit")?;
            let (entries, has_more) = audit::page(tx, after, limit)?;
            Ok(json!({ "entries": entries, "hasMore": has_more }))
        })
        .await
    }
}
