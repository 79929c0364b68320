//! Saying how far one has come.

use hugmedo_chat_protocol::{
    Acknowledge, Acknowledged, Delivered, DeliveredUpTo, MessageId, Read, ReadUpTo, RoomId, Seq,
};

use super::{News, Settled, validate};
use crate::{
    app::App,
    audit::{self, Deed},
    authorize::{self, Member},
    credential::TokenHash,
    failure::Failure,
    store::{
        StoreError, escalations, messages,
        receipts::{self, Raised},
        rooms,
        sql::Transaction,
    },
};

/// Everything up to a position was before the person's eyes.
pub(crate) async fn read(app: &App, token: TokenHash, wish: Read) -> Result<Settled<ReadUpTo>, Failure> {
    let room_id = wish.room_id.clone();
    let raised = raise(app, token, Deed::Read, wish.room_id, wish.up_to_seq, receipts::read).await?;
    Ok(raised.map(|read_seq| ReadUpTo { room_id, read_seq }))
}

/// Everything up to a position is stored on the person's device.
pub(crate) async fn deliver(app: &App, token: TokenHash, wish: Delivered) -> Result<Settled<DeliveredUpTo>, Failure> {
    let room_id = wish.room_id.clone();
    let raised = raise(app, token, Deed::Receive, wish.room_id, wish.up_to_seq, receipts::delivered).await?;
    Ok(raised.map(|delivered_seq| DeliveredUpTo { room_id, delivered_seq }))
}

impl<T> Settled<T> {
    fn map<U>(self, make: impl FnOnce(T) -> U) -> Settled<U> {
        Settled { answer: make(self.answer), news: self.news, turn: self.turn }
    }
}

async fn raise(
    app: &App,
    token: TokenHash,
    deed: Deed,
    room: RoomId,
    up_to: Seq,
    apply: fn(&Transaction<'_>, &Member, Seq) -> Result<Raised, StoreError>,
) -> Result<Settled<Seq>, Failure> {
    validate::room(&room)?;
    let turn = app.turns.take(&room).await;
    let (answer, news) = app
        .store
        .write(move |tx| {
            let who = authorize::principal(tx, &token)?;
            let member = authorize::member(tx, &who, &room)?;
            let (position, receipt) = apply(tx, &member, up_to)?;
            if receipt.is_some() {
                audit::append(tx, Some(who.id()), deed, Some(&room), None, Some(position))?;
            }
            let news = match receipt {
                Some(receipt) => Some(News::Receipts(vec![receipt], rooms::members(tx, &member)?)),
                None => None,
            };
            Ok::<_, Failure>((position, news))
        })
        .await?;
    Ok(Settled::new(answer, news, turn))
}

/// "I have taken this on."
pub(crate) async fn acknowledge(
    app: &App,
    token: TokenHash,
    wish: Acknowledge,
) -> Result<Settled<Acknowledged>, Failure> {
    validate::room(&wish.room_id)?;
    let turn = app.turns.take(&wish.room_id).await;
    let (answer, news) = app
        .store
        .write(move |tx| {
            let who = authorize::principal(tx, &token)?;
            let member = authorize::member(tx, &who, &wish.room_id)?;
            validate::id(wish.message_id.as_str())?;
            let message = messages::find(tx, &member, &wish.message_id)?.ok_or_else(Failure::forbidden)?;
            let (answer, receipt) = receipts::acknowledge(tx, &member, &message)?;
            let mut taken_on: Vec<_> = receipt.into_iter().map(|receipt| (receipt, message.seq)).collect();
            // What the server said about a message that waited, and the message, are taken on together.
            let counterpart = match escalations::counterpart(tx, &message.id)? {
                Some(id) => messages::find(tx, &member, &id)?,
                None => None,
            };
            if let Some(counterpart) = counterpart.filter(|counterpart| counterpart.user_id != *who.id()) {
                let (_, receipt) = receipts::acknowledge(tx, &member, &counterpart)?;
                taken_on.extend(receipt.map(|receipt| (receipt, counterpart.seq)));
            }
            for (receipt, seq) in &taken_on {
                let id = receipt.message_id.as_ref().map(MessageId::as_str);
                audit::append(tx, Some(who.id()), Deed::Acknowledge, Some(&wish.room_id), id, *seq)?;
            }
            let news = if taken_on.is_empty() {
                None
            } else {
                let receipts = taken_on.into_iter().map(|(receipt, _)| receipt).collect();
                Some(News::Receipts(receipts, rooms::members(tx, &member)?))
            };
            Ok::<_, Failure>((answer, news))
        })
        .await?;
    Ok(Settled::new(answer, news, turn))
}
