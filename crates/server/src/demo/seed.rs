//! Filling an empty store with the sample hospital.

use std::{sync::Arc, time::Duration};

use hugmedo_chat_protocol::{RoomId, RoomKind, Seq, UserId, UserType};
use jiff::Zoned;

use super::script::{self, Line};
use crate::{
    admin::Admin,
    app::App,
    authorize,
    credential::TokenHash,
    error::Error,
    failure::Failure,
    sign_in,
    store::{StoreError, messages, receipts, sessions, sql::Transaction, users},
};

/// Everybody's. It is in the contract, which is why the sample hospital never leaves the loopback interface.
const PASSWORD: &str = "hugmedo-demo";
/// How long an urgent message of the ward may wait for someone to take it on.
const ESCALATE_AFTER: Duration = Duration::from_secs(5 * 60);

/// User name, name, type, role.
const PEOPLE: &[(&str, &str, UserType, Option<&str>)] = &[
    ("sato", "佐藤 恵", UserType::Clinician, Some("病棟看護師")),
    ("suzuki", "鈴木 健一", UserType::Clinician, Some("内科医")),
    ("yamada", "山田 さくら", UserType::Clinician, Some("薬剤師")),
    ("tanaka", "田中 花子", UserType::Patient, None),
    ("admin", "高橋 直樹", UserType::Staff, Some("システム管理")),
];

/// Room id, name, kind, members.
const ROOMS: &[(&str, &str, RoomKind, &[&str])] = &[
    ("general", "3階東病棟", RoomKind::Staff, &["sato", "suzuki", "yamada", "admin"]),
    ("support", "院内サポート", RoomKind::Staff, &["sato", "suzuki", "yamada", "admin"]),
    ("announcements", "お知らせ", RoomKind::Announcement, &["sato", "suzuki", "yamada", "tanaka", "admin"]),
    ("patient-tanaka", "田中 花子さん", RoomKind::Patient, &["sato", "suzuki", "tanaka"]),
];

/// How many of a room's last lines sato has not read yet.
const UNREAD_BY_SATO: &[(&str, u64)] = &[("general", 4), ("patient-tanaka", 2), ("announcements", 1)];

/// Fills the store, unless somebody is in it already.
pub(crate) async fn fill(app: &Arc<App>, admin: &Admin) -> Result<(), Error> {
    if app.store.read(users::any).await? {
        return Ok(());
    }
    for (username, name, user_type, role) in PEOPLE {
        admin.add_person(username, PASSWORD.into(), (*name).into(), *user_type, role.map(str::to_owned)).await?;
    }
    for (id, name, kind, members) in ROOMS {
        let room = admin.add_room(id, *name, *kind).await?;
        for member in *members {
            admin.add_member(&room, &UserId::new(*member)).await?;
        }
    }
    admin.set_admin(&UserId::new("admin"), true).await?;
    admin.set_on_call(&UserId::new("yamada"), true).await?;
    admin.set_escalation(&RoomId::new("general"), Some(ESCALATE_AFTER)).await?;
    app.store.write(talk).await.map_err(|failure: Failure| match failure {
        Failure::Store(error) => Error::Store(error),
        // The sample data breaks a rule of the server: a mistake of this version, caught by its tests.
        Failure::Refused(_) => Error::Store(StoreError::Unreadable("sample data")),
    })?;
    tracing::info!("filled the empty store with the sample hospital");
    Ok(())
}

/// By the rules that hold for everyone, in one transaction.
fn talk(tx: &Transaction<'_>) -> Result<(), Failure> {
    let now = Zoned::now();
    let mut tokens = Vec::new();
    let mut sessions_opened = Vec::new();
    for (username, ..) in PEOPLE {
        let (token, session) = sign_in::issue(tx, &UserId::new(*username), Duration::from_secs(60))?;
        tokens.push((*username, TokenHash::of(&token)));
        sessions_opened.push(session);
    }
    for (room, text) in script::TALK {
        let room = RoomId::new(*room);
        for line in text.lines() {
            let line = script::read(line, &now).ok_or(StoreError::Unreadable("line of sample data"))?;
            say(tx, &tokens, &room, &line)?;
        }
    }
    for (username, token) in &tokens {
        for (room, _, _, members) in ROOMS {
            if members.contains(username) {
                catch_up(tx, username, token, room)?;
            }
        }
    }
    for session in sessions_opened {
        sessions::end(tx, &session)?;
    }
    Ok(())
}

fn say(tx: &Transaction<'_>, tokens: &[(&str, TokenHash)], room: &RoomId, line: &Line<'_>) -> Result<(), Failure> {
    let (_, token) = tokens.iter().find(|(who, _)| *who == line.who).ok_or_else(Failure::forbidden)?;
    let who = authorize::principal(tx, token)?;
    let poster = authorize::member(tx, &who, room)?.may_post()?;
    messages::insert(tx, &poster, &who, super::wish(room, line.text, line.priority), line.at)?;
    Ok(())
}

/// Everyone has read everything, but for what waits for sato.
fn catch_up(tx: &Transaction<'_>, username: &str, token: &TokenHash, room: &str) -> Result<(), Failure> {
    let who = authorize::principal(tx, token)?;
    let member = authorize::member(tx, &who, &RoomId::new(room))?;
    let waiting = UNREAD_BY_SATO.iter().find(|(unread, _)| *unread == room && username == "sato");
    let up_to = member.last_seq().get().saturating_sub(waiting.map_or(0, |(_, count)| *count));
    receipts::delivered(tx, &member, member.last_seq())?;
    receipts::read(tx, &member, Seq::new(up_to))?;
    Ok(())
}
