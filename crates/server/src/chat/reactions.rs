//! Putting an emoji under a message, and taking it away.

use hugmedo_chat_protocol::{ErrorCode, LogPosition, React};

use super::{News, Settled, validate};
use crate::{
    app::App,
    audit::{self, Deed},
    authorize,
    credential::TokenHash,
    failure::Failure,
    store::{
        messages,
        reactions::{self, Reacted},
        rooms,
    },
};

/// Any member may react, also where only few write. What changes nothing is answered with the room's last position.
pub(crate) async fn react(app: &App, token: TokenHash, wish: React) -> Result<Settled<LogPosition>, Failure> {
    validate::room(&wish.room_id)?;
    let turn = app.turns.take(&wish.room_id).await;
    let (answer, news) = app
        .store
        .write(move |tx| {
            let who = authorize::principal(tx, &token)?;
            let member = authorize::member(tx, &who, &wish.room_id)?;
            validate::id(wish.message_id.as_str())?;
            let message = messages::find(tx, &member, &wish.message_id)?.ok_or_else(Failure::forbidden)?;
            let emoji = validate::emoji(&wish.emoji)?;
            if message.deleted_at.is_some() {
                return Err(Failure::bad_request("the message was taken back"));
            }
            match reactions::set(tx, &member, message, emoji, wish.on)? {
                Reacted::AsBefore => Ok((LogPosition { seq: member.last_seq() }, None)),
                Reacted::TooMany => Err(Failure::refused(ErrorCode::TooLarge, "too many different reactions")),
                Reacted::Changed(change) => {
                    let deed = if wish.on { Deed::React } else { Deed::Unreact };
                    let (room, id) = (&wish.room_id, wish.message_id.as_str());
                    audit::append(tx, Some(who.id()), deed, Some(room), Some(id), Some(change.seq))?;
                    let answer = LogPosition { seq: change.seq };
                    Ok((answer, Some(News::Changed(change, rooms::members(tx, &member)?))))
                }
            }
        })
        .await?;
    Ok(Settled::new(answer, news, turn))
}
