//! Core against the official Node `socket.io`, in a server that knows nothing but the guide: over a real socket, by the real
//! `rust_socketio`.

use std::process::Stdio;

use anyhow::{Context, Result};
use hugmedo_chat_core::{
    Config, Core, ErrorCode,
    view::{ConnectionState, Credentials, Delivery, OutgoingMessage, SignInRequest},
};
use hugmedo_chat_protocol::{ClientMessageId, RoomId};
use hugmedo_chat_testkit::{MemorySecrets, RecordingNotifier, Watch};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
};

/// The guide's server as a process of its own.
struct Official {
    process: Child,
    url: String,
}

impl Official {
    async fn start(options: &[&str]) -> Result<Self> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../e2e/interop/baseline-server.mjs");
        let mut process = Command::new("node")
            .arg(script)
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("node starts")?;
        let output = process.stdout.take().context("its output is there")?;
        let line =
            BufReader::new(output).lines().next_line().await?.context("it says where it listens; is `npm ci` done?")?;
        let url = line.strip_prefix("listening on ").context("it says where it listens")?.to_owned();
        Ok(Self { process, url })
    }

    async fn drop_connections(&mut self) -> Result<()> {
        let input = self.process.stdin.as_mut().context("its input is there")?;
        Ok(input.write_all(b"drop\n").await?)
    }

    /// Signs someone in, and waits until the rooms are joined.
    async fn client(&self, user: &str) -> Result<Client> {
        let folder = tempfile::tempdir()?;
        let (notifier, _) = RecordingNotifier::new();
        let core =
            Core::start(Config::new(folder.path()), std::sync::Arc::new(MemorySecrets::default()), notifier).await?;
        let mut watch = Watch::of(&core).await?;
        core.sign_in(self.request(&format!("token-{user}"), Some(user))).await?;
        watch.until_live().await?;
        Ok(Client { core, watch, _folder: folder })
    }

    fn request(&self, token: &str, user: Option<&str>) -> SignInRequest {
        SignInRequest {
            server: self.url.clone(),
            credentials: Credentials::Token { access_token: token.into(), user_id: user.map(Into::into) },
            remember: true,
            allow_insecure: false,
        }
    }
}

struct Client {
    core: Core,
    watch: Watch,
    _folder: tempfile::TempDir,
}

impl Client {
    async fn send(&self, text: &str) -> Result<()> {
        let outgoing = OutgoingMessage {
            room_id: general(),
            client_message_id: ClientMessageId::generate(),
            content: text.into(),
            priority: Default::default(),
            reply_to: None,
            mentions: Vec::new(),
            attachments: Vec::new(),
            keeps_draft: false,
        };
        self.core.send_message(outgoing).await?;
        Ok(())
    }

    async fn timeline(&self) -> Result<Vec<String>> {
        let opened = self.core.open_room(&general()).await?;
        Ok(opened.page.messages.iter().map(|row| row.content.as_str().to_owned()).collect())
    }
}

/// The guide's server confirms no join, so `listener` is in the room once something said there reaches them.
async fn until_heard(speaker: &Client, listener: &mut Client) -> Result<()> {
    let speaking = async {
        loop {
            speaker.core.set_typing(&general(), true).await?;
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    let room = general();
    tokio::select! {
        heard = listener.watch.until("someone writing", |watch| watch.typing.get(&room).is_some_and(|people| people.len() == 1)) => heard,
        never = speaking => never,
    }
}

fn general() -> RoomId {
    "general".into()
}

#[tokio::test]
async fn two_people_chat_through_the_official_server_and_see_each_message_once() -> Result<()> {
    let official = Official::start(&[]).await?;
    let (mut alice, mut bob) = (official.client("alice").await?, official.client("bob").await?);
    assert!(alice.watch.session.as_ref().is_some_and(|session| session.baseline));

    until_heard(&alice, &mut bob).await?;
    until_heard(&bob, &mut alice).await?;

    // The same words twice are two messages, and text that looks like JSON stays text.
    let texts = ["おはようございます", "おはようございます", "123", "null", "{}", "改行\nと\u{2028}区切り\u{1e}と👩🏽‍⚕️"];
    for text in texts {
        alice.send(text).await?;
    }
    bob.watch.until_message(&general(), texts[5], None).await?;
    alice.watch.until_message(&general(), texts[5], Some(Delivery::Sent)).await?;
    bob.send("おはようございます、有栖川さん").await?;
    alice.watch.until_message(&general(), "おはようございます、有栖川さん", None).await?;

    let mut expected: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    expected.push("おはようございます、有栖川さん".to_owned());
    bob.watch.until_message(&general(), "おはようございます、有栖川さん", Some(Delivery::Sent)).await?;
    assert_eq!(alice.timeline().await?, expected);
    assert_eq!(bob.timeline().await?, expected);
    assert_eq!(bob.core.open_room(&general()).await?.room.unread, 0, "who answers has read what stands above");
    assert_eq!(alice.core.open_room(&general()).await?.room.unread, 1);
    Ok(())
}

#[tokio::test]
async fn typing_is_heard_and_ends_with_the_message() -> Result<()> {
    let official = Official::start(&[]).await?;
    let (alice, mut bob) = (official.client("alice").await?, official.client("bob").await?);
    until_heard(&alice, &mut bob).await?;
    alice.send("書き終わりました").await?;
    bob.watch.until("alice done", |watch| watch.typing.get(&general()).is_some_and(Vec::is_empty)).await?;
    Ok(())
}

#[tokio::test]
async fn a_cut_connection_is_noticed_and_comes_back_with_what_was_written_meanwhile() -> Result<()> {
    let mut official = Official::start(&[]).await?;
    let (mut alice, mut bob) = (official.client("alice").await?, official.client("bob").await?);
    alice.send("切れる前").await?;
    alice.watch.until_message(&general(), "切れる前", Some(Delivery::Sent)).await?;
    official.drop_connections().await?;
    alice.watch.until("word of the loss", |watch| watch.connection.state == ConnectionState::Offline).await?;
    alice.send("切れている間").await?;
    alice.core.reconnect_now().await?;
    bob.watch.until("bob is back", |watch| watch.connection.state == ConnectionState::Live).await?;
    alice.watch.until_message(&general(), "切れている間", Some(Delivery::Sent)).await?;
    assert_eq!(alice.timeline().await?, ["切れる前", "切れている間"], "each once");
    Ok(())
}

#[tokio::test]
async fn a_bad_token_is_refused_in_words_and_a_slow_judge_is_waited_for() -> Result<()> {
    let official = Official::start(&["--delay-auth", "300", "--numeric-ids"]).await?;
    let mut alice = official.client("alice").await?;
    alice.send("番号の付くメッセージ").await?;
    let row = alice.watch.until_message(&general(), "番号の付くメッセージ", Some(Delivery::Sent)).await?;
    assert!(row.id.is_some());

    let folder = tempfile::tempdir()?;
    let (notifier, _) = RecordingNotifier::new();
    let core = Core::start(Config::new(folder.path()), std::sync::Arc::new(MemorySecrets::default()), notifier).await?;
    for (token, user, code) in
        [("token-of-nobody", Some("alice"), ErrorCode::Unauthorized), ("token-alice", None, ErrorCode::UserIdRequired)]
    {
        let refused = core.sign_in(official.request(token, user)).await.map_err(|error| error.code());
        assert_eq!(refused.err(), Some(code));
    }
    Ok(())
}
