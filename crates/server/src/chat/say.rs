//! Saying something.

use hugmedo_chat_protocol::{ErrorCode, SendMessage, SentMessage};

use super::{News, Settled, validate};
use crate::{
    app::App,
    audit::{self, Deed},
    authorize,
    credential::TokenHash,
    failure::Failure,
    store::{
        messages::{self, Inserted},
        now, rooms,
    },
};

/// Puts a message into a room's log. A repeat gets the first answer again and is told to nobody.
pub(crate) async fn say(app: &App, token: TokenHash, wish: SendMessage) -> Result<Settled<SentMessage>, Failure> {
    validate::room(&wish.room_id)?;
    let turn = app.turns.take(&wish.room_id).await;
    let (answer, news) = app
        .store
        .write(move |tx| {
            let who = authorize::principal(tx, &token)?;
            who.is_named_by(wish.user_id.as_ref())?;
            let poster = authorize::member(tx, &who, &wish.room_id)?.may_post()?;
            validate::message(&wish)?;
            if let Some(reply_to) = &wish.reply_to
                && messages::find(tx, &poster, reply_to)?.is_none()
            {
                return Err(Failure::bad_request("the answered message is not in this room"));
            }
            match messages::insert(tx, &poster, &who, wish, now())? {
                Inserted::Repeat(answer) => Ok((answer, None)),
                Inserted::Conflict => {
                    tracing::warn!("a client message id was used twice for different messages");
                    Err(Failure::refused(ErrorCode::Conflict, "this clientMessageId was used for another message"))
                }
                Inserted::UnknownFile => Err(Failure::bad_request("an attachment is not a file of the sender's")),
                Inserted::New(message) => {
                    let (room, id, seq) = (&message.room_id, message.id.as_str(), message.seq);
                    audit::append(tx, Some(who.id()), Deed::Send, Some(room), Some(id), seq)?;
                    let answer = SentMessage {
                        id: message.id.clone(),
                        room_id: message.room_id.clone(),
                        seq: message.seq.unwrap_or_default(),
                        client_message_id: message.client_message_id.clone(),
                        created_at: message.created_at,
                    };
                    Ok((answer, Some(News::Said(message, rooms::members(tx, &poster)?))))
                }
            }
        })
        .await?;
    if let Some(News::Said(message, _)) = &news {
        app.metrics.said(message.priority);
    }
    Ok(Settled::new(answer, news, turn))
}
