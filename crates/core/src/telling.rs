//! What watchers are told of the open account: what its rows and rooms now are, who writes and who can be reached.
//!
//! Invariant: what is told later was read later, so that nothing old takes the place of something new.

use std::collections::BTreeMap;

use hugmedo_chat_protocol::RoomId;

use crate::{
    account::Account,
    error::Error,
    store::{rooms, rows},
    view::{MessageView, ViewChange},
};

impl Account {
    /// Whoever holds this tells what they have read since, and nobody else tells anything meanwhile.
    pub(crate) async fn turn_to_tell(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.telling.lock().await
    }

    /// Tells watchers what these rows now are.
    pub(crate) async fn publish_rows(&self, rows: Vec<i64>) -> Result<(), Error> {
        let _turn = self.turn_to_tell().await;
        let me = self.me.id.clone();
        let views = self
            .store
            .read(move |connection| {
                let mut views = Vec::new();
                for row in rows {
                    views.extend(rows::one(connection, &me, row)?);
                }
                Ok(views)
            })
            .await?;
        self.publish_views(views);
        Ok(())
    }

    /// Tells watchers of rows, one event for each room.
    pub(crate) fn publish_views(&self, views: Vec<MessageView>) {
        let mut by_room: BTreeMap<RoomId, Vec<_>> = BTreeMap::new();
        for view in views {
            by_room.entry(view.room_id.clone()).or_default().push(view);
        }
        for (room_id, messages) in by_room {
            self.hub.publish(ViewChange::MessagesUpserted { room_id, messages });
        }
    }

    /// Tells watchers what a room now is.
    pub(crate) async fn publish_room(&self, room: &RoomId) -> Result<(), Error> {
        let _turn = self.turn_to_tell().await;
        let (me, room) = (self.me.id.clone(), room.clone());
        if let Some(room) = self.store.read(move |connection| rooms::view(connection, &me, &room)).await? {
            self.show_room(room).await;
        }
        Ok(())
    }

    pub(crate) fn publish_typing(&self, room: &RoomId) {
        let typing = self.typing().people(room);
        self.hub.publish(ViewChange::TypingChanged { room_id: room.clone(), typing });
    }

    pub(crate) fn publish_presence(&self) {
        let presence = self.presence().people();
        self.hub.publish(ViewChange::PresenceChanged { presence });
    }
}
