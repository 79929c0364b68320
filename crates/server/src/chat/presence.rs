//! Coming into a room's live events, leaving them, writing in it, and saying how one can be reached. Nothing here is kept.

use hugmedo_chat_protocol::{
    JoinRoom, JoinedRoom, LeaveRoom, LeftRoom, PresenceSet, RoomId, SetPresence, Typing, TypingNotice, UserId,
};

use super::{Settled, validate};
use crate::{
    app::App,
    authorize,
    credential::TokenHash,
    failure::Failure,
    nodes::What,
    presence::{self, Status},
    store::{StoreError, rooms, users},
};

/// Lets a member in. While the answer is held the room stands still, so whoever joins at once misses nothing after
/// `lastSeq`.
pub(crate) async fn enter(app: &App, token: TokenHash, wish: JoinRoom) -> Result<Settled<JoinedRoom>, Failure> {
    validate::room(&wish.room_id)?;
    let turn = app.turns.take(&wish.room_id).await;
    let answer = app
        .store
        .read(move |tx| {
            let who = authorize::principal(tx, &token)?;
            who.is_named_by(wish.user_id.as_ref())?;
            let member = authorize::member(tx, &who, &wish.room_id)?;
            let (last_seq, read_seq) = (member.last_seq(), member.read_seq());
            Ok::<_, Failure>(JoinedRoom { room_id: wish.room_id, last_seq, read_seq })
        })
        .await?;
    Ok(Settled::new(answer, None, turn))
}

pub(crate) async fn leave(app: &App, token: TokenHash, wish: LeaveRoom) -> Result<LeftRoom, Failure> {
    validate::room(&wish.room_id)?;
    app.store
        .read(move |tx| {
            let who = authorize::principal(tx, &token)?;
            who.is_named_by(wish.user_id.as_ref())?;
            authorize::member(tx, &who, &wish.room_id)?;
            Ok(LeftRoom { room_id: wish.room_id })
        })
        .await
}

pub(crate) async fn type_notice(app: &App, token: TokenHash, wish: Typing) -> Result<(), Failure> {
    validate::room(&wish.room_id)?;
    let (notice, members) = app
        .store
        .read(move |tx| {
            let who = authorize::principal(tx, &token)?;
            who.is_named_by(wish.user_id.as_ref())?;
            let poster = authorize::member(tx, &who, &wish.room_id)?.may_post()?;
            let members = rooms::members(tx, &poster)?;
            let notice = TypingNotice {
                room_id: wish.room_id,
                user_id: who.id().clone(),
                user_name: who.user().name.clone(),
                is_typing: wish.is_typing,
            };
            Ok::<_, Failure>((notice, members))
        })
        .await?;
    if let Some(nodes) = &app.nodes {
        let (room, user) = (notice.room_id.clone(), notice.user_id.clone());
        nodes.say(What::Typing { room, user, is_typing: notice.is_typing });
    }
    app.fanout.typing(&members, notice);
    Ok(())
}

/// Someone writes whose socket another server has. Who they are is read here: what is heard from there is only a hint.
pub(crate) async fn pass_on_typing(app: &App, room: RoomId, user: UserId, is_typing: bool) {
    let asked = room.clone();
    let found = app.store.read(move |tx| {
        let members = rooms::member_ids(tx, &asked)?;
        let writer = users::account(tx, user.as_str())?.filter(|_| members.contains(&user));
        Ok::<_, StoreError>(writer.map(|writer| (members, writer.user)))
    });
    if let Ok(Some((members, writer))) = found.await {
        let notice = TypingNotice { room_id: room, user_id: writer.id, user_name: writer.name, is_typing };
        app.fanout.typing(&members, notice);
    }
}

pub(crate) async fn set_presence(app: &App, token: TokenHash, wish: SetPresence) -> Result<PresenceSet, Failure> {
    let who = app.store.read(move |tx| authorize::principal(tx, &token)).await?;
    let status = Status::chosen(&wish.status).ok_or_else(|| Failure::bad_request("no such status to take"))?;
    Ok(PresenceSet { status: presence::set(app, who.id(), status).await.word().to_owned() })
}
