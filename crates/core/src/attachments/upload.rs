//! Brings the files of unsent messages to the server, beside everything else: one at a time, the oldest message's first. The
//! courier sends a message once all of its files are there, so that other rooms do not wait for them.
//!
//! Invariants: a file that has arrived is written down before its message goes, so that it is not brought twice; one that was
//! refused for good stops its message, which stays in sight, and holds up nobody; a link that is lost stops it, and the next
//! one begins it again.

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt, stream, stream::BoxStream};
use hugmedo_chat_protocol::Attachment;
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::{
    account::Account,
    error::{Error, ErrorCode},
    store::{
        Store,
        attachments::{self, StoredFile},
        outbox, pieces,
        uploads::{self, NextUpload},
    },
    transport::HttpFailure,
};

/// How often progress is told.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);
/// An upload without progress is given up after this long; looking at a large picture takes a server some seconds.
const STALLED: Duration = Duration::from_secs(60);
/// The longest own wait between two attempts; the server may ask for more.
const LONGEST_BACKOFF_MS: u64 = 60_000;
/// How long to leave a store alone that failed.
const STORE_PAUSE: Duration = Duration::from_secs(5);
/// What is handed to the network at a time.
const PORTION_BYTES: usize = 64 * 1024;

/// Runs while the link stands.
pub(crate) async fn run(account: Arc<Account>) -> Result<(), Error> {
    let mut failures = 0;
    loop {
        if let Err(error) = bring_all(&account, &mut failures).await {
            if error.code() == ErrorCode::SessionExpired {
                return Err(error);
            }
            tracing::warn!(%error, "uploading pauses");
            sleep(STORE_PAUSE).await;
        }
    }
}

/// Brings what is due and then waits for more.
async fn bring_all(account: &Arc<Account>, failures: &mut u32) -> Result<(), Error> {
    let now = account.surroundings.now();
    match account.store.read(move |connection| uploads::next_upload(connection, now)).await? {
        NextUpload::Due(file) => bring(account, *file, failures).await,
        NextUpload::Lost(local_id) => fail(account, local_id, None, ErrorCode::StoreUnreadable).await,
        NextUpload::Later(at) => {
            let wait = at.map(|at| u64::try_from(at.as_millis().saturating_sub(now.as_millis())).unwrap_or(0));
            // Looked at again every minute, because the clock it was reckoned by may be set back meanwhile.
            let wait = wait.map(|wait| Duration::from_millis(wait.clamp(250, LONGEST_BACKOFF_MS)));
            tokio::select! {
                biased;
                () = account.files_outgoing.notified() => {}
                () = async { match wait { Some(wait) => sleep(wait).await, None => std::future::pending().await } } => {}
            }
            Ok(())
        }
    }
}

async fn bring(account: &Arc<Account>, file: StoredFile, failures: &mut u32) -> Result<(), Error> {
    let Some(local_id) = file.local_id else { return Ok(()) };
    if account.is_baseline() {
        return fail(account, local_id, Some(file.file_id), ErrorCode::Refused).await;
    }
    let sent = send(account, &file).await;
    let row = file.file_id;
    if account.store.read(move |connection| attachments::by_row(connection, row)).await?.is_none() {
        // The message was discarded meanwhile; what arrived is forgotten by the server after a day.
        return Ok(());
    }
    let failure = match sent {
        Ok(told) => {
            *failures = 0;
            return arrived(account, file, told).await;
        }
        Err(failure) => failure,
    };
    let (code, asked_wait) = match &failure {
        HttpFailure::Refused(error) if error.code == hugmedo_chat_protocol::ErrorCode::TooLarge => {
            (ErrorCode::FileTooLarge, None)
        }
        HttpFailure::Refused(error) => (failure.code(), error.retry_after_ms),
        _ => (failure.code(), None),
    };
    if code == ErrorCode::SessionExpired {
        account.store.write(move |transaction| uploads::note_moved(transaction, row, None)).await?;
        return Err(failure.into());
    }
    if !code.is_retryable() {
        return fail(account, local_id, Some(row), code).await;
    }
    let backoff = 1_000_u64.saturating_mul(1_u64.checked_shl(*failures).unwrap_or(u64::MAX)).min(LONGEST_BACKOFF_MS);
    *failures = failures.saturating_add(1);
    let wait = asked_wait.unwrap_or(backoff).min(outbox::LONGEST_WAIT_MS.into());
    let not_before = account.surroundings.in_millis(wait);
    let put_off = account.to_the_end(async move |account| {
        account
            .store
            .write(move |transaction| uploads::put_off_upload(transaction, (local_id, row), code, not_before))
            .await?;
        account.publish_rows(vec![local_id]).await
    });
    put_off.await
}

async fn arrived(account: &Arc<Account>, file: StoredFile, told: Attachment) -> Result<(), Error> {
    let noted = account.to_the_end(async move |account| {
        let row = file.file_id;
        let written = account.store.write(move |transaction| uploads::note_uploaded(transaction, row, &told)).await;
        account.note_storage(&written);
        written?;
        account.outgoing.notify_one();
        account.publish_attachment(&file.id).await
    });
    noted.await
}

async fn fail(account: &Arc<Account>, local_id: i64, row: Option<i64>, code: ErrorCode) -> Result<(), Error> {
    let failed = account.to_the_end(async move |account| {
        account.store.write(move |transaction| uploads::fail_upload(transaction, local_id, row, code)).await?;
        // It holds up nobody behind it any more.
        account.outgoing.notify_one();
        account.publish_rows(vec![local_id]).await
    });
    failed.await
}

/// What has been handed to the network.
struct Handed {
    bytes: AtomicU32,
    digest: Mutex<Sha256>,
}

async fn send(account: &Arc<Account>, file: &StoredFile) -> Result<Attachment, HttpFailure> {
    let handed = Arc::new(Handed { bytes: AtomicU32::new(0), digest: Mutex::new(Sha256::new()) });
    let call = account.authorised(|token| {
        // Begun anew for each attempt with another token.
        handed.bytes.store(0, Ordering::Relaxed);
        *handed.digest.lock().unwrap_or_else(PoisonError::into_inner) = Sha256::new();
        let bytes = portions(account.store.clone(), file.file_id, Arc::clone(&handed));
        let (api, named) = (account.api.clone(), (file.name.clone(), file.size));
        async move { api.upload(&token, (&named.0, named.1), bytes).await }
    });
    tokio::pin!(call);
    let mut tick = interval(PROGRESS_EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut told, mut moved_at) = (None, Instant::now());
    loop {
        tokio::select! {
            biased;
            answer = &mut call => return answer.and_then(|answer| check(answer, file, &handed)),
            _ = tick.tick() => {
                let bytes = handed.bytes.load(Ordering::Relaxed);
                if told != Some(bytes) {
                    (told, moved_at) = (Some(bytes), Instant::now());
                    note_moved(account, file, bytes).await;
                } else if moved_at.elapsed() > STALLED {
                    return Err(HttpFailure::Failed(ErrorCode::Timeout));
                }
            }
        }
    }
}

/// Whether what arrived is what was sent: the server tells its digest.
fn check(told: Attachment, file: &StoredFile, handed: &Handed) -> Result<Attachment, HttpFailure> {
    let digest = handed.digest.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize();
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let is_same = told.size == u64::from(file.size) && told.sha256.eq_ignore_ascii_case(&digest);
    if is_same { Ok(told) } else { Err(HttpFailure::Failed(ErrorCode::ServerUnavailable)) }
}

/// Progress is for the eye; that it could not be written down stops nothing.
async fn note_moved(account: &Account, file: &StoredFile, bytes: u32) {
    let file_id = file.file_id;
    let noted = account.store.write(move |transaction| uploads::note_moved(transaction, file_id, Some(bytes))).await;
    if noted.is_ok() {
        let _ = account.publish_attachment(&file.id).await;
    }
}

/// The bytes of a file from the store. It breaks off when the file is gone, or is not all here.
fn portions(store: Store, file_id: i64, handed: Arc<Handed>) -> BoxStream<'static, io::Result<Vec<u8>>> {
    let whole = stream::try_unfold((store, 0_u32), move |(store, start)| async move {
        let read = store
            .read(move |connection| {
                let file = attachments::by_row(connection, file_id)?;
                Ok((file.map(|file| file.size), pieces::piece(connection, file_id, start)?))
            })
            .await;
        match read {
            Ok((Some(size), None)) if start == size => Ok(None),
            Ok((_, Some(piece))) => {
                let next = start.saturating_add(u32::try_from(piece.len()).unwrap_or(u32::MAX));
                Ok(Some((piece, (store, next))))
            }
            _ => Err(io::Error::other("the file is not here any more")),
        }
    });
    whole
        .flat_map(|piece| {
            let portions = match piece {
                Ok(piece) => piece.chunks(PORTION_BYTES).map(|portion| Ok(portion.to_vec())).collect(),
                Err(error) => vec![Err(error)],
            };
            stream::iter(portions)
        })
        .inspect(move |portion| {
            if let Ok(portion) = portion {
                handed.digest.lock().unwrap_or_else(PoisonError::into_inner).update(portion);
                handed.bytes.fetch_add(u32::try_from(portion.len()).unwrap_or(0), Ordering::Relaxed);
            }
        })
        .boxed()
}
