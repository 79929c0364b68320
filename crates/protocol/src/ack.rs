//! The server's answer to an event: `{ ok: true, ... }` or `{ ok: false, code, message, retryAfterMs? }`.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::ErrorCode;

/// An answer to a client event, carrying `T`'s fields on success.
#[derive(Debug, Clone, PartialEq)]
pub enum Ack<T> {
    /// Done, durably.
    Done(T),
    /// Not done.
    Refused(Refusal),
}

/// Why an event was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// For branching.
    pub code: ErrorCode,
    /// For logs, in English; never patient text.
    #[serde(default)]
    pub message: String,
    /// Milliseconds to wait before trying again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Refusal {
    /// A refusal without a waiting time.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after_ms: None }
    }
}

impl<T> From<Ack<T>> for Result<T, Refusal> {
    fn from(ack: Ack<T>) -> Self {
        match ack {
            Ack::Done(done) => Ok(done),
            Ack::Refused(refusal) => Err(refusal),
        }
    }
}

impl<T> From<Result<T, Refusal>> for Ack<T> {
    fn from(result: Result<T, Refusal>) -> Self {
        match result {
            Ok(done) => Ack::Done(done),
            Err(refusal) => Ack::Refused(refusal),
        }
    }
}

impl<T: Serialize> Serialize for Ack<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Wire<'a, F> {
            ok: bool,
            #[serde(flatten)]
            fields: &'a F,
        }
        match self {
            Ack::Done(fields) => Wire { ok: true, fields }.serialize(serializer),
            Ack::Refused(fields) => Wire { ok: false, fields }.serialize(serializer),
        }
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Ack<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fields = Map::deserialize(deserializer)?;
        let done = match fields.get("ok") {
            Some(Value::Bool(ok)) => *ok,
            _ => return Err(serde::de::Error::custom("an ack needs `ok: true` or `ok: false`")),
        };
        let fields = Value::Object(fields);
        if done {
            serde_json::from_value(fields).map(Ack::Done).map_err(serde::de::Error::custom)
        } else {
            serde_json::from_value(fields).map(Ack::Refused).map_err(serde::de::Error::custom)
        }
    }
}
