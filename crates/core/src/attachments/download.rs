//! Brings files from the server to this computer.
//!
//! Invariants: a copy counts as here only once its length and digest are those the message told of; what came before a cut is
//! kept, and the rest is asked for; one download of a file at a time, whoever asks for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use futures_util::StreamExt;
use hugmedo_chat_protocol::{AttachmentId, RoomId};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout};

use crate::{
    account::Account,
    error::{Error, ErrorCode},
    store::{
        attachments::{self, StoredFile},
        pieces, uploads,
    },
    transport::Body,
    view::PictureSize,
};

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);
/// A download without progress is cut off after this long.
const STALLED: Duration = Duration::from_secs(30);
/// Cuts in a row, without a byte between them, after which the person is told.
const MOST_CUTS: u32 = 3;
/// Larger than any small copy of a picture.
const MAX_THUMBNAIL_BYTES: usize = 2 * 1024 * 1024;
/// Pictures that are shown.
const PICTURES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// Whose turn it is to download which file.
#[derive(Default)]
pub(crate) struct Turns(Mutex<HashMap<AttachmentId, Weak<tokio::sync::Mutex<()>>>>);

impl Turns {
    fn of(&self, id: &AttachmentId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(id).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::new(tokio::sync::Mutex::new(()));
        turns.insert(id.clone(), Arc::downgrade(&turn));
        turn
    }
}

/// A file of a room.
pub(super) async fn known(account: &Account, room: &RoomId, id: &str) -> Result<StoredFile, Error> {
    let (room, id, now) = (room.clone(), id.to_owned(), account.surroundings.now());
    let asked = id.clone();
    let here = account.store.read(move |connection| attachments::by_id(connection, &asked)).await?;
    if let Some(file) = here.filter(|file| file.room == room) {
        return Ok(file);
    }
    let found = account.store.write(move |transaction| attachments::in_room(transaction, &room, &id, now)).await;
    account.note_storage(&found);
    found?.ok_or_else(|| Error::new(ErrorCode::NotFound, "no such file in the room"))
}

/// A file of a room, all of it here.
pub(super) async fn fetch(account: &Account, room: &RoomId, id: &str) -> Result<StoredFile, Error> {
    let file = known(account, room, id).await?;
    let (row, now) = (file.file_id, account.surroundings.now());
    if file.whole {
        account.store.write(move |transaction| pieces::note_used(transaction, row, now)).await?;
        return Ok(file);
    }
    let Some(server_id) = file.server_id.clone() else {
        return Err(Error::new(ErrorCode::NotFound, "the file has not been handed over"));
    };
    let turn = account.downloads.of(&server_id);
    let _turn = turn.lock().await;
    // Someone else may have brought it meanwhile.
    let file = known(account, room, id).await?;
    if file.whole {
        return Ok(file);
    }
    let (row, size) = (file.file_id, file.size);
    if i64::from(size) > pieces::CACHE_BYTES {
        return Err(Error::new(ErrorCode::FileTooLarge, "larger than what is kept here"));
    }
    account
        .store
        .write(move |transaction| {
            pieces::make_room(transaction, row, size, pieces::CACHE_BYTES)?;
            pieces::note_used(transaction, row, now)?;
            uploads::note_moved(transaction, row, Some(0))
        })
        .await?;
    account.untidy.notify_one();
    account.publish_attachment(&file.id).await?;
    let name = file.id.clone();
    let fetched = fetch_rest(account, file, &server_id).await;
    account.note_storage(&fetched);
    let ended = account.store.write(move |transaction| uploads::note_moved(transaction, row, None)).await;
    account.publish_attachment(&name).await?;
    ended?;
    fetched?;
    known(account, room, id).await
}

async fn fetch_rest(account: &Account, mut file: StoredFile, id: &AttachmentId) -> Result<StoredFile, Error> {
    let (mut cuts, mut told_at) = (0, Instant::now());
    while file.held < file.size {
        let before = file.held;
        let cut = match take(account, &mut file, id, &mut told_at).await {
            Ok(()) => Error::new(ErrorCode::Unreachable, "the file ended too early"),
            Err(error) => error,
        };
        if file.held == file.size {
            break;
        }
        cuts = if file.held > before { 0 } else { cuts + 1 };
        if cuts >= MOST_CUTS || !matches!(cut.code(), ErrorCode::Unreachable | ErrorCode::Timeout) {
            return Err(cut);
        }
    }
    let row = file.file_id;
    if Some(digest(account, &file).await?) == file.sha256 {
        account.store.write(move |transaction| pieces::accept(transaction, row)).await?;
        return Ok(file);
    }
    tracing::warn!("a file is not what the message told of; it is dropped");
    account.store.write(move |transaction| pieces::let_go(transaction, row)).await?;
    account.untidy.notify_one();
    Err(Error::new(ErrorCode::Refused, "the file is not what the message told of"))
}

/// Takes in what one call brings, as far as it goes.
async fn take(account: &Account, file: &mut StoredFile, id: &AttachmentId, told_at: &mut Instant) -> Result<(), Error> {
    let start = file.held;
    let Body { start: begins, mut bytes } = account
        .authorised(|token| {
            let (api, id) = (account.api.clone(), id.clone());
            async move { api.download(&token, &id, start).await }
        })
        .await?;
    // A server that knows no ranges begins at the first byte: what is here already is passed over.
    let mut known = usize::try_from(u64::from(start).saturating_sub(begins)).unwrap_or(usize::MAX);
    let mut gathered = Vec::new();
    loop {
        let next = timeout(STALLED, bytes.next()).await;
        let (more, end) = match next {
            Ok(Some(Ok(more))) => (more, None),
            Ok(Some(Err(failure))) => (Vec::new(), Some(Err(failure.into()))),
            Ok(None) => (Vec::new(), Some(Ok(()))),
            Err(_) => (Vec::new(), Some(Err(Error::new(ErrorCode::Timeout, "the download stalled")))),
        };
        let passed_over = known.min(more.len());
        known -= passed_over;
        gathered.extend(more.into_iter().skip(passed_over));
        let is_late = told_at.elapsed() >= PROGRESS_EVERY;
        if !gathered.is_empty() && (gathered.len() >= pieces::PIECE_BYTES || is_late || end.is_some()) {
            let (taking, piece) = (file.clone(), Arc::new(std::mem::take(&mut gathered)));
            *file = account.store.write(move |transaction| pieces::append(transaction, &taking, &piece)).await?;
            if is_late {
                *told_at = Instant::now();
                account.publish_attachment(&file.id).await?;
            }
        }
        if let Some(end) = end {
            return end;
        }
    }
}

/// The digest of what is held of a file, in hexadecimal.
async fn digest(account: &Account, file: &StoredFile) -> Result<String, Error> {
    let (mut digest, mut start, row) = (Sha256::new(), 0_u32, file.file_id);
    while let Some(piece) = account.store.read(move |connection| pieces::piece(connection, row, start)).await? {
        start = start.saturating_add(u32::try_from(piece.len()).unwrap_or(u32::MAX));
        digest.update(&piece);
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

pub(super) async fn picture(account: &Account, room: &RoomId, id: &str, size: PictureSize) -> Result<Vec<u8>, Error> {
    let file = known(account, room, id).await?;
    if !PICTURES.contains(&file.media_type.as_str()) {
        return Err(Error::new(ErrorCode::Refused, "this is no picture"));
    }
    let row = file.file_id;
    match (size, &file.server_id) {
        (PictureSize::Thumbnail, Some(server_id)) => {
            match account.store.read(move |connection| pieces::thumbnail(connection, row)).await? {
                Some(kept) => Ok(kept),
                None => thumbnail(account, row, server_id).await,
            }
        }
        // Of an own picture that the server does not have there is no small copy.
        (PictureSize::Thumbnail, None) => bytes(account, &file).await,
        (PictureSize::Full, _) => {
            let file = fetch(account, room, id).await?;
            bytes(account, &file).await
        }
    }
}

async fn thumbnail(account: &Account, row: i64, id: &AttachmentId) -> Result<Vec<u8>, Error> {
    let mut body = account
        .authorised(|token| {
            let (api, id) = (account.api.clone(), id.clone());
            async move { api.thumbnail(&token, &id).await }
        })
        .await?;
    let mut picture = Vec::new();
    loop {
        let next = timeout(STALLED, body.bytes.next()).await;
        match next.map_err(|_| Error::new(ErrorCode::Timeout, "the download stalled"))? {
            Some(more) => picture.extend(more?),
            None => break,
        }
        if picture.len() > MAX_THUMBNAIL_BYTES {
            return Err(Error::new(ErrorCode::Refused, "no small copy of a picture"));
        }
    }
    let kept = Arc::new(picture.clone());
    let written = account.store.write(move |transaction| pieces::keep_thumbnail(transaction, row, &kept)).await;
    account.note_storage(&written);
    written?;
    Ok(picture)
}

/// All bytes of a whole file.
async fn bytes(account: &Account, file: &StoredFile) -> Result<Vec<u8>, Error> {
    if !file.whole {
        return Err(Error::new(ErrorCode::NotFound, "the file has not been handed over"));
    }
    let row = file.file_id;
    let mut bytes = Vec::new();
    while let Some(piece) = {
        let start = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        account.store.read(move |connection| pieces::piece(connection, row, start)).await?
    } {
        bytes.extend(piece);
    }
    Ok(bytes)
}
