//! The desktop's notification service (`org.freedesktop.Notifications`) as it stands on the session bus.
//!
//! Invariant: nothing is waited for longer than a service that works takes.

use std::time::Duration;

use futures_util::{Stream, stream};
use tokio::time::timeout;
use zbus::{Connection, MatchRule, Message, MessageStream, message::Type, zvariant::OwnedValue};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";
const BUS: &str = "org.freedesktop.DBus";
const BUS_PATH: &str = "/org/freedesktop/DBus";
/// The longest the service may take to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What the service tells, and the bus of its owner.
pub(super) type Signals = Box<dyn Stream<Item = zbus::Result<Message>> + Send + Unpin>;

/// The service as it is now.
pub(super) struct Service {
    bus: Connection,
    /// Which one it is, of which session of the desktop.
    pub(super) identity: String,
    /// Whether it plays sounds itself.
    pub(super) sounds: bool,
}

impl Service {
    /// Finds the service, and listens to it.
    pub(super) async fn find() -> zbus::Result<(Self, Signals)> {
        let bus = Connection::session().await?;
        let its_own = MatchRule::builder().msg_type(Type::Signal).path(PATH)?.interface(NAME)?.build();
        let owner_changed =
            MatchRule::builder().msg_type(Type::Signal).sender(BUS)?.member("NameOwnerChanged")?.arg(0, NAME)?.build();
        let its_own = MessageStream::for_match_rule(its_own, &bus, None).await?;
        let owner_changed = MessageStream::for_match_rule(owner_changed, &bus, None).await?;
        // The first call starts a service that is started on demand, so that it has an owner for the next.
        let abilities: Vec<String> = call(&bus, "GetCapabilities", &()).await?.body().deserialize()?;
        let ask = |member, name: &'static str| {
            let bus = bus.clone();
            async move {
                let told = match name {
                    "" => bus.call_method(Some(BUS), BUS_PATH, Some(BUS), member, &()).await?,
                    name => bus.call_method(Some(BUS), BUS_PATH, Some(BUS), member, &name).await?,
                };
                told.body().deserialize::<String>()
            }
        };
        let identity = format!("{} {}", ask("GetId", "").await?, ask("GetNameOwner", NAME).await?);
        let sounds = abilities.iter().any(|ability| ability == "sound");
        Ok((Self { bus, identity, sounds }, Box::new(stream::select(its_own, owner_changed))))
    }

    /// Whether it holds back what it is given. KDE's has this property; dunst has one of its own.
    pub(super) async fn holds_back(&self) -> bool {
        self.is_set(NAME, "Inhibited").await || self.is_set("org.dunstproject.cmd0", "paused").await
    }

    async fn is_set(&self, interface: &str, property: &str) -> bool {
        let properties = "org.freedesktop.DBus.Properties";
        let which = (interface, property);
        let asked = self.bus.call_method(Some(NAME), PATH, Some(properties), "Get", &which);
        let told = timeout(PATIENCE, asked).await.ok().and_then(Result::ok);
        let value = told.and_then(|told| told.body().deserialize::<OwnedValue>().ok());
        value.and_then(|value| bool::try_from(value).ok()).unwrap_or(false)
    }

    pub(super) async fn name(&self) -> zbus::Result<String> {
        let told = self.call("GetServerInformation", &()).await?;
        let (name, _vendor, version, _): (String, String, String, String) = told.body().deserialize()?;
        Ok(format!("{name} {version}"))
    }

    pub(super) async fn close(&self, number: u32) {
        if self.call("CloseNotification", &number).await.is_err() {
            tracing::info!(reason = "not_closed", "notification was gone");
        }
    }

    pub(super) async fn call<B>(&self, member: &str, body: &B) -> zbus::Result<Message>
    where
        B: serde::Serialize + zbus::zvariant::DynamicType + Sync,
    {
        call(&self.bus, member, body).await
    }
}

async fn call<B>(bus: &Connection, member: &str, body: &B) -> zbus::Result<Message>
where
    B: serde::Serialize + zbus::zvariant::DynamicType + Sync,
{
    let called = bus.call_method(Some(NAME), PATH, Some(NAME), member, body);
    timeout(PATIENCE, called).await.unwrap_or(Err(zbus::Error::Failure("no answer".to_owned())))
}
