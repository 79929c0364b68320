//! The people and rooms of a run, made before its server starts, and the server's terms.

use std::{path::Path, time::Duration};

use anyhow::Result;
use hugmedo_chat_protocol::{RoomId, RoomKind, Secret, UserId, UserType};
use hugmedo_chat_server::{Admin, Config, Rate};

/// The password of everyone in a run.
pub(crate) const PASSWORD: &str = "a password for runs";
/// How long an access token that is issued instead of a sign-in holds.
const TOKEN_TTL: Duration = Duration::from_secs(12 * 60 * 60);

/// Who is who in a run.
pub(crate) struct Ward {
    /// Everyone's name to sign in with, which is also the id.
    pub(crate) people: Vec<String>,
    /// The rooms.
    pub(crate) rooms: Vec<String>,
}

/// Who is in which room.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Membership {
    /// Everyone in all of them.
    Shared,
    /// Everyone in one of them, in turn.
    Apart,
    /// As `Apart`, and the first person in all of them.
    ApartButTheFirst,
    /// Whoever this says is, by the numbers of the person and the room.
    By(fn(usize, usize) -> bool),
}

impl Ward {
    /// Fills the store of a folder.
    pub(crate) async fn found(folder: &Path, people: usize, rooms: usize, membership: Membership) -> Result<Self> {
        let admin = Admin::open(folder)?;
        let people: Vec<String> = (0..people).map(|number| format!("person-{number}")).collect();
        let rooms: Vec<String> = (0..rooms).map(|number| format!("room-{number}")).collect();
        for person in &people {
            admin.add_user(person, PASSWORD, person.as_str(), UserType::Clinician).await?;
        }
        let ward = Self { people, rooms };
        for (number, room) in ward.rooms.iter().enumerate() {
            let room = admin.add_room(room, room.as_str(), RoomKind::Staff).await?;
            for (who, person) in ward.people.iter().enumerate() {
                let is_member = match membership {
                    Membership::Shared => true,
                    Membership::Apart => who % ward.rooms.len().max(1) == number,
                    Membership::By(is_member) => is_member(who, number),
                    Membership::ApartButTheFirst => who == 0 || who % ward.rooms.len().max(1) == number,
                };
                if is_member {
                    admin.add_member(&room, &UserId::new(person)).await?;
                }
            }
        }
        admin.close().await;
        Ok(ward)
    }

    /// Access tokens for all, in order: signing in hundreds by password would measure the hashing of passwords.
    pub(crate) async fn tokens(&self, folder: &Path) -> Result<Vec<Secret>> {
        let admin = Admin::open(folder)?;
        let mut tokens = Vec::new();
        for person in &self.people {
            tokens.push(admin.issue_token(&UserId::new(person), TOKEN_TTL).await?);
        }
        admin.close().await;
        Ok(tokens)
    }

    /// The room with this number, counted around: where the rooms are apart, the room of the person with this number.
    pub(crate) fn room(&self, number: usize) -> RoomId {
        let number = number.checked_rem(self.rooms.len()).unwrap_or_default();
        RoomId::new(self.rooms.get(number).cloned().unwrap_or_default())
    }
}

/// The server as it is, but for the limits on how often one person may do something: a run does in minutes what people do
/// in months.
pub(crate) fn terms(listen: std::net::SocketAddr, folder: &Path) -> Config {
    let mut config = Config::new(listen, folder);
    let plenty = Rate::new(100_000, 100_000);
    config.limits.messages = plenty;
    config.limits.typing = plenty;
    config.limits.signals = plenty;
    config.limits.reads = plenty;
    config.limits.connects = plenty;
    config.limits.socket_events = plenty;
    config.limits.socket_bytes = Rate::new(1 << 30, 1 << 30);
    config.limits.requests_per_address = plenty;
    config.limits.connections = 1_000_000;
    config.limits.connections_per_address = 1_000_000;
    config.limits.sockets_per_address = 1_000_000;
    config.limits.failed_logins_per_account = 10_000;
    config.limits.failed_logins_per_address = 10_000;
    config
}
