//! What the server knows of one live socket.
//!
//! Invariant: no reference to the socket itself is kept here; the socket holds its link, not the other way round.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hugmedo_chat_protocol::{DeviceId, RoomId, Timestamp, User, UserId};
use tokio::sync::{Notify, mpsc};

use super::queue::Incoming;
use crate::{
    authorize::Principal,
    config::Limits,
    credential::{SessionId, TokenHash},
    limits::SocketMeter,
    metrics::Metrics,
    presence::Status,
    serve::Place,
};

/// The longest sleep towards a deadline: a clock that was put forward, or a machine that slept, is noticed within this.
const LOOK_AT_THE_CLOCK: Duration = Duration::from_secs(15);

#[derive(Debug)]
struct Standing {
    token: TokenHash,
    session: SessionId,
    expires_at: Timestamp,
    joined: BTreeSet<RoomId>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Link {
    user: User,
    pub(crate) metrics: Arc<Metrics>,
    /// As it names itself.
    device: Option<DeviceId>,
    meter: SocketMeter,
    /// Its place among the sockets of its address.
    _seat: Place,
    standing: Mutex<Standing>,
    renewed: Notify,
    /// The newest status of each person this socket has still to hear of.
    statuses: Mutex<BTreeMap<UserId, Status>>,
    status_posted: Notify,
    closing: AtomicBool,
    /// Gone once the socket is.
    inlet: Mutex<Option<mpsc::Sender<Incoming>>>,
    /// Taken by the worker.
    outlet: Mutex<Option<mpsc::Receiver<Incoming>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Link {
    pub(super) fn new(
        who: &Principal,
        token: TokenHash,
        device: Option<DeviceId>,
        limits: &Limits,
        seat: Place,
        metrics: Arc<Metrics>,
    ) -> Self {
        let (inlet, outlet) = mpsc::channel(limits.queued_events.max(1));
        Self {
            user: who.user().clone(),
            metrics,
            device,
            meter: SocketMeter::new(limits),
            _seat: seat,
            standing: Mutex::new(Standing {
                token,
                session: who.session().clone(),
                expires_at: who.expires_at(),
                joined: BTreeSet::new(),
            }),
            renewed: Notify::new(),
            statuses: Mutex::default(),
            status_posted: Notify::new(),
            closing: AtomicBool::new(false),
            inlet: Mutex::new(Some(inlet)),
            outlet: Mutex::new(Some(outlet)),
        }
    }

    pub(crate) fn user(&self) -> &User {
        &self.user
    }

    /// The token that stands behind the socket now.
    pub(crate) fn token(&self) -> TokenHash {
        lock(&self.standing).token
    }

    pub(crate) fn device(&self) -> Option<&DeviceId> {
        self.device.as_ref()
    }

    pub(super) fn session(&self) -> SessionId {
        lock(&self.standing).session.clone()
    }

    /// Puts a fresh token behind the socket and returns the session the old one belonged to.
    pub(super) fn renew(&self, who: &Principal, token: TokenHash) -> SessionId {
        let before = {
            let mut standing = lock(&self.standing);
            standing.token = token;
            standing.expires_at = who.expires_at();
            std::mem::replace(&mut standing.session, who.session().clone())
        };
        self.renewed.notify_one();
        before
    }

    pub(super) fn join(&self, room: RoomId) {
        lock(&self.standing).joined.insert(room);
    }

    pub(crate) fn leave(&self, room: &RoomId) {
        lock(&self.standing).joined.remove(room);
    }

    pub(crate) fn has_joined(&self, room: &RoomId) -> bool {
        lock(&self.standing).joined.contains(room)
    }

    /// Leaves a status for this socket; it takes the place of an older one of the same person.
    pub(crate) fn post_status(&self, user: &UserId, status: Status) {
        lock(&self.statuses).insert(user.clone(), status);
        self.status_posted.notify_one();
    }

    /// Waits until a status is there.
    pub(crate) async fn status_posted(&self) {
        while lock(&self.statuses).is_empty() {
            self.status_posted.notified().await;
        }
    }

    pub(crate) fn take_status(&self) -> Option<(UserId, Status)> {
        lock(&self.statuses).pop_first()
    }

    /// Puts a status back that could not be passed on, unless there is a newer one.
    pub(crate) fn put_back_status(&self, user: UserId, status: Status) {
        lock(&self.statuses).entry(user).or_insert(status);
    }

    /// Marks the socket as given up. Returns whether it was already.
    pub(crate) fn close(&self) -> bool {
        self.closing.swap(true, Ordering::AcqRel)
    }

    /// Queues an event of so many bytes for its turn. `false` if there is no place left, or too many come.
    pub(super) fn queue(&self, incoming: Incoming, bytes: usize) -> bool {
        if self.closing.load(Ordering::Acquire) {
            return true;
        }
        if !self.meter.admits(bytes) {
            return false;
        }
        match &*lock(&self.inlet) {
            Some(inlet) => !matches!(inlet.try_send(incoming), Err(mpsc::error::TrySendError::Full(_))),
            None => true,
        }
    }

    /// Nothing more will come; what is queued is still done.
    pub(super) fn end_queue(&self) {
        lock(&self.inlet).take();
    }

    pub(super) fn take_outlet(&self) -> Option<mpsc::Receiver<Incoming>> {
        lock(&self.outlet).take()
    }

    /// Waits until the token's time is over by the wall clock, however often it is renewed meanwhile.
    pub(super) async fn expiry(&self) {
        loop {
            let left = lock(&self.standing).expires_at.as_millis() - Timestamp::now().as_millis();
            let Ok(left @ 1..) = u64::try_from(left) else { return };
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(left).min(LOOK_AT_THE_CLOCK)) => {}
                () = self.renewed.notified() => {}
            }
        }
    }
}
