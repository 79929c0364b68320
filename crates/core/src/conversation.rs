//! What one does in a conversation beside reading and writing: changing what was said, looking closely, arranging it, and
//! beginning a new one.
//!
//! Invariant: what changes something for others is done once the server has it, and is then shown here without waiting for the
//! server to tell it to everyone.

use hugmedo_chat_protocol::{
    Acknowledge, ClientEvent, DeleteMessage, EditMessage, JoinRoom, LogPosition, MessageId, NewRoomRequest, React,
    RoomId, Sensitive, SetPresence, User, limits::MAX_CONTENT_CHARS,
};

use crate::{
    account::Account,
    ask::{AskFailure, ask},
    core::Core,
    error::{Error, ErrorCode},
    naming, presence,
    store::{OwnChange, acknowledgements, choices, details, own_changes, rooms, templates},
    transport::LinkFailure,
    view::{MessageDetails, NewRoom, PresenceStatus, RoomChoices, RoomView, Template},
};

/// Most texts a person keeps.
const MAX_TEMPLATES: usize = 200;
/// Longest title of one.
const MAX_TITLE_CHARS: usize = 80;

impl Core {
    /// Changes the text of an own message, for everyone.
    ///
    /// # Errors
    /// `Empty`, `TooLong`; `Unreachable` without a connection; whatever the server refuses it for.
    pub async fn edit_message(&self, room: &RoomId, message: &MessageId, content: Sensitive) -> Result<(), Error> {
        check_content(&content)?;
        let event = EditMessage { room_id: room.clone(), message_id: message.clone(), content: content.clone() };
        change(&*self.account()?, room, message, &event, OwnChange::Edited(content)).await
    }

    /// Takes an own message back, for everyone.
    ///
    /// # Errors
    /// As [`Core::edit_message`].
    pub async fn delete_message(&self, room: &RoomId, message: &MessageId) -> Result<(), Error> {
        let event = DeleteMessage { room_id: room.clone(), message_id: message.clone() };
        change(&*self.account()?, room, message, &event, OwnChange::Deleted).await
    }

    /// Puts the person's emoji under a message (`on`) or takes it away.
    ///
    /// # Errors
    /// As [`Core::edit_message`].
    pub async fn react_to_message(
        &self,
        room: &RoomId,
        message: &MessageId,
        emoji: &str,
        on: bool,
    ) -> Result<(), Error> {
        let emoji = emoji.to_owned();
        let event = React { room_id: room.clone(), message_id: message.clone(), emoji: emoji.clone(), on };
        change(&*self.account()?, room, message, &event, OwnChange::Reacted { emoji, on }).await
    }

    /// Takes an urgent message on.
    ///
    /// # Errors
    /// As [`Core::edit_message`].
    pub async fn acknowledge_message(&self, room: &RoomId, message: &MessageId) -> Result<(), Error> {
        let account = self.account()?;
        let event = Acknowledge { room_id: room.clone(), message_id: message.clone() };
        let done = ask_server(&account, &event).await?;
        let (room, message, me) = (room.clone(), message.clone(), account.me.id.clone());
        let row = account
            .store
            .write(move |transaction| acknowledgements::note(transaction, &room, &message, &me, done.at))
            .await;
        account.note_storage(&row);
        account.publish_rows(row?.into_iter().collect()).await
    }

    /// How far a message has come with each member of its room.
    ///
    /// # Errors
    /// `NotFound`, or a store that fails.
    pub async fn message_details(&self, room: &RoomId, message: &MessageId) -> Result<MessageDetails, Error> {
        let account = self.account()?;
        let (me, room, message) = (account.me.id.clone(), room.clone(), message.clone());
        account.store.read(move |connection| details::of(connection, &me, &room, &message)).await
    }

    /// Pins or mutes a room, on this computer.
    ///
    /// # Errors
    /// `NotFound`, or a store that fails.
    pub async fn set_room_choices(&self, room: &RoomId, chosen: RoomChoices) -> Result<(), Error> {
        let account = self.account()?;
        let arranged = room.clone();
        let written = account
            .store
            .write(move |transaction| {
                rooms::require(transaction, &arranged)?;
                choices::set(transaction, &arranged, chosen)
            })
            .await;
        account.note_storage(&written);
        written?;
        account.publish_room(room).await
    }

    /// Says how the person can be reached, until they say otherwise or are gone.
    ///
    /// # Errors
    /// As [`Core::edit_message`]; `Refused` for `Offline`, which nobody can choose.
    pub async fn set_status(&self, status: PresenceStatus) -> Result<(), Error> {
        let account = self.account()?;
        let name = presence::name(status).ok_or_else(|| Error::new(ErrorCode::Refused, "offline is no choice"))?;
        ask_server(&account, &SetPresence { status: name.to_owned() }).await.map(drop)
    }

    /// The person's own texts, in their order.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn list_templates(&self) -> Result<Vec<Template>, Error> {
        self.account()?.store.read(templates::all).await
    }

    /// Replaces all of the person's own texts.
    ///
    /// # Errors
    /// `Empty` if one has no title or text, `TooLong` if a text could not be sent or there are too many, or a store that
    /// fails; nothing is changed then.
    pub async fn save_templates(&self, all: Vec<Template>) -> Result<(), Error> {
        let account = self.account()?;
        for template in &all {
            check_content(&template.title)?;
            check_content(&template.content)?;
        }
        let too_long = |template: &Template| template.title.as_str().chars().nth(MAX_TITLE_CHARS).is_some();
        if all.len() > MAX_TEMPLATES || all.iter().any(too_long) {
            return Err(Error::new(ErrorCode::TooLong, "more or longer templates than are kept"));
        }
        let written = account.store.write(move |transaction| templates::replace(transaction, &all)).await;
        account.note_storage(&written);
        written
    }

    /// Everyone the server lets the person begin a conversation with.
    ///
    /// # Errors
    /// If the server is away or has no such list.
    pub async fn list_people(&self) -> Result<Vec<User>, Error> {
        let account = self.account()?;
        speaks_extensions(&account)?;
        let list = account
            .authorised(|token| {
                let api = account.api.clone();
                async move { api.people(&token).await }
            })
            .await?;
        account.note_confirmed();
        Ok(list.people.iter().map(naming::person).collect())
    }

    /// Begins a conversation. With one person and no name it is the conversation of two, also if there is one already.
    ///
    /// # Errors
    /// If the server is away or refuses, or the store fails.
    pub async fn create_room(&self, new: NewRoom) -> Result<RoomView, Error> {
        let account = self.account()?;
        speaks_extensions(&account)?;
        let request = NewRoomRequest { name: new.name, member_ids: new.member_ids };
        let room = account
            .authorised(|token| {
                let (api, request) = (account.api.clone(), request.clone());
                async move { api.create_room(&token, &request).await }
            })
            .await?;
        account.note_confirmed();
        let (me, id) = (account.me.id.clone(), room.id.clone());
        let written = account
            .store
            .write(move |transaction| {
                rooms::take_in(transaction, &room)?;
                rooms::view(transaction, &me, &room.id)
            })
            .await;
        account.note_storage(&written);
        let view = written?.ok_or_else(|| Error::new(ErrorCode::NotFound, "no such room"))?;
        account.publish_room(&id).await?;
        let event =
            JoinRoom { room_id: id, user_id: Some(account.me.id.clone()), user_type: Some(account.me.user_type) };
        if ask_server(&account, &event).await.is_err() {
            // It is joined with the others on the next connection; until then sync brings what is said there.
            account.behind.notify_one();
        }
        Ok(view)
    }
}

/// What the server would refuse anyway.
pub(crate) fn check_content(content: &Sensitive) -> Result<(), Error> {
    if content.as_str().trim().is_empty() {
        return Err(Error::new(ErrorCode::Empty, "nothing to send"));
    }
    check_length(content)
}

/// As [`check_content`], where there may be nothing.
pub(crate) fn check_length(content: &Sensitive) -> Result<(), Error> {
    if content.as_str().chars().nth(MAX_CONTENT_CHARS).is_some() {
        return Err(Error::new(ErrorCode::TooLong, "longer than a message may be"));
    }
    Ok(())
}

/// Asks for a change of a message, and shows it.
async fn change<E: ClientEvent<Answer = LogPosition>>(
    account: &Account,
    room: &RoomId,
    message: &MessageId,
    event: &E,
    change: OwnChange,
) -> Result<(), Error> {
    let LogPosition { seq } = ask_server(account, event).await?;
    let now = account.surroundings.now();
    let (me, changed_room, message) = (account.me.id.clone(), room.clone(), message.clone());
    let rows = account
        .store
        .write(move |transaction| own_changes::apply(transaction, &me, (&changed_room, &message), &change, seq, now))
        .await;
    account.note_storage(&rows);
    account.untidy.notify_one();
    account.publish_rows(rows?).await?;
    account.publish_room(room).await
}

/// Says something that has to be answered now or fails.
async fn ask_server<E: ClientEvent>(account: &Account, event: &E) -> Result<E::Answer, Error> {
    speaks_extensions(account)?;
    let link = account.link().ok_or_else(|| Error::new(ErrorCode::Unreachable, "offline"))?;
    ask(link.as_ref(), event).await.map_err(|failure| {
        let code = match failure {
            AskFailure::Refused(refusal) => refusal.code.into(),
            AskFailure::Link(LinkFailure::Lost) => ErrorCode::Unreachable,
            AskFailure::Link(LinkFailure::TimedOut) => ErrorCode::Timeout,
            AskFailure::Link(LinkFailure::TooLarge) => ErrorCode::TooLong,
        };
        Error::new(code, format!("{}: {code}", E::NAME))
    })
}

fn speaks_extensions(account: &Account) -> Result<(), Error> {
    if account.is_baseline() {
        return Err(Error::new(ErrorCode::Refused, "a baseline server knows no such thing"));
    }
    Ok(())
}
