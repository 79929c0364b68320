//! Emoji under messages.
//!
//! Invariant: a person stands once under an emoji of a message; what changes nothing takes no position of the log.

use hugmedo_chat_protocol::{Message, MessageChanged, Reaction, UserId, limits::MAX_REACTIONS};

use super::{StoreError, messages, now, sql::Transaction};
use crate::authorize::Member;

/// What became of a wish to react, or to do so no longer.
pub(crate) enum Reacted {
    /// It is so now.
    Changed(Box<MessageChanged>),
    /// It was so before.
    AsBefore,
    /// The message has as many different emoji as it may.
    TooMany,
}

/// Puts a member under an emoji of a message of its room, or takes it away.
pub(crate) fn set(
    tx: &Transaction<'_>,
    member: &Member,
    mut message: Message,
    emoji: &str,
    on: bool,
) -> Result<Reacted, StoreError> {
    let user = member.user();
    let stands = message.reactions.iter().any(|it| it.emoji == emoji && it.user_ids.contains(user));
    if stands == on {
        return Ok(Reacted::AsBefore);
    }
    if on {
        if message.reactions.len() >= MAX_REACTIONS && message.reactions.iter().all(|it| it.emoji != emoji) {
            return Ok(Reacted::TooMany);
        }
        tx.execute(
            "INSERT INTO reaction (message_id, emoji, user_id, at) VALUES (?1, ?2, ?3, ?4)",
            (message.id.as_str(), emoji, user.as_str(), now()),
        )?;
    } else {
        tx.execute(
            "DELETE FROM reaction WHERE message_id = ?1 AND emoji = ?2 AND user_id = ?3",
            (message.id.as_str(), emoji, user.as_str()),
        )?;
    }
    message.reactions = of(tx, &message)?;
    Ok(Reacted::Changed(Box::new(messages::changed(tx, member, message)?)))
}

fn of(tx: &Transaction<'_>, message: &Message) -> Result<Vec<Reaction>, StoreError> {
    let sql = format!("SELECT {} FROM message WHERE id = ?1", column(tx));
    let rows: String = tx.prepare_cached(&sql)?.query_row((message.id.as_str(),), |row| row.get(0))?;
    let rows: Vec<(String, String)> = serde_json::from_str(&rows).map_err(|_| StoreError::Unreadable("reaction"))?;
    Ok(grouped(rows))
}

/// All reactions of a message's row as one column, which is read by [`grouped`].
pub(super) fn column(tx: &Transaction<'_>) -> String {
    tx.json_pairs("emoji, user_id", "id", "reaction WHERE message_id = message.id")
}

/// Brings `(emoji, person)` rows together by emoji, in the order they first came.
pub(super) fn grouped(rows: Vec<(String, String)>) -> Vec<Reaction> {
    let mut reactions: Vec<Reaction> = Vec::new();
    for (emoji, user) in rows {
        let user = UserId::new(user);
        match reactions.iter_mut().find(|it| it.emoji == emoji) {
            Some(reaction) => reaction.user_ids.push(user),
            None => reactions.push(Reaction { emoji, user_ids: vec![user] }),
        }
    }
    reactions
}

/// Takes all of them away, with the message they stood under.
pub(super) fn clear(tx: &Transaction<'_>, message: &Message) -> Result<(), StoreError> {
    tx.execute("DELETE FROM reaction WHERE message_id = ?1", (message.id.as_str(),))?;
    Ok(())
}
