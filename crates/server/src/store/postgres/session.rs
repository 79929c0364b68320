//! One connection to Postgres, and the statements it has ready.
//!
//! Invariant: what Postgres says of an error is reduced to its code: its words may quote what was stored.

use std::{cell::RefCell, collections::HashMap, error::Error};

use postgres::{
    Client, Row, Statement,
    types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked},
};

use super::words::{escaped, translated, unescaped};
use crate::store::{
    StoreError,
    sql::{Cell, Value},
};

/// See the module. Used by the one thread that owns it.
pub(crate) struct Session {
    client: RefCell<Client>,
    /// By their text and the kinds of their parameters.
    ready: RefCell<HashMap<(String, Vec<u32>), Statement>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session(..)")
    }
}

impl Session {
    pub(super) fn new(client: Client) -> Self {
        Self { client: RefCell::new(client), ready: RefCell::default() }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.client.borrow().is_closed()
    }

    /// Statements without parameters, all in one message.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), StoreError> {
        Ok(self.client.borrow_mut().batch_execute(sql)?)
    }

    pub(crate) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError> {
        let statement = self.prepared(sql, values)?;
        let changed = self.client.borrow_mut().execute(&statement, &params(values))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    pub(crate) fn rows(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepared(sql, values)?;
        Ok(self.client.borrow_mut().query(&statement, &params(values))?)
    }

    fn prepared(&self, sql: &str, values: &[Value<'_>]) -> Result<Statement, StoreError> {
        let types: Vec<Type> = values.iter().map(type_of).collect();
        let key = (sql.to_owned(), types.iter().map(Type::oid).collect());
        if let Some(statement) = self.ready.borrow().get(&key) {
            return Ok(statement.clone());
        }
        let statement = self.client.borrow_mut().prepare_typed(&translated(sql), &types)?;
        self.ready.borrow_mut().insert(key, statement.clone());
        Ok(statement)
    }
}

fn params<'v>(values: &'v [Value<'_>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|value| -> &(dyn ToSql + Sync) { value }).collect()
}

fn type_of(value: &Value<'_>) -> Type {
    match value {
        Value::Integer(_) => Type::INT8,
        Value::Truth(_) => Type::BOOL,
        Value::Text(_) => Type::TEXT,
        Value::Blob(_) => Type::BYTEA,
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Integer(number) => number.to_sql(ty, out),
            Self::Truth(truth) => truth.to_sql(ty, out),
            Self::Text(text) => text.map(escaped).to_sql(ty, out),
            Self::Blob(bytes) => bytes.to_sql(ty, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl std::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Value(..)")
    }
}

impl<'r> FromSql<'r> for Cell<'r> {
    fn from_sql(ty: &Type, raw: &'r [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(match *ty {
            Type::INT8 => Self::Integer(i64::from_sql(ty, raw)?),
            Type::INT4 => Self::Integer(i32::from_sql(ty, raw)?.into()),
            Type::BOOL => Self::Integer(bool::from_sql(ty, raw)?.into()),
            Type::BYTEA => Self::Blob(<&[u8]>::from_sql(ty, raw)?),
            _ => Self::Text(unescaped(<&str>::from_sql(ty, raw)?)),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::INT4 | Type::BOOL | Type::BYTEA | Type::TEXT | Type::UNKNOWN)
    }
}

impl From<postgres::Error> for StoreError {
    fn from(error: postgres::Error) -> Self {
        match error.code() {
            Some(state) => Self::Postgres(state.code().to_owned()),
            None if error.is_closed() => Self::Unreachable,
            // Of the connection itself: cut off, refused, timed out, or no TLS.
            None => {
                tracing::debug!(error = %error, "the connection to the database failed");
                Self::Unreachable
            }
        }
    }
}
