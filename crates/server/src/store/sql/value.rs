//! What is bound to a statement.
//!
//! Invariant: a value knows its kind even when there is none of it, so that a database that types its parameters is told.

use rusqlite::types::{ToSqlOutput, ValueRef};

/// A value for one parameter, `None` being NULL of its kind.
#[derive(Clone, Copy)]
pub(crate) enum Value<'v> {
    Integer(Option<i64>),
    Truth(Option<bool>),
    Text(Option<&'v str>),
    Blob(Option<&'v [u8]>),
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match *self {
            Self::Integer(Some(number)) => ValueRef::Integer(number),
            Self::Truth(Some(truth)) => ValueRef::Integer(i64::from(truth)),
            Self::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Self::Blob(Some(bytes)) => ValueRef::Blob(bytes),
            Self::Integer(None) | Self::Truth(None) | Self::Text(None) | Self::Blob(None) => ValueRef::Null,
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}

/// What can be bound.
pub(crate) trait ToValue {
    /// NULL of its kind.
    const NULL: Value<'static>;

    fn to_value(&self) -> Value<'_>;
}

impl ToValue for i64 {
    const NULL: Value<'static> = Value::Integer(None);

    fn to_value(&self) -> Value<'_> {
        Value::Integer(Some(*self))
    }
}

impl ToValue for u32 {
    const NULL: Value<'static> = Value::Integer(None);

    fn to_value(&self) -> Value<'_> {
        Value::Integer(Some(i64::from(*self)))
    }
}

impl ToValue for bool {
    const NULL: Value<'static> = Value::Truth(None);

    fn to_value(&self) -> Value<'_> {
        Value::Truth(Some(*self))
    }
}

impl ToValue for str {
    const NULL: Value<'static> = Value::Text(None);

    fn to_value(&self) -> Value<'_> {
        Value::Text(Some(self))
    }
}

impl ToValue for String {
    const NULL: Value<'static> = Value::Text(None);

    fn to_value(&self) -> Value<'_> {
        Value::Text(Some(self))
    }
}

impl ToValue for [u8] {
    const NULL: Value<'static> = Value::Blob(None);

    fn to_value(&self) -> Value<'_> {
        Value::Blob(Some(self))
    }
}

impl ToValue for Vec<u8> {
    const NULL: Value<'static> = Value::Blob(None);

    fn to_value(&self) -> Value<'_> {
        Value::Blob(Some(self))
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    const NULL: Value<'static> = T::NULL;

    fn to_value(&self) -> Value<'_> {
        T::to_value(self)
    }
}

impl<T: ToValue> ToValue for Option<T> {
    const NULL: Value<'static> = T::NULL;

    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(T::NULL, T::to_value)
    }
}

/// The parameters of a statement: a tuple, `?1` being its first.
pub(crate) trait Params {
    fn values(&self) -> Vec<Value<'_>>;
}

impl Params for () {
    fn values(&self) -> Vec<Value<'_>> {
        Vec::new()
    }
}

macro_rules! params_of_tuples {
    ($($name:ident)*) => {};
    ($first:ident $($rest:ident)* ; ) => { params_of_tuples!(@ $first $($rest)*); params_of_tuples!($($rest)* ;); };
    (;) => {};
    (@ $($name:ident)+) => {
        impl<$($name: ToValue),+> Params for ($($name,)+) {
            #[allow(non_snake_case, reason = "the types name the values")]
            fn values(&self) -> Vec<Value<'_>> {
                let ($($name,)+) = self;
                vec![$($name.to_value()),+]
            }
        }
    };
}

params_of_tuples!(A B C D E F G H I J K L M N O ;);
