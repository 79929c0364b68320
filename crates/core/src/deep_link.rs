//! Links from outside that lead to a place in the app: `hugmedo-chat://room/ID` and `hugmedo-chat://room/ID/message/ID`.
//!
//! Invariant: a link shows a place and does nothing else. Anyone can write one, so whatever is not exactly of this shape is
//! refused, and whether there is such a room is for the account to know.

use hugmedo_chat_protocol::{MessageId, RoomId};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::{
    error::{Error, ErrorCode},
    link::is_deceptive,
};

/// The scheme that the operating system hands to the app.
pub const DEEP_LINK_SCHEME: &str = "hugmedo-chat";
/// Longer than any link of ours.
const LONGEST: usize = 1_024;
/// Longer than any id.
const LONGEST_ID: usize = 128;

/// A place in the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeepLink {
    /// The room.
    pub room_id: RoomId,
    /// A message in it.
    pub message_id: Option<MessageId>,
}

impl DeepLink {
    /// Reads a link.
    ///
    /// # Errors
    /// `Refused` for anything that is not a link of ours. The error never quotes it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let refused = |why: &str| Error::new(ErrorCode::Refused, format!("deep link: {why}"));
        if text.len() > LONGEST {
            return Err(refused("too long"));
        }
        let url = Url::parse(text).map_err(|_| refused("not an address"))?;
        if url.scheme() != DEEP_LINK_SCHEME {
            return Err(refused("another scheme"));
        }
        let is_bare = url.username().is_empty() && url.password().is_none() && url.port().is_none();
        if !is_bare || url.query().is_some() || url.fragment().is_some() || url.host_str() != Some("room") {
            return Err(refused("not of our shape"));
        }
        let parts: Vec<&str> = url.path_segments().map(Iterator::collect).unwrap_or_default();
        let id = |part: &str| id(part).ok_or_else(|| refused("not an id"));
        match parts.as_slice() {
            [room] => Ok(Self { room_id: RoomId::new(id(room)?), message_id: None }),
            [room, "message", message] => {
                Ok(Self { room_id: RoomId::new(id(room)?), message_id: Some(MessageId::new(id(message)?)) })
            }
            _ => Err(refused("not of our shape")),
        }
    }
}

fn id(part: &str) -> Option<String> {
    let id = percent_decode_str(part).decode_utf8().ok()?;
    let fits =
        !id.is_empty() && id.len() <= LONGEST_ID && !id.chars().any(|c| is_deceptive(c) || matches!(c, '/' | '\\'));
    (fits && !matches!(id.as_ref(), "." | "..")).then(|| id.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_a_room_or_to_a_message_in_it() {
        let room = |id: &str| DeepLink { room_id: id.into(), message_id: None };
        assert_eq!(DeepLink::parse("hugmedo-chat://room/general"), Ok(room("general")));
        assert_eq!(DeepLink::parse("HUGMEDO-CHAT://room/%E7%97%85%E6%A3%9F"), Ok(room("病棟")));
        assert_eq!(
            DeepLink::parse("hugmedo-chat://room/patient-tanaka/message/0198c2"),
            Ok(DeepLink { room_id: "patient-tanaka".into(), message_id: Some("0198c2".into()) })
        );
    }

    #[test]
    fn anything_else_is_refused_and_never_quoted() {
        for text in [
            "",
            "general",
            "--data-dir=/tmp/x",
            "https://room/general",
            "hugmedo-chat:room/general",
            "hugmedo-chat://",
            "hugmedo-chat://room",
            "hugmedo-chat://room/",
            "hugmedo-chat://rooms/general",
            "hugmedo-chat://room/general/",
            "hugmedo-chat://room/general/message",
            "hugmedo-chat://room/general/message/",
            "hugmedo-chat://room/general/message/1/2",
            "hugmedo-chat://room/general/delete/1",
            "hugmedo-chat://room/general?server=evil.example",
            "hugmedo-chat://room/general#x",
            "hugmedo-chat://sato:himitsu@room/general",
            "hugmedo-chat://room:80/general",
            "hugmedo-chat://room/a%2Fb",
            "hugmedo-chat://room/a%5Cb",
            "hugmedo-chat://room/%00",
            "hugmedo-chat://room/%FF",
            "hugmedo-chat://room/%E2%80%AEgeneral",
            "hugmedo-chat://room/%2e%2e",
        ] {
            let refusal = DeepLink::parse(text).expect_err(text);
            assert_eq!(refusal.code(), ErrorCode::Refused, "{text:?}");
            assert!(!refusal.to_string().contains("general"), "{refusal}");
        }
        assert!(DeepLink::parse(&format!("hugmedo-chat://room/{}", "a".repeat(LONGEST_ID + 1))).is_err());
        assert!(DeepLink::parse(&format!("hugmedo-chat://room/{}", "a".repeat(LONGEST))).is_err());
    }
}
