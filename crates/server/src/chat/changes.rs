//! Changing and taking back what one said oneself.

use hugmedo_chat_protocol::{DeleteMessage, EditMessage, LogPosition, Message, MessageChanged, MessageId, RoomId};

use super::{News, Settled, validate};
use crate::{
    app::App,
    audit::{self, Deed},
    authorize::{self, Poster},
    credential::TokenHash,
    failure::Failure,
    store::{StoreError, messages, rooms, sql::Transaction},
};

/// Changes the text of an own message.
pub(crate) async fn edit(app: &App, token: TokenHash, wish: EditMessage) -> Result<Settled<LogPosition>, Failure> {
    let EditMessage { room_id, message_id, content } = wish;
    change(app, token, Deed::Edit, room_id, message_id, move |tx, poster, message| {
        validate::text(&content)?;
        if message.deleted_at.is_some() {
            return Err(Failure::bad_request("the message was taken back"));
        }
        Ok(messages::edit(tx, poster, message, content)?)
    })
    .await
}

/// Takes an own message back.
pub(crate) async fn delete(app: &App, token: TokenHash, wish: DeleteMessage) -> Result<Settled<LogPosition>, Failure> {
    change(app, token, Deed::Delete, wish.room_id, wish.message_id, |tx, poster, message| {
        if message.deleted_at.is_some() {
            return Err(Failure::bad_request("the message was taken back before"));
        }
        Ok(messages::delete(tx, poster, message)?)
    })
    .await
}

async fn change(
    app: &App,
    token: TokenHash,
    deed: Deed,
    room: RoomId,
    id: MessageId,
    apply: impl FnOnce(&Transaction<'_>, &Poster, Message) -> Result<MessageChanged, Failure> + Send + 'static,
) -> Result<Settled<LogPosition>, Failure> {
    validate::room(&room)?;
    let turn = app.turns.take(&room).await;
    let (change, members) = app
        .store
        .write(move |tx| {
            let who = authorize::principal(tx, &token)?;
            let poster = authorize::member(tx, &who, &room)?.may_post()?;
            validate::id(id.as_str())?;
            let message = messages::find(tx, &poster, &id)?.ok_or_else(Failure::forbidden)?;
            if message.user_id != *who.id() {
                return Err(Failure::forbidden());
            }
            let change = apply(tx, &poster, message)?;
            audit::append(tx, Some(who.id()), deed, Some(&room), Some(id.as_str()), Some(change.seq))?;
            let members: Result<_, StoreError> = rooms::members(tx, &poster);
            Ok::<_, Failure>((change, members?))
        })
        .await?;
    let answer = LogPosition { seq: change.seq };
    Ok(Settled::new(answer, Some(News::Changed(Box::new(change), members)), turn))
}
