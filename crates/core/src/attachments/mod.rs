//! Files: choosing them, sending them, and having what others sent.
//!
//! Invariants: a file is in the encrypted store before anyone is told that it is here, and lies nowhere else until the person
//! saves it; it goes through memory in pieces; nothing here opens or runs one.

pub(crate) mod download;
mod export;
pub(crate) mod upload;

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hugmedo_chat_protocol::{RoomId, limits::MAX_ID_BYTES};
use rusqlite::Transaction;
use tokio::time::sleep;

use crate::{
    account::Account,
    core::Core,
    error::{Error, ErrorCode},
    store::{attachments, pieces},
    view::{AttachmentState, AttachmentView, NewAttachment, PictureSize, ViewChange},
};

/// The largest file that is taken. A server may take less, which it says when the file gets there.
const MAX_FILE_BYTES: u32 = 25 * 1024 * 1024;
/// Between two steps of tidying up, so that whoever else asks the store gets a turn.
const BREATH: Duration = Duration::from_millis(20);
/// After a failed one.
const PAUSE: Duration = Duration::from_secs(30);

impl Core {
    /// Announces a file for the composer of a room. The same id again is the same file.
    ///
    /// # Errors
    /// `Empty`, `FileTooLarge`, `NotFound` without such a room, `Refused` for too many files or an id that is another file's, or
    /// a store that fails.
    pub async fn add_attachment(&self, file: NewAttachment) -> Result<AttachmentView, Error> {
        let account = self.account()?;
        if account.is_baseline() {
            return Err(Error::new(ErrorCode::Refused, "a baseline server takes no files"));
        }
        if file.id.is_empty() || file.id.len() > MAX_ID_BYTES {
            return Err(Error::new(ErrorCode::Refused, "no id for a file"));
        }
        if file.size == 0 {
            return Err(Error::new(ErrorCode::Empty, "the file is empty"));
        }
        if file.size > MAX_FILE_BYTES {
            return Err(Error::new(ErrorCode::FileTooLarge, "larger than a file may be"));
        }
        let (room, now) = (file.room_id.clone(), account.surroundings.now());
        let added = account.store.write(move |transaction| attachments::add(transaction, &file, now)).await;
        account.note_storage(&added);
        let view = added?.view();
        account.publish_room(&room).await?;
        Ok(view)
    }

    /// Takes in a piece of an announced file: `bytes`, in base64, from `offset` on. What is here already changes nothing.
    ///
    /// # Errors
    /// `NotFound` if the file was removed, `Refused` for what is no next piece, or a store that fails.
    pub async fn add_attachment_bytes(&self, id: &str, offset: u32, bytes: &str) -> Result<AttachmentView, Error> {
        let account = self.account()?;
        let refused = || Error::new(ErrorCode::Refused, "no piece of a file");
        if bytes.len() > pieces::PIECE_BYTES.div_ceil(3) * 4 {
            return Err(refused());
        }
        let bytes = Arc::new(STANDARD.decode(bytes).map_err(|_| refused())?);
        let id = id.to_owned();
        let taken = account.store.write(move |transaction| pieces::hand_over(transaction, &id, offset, &bytes)).await;
        account.note_storage(&taken);
        Ok(taken?.view())
    }

    /// Takes a file out of its composer. One that is in none is left as it is.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn remove_attachment(&self, id: &str) -> Result<(), Error> {
        let account = self.account()?;
        let id = id.to_owned();
        let room = account.store.write(move |transaction| attachments::remove(transaction, &id)).await?;
        if let Some(room) = room {
            account.untidy.notify_one();
            account.publish_room(&room).await?;
        }
        Ok(())
    }

    /// What is known of a file of a room.
    ///
    /// # Errors
    /// `NotFound` if no message there carries it, or a store that fails.
    pub async fn attachment(&self, room: &RoomId, id: &str) -> Result<AttachmentView, Error> {
        Ok(download::known(&*self.account()?, room, id).await?.view())
    }

    /// Brings a file to this computer, resumed where an earlier call ended.
    ///
    /// # Errors
    /// `NotFound`, whatever the server refuses it for, `Refused` if it is not what the message told of, or a store that fails.
    pub async fn fetch_attachment(&self, room: &RoomId, id: &str) -> Result<AttachmentView, Error> {
        Ok(download::fetch(&*self.account()?, room, id).await?.view())
    }

    /// Puts a copy of a file, named `copy_id`, into the composer of another room; the file is brought here first where that
    /// is necessary. The same id again is the same copy.
    ///
    /// # Errors
    /// As [`Core::fetch_attachment`] and [`Core::add_attachment`].
    pub async fn copy_attachment(
        &self,
        room: &RoomId,
        id: &str,
        to: &RoomId,
        copy_id: &str,
    ) -> Result<AttachmentView, Error> {
        let account = self.account()?;
        let file = download::fetch(&account, room, id).await?;
        let (row, copy) = (file.file_id, copy_id.to_owned());
        let announced = NewAttachment { id: copy.clone(), room_id: to.clone(), name: file.name, size: file.size };
        let mut view = self.add_attachment(announced).await?;
        let mut offset = 0;
        while let Some(piece) =
            account.store.read(move |connection| pieces::piece(connection, row, offset)).await?.map(Arc::new)
        {
            let (copy, start) = (copy.clone(), offset);
            offset = offset.saturating_add(u32::try_from(piece.len()).unwrap_or(u32::MAX));
            let taken = move |transaction: &Transaction<'_>| pieces::hand_over(transaction, &copy, start, &piece);
            let taken = account.store.write(taken).await;
            account.note_storage(&taken);
            view = taken?.view();
        }
        // Copies of what others sent may be dropped at any time, also in the middle of this.
        if matches!(view.state, AttachmentState::Reading { .. }) {
            return Err(Error::new(ErrorCode::NotFound, "the file is not here any more"));
        }
        Ok(view)
    }

    /// The bytes of a picture, brought here first where necessary.
    ///
    /// # Errors
    /// As [`Core::fetch_attachment`]; `Refused` for what is no picture.
    pub async fn attachment_picture(&self, room: &RoomId, id: &str, size: PictureSize) -> Result<Vec<u8>, Error> {
        download::picture(&*self.account()?, room, id, size).await
    }
}

impl Account {
    /// Tells watchers where a file is.
    pub(crate) async fn publish_attachment(&self, id: &str) -> Result<(), Error> {
        let id = id.to_owned();
        let file = self.store.read(move |connection| attachments::by_id(connection, &id)).await?;
        if let Some(file) = file {
            let attachment = file.view();
            self.hub.publish(ViewChange::AttachmentChanged { room_id: file.room, attachment });
        }
        Ok(())
    }
}

/// Removes the bytes of files that are gone, a little at a time.
pub(crate) async fn keep_tidy(account: Arc<Account>) {
    let tidying = async {
        loop {
            match tidy(&account).await {
                Ok(()) => account.untidy.notified().await,
                // The store is closed.
                Err(error) if error.code() == ErrorCode::NotSignedIn => return,
                Err(error) => {
                    tracing::info!(%error, "tidying up pauses");
                    sleep(PAUSE).await;
                }
            }
        }
    };
    tokio::select! {
        biased;
        () = account.stop.cancelled() => {}
        () = tidying => {}
    }
}

async fn tidy(account: &Account) -> Result<(), Error> {
    while account.store.read(pieces::is_untidy).await? {
        account.store.write(|transaction| pieces::sweep(transaction)).await?;
        sleep(BREATH).await;
    }
    Ok(())
}
