//! What comes back from a statement.

use std::borrow::Cow;

use rusqlite::types::ValueRef;

use crate::store::StoreError;

/// One row of a result.
pub(crate) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

/// What one column holds.
pub(crate) enum Cell<'c> {
    Null,
    Integer(i64),
    Text(Cow<'c, str>),
    Blob(&'c [u8]),
}

impl Row<'_> {
    /// The column at a place, the first being 0.
    pub(crate) fn get<T: FromCell>(&self, index: usize) -> Result<T, StoreError> {
        T::from_cell(self.cell(index)?).ok_or(StoreError::Unreadable("column"))
    }

    fn cell(&self, index: usize) -> Result<Cell<'_>, StoreError> {
        match self {
            Self::Sqlite(row) => match row.get_ref(index)? {
                ValueRef::Null => Ok(Cell::Null),
                ValueRef::Integer(number) => Ok(Cell::Integer(number)),
                ValueRef::Text(text) => match std::str::from_utf8(text) {
                    Ok(text) => Ok(Cell::Text(Cow::Borrowed(text))),
                    Err(_) => Err(StoreError::Unreadable("text")),
                },
                ValueRef::Blob(bytes) => Ok(Cell::Blob(bytes)),
                ValueRef::Real(_) => Err(StoreError::Unreadable("column")),
            },
            Self::Postgres(row) => row.try_get(index).map_err(|_| StoreError::Unreadable("column")),
        }
    }
}

/// What can be read from a column; `None` if the column holds something else.
pub(crate) trait FromCell: Sized {
    fn from_cell(cell: Cell<'_>) -> Option<Self>;
}

impl FromCell for i64 {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Integer(number) = cell { Some(number) } else { None }
    }
}

impl FromCell for u32 {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell).and_then(|number| Self::try_from(number).ok())
    }
}

impl FromCell for bool {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        i64::from_cell(cell).map(|number| number != 0)
    }
}

impl FromCell for String {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Text(text) = cell { Some(text.into_owned()) } else { None }
    }
}

impl FromCell for Vec<u8> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Blob(bytes) = cell { Some(bytes.to_owned()) } else { None }
    }
}

impl<const LENGTH: usize> FromCell for [u8; LENGTH] {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Blob(bytes) = cell { bytes.try_into().ok() } else { None }
    }
}

impl<T: FromCell> FromCell for Option<T> {
    fn from_cell(cell: Cell<'_>) -> Option<Self> {
        if let Cell::Null = cell { Some(None) } else { T::from_cell(cell).map(Some) }
    }
}
