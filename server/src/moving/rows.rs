//! The rows of orders, read and written in bulk, and what is compared of them.

use super::MoveError;
use crate::database::{DbError, Sql, Value};
use crate::params;
use ring::digest::{Context, SHA256};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// A column: its name, and what stands for nothing in a parameter, so that statements stay the same.
#[derive(Clone, Copy)]
enum Column {
    Always(&'static str),
    TextOrNothing(&'static str),
    NumberOrNothing(&'static str),
}
use Column::{Always, NumberOrNothing, TextOrNothing};

/// No text of ours, and no number of ours: they stand for nothing on the way into a statement.
const NO_TEXT: &str = "evertill:nothing";
const NO_NUMBER: i64 = -4_611_686_018_427_387_904;

/// A table of what belongs to orders. Its first column is the order's number.
pub(super) struct Table {
    pub name: &'static str,
    columns: &'static [Column],
    /// By what the rows of one order are sorted.
    order: &'static str,
}

/// Parents before children.
pub(super) const TABLES: [Table; 7] = [
    Table {
        name: "orders",
        columns: &[
            Always("number"),
            Always("version"),
            Always("terminal"),
            Always("epoch"),
            Always("sequence"),
            Always("state"),
            Always("sale"),
            Always("sale_hash"),
            Always("business_day"),
            Always("currency"),
            Always("total_minor"),
            Always("paid_minor"),
            Always("held_minor"),
            TextOrNothing("paid_by"),
            Always("quarantined"),
            Always("created_at"),
            NumberOrNothing("adopted_at"),
            NumberOrNothing("paid_at"),
            TextOrNothing("created_by"),
            Always("cashier"),
            Always("cashier_name"),
            Always("cashier_known"),
        ],
        order: "number",
    },
    Table {
        name: "payments",
        columns: &[
            Always("number"),
            Always("attempt"),
            Always("wallet"),
            Always("channel_number"),
            Always("currency"),
            Always("amount_minor"),
            Always("state"),
            Always("sent_at"),
            Always("since"),
            Always("next_at"),
            Always("reversals"),
            Always("reversal_accepted"),
            TextOrNothing("transaction_number"),
            TextOrNothing("reason"),
            NumberOrNothing("shown_until"),
            TextOrNothing("shown_code"),
            Always("looked_again"),
            Always("account"),
            Always("interface"),
            TextOrNothing("lease_owner"),
            NumberOrNothing("lease_until"),
            Always("version"),
        ],
        order: "number, attempt",
    },
    Table {
        name: "refunds",
        columns: &[
            Always("number"),
            Always("id"),
            Always("terminal"),
            Always("request"),
            TextOrNothing("wallet"),
            Always("currency"),
            Always("amount_minor"),
            Always("state"),
            Always("who"),
            Always("login"),
            Always("why"),
            Always("requested_at"),
            Always("requested_on"),
            NumberOrNothing("carried_out_at"),
            NumberOrNothing("asked_at"),
            TextOrNothing("refused"),
            Always("by_hand"),
            Always("next_at"),
            Always("tries"),
            TextOrNothing("lease_owner"),
            NumberOrNothing("lease_until"),
            Always("version"),
        ],
        order: "number, id",
    },
    Table {
        name: "give_backs",
        columns: &[
            Always("number"),
            Always("attempt"),
            Always("wallet"),
            Always("state"),
            Always("since"),
            Always("next_at"),
            Always("tries"),
            TextOrNothing("words"),
            Always("round"),
            Always("by_hand"),
            TextOrNothing("lease_owner"),
            NumberOrNothing("lease_until"),
            Always("version"),
        ],
        order: "number, attempt",
    },
    Table {
        name: "give_backs_elsewhere",
        columns: &[
            Always("number"),
            Always("attempt"),
            Always("account"),
            Always("wallet"),
            Always("state"),
            Always("since"),
            Always("next_at"),
            Always("tries"),
            TextOrNothing("words"),
            Always("round"),
            Always("by_hand"),
            TextOrNothing("lease_owner"),
            NumberOrNothing("lease_until"),
            Always("version"),
        ],
        order: "number, attempt, account",
    },
    Table {
        name: "ledger",
        columns: &[
            Always("number"),
            Always("entry"),
            Always("account"),
            Always("currency"),
            Always("debit_minor"),
            Always("credit_minor"),
            Always("at"),
        ],
        order: "number, entry, account",
    },
    Table { name: "story", columns: &[Always("number"), Always("at"), Always("what")], order: "number, id" },
];

/// The most parameters of a statement that every engine takes.
pub(super) const PARAMETERS: usize = 64;

/// A row, as it was read.
pub(super) type Values = Vec<Value<'static>>;

/// From one number to another, both included.
pub(super) type Span = (String, String);

/// Orders and all that belongs to them, as of one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    /// What it covers: also numbers of which nothing is there.
    pub spans: Vec<Span>,
    /// The rows of each of [`TABLES`].
    pub rows: [Vec<Values>; 7],
}

impl Column {
    fn name(self) -> &'static str {
        match self {
            Always(name) | TextOrNothing(name) | NumberOrNothing(name) => name,
        }
    }

    fn place(self, number: usize) -> String {
        match self {
            Always(_) => format!("?{number}"),
            TextOrNothing(_) => format!("NULLIF(?{number}, '{NO_TEXT}')"),
            NumberOrNothing(_) => format!("NULLIF(?{number}, {NO_NUMBER})"),
        }
    }

    fn parameter<'a>(self, value: &'a Value<'static>) -> Value<'a> {
        match (self, value) {
            (TextOrNothing(_), Value::Null) => Value::Text(Cow::Borrowed(NO_TEXT)),
            (NumberOrNothing(_), Value::Null) => Value::Int(NO_NUMBER),
            (_, Value::Text(text)) => Value::Text(Cow::Borrowed(text)),
            (_, Value::Bytes(bytes)) => Value::Bytes(Cow::Borrowed(bytes)),
            (_, other) => other.clone(),
        }
    }
}

impl Table {
    fn names(&self) -> String {
        self.columns.iter().map(|column| column.name()).collect::<Vec<_>>().join(", ")
    }

    fn insert(&self, rows: usize) -> String {
        let mut number = 0;
        let mut row = || {
            let places: Vec<String> = self
                .columns
                .iter()
                .map(|column| {
                    number += 1;
                    column.place(number)
                })
                .collect();
            format!("({})", places.join(", "))
        };
        let rows: Vec<String> = (0..rows).map(|_| row()).collect();
        let (name, columns, rows) = (self.name, self.names(), rows.join(", "));
        format!("INSERT INTO {name} ({columns}) VALUES {rows} ON CONFLICT DO NOTHING")
    }

    /// Inserts rows, but for those that something stands against; gives how many went in.
    pub fn put(&self, sql: &dyn Sql, rows: &[&Values]) -> Result<u64, DbError> {
        let (mut left, mut inserted) = (rows, 0_u64);
        for block in [PARAMETERS / self.columns.len(), 1] {
            if left.len() < block {
                continue;
            }
            let statement = self.insert(block);
            while left.len() >= block {
                let (now, later) = left.split_at(block);
                let values: Vec<Value<'_>> = now
                    .iter()
                    .flat_map(|row| self.columns.iter().zip(row.iter()).map(|(c, v)| c.parameter(v)))
                    .collect();
                inserted = inserted.saturating_add(sql.execute(&statement, &values)?);
                left = later;
            }
        }
        Ok(inserted)
    }

    fn read(&self, sql: &dyn Sql, (first, last): &Span, pattern: &str) -> Result<Vec<Values>, DbError> {
        let statement = format!(
            "SELECT {} FROM {} WHERE number >= ?1 AND number <= ?2 AND number LIKE ?3 ORDER BY {}",
            self.names(),
            self.name,
            self.order
        );
        let rows = sql.rows(&statement, &params![first, last, pattern])?;
        Ok(rows.into_iter().map(crate::database::Row::into_values).collect())
    }

    /// Takes away what is in the span.
    pub fn clear(&self, sql: &dyn Sql, (first, last): &Span, pattern: &str) -> Result<u64, DbError> {
        let statement =
            format!("DELETE FROM {} WHERE number >= ?1 AND number <= ?2 AND number LIKE ?3", self.name);
        sql.execute(&statement, &params![first, last, pattern])
    }
}

/// The order's number in a row of any of [`TABLES`].
pub(super) fn number_of(row: &Values) -> &str {
    match row.first() {
        Some(Value::Text(number)) => number,
        _ => "",
    }
}

impl Chunk {
    /// Reads what is in these spans.
    pub fn read(sql: &dyn Sql, spans: Vec<Span>, pattern: &str) -> Result<Self, MoveError> {
        let mut chunk = Self { spans, ..Self::default() };
        for span in &chunk.spans {
            for (table, rows) in TABLES.iter().zip(chunk.rows.iter_mut()) {
                rows.extend(table.read(sql, span, pattern)?);
            }
        }
        Ok(chunk)
    }

    /// How many orders are in it.
    pub fn orders(&self) -> usize {
        self.rows[0].len()
    }

    /// SHA-256 over all rows, but for those of these orders.
    pub fn checksum(&self, without: &BTreeSet<String>) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        for (table, rows) in TABLES.iter().zip(&self.rows) {
            context.update(table.name.as_bytes());
            for row in rows.iter().filter(|row| without.is_empty() || !without.contains(number_of(row))) {
                context.update(b"\n");
                row.iter().for_each(|value| feed(&mut context, value));
            }
        }
        let mut sum = [0; 32];
        sum.copy_from_slice(context.finish().as_ref());
        sum
    }
}

/// A value, told from every other.
fn feed(context: &mut Context, value: &Value<'_>) {
    let (kind, bytes): (u8, Cow<'_, [u8]>) = match value {
        Value::Null => (0, Cow::Borrowed(&[])),
        Value::Int(number) => (1, Cow::Owned(number.to_be_bytes().to_vec())),
        Value::Text(text) => (2, Cow::Borrowed(text.as_bytes())),
        Value::Bytes(bytes) => (3, Cow::Borrowed(bytes)),
        Value::TooLarge(number) => (4, Cow::Owned(number.to_be_bytes().to_vec())),
    };
    context.update(&[kind]);
    context.update(&(bytes.len() as u64).to_be_bytes());
    context.update(&bytes);
}
