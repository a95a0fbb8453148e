//! Values and rows as every engine understands them: whole numbers of 64 bits, text, bytes, and nothing.

use super::DbError;
use std::borrow::Cow;
use std::sync::Arc;

/// A value on its way into a statement, or out of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Nothing.
    Null,
    /// A whole number. Truth values are 0 and 1.
    Int(i64),
    /// Text.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// A number that no database here can keep. Every engine refuses it.
    TooLarge(u64),
}

impl Value<'_> {
    /// The same value, owning what it borrowed.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Int(number) => Value::Int(number),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
            Self::TooLarge(number) => Value::TooLarge(number),
        }
    }
}

macro_rules! from_number {
    ($($number:ty),*) => {$(
        impl From<$number> for Value<'_> {
            fn from(number: $number) -> Self {
                Self::Int(i64::from(number))
            }
        }
        impl From<&$number> for Value<'_> {
            fn from(number: &$number) -> Self {
                Self::Int(i64::from(*number))
            }
        }
        impl FromValue for $number {
            fn from_value(value: &Value<'_>) -> Result<Self, DbError> {
                match value {
                    Value::Int(number) => Self::try_from(*number).map_err(DbError::nonsense),
                    other => Err(DbError::nonsense(format_args!("a number was expected, not {other:?}"))),
                }
            }
        }
    )*};
}
from_number!(i64, i32, u32, u16, u8);

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or(Self::TooLarge(number), Self::Int)
    }
}

impl From<bool> for Value<'_> {
    fn from(truth: bool) -> Self {
        Self::Int(i64::from(truth))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<Vec<u8>> for Value<'_> {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(Cow::Owned(bytes))
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<'a> From<&'a Option<String>> for Value<'a> {
    fn from(value: &'a Option<String>) -> Self {
        value.as_deref().into()
    }
}

/// What can be read from a column.
pub trait FromValue: Sized {
    /// Reads it.
    /// # Errors
    /// [`DbError::Nonsense`] if something else stands there.
    fn from_value(value: &Value<'_>) -> Result<Self, DbError>;
}

impl FromValue for u64 {
    fn from_value(value: &Value<'_>) -> Result<Self, DbError> {
        Self::try_from(i64::from_value(value)?).map_err(DbError::nonsense)
    }
}

impl FromValue for bool {
    fn from_value(value: &Value<'_>) -> Result<Self, DbError> {
        Ok(i64::from_value(value)? != 0)
    }
}

impl FromValue for String {
    fn from_value(value: &Value<'_>) -> Result<Self, DbError> {
        match value {
            Value::Text(text) => Ok(text.clone().into_owned()),
            other => Err(DbError::nonsense(format_args!("text was expected, not {other:?}"))),
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: &Value<'_>) -> Result<Self, DbError> {
        match value {
            Value::Bytes(bytes) => Ok(bytes.clone().into_owned()),
            other => Err(DbError::nonsense(format_args!("bytes were expected, not {other:?}"))),
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value<'_>) -> Result<Self, DbError> {
        if *value == Value::Null { Ok(None) } else { T::from_value(value).map(Some) }
    }
}

/// One row of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    names: Arc<[Box<str>]>,
    values: Vec<Value<'static>>,
}

impl Row {
    /// A row with these columns, as an engine read it.
    #[must_use]
    pub fn new(names: Arc<[Box<str>]>, values: Vec<Value<'static>>) -> Self {
        Self { names, values }
    }

    /// The column of that name.
    /// # Errors
    /// [`DbError::Nonsense`] if there is none, or something else stands there.
    pub fn get<T: FromValue>(&self, column: &str) -> Result<T, DbError> {
        let place = self.names.iter().position(|name| **name == *column);
        let place = place.ok_or_else(|| DbError::nonsense(format_args!("there is no column {column}")))?;
        self.at(place)
    }

    /// The column at that place, from 0.
    /// # Errors
    /// As [`Row::get`].
    pub fn at<T: FromValue>(&self, place: usize) -> Result<T, DbError> {
        let value = self.values.get(place);
        T::from_value(value.ok_or_else(|| DbError::nonsense(format_args!("there is no column {place}")))?)
    }

    /// What its columns are called.
    #[must_use]
    pub fn names(&self) -> Arc<[Box<str>]> {
        Arc::clone(&self.names)
    }

    /// Its columns, as they came.
    #[must_use]
    pub fn into_values(self) -> Vec<Value<'static>> {
        self.values
    }
}

/// The parameters of a statement: `params![number.as_str(), 5_i64, reason]`.
#[macro_export]
macro_rules! params {
    () => { [] as [$crate::database::Value<'_>; 0] };
    ($($value:expr),+ $(,)?) => { [$($crate::database::Value::from($value)),+] };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_read_as_what_it_is_and_nothing_else() {
        let names: Arc<[Box<str>]> = Arc::from(["a".into(), "b".into(), "c".into()]);
        let row = Row::new(names, vec![Value::Int(300), Value::Text("x".into()), Value::Null]);
        assert_eq!(row.get::<u16>("a"), Ok(300));
        assert!(row.get::<u8>("a").is_err(), "it does not fit");
        assert!(row.get::<String>("a").is_err());
        assert_eq!(row.get::<Option<String>>("b"), Ok(Some("x".into())));
        assert_eq!(row.get::<Option<i64>>("c"), Ok(None));
        assert!(row.get::<i64>("c").is_err() && row.get::<i64>("d").is_err());
    }

    #[test]
    fn a_number_that_does_not_fit_is_never_another_number() {
        assert_eq!(Value::from(u64::MAX), Value::TooLarge(u64::MAX));
        assert_eq!(Value::from(7_u64), Value::Int(7));
    }
}
