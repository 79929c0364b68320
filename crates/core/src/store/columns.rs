//! How values stand in columns: enums by the names they have in JSON, positions as integers below 2^53.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The JSON name of a unit enum's value.
pub(super) fn name_of(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        _ => String::new(),
    }
}

/// The unit enum's value of this JSON name.
pub(super) fn named<T: DeserializeOwned>(name: String) -> Option<T> {
    serde_json::from_value(Value::String(name)).ok()
}
