//! Who is at the other servers that work on the same store, as they say themselves.
//!
//! Invariant: a server that is not heard of for a while takes its people with it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use hugmedo_chat_protocol::UserId;

use super::{Stand, Status, tell_of};
use crate::app::App;

/// How long a server may be silent; it says that it is there every few seconds.
const SILENCE: Duration = Duration::from_secs(16);

#[derive(Debug)]
struct Node {
    heard: Instant,
    people: HashMap<UserId, Stand>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Elsewhere(Mutex<HashMap<String, Node>>);

impl Elsewhere {
    fn nodes(&self) -> MutexGuard<'_, HashMap<String, Node>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each server says of a person.
    pub(super) fn stands(&self, user: &UserId) -> Vec<Stand> {
        self.nodes().values().filter_map(|node| node.people.get(user).copied()).collect()
    }

    pub(super) fn has(&self, user: &UserId) -> bool {
        self.nodes().values().any(|node| node.people.contains_key(user))
    }

    /// Returns whether it is known who is there.
    pub(super) fn heard_of(&self, node: &str) -> bool {
        self.nodes().get_mut(node).map(|node| node.heard = Instant::now()).is_some()
    }

    /// What a person chose, for every server they are at, unless they chose something else since.
    pub(super) fn chosen(&self, user: &UserId, chosen: Stand) {
        for node in self.nodes().values_mut() {
            if let Some(stand) = node.people.get_mut(user) {
                *stand = chosen.max(*stand);
            }
        }
    }

    /// Changes what a server says.
    fn change(&self, node: &str, change: impl FnOnce(&mut HashMap<UserId, Stand>)) {
        let mut nodes = self.nodes();
        let node =
            nodes.entry(node.to_owned()).or_insert_with(|| Node { heard: Instant::now(), people: HashMap::new() });
        node.heard = Instant::now();
        change(&mut node.people);
    }

    fn people_of(&self, node: &str) -> Vec<UserId> {
        self.nodes().get(node).map(|node| node.people.keys().cloned().collect()).unwrap_or_default()
    }

    fn remove_silent(&self) -> Vec<HashMap<UserId, Stand>> {
        self.nodes().extract_if(|_, node| node.heard.elapsed() > SILENCE).map(|(_, node)| node.people).collect()
    }
}

/// Another server says who is there; whoever it does not name is not.
pub(crate) fn others_are(app: &Arc<App>, node: &str, people: Vec<(UserId, Stand)>) {
    let mut concerned = app.presence.elsewhere.people_of(node);
    concerned.extend(people.iter().map(|(user, _)| user.clone()));
    let before = statuses(app, concerned);
    app.presence.elsewhere.change(node, |known| *known = people.into_iter().collect());
    tell_changed(app, before);
}

/// Another server says how one person stands there; `None` if they are gone.
pub(crate) fn other_is(app: &Arc<App>, node: &str, user: UserId, stand: Option<Stand>) {
    let before = statuses(app, vec![user.clone()]);
    app.presence.elsewhere.change(node, |known| match stand {
        Some(stand) => {
            known.insert(user, stand);
        }
        None => {
            known.remove(&user);
        }
    });
    tell_changed(app, before);
}

/// A person chose a status at another server.
pub(crate) fn other_chose(app: &Arc<App>, user: UserId, stand: Stand) {
    let before = statuses(app, vec![user.clone()]);
    app.presence.set(&user, stand);
    tell_changed(app, before);
}

/// Forgets servers that are silent, and who was there.
pub(crate) async fn forget_silent(app: &Arc<App>) {
    let gone: Vec<(UserId, Option<Status>)> = app
        .presence
        .elsewhere
        .remove_silent()
        .into_iter()
        .flatten()
        .map(|(user, stand)| (user, Some(stand.status)))
        .collect();
    tell_changed(app, gone);
}

fn statuses(app: &App, people: Vec<UserId>) -> Vec<(UserId, Option<Status>)> {
    people.into_iter().map(|user| (user.clone(), app.presence.status(&user))).collect()
}

/// Tells those around everyone who can now be reached otherwise than before.
fn tell_changed(app: &Arc<App>, before: Vec<(UserId, Option<Status>)>) {
    let changed: Vec<UserId> = before
        .into_iter()
        .filter(|(user, status)| app.presence.status(user) != *status)
        .map(|(user, _)| user)
        .collect();
    if changed.is_empty() {
        return;
    }
    let app = app.clone();
    tokio::spawn(async move {
        let _turn = app.presence.turn.lock().await;
        for user in changed {
            // As it is by now: the last that is told is what holds.
            tell_of(&app, &user, app.presence.status(&user).unwrap_or(Status::Offline)).await;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::{super::Presence, *};

    /// bob, here and at another server, where he is busy from then on.
    fn busy_elsewhere(since: i64) -> (Presence, UserId) {
        let (presence, bob) = (Presence::default(), UserId::new("bob"));
        presence.count(&bob);
        presence.elsewhere.change("another", |people| {
            people.insert(bob.clone(), Stand { since, status: Status::Busy });
        });
        (presence, bob)
    }

    #[test]
    fn what_a_person_chose_last_holds_in_whatever_order_it_is_heard() {
        let now = Stand::now(Status::Available).since;
        let chosen = [(2_000, Status::Away), (3_000, Status::OnCall), (3_000, Status::Available)]
            .map(|(later, status)| Stand { since: now + later, status });
        for order in [[0, 1, 2], [1, 0, 2], [2, 1, 0]] {
            let (presence, bob) = busy_elsewhere(now + 1_000);
            for choice in order {
                presence.set(&bob, chosen[choice]);
            }
            assert_eq!(presence.status(&bob), Some(Status::OnCall), "{order:?}");
            // Also once he is at one of the two only.
            assert_eq!(presence.elsewhere.stands(&bob), [chosen[1]], "{order:?}");
            assert_eq!(presence.all_here(), [(bob, chosen[1])], "{order:?}");
        }
    }

    #[test]
    fn what_is_chosen_here_holds_although_the_clock_of_another_server_is_ahead() {
        let (presence, bob) = busy_elsewhere(Stand::now(Status::Available).since + 60_000);
        assert_eq!(presence.status(&bob), Some(Status::Busy));
        presence.set(&bob, presence.choose(&bob, Status::Away));
        assert_eq!(presence.status(&bob), Some(Status::Away));
    }
}
