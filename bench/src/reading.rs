//! Reading all of a room: from a client as its window would show it, and from the server over HTTP.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use hugmedo_chat_core::{Core, view::MessageView};
use hugmedo_chat_protocol::{MessagesPage, RoomId, Secret, Seq, limits::MAX_PAGE};

use crate::ledger::{Entry, Log};

/// Every row of a room as core shows it, oldest first.
pub(crate) async fn timeline(core: &Core, room: &RoomId) -> Result<Vec<MessageView>> {
    let mut page = core.open_room(room).await?.page;
    let mut pages = Vec::new();
    loop {
        if let Some(code) = page.incomplete {
            bail!("a page of the timeline is missing: {code}");
        }
        let first = page.messages.iter().find_map(|row| row.seq);
        let has_earlier = page.has_earlier;
        pages.push(page.messages);
        match first {
            Some(first) if has_earlier => page = core.load_earlier(room, first).await?,
            None if has_earlier => bail!("there is more, but nothing to go on from"),
            _ => break,
        }
    }
    Ok(pages.into_iter().rev().flatten().collect())
}

/// The same, for the ledger.
pub(crate) async fn log(core: &Core, room: &RoomId) -> Result<Log> {
    let rows = timeline(core, room).await?;
    Ok(rows.into_iter().map(|row| Entry { seq: row.seq.map(Seq::get), text: row.content.into_string() }).collect())
}

/// What the server keeps of these rooms.
pub(crate) async fn history(server: &str, token: &Secret, rooms: &[String]) -> Result<BTreeMap<String, Log>> {
    let client = reqwest::Client::new();
    let mut history = BTreeMap::new();
    for room in rooms {
        let mut log = Log::new();
        let mut after = 0;
        loop {
            let url = format!("{server}/api/rooms/{room}/messages?after={after}&limit={MAX_PAGE}");
            let answer = client.get(url).bearer_auth(token.expose()).send().await?.error_for_status()?;
            let page: MessagesPage = answer.json().await?;
            for message in page.messages {
                let seq = message.seq.map(Seq::get);
                after = after.max(seq.unwrap_or_default());
                log.push(Entry { seq, text: message.content.into_string() });
            }
            if !page.has_more {
                break;
            }
        }
        history.insert(room.clone(), log);
    }
    Ok(history)
}
