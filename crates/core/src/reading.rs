//! Reading a conversation: opening a room, paging through it, finding a place in it, and what has been read of it.
//!
//! Invariant: nothing is read by being shown; what was before the person's eyes is told by whoever shows it.

use hugmedo_chat_protocol::{MessageId, RoomId, Seq};

use crate::{
    address::ServerAddress,
    core::Core,
    error::Error,
    places,
    store::{coverage, rooms},
    timeline,
    view::{Gaze, OpenedRoom, Place, TimelinePage, ViewChange},
};

impl Core {
    /// Shows a room: its newest rows, its draft, who is writing. Reads nothing.
    ///
    /// # Errors
    /// If there is no such room, or the store fails. A server that is away is told in the page.
    pub async fn open_room(&self, room: &RoomId) -> Result<OpenedRoom, Error> {
        timeline::open(&self.account()?, room).await
    }

    /// The rows before a position.
    ///
    /// # Errors
    /// If the store fails. A server that is away is told in the page.
    pub async fn load_earlier(&self, room: &RoomId, before: Seq) -> Result<TimelinePage, Error> {
        timeline::earlier(&self.account()?, room, before).await
    }

    /// The rows after a position, for a timeline that does not end with the newest.
    ///
    /// # Errors
    /// If the store fails. A server that is away is told in the page.
    pub async fn load_later(&self, room: &RoomId, after: Seq) -> Result<TimelinePage, Error> {
        timeline::later(&self.account()?, room, after).await
    }

    /// A stretch with a position in its middle.
    ///
    /// # Errors
    /// If the store fails. A server that is away is told in the page.
    pub async fn load_around(&self, room: &RoomId, at: Seq) -> Result<TimelinePage, Error> {
        timeline::around(&self.account()?, room, at).await
    }

    /// Where a message or a time stands in a room; `None` if there is no such place.
    ///
    /// # Errors
    /// If it is not on this computer and the server cannot be asked, or the store fails.
    pub async fn locate(&self, room: &RoomId, place: Place) -> Result<Option<Seq>, Error> {
        places::locate(&self.account()?, room, place).await
    }

    /// Everything up to a position was before the person's eyes. The read position never falls.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn mark_read(&self, room: &RoomId, up_to: Seq) -> Result<(), Error> {
        let account = self.account()?;
        let marked = room.clone();
        let moved = account
            .store
            .write(move |transaction| {
                // Nobody has seen what is not here.
                let stored = coverage::newest(transaction, &marked)?.map_or(Seq::ZERO, |(_, last)| last);
                let read = up_to.min(stored);
                let moved = rooms::raise_read_seq(transaction, &marked, read)?;
                Ok(rooms::end_mark(transaction, &marked, read)? || moved)
            })
            .await?;
        if moved {
            account.publish_room(room).await?;
            account.outgoing.notify_one();
        }
        Ok(())
    }

    /// Counts what stands from a position on as unread again, until it is read once more or the person answers. On this
    /// computer alone: what others were told of its having been read stays told.
    ///
    /// # Errors
    /// `NotFound`, or a store that fails.
    pub async fn mark_unread(&self, room: &RoomId, from: Seq) -> Result<(), Error> {
        let account = self.account()?;
        let marked = room.clone();
        let written = account
            .store
            .write(move |transaction| {
                rooms::require(transaction, &marked)?;
                rooms::mark_unread(transaction, &marked, from)
            })
            .await;
        account.note_storage(&written);
        written?;
        account.publish_room(room).await
    }

    /// What the person is looking at.
    ///
    /// # Errors
    /// If nobody is signed in.
    pub async fn set_gaze(&self, gaze: Gaze) -> Result<(), Error> {
        self.account()?.set_gaze(gaze);
        Ok(())
    }

    /// Asks whoever watches to show a room, at a message if one is named, for instance because a notification was clicked.
    pub async fn request_room(&self, room: &RoomId, message: Option<&MessageId>) {
        self.inner.hub.publish(ViewChange::RoomRequested { room_id: room.clone(), message_id: message.cloned() });
    }

    /// Asks whoever watches whether a server is the one to sign in to, because a link says so.
    pub fn offer_server(&self, server: &ServerAddress) {
        self.inner.hub.publish(ViewChange::ServerOffered { server: server.as_str().to_owned() });
    }
}
