//! A conversation as a text for a file, where the organisation allows that.
//!
//! Invariant: it holds what is on this computer and the server has, from the oldest to the newest without a gap, and says where it
//! begins; what was taken back stays taken back.

use std::fmt::Write as _;

use hugmedo_chat_protocol::{RoomId, Sensitive};

use crate::{
    core::Core,
    error::{Error, ErrorCode},
    store::{rooms, stretches},
    view::{Language, MessageView},
};

/// Messages read at a time.
const PAGE: u32 = 500;

impl Core {
    /// What was said in a room, as far as it is here.
    ///
    /// # Errors
    /// `ManagedByPolicy` where the organisation does not allow it, `NotFound`, or if the store fails.
    pub async fn export_conversation(&self, room: &RoomId) -> Result<Sensitive, Error> {
        if !self.inner.config.policy.may_export() {
            return Err(Error::new(ErrorCode::ManagedByPolicy, "conversations are not saved as files here"));
        }
        let account = self.account()?;
        let (me, wanted) = (account.me.id.clone(), room.clone());
        let (view, mut pages, has_earlier) = account
            .store
            .read(move |connection| {
                let view = rooms::view(connection, &me, &wanted)?
                    .ok_or_else(|| Error::new(ErrorCode::NotFound, "no such room"))?;
                let mut stretch = stretches::newest(connection, &me, &wanted, PAGE)?;
                let mut pages = Vec::new();
                loop {
                    let first = stretch.messages.iter().find_map(|row| row.seq);
                    pages.push(stretch.messages);
                    let (Some(first), true) = (first, stretch.has_earlier) else { break };
                    match stretches::before(connection, &me, &wanted, first, PAGE)? {
                        Some(earlier) if !earlier.messages.is_empty() => stretch = earlier,
                        _ => return Ok((view, pages, true)),
                    }
                }
                Ok((view, pages, false))
            })
            .await?;
        pages.reverse();
        let language = self.language();
        let mut text = format!("{}\n{}\n", view.name.as_str(), self.inner.config.surroundings.now());
        if has_earlier {
            text.push_str(match language {
                Language::Ja => "これより前の履歴は、このコンピューターにありません。\n",
                Language::En => "Earlier history is not on this computer.\n",
            });
        }
        for row in pages.iter().flatten().filter(|row| row.seq.is_some()) {
            write_row(&mut text, row, language);
        }
        Ok(Sensitive::new(text))
    }
}

fn write_row(text: &mut String, row: &MessageView, language: Language) {
    let said = match (row.deleted, language) {
        (false, _) => row.content.as_str(),
        (true, Language::Ja) => "（取り消されました）",
        (true, Language::En) => "(taken back)",
    };
    let _ = write!(text, "\n{} {}\n{said}\n", row.created_at, row.author.name.as_str());
    for file in &row.attachments {
        let _ = writeln!(text, "[{}]", file.name.as_str());
    }
}
