//! Many clients in this process: core as it is, over stores in memory, each with a log of what its link went through and of
//! what it has shown.
//!
//! Invariant: a member's log is taken from core's changes alone, as a window would see them.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use hugmedo_chat_core::{
    Changes, Config, Core,
    view::{ChannelItem, ConnectionState, Credentials, Delivery, OutgoingMessage, SignInRequest, ViewChange},
};
use hugmedo_chat_protocol::{ClientMessageId, RoomId, Secret};
use hugmedo_chat_testkit::{MemorySecrets, RecordingNotifier};
use tokio::{
    sync::watch,
    task::{JoinHandle, JoinSet},
    time::{Instant, timeout},
};

use crate::ledger::{id_in, text_of};

/// How many sign in at the same time.
const AT_ONCE: usize = 16;

/// What a member has gone through.
#[derive(Default)]
pub(crate) struct Diary {
    /// Every state of the link, and since when.
    pub(crate) states: Vec<(ConnectionState, Instant)>,
    /// When each message was first shown, and as which row.
    pub(crate) shown: BTreeMap<String, (String, Instant)>,
    /// Messages that two rows showed.
    pub(crate) shown_twice: usize,
    /// When each own message was seen to be on the server, and at which position.
    pub(crate) acked: BTreeMap<String, (Instant, u64)>,
}

impl Diary {
    /// When the link was first in one of these states from `since` on.
    pub(crate) fn first(&self, since: Instant, is_it: impl Fn(ConnectionState) -> bool) -> Option<Instant> {
        self.states.iter().find(|(state, at)| *at >= since && is_it(*state)).map(|(_, at)| *at)
    }

    /// The state of the link.
    pub(crate) fn state(&self) -> ConnectionState {
        self.states.last().map_or(ConnectionState::Idle, |(state, _)| *state)
    }
}

/// Whether the link is down and is known to be.
pub(crate) fn is_down(state: ConnectionState) -> bool {
    matches!(state, ConnectionState::Offline | ConnectionState::Connecting)
}

/// One client.
pub(crate) struct Member {
    pub(crate) core: Core,
    diary: Arc<Mutex<Diary>>,
    turned: watch::Receiver<()>,
    writing: JoinHandle<()>,
}

impl Member {
    /// Signs someone in who leaves no trace.
    pub(crate) async fn enter(folder: &Path, server: String, token: Secret) -> Result<Self> {
        let (notifier, _) = RecordingNotifier::new();
        let core = Core::start(Config::new(folder), Arc::new(MemorySecrets::default()), notifier).await?;
        let (_, changes) = core.subscribe().await?;
        let diary = Arc::new(Mutex::new(Diary::default()));
        let (turning, turned) = watch::channel(());
        let writing = tokio::spawn(write(core.clone(), changes, Arc::clone(&diary), turning));
        let credentials = Credentials::Token { access_token: token, user_id: None };
        core.sign_in(SignInRequest { server, credentials, remember: false, allow_insecure: false }).await?;
        Ok(Self { core, diary, turned, writing })
    }

    pub(crate) fn diary(&self) -> MutexGuard<'_, Diary> {
        held(&self.diary)
    }

    /// Waits until the diary says so.
    pub(crate) async fn until(&self, what: &str, patience: Duration, is_so: impl Fn(&Diary) -> bool) -> Result<()> {
        let mut turned = self.turned.clone();
        let waiting = turned.wait_for(|()| is_so(&self.diary()));
        match timeout(patience, waiting).await {
            Ok(result) => result.map(|_| ()).context("core has ended"),
            Err(_) => bail!("waited in vain for: {what}; the link is {:?}", self.diary().state()),
        }
    }

    pub(crate) async fn until_live(&self, patience: Duration) -> Result<()> {
        self.until("a live link", patience, |diary| diary.state() == ConnectionState::Live).await
    }

    /// Says what follows from an id.
    pub(crate) async fn say(&self, room: &RoomId, id: &str) -> Result<()> {
        let outgoing = OutgoingMessage {
            room_id: room.clone(),
            client_message_id: ClientMessageId::new(id),
            content: text_of(id).as_str().into(),
            priority: Default::default(),
            reply_to: None,
            mentions: Vec::new(),
            attachments: Vec::new(),
            keeps_draft: false,
        };
        self.core.send_message(outgoing).await?;
        Ok(())
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.writing.abort();
    }
}

/// Signs in everyone, a few at a time, and waits until all are live. `servers` and `tokens` go in pairs.
pub(crate) async fn enter_all(
    folder: &Path,
    people: impl IntoIterator<Item = (String, Secret)>,
    patience: Duration,
) -> Result<Vec<Member>> {
    let mut entering = JoinSet::new();
    let mut members = BTreeMap::new();
    for (number, (server, token)) in people.into_iter().enumerate() {
        if entering.len() >= AT_ONCE
            && let Some(entered) = entering.join_next().await
        {
            let (number, member): (usize, Result<Member>) = entered?;
            members.insert(number, member?);
        }
        let folder = folder.join(format!("computer-{number}"));
        entering.spawn(async move { (number, Member::enter(&folder, server, token).await) });
    }
    while let Some(entered) = entering.join_next().await {
        let (number, member) = entered?;
        members.insert(number, member?);
    }
    let members: Vec<Member> = members.into_values().collect();
    for member in &members {
        member.until_live(patience).await?;
    }
    Ok(members)
}

/// Closes all at once.
pub(crate) async fn leave_all(members: Vec<Member>) {
    let mut leaving = JoinSet::new();
    for member in members {
        leaving.spawn(async move { member.core.shutdown().await });
    }
    leaving.join_all().await;
}

async fn write(core: Core, mut changes: Changes, diary: Arc<Mutex<Diary>>, turning: watch::Sender<()>) {
    while let Some(item) = changes.next().await {
        let now = Instant::now();
        match item {
            ChannelItem::Events { events } => {
                let mut diary = held(&diary);
                for event in events {
                    note(&mut diary, event.change, now);
                }
            }
            // Rows may have been missed: whoever counts them reads the timeline in the end.
            ChannelItem::Lagged => {
                if let Ok((snapshot, newer)) = core.subscribe().await {
                    changes = newer;
                    held(&diary).states.push((snapshot.connection.state, now));
                }
            }
        }
        turning.send_replace(());
    }
}

fn note(diary: &mut Diary, change: ViewChange, now: Instant) {
    match change {
        ViewChange::ConnectionChanged { connection } if diary.state() != connection.state => {
            diary.states.push((connection.state, now));
        }
        ViewChange::MessagesUpserted { messages, .. } => {
            for row in messages {
                let Some(id) = id_in(row.content.as_str()) else { continue };
                if row.delivery >= Some(Delivery::Sent)
                    && let Some(seq) = row.seq
                {
                    diary.acked.entry(id.to_owned()).or_insert((now, seq.get()));
                }
                let (key, _) = diary.shown.entry(id.to_owned()).or_insert_with(|| (row.key.clone(), now));
                diary.shown_twice += usize::from(*key != row.key);
            }
        }
        _ => {}
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes sure that so many connections of this process do not end at the limit of open files.
pub(crate) fn check_open_files(needed: usize) -> Result<()> {
    // Only Linux tells it without a system call of its own; elsewhere the run itself will.
    let Ok(limits) = std::fs::read_to_string("/proc/self/limits") else { return Ok(()) };
    let allowed =
        limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok());
    match allowed {
        Some(allowed) if needed > allowed => bail!(
            "this run needs about {needed} open files and may have {allowed}; `ulimit -n {needed}` in the same shell raises that"
        ),
        _ => Ok(()),
    }
}
