//! From the statements that all engines share to PostgreSQL's own words, and values there and back.

use crate::database::{DbError, Value};
use bytes::BytesMut;
use std::error::Error;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// `?1` becomes `$1`, and a parameter that is nothing becomes `NULL`, since PostgreSQL cannot tell the type of
/// a parameter that says nothing. What stands in quotes is left alone.
pub(super) fn translate(statement: &str, is_null: impl Fn(usize) -> bool) -> String {
    let mut out = String::with_capacity(statement.len() + 8);
    let mut rest = statement.chars().peekable();
    let mut quote = None;
    while let Some(c) = rest.next() {
        match quote {
            Some(end) => {
                out.push(c);
                if c == end {
                    quote = None;
                }
            }
            None if c == '?' && rest.peek().is_some_and(char::is_ascii_digit) => {
                let mut number = 0_usize;
                while let Some(digit) = rest.peek().and_then(|c| c.to_digit(10)) {
                    number = number.saturating_mul(10).saturating_add(digit as usize);
                    rest.next();
                }
                if is_null(number) {
                    out.push_str("NULL");
                } else {
                    out.push('$');
                    out.push_str(&number.to_string());
                }
            }
            None => {
                if c == '\'' || c == '"' {
                    quote = Some(c);
                }
                out.push(c);
            }
        }
    }
    out
}

/// The kinds of a statement's parameters, two bits each: with the text, the name of a prepared statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Signature(u128);

impl Signature {
    /// Of these values; refuses what PostgreSQL could not keep, before anything is sent.
    pub(super) fn of(values: &[Value<'_>]) -> Result<Self, DbError> {
        if values.len() > 64 {
            return Err(DbError::Statement("it has more than 64 parameters".into()));
        }
        values.iter().rev().try_fold(Self(0), |Self(bits), value| Ok(Self((bits << 2) | kind(value)?)))
    }

    fn kind(self, place: usize) -> u128 {
        (self.0 >> (2 * place)) & 3
    }

    /// Whether the parameter of that number, from 1, is nothing.
    pub(super) fn is_null(self, number: usize) -> bool {
        (1..=64).contains(&number) && self.kind(number - 1) == 0
    }

    /// What PostgreSQL is told of the parameters.
    pub(super) fn types(self, count: usize) -> Vec<Type> {
        let types = (0..count).map(|place| match self.kind(place) {
            1 => Type::INT8,
            3 => Type::BYTEA,
            _ => Type::TEXT,
        });
        types.collect()
    }
}

fn kind(value: &Value<'_>) -> Result<u128, DbError> {
    match value {
        Value::Null => Ok(0),
        Value::Int(_) => Ok(1),
        Value::Text(text) if text.contains('\0') => Err(zero_byte()),
        Value::Text(_) => Ok(2),
        Value::Bytes(_) => Ok(3),
        Value::TooLarge(number) => Err(DbError::Statement(format!("{number} does not fit"))),
    }
}

/// The one character that PostgreSQL's text cannot hold.
pub(super) fn zero_byte() -> DbError {
    DbError::Statement("a text holds a zero byte".into())
}

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(number) => number.to_sql(ty, out),
            Self::Text(text) => text.to_sql(ty, out),
            Self::Bytes(bytes) => (&**bytes).to_sql(ty, out),
            Self::TooLarge(number) => Err(format!("{number} does not fit").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A value of a row, of whichever of the types that we read.
pub(super) struct Column(pub Value<'static>);

impl<'a> FromSql<'a> for Column {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(match *ty {
            Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => Value::Int(i16::from_sql(ty, raw)?.into()),
            Type::OID => Value::Int(u32::from_sql(ty, raw)?.into()),
            Type::BOOL => Value::Int(bool::from_sql(ty, raw)?.into()),
            Type::BYTEA => Value::Bytes(raw.to_vec().into()),
            Type::VOID => Value::Null,
            _ => Value::Text(std::str::from_utf8(raw)?.to_owned().into()),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Value::Null))
    }

    fn accepts(ty: &Type) -> bool {
        [
            Type::INT8,
            Type::TEXT,
            Type::INT4,
            Type::INT2,
            Type::OID,
            Type::BOOL,
            Type::BYTEA,
            Type::VOID,
            Type::VARCHAR,
            Type::BPCHAR,
            Type::NAME,
            Type::UNKNOWN,
        ]
        .contains(ty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_translated_outside_quotes_only() {
        let none = |_| false;
        assert_eq!(
            translate("SELECT '?1', \"a?2\", ?3 || 'it''s ?4' WHERE x = ?12", none),
            "SELECT '?1', \"a?2\", $3 || 'it''s ?4' WHERE x = $12"
        );
        assert_eq!(translate("SELECT '?' WHERE a ? b", none), "SELECT '?' WHERE a ? b");
        assert_eq!(
            translate("WHERE ?2 IS NULL OR x = ?2 AND y = ?1", |number| number == 2),
            "WHERE NULL IS NULL OR x = NULL AND y = $1"
        );
    }

    #[test]
    fn a_signature_tells_the_kinds_of_parameters_apart() {
        let values = [Value::Int(1), Value::Null, "x".into(), vec![1_u8].into()];
        let signature = Signature::of(&values).unwrap();
        assert_eq!(signature.types(4), [Type::INT8, Type::TEXT, Type::TEXT, Type::BYTEA]);
        assert!(signature.is_null(2) && !signature.is_null(1) && !signature.is_null(3));
        assert_ne!(signature, Signature::of(&[Value::Int(1), Value::Int(1)]).unwrap());
        for bad in [Value::TooLarge(u64::MAX), "a\0b".into()] {
            assert!(matches!(Signature::of(&[bad]), Err(DbError::Statement(_))));
        }
    }
}
