//! What was read from the database and is on its way to this server's sockets.
//!
//! Invariants: what was read of a room is told once, and after all that was read of it before; no room waits for another, unless so
//! much is untold that nothing more is read; a change counts as told when it was, and all that was read before it.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hugmedo_chat_protocol::RoomId;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Changes that are in memory until they are told. More come only of rooms whose turn somebody has for long.
const MOST: u32 = 5_000;

/// See the module.
#[derive(Debug)]
pub(super) struct Telling {
    state: Mutex<State>,
    free: Arc<Semaphore>,
}

/// A token is cancelled when its part was told.
#[derive(Debug, Default)]
struct State {
    /// The last part of each room.
    last: HashMap<RoomId, CancellationToken>,
    /// The parts that were read together, and up to which change; what was read first is in front.
    read: VecDeque<(i64, Vec<CancellationToken>)>,
    told: i64,
}

impl Default for Telling {
    fn default() -> Self {
        Self { state: Mutex::default(), free: Arc::new(Semaphore::new(MOST as usize)) }
    }
}

impl Telling {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to tell what was read up to a change: of each of these rooms a part, which is so many changes. Called by the one who reads.
    pub(super) async fn begin<F>(&self, up_to: i64, parts: impl IntoIterator<Item = (RoomId, usize, F)>)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut together = Vec::new();
        for (room, changes, part) in parts {
            let changes = u32::try_from(changes).unwrap_or(MOST).min(MOST);
            // It is never closed.
            let place = self.free.clone().acquire_many_owned(changes).await;
            let told = CancellationToken::new();
            let before = self.state().last.insert(room, told.clone());
            together.push(told.clone());
            tokio::spawn(async move {
                // However it ends, what comes behind it is told.
                let _told = told.drop_guard();
                let _place = place;
                if let Some(before) = before {
                    before.cancelled().await;
                }
                part.await;
            });
        }
        let mut state = self.state();
        state.read.push_back((up_to, together));
        state.tidy();
    }

    /// Waits until what was read of a room by now was told.
    pub(super) async fn until_told(&self, room: &RoomId) {
        let last = self.state().last.get(room).cloned();
        if let Some(last) = last {
            last.cancelled().await;
        }
    }

    /// The change up to which everything was told.
    pub(super) fn told(&self) -> i64 {
        let mut state = self.state();
        state.tidy();
        state.told
    }
}

impl State {
    fn tidy(&mut self) {
        let is_told =
            |(_, parts): &mut (i64, Vec<CancellationToken>)| parts.iter().all(CancellationToken::is_cancelled);
        while let Some((up_to, _)) = self.read.pop_front_if(is_told) {
            self.told = up_to;
        }
        self.last.retain(|_, told| !told.is_cancelled());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use tokio::{
        sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        time::timeout,
    };

    use super::*;

    /// Only how long a broken test hangs.
    const PATIENCE: Duration = Duration::from_secs(20);

    type Said = (&'static str, u8);

    /// Says a number in a room once it may; the number 0 breaks.
    fn part(
        said: &UnboundedSender<Said>,
        (room, number): Said,
        may: &CancellationToken,
    ) -> (RoomId, usize, impl Future<Output = ()> + Send + use<>) {
        let (said, may) = (said.clone(), may.clone());
        let telling = async move {
            may.cancelled().await;
            assert_ne!(number, 0, "as it is meant to");
            said.send((room, number)).unwrap();
        };
        (RoomId::new(room), 1, telling)
    }

    async fn next(heard: &mut UnboundedReceiver<Said>) -> Said {
        timeout(PATIENCE, heard.recv()).await.expect("something is said").unwrap()
    }

    fn now() -> CancellationToken {
        let now = CancellationToken::new();
        now.cancel();
        now
    }

    #[tokio::test]
    async fn a_room_whose_turn_another_has_holds_up_no_other_room_and_keeps_its_own_order() {
        let (said, mut heard) = unbounded_channel();
        let (telling, later) = (Telling::default(), CancellationToken::new());
        let begun = async {
            telling.begin(1, [part(&said, ("busy", 1), &later), part(&said, ("quiet", 1), &now())]).await;
            telling.begin(2, [part(&said, ("busy", 2), &now())]).await;
            telling.begin(3, [part(&said, ("quiet", 2), &now())]).await;
        };
        timeout(PATIENCE, begun).await.expect("reading goes on");
        for number in 1..=2 {
            assert_eq!(next(&mut heard).await, ("quiet", number));
        }
        telling.until_told(&RoomId::new("quiet")).await;
        assert_eq!(telling.told(), 0, "not all of what was read first was told");
        assert!(telling.until_told(&RoomId::new("busy")).now_or_never().is_none());

        later.cancel();
        telling.until_told(&RoomId::new("busy")).await;
        for number in 1..=2 {
            assert_eq!(heard.try_recv(), Ok(("busy", number)));
        }
        assert_eq!(telling.told(), 3);
        assert!(heard.is_empty(), "each once");
    }

    #[tokio::test]
    async fn what_comes_behind_a_part_that_breaks_is_told() {
        let (said, mut heard) = unbounded_channel();
        let telling = Telling::default();
        telling.begin(1, [part(&said, ("room", 0), &now())]).await;
        telling.begin(2, [part(&said, ("room", 1), &now())]).await;
        assert_eq!(next(&mut heard).await, ("room", 1));
        telling.until_told(&RoomId::new("room")).await;
        assert_eq!(telling.told(), 2);
    }

    #[tokio::test]
    async fn reading_waits_while_very_much_is_untold() {
        let (said, mut heard) = unbounded_channel();
        let (telling, later) = (Telling::default(), CancellationToken::new());
        let (room, _, first) = part(&said, ("room", 1), &later);
        telling.begin(1, [(room, usize::MAX, first)]).await;
        let mut second = Box::pin(telling.begin(2, [part(&said, ("room", 2), &now())]));
        assert!(second.as_mut().now_or_never().is_none());
        later.cancel();
        second.await;
        for number in 1..=2 {
            assert_eq!(next(&mut heard).await, ("room", number));
        }
    }
}
