//! Files people send: taken in, looked at, kept, and forgotten.
//!
//! Invariants: the bytes lie in a folder of their own under names nobody chose; a row of the store is made only after its
//! file is on the disk, and a file without a row is removed; what no message carries is forgotten after a day.

mod kind;
mod picture;

pub(crate) use picture::small_path;

use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::extract::multipart::Field;
use hugmedo_chat_protocol::{Attachment, AttachmentId, ErrorCode, Refusal, Sensitive};
use sha2::{Digest, Sha256};
use tokio::{fs, io::AsyncWriteExt, sync::Semaphore};

use crate::{
    app::App,
    naming,
    store::{Store, StoreError, attachments, now},
};

/// Where files lie in a data folder.
pub(crate) const FOLDER: &str = "attachments";
/// How much of a file is looked at to find what it is.
const HEAD_BYTES: usize = 16 * 1024;
/// Files looked at, at a time: a large picture takes a quarter of a gigabyte while it is made small.
const LOOKED_AT: usize = 2;
const SWEEP_EVERY: Duration = Duration::from_secs(10 * 60);

/// How long a file without a row may be one that another server takes in.
const SWEPT_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The folder, and who is looking into it.
#[derive(Debug)]
pub(crate) struct Attachments {
    folder: PathBuf,
    lookers: Arc<Semaphore>,
}

impl Attachments {
    /// Opens the folder of a data folder, making it first, and removes files no row knows.
    pub(crate) async fn open(data_dir: &Path, store: &Store) -> Result<Self, crate::Error> {
        let folder = data_dir.join(FOLDER);
        let unusable = |source| crate::Error::DataDir { path: folder.clone(), source };
        crate::private_folder(&folder).map_err(unusable)?;
        let known: HashSet<String> = store.read(attachments::ids).await?.into_iter().collect();
        let mut files = fs::read_dir(&folder).await.map_err(unusable)?;
        while let Some(file) = files.next_entry().await.map_err(unusable)? {
            let is_known = file.path().file_stem().and_then(|id| id.to_str()).is_some_and(|id| known.contains(id));
            // Another server may be taking it in.
            let is_fresh = store.is_shared() && is_younger(&file, SWEPT_AFTER).await;
            if !is_known && !is_fresh {
                fs::remove_file(file.path()).await.map_err(unusable)?;
            }
        }
        Ok(Self { folder, lookers: Arc::new(Semaphore::new(LOOKED_AT)) })
    }

    /// Where the file lies whose row the store has shown.
    pub(crate) fn path(&self, id: &AttachmentId) -> PathBuf {
        self.folder.join(id.as_str())
    }

    /// Where its small copy lies, if it has one.
    pub(crate) fn small_path(&self, id: &AttachmentId) -> PathBuf {
        picture::small_path(&self.path(id))
    }

    /// Takes in a file of at most so many bytes and finds out what it is.
    pub(crate) async fn receive(&self, mut field: Field<'_>, max_bytes: u64) -> Result<Received, Refusal> {
        let claimed = field.file_name().unwrap_or_default().to_owned();
        let id = AttachmentId::new(format!("{ID_PREFIX}{}", uuid::Uuid::new_v4()));
        let unkept = Unkept(self.path(&id));
        let mut file = fs::File::create(&unkept.0).await.map_err(|error| unwritable(&error))?;
        let (mut size, mut hash, mut head, mut is_text) = (0_u64, Sha256::new(), Vec::new(), true);
        while let Some(chunk) = field.chunk().await.map_err(|error| broken_off(error.status()))? {
            size += chunk.len() as u64;
            if size > max_bytes {
                return Err(Refusal::new(ErrorCode::TooLarge, "the file is too large"));
            }
            hash.update(&chunk);
            is_text &= chunk.iter().copied().all(kind::is_text);
            head.extend(chunk.iter().take(HEAD_BYTES.saturating_sub(head.len())));
            file.write_all(&chunk).await.map_err(|error| unwritable(&error))?;
        }
        if size == 0 {
            return Err(Refusal::new(ErrorCode::BadRequest, "the file is empty"));
        }
        file.sync_all().await.map_err(|error| unwritable(&error))?;
        let (kind, pixels) = self.look(unkept.0.clone(), head, is_text).await?;
        let attachment = Attachment {
            id,
            name: Sensitive::new(naming::of_file(&claimed, kind.endings)),
            media_type: kind.media_type.to_owned(),
            size,
            sha256: hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect(),
            width: pixels.map(|(width, _)| width),
            height: pixels.map(|(_, height)| height),
        };
        Ok(Received { attachment, unkept })
    }

    /// What a file is and, of a picture, how large; a small copy is made on the way. Not on the threads that serve.
    async fn look(&self, path: PathBuf, head: Vec<u8>, is_text: bool) -> Result<Seen, Refusal> {
        let failed = || Refusal::new(ErrorCode::Internal, "the server failed");
        let permit = self.lookers.clone().acquire_owned().await.map_err(|_| failed())?;
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let unsupported = || Refusal::new(ErrorCode::UnsupportedType, "files of this type are not taken");
            let kind = kind::of(&path, &head, is_text).ok_or_else(unsupported)?;
            if !kind.media_type.starts_with("image/") {
                return Ok((kind, None));
            }
            let pixels = picture::size(&path).map_err(|refused| match refused {
                picture::Refused::Unreadable => unsupported(),
                picture::Refused::TooManyPixels => Refusal::new(ErrorCode::TooLarge, "the picture has too many pixels"),
            })?;
            if let Err(error) = picture::shrink(&path) {
                // Broken behind its header: it can be fetched, and nothing is shown of it before.
                tracing::debug!(%error, "no small copy of a picture");
                let _ = std::fs::remove_file(picture::small_path(&path));
            }
            Ok((kind, Some(pixels)))
        })
        .await
        .map_err(|_| failed())?
    }
}

async fn is_younger(file: &fs::DirEntry, age: Duration) -> bool {
    let written = file.metadata().await.and_then(|about| about.modified());
    written.is_ok_and(|written| written.elapsed().is_ok_and(|elapsed| elapsed < age))
}

/// How ids of ours begin. Attachments of clients that know only the guide may be of any other shape.
pub(crate) const ID_PREFIX: &str = "file-";

type Seen = (kind::Kind, Option<(u32, u32)>);

/// A file that is on the disk and that no row knows yet.
pub(crate) struct Received {
    pub(crate) attachment: Attachment,
    unkept: Unkept,
}

impl Received {
    /// The row is there: the file stays.
    pub(crate) fn keep(self) -> Attachment {
        self.unkept.keep();
        self.attachment
    }
}

/// A file that goes, with its small copy, unless it is kept.
struct Unkept(PathBuf);

impl Unkept {
    fn keep(mut self) {
        self.0 = PathBuf::new();
    }
}

impl Drop for Unkept {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = std::fs::remove_file(picture::small_path(&self.0));
            let _ = std::fs::remove_file(&self.0);
        }
    }
}

fn unwritable(error: &io::Error) -> Refusal {
    tracing::error!(%error, "a file could not be written");
    Refusal::new(ErrorCode::Unavailable, "try again later")
}

fn broken_off(status: axum::http::StatusCode) -> Refusal {
    if status == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
        return Refusal::new(ErrorCode::TooLarge, "the file is too large");
    }
    Refusal::new(ErrorCode::BadRequest, "the body is not the form this route expects")
}

/// Forgets what no message carries until the server stops.
pub(crate) async fn keep_tidy(app: Arc<App>) {
    loop {
        if let Err(error) = sweep(&app).await {
            tracing::warn!(%error, "files that nobody sent could not be removed");
        }
        let pause = app.stop.run_until_cancelled(tokio::time::sleep(SWEEP_EVERY));
        if pause.await.is_none() {
            return;
        }
    }
}

/// Rows first: a file without a row is found at the next start, a row without a file would be missed by whoever asks for it.
pub(crate) async fn sweep(app: &App) -> Result<(), StoreError> {
    let gone: Vec<AttachmentId> = app.store.write(|tx| attachments::forget_expired(tx, now())).await?;
    for id in gone {
        drop(Unkept(app.attachments.path(&id)));
    }
    Ok(())
}
