//! Messages as the server tells them.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::{ClientMessageId, MessageId, Opaque, RoomId, Sensitive, Seq, Timestamp, UserId, UserType};

/// How insistently a message asks for attention.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Someone must act; alerts pass quiet settings.
    Urgent,
    /// Routine. Also what an unknown priority of a newer peer is taken for.
    #[default]
    #[serde(other)]
    Normal,
}

impl Priority {
    fn is_normal(&self) -> bool {
        matches!(self, Self::Normal)
    }
}

/// The payload of `new_message`: the guide's fields first, then the extensions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The server's name for the message.
    pub id: MessageId,
    /// Where it was said.
    pub room_id: RoomId,
    /// Who said it, taken by the server from the sender's session.
    pub user_id: UserId,
    /// The sender's name at the time.
    #[serde(default)]
    pub user_name: Sensitive,
    /// The sender's type at the time.
    #[serde(default)]
    pub user_type: UserType,
    /// What was said. Empty where a peer says it in another shape: a message is never lost over what it says.
    #[serde(default, deserialize_with = "text_or_nothing")]
    pub content: Sensitive,
    /// Files. Of open shape in the baseline.
    #[serde(default)]
    pub attachments: Vec<Opaque>,
    /// Whatever the sending client attached, passed on as it is.
    #[serde(default = "empty_object")]
    pub metadata: Opaque,
    /// When the server stored it.
    pub created_at: Timestamp,

    /// Position in the room's log. Absent on a baseline server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
    /// The sending client's own id for it, if it gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_message_id: Option<ClientMessageId>,
    /// How insistently it asks for attention.
    #[serde(default, skip_serializing_if = "Priority::is_normal")]
    pub priority: Priority,
    /// The message it answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<MessageId>,
    /// The people it names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
    /// When its text was last changed by its author.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited_at: Option<Timestamp>,
    /// When its author took it back; `content` is then empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// Emoji under it, in the order they first came. A change of them is a `message_changed`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
    /// Who has taken it on, the first first; only ever set for urgent messages. Later ones come as receipts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acknowledged_by: Vec<TakenOn>,
}

/// Someone who has taken an urgent message on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TakenOn {
    /// Who.
    pub user_id: UserId,
    /// When.
    pub at: Timestamp,
}

/// One emoji under a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reaction {
    /// The emoji.
    pub emoji: String,
    /// Who reacted with it, in the order they did; never empty.
    pub user_ids: Vec<UserId>,
}

fn text_or_nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Sensitive, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Sensitive::new(text),
        _ => Sensitive::default(),
    })
}

pub(crate) fn empty_object() -> Opaque {
    Opaque(Value::Object(serde_json::Map::new()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_is_read_whatever_shape_its_content_has() {
        let with = |content: Value| json!({ "id": "m", "roomId": "r", "userId": "u", "createdAt": "2026-11-23T09:00:00.000Z", "content": content });
        for content in [json!(null), json!(7), json!({ "poll": ["A", "B"] }), json!([])] {
            let message: Message = serde_json::from_value(with(content)).unwrap();
            assert_eq!((message.content.as_str(), message.id.as_str()), ("", "m"));
        }
        let mut without = with(json!(null));
        without.as_object_mut().unwrap().remove("content");
        assert!(serde_json::from_value::<Message>(without).is_ok());
        assert_eq!(serde_json::from_value::<Message>(with(json!("薬"))).unwrap().content.as_str(), "薬");
    }
}
