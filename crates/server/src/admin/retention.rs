//! How long what is said is kept, and which rooms are held.

use hugmedo_chat_protocol::{RoomId, RoomKind};

use super::Admin;
use crate::{
    audit::{self, Deed},
    error::Error,
    store::{
        columns,
        retention::{self, Kept, RetentionRule},
    },
};

/// A hundred years.
const MOST_DAYS: u32 = 36_500;

impl Admin {
    /// The rules there are; what no rule speaks of is kept for ever.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn retention(&self) -> Result<Vec<RetentionRule>, Error> {
        self.look("retention", retention::rules).await
    }

    /// Chooses for how many days rooms of a kind keep what is said in them; `None` for ever. What is older goes soon.
    ///
    /// # Errors
    /// If it is no day or more than a hundred years.
    pub async fn set_retention(&self, kind: RoomKind, days: Option<u32>) -> Result<(), Error> {
        if days.is_some_and(|days| !(1..=MOST_DAYS).contains(&days)) {
            return Err(Error::Invalid("messages are kept for 1 to 36500 days, or for ever"));
        }
        self.write(move |tx, actor| {
            retention::set_rule(tx, kind, days)?;
            let days = days.map_or_else(|| "ever".to_owned(), |days| days.to_string());
            let what = format!("{}: {days}", columns::as_word(&kind)?);
            Ok(audit::append(tx, actor, Deed::SetRetention, None, Some(&what), None)?)
        })
        .await
    }

    /// Holds a room: nothing of it is lost, whatever its kind's rule says and its members take back. Or lets it go again, and
    /// with it what was kept.
    ///
    /// # Errors
    /// If there is no such room.
    pub async fn set_hold(&self, room: &RoomId, on: bool) -> Result<(), Error> {
        let room = room.clone();
        self.write(move |tx, actor| {
            if !retention::set_hold(tx, &room, on)? {
                return Err(Error::NotFound("room"));
            }
            let deed = if on { Deed::Hold } else { Deed::Release };
            Ok(audit::append(tx, actor, deed, Some(&room), None, None)?)
        })
        .await
    }

    /// What messages of a held room were before they were changed or taken back. It is what was said, so it is for the
    /// operator, and in the audit.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn kept(&self, room: &RoomId) -> Result<Vec<Kept>, Error> {
        let room = room.clone();
        self.write(move |tx, actor| {
            audit::append(tx, actor, Deed::ExportKept, Some(&room), None, None)?;
            Ok(retention::kept(tx, &room)?)
        })
        .await
    }
}
