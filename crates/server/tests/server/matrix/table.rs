//! Who may do what, as one table: every event on a socket, every event as a call, every route.
//!
//! This is written down a second time on purpose: it is what the server is held against, so it knows nothing of its code.

use serde_json::{Value, json};

use super::people::{Person, Standing, Type};

/// Whom an entry is open to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Rule {
    /// Everyone, without a session.
    Anyone,
    /// Nobody who does not bring what makes a session; the table brings something wrong.
    Credentials,
    /// Whoever has a live session.
    Session,
    /// The same, and what is brought is of no use even to them: a token whose time is over.
    SessionAlone,
    /// Whose device it is; the table asks for somebody else's, which is as if it were not there.
    OwnDevice,
    /// Members of the place.
    Member,
    /// Members who may write there: in announcements those who work here.
    Poster,
    /// Those who said it and may write there.
    Author,
    /// Alice, where she may write: it is about what she said.
    AlicesWord,
    /// Whoever is in any room.
    InAnyRoom,
    /// Those who work here.
    WorksHere,
    /// Those who work here and share a room, announcements left out, with the patient they ask for.
    CarerOfCarol,
    /// Alice alone, whose file it is.
    Alice,
    /// Administrators.
    Administrator,
    /// Administrators, who are told that what they wish cannot be; nobody else learns even that.
    AdministratorAlone,
    /// Nobody.
    Nobody,
}

/// What the server has to answer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Answer {
    Granted,
    Refused(&'static str),
}

/// A room as the table knows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place {
    pub(super) room: &'static str,
    pub(super) is_announcement: bool,
}

/// For what is done in rooms: one of each kind, and one that is not there.
pub(super) const PLACES: [Place; 4] = [
    Place { room: "ward", is_announcement: false },
    Place { room: "carol", is_announcement: false },
    Place { room: "news", is_announcement: true },
    Place { room: "nowhere", is_announcement: false },
];

impl Rule {
    /// Whether it is about a place.
    pub(super) fn is_local(self) -> bool {
        matches!(self, Self::Member | Self::Poster | Self::Author | Self::AlicesWord | Self::Nobody)
    }

    pub(super) fn answer(self, person: &Person, place: Place) -> Answer {
        match self {
            Self::Anyone => return Answer::Granted,
            Self::Credentials => return Answer::Refused("unauthorized"),
            _ => {}
        }
        match person.standing {
            Standing::Live => {}
            Standing::Expired => return Answer::Refused("token_expired"),
            Standing::Over => return Answer::Refused("unauthorized"),
        }
        match self {
            Self::SessionAlone => return Answer::Refused("token_expired"),
            Self::OwnDevice => return Answer::Refused("not_found"),
            Self::AdministratorAlone if person.is_admin => return Answer::Refused("bad_request"),
            _ => {}
        }
        let works_here = person.user_type != Type::Patient;
        let is_member = person.rooms.contains(&place.room);
        let may_post = is_member && (works_here || !place.is_announcement);
        let is_open = match self {
            Self::Anyone | Self::Session => true,
            Self::Member => is_member,
            Self::Poster => may_post,
            // Everyone who can, or could, has said what they try to change; see `Stage::ask`.
            Self::Author => may_post,
            Self::AlicesWord => may_post && person.name == "alice",
            Self::InAnyRoom => !person.rooms.is_empty(),
            Self::WorksHere => works_here,
            Self::CarerOfCarol => works_here && person.rooms.contains(&"carol"),
            Self::Alice => person.name == "alice",
            Self::Administrator => person.is_admin,
            Self::Credentials | Self::SessionAlone | Self::OwnDevice | Self::AdministratorAlone | Self::Nobody => false,
        };
        if is_open { Answer::Granted } else { Answer::Refused("forbidden") }
    }
}

/// Something that can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// An event on a socket.
    Event(&'static str),
    /// The same as a call of `POST /api/events/{event}`.
    Call(&'static str),
    /// A method and a path.
    Route(&'static str, &'static str),
}

/// What an entry is tried with.
pub(super) struct Props<'a> {
    pub(super) room: &'a str,
    /// A message of the room: of the person's own saying if they ever could say any.
    pub(super) own: &'a str,
    /// A message of the room that alice said.
    pub(super) alices: &'a str,
    /// A message of another room, which alice said.
    pub(super) elsewhere: &'a str,
    /// A file that a message of the room carries.
    pub(super) file: &'a str,
    /// A file of alice's that no message carries.
    pub(super) waiting: &'a str,
    /// A fresh token of the person, where there can be one.
    pub(super) fresh: &'a str,
    /// A token of the person whose time is over, where there can be one.
    pub(super) ended: &'a str,
    /// A token of somebody else.
    pub(super) anothers: &'a str,
    /// A number that no other trial has.
    pub(super) unique: usize,
}

pub(super) struct Entry {
    pub(super) what: What,
    pub(super) rule: Rule,
    /// The path, for a route with places to fill, and the body or payload.
    pub(super) wish: fn(&Props<'_>) -> Wish,
}

#[derive(Debug)]
pub(super) struct Wish {
    pub(super) path: Option<String>,
    pub(super) body: Value,
}

fn body(body: Value) -> Wish {
    Wish { path: None, body }
}

fn at(path: impl Into<String>, body: Value) -> Wish {
    Wish { path: Some(path.into()), body }
}

/// Makes an event's payload.
type Payload = fn(&Props<'_>) -> Value;

/// What is done in rooms, by socket and by call alike.
const IN_ROOMS: &[(&str, Rule, Payload)] = &[
    ("join_room", Rule::Member, |p| json!({ "roomId": p.room })),
    ("join_room", Rule::Nobody, |p| json!({ "roomId": p.room, "userId": "somebody" })),
    ("leave_room", Rule::Member, |p| json!({ "roomId": p.room })),
    ("leave_room", Rule::Nobody, |p| json!({ "roomId": p.room, "userId": "somebody" })),
    ("message", Rule::Poster, |p| json!({ "roomId": p.room, "content": "canary" })),
    ("message", Rule::Nobody, |p| json!({ "roomId": p.room, "content": "canary", "userId": "somebody" })),
    ("typing", Rule::Poster, |p| json!({ "roomId": p.room, "isTyping": true })),
    ("typing", Rule::Nobody, |p| json!({ "roomId": p.room, "isTyping": true, "userId": "somebody" })),
    ("read", Rule::Member, |p| json!({ "roomId": p.room, "upToSeq": 1 })),
    ("delivered", Rule::Member, |p| json!({ "roomId": p.room, "upToSeq": 1 })),
    ("acknowledge", Rule::Member, |p| json!({ "roomId": p.room, "messageId": p.alices })),
    ("react", Rule::Member, |p| json!({ "roomId": p.room, "messageId": p.alices, "emoji": "👍", "on": true })),
    ("edit_message", Rule::Author, |p| json!({ "roomId": p.room, "messageId": p.own, "content": "canary" })),
    ("edit_message", Rule::AlicesWord, |p| json!({ "roomId": p.room, "messageId": p.alices, "content": "canary" })),
    ("delete_message", Rule::Author, |p| json!({ "roomId": p.room, "messageId": p.own })),
    ("delete_message", Rule::AlicesWord, |p| json!({ "roomId": p.room, "messageId": p.alices })),
    ("acknowledge", Rule::Nobody, |p| json!({ "roomId": p.room, "messageId": p.elsewhere })),
    ("react", Rule::Nobody, |p| json!({ "roomId": p.room, "messageId": p.elsewhere, "emoji": "👍", "on": true })),
    ("edit_message", Rule::Nobody, |p| json!({ "roomId": p.room, "messageId": p.elsewhere, "content": "canary" })),
    ("set_presence", Rule::Session, |_| json!({ "status": "busy" })),
    ("renew", Rule::Session, |p| json!({ "token": p.fresh })),
    ("renew", Rule::SessionAlone, |p| json!({ "token": p.ended })),
    ("renew", Rule::Nobody, |p| json!({ "token": p.anothers })),
    ("heartbeat", Rule::Session, |_| json!({})),
];

/// Events that are about a socket, or have a route of their own.
pub(super) const NO_CALLS: [&str; 3] = ["join_room", "leave_room", "message"];

/// Every event twice over.
pub(super) fn events() -> Vec<(What, Rule, Payload)> {
    let mut all = Vec::new();
    for (name, rule, payload) in IN_ROOMS {
        all.push((What::Event(name), *rule, *payload));
        if !NO_CALLS.contains(name) {
            all.push((What::Call(name), *rule, *payload));
        }
    }
    all
}

const NONE: Value = Value::Null;

pub(super) const ROUTES: &[Entry] = &[
    Entry { what: What::Route("GET", "/healthz"), rule: Rule::Anyone, wish: |_| body(NONE) },
    Entry { what: What::Route("GET", "/readyz"), rule: Rule::Anyone, wish: |_| body(NONE) },
    // From this machine, as every test is.
    Entry { what: What::Route("GET", "/metrics"), rule: Rule::Anyone, wish: |_| body(NONE) },
    Entry {
        what: What::Route("POST", "/api/login"),
        rule: Rule::Credentials,
        wish: |_| body(json!({ "username": "alice", "password": "not hers" })),
    },
    Entry {
        what: What::Route("POST", "/api/token"),
        rule: Rule::Credentials,
        wish: |_| body(json!({ "refreshToken": "made-up" })),
    },
    // These three ask for the password, whoever is signed in.
    Entry {
        what: What::Route("POST", "/api/second-factor"),
        rule: Rule::Credentials,
        wish: |_| body(json!({ "username": "alice", "password": "not hers" })),
    },
    Entry {
        what: What::Route("POST", "/api/second-factor/confirm"),
        rule: Rule::Credentials,
        wish: |_| body(json!({ "username": "alice", "password": "not hers" })),
    },
    Entry {
        what: What::Route("POST", "/api/second-factor/remove"),
        rule: Rule::Credentials,
        wish: |_| body(json!({ "username": "alice", "password": "not hers" })),
    },
    Entry { what: What::Route("GET", "/api/second-factor"), rule: Rule::Session, wish: |_| body(NONE) },
    Entry { what: What::Route("GET", "/api/devices"), rule: Rule::Session, wish: |_| body(NONE) },
    Entry {
        what: What::Route("POST", "/api/devices/{device}/revoke"),
        rule: Rule::OwnDevice,
        wish: |_| at("/api/devices/spare-pc/revoke", NONE),
    },
    Entry { what: What::Route("GET", "/api/me"), rule: Rule::Session, wish: |_| body(NONE) },
    Entry { what: What::Route("GET", "/api/people"), rule: Rule::Session, wish: |_| body(NONE) },
    Entry { what: What::Route("GET", "/api/rooms"), rule: Rule::Session, wish: |_| body(NONE) },
    Entry { what: What::Route("GET", "/api/sync"), rule: Rule::Session, wish: |_| body(NONE) },
    // Before the groups, which bring some of the strangers into a room.
    Entry { what: What::Route("POST", "/api/attachments"), rule: Rule::InAnyRoom, wish: |_| body(NONE) },
    Entry {
        what: What::Route("POST", "/api/rooms"),
        rule: Rule::WorksHere,
        wish: |p| body(json!({ "name": format!("group {}", p.unique), "memberIds": ["colleague"] })),
    },
    Entry {
        what: What::Route("POST", "/api/rooms"),
        rule: Rule::CarerOfCarol,
        wish: |p| body(json!({ "name": format!("group {}", p.unique), "memberIds": ["carol", "colleague"] })),
    },
    Entry {
        what: What::Route("GET", "/api/rooms/{room}/messages"),
        rule: Rule::Member,
        wish: |p| at(format!("/api/rooms/{}/messages", p.room), NONE),
    },
    Entry {
        what: What::Route("POST", "/api/rooms/{room}/messages"),
        rule: Rule::Poster,
        wish: |p| at(format!("/api/rooms/{}/messages", p.room), json!({ "content": "canary" })),
    },
    Entry {
        what: What::Route("GET", "/api/attachments/{id}"),
        rule: Rule::Member,
        wish: |p| at(format!("/api/attachments/{}", p.file), NONE),
    },
    Entry {
        what: What::Route("GET", "/api/attachments/{id}"),
        rule: Rule::Alice,
        wish: |p| at(format!("/api/attachments/{}", p.waiting), NONE),
    },
    Entry {
        what: What::Route("GET", "/api/attachments/{id}/thumbnail"),
        rule: Rule::Member,
        wish: |p| at(format!("/api/attachments/{}/thumbnail", p.file), NONE),
    },
    Entry { what: What::Route("POST", "/api/logout"), rule: Rule::Session, wish: |_| body(NONE) },
    Entry { what: What::Route("GET", "/api/admin/users"), rule: Rule::Administrator, wish: |_| body(NONE) },
    Entry {
        what: What::Route("POST", "/api/admin/users"),
        rule: Rule::Administrator,
        wish: |p| {
            let name = format!("new-{}", p.unique);
            body(json!({ "username": name, "password": "a long password", "name": "New", "userType": "staff" }))
        },
    },
    Entry {
        what: What::Route("POST", "/api/admin/users/{user}/password"),
        rule: Rule::Administrator,
        wish: |_| at("/api/admin/users/spare/password", json!({ "password": "another password" })),
    },
    Entry {
        what: What::Route("POST", "/api/admin/users/{user}/password"),
        rule: Rule::AdministratorAlone,
        wish: |_| at("/api/admin/users/spare/password", json!({ "password": "short" })),
    },
    Entry {
        what: What::Route("POST", "/api/admin/users/{user}/reset-second-factor"),
        rule: Rule::Administrator,
        wish: |_| at("/api/admin/users/spare/reset-second-factor", NONE),
    },
    Entry {
        what: What::Route("POST", "/api/admin/users/{user}/admin"),
        rule: Rule::Administrator,
        wish: |_| at("/api/admin/users/spare/admin", json!({ "on": true })),
    },
    Entry {
        what: What::Route("POST", "/api/admin/users/{user}/on-call"),
        rule: Rule::Administrator,
        wish: |_| at("/api/admin/users/spare/on-call", json!({ "on": true })),
    },
    Entry {
        what: What::Route("GET", "/api/admin/users/{user}/devices"),
        rule: Rule::Administrator,
        wish: |_| at("/api/admin/users/spare/devices", NONE),
    },
    Entry {
        what: What::Route("POST", "/api/admin/users/{user}/devices/{device}/revoke"),
        rule: Rule::Administrator,
        wish: |_| at("/api/admin/users/spare/devices/spare-pc/revoke", NONE),
    },
    Entry {
        what: What::Route("POST", "/api/admin/users/{user}/disable"),
        rule: Rule::Administrator,
        wish: |_| at("/api/admin/users/spare/disable", NONE),
    },
    Entry { what: What::Route("GET", "/api/admin/rooms"), rule: Rule::Administrator, wish: |_| body(NONE) },
    Entry {
        what: What::Route("POST", "/api/admin/rooms"),
        rule: Rule::Administrator,
        wish: |p| body(json!({ "id": format!("annex-{}", p.unique), "name": "Annex", "kind": "staff" })),
    },
    Entry {
        what: What::Route("POST", "/api/admin/rooms/{room}/members"),
        rule: Rule::Administrator,
        wish: |_| at("/api/admin/rooms/annex/members", json!({ "userId": "colleague", "on": true })),
    },
    Entry {
        what: What::Route("POST", "/api/admin/rooms/{room}/escalation"),
        rule: Rule::Administrator,
        wish: |_| at("/api/admin/rooms/annex/escalation", json!({ "afterMinutes": 5 })),
    },
    Entry {
        what: What::Route("POST", "/api/admin/rooms/{room}/hold"),
        rule: Rule::Administrator,
        wish: |_| at("/api/admin/rooms/annex/hold", json!({ "on": true })),
    },
    Entry { what: What::Route("GET", "/api/admin/retention"), rule: Rule::Administrator, wish: |_| body(NONE) },
    Entry {
        what: What::Route("POST", "/api/admin/retention"),
        rule: Rule::Administrator,
        wish: |_| body(json!({ "kind": "staff", "days": 3650 })),
    },
    Entry { what: What::Route("GET", "/api/admin/audit"), rule: Rule::Administrator, wish: |_| body(NONE) },
];
