//! What one does in a conversation beside reading its newest rows and sending: going to a place in it, and arranging it.

use hugmedo_chat_protocol::{RoomId, Seq};

use crate::{
    core::Core,
    error::{Error, ErrorCode},
    places,
    store::{choices, rooms},
    timeline,
    view::{Place, RoomChoices, TimelinePage},
};

impl Core {
    /// The rows after a position, for a timeline that does not end with the newest.
    ///
    /// # Errors
    /// If the store fails. A server that is away is told in the page.
    pub async fn load_later(&self, room: &RoomId, after: Seq) -> Result<TimelinePage, Error> {
        timeline::later(&*self.account()?, room, after).await
    }

    /// A stretch with a position in its middle.
    ///
    /// # Errors
    /// If the store fails. A server that is away is told in the page.
    pub async fn load_around(&self, room: &RoomId, at: Seq) -> Result<TimelinePage, Error> {
        timeline::around(&*self.account()?, room, at).await
    }

    /// Where a message or a time stands in a room; `None` if there is no such place.
    ///
    /// # Errors
    /// If it is not on this computer and the server cannot be asked, or the store fails.
    pub async fn locate(&self, room: &RoomId, place: Place) -> Result<Option<Seq>, Error> {
        places::locate(&*self.account()?, room, place).await
    }

    /// Pins or mutes a room, on this computer.
    ///
    /// # Errors
    /// `NotFound`, or a store that fails.
    pub async fn set_room_choices(&self, room: &RoomId, chosen: RoomChoices) -> Result<(), Error> {
        let account = self.account()?;
        let (me, arranged) = (account.me.id.clone(), room.clone());
        let written = account
            .store
            .write(move |transaction| {
                if rooms::view(transaction, &me, &arranged)?.is_none() {
                    return Err(Error::new(ErrorCode::NotFound, "no such room"));
                }
                choices::set(transaction, &arranged, chosen)
            })
            .await;
        account.note_storage(&written);
        written?;
        account.publish_room(room).await
    }
}
