//! How far messages have come with each member: delivered, read, taken on.
//!
//! Invariant: a position only rises and never passes the room's log.

use hugmedo_chat_protocol::{Acknowledged, Message, Receipt, ReceiptKind, Seq, Timestamp};

use super::{
    StoreError, changes, columns, now,
    sql::{OptionalExtension, Transaction},
};
use crate::authorize::Member;

/// A position as it now stands, and the receipt to tell others if it rose.
pub(crate) type Raised = (Seq, Option<Receipt>);

pub(crate) fn read(tx: &Transaction<'_>, member: &Member, up_to: Seq) -> Result<Raised, StoreError> {
    let up_to = up_to.min(member.last_seq());
    if up_to <= member.read_seq() {
        return Ok((member.read_seq(), None));
    }
    // What was read has been delivered.
    tx.prepare_cached(
        "UPDATE member
         SET read_seq = ?3, delivered_seq = CASE WHEN delivered_seq < ?3 THEN ?3 ELSE delivered_seq END
         WHERE room_id = ?1 AND user_id = ?2",
    )?
    .execute((member.room().as_str(), member.user().as_str(), columns::number(up_to)))?;
    Ok((up_to, Some(cumulative(tx, member, ReceiptKind::Read, up_to)?)))
}

pub(crate) fn delivered(tx: &Transaction<'_>, member: &Member, up_to: Seq) -> Result<Raised, StoreError> {
    let up_to = up_to.min(member.last_seq());
    if up_to <= member.delivered_seq() {
        return Ok((member.delivered_seq(), None));
    }
    tx.prepare_cached("UPDATE member SET delivered_seq = ?3 WHERE room_id = ?1 AND user_id = ?2")?.execute((
        member.room().as_str(),
        member.user().as_str(),
        columns::number(up_to),
    ))?;
    Ok((up_to, Some(cumulative(tx, member, ReceiptKind::Delivered, up_to)?)))
}

fn cumulative(tx: &Transaction<'_>, member: &Member, kind: ReceiptKind, up_to: Seq) -> Result<Receipt, StoreError> {
    let receipt = Receipt {
        room_id: member.room().clone(),
        user_id: member.user().clone(),
        kind,
        up_to_seq: Some(up_to),
        message_id: None,
        at: Timestamp::from_millis(now()),
    };
    changes::record_receipt(tx, &receipt)?;
    Ok(receipt)
}

/// Takes a message on. The first time counts.
pub(crate) fn acknowledge(
    tx: &Transaction<'_>,
    member: &Member,
    message: &Message,
) -> Result<(Acknowledged, Option<Receipt>), StoreError> {
    let key = (message.id.as_str(), member.user().as_str());
    let before = tx
        .query_row("SELECT at FROM acknowledgement WHERE message_id = ?1 AND user_id = ?2", key, |row| row.get(0))
        .optional()?;
    if let Some(before) = before {
        let at = Timestamp::from_millis(before);
        return Ok((Acknowledged { message_id: message.id.clone(), at }, None));
    }
    let at = now();
    tx.execute("INSERT INTO acknowledgement (message_id, user_id, at) VALUES (?1, ?2, ?3)", (key.0, key.1, at))?;
    let at = Timestamp::from_millis(at);
    let receipt = Receipt {
        room_id: member.room().clone(),
        user_id: member.user().clone(),
        kind: ReceiptKind::Acknowledged,
        up_to_seq: None,
        message_id: Some(message.id.clone()),
        at,
    };
    changes::record_receipt(tx, &receipt)?;
    Ok((Acknowledged { message_id: message.id.clone(), at }, Some(receipt)))
}
