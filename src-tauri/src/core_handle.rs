//! The core, once it has started.

use std::sync::Arc;

use hugmedo_chat_core::{
    Config, Core,
    error::Error,
    host::{Notifier, SecretStore},
};
use tokio::sync::OnceCell;

/// Starts the core at the first call for it, and again at the next one if that failed: a full disk or a missing keychain
/// may be mended while the window is open.
///
/// Invariant: at most one core is ever running, and no command waits on the UI thread for it.
pub(crate) struct CoreHandle {
    config: Config,
    secrets: Arc<dyn SecretStore>,
    notifier: Arc<dyn Notifier>,
    core: OnceCell<Core>,
}

impl CoreHandle {
    pub(crate) fn new(config: Config, secrets: Arc<dyn SecretStore>, notifier: Arc<dyn Notifier>) -> Self {
        Self { config, secrets, notifier, core: OnceCell::new() }
    }

    /// The core, started if it is not yet.
    ///
    /// # Errors
    /// Why it could not start.
    pub(crate) async fn get(&self) -> Result<&Core, Error> {
        let start = || Core::start(self.config.clone(), Arc::clone(&self.secrets), Arc::clone(&self.notifier));
        let started = self.core.get_or_try_init(start).await;
        if let Err(error) = &started {
            tracing::error!(code = %error.code(), %error, "the core did not start");
        }
        started
    }

    /// The core if it has started, without starting it.
    pub(crate) fn running(&self) -> Option<&Core> {
        self.core.get()
    }
}
