//! What a message says of the files it carries.
//!
//! Invariant: the server's word is data. What has another shape than ours is shown as a file that cannot be had, or left out;
//! it is never an error.

use hugmedo_chat_protocol::{
    Attachment, Sensitive,
    limits::{MAX_ID_BYTES, MAX_LIST_ITEMS},
};
use serde_json::Value;

use crate::{
    error::ErrorCode,
    view::{AttachmentState, AttachmentView},
};

/// Longest name that is shown, in characters.
const MAX_NAME_CHARS: usize = 255;

/// One of the files of a message.
pub(crate) enum Carried {
    /// It can be fetched.
    File(Attachment),
    /// Something with a name, of another kind of server.
    Foreign(AttachmentView),
}

/// The files among what stands in a message's `attachments`, in their order.
pub(crate) fn files(attachments: &[Value]) -> impl Iterator<Item = Carried> + '_ {
    attachments.iter().take(MAX_LIST_ITEMS).zip(0_u32..).filter_map(|(value, position)| {
        if let Some(file) = ours(value) {
            return Some(Carried::File(file));
        }
        let name = ["name", "fileName", "filename"].iter().find_map(|key| value.get(key)?.as_str())?;
        Some(Carried::Foreign(AttachmentView {
            id: format!("foreign:{position}"),
            name: shortened(name),
            media_type: "application/octet-stream".to_owned(),
            size: value.get("size").and_then(Value::as_u64).map_or(0, whole),
            width: None,
            height: None,
            state: AttachmentState::Failed { problem: ErrorCode::NotFound },
        }))
    })
}

/// What the files are called, on one line.
pub(crate) fn names(attachments: &[Value]) -> String {
    let name = |carried| match carried {
        Carried::File(file) => file.name.into_string(),
        Carried::Foreign(view) => view.name.into_string(),
    };
    files(attachments).map(name).collect::<Vec<_>>().join(", ")
}

fn ours(value: &Value) -> Option<Attachment> {
    let mut file: Attachment = serde_json::from_value(value.clone()).ok()?;
    let is_id = !file.id.as_str().is_empty() && file.id.as_str().len() <= MAX_ID_BYTES;
    let is_digest = file.sha256.len() == 64 && file.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_id || !is_digest || file.size == 0 || u32::try_from(file.size).is_err() {
        return None;
    }
    file.name = shortened(file.name.as_str());
    file.sha256.make_ascii_lowercase();
    Some(file)
}

fn shortened(name: &str) -> Sensitive {
    Sensitive::new(name.chars().take(MAX_NAME_CHARS).collect::<String>())
}

fn whole(size: u64) -> u32 {
    u32::try_from(size).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_of_our_shape_is_shown_by_its_name_or_left_out() {
        let digest = "ab".repeat(32);
        let carried = [
            json!({ "id": "file-1", "name": "心電図.pdf", "mediaType": "application/pdf", "size": 8, "sha256": digest }),
            json!({ "fileName": "古い.doc", "url": "http://elsewhere/" }),
            json!({ "id": "file-2", "name": "嘘.png", "mediaType": "image/png", "size": 1_u64 << 40, "sha256": digest }),
            json!({ "id": "file-3", "name": "札なし.png", "mediaType": "image/png", "size": 8, "sha256": "../.." }),
            json!({ "id": 7 }),
            json!("text"),
            json!(null),
        ];
        let shown: Vec<_> = files(&carried)
            .map(|carried| match carried {
                Carried::File(file) => (file.name, true),
                Carried::Foreign(view) => (view.name, false),
            })
            .collect();
        let name = |name: &str| Sensitive::new(name);
        let expected = [
            (name("心電図.pdf"), true),
            (name("古い.doc"), false),
            (name("嘘.png"), false),
            (name("札なし.png"), false),
        ];
        assert_eq!(shown, expected);
        assert_eq!(names(&carried), "心電図.pdf, 古い.doc, 嘘.png, 札なし.png");
        let many = vec![json!({ "name": "x" }); 1_000];
        assert_eq!(files(&many).count(), MAX_LIST_ITEMS);
    }
}
