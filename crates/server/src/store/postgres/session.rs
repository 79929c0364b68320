//! One connection to Postgres, and the statements it has ready.
//!
//! Invariants: what Postgres says of an error is reduced to its code: its words may quote what was stored; nobody waits for an answer
//! longer than was said, whatever became of the database's machine, and a connection that owes one is never used again.

use std::{
    cell::{Cell as Settable, RefCell},
    collections::HashMap,
    error::Error,
    time::Duration,
};

use postgres_native_tls::MakeTlsConnector;
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};
use tokio_postgres::{
    Client, Config, Row, Statement,
    types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked},
};

use super::words::{escaped, translated, unescaped};
use crate::store::{
    StoreError,
    sql::{Cell, Value},
};

/// See the module. Used by the one thread that owns it.
pub(crate) struct Session {
    client: Client,
    /// What the connection runs on, while it is waited for.
    runtime: Runtime,
    patience: Settable<Duration>,
    has_given_up: Settable<bool>,
    /// By their text and the kinds of their parameters.
    ready: RefCell<HashMap<(String, Vec<u32>), Statement>>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Session(..)")
    }
}

impl Session {
    /// Connects, which may take as long as any statement afterwards.
    pub(super) fn open(config: &Config, tls: MakeTlsConnector, patience: Duration) -> Result<Self, StoreError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|_| StoreError::Unreachable)?;
        let connected = runtime.block_on(async { timeout(patience, config.connect(tls)).await });
        match connected.map_err(|_| StoreError::Unreachable).and_then(|connected| Ok(connected?)) {
            Ok((client, connection)) => {
                // How it ends is told by the statement that notices.
                runtime.spawn(async move { drop(connection.await) });
                let (has_given_up, ready) = Default::default();
                Ok(Self { client, runtime, patience: Settable::new(patience), has_given_up, ready })
            }
            Err(error) => {
                // Without waiting for whoever still looks for the host's address.
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// Waits for so long for each answer from now on.
    pub(super) fn wait_up_to(&self, patience: Duration) {
        self.patience.set(patience);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.has_given_up.get() || self.client.is_closed()
    }

    fn wait<T>(&self, answer: impl Future<Output = Result<T, tokio_postgres::Error>>) -> Result<T, StoreError> {
        if self.has_given_up.get() {
            return Err(StoreError::Unreachable);
        }
        let answered = self.runtime.block_on(async { timeout(self.patience.get(), answer).await });
        match answered {
            Ok(answer) => Ok(answer?),
            Err(_) => {
                self.has_given_up.set(true);
                tracing::warn!("the database does not answer");
                Err(StoreError::Unreachable)
            }
        }
    }

    /// Statements without parameters, all in one message.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.wait(self.client.batch_execute(sql))
    }

    pub(crate) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError> {
        let statement = self.prepared(sql, values)?;
        let changed = self.wait(self.client.execute(&statement, &params(values)))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    pub(crate) fn rows(&self, sql: &str, values: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let statement = self.prepared(sql, values)?;
        self.wait(self.client.query(&statement, &params(values)))
    }

    fn prepared(&self, sql: &str, values: &[Value<'_>]) -> Result<Statement, StoreError> {
        let types: Vec<Type> = values.iter().map(type_of).collect();
        let key = (sql.to_owned(), types.iter().map(Type::oid).collect());
        if let Some(statement) = self.ready.borrow().get(&key) {
            return Ok(statement.clone());
        }
        let statement = self.wait(self.client.prepare_typed(&translated(sql), &types))?;
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

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
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
