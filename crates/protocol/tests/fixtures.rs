//! Every golden payload reads into its type and writes back to the same JSON; the TypeScript tests read the same files.

#![allow(clippy::expect_used, clippy::panic, reason = "all of this file is a test")]

use std::{collections::BTreeMap, fs, path::Path};

use hugmedo_chat_protocol::*;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

fn fixtures() -> BTreeMap<String, Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let files = fs::read_dir(folder).expect("the fixtures are there");
    files
        .map(|file| {
            let path = file.expect("readable").path();
            let name = path.file_stem().expect("named").to_string_lossy().into_owned();
            (name, serde_json::from_slice(&fs::read(&path).expect("readable")).expect("JSON"))
        })
        .collect()
}

/// Reads, with a field nobody knows beside it, and writes.
fn through<T: DeserializeOwned + Serialize>(value: &Value) -> Value {
    let mut noisy = value.clone();
    if let Value::Object(fields) = &mut noisy {
        fields.insert("aFieldOfTheFuture".to_owned(), json!({ "nested": [1, 2] }));
    }
    let typed: T = serde_json::from_value(noisy).expect("a golden payload fits its type");
    serde_json::to_value(typed).expect("and writes as JSON")
}

fn event_through<E: ClientEvent>(payload: &Value, ack: Option<&Value>) -> (Value, Option<Value>) {
    (through::<E>(payload), ack.map(through::<Ack<E::Answer>>))
}

fn client_event(name: &str, payload: &Value, ack: Option<&Value>) -> (Value, Option<Value>) {
    match name {
        "join_room" => event_through::<JoinRoom>(payload, ack),
        "leave_room" => event_through::<LeaveRoom>(payload, ack),
        "message" => event_through::<SendMessage>(payload, ack),
        "typing" => event_through::<Typing>(payload, ack),
        "read" => event_through::<Read>(payload, ack),
        "delivered" => event_through::<Delivered>(payload, ack),
        "acknowledge" => event_through::<Acknowledge>(payload, ack),
        "edit_message" => event_through::<EditMessage>(payload, ack),
        "delete_message" => event_through::<DeleteMessage>(payload, ack),
        "react" => event_through::<React>(payload, ack),
        "set_presence" => event_through::<SetPresence>(payload, ack),
        "renew" => event_through::<Renew>(payload, ack),
        "heartbeat" => event_through::<Heartbeat>(payload, ack),
        other => panic!("no type for the event {other}"),
    }
}

/// What we write may say more than the guide does: defaults of the extensions. Never less, never otherwise.
fn assert_says_all(written: &Value, golden: &Value, fixture: &str) {
    match (written, golden) {
        (Value::Object(written), Value::Object(golden)) => {
            for (field, expected) in golden {
                let field_name = format!("{fixture}.{field}");
                assert_says_all(
                    written.get(field).unwrap_or_else(|| panic!("{field_name} is lost")),
                    expected,
                    &field_name,
                );
            }
        }
        _ => assert_eq!(written, golden, "{fixture}"),
    }
}

#[test]
fn every_client_event_and_its_ack_survive_the_types() {
    let mut seen = 0;
    for (name, fixture) in fixtures().iter().filter(|(_, fixture)| fixture["direction"] == "client") {
        let event = fixture["event"].as_str().expect("an event name");
        let (payload, ack) = client_event(event, &fixture["payload"], fixture.get("ack"));
        assert_says_all(&payload, &fixture["payload"], name);
        assert_eq!(ack.as_ref(), fixture.get("ack"), "{name}: the ack");
        seen += 1;
    }
    assert!(seen >= 17, "the guide's four events, ours, and a refusal");
}

#[test]
fn every_server_event_survives_the_types_on_the_socket_and_in_a_sync_page() {
    for (name, fixture) in fixtures().iter().filter(|(_, fixture)| fixture["direction"] == "server") {
        let event = fixture["event"].as_str().expect("an event name");
        let typed = ServerEvent::parse(event, fixture["payload"].clone()).expect("fits its type");
        assert_eq!(typed.name(), event);
        assert_says_all(&typed.payload().expect("writes"), &fixture["payload"], name);
        let in_page = serde_json::to_value(&typed).expect("writes");
        assert_eq!(serde_json::from_value::<ServerEvent>(in_page).expect("reads"), typed, "{name}");
    }
}

#[test]
fn every_http_body_survives_the_types() {
    let fixtures = fixtures();
    let same = |name: &str, part: &str, through: fn(&Value) -> Value| {
        assert_says_all(&through(&fixtures[name][part]), &fixtures[name][part], name);
    };
    same("http_login", "request", through::<LoginRequest>);
    same("http_login", "answer", through::<SessionGrant>);
    same("http_token", "request", through::<TokenRequest>);
    same("http_token", "answer", through::<SessionGrant>);
    same("http_second_factor", "request", through::<SecondFactorRequest>);
    same("http_second_factor", "answer", through::<SecondFactorOffer>);
    same("http_second_factor_confirmed", "answer", through::<RecoveryCodes>);
    same("http_second_factor_status", "answer", through::<SecondFactorStatus>);
    same("http_devices", "answer", through::<DevicesList>);
    same("http_me", "answer", through::<User>);
    same("http_rooms", "answer", through::<RoomsList>);
    same("http_messages", "answer", through::<MessagesPage>);
    same("http_people", "answer", through::<PeopleList>);
    same("http_new_room", "request", through::<NewRoomRequest>);
    same("http_new_room", "answer", through::<Room>);
    same("http_attachment", "answer", through::<Attachment>);
    same("http_sync", "answer", through::<SyncPage>);
    same("http_error", "answer", through::<ApiError>);
    same("http_erase", "answer", through::<ApiError>);
    same("connect_auth", "request", through::<ConnectAuth>);
}

#[test]
fn a_baseline_message_is_written_without_any_extension_field() {
    let golden = &fixtures()["guide_new_message"]["payload"];
    let Ok(ServerEvent::NewMessage(message)) = ServerEvent::parse("new_message", golden.clone()) else {
        panic!("fits its type")
    };
    assert_eq!(serde_json::to_value(message).expect("writes"), *golden);
}

#[test]
fn a_payload_of_the_wrong_shape_is_an_error_that_does_not_quote_it() {
    for payload in [json!(null), json!([]), json!("text"), json!({}), json!({ "content": { "患者": "MARKER" } })] {
        let error = ServerEvent::parse("new_message", payload).expect_err("does not fit");
        assert!(!format!("{error} {error:?}").contains("MARKER"));
    }
}

#[test]
fn an_unknown_event_and_unknown_words_are_tolerated() {
    let unknown = ServerEvent::parse("from_the_future", json!({ "a": 1 }));
    assert_eq!(unknown, Ok(ServerEvent::Unknown("from_the_future".to_owned())));
    assert_eq!(serde_json::from_value::<UserType>(json!("robot")).ok(), Some(UserType::Unknown));
    assert_eq!(serde_json::from_value::<RoomKind>(json!("theatre")).ok(), Some(RoomKind::Staff));
    assert_eq!(serde_json::from_value::<Priority>(json!("whenever")).ok(), Some(Priority::Normal));
    assert_eq!(serde_json::from_value::<ErrorCode>(json!("teapot")).ok(), Some(ErrorCode::Unknown));
}

#[test]
fn a_number_is_read_as_an_id() {
    assert_eq!(serde_json::from_value::<MessageId>(json!(42)).ok(), Some("42".into()));
    assert!(serde_json::from_value::<MessageId>(json!({ "id": 42 })).is_err());
}

#[test]
fn nothing_private_shows_in_debug() {
    let message = ServerEvent::parse("new_message", fixtures()["new_message"]["payload"].clone()).expect("fits");
    let login: LoginRequest = serde_json::from_value(fixtures()["http_login"]["request"].clone()).expect("fits");
    let rooms: RoomsList = serde_json::from_value(fixtures()["http_rooms"]["answer"].clone()).expect("fits");
    let shown = format!("{message:?} {login:?} {rooms:?}");
    for private in ["血圧", "佐藤", "田中", "sample-password"] {
        assert!(!shown.contains(private), "{private} shows in Debug");
    }
}
