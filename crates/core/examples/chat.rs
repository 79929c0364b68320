//! A chat on the command line: core without any window, against any server.
//!
//! ```sh
//! echo "$PASSWORD" | cargo run -p hugmedo-chat-core --example chat -- --server http://127.0.0.1:3000 --user sato --room general
//! ```
//!
//! The first line of standard input is the password, or with `--token` the access token. Every further line is sent to the
//! room. What happens is printed as it happens; the end of the input ends the program once everything is sent.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use clap::Parser;
use hugmedo_chat_core::{
    Config, Core,
    host::{NativeNotification, Notifier, SecretStore, SecretStoreError},
    view::{ChannelItem, Credentials, OutgoingMessage, SignInRequest, ViewChange},
};
use hugmedo_chat_protocol::{ClientMessageId, MessageId, RoomId, Secret};
use tokio::io::{AsyncBufReadExt, BufReader};

/// A chat on the command line.
#[derive(Parser)]
struct Options {
    /// The server's address.
    #[arg(long)]
    server: String,
    /// The user name; with --token the person's id, where the token does not say it.
    #[arg(long)]
    user: Option<String>,
    /// The room that lines are sent to.
    #[arg(long, default_value = "general")]
    room: String,
    /// The first line of the input is an access token, not a password.
    #[arg(long)]
    token: bool,
    /// Where to keep preferences.
    #[arg(long, default_value = ".local/chat")]
    data_dir: PathBuf,
}

#[tokio::main]
#[allow(clippy::print_stdout, reason = "a command line prints")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let secret = Secret::new(lines.next_line().await?.context("the password or token is the first line of the input")?);
    let credentials = if options.token {
        Credentials::Token { access_token: secret, user_id: options.user.as_deref().map(Into::into) }
    } else {
        Credentials::Password { username: options.user.context("--user is needed")?, password: secret, otp: None }
    };
    let core = Core::start(Config::new(options.data_dir), Arc::new(Forgetful::default()), Arc::new(Bell)).await?;
    let (_, mut changes) = core.subscribe().await?;
    let request = SignInRequest { server: options.server, credentials, remember: false, allow_insecure: false };
    let session = core.sign_in(request).await?;
    println!("signed in as {} at {}", session.user.name.as_str(), session.server);

    let room = RoomId::new(options.room);
    let mut waiting = BTreeMap::new();
    let mut input_ended = false;
    while !(input_ended && waiting.is_empty()) {
        tokio::select! {
            line = lines.next_line(), if !input_ended => match line? {
                Some(line) if line.trim().is_empty() => {}
                Some(line) => {
                    let client_message_id = ClientMessageId::generate();
                    let content = line.as_str().into();
                    let outgoing = OutgoingMessage { room_id: room.clone(), client_message_id, content, priority: Default::default() , reply_to: None, mentions: Vec::new(), attachments: Vec::new(), keeps_draft: false };
                    let row = core.send_message(outgoing).await?;
                    waiting.insert(row.key, line);
                }
                None => input_ended = true,
            },
            item = changes.next() => match item {
                Some(ChannelItem::Events { events }) => {
                    for event in events {
                        show(&event.change);
                        if let ViewChange::MessagesUpserted { messages, .. } = event.change {
                            messages.iter().filter(|row| row.id.is_some()).for_each(|row| drop(waiting.remove(&row.key)));
                        }
                    }
                }
                Some(ChannelItem::Lagged) => println!("(some changes were missed)"),
                None => break,
            },
        }
    }
    core.shutdown().await;
    Ok(())
}

#[allow(clippy::print_stdout, reason = "a command line prints")]
fn show(change: &ViewChange) {
    match change {
        ViewChange::MessagesUpserted { room_id, messages } => {
            for row in messages {
                let delivery = row.delivery.map(|delivery| format!(" [{delivery:?}]")).unwrap_or_default();
                println!("{room_id} {}: {}{delivery}", row.author.name.as_str(), row.content.as_str());
            }
        }
        ViewChange::ConnectionChanged { connection } => {
            println!("link: {:?} {:?}", connection.state, connection.reason)
        }
        ViewChange::TypingChanged { room_id, typing } => println!("{room_id}: {} writing", typing.len()),
        ViewChange::SessionChanged { session: None, ended } => println!("signed out: {ended:?}"),
        _ => {}
    }
}

/// Nothing is remembered: the program signs in anew each time.
#[derive(Default)]
struct Forgetful(Mutex<BTreeMap<String, Secret>>);

impl SecretStore for Forgetful {
    fn read(&self, name: &str) -> Result<Option<Secret>, SecretStoreError> {
        Ok(self.0.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned())
    }

    fn write(&self, name: &str, secret: &Secret) -> Result<(), SecretStoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), secret.clone());
        Ok(())
    }

    fn delete(&self, name: &str) -> Result<(), SecretStoreError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        Ok(())
    }
}

/// Rings the terminal's bell.
struct Bell;

impl Notifier for Bell {
    #[allow(clippy::print_stdout, reason = "a command line prints")]
    fn notify(&self, notification: NativeNotification) {
        println!("\u{7}{} {}", notification.title.as_str(), notification.body.as_str());
    }

    fn withdraw(&self, _: &[MessageId]) {}

    fn replace(&self, _: &MessageId, _: NativeNotification) {}

    fn settle(&self, _: Vec<NativeNotification>) {}
}
