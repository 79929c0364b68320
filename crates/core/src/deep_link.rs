//! Links from outside: to a place in the app, `hugmedo-chat://room/ID` and `hugmedo-chat://room/ID/message/ID`, and to a server
//! that a new computer is to sign in to, `hugmedo-chat://server/chat.example.org`.
//!
//! Invariant: a link shows a place or offers a server, and does nothing else. Anyone can write one, so whatever is not exactly of
//! this shape is refused; whether there is such a room is for the account to know, and whether it is the right server for the
//! person, who is asked.

use hugmedo_chat_protocol::{MessageId, RoomId};
use percent_encoding::percent_decode_str;
use url::Url;

use crate::{
    address::ServerAddress,
    error::{Error, ErrorCode},
    link::is_deceptive,
};

/// The scheme that the operating system hands to the app.
pub const DEEP_LINK_SCHEME: &str = "hugmedo-chat";
/// Longer than any link of ours.
const LONGEST: usize = 1_024;
/// Longer than any id.
const LONGEST_ID: usize = 128;

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeepLink {
    /// To a place in the app.
    Place {
        /// The room.
        room_id: RoomId,
        /// A message in it.
        message_id: Option<MessageId>,
    },
    /// To a server, to be offered. Only an encrypted one.
    Server(ServerAddress),
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
        if !is_bare || url.query().is_some() || url.fragment().is_some() {
            return Err(refused("not of our shape"));
        }
        let parts: Vec<&str> = url.path_segments().map(Iterator::collect).unwrap_or_default();
        let id = |part: &str| id(part).ok_or_else(|| refused("not an id"));
        match (url.host_str(), parts.as_slice()) {
            (Some("room"), [room]) => Ok(Self::Place { room_id: RoomId::new(id(room)?), message_id: None }),
            (Some("room"), [room, "message", message]) => {
                Ok(Self::Place { room_id: RoomId::new(id(room)?), message_id: Some(MessageId::new(id(message)?)) })
            }
            (Some("server"), [server]) => server_of(server).map(Self::Server).ok_or_else(|| refused("not a server")),
            _ => Err(refused("not of our shape")),
        }
    }
}

/// A name and a port at most, in letters that look like themselves, and encrypted.
fn server_of(part: &str) -> Option<ServerAddress> {
    let plain = !part.is_empty() && part.len() <= LONGEST_ID && part.bytes().all(is_of_a_name);
    plain.then(|| ServerAddress::parse(&format!("https://{part}"), false).ok()).flatten()
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':')
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
        let room = |id: &str| DeepLink::Place { room_id: id.into(), message_id: None };
        assert_eq!(DeepLink::parse("hugmedo-chat://room/general"), Ok(room("general")));
        assert_eq!(DeepLink::parse("HUGMEDO-CHAT://room/%E7%97%85%E6%A3%9F"), Ok(room("病棟")));
        assert_eq!(
            DeepLink::parse("hugmedo-chat://room/patient-tanaka/message/0198c2"),
            Ok(DeepLink::Place { room_id: "patient-tanaka".into(), message_id: Some("0198c2".into()) })
        );
    }

    #[test]
    fn a_link_offers_an_encrypted_server_and_nothing_more_of_it() {
        let server = |text: &str| match DeepLink::parse(text) {
            Ok(DeepLink::Server(address)) => Some(address.as_str().to_owned()),
            _ => None,
        };
        assert_eq!(server("hugmedo-chat://server/chat.example.org").as_deref(), Some("https://chat.example.org"));
        assert_eq!(
            server("hugmedo-chat://server/chat.example.org:8443").as_deref(),
            Some("https://chat.example.org:8443")
        );
        for text in [
            "hugmedo-chat://server",
            "hugmedo-chat://server/",
            "hugmedo-chat://server/http://chat.example.org",
            "hugmedo-chat://server/chat.example.org/path",
            "hugmedo-chat://server/chat.example.org?token=x",
            "hugmedo-chat://server/sato@chat.example.org",
            "hugmedo-chat://server/chat.example.org%2Fpath",
            "hugmedo-chat://server/ch%61t.example.org",
            "hugmedo-chat://server/%E7%97%85%E6%A3%9F.example",
            "hugmedo-chat://server/chat.example.org:99999",
        ] {
            assert_eq!(server(text), None, "{text}");
        }
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
