//! Who takes part in a simulation, where, and for how long.

use std::path::PathBuf;

use anyhow::{Context, Result};
use hugmedo_chat_core::view::{Credentials, SignInRequest};
use hugmedo_chat_protocol::{RoomId, RoomKind, Timestamp, User, UserId, UserType};
use tempfile::TempDir;

use super::{
    chance::Chance,
    computer::{Computer, copy},
    ledger::Ledger,
    post::{EPOCH_MS, Post, held},
    trace::Trace,
    weather::Weather,
};
use crate::MemorySecrets;

/// The same for every seed.
pub(super) struct Plan {
    pub(super) people: Vec<UserId>,
    pub(super) rooms: Vec<RoomId>,
    /// Whose each computer is.
    pub(super) computers: Vec<UserId>,
    pub(super) deeds: u64,
    /// How long the network is unkind.
    pub(super) unkind_ms: u64,
    /// Everything has to be right this much later.
    pub(super) patience_ms: u64,
}

impl Plan {
    /// Three people with four computers, and one who is elsewhere.
    pub(super) fn usual() -> Self {
        Self {
            people: ["sato", "suzuki", "tanaka", "ito"].map(UserId::from).to_vec(),
            rooms: ["ward", "round", "patient"].map(RoomId::from).to_vec(),
            computers: ["sato", "sato", "suzuki", "tanaka"].map(UserId::from).to_vec(),
            deeds: 60,
            unkind_ms: 60_000,
            patience_ms: 300_000,
        }
    }

    fn ledger(&self) -> Ledger {
        let mut ledger = Ledger::new(Timestamp::from_millis(EPOCH_MS), 3_600_000);
        for id in &self.people {
            ledger.add_user(User {
                id: id.clone(),
                name: id.as_str().into(),
                user_type: UserType::Clinician,
                role: None,
                avatar_url: None,
            });
        }
        for room in &self.rooms {
            let kind = if room.as_str() == "patient" { RoomKind::Patient } else { RoomKind::Staff };
            ledger.add_room(room.clone(), room.as_str(), kind);
            for user in &self.people {
                ledger.add_member(room, user);
            }
        }
        ledger
    }
}

/// What a person types to sign in.
pub(super) fn sign_in(user: &UserId) -> SignInRequest {
    SignInRequest {
        server: "https://hospital.invalid".to_owned(),
        credentials: Credentials::Password {
            username: user.as_str().to_owned(),
            password: "hugmedo-demo".into(),
            otp: None,
        },
        remember: true,
        allow_insecure: false,
    }
}

/// Computers on which someone has signed in, made once and copied for every seed, because making an encrypted store is most
/// of the work of a short run.
pub(super) struct Template {
    pub(super) ledger: Ledger,
    pub(super) computers: Vec<(PathBuf, MemorySecrets)>,
    _folder: TempDir,
}

impl Template {
    pub(super) fn make(plan: &Plan) -> Result<Self> {
        let folder = temporary()?;
        let chance = Chance::new(0);
        let post = Post::new(plan.ledger(), plan.computers.len(), Weather::default(), chance, Trace::new(false));
        let post = std::sync::Arc::new(std::sync::Mutex::new(post));
        let mut computers = Vec::new();
        for (index, user) in plan.computers.iter().enumerate() {
            let root = folder.path().join(index.to_string());
            let secrets = MemorySecrets::default();
            let stir = held(&post).outlets.get(index).context("an outlet for each computer")?.stir.clone();
            let mut computer =
                Computer::new(index, user.clone(), root.clone(), secrets.clone(), Chance::new(1), &post, stir);
            let now = held(&post).now;
            computer.switch_on(now)?;
            computer.work_steps(now, 200);
            let request = sign_in(user);
            computer.begin(async move |core: hugmedo_chat_core::Core| drop(core.sign_in(request).await));
            let mut world = held(&post).now;
            for _ in 0..2_000 {
                if computer.screen.lock().is_ok_and(|screen| screen.is_live()) {
                    break;
                }
                world += 5;
                computer.work_until(world);
                let mut post = held(&post);
                post.now = world;
                while post.deliver_next().is_some() {}
            }
            anyhow::ensure!(computer.screen.lock().is_ok_and(|screen| screen.is_live()), "nobody could sign in");
            computer.quit();
            computers.push((root.join("run-0"), secrets));
        }
        let ledger = held(&post).ledger.clone();
        Ok(Self { ledger, computers, _folder: folder })
    }

    /// A copy of a computer's folder and keychain.
    pub(super) fn copy(&self, index: usize, root: &std::path::Path) -> Result<MemorySecrets> {
        let (folder, secrets) = self.computers.get(index).context("no such computer")?;
        copy(folder, &root.join("run-0"))?;
        Ok(secrets.duplicate())
    }
}

/// In memory where there is a place for that: the disk is not what is tried here.
pub(super) fn temporary() -> Result<TempDir> {
    let shared = std::path::Path::new("/dev/shm");
    let builder = tempfile::Builder::new().prefix("hugmedo-chat-").to_owned();
    Ok(if shared.is_dir() { builder.tempdir_in(shared)? } else { builder.tempdir()? })
}
