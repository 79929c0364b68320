//! The texts a person writes often, in their order.

use hugmedo_chat_protocol::Sensitive;
use rusqlite::{Connection, params};

use crate::{error::Error, view::Template};

pub(crate) fn all(connection: &Connection) -> Result<Vec<Template>, Error> {
    let mut statement = connection.prepare_cached("SELECT id, title, content FROM template ORDER BY position")?;
    let templates = statement.query_map([], |row| {
        Ok(Template {
            id: row.get(0)?,
            title: Sensitive::new(row.get::<_, String>(1)?),
            content: Sensitive::new(row.get::<_, String>(2)?),
        })
    })?;
    Ok(templates.collect::<Result<_, _>>()?)
}

/// Puts these in place of all there were.
pub(crate) fn replace(connection: &Connection, templates: &[Template]) -> Result<(), Error> {
    connection.execute("DELETE FROM template", [])?;
    let mut insert =
        connection.prepare_cached("INSERT INTO template (position, id, title, content) VALUES (?, ?, ?, ?)")?;
    for (template, position) in templates.iter().zip(1_i64..) {
        insert.execute(params![position, template.id, template.title.as_str(), template.content.as_str()])?;
    }
    Ok(())
}
