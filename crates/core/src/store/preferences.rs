//! What the store's owner has chosen, by name, as JSON.

use rusqlite::{Connection, params};
use serde_json::Value;

use crate::{error::Error, preferences::Part};

/// All of it; nothing if they have never been here.
pub(crate) fn all(connection: &Connection) -> Result<Part, Error> {
    let mut statement = connection.prepare_cached("SELECT name, value FROM preference")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut part = Part::new();
    for row in rows {
        let (name, value) = row?;
        part.insert(name, serde_json::from_str(&value).unwrap_or(Value::Null));
    }
    Ok(part)
}

/// Puts this in place of all there was.
pub(crate) fn replace(connection: &Connection, part: &Part) -> Result<(), Error> {
    connection.execute("DELETE FROM preference", [])?;
    let mut insert = connection.prepare_cached("INSERT INTO preference (name, value) VALUES (?, ?)")?;
    for (name, value) in part {
        insert.execute(params![name, value.to_string()])?;
    }
    Ok(())
}
