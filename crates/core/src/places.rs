//! Where in a room a message or a time stands, to jump there.
//!
//! Invariant: an answer is right for the whole room, not only for what is on this computer. Where that cannot be known, because
//! the server is away, there is an error, never a guess.

use std::{sync::Arc, time::Duration};

use hugmedo_chat_protocol::{Message, MessageId, RoomId, Seq, Timestamp};
use tokio::time::timeout;

use crate::{
    account::Account,
    api::Part,
    error::{Error, ErrorCode},
    store::{coverage, rooms, stretches},
    sync,
    view::Place,
};

/// Messages asked for at once while looking for one that is not here.
const PAGE: usize = hugmedo_chat_protocol::limits::MAX_PAGE;
/// The longest a person waits for a jump.
const PATIENCE: Duration = Duration::from_secs(10);

/// The position of a place; `None` if the room has no such place.
pub(crate) async fn locate(account: &Arc<Account>, room: &RoomId, place: Place) -> Result<Option<Seq>, Error> {
    let looking = async {
        match place {
            Place::Message { message_id } => message(account, room, message_id).await,
            Place::Time { at } => time(account, room, at).await,
        }
    };
    timeout(PATIENCE, looking).await.unwrap_or_else(|_| Err(Error::new(ErrorCode::Timeout, "looking took too long")))
}

/// Servers are asked for messages by position only, so history is fetched back to the message. It stays, so that another try
/// goes on where this one ended.
async fn message(account: &Arc<Account>, room: &RoomId, id: MessageId) -> Result<Option<Seq>, Error> {
    loop {
        let (asked, looked_for) = (room.clone(), id.clone());
        let (known, newest) = account
            .store
            .read(move |connection| {
                Ok((stretches::position_of(connection, &asked, &looked_for)?, coverage::newest(connection, &asked)?))
            })
            .await?;
        let beginning = Seq::new(1);
        let part = match (known, newest) {
            (Some(seq), _) => return Ok(Some(seq)),
            (None, Some((first, _))) if first > beginning => Part::Before(first),
            (None, None) => Part::Newest,
            (None, Some(_)) => return Ok(None),
        };
        if account.is_baseline() {
            return Ok(None);
        }
        if account.link().is_none() {
            return Err(offline());
        }
        let far = sync::fetch_history(account, room, part, PAGE).await?;
        if far.is_none() {
            // Nothing lies beyond, so it is here now or nowhere.
            let (asked, id) = (room.clone(), id.clone());
            return account.store.read(move |connection| stretches::position_of(connection, &asked, &id)).await;
        }
    }
}

/// The first message at or after a time, by halving the stretch in which it must be.
async fn time(account: &Arc<Account>, room: &RoomId, at: Timestamp) -> Result<Option<Seq>, Error> {
    let asked = room.clone();
    let (last_before, first_from, range, newest) = account
        .store
        .read(move |connection| {
            let (last_before, first_from) = stretches::beside_time(connection, &asked, at)?;
            let newest = rooms::last_seq(connection, &asked)?;
            let range = coverage::around(connection, &asked, first_from.unwrap_or(newest))?;
            Ok((last_before, first_from, range, newest))
        })
        .await?;
    // Nothing lies between the two if they are in one stretch without holes.
    let is_beside = |(first, _): (Seq, Seq)| last_before.map_or(first <= Seq::new(1), |seq| seq >= first);
    if account.is_baseline() || newest == Seq::ZERO || range.is_some_and(is_beside) {
        return Ok(first_from);
    }
    if account.link().is_none() {
        return Err(offline());
    }
    let mut found = first_from;
    let (mut low, mut high) = (last_before.unwrap_or_default().get(), first_from.unwrap_or(newest.next()).get());
    while low + 1 < high {
        let middle = low + (high - low) / 2;
        match first_from_position(account, room, Seq::new(middle)).await? {
            Some((seq, created_at)) if seq.get() < high && created_at < at => low = seq.get(),
            Some((seq, _)) if seq.get() < high => (found, high) = (Some(seq), middle),
            // Only changes of messages stand between here and there.
            _ => high = middle,
        }
    }
    Ok(found)
}

/// The first message at or after a position, as the server has it.
async fn first_from_position(
    account: &Arc<Account>,
    room: &RoomId,
    from: Seq,
) -> Result<Option<(Seq, Timestamp)>, Error> {
    let before = Seq::new(from.get().saturating_sub(1));
    let page = account
        .authorised(|token| {
            let (api, room) = (account.api.clone(), room.clone());
            async move { api.messages(&token, &room, Part::After(before), 1).await }
        })
        .await?;
    let place = |message: &Message| Some((message.seq?, message.created_at));
    Ok(page.messages.first().and_then(place))
}

fn offline() -> Error {
    Error::new(ErrorCode::Unreachable, "offline")
}
