//! Rows as they are shown: a message with what others have done with it.
//!
//! Invariant: a row is derived whenever it is read. What it quotes, who reacted and who took it on is looked up, never copied,
//! so that a text that was taken back is gone everywhere.

use std::collections::BTreeMap;

use hugmedo_chat_protocol::{
    ClientMessageId, MessageId, Priority, Reaction, RoomId, Sensitive, Seq, Timestamp, User, UserId, UserType,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    acknowledgements, attachments,
    columns::named,
    coverage::{number, position},
    receipts, rooms,
};
use crate::{
    carried,
    error::{Error, ErrorCode},
    view::{Delivery, MessageView, QuoteView, ReactionView},
};

/// Longest preview in the room list and above an answer, in characters.
const PREVIEW_CHARS: usize = 120;

/// What `metadata.kind` calls what this version knows; absent, it is the same.
const KNOWN_KIND: &str = "text";

/// What a message says beside its text, as it stands in the column `extras`.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Extras {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reply_to: Option<MessageId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) mentions: Vec<UserId>,
    /// How many files an unsent message has. They are in a table of their own until the server has it.
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) files: u32,
    /// What a sent message carries, as the server told it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) attachments: Vec<Value>,
    /// What its sender's client said of it, as the server told it.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(super) metadata: Value,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(files: &u32) -> bool {
    *files == 0
}

impl Extras {
    /// What cannot be read says nothing: a row is never lost over it.
    pub(super) fn read(json: &str) -> Self {
        serde_json::from_str(json).unwrap_or_default()
    }

    /// Whether the sending client called it a kind that this version does not know: its text may not be all of it.
    fn is_of_unknown_kind(&self) -> bool {
        self.metadata.get("kind").is_some_and(|kind| kind.as_str() != Some(KNOWN_KIND))
    }

    pub(super) fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }
}

/// The beginning of a text, on one line; of a message without one, what its files are called.
pub(super) fn preview(content: &str, files: impl FnOnce() -> String) -> Sensitive {
    let mut line: String = content.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        line = files();
    }
    Sensitive::new(line.chars().take(PREVIEW_CHARS).collect::<String>())
}

/// The reactions in a column.
pub(super) fn reactions(json: &str) -> Vec<Reaction> {
    serde_json::from_str(json).unwrap_or_default()
}

/// Rows of a room that have no position yet. By way of the outbox, which is short: asked for directly, every row of the
/// store would be looked at.
pub(super) const PENDING: &str =
    "m.local_id IN (SELECT local_id FROM outbox WHERE outbox.room_id = ?1) AND m.room_id = ?1 AND m.seq IS NULL";

/// The query behind [`views`].
pub(super) fn select(condition: &str) -> String {
    format!(
        "SELECT m.local_id, m.room_id, m.id, m.client_message_id, m.seq, m.user_id, m.user_name, m.user_type, m.content,
                m.priority, m.created_at, m.edited_at, m.deleted_at, o.state, o.problem, m.extras, m.reactions
         FROM message m LEFT JOIN outbox o USING (local_id) WHERE {condition}"
    )
}

/// The rows for which the condition holds.
pub(super) fn views(
    connection: &Connection,
    me: &UserId,
    condition: &str,
    values: impl rusqlite::Params,
) -> Result<Vec<MessageView>, Error> {
    let mut statement = connection.prepare_cached(&select(condition))?;
    let mut rows = statement.query(values)?;
    let mut views = Vec::new();
    // A page is one room's, so what is known of the room is read once.
    let mut about: Option<About> = None;
    while let Some(row) = rows.next()? {
        let mut view = view(row, me)?;
        let mut known = match about.take() {
            Some(known) if known.room == view.room_id => known,
            _ => About::room(&view.room_id),
        };
        if let (true, Some(seq), Some(_)) = (view.own, view.seq, &view.delivery) {
            let (delivery, read_by) = known.progress(connection, me)?.of(seq);
            view.delivery = Some(delivery);
            view.read_by = read_by;
        }
        if !view.deleted {
            add_what_belongs_to_it(connection, me, row, &mut view, &mut known)?;
        }
        about = Some(known);
        views.push(view);
    }
    Ok(views)
}

/// What rows of one room have in common, read when the first of them needs it.
struct About {
    room: RoomId,
    progress: Option<receipts::Progress>,
    names: Option<BTreeMap<UserId, Sensitive>>,
}

impl About {
    fn room(room: &RoomId) -> Self {
        Self { room: room.clone(), progress: None, names: None }
    }

    fn progress(&mut self, connection: &Connection, me: &UserId) -> Result<&receipts::Progress, Error> {
        if self.progress.is_none() {
            self.progress = Some(receipts::progress(connection, me, &self.room)?);
        }
        self.progress.as_ref().ok_or_else(|| Error::new(ErrorCode::Internal, "receipts"))
    }

    /// A member's name; the id of someone who is no longer one.
    fn name(&mut self, connection: &Connection, user: &UserId) -> Result<Sensitive, Error> {
        if self.names.is_none() {
            let members = rooms::members(connection, &self.room)?;
            self.names = Some(members.into_iter().map(|member| (member.id, member.name)).collect());
        }
        let known = self.names.as_ref().and_then(|names| names.get(user)).cloned();
        Ok(known.unwrap_or_else(|| Sensitive::new(user.as_str())))
    }
}

fn add_what_belongs_to_it(
    connection: &Connection,
    me: &UserId,
    row: &Row<'_>,
    view: &mut MessageView,
    about: &mut About,
) -> Result<(), Error> {
    let extras = Extras::read(row.get_ref(15)?.as_str().unwrap_or_default());
    view.unknown_kind = extras.is_of_unknown_kind();
    view.mentions = extras.mentions;
    view.attachments = match view.seq {
        Some(_) => attachments::views_of(connection, &extras.attachments)?,
        None => attachments::views_of_unsent(connection, row.get(0)?)?,
    };
    if let Some(origin) = extras.reply_to {
        view.reply_to = Some(quote(connection, &view.room_id, origin)?);
    }
    for reaction in reactions(row.get_ref(16)?.as_str().unwrap_or_default()) {
        let own = reaction.user_ids.contains(me);
        let names = reaction.user_ids.iter().map(|user| about.name(connection, user)).collect::<Result<Vec<_>, _>>()?;
        if !names.is_empty() {
            view.reactions.push(ReactionView { emoji: reaction.emoji, names, own });
        }
    }
    if let (Priority::Urgent, Some(id)) = (view.priority, &view.id) {
        view.acknowledged_by =
            acknowledgements::of(connection, &view.room_id, id)?.into_iter().map(|(user, _)| user).collect();
    }
    Ok(())
}

pub(crate) fn quote(connection: &Connection, room: &RoomId, origin: MessageId) -> Result<QuoteView, Error> {
    let found = connection
        .prepare_cached("SELECT seq, user_name, content, deleted_at, extras FROM message WHERE room_id = ? AND id = ?")?
        .query_row(params![room.as_str(), origin.as_str()], |row| {
            Ok((
                row.get::<_, Option<i64>>(0)?.map(position),
                Sensitive::new(row.get::<_, String>(1)?),
                preview(row.get_ref(2)?.as_str()?, || {
                    carried::names(
                        &Extras::read(row.get_ref(4).ok().and_then(|text| text.as_str().ok()).unwrap_or_default())
                            .attachments,
                    )
                }),
                row.get::<_, Option<i64>>(3)?.is_some(),
            ))
        })
        .optional()?;
    let (seq, author_name, preview, deleted) = found.unwrap_or_default();
    let preview = if deleted { Sensitive::default() } else { preview };
    Ok(QuoteView { message_id: origin, seq, author_name, preview, deleted })
}

fn view(row: &Row<'_>, me: &UserId) -> Result<MessageView, Error> {
    let local_id: i64 = row.get(0)?;
    let user_id = UserId::new(row.get::<_, String>(5)?);
    let own = user_id == *me;
    let id: Option<String> = row.get(2)?;
    let client_message_id: Option<String> = row.get(3)?;
    let deleted = row.get::<_, Option<i64>>(12)?.is_some();
    let delivery = match row.get::<_, Option<String>>(13)?.as_deref() {
        Some("failed") => Some(Delivery::Failed),
        Some("sending") => Some(Delivery::Sending),
        Some(_) => Some(Delivery::Queued),
        None if own => Some(Delivery::Sent),
        None => None,
    };
    let key = match (own, &client_message_id, &id) {
        (true, Some(client), _) => client.clone(),
        (_, _, Some(id)) => id.clone(),
        _ => format!("local:{local_id}"),
    };
    Ok(MessageView {
        key,
        room_id: RoomId::new(row.get::<_, String>(1)?),
        id: id.map(MessageId::new),
        client_message_id: client_message_id.filter(|_| own).map(ClientMessageId::new),
        seq: row.get::<_, Option<i64>>(4)?.map(position),
        pending_order: u32::try_from(local_id).unwrap_or(u32::MAX),
        author: User {
            id: user_id,
            name: Sensitive::new(row.get::<_, String>(6)?),
            user_type: named::<UserType>(row.get(7)?).unwrap_or_default(),
            role: None,
            avatar_url: None,
        },
        own,
        content: if deleted { Sensitive::default() } else { Sensitive::new(row.get::<_, String>(8)?) },
        priority: named::<Priority>(row.get(9)?).unwrap_or_default(),
        created_at: Timestamp::from_millis(row.get(10)?),
        delivery,
        problem: row.get::<_, Option<String>>(14)?.and_then(named::<ErrorCode>),
        read_by: 0,
        edited: row.get::<_, Option<i64>>(11)?.is_some(),
        deleted,
        unknown_kind: false,
        reply_to: None,
        mentions: Vec::new(),
        reactions: Vec::new(),
        acknowledged_by: Vec::new(),
        attachments: Vec::new(),
    })
}

/// One row.
pub(crate) fn one(connection: &Connection, me: &UserId, local_id: i64) -> Result<Option<MessageView>, Error> {
    Ok(views(connection, me, "m.local_id = ?1", params![local_id])?.pop())
}

/// Own rows that the server does not have.
pub(super) const UNSENT: &str = "m.local_id IN (SELECT local_id FROM outbox) ORDER BY m.local_id";

/// Own rows that the server does not have, in the order they go out.
pub(crate) fn unsent(connection: &Connection, me: &UserId) -> Result<Vec<MessageView>, Error> {
    views(connection, me, UNSENT, ())
}

/// The newest row of a room, waiting ones included.
pub(crate) fn last(connection: &Connection, me: &UserId, room: &RoomId) -> Result<Option<MessageView>, Error> {
    let pending =
        views(connection, me, &format!("{PENDING} ORDER BY m.local_id DESC LIMIT 1"), params![room.as_str()])?.pop();
    if pending.is_some() {
        return Ok(pending);
    }
    Ok(views(
        connection,
        me,
        "m.room_id = ?1 AND m.seq IS NOT NULL ORDER BY m.seq DESC LIMIT 1",
        params![room.as_str()],
    )?
    .pop())
}

/// Own sent rows with `after < seq <= up_to`, the newest `limit`.
pub(crate) fn own_between(
    connection: &Connection,
    me: &UserId,
    room: &RoomId,
    (after, up_to): (Seq, Seq),
    limit: u32,
) -> Result<Vec<MessageView>, Error> {
    views(
        connection,
        me,
        "m.room_id = ?1 AND m.seq > ?2 AND m.seq <= ?3 AND m.user_id = ?4 ORDER BY m.seq DESC LIMIT ?5",
        params![room.as_str(), number(after), number(up_to), me.as_str(), limit],
    )
}

/// The row of an own message by the client's name for it.
pub(crate) fn by_client_id(
    connection: &Connection,
    me: &UserId,
    client_message_id: &ClientMessageId,
) -> Result<Option<MessageView>, Error> {
    Ok(views(
        connection,
        me,
        "m.user_id = ?1 AND m.client_message_id = ?2",
        params![me.as_str(), client_message_id.as_str()],
    )?
    .pop())
}
