//! The real server in process, with the people and rooms of its sample data, and clients for them.

use std::{path::Path, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use hugmedo_chat_core::{
    Config, Core, Surroundings,
    host::NativeNotification,
    policy::Policy,
    view::{Credentials, MessageView, OutgoingMessage, SignInRequest},
};
use hugmedo_chat_protocol::{ClientMessageId, MessageId, RoomId, Timestamp};
use hugmedo_chat_server::{Config as ServerConfig, Server};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::{MemorySecrets, RecordingNotifier, Screen, Watch};

/// The password of everyone in the sample data.
const PASSWORD: &str = "hugmedo-demo";

/// A running server with its data in a folder of its own.
pub struct Hospital {
    server: Option<Server>,
    config: ServerConfig,
    _folder: TempDir,
}

impl Hospital {
    /// The sample people and rooms, without the simulated people.
    ///
    /// # Errors
    /// If the server does not start.
    pub async fn open() -> Result<Self> {
        Self::open_with(|_| {}).await
    }

    /// As [`Hospital::open`], with the server set up otherwise.
    ///
    /// # Errors
    /// If the server does not start.
    pub async fn open_with(set_up: impl FnOnce(&mut ServerConfig)) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut config = ServerConfig::new(([127, 0, 0, 1], 0).into(), folder.path());
        config.demo = true;
        config.demo_quiet = true;
        set_up(&mut config);
        let server = hugmedo_chat_server::start(config.clone()).await?;
        // A restarted server is to be found where it was.
        config.listen = server.local_addr();
        Ok(Self { server: Some(server), config, _folder: folder })
    }

    /// The server's address.
    pub fn url(&self) -> String {
        format!("http://{}", self.config.listen)
    }

    /// The running server.
    pub fn server(&self) -> Option<&Server> {
        self.server.as_ref()
    }

    /// Where the server keeps its data.
    pub fn data_dir(&self) -> &Path {
        &self.config.data_dir
    }

    /// Stops the server; its data stays.
    pub async fn close(&mut self) {
        if let Some(server) = self.server.take() {
            server.shutdown().await;
        }
    }

    /// Starts the server again, at the same address and over the same data.
    ///
    /// # Errors
    /// If the server does not start.
    pub async fn reopen(&mut self) -> Result<()> {
        self.close().await;
        self.server = Some(hugmedo_chat_server::start(self.config.clone()).await?);
        Ok(())
    }

    /// Copies everything into a folder, while the server runs.
    ///
    /// # Errors
    /// If the server does not run, or the copy fails.
    pub async fn back_up(&self, into: &Path) -> Result<()> {
        let server = self.server.as_ref().context("the server does not run")?;
        server.admin().backup(&self.config.data_dir, into).await?;
        Ok(())
    }

    /// Stops the server, loses its data, puts a copy back and starts it again.
    ///
    /// # Errors
    /// If any of that fails.
    pub async fn restore(&mut self, copy: &Path) -> Result<()> {
        self.close().await;
        std::fs::remove_dir_all(&self.config.data_dir)?;
        hugmedo_chat_server::restore(copy, &self.config.data_dir).await?;
        self.reopen().await
    }

    /// Signs someone of the sample data in, on a computer of their own, and waits until they are up to date.
    ///
    /// # Errors
    /// If that fails.
    pub async fn clinician(&self, username: &str) -> Result<Clinician> {
        let mut clinician = Clinician::at_a_computer().await?;
        clinician.sign_in(&self.url(), username).await?;
        clinician.watch.until_live().await?;
        Ok(clinician)
    }
}

/// Someone with core on a computer of their own.
pub struct Clinician {
    /// Their client.
    pub core: Core,
    /// What it shows.
    pub watch: Watch,
    /// What it raised.
    pub notifications: mpsc::UnboundedReceiver<NativeNotification>,
    /// What it took back.
    pub withdrawn: mpsc::UnboundedReceiver<MessageId>,
    /// What stands on the screen. It outlives the app.
    pub screen: Screen,
    /// Their keychain.
    pub secrets: MemorySecrets,
    folder: TempDir,
}

impl Clinician {
    /// A computer nobody has signed in on.
    ///
    /// # Errors
    /// If core does not start.
    pub async fn at_a_computer() -> Result<Self> {
        Self::at_a_computer_under(Policy::default()).await
    }

    /// A computer nobody has signed in on, of an organisation that has decided something for it.
    ///
    /// # Errors
    /// If core does not start.
    pub async fn at_a_computer_under(policy: Policy) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let secrets = MemorySecrets::default();
        let screen = Screen::default();
        let (notifier, notifications, withdrawn) = RecordingNotifier::on(screen.clone());
        let config = Config { policy: Arc::new(policy), ..Config::new(folder.path()) };
        let core = Core::start(config, Arc::new(secrets.clone()), notifier).await?;
        let watch = Watch::of(&core).await?;
        Ok(Self { core, watch, notifications, withdrawn, screen, secrets, folder })
    }

    /// Signs in with the sample data's password.
    ///
    /// # Errors
    /// If the server refuses.
    pub async fn sign_in(&self, server: &str, username: &str) -> Result<()> {
        let credentials = Credentials::Password { username: username.to_owned(), password: PASSWORD.into(), otp: None };
        let request = SignInRequest { server: server.to_owned(), credentials, remember: true, allow_insecure: false };
        self.core.sign_in(request).await?;
        Ok(())
    }

    /// Ends core and starts it again over the same data and keychain.
    ///
    /// # Errors
    /// If core does not start.
    pub async fn restart(&mut self) -> Result<()> {
        self.restart_under(Policy::default()).await
    }

    /// As [`Clinician::restart`], under a policy.
    ///
    /// # Errors
    /// If core does not start.
    pub async fn restart_under(&mut self, policy: Policy) -> Result<()> {
        self.core.shutdown().await;
        self.start_under(policy).await
    }

    /// As [`Clinician::restart`], with the computer's clock so far ahead of the time it is.
    ///
    /// # Errors
    /// If core does not start.
    pub async fn restart_ahead(&mut self, ahead: Duration) -> Result<()> {
        self.core.shutdown().await;
        let ahead = i64::try_from(ahead.as_millis())?;
        let now = move || Timestamp::from_millis(Timestamp::now().as_millis().saturating_add(ahead));
        let surroundings = Surroundings::simulated(now, rand::random::<f64>);
        self.start_as(Config { surroundings, ..Config::new(self.folder.path()) }).await
    }

    /// Starts core again after it has been shut down.
    ///
    /// # Errors
    /// If core does not start.
    pub async fn start(&mut self) -> Result<()> {
        self.start_under(Policy::default()).await
    }

    async fn start_under(&mut self, policy: Policy) -> Result<()> {
        self.start_as(Config { policy: Arc::new(policy), ..Config::new(self.folder.path()) }).await
    }

    async fn start_as(&mut self, config: Config) -> Result<()> {
        let (notifier, notifications, withdrawn) = RecordingNotifier::on(self.screen.clone());
        self.core = Core::start(config, Arc::new(self.secrets.clone()), notifier).await?;
        self.watch = Watch::of(&self.core).await?;
        self.notifications = notifications;
        self.withdrawn = withdrawn;
        Ok(())
    }

    /// Where this computer keeps its data.
    pub fn data_dir(&self) -> &Path {
        self.folder.path()
    }

    /// Says something.
    ///
    /// # Errors
    /// If it cannot be written down.
    pub async fn say(&self, room: &RoomId, text: &str) -> Result<MessageView> {
        let outgoing = OutgoingMessage {
            room_id: room.clone(),
            client_message_id: ClientMessageId::generate(),
            content: text.into(),
            priority: Default::default(),
            reply_to: None,
            mentions: Vec::new(),
            attachments: Vec::new(),
            keeps_draft: false,
        };
        Ok(self.core.send_message(outgoing).await?)
    }

    /// The newest texts of a room, as the timeline shows them.
    ///
    /// # Errors
    /// If the room cannot be opened.
    pub async fn newest(&self, room: &RoomId, count: usize) -> Result<Vec<String>> {
        let rows = self.core.open_room(room).await?.page.messages;
        let skipped = rows.len().saturating_sub(count);
        Ok(rows.iter().skip(skipped).map(|row| row.content.as_str().to_owned()).collect())
    }
}
