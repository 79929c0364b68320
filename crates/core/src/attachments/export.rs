//! Saving a copy of a file where the person wants it.
//!
//! Invariant: what has the chosen name is the whole file or what was there before; a copy that could not be finished leaves
//! nothing behind.

use std::path::{Path, PathBuf};

use hugmedo_chat_protocol::RoomId;
use tokio::{fs, io::AsyncWriteExt};
use uuid::Uuid;

use super::download;
use crate::{
    account::Account,
    core::Core,
    error::{Error, ErrorCode},
    store::{attachments::StoredFile, pieces},
};

impl Core {
    /// Saves a copy of a file, brought here first where necessary, in place of what is at `target`.
    ///
    /// # Errors
    /// As [`Core::fetch_attachment`]; `DiskFull` or `StoreFailed` if it cannot be written.
    pub async fn export_attachment(&self, room: &RoomId, id: &str, target: &Path) -> Result<(), Error> {
        let account = self.account()?;
        let file = download::fetch(&account, room, id).await?;
        let mut beside = target.as_os_str().to_owned();
        beside.push(format!(".{}.part", Uuid::new_v4().simple()));
        let unfinished = Unfinished(PathBuf::from(beside));
        write(&account, &file, &unfinished.0).await?;
        fs::rename(&unfinished.0, target).await?;
        Ok(())
    }
}

async fn write(account: &Account, file: &StoredFile, path: &Path) -> Result<(), Error> {
    let mut copy = fs::OpenOptions::new().write(true).create_new(true).open(path).await?;
    let (row, mut start) = (file.file_id, 0_u32);
    while let Some(piece) = account.store.read(move |connection| pieces::piece(connection, row, start)).await? {
        start = start.saturating_add(u32::try_from(piece.len()).unwrap_or(u32::MAX));
        copy.write_all(&piece).await?;
    }
    if start != file.size {
        return Err(Error::new(ErrorCode::NotFound, "the file is not here any more"));
    }
    copy.sync_all().await?;
    Ok(())
}

/// Removed unless it was renamed.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
