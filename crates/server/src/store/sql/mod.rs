//! Statements and rows, whichever database is below.
//!
//! Invariant: the modules of the store speak to a database through this alone, with parameters as `?1` and SQL that every
//! database here understands; where they differ, the difference has a name here.

mod row;
mod value;

pub(crate) use row::{Cell, FromCell, Row};
pub(crate) use value::{Params, ToValue, Value};

use rusqlite::params_from_iter;

use super::{StoreError, postgres::Session};

/// A transaction that is open, to work in.
#[derive(Clone, Copy)]
pub(crate) enum Transaction<'t> {
    Sqlite(&'t rusqlite::Connection),
    Postgres(&'t Session),
}

/// A statement of a transaction.
pub(crate) struct Statement<'s> {
    tx: Transaction<'s>,
    sql: &'s str,
    is_cached: bool,
}

impl Transaction<'_> {
    /// A statement that is used often: it is kept ready.
    pub(crate) fn prepare_cached<'s>(&'s self, sql: &'s str) -> Result<Statement<'s>, StoreError> {
        Ok(Statement { tx: *self, sql, is_cached: true })
    }

    pub(crate) fn prepare<'s>(&'s self, sql: &'s str) -> Result<Statement<'s>, StoreError> {
        Ok(Statement { tx: *self, sql, is_cached: false })
    }

    /// Returns how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        self.prepare(sql)?.execute(params)
    }

    /// The first row; [`StoreError::NoRow`] if there is none.
    pub(crate) fn query_row<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.prepare(sql)?.query_row(params, read)
    }
}

impl Transaction<'_> {
    /// A column with the pairs of `columns` of the rows `from` says, as a JSON array of arrays in this order.
    pub(crate) fn json_pairs(&self, columns: &str, order: &str, from: &str) -> String {
        match self {
            Self::Sqlite(_) => format!("(SELECT json_group_array(json_array({columns}) ORDER BY {order}) FROM {from})"),
            Self::Postgres(_) => format!(
                "(SELECT coalesce(json_agg(json_build_array({columns}) ORDER BY {order})::text, '[]') FROM {from})"
            ),
        }
    }

    /// Whether other servers may work on the same store. Then all of them tell what happened as they find it there.
    pub(crate) fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// How large the store is, where the database alone knows.
    pub(crate) fn stored_bytes(&self) -> Result<Option<i64>, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(None),
            Self::Postgres(_) => {
                self.query_row("SELECT pg_database_size(current_database())", (), |row| row.get(0)).map(Some)
            }
        }
    }

    /// The newest position of the order of changes, as one column.
    pub(crate) fn change_head(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SELECT seq FROM sqlite_sequence WHERE name = 'change'",
            Self::Postgres(_) => "SELECT last FROM change_head",
        }
    }
}

impl Statement<'_> {
    /// Returns how many rows it changed.
    pub(crate) fn execute(&mut self, params: impl Params) -> Result<usize, StoreError> {
        let values = params.values();
        match self.tx {
            Transaction::Sqlite(connection) => {
                with_statement(connection, self.sql, self.is_cached, |it| Ok(it.execute(params_from_iter(values))?))
            }
            Transaction::Postgres(session) => session.execute(self.sql, &values),
        }
    }

    /// The first row; [`StoreError::NoRow`] if there is none.
    pub(crate) fn query_row<T>(
        &mut self,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let values = params.values();
        match self.tx {
            Transaction::Sqlite(connection) => with_statement(connection, self.sql, self.is_cached, |it| {
                let mut rows = it.query(params_from_iter(values))?;
                let row = rows.next()?.ok_or(StoreError::NoRow)?;
                read(&Row::Sqlite(row))
            }),
            Transaction::Postgres(session) => {
                let rows = session.rows(self.sql, &values)?;
                read(&Row::Postgres(rows.first().ok_or(StoreError::NoRow)?))
            }
        }
    }

    /// All rows, each read as it comes.
    pub(crate) fn query_map<T>(
        &mut self,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
    ) -> Result<std::vec::IntoIter<Result<T, StoreError>>, StoreError> {
        let values = params.values();
        let mut all = Vec::new();
        match self.tx {
            Transaction::Sqlite(connection) => with_statement(connection, self.sql, self.is_cached, |it| {
                let mut rows = it.query(params_from_iter(values))?;
                while let Some(row) = rows.next()? {
                    all.push(read(&Row::Sqlite(row)));
                }
                Ok(())
            })?,
            Transaction::Postgres(session) => {
                all.extend(session.rows(self.sql, &values)?.iter().map(|row| read(&Row::Postgres(row))));
            }
        }
        Ok(all.into_iter())
    }
}

fn with_statement<T>(
    connection: &rusqlite::Connection,
    sql: &str,
    is_cached: bool,
    work: impl FnOnce(&mut rusqlite::Statement<'_>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    if is_cached { work(&mut *connection.prepare_cached(sql)?) } else { work(&mut connection.prepare(sql)?) }
}

/// For queries that may find nothing.
pub(crate) trait OptionalExtension<T> {
    /// `None` in place of [`StoreError::NoRow`].
    fn optional(self) -> Result<Option<T>, StoreError>;
}

impl<T> OptionalExtension<T> for Result<T, StoreError> {
    fn optional(self) -> Result<Option<T>, StoreError> {
        match self {
            Ok(found) => Ok(Some(found)),
            Err(StoreError::NoRow) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
