//! The ledger as HTTP speaks to it: a call in, its answer out.

use hugmedo_chat_core::transport::{HttpCall, HttpFailure};
use hugmedo_chat_protocol::{
    ApiError, ErrorCode, LoginRequest, MessagesPage, Refusal, RoomId, RoomsList, SendMessage, Seq, SyncPage,
    TokenRequest, UserId, limits::MAX_PAGE,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{Ledger, News};

type Answered = (Result<Value, HttpFailure>, Vec<News>);

impl Ledger {
    /// Answers a call.
    pub fn answer(&mut self, call: &HttpCall) -> Answered {
        match self.answered(call) {
            Ok((value, news)) => (Ok(value), news),
            Err((refusal, news)) => (Err(refused(refusal)), news),
        }
    }

    fn answered(&mut self, call: &HttpCall) -> Result<(Value, Vec<News>), (Refusal, Vec<News>)> {
        let quiet = |refusal| (refusal, Vec::new());
        let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
        match path {
            "/api/login" => {
                let request: LoginRequest = body(call).map_err(quiet)?;
                let grant = self.log_in(&request.username).map_err(quiet)?;
                return Ok((json(grant), Vec::new()));
            }
            "/api/token" => {
                let request: TokenRequest = body(call).map_err(quiet)?;
                return self.renew(&request).map(|grant| (json(grant), Vec::new()));
            }
            _ => {}
        }
        let nobody = || Refusal::new(ErrorCode::Unauthorized, "no token");
        let bearer = call.token.as_ref().ok_or_else(nobody).and_then(|token| self.bearer(token)).map_err(quiet)?;
        let me = &bearer.user;
        let room = path.strip_prefix("/api/rooms/").and_then(|rest| rest.strip_suffix("/messages")).map(RoomId::new);
        match (path, room) {
            ("/api/me", _) => Ok((json(self.users.get(me)), Vec::new())),
            ("/api/rooms", _) => {
                let rooms = self.rooms.keys().filter_map(|room| self.room_for(room, me)).collect();
                Ok((json(RoomsList { rooms }), Vec::new()))
            }
            ("/api/sync", _) => self.sync(me, query).map(|page| (json(page), Vec::new())).map_err(quiet),
            (_, Some(room)) if call.body.is_some() => {
                let wish: SendMessage = body(call).map_err(quiet)?;
                if wish.room_id != room {
                    return Err(quiet(Refusal::new(ErrorCode::BadRequest, "another room")));
                }
                self.say(me, wish).map(|(sent, news)| (json(sent), news)).map_err(quiet)
            }
            (_, Some(room)) => self.history(me, &room, query).map(|page| (json(page), Vec::new())).map_err(quiet),
            _ => Err(quiet(Refusal::new(ErrorCode::NotFound, "no such path"))),
        }
    }

    fn sync(&self, user: &UserId, query: &str) -> Result<SyncPage, Refusal> {
        let cursor = |position: u64| format!("{user}.{position}");
        let Some(asked) = parameter(query, "cursor") else {
            return Ok(SyncPage { changes: Vec::new(), cursor: cursor(self.last_change), has_more: false });
        };
        let limit = number(query, "limit").unwrap_or(MAX_PAGE as u64).clamp(1, MAX_PAGE as u64);
        let position = asked.split_once('.').filter(|(whose, _)| *whose == user.as_str());
        position
            .and_then(|(_, position)| position.parse().ok())
            .and_then(|position| self.after(user, position, usize::try_from(limit).unwrap_or(MAX_PAGE)))
            .map(|(changes, next, has_more)| SyncPage { changes, cursor: cursor(next), has_more })
            .ok_or_else(|| Refusal::new(ErrorCode::CursorExpired, "fetch a snapshot and start anew"))
    }

    fn history(&mut self, user: &UserId, id: &RoomId, query: &str) -> Result<MessagesPage, Refusal> {
        let room = self.entered(id, user)?;
        let before = number(query, "before").map_or(Seq::new(u64::MAX), Seq::new);
        let limit = number(query, "limit").unwrap_or(50).clamp(1, MAX_PAGE as u64);
        let limit = usize::try_from(limit).unwrap_or(MAX_PAGE);
        let mut messages: Vec<_> =
            room.messages.range(..before).rev().take(limit + 1).map(|(_, m)| m.clone()).collect();
        let has_more = messages.len() > limit;
        messages.truncate(limit);
        messages.reverse();
        Ok(MessagesPage { messages, has_more })
    }
}

/// A refusal as an HTTP client sees it.
pub(in crate::simulation) fn refused(refusal: Refusal) -> HttpFailure {
    let Refusal { code, message, retry_after_ms } = refusal;
    HttpFailure::Refused(ApiError { code, message, retry_after_ms, erase: false })
}

fn json(value: impl Serialize) -> Value {
    serde_json::to_value(value).unwrap_or_default()
}

fn body<T: DeserializeOwned>(call: &HttpCall) -> Result<T, Refusal> {
    let misfit = || Refusal::new(ErrorCode::BadRequest, "the body does not fit");
    serde_json::from_value(call.body.clone().ok_or_else(misfit)?).map_err(|_| misfit())
}

/// Ids and cursors here need no percent-decoding.
fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
}

fn number(query: &str, name: &str) -> Option<u64> {
    parameter(query, name)?.parse().ok()
}
