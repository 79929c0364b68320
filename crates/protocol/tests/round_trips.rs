//! Any message, ack or page survives being written and read, whatever text is in it.

use hugmedo_chat_protocol::*;
use proptest::prelude::*;
use serde_json::Value;

fn text() -> impl Strategy<Value = Sensitive> {
    // Everything that has broken a chat before: quotes, separators, the 0x1E that splits polling frames, emoji, JSON alike.
    prop_oneof![
        any::<String>(),
        Just("\u{1e}".to_owned()),
        Just("\u{2028}\u{2029}".to_owned()),
        Just("123".to_owned()),
        Just("null".to_owned()),
        Just("{}".to_owned()),
        Just("👩🏽‍⚕️ 血圧 120/80".to_owned()),
    ]
    .prop_map(Sensitive::new)
}

fn timestamp() -> impl Strategy<Value = Timestamp> {
    any::<i64>().prop_map(Timestamp::from_millis)
}

fn json_value() -> impl Strategy<Value = Opaque> {
    prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), any::<String>().prop_map(Value::from)]
        .prop_map(Opaque)
}

prop_compose! {
    fn message()(
        ids in (any::<String>(), any::<String>(), any::<String>()),
        (user_name, content) in (text(), text()),
        user_type in prop_oneof![Just(UserType::Clinician), Just(UserType::Patient), Just(UserType::Staff)],
        attachments in prop::collection::vec(json_value(), 0..3),
        created_at in timestamp(),
        seq in prop::option::of(0_u64..(1 << 53)),
        client_message_id in prop::option::of(any::<String>()),
        urgent in any::<bool>(),
        reply_to in prop::option::of(any::<String>()),
        mentions in prop::collection::vec(any::<String>(), 0..3),
        (edited_at, deleted_at) in (prop::option::of(timestamp()), prop::option::of(timestamp())),
    ) -> Message {
        Message {
            id: MessageId::new(ids.0),
            room_id: RoomId::new(ids.1),
            user_id: UserId::new(ids.2),
            user_name,
            user_type,
            content,
            attachments,
            metadata: Opaque(serde_json::json!({ "senderType": "clinician" })),
            created_at,
            seq: seq.map(Seq::new),
            client_message_id: client_message_id.map(ClientMessageId::new),
            priority: if urgent { Priority::Urgent } else { Priority::Normal },
            reply_to: reply_to.map(MessageId::new),
            mentions: mentions.into_iter().map(UserId::new).collect(),
            edited_at,
            deleted_at,
            reactions: Vec::new(),
            acknowledged_by: Vec::new(),
        }
    }
}

proptest! {
    #[test]
    fn a_message_survives(message in message()) {
        let written = serde_json::to_string(&message).expect("writes");
        prop_assert_eq!(serde_json::from_str::<Message>(&written).expect("reads"), message);
    }

    #[test]
    fn a_page_of_sync_survives(messages in prop::collection::vec(message(), 0..4), cursor in any::<String>(), has_more in any::<bool>()) {
        let page = SyncPage { changes: messages.into_iter().map(ServerEvent::NewMessage).collect(), cursor, has_more };
        let written = serde_json::to_string(&page).expect("writes");
        prop_assert_eq!(serde_json::from_str::<SyncPage>(&written).expect("reads"), page);
    }

    #[test]
    fn an_ack_survives(id in any::<String>(), seq in 0_u64..(1 << 53), at in timestamp(), text in any::<String>(), wait in prop::option::of(any::<u64>())) {
        let done = Ack::Done(SentMessage {
            id: MessageId::new(id.clone()),
            room_id: RoomId::new(id),
            seq: Seq::new(seq),
            client_message_id: None,
            created_at: at,
        });
        let refused = Ack::Refused(Refusal { code: ErrorCode::RateLimited, message: text, retry_after_ms: wait });
        for ack in [done, refused] {
            let written = serde_json::to_string(&ack).expect("writes");
            prop_assert_eq!(serde_json::from_str::<Ack<SentMessage>>(&written).expect("reads"), ack);
        }
    }

    #[test]
    fn a_time_is_written_with_milliseconds_in_utc(time in timestamp()) {
        let written = time.to_string();
        prop_assert!(written.ends_with('Z') && written.contains('.'), "{}", written);
        prop_assert_eq!(written.parse::<Timestamp>().expect("reads"), time);
    }

    #[test]
    fn reading_never_panics_whatever_arrives(name in "[a-z_]{0,20}|new_message|session|receipt", payload in any::<String>()) {
        let payload = serde_json::from_str(&payload).unwrap_or(Value::String(payload));
        let _ = ServerEvent::parse(&name, payload);
    }
}
