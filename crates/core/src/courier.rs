//! Carries what is due to the server while a link stands: messages first, then receipts.
//!
//! Invariants: one send at a time, oldest first within a room; an attempt is counted before it is made; a message leaves
//! the outbox only when the server has it or the person gave it up; one that failed for good holds up nobody.

use std::{sync::Arc, time::Duration};

use hugmedo_chat_protocol::{Delivered, ErrorCode as WireCode, Read, Refusal, SentMessage};
use tokio::time::sleep;

use crate::{
    account::Account,
    ask::{AskFailure, ask, tell},
    error::{Error, ErrorCode},
    store::{DueMessage, SendOutcome, Settled, outbox, receipts, rooms},
    surroundings::Surroundings,
    transport::{Link, LinkFailure},
};

/// The longest own wait between two attempts that the server refused for now; the server may ask for more.
const LONGEST_BACKOFF_MS: u64 = 60_000;
/// How long to leave a server alone that refused a receipt for now.
const RECEIPT_PAUSE: Duration = Duration::from_secs(5);
/// How long a baseline server may take to echo a message before its fate is called unknown.
const ECHO_WAIT: Duration = Duration::from_secs(15);
/// How long to leave a store alone that failed, for instance because the disk is full.
const STORE_PAUSE: Duration = Duration::from_secs(5);

/// Runs until the link is lost.
pub(crate) async fn run(account: Arc<Account>, link: Arc<dyn Link>) {
    loop {
        let pause = match carry(&account, &link).await {
            Ok(pause) => pause,
            Err(Stop::Link) => return,
            Err(Stop::Store(error)) => {
                tracing::warn!(%error, "sending pauses");
                sleep(STORE_PAUSE).await;
                // What was answered but could not be written down is asked for again; on a baseline server that would be
                // a second message, so there it waits for the end of the connection.
                if !account.is_baseline()
                    && let Ok(rows) = account.store.write(|transaction| outbox::requeue_unanswered(transaction)).await
                {
                    let _ = account.publish_rows(rows).await;
                }
                continue;
            }
        };
        tokio::select! {
            biased;
            () = account.outgoing.notified() => {}
            () = async { match pause { Some(pause) => sleep(pause).await, None => std::future::pending().await } } => {}
        }
    }
}

enum Stop {
    /// The link is no more.
    Link,
    /// The store cannot say what is due.
    Store(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// Carries everything that is due. Returns how long until the next message or receipt may be tried, if one waits.
async fn carry(account: &Arc<Account>, link: &Arc<dyn Link>) -> Result<Option<Duration>, Stop> {
    loop {
        let now = account.surroundings.now();
        let taken = account.store.write(move |transaction| outbox::take_due(transaction, now)).await;
        account.note_storage(&taken);
        let Some(due) = taken? else { break };
        account.publish_rows(vec![due.local_id]).await?;
        if account.is_baseline() {
            send_unacknowledged(account, link, &due).await?;
        } else {
            send(account, link, due).await?;
        }
    }
    let all_told = account.is_baseline() || send_receipts(account, link).await?;
    let next = account.store.read(outbox::next_due_at).await?;
    let pause = next.map(|at| {
        let wait = at.as_millis().saturating_sub(account.surroundings.now().as_millis());
        // A due message held back by an earlier one of its room is woken by that one's end.
        // Looked at again every minute, because the clock it was reckoned by may be set back meanwhile.
        Duration::from_millis(u64::try_from(wait).unwrap_or(0).clamp(250, LONGEST_BACKOFF_MS))
    });
    // Nothing else would wake a receipt that was refused for now.
    Ok(if all_told { pause } else { Some(pause.unwrap_or(RECEIPT_PAUSE).min(RECEIPT_PAUSE)) })
}

async fn send(account: &Arc<Account>, link: &Arc<dyn Link>, due: DueMessage) -> Result<(), Stop> {
    let answer = ask(link.as_ref(), &due.message).await;
    let mut link_is_gone = false;
    let outcome = match answer {
        Ok(sent) if sent.client_message_id == due.message.client_message_id => settled(sent),
        // An answer to another question: the acks of this connection can no longer be trusted.
        Ok(_) | Err(AskFailure::Link(LinkFailure::Lost | LinkFailure::TimedOut)) => {
            link_is_gone = true;
            SendOutcome::Waits(ErrorCode::Unreachable, account.surroundings.now())
        }
        Err(AskFailure::Link(LinkFailure::TooLarge)) => SendOutcome::Fails(ErrorCode::TooLong),
        Err(AskFailure::Refused(refusal)) if is_about_the_session(&refusal) => {
            link_is_gone = true;
            SendOutcome::Waits(ErrorCode::SessionExpired, account.surroundings.now())
        }
        Err(AskFailure::Refused(refusal))
            if !due.message.attachments.is_empty()
                && matches!(refusal.code, WireCode::BadRequest | WireCode::NotFound) =>
        {
            SendOutcome::FilesUnknown(refusal.code.into())
        }
        Err(AskFailure::Refused(refusal)) => judge(&refusal, due.attempts, &account.surroundings),
    };
    conclude(account, due, outcome).await?;
    if link_is_gone { Err(Stop::Link) } else { Ok(()) }
}

/// A baseline server acknowledges nothing: its echo settles the message. Without one its fate is unknown, and the person
/// decides, because sending again could show it twice to everyone.
async fn send_unacknowledged(account: &Arc<Account>, link: &Arc<dyn Link>, due: &DueMessage) -> Result<(), Stop> {
    let mut message = due.message.clone();
    message.client_message_id = None;
    if tell(link.as_ref(), &message).await.is_err() {
        return Err(Stop::Link);
    }
    let (account, local_id) = (Arc::clone(account), due.local_id);
    tokio::spawn(async move {
        sleep(ECHO_WAIT).await;
        let failed = account
            .store
            .write(move |transaction| outbox::fail_one_unanswered(transaction, local_id, ErrorCode::Timeout))
            .await;
        if matches!(failed, Ok(true)) {
            let _ = account.publish_rows(vec![local_id]).await;
            account.outgoing.notify_one();
        }
    });
    Ok(())
}

async fn conclude(account: &Arc<Account>, due: DueMessage, outcome: SendOutcome) -> Result<(), Stop> {
    let written_and_told = account.to_the_end(async move |account| {
        let (local_id, room) = (due.local_id, due.message.room_id.clone());
        let concluded = account.store.write(move |transaction| outbox::conclude(transaction, &due, &outcome)).await;
        account.note_storage(&concluded);
        concluded?;
        account.files_outgoing.notify_one();
        account.publish_rows(vec![local_id]).await?;
        account.publish_room(&room).await
    });
    Ok(written_and_told.await?)
}

fn settled(sent: SentMessage) -> SendOutcome {
    SendOutcome::Settled(Settled { id: sent.id, seq: sent.seq, created_at: sent.created_at })
}

fn is_about_the_session(refusal: &Refusal) -> bool {
    matches!(refusal.code, WireCode::Unauthorized | WireCode::TokenExpired)
}

fn judge(refusal: &Refusal, attempts: u32, surroundings: &Surroundings) -> SendOutcome {
    let code = refusal.code.into();
    if !refusal.code.is_transient() {
        return SendOutcome::Fails(code);
    }
    let backoff = 1_000_u64.saturating_mul(1_u64.checked_shl(attempts).unwrap_or(u64::MAX)).min(LONGEST_BACKOFF_MS);
    // Those who were refused together do not come back together.
    let jitter = Duration::from_millis(backoff / 4).mul_f64(surroundings.chance()).as_millis();
    let wait = refusal.retry_after_ms.unwrap_or(backoff).saturating_add(u64::try_from(jitter).unwrap_or(0));
    SendOutcome::Waits(code, surroundings.in_millis(wait.min(outbox::LONGEST_WAIT_MS.into())))
}

/// Returns whether the server now knows everything.
async fn send_receipts(account: &Account, link: &Arc<dyn Link>) -> Result<bool, Stop> {
    let mut all_told = true;
    let due = account.store.read(receipts::due).await?;
    for (room, up_to_seq) in due.read {
        let event = Read { room_id: room.clone(), up_to_seq };
        if told(ask(link.as_ref(), &event).await)? {
            account.store.write(move |transaction| rooms::note_read_acked(transaction, &room, up_to_seq)).await?;
        } else {
            all_told = false;
        }
    }
    for (room, up_to_seq) in due.delivered {
        let event = Delivered { room_id: room.clone(), up_to_seq };
        if told(ask(link.as_ref(), &event).await)? {
            account
                .store
                .write(move |transaction| receipts::note_delivered_acked(transaction, &room, up_to_seq))
                .await?;
        } else {
            all_told = false;
        }
    }
    Ok(all_told)
}

/// Whether a receipt is done with. A refusal for now leaves it due; a refusal for good (no longer a member) ends it.
fn told<T>(answer: Result<T, AskFailure>) -> Result<bool, Stop> {
    match answer {
        Ok(_) => Ok(true),
        Err(AskFailure::Refused(refusal)) if is_about_the_session(&refusal) => Err(Stop::Link),
        Err(AskFailure::Refused(refusal)) => Ok(!refusal.code.is_transient()),
        Err(AskFailure::Link(_)) => Err(Stop::Link),
    }
}
