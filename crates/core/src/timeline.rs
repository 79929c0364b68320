//! Reading a room: from the store where it is stored, from the server where it is not.
//!
//! Invariant: a page is whole. Where rows are missing and cannot be had, the page ends there and says so.

use std::{sync::Arc, time::Duration};

use hugmedo_chat_protocol::{RoomId, Seq, limits::MAX_PAGE};
use tokio::time::timeout;

use crate::{
    account::Account,
    api::Part,
    error::{Error, ErrorCode},
    store::{
        attachments::{self, StoredFile},
        drafts, edits, rooms, rows, stretches,
    },
    sync,
    view::{OpenedRoom, TimelinePage},
};

/// Rows of one page.
const PAGE: u32 = 50;
/// Rows shown above the first unread one, for context.
const CONTEXT: u32 = 20;
/// How often one page is fetched before the screen is told that it cannot be had.
const FETCHES: u32 = 3;
/// The longest opening a room waits for the server before it shows what is here.
const PATIENCE: Duration = Duration::from_secs(4);

/// Opens a room at its newest rows, with everything unread if that is not more than a server's page.
pub(crate) async fn open(account: &Arc<Account>, room: &RoomId) -> Result<OpenedRoom, Error> {
    let asked = room.clone();
    let behind = account.store.read(move |connection| rooms::is_behind(connection, &asked)).await?;
    let incomplete = if behind && !account.is_baseline() {
        fetch(account, room, Part::Newest).await.err().map(|error| error.code())
    } else {
        None
    };
    let (me, asked) = (account.me.id.clone(), room.clone());
    let (view, stretch, draft, draft_quote, edit, waiting) = account
        .store
        .read(move |connection| {
            let view =
                rooms::view(connection, &me, &asked)?.ok_or_else(|| Error::new(ErrorCode::NotFound, "no such room"))?;
            let limit = PAGE.max(view.unread.saturating_add(CONTEXT)).min(MAX_PAGE as u32);
            let stretch = stretches::newest(connection, &me, &asked, limit)?;
            let draft = drafts::draft(connection, &asked)?;
            let quote = draft.reply_to.clone().map(|origin| rows::quote(connection, &asked, origin)).transpose()?;
            let edit = edits::begun(connection, &me, &asked)?;
            let waiting = attachments::composing(connection, &asked)?;
            Ok((view, stretch, draft, quote, edit, waiting))
        })
        .await?;
    let page = TimelinePage { incomplete, ..page(room, stretch) };
    let attachments = waiting.iter().map(StoredFile::view).collect();
    let typing = account.typing().people(room);
    Ok(OpenedRoom { room: view, page, draft, draft_quote, edit, attachments, typing })
}

/// The rows before a position.
pub(crate) async fn earlier(account: &Arc<Account>, room: &RoomId, before: Seq) -> Result<TimelinePage, Error> {
    beside(account, room, Part::Before(before), PAGE).await
}

/// The rows after a position.
pub(crate) async fn later(account: &Arc<Account>, room: &RoomId, after: Seq) -> Result<TimelinePage, Error> {
    beside(account, room, Part::After(after), PAGE).await
}

/// The rows on both sides of a position, its own included. Two pages that both reach it have no hole between them.
pub(crate) async fn around(account: &Arc<Account>, room: &RoomId, at: Seq) -> Result<TimelinePage, Error> {
    let asked = room.clone();
    let newest = account.store.read(move |connection| rooms::last_seq(connection, &asked)).await?;
    let at = at.min(newest);
    let above = beside(account, room, Part::Before(at.next()), PAGE / 2).await?;
    let below = beside(account, room, Part::After(at), PAGE / 2).await?;
    let mut messages = above.messages;
    messages.extend(below.messages);
    Ok(TimelinePage {
        room_id: room.clone(),
        messages,
        has_earlier: above.has_earlier,
        has_later: below.has_later,
        incomplete: above.incomplete.or(below.incomplete),
    })
}

async fn beside(account: &Arc<Account>, room: &RoomId, part: Part, limit: u32) -> Result<TimelinePage, Error> {
    let mut incomplete = ErrorCode::ServerUnavailable;
    // A store that was built anew between fetching and reading has lost what was fetched; so more than once.
    for _ in 0..FETCHES {
        if let Some(page) = stored(account, room, part, limit).await? {
            return Ok(page);
        }
        if let Err(error) = fetch(account, room, part).await {
            incomplete = error.code();
            break;
        }
    }
    Ok(stored(account, room, part, limit).await?.unwrap_or_else(|| TimelinePage {
        room_id: room.clone(),
        messages: Vec::new(),
        has_earlier: true,
        has_later: true,
        incomplete: Some(incomplete),
    }))
}

/// The rows beside a position, if they are here.
async fn stored(account: &Account, room: &RoomId, part: Part, limit: u32) -> Result<Option<TimelinePage>, Error> {
    let (me, asked) = (account.me.id.clone(), room.clone());
    let read = account.store.read(move |connection| match part {
        Part::Newest => stretches::newest(connection, &me, &asked, limit).map(Some),
        Part::Before(before) => stretches::before(connection, &me, &asked, before, limit),
        Part::After(after) => stretches::after(connection, &me, &asked, after, limit),
    });
    Ok(read.await?.map(|stretch| page(room, stretch)))
}

fn page(room: &RoomId, stretch: stretches::Stretch) -> TimelinePage {
    let stretches::Stretch { messages, has_earlier, has_later } = stretch;
    TimelinePage { room_id: room.clone(), messages, has_earlier, has_later, incomplete: None }
}

/// Fetches a page into the store, as long as a person who looks at the screen waits for it.
async fn fetch(account: &Arc<Account>, room: &RoomId, part: Part) -> Result<(), Error> {
    if account.link().is_none() {
        return Err(Error::new(ErrorCode::Unreachable, "offline"));
    }
    match timeout(PATIENCE, sync::fetch_history(account, room, part, PAGE as usize * 2)).await {
        Ok(fetched) => fetched.map(|_| ()),
        Err(_) => Err(Error::new(ErrorCode::Timeout, "history took too long")),
    }
}
