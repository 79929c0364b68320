//! What a locked app has missed where the server does not know any more from where on: asked for anew, as changes.
//!
//! Invariant: what comes of it is what the pages that were missed would have come to; where more is unread than is fetched here, the
//! newest counts.

use std::collections::BTreeMap;

use hugmedo_chat_protocol::{
    Message, Receipt, ReceiptKind, Room, RoomChanged, RoomId, RoomRemoved, Secret, Seq, ServerEvent, SyncPage,
    Timestamp, UserId, limits::MAX_PAGE,
};

use crate::{
    api::{Api, Part},
    authorised::patiently,
    transport::HttpFailure,
};

/// The most pages that are fetched of a room.
const MOST_PAGES: usize = 6;

/// See the module.
pub(super) struct Gap {
    pub(super) page: SyncPage,
    /// From which message of each room on there is nothing but what the page tells.
    pub(super) whole_from: BTreeMap<RoomId, Seq>,
}

/// `known` are the rooms that were known before.
pub(super) async fn fetch(
    api: &Api,
    token: &Secret,
    me: &UserId,
    known: impl Iterator<Item = &RoomId>,
) -> Result<Gap, HttpFailure> {
    // The cursor first: what happens meanwhile comes again after it, and changes nothing twice.
    let start = patiently(|| api.sync(token, None)).await?;
    let listed = patiently(|| api.rooms(token)).await?.rooms;
    let is_left = |id: &&RoomId| !listed.iter().any(|room| room.id == **id);
    let mut changes: Vec<_> = known
        .filter(is_left)
        .map(|room_id| ServerEvent::RoomRemoved(RoomRemoved { room_id: room_id.clone() }))
        .collect();
    let mut whole_from = BTreeMap::new();
    for room in listed {
        let (messages, from) = unread(api, token, &room).await?;
        whole_from.insert(room.id.clone(), from);
        changes.push(ServerEvent::Receipt(Receipt {
            room_id: room.id.clone(),
            user_id: me.clone(),
            kind: ReceiptKind::Read,
            up_to_seq: Some(room.read_seq),
            message_id: None,
            at: Timestamp::now(),
        }));
        changes.push(ServerEvent::RoomChanged(RoomChanged { room }));
        for message in messages {
            let taken_on = message.acknowledged_by.first().map(|taken_on| Receipt {
                room_id: message.room_id.clone(),
                user_id: taken_on.user_id.clone(),
                kind: ReceiptKind::Acknowledged,
                up_to_seq: None,
                message_id: Some(message.id.clone()),
                at: taken_on.at,
            });
            changes.push(ServerEvent::NewMessage(message));
            changes.extend(taken_on.map(ServerEvent::Receipt));
        }
    }
    Ok(Gap { page: SyncPage { changes, ..start }, whole_from })
}

/// What stands in a room after what was read, in its order, and from where on that is all.
async fn unread(api: &Api, token: &Secret, room: &Room) -> Result<(Vec<Message>, Seq), HttpFailure> {
    let after = room.read_seq.next();
    if room.last_seq <= room.read_seq {
        return Ok((Vec::new(), after));
    }
    let (mut messages, mut part, mut from) = (Vec::new(), Part::Newest, after);
    for _ in 0..MOST_PAGES {
        let page = patiently(|| api.messages(token, &room.id, part, MAX_PAGE)).await?;
        let first = page.messages.first().and_then(|message| message.seq);
        messages.splice(0..0, page.messages);
        match first.filter(|_| page.has_more) {
            Some(first) if first > after => (part, from) = (Part::Before(first), first),
            _ => return Ok((messages, after)),
        }
    }
    Ok((messages, from))
}
