//! What the person changed and the server has confirmed, applied before the server tells it to everyone.
//!
//! Invariant: it bridges the moment until the same change arrives, which is then taken in over it, so nothing depends on what
//! is guessed here; where the same or a newer change has arrived already, nothing is done.

use hugmedo_chat_protocol::{MessageId, Reaction, RoomId, Sensitive, Seq, Timestamp, UserId};
use rusqlite::{Connection, OptionalExtension, params};

use super::{
    coverage::{self, number},
    messages, rooms,
    rows::reactions,
};
use crate::error::Error;

/// What was done to a message.
#[derive(Clone)]
pub(crate) enum OwnChange {
    /// Its text is another now.
    Edited(Sensitive),
    /// It was taken back.
    Deleted,
    /// The person's emoji was put under it, or taken away.
    Reacted { emoji: String, on: bool },
}

/// Applies a change that took this position of the log. Returns the rows that are shown otherwise now.
pub(crate) fn apply(
    connection: &Connection,
    me: &UserId,
    (room, message): (&RoomId, &MessageId),
    change: &OwnChange,
    seq: Seq,
    now: Timestamp,
) -> Result<Vec<i64>, Error> {
    let found: Option<(i64, String)> = connection
        .query_row(
            "SELECT local_id, reactions FROM message WHERE room_id = ? AND id = ? AND changed_seq < ?",
            params![room.as_str(), message.as_str(), number(seq)],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((local_id, before)) = found else { return Ok(Vec::new()) };
    coverage::add(connection, room, seq, seq)?;
    rooms::raise_last_seq(connection, room, seq)?;
    let seq = number(seq);
    match change {
        OwnChange::Edited(content) => connection.execute(
            "UPDATE message SET content = ?, edited_at = ?, changed_seq = ? WHERE local_id = ?",
            params![content.as_str(), now.as_millis(), seq, local_id],
        )?,
        OwnChange::Deleted => connection.execute(
            "UPDATE message SET content = '', deleted_at = ?, changed_seq = ? WHERE local_id = ?",
            params![now.as_millis(), seq, local_id],
        )?,
        OwnChange::Reacted { emoji, on } => {
            let mut reactions = reactions(&before);
            set_own(&mut reactions, me, emoji, *on);
            connection.execute(
                "UPDATE message SET reactions = ?, changed_seq = ? WHERE local_id = ?",
                params![messages::written(&reactions), seq, local_id],
            )?
        }
    };
    messages::reworded(connection, local_id)?;
    let mut rows = messages::answers_to(connection, room, message)?;
    rows.push(local_id);
    Ok(rows)
}

fn set_own(reactions: &mut Vec<Reaction>, me: &UserId, emoji: &str, on: bool) {
    for reaction in reactions.iter_mut().filter(|reaction| reaction.emoji == emoji) {
        reaction.user_ids.retain(|user| user != me);
        if on {
            reaction.user_ids.push(me.clone());
        }
    }
    reactions.retain(|reaction| !reaction.user_ids.is_empty());
    if on && !reactions.iter().any(|reaction| reaction.emoji == emoji) {
        reactions.push(Reaction { emoji: emoji.to_owned(), user_ids: vec![me.clone()] });
    }
}
