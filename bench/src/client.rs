//! A client as a process of its own: core over an encrypted store on disk, with its keychain at the other end of a pipe.
//!
//! Invariant: it may be killed between any two instructions. What it has reported is in the pipe; what it has not is in its
//! store or was never begun, and the run says it again.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry as Slot},
    io::Write as _,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result};
use hugmedo_chat_core::{
    Changes, Config, Core, ErrorCode,
    host::{NativeNotification, Notifier, SecretStore, SecretStoreError},
    view::{
        ChannelItem, ConnectionSettings, Credentials, Delivery, MessageView, OutgoingMessage, SignInRequest, ViewChange,
    },
};
use hugmedo_chat_protocol::{ClientMessageId, MessageId, RoomId, Secret};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    time::{Instant, sleep, timeout},
};

use crate::{
    ledger::{id_in, text_of},
    pipe::{Begin, Order, Report},
    reading,
};

/// Rows in one line of the pipe.
const ROWS: usize = 500;
/// The longest a client may take to come to where it is asked to be.
const PATIENCE: Duration = Duration::from_secs(120);

/// Quicker than the app's own waits: a run has hundreds of losses in minutes, which the app's waits, made for an outage
/// now and then, would turn into a run that mostly waits.
fn impatient() -> ConnectionSettings {
    ConnectionSettings { reconnection_delay_ms: 100, reconnection_delay_max_ms: 500, ..ConnectionSettings::default() }
}

/// Everything a client's tasks share.
struct Client {
    core: Core,
    begin: Begin,
    /// Ordered and not yet seen to be acknowledged.
    waiting: Mutex<BTreeMap<String, RoomId>>,
}

pub(crate) async fn run() -> Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let first = lines.next_line().await?.context("the first line says how to begin")?;
    let begin: Begin = serde_json::from_str(&first).context("the first line")?;
    let secrets = PipedSecrets(Mutex::new(begin.secrets.clone()));
    let core = Core::start(Config::new(&begin.data_dir), Arc::new(secrets), Arc::new(Unheard)).await?;
    let (snapshot, changes) = core.subscribe().await?;
    core.change_preferences(|preferences| preferences.connection = impatient()).await?;
    let client = Arc::new(Client { core, begin, waiting: Mutex::default() });
    match snapshot.session {
        Some(_) => report(&Report::SignedIn),
        None => drop(tokio::spawn(sign_in(Arc::clone(&client)))),
    }
    let watching = tokio::spawn(watch(Arc::clone(&client), changes));
    while let Some(line) = lines.next_line().await? {
        match serde_json::from_str(&line).context("an order")? {
            Order::Send { room, id } => {
                held(&client.waiting).insert(id.clone(), RoomId::new(room));
                send(&client, &id).await;
            }
            Order::Tell { positions } => tell(&client, positions).await,
        }
    }
    watching.abort();
    client.core.shutdown().await;
    Ok(())
}

/// As a person does who finds the app asking: until it works.
async fn sign_in(client: Arc<Client>) {
    loop {
        let credentials = Credentials::Password {
            username: client.begin.username.clone(),
            password: client.begin.password.clone(),
            otp: None,
        };
        let request =
            SignInRequest { server: client.begin.server.clone(), credentials, remember: true, allow_insecure: false };
        match client.core.sign_in(request).await {
            Ok(_) => break,
            Err(_) => sleep(Duration::from_millis(200)).await,
        }
    }
    report(&Report::SignedIn);
    send_again(&client).await;
}

async fn send(client: &Client, id: &str) {
    let Some(room_id) = held(&client.waiting).get(id).cloned() else { return };
    let outgoing = OutgoingMessage {
        room_id,
        client_message_id: ClientMessageId::new(id),
        content: text_of(id).as_str().into(),
        priority: Default::default(),
        reply_to: None,
        mentions: Vec::new(),
        attachments: Vec::new(),
        keeps_draft: false,
    };
    match client.core.send_message(outgoing).await {
        Ok(row) => note(client, &row),
        // No loss: it is sent once someone is signed in.
        Err(error) if error.code() == ErrorCode::NotSignedIn => {}
        Err(error) => report(&Report::Trouble { what: error.to_string() }),
    }
}

async fn send_again(client: &Client) {
    let waiting: Vec<String> = held(&client.waiting).keys().cloned().collect();
    for id in waiting {
        send(client, &id).await;
    }
}

/// Notes how far an own message has come.
fn note(client: &Client, row: &MessageView) {
    let Some(id) = row.client_message_id.as_ref().filter(|_| row.own) else { return };
    match (row.delivery, row.seq) {
        (Some(Delivery::Failed), _) => report(&Report::Failed { id: id.as_str().to_owned() }),
        (Some(Delivery::Sent | Delivery::Delivered | Delivery::Read), Some(seq))
            if held(&client.waiting).remove(id.as_str()).is_some() =>
        {
            let (id, room) = (id.as_str().to_owned(), row.room_id.as_str().to_owned());
            report(&Report::Acked { id, room, seq: seq.get() });
        }
        _ => {}
    }
}

/// What a window would do: take in every change, and start over after losing some.
async fn watch(client: Arc<Client>, mut changes: Changes) {
    // The row that shows each message, as far as changes brought one.
    let mut shown: BTreeMap<String, String> = BTreeMap::new();
    while let Some(item) = changes.next().await {
        let ChannelItem::Events { events } = item else {
            send_again(&client).await;
            continue;
        };
        for event in events {
            match event.change {
                ViewChange::MessagesUpserted { messages, .. } => {
                    for row in messages {
                        note(&client, &row);
                        let id = id_in(row.content.as_str()).unwrap_or_default().to_owned();
                        match shown.entry(id) {
                            Slot::Vacant(slot) => drop(slot.insert(row.key)),
                            Slot::Occupied(slot) if *slot.get() != row.key => {
                                report(&Report::ShownTwice { id: slot.key().clone() });
                            }
                            Slot::Occupied(_) => {}
                        }
                    }
                }
                // Opened anew, with new rows.
                ViewChange::TimelineReset { .. } => shown.clear(),
                ViewChange::SessionChanged { session: None, .. } => {
                    report(&Report::SignedOut);
                    tokio::spawn(sign_in(Arc::clone(&client)));
                }
                _ => {}
            }
        }
    }
}

/// Comes to these positions and tells everything.
async fn tell(client: &Client, positions: BTreeMap<String, u64>) {
    let deadline = Instant::now() + PATIENCE;
    for (room, position) in positions {
        let room_id = RoomId::new(&room);
        let log = loop {
            let (_, mut changes) = match client.core.subscribe().await {
                Ok(watching) => watching,
                Err(error) => return report(&Report::Trouble { what: error.to_string() }),
            };
            let log = reading::log(&client.core, &room_id).await;
            // Positions have no gaps; what comes live may be here before what it leaves out has been fetched.
            let is_there = log.as_ref().is_ok_and(|log| {
                let seqs: BTreeSet<u64> = log.iter().filter_map(|entry| entry.seq).collect();
                (1..=position).all(|seq| seqs.contains(&seq))
            });
            if is_there || Instant::now() >= deadline {
                break log;
            }
            // A change may bring it nearer; after a while it is looked again in any case.
            let _ = timeout(Duration::from_secs(1), changes.next()).await;
        };
        match log {
            Ok(log) => {
                for rows in log.chunks(ROWS) {
                    report(&Report::Shown { room: room.clone(), log: rows.to_vec() });
                }
            }
            Err(error) => report(&Report::Trouble { what: error.to_string() }),
        }
    }
    let unsent = match client.core.subscribe().await {
        Ok((snapshot, _)) => snapshot.rooms.iter().map(|room| room.unsent).sum(),
        Err(_) => u32::MAX,
    };
    report(&Report::Told { unsent });
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One line, whole or not at all as far as a kill lets it. A run that is gone needs no reports.
fn report(report: &Report) {
    if let Ok(mut line) = serde_json::to_vec(report) {
        line.push(b'\n');
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(&line);
        let _ = out.flush();
    }
}

/// A keychain that outlives its process: what is written is in the pipe before the write returns.
struct PipedSecrets(Mutex<BTreeMap<String, Secret>>);

impl SecretStore for PipedSecrets {
    fn read(&self, name: &str) -> Result<Option<Secret>, SecretStoreError> {
        Ok(held(&self.0).get(name).cloned())
    }

    fn write(&self, name: &str, secret: &Secret) -> Result<(), SecretStoreError> {
        held(&self.0).insert(name.to_owned(), secret.clone());
        report(&Report::Secret { name: name.to_owned(), secret: Some(secret.clone()) });
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), SecretStoreError> {
        held(&self.0).remove(name);
        report(&Report::Secret { name: name.to_owned(), secret: None });
        Ok(())
    }
}

/// Nobody is looking.
struct Unheard;

impl Notifier for Unheard {
    fn notify(&self, _: NativeNotification) {}

    fn withdraw(&self, _: &[MessageId]) {}

    fn replace(&self, _: &MessageId, _: NativeNotification) {}

    fn settle(&self, _: Vec<NativeNotification>) {}
}
