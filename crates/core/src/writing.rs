//! Writing: what a person sends, what of it waits, and what they have begun.
//!
//! Invariant: what was taken on is durable here before the call returns; from then on the courier brings it there.

use hugmedo_chat_protocol::{ClientMessageId, RoomId, Typing, limits::MAX_LIST_ITEMS};

use crate::{
    ask::tell,
    conversation::check_length,
    core::Core,
    error::{Error, ErrorCode},
    store::{drafts, edits, outbox, rows},
    view::{Draft, EditText, MessageView, OutgoingMessage, ViewChange},
};

impl Core {
    /// Puts a message into the queue. When this returns it is durable here, and goes out by itself. The same
    /// `client_message_id` again is the same message. Its files leave the composer with it.
    ///
    /// # Errors
    /// `Empty`, `TooLong`, `Refused` if it names too many, `NotFound` if a file is not whole or not in the room's composer,
    /// or a store that fails, for instance because the disk is full.
    pub async fn send_message(&self, outgoing: OutgoingMessage) -> Result<MessageView, Error> {
        let account = self.account()?;
        check_length(&outgoing.content)?;
        if outgoing.attachments.is_empty() && outgoing.content.as_str().trim().is_empty() {
            return Err(Error::new(ErrorCode::Empty, "nothing to send"));
        }
        if outgoing.mentions.len() > MAX_LIST_ITEMS || outgoing.attachments.len() > MAX_LIST_ITEMS {
            return Err(Error::new(ErrorCode::Refused, "names more people or files than a message may"));
        }
        let (me, room) = (account.me.clone(), outgoing.room_id.clone());
        let turn = account.turn_to_tell().await;
        let written = account
            .store
            .write(move |transaction| {
                if outbox::enqueue(transaction, &me, &outgoing)?.is_some() && !outgoing.keeps_draft {
                    drafts::save_draft(transaction, &outgoing.room_id, &Draft::default())?;
                }
                rows::by_client_id(transaction, &me.id, &outgoing.client_message_id)?
                    .filter(|view| view.room_id == outgoing.room_id)
                    .ok_or_else(|| Error::new(ErrorCode::Refused, "the id was used in another room"))
            })
            .await;
        account.note_storage(&written);
        let view = written?;
        account.publish_views(vec![view.clone()]);
        drop(turn);
        // Before anything that may fail or be cut off: it is written down, so it goes out.
        account.outgoing.notify_one();
        account.files_outgoing.notify_one();
        account.publish_room(&room).await?;
        Ok(view)
    }

    /// Puts a failed message back into the queue. One that has not failed is left as it is.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn retry_message(&self, id: &ClientMessageId) -> Result<(), Error> {
        let account = self.account()?;
        let (me, id) = (account.me.id.clone(), id.clone());
        let row = account.store.write(move |transaction| outbox::retry(transaction, &me, &id)).await?;
        if let Some(row) = row {
            account.publish_rows(vec![row]).await?;
            account.outgoing.notify_one();
            account.files_outgoing.notify_one();
        }
        Ok(())
    }

    /// Takes back a message that is not on its way. One that was sent, or is gone already, is left as it is.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn discard_message(&self, id: &ClientMessageId) -> Result<(), Error> {
        let account = self.account()?;
        let (me, discarded) = (account.me.id.clone(), id.clone());
        let room = account.store.write(move |transaction| outbox::discard(transaction, &me, &discarded)).await?;
        if let Some(room_id) = room {
            let key = id.as_str().to_owned();
            account.hub.publish(ViewChange::MessageRemoved { room_id: room_id.clone(), key });
            account.publish_room(&room_id).await?;
            account.outgoing.notify_one();
            account.untidy.notify_one();
        }
        Ok(())
    }

    /// Every own message that has not reached the server, of all rooms, in the order they go out; failed ones included.
    ///
    /// # Errors
    /// If nobody is signed in, or the store fails.
    pub async fn unsent_messages(&self) -> Result<Vec<MessageView>, Error> {
        let account = self.account()?;
        let me = account.me.id.clone();
        account.store.read(move |connection| rows::unsent(connection, &me)).await
    }

    /// Tells others that the person is, or is no longer, writing. Nobody hears it while offline.
    ///
    /// # Errors
    /// If nobody is signed in.
    pub async fn set_typing(&self, room: &RoomId, is_typing: bool) -> Result<(), Error> {
        let account = self.account()?;
        if let Some(link) = account.link() {
            let event = Typing { room_id: room.clone(), user_id: Some(account.me.id.clone()), is_typing };
            let _ = tell(link.as_ref(), &event).await;
        }
        Ok(())
    }

    /// Keeps what the person has begun to write; one that is empty and answers nothing is forgotten.
    ///
    /// # Errors
    /// If the store fails; the interface then keeps the text itself.
    pub async fn save_draft(&self, room: &RoomId, draft: Draft) -> Result<(), Error> {
        let account = self.account()?;
        let saved_room = room.clone();
        let saved = account.store.write(move |transaction| drafts::save_draft(transaction, &saved_room, &draft)).await;
        account.note_storage(&saved);
        saved?;
        account.publish_room(room).await
    }

    /// Keeps another wording of an own message that the person has begun in a room; `None` once it was sent or given up.
    ///
    /// # Errors
    /// If the store fails; the interface then keeps the text itself.
    pub async fn save_edit(&self, room: &RoomId, edit: Option<EditText>) -> Result<(), Error> {
        let account = self.account()?;
        let room = room.clone();
        let saved = account.store.write(move |transaction| edits::keep(transaction, &room, edit.as_ref())).await;
        account.note_storage(&saved);
        saved
    }
}
