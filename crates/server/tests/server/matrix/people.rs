//! Who tries: everyone by what they are to a room and to the server.

use std::time::Duration;

use hugmedo_chat_protocol::{RoomKind, UserId, UserType};
use hugmedo_chat_server::Admin;
use serde_json::json;

use crate::{
    backing,
    hospital::{Hospital, PASSWORD, room, user},
    wire::Wire,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Clinician,
    Staff,
    Patient,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Live,
    /// The token's time is over.
    Expired,
    /// The account is closed, the session ended, the token unknown or missing.
    Over,
}

pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) user_type: Type,
    pub(super) rooms: &'static [&'static str],
    pub(super) is_admin: bool,
    pub(super) standing: Standing,
    pub(super) token: Option<String>,
    /// Another of theirs, whose time is over.
    pub(super) ended: Option<String>,
    /// What they said in which room before they were taken out of it.
    pub(super) said: Vec<(&'static str, String)>,
    /// Of those who can open one, or could once.
    pub(super) wire: Option<Wire>,
}

const EVERYWHERE: &[&str] = &["ward", "carol", "news"];
const NOWHERE: &[&str] = &[];

/// Name, what they are, where they are members in the end, whether they administer, how their session stands.
const PEOPLE: &[(&str, Type, &[&str], bool, Standing)] = &[
    ("alice", Type::Clinician, EVERYWHERE, false, Standing::Live),
    ("bob", Type::Clinician, EVERYWHERE, false, Standing::Live),
    ("staff", Type::Staff, EVERYWHERE, false, Standing::Live),
    ("carol", Type::Patient, &["carol", "news"], false, Standing::Live),
    // Was of the staff, and said something where patients only read.
    ("patient-now", Type::Patient, &["carol", "news"], false, Standing::Live),
    // A patient of another room.
    ("frank", Type::Patient, &["frank", "news"], false, Standing::Live),
    // Was a member everywhere, said things there, and is one no more.
    ("former", Type::Clinician, NOWHERE, false, Standing::Live),
    // The same, removed by another process while a socket of theirs had joined.
    ("former-live", Type::Clinician, NOWHERE, false, Standing::Live),
    ("stranger", Type::Clinician, NOWHERE, false, Standing::Live),
    ("stranger-staff", Type::Staff, NOWHERE, false, Standing::Live),
    ("admin", Type::Staff, NOWHERE, true, Standing::Live),
    ("admin-once", Type::Staff, NOWHERE, false, Standing::Live),
    ("disabled", Type::Clinician, EVERYWHERE, false, Standing::Over),
    // Closed by another process while a socket of theirs had joined.
    ("disabled-live", Type::Clinician, EVERYWHERE, false, Standing::Over),
    ("disabled-admin", Type::Staff, EVERYWHERE, true, Standing::Over),
    ("signed-out", Type::Clinician, EVERYWHERE, false, Standing::Over),
    ("expired", Type::Clinician, EVERYWHERE, false, Standing::Expired),
    ("unknown", Type::Clinician, EVERYWHERE, true, Standing::Over),
    ("anonymous", Type::Clinician, EVERYWHERE, true, Standing::Over),
];

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Everyone of [`PEOPLE`] as they are in the end, in a hospital with the rooms of the table.
pub(super) async fn gather(hospital: &Hospital) -> Vec<Person> {
    let admin = hospital.server.admin();
    let mut people = Vec::new();
    admin.add_room("frank", "frank", RoomKind::Patient).await.unwrap();
    admin.add_room("annex", "annex", RoomKind::Staff).await.unwrap();
    for name in ["colleague", "spare"] {
        admin.add_user(name, PASSWORD, name, UserType::Clinician).await.unwrap();
    }
    let sign_in = json!({ "username": "spare", "password": PASSWORD, "deviceId": "spare-pc" });
    hospital.call(reqwest::Method::POST, "/api/login", None, Some(sign_in)).await;
    for (name, user_type, rooms, is_admin, standing) in PEOPLE.iter().copied() {
        let (token, ended, said, wire) = Default::default();
        let mut person = Person { name, user_type, rooms, is_admin, standing, token, ended, said, wire };
        match name {
            "anonymous" => {}
            "unknown" => person.token = Some("made-up".to_owned()),
            _ => arrive(hospital, &mut person).await,
        }
        people.push(person);
    }
    depart(hospital, &mut people).await;
    people
}

/// Gives a person an account, a token and, for most, an open socket.
async fn arrive(hospital: &Hospital, person: &mut Person) {
    let admin = hospital.server.admin();
    let id = UserId::new(person.name);
    let user_type = match person.user_type {
        Type::Clinician => UserType::Clinician,
        Type::Staff => UserType::Staff,
        Type::Patient if person.name == "patient-now" => UserType::Staff,
        Type::Patient => UserType::Patient,
    };
    // Three of them are there already.
    let _ = admin.add_user(person.name, PASSWORD, person.name, user_type).await;
    let was_in = if person.name.starts_with("former") { EVERYWHERE } else { person.rooms };
    for place in was_in {
        admin.add_member(&room(place), &id).await.unwrap();
    }
    if person.is_admin || person.name == "admin-once" {
        admin.set_admin(&id, true).await.unwrap();
    }
    let ttl = if person.standing == Standing::Expired { Duration::ZERO } else { DAY };
    let token = admin.issue_token(&id, ttl).await.unwrap().expose().to_owned();
    person.ended = Some(admin.issue_token(&id, Duration::ZERO).await.unwrap().expose().to_owned());
    if was_in != person.rooms || person.name == "patient-now" {
        for place in was_in {
            let path = format!("/api/rooms/{place}/messages");
            let said = json!({ "content": "canary" });
            let (_, answer) = hospital.call(reqwest::Method::POST, &path, Some(&token), Some(said)).await;
            person.said.push((place, answer["id"].as_str().unwrap().to_owned()));
        }
    }
    if person.standing == Standing::Live || person.name.ends_with("-live") {
        let mut wire = Wire::connect(&hospital.url(), &token).await;
        for place in was_in {
            wire.ask("join_room", json!({ "roomId": place })).await;
        }
        person.wire = Some(wire);
    }
    person.token = Some(token);
}

/// Takes from people what they had, some of it behind the running server's back: it must not need to be told.
async fn depart(hospital: &Hospital, people: &mut [Person]) {
    let behind = Admin::open_with(hospital.folder(), backing::database(hospital.folder()).as_ref()).unwrap();
    let admin = hospital.server.admin();
    for person in people {
        let id = user(person.name);
        match person.name {
            "former" => {
                for place in EVERYWHERE {
                    admin.remove_member(&room(place), &id).await.unwrap();
                }
            }
            "former-live" => {
                for place in EVERYWHERE {
                    behind.remove_member(&room(place), &id).await.unwrap();
                }
            }
            "disabled" | "disabled-admin" => admin.disable_user(&id).await.unwrap(),
            "disabled-live" => behind.disable_user(&id).await.unwrap(),
            "admin-once" => admin.set_admin(&id, false).await.unwrap(),
            "patient-now" => {
                let change = "UPDATE user SET user_type = 'patient' WHERE id = 'patient-now'";
                backing::Store::of(hospital.folder()).change(change);
            }
            "signed-out" => {
                let token = person.token.as_deref();
                hospital.call(reqwest::Method::POST, "/api/logout", token, None).await;
            }
            _ => {}
        }
    }
    behind.close().await;
}
