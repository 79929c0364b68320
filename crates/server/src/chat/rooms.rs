//! Beginning a conversation.

use hugmedo_chat_protocol::{NewRoomRequest, Room, RoomId};

use super::{News, Settled, validate};
use crate::{
    app::App,
    audit::{self, Deed},
    authorize,
    credential::TokenHash,
    failure::Failure,
    store::rooms,
};

/// Makes a group, or the room of two people unless they have one. Everyone in a new room is told of it.
pub(crate) async fn begin(app: &App, token: TokenHash, wish: NewRoomRequest) -> Result<Settled<Room>, Failure> {
    let fresh = RoomId::new(uuid::Uuid::now_v7().to_string());
    // So that its members hear of the room before anything is said in it.
    let turn = app.turns.take(&fresh).await;
    let (answer, news) = app
        .store
        .write(move |tx| {
            let who = authorize::principal(tx, &token)?;
            let name = validate::new_room(&wish, who.id())?;
            let company = authorize::company(tx, &who, &wish.member_ids)?;
            let room = rooms::begin(tx, &fresh, name.as_deref(), &company)?;
            let mut news = None;
            if room == fresh {
                audit::append(tx, Some(who.id()), Deed::AddRoom, Some(&room), None, None)?;
                for member in company.members() {
                    audit::append(tx, Some(who.id()), Deed::AddMember, Some(&room), Some(member.as_str()), None)?;
                }
                news = Some(News::Rooms(rooms::changed(tx, &room)?));
            }
            let seen = rooms::as_seen_by(tx, &room, who.id())?;
            // Whom an administrator took out of a room of two comes back by an administrator only.
            let answer = seen.filter(|room| room.members.len() >= 2).ok_or_else(Failure::forbidden)?;
            Ok::<_, Failure>((answer, news))
        })
        .await?;
    Ok(Settled::new(answer, news, turn))
}
