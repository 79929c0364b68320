//! What a payload may hold. Sizes are the wire contract's, so that clients can refuse the same things before sending.

use std::collections::BTreeSet;

use hugmedo_chat_protocol::{
    ErrorCode, NewRoomRequest, RoomId, SendMessage, Sensitive, UserId,
    limits::{
        MAX_CONTENT_CHARS, MAX_ID_BYTES, MAX_LIST_ITEMS, MAX_METADATA_BYTES, MAX_NEW_ROOM_MEMBERS, MAX_ROOM_NAME_CHARS,
    },
};

use crate::{failure::Failure, naming::misleads};

fn too_large(message: &'static str) -> Failure {
    Failure::refused(ErrorCode::TooLarge, message)
}

pub(super) fn id(id: &str) -> Result<(), Failure> {
    if id.is_empty() {
        return Err(Failure::bad_request("an id is empty"));
    }
    if id.len() > MAX_ID_BYTES {
        return Err(too_large("an id is too long"));
    }
    Ok(())
}

/// A room's name that is too long to exist needs no look into the store.
pub(super) fn room(room: &RoomId) -> Result<(), Failure> {
    if room.as_str().len() > MAX_ID_BYTES { Err(Failure::forbidden()) } else { Ok(()) }
}

pub(super) fn text(content: &Sensitive) -> Result<(), Failure> {
    let text = content.as_str();
    if text.trim().is_empty() {
        return Err(Failure::bad_request("the message is empty"));
    }
    length(text)
}

fn length(text: &str) -> Result<(), Failure> {
    // Bytes first: no need to count characters of what cannot fit.
    if text.len() > MAX_CONTENT_CHARS * 4 || text.chars().count() > MAX_CONTENT_CHARS {
        return Err(too_large("the message is too long"));
    }
    Ok(())
}

pub(super) fn message(wish: &SendMessage) -> Result<(), Failure> {
    if wish.attachments.is_empty() {
        text(&wish.content)?;
    } else {
        length(wish.content.as_str())?;
    }
    if wish.attachments.len() > MAX_LIST_ITEMS || wish.mentions.len() > MAX_LIST_ITEMS {
        return Err(too_large("too many attachments or mentions"));
    }
    if !wish.metadata.0.is_object() || wish.attachments.iter().any(|attachment| !attachment.0.is_object()) {
        return Err(Failure::bad_request("metadata and attachments are objects"));
    }
    let metadata = wish.metadata.0.to_string();
    if metadata.len() > MAX_METADATA_BYTES {
        return Err(too_large("the metadata is too large"));
    }
    for mention in &wish.mentions {
        id(mention.as_str())?;
    }
    if let Some(client_id) = &wish.client_message_id {
        id(client_id.as_str())?;
    }
    if let Some(reply_to) = &wish.reply_to {
        id(reply_to.as_str())?;
    }
    Ok(())
}

/// One emoji, in the spelling all are kept in: the same one typed with and without its variation selector is one reaction.
pub(super) fn emoji(text: &str) -> Result<&'static str, Failure> {
    emojis::get(text).map(|emoji| emoji.as_str()).ok_or_else(|| Failure::bad_request("a reaction is one emoji"))
}

/// The name of a new group, or none for a conversation of two.
pub(super) fn new_room(wish: &NewRoomRequest, asking: &UserId) -> Result<Option<String>, Failure> {
    let others: BTreeSet<&UserId> = wish.member_ids.iter().filter(|id| *id != asking).collect();
    if others.is_empty() {
        return Err(Failure::bad_request("a conversation needs another person"));
    }
    if others.len() >= MAX_NEW_ROOM_MEMBERS {
        return Err(too_large("too many members"));
    }
    let Some(name) = &wish.name else {
        return if others.len() == 1 { Ok(None) } else { Err(Failure::bad_request("a group needs a name")) };
    };
    let name = name.as_str().trim();
    if name.is_empty() || name.chars().any(misleads) {
        return Err(Failure::bad_request("the name is empty or holds characters that do not show"));
    }
    if name.chars().count() > MAX_ROOM_NAME_CHARS {
        return Err(too_large("the name is too long"));
    }
    Ok(Some(name.to_owned()))
}
