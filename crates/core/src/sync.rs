//! Fetching what the socket did not bring. The socket is a hint; this is what makes the promise.
//!
//! Invariants: the cursor moves in the transaction of the page it belongs to; a page may arrive twice; a cursor that is too
//! old leads to a fresh snapshot that keeps drafts and unsent messages.

use std::sync::Arc;

use hugmedo_chat_protocol::{ErrorCode as WireCode, MessagesPage, Room, RoomId, Seq, UserId, limits::MAX_PAGE};
use rusqlite::Transaction;

use crate::{
    account::Account,
    api::Part,
    error::{Error, ErrorCode},
    intake,
    store::{coverage, messages, meta, rooms},
    transport::HttpFailure,
    view::{SyncProgress, ViewChange},
};

/// Messages fetched for each room of a snapshot.
const SNAPSHOT_PAGE: usize = 50;
/// Pages fetched beyond that so that what is unread is counted before the app is called up to date; with more, the count
/// grows as the history comes in.
const UNREAD_PAGES: usize = 5;

/// Fetches everything that changed since the last time. Returns the rooms that are new here.
pub(crate) async fn catch_up(account: &Arc<Account>) -> Result<Vec<RoomId>, Error> {
    let mut added = Vec::new();
    let mut fetched = 0;
    if account.store.read(meta::doubts_rooms).await? {
        added.extend(check_rooms(account).await?);
    }
    loop {
        let cursor = account.store.read(meta::cursor).await?;
        let Some(cursor) = cursor else {
            added.extend(snapshot(account).await?);
            continue;
        };
        let page = account.authorised(|token| {
            let (api, cursor) = (account.api.clone(), cursor.clone());
            async move { api.sync(&token, Some(&cursor)).await }
        });
        let page = match page.await {
            Ok(page) => page,
            Err(HttpFailure::Refused(error)) if error.code == WireCode::CursorExpired => {
                tracing::info!("the sync cursor is too old; starting from a snapshot");
                added.extend(snapshot(account).await?);
                continue;
            }
            Err(failure) => return Err(failure.into()),
        };
        account.note_confirmed();
        let stuck = page.has_more && page.cursor == cursor;
        fetched += page.changes.len();
        if page.has_more {
            let fetched = u32::try_from(fetched).unwrap_or(u32::MAX);
            account.set_progress(Some(SyncProgress { fetched, total: None }));
        }
        let taken = intake::take_in(account, page.changes, Some(page.cursor)).await?;
        added.extend(taken.added);
        if !page.has_more {
            return Ok(added);
        }
        if stuck {
            return Err(Error::new(ErrorCode::ServerUnavailable, "sync does not move on"));
        }
    }
}

/// Brings back the rooms that the person is in after all, see [`meta::doubt_rooms`]. Returns them. Those they are not in any
/// more are told by the pages of sync, in their order.
async fn check_rooms(account: &Arc<Account>) -> Result<Vec<RoomId>, Error> {
    let listed = account
        .authorised(|token| {
            let api = account.api.clone();
            async move { api.rooms(&token).await }
        })
        .await?;
    account
        .to_the_end(async move |account| {
            let back = account
                .store
                .write(move |transaction| {
                    let known = rooms::ids(transaction)?;
                    let missing = listed.rooms.iter().filter(|room| !known.contains(&room.id));
                    let back = missing.map(|room| rooms::take_in(transaction, room).map(|()| room.id.clone()));
                    let back = back.collect::<Result<Vec<_>, _>>()?;
                    meta::trust_rooms(transaction)?;
                    Ok(back)
                })
                .await?;
            for room in &back {
                account.publish_room(room).await?;
            }
            Ok(back)
        })
        .await
}

/// Starts from what is true now: the rooms, and the newest messages of each.
async fn snapshot(account: &Arc<Account>) -> Result<Vec<RoomId>, Error> {
    // The cursor first: whatever happens while the rest is fetched comes again by sync, and changes nothing twice. A
    // snapshot that was cut off goes on from the cursor it began with, and keeps the pages it has.
    let begun = account.store.read(meta::snapshot_cursor).await?;
    let is_new = begun.is_none();
    let start = match begun {
        Some(cursor) => cursor,
        None => {
            let page = account.authorised(|token| {
                let api = account.api.clone();
                async move { api.sync(&token, None).await }
            });
            page.await?.cursor
        }
    };
    let listed = account
        .authorised(|token| {
            let api = account.api.clone();
            async move { api.rooms(&token).await }
        })
        .await?;
    let (listed_rooms, began_at) = (listed.rooms.clone(), start.clone());
    let (added, gone) = account
        .store
        .write(move |transaction| {
            if is_new {
                meta::forget_history(transaction)?;
                meta::set_snapshot_cursor(transaction, &began_at)?;
            }
            let before = rooms::ids(transaction)?;
            for room in &listed_rooms {
                rooms::take_in(transaction, room)?;
            }
            let is_listed = |id: &RoomId| listed_rooms.iter().any(|room| room.id == *id);
            let gone: Vec<RoomId> = before.iter().filter(|id| !is_listed(id)).cloned().collect();
            for room in &gone {
                rooms::remove(transaction, room)?;
            }
            let added =
                listed_rooms.into_iter().map(|room| room.id).filter(|id| !before.contains(id)).collect::<Vec<_>>();
            Ok((added, gone))
        })
        .await?;
    for room_id in gone {
        account.withdraw_room(&room_id);
        account.hub.publish(ViewChange::RoomRemoved { room_id });
    }
    for room in &listed.rooms {
        if has_what_counts(account, room).await? {
            // It may have been fetched by a snapshot that was cut off before it could tell.
            account.publish_room(&room.id).await?;
        } else {
            fetch_what_counts(account, room).await?;
        }
        account.hub.publish(ViewChange::TimelineReset { room_id: room.id.clone() });
        report_progress(account).await?;
    }
    account.store.write(move |transaction| meta::end_snapshot(transaction, &start)).await?;
    Ok(added)
}

/// Fetches a room's newest messages and what is unread before them.
async fn fetch_what_counts(account: &Arc<Account>, room: &Room) -> Result<(), Error> {
    let mut earliest = fetch_history(account, &room.id, Part::Newest, SNAPSHOT_PAGE).await?;
    for _ in 0..UNREAD_PAGES {
        match earliest {
            Some(seq) if seq > room.read_seq.next() => {
                earliest = fetch_history(account, &room.id, Part::Before(seq), MAX_PAGE).await?;
            }
            _ => break,
        }
    }
    Ok(())
}

/// Whether the newest messages of a room and all that is unread are here already.
async fn has_what_counts(account: &Account, room: &Room) -> Result<bool, Error> {
    let id = room.id.clone();
    let newest = account.store.read(move |connection| coverage::newest(connection, &id)).await?;
    Ok(newest.is_some_and(|(first, last)| last >= room.last_seq && first <= room.read_seq.next()))
}

/// Tells how much of all history is here.
pub(crate) async fn report_progress(account: &Account) -> Result<(), Error> {
    let (stored, all) = account.store.read(coverage::share).await?;
    let count = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    account.set_progress(Some(SyncProgress { fetched: count(stored), total: Some(count(all)) }));
    Ok(())
}

/// Fetches one page of a room's history into the store, and tells what the room is now, and which of the rows that were here have
/// changed. Returns its far end, where the next page goes on; `None` if nothing lies beyond.
pub(crate) async fn fetch_history(
    account: &Arc<Account>,
    room: &RoomId,
    part: Part,
    limit: usize,
) -> Result<Option<Seq>, Error> {
    // Read before asking: the answer holds every message up to this position at least.
    let known_room = room.clone();
    let known_last = account.store.read(move |connection| rooms::last_seq(connection, &known_room)).await?;
    let page = account
        .authorised(|token| {
            let (api, room) = (account.api.clone(), room.clone());
            async move { api.messages(&token, &room, part, limit).await }
        })
        .await?;
    account.note_confirmed();
    let room = room.clone();
    account
        .to_the_end(async move |account| {
            let (me, of) = (account.me.id.clone(), room.clone());
            let written = account
                .store
                .write(move |transaction| take_in_page(transaction, &me, &of, (part, known_last), &page))
                .await;
            account.note_storage(&written);
            let Page { far, changed } = written?;
            // What is stored here now is owed to the server as a receipt.
            account.outgoing.notify_one();
            if !changed.is_empty() {
                // The change itself, when sync brings it, will be nothing new.
                account.publish_rows(changed).await?;
            }
            // Some of it may be unread.
            account.publish_room(&room).await?;
            Ok(far)
        })
        .await
}

/// A page of history that was taken in.
struct Page {
    /// Its far end, see [`fetch_history`].
    far: Option<Seq>,
    /// Rows that were here and are others now, and those that quote them.
    changed: Vec<i64>,
}

/// Takes in a page that was asked for when the room's last position was known to be `known_last`.
fn take_in_page(
    transaction: &Transaction<'_>,
    me: &UserId,
    room: &RoomId,
    (part, known_last): (Part, Seq),
    page: &MessagesPage,
) -> Result<Page, Error> {
    let first = page.messages.first().and_then(|message| message.seq);
    let last = page.messages.last().and_then(|message| message.seq);
    let newest = known_last.max(last.unwrap_or_default());
    let mut changed = Vec::new();
    for message in &page.messages {
        let taken = messages::take_in_as_of(transaction, me, message, newest)?;
        if taken.changed {
            changed.push(taken.local_id);
            changed.extend(messages::answers_to(transaction, room, &message.id)?);
        }
    }
    let far = if matches!(part, Part::After(_)) { last } else { first }.filter(|_| page.has_more);
    let beginning = far.unwrap_or(Seq::new(1));
    let (from, to) = match part {
        Part::Newest => (beginning, newest),
        Part::Before(before) => (beginning, Seq::new(before.get().saturating_sub(1))),
        Part::After(after) => (after.next(), far.unwrap_or(newest)),
    };
    coverage::add(transaction, room, from, to)?;
    Ok(Page { far, changed })
}
