//! Rows that go in by themselves: all that wait for one table go in with one statement.

use super::dialect::zero_byte;
use super::session::PostgresSession;
use crate::database::job::{KEEP, SAVEPOINT, TAKE_BACK};
use crate::database::{DbError, Insert, Inserted, Kind, Sql, Value, WaitingRow};
use std::cmp::Ordering;
use std::collections::HashSet;
use tokio_postgres::types::{ToSql, Type};

/// A waiting row, and what came of it.
pub(super) struct Slot {
    pub(super) row: WaitingRow,
    pub(super) result: Option<Result<Inserted, DbError>>,
}

/// A row's own key.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Number(i64),
    Text(&'a str),
}

fn key<'a>(values: &'a [Value<'_>]) -> Option<Key<'a>> {
    match values.first()? {
        Value::Int(number) => Some(Key::Number(*number)),
        Value::Text(text) => Some(Key::Text(text)),
        _ => None,
    }
}

/// What needs no database: what the opening forbids, and rows that fit no table.
pub(super) fn judge(session: &PostgresSession<'_>, slots: &mut [Slot]) {
    for slot in slots {
        slot.result = match fits(slot.row.what, &slot.row.values) {
            Err(error) => Some(Err(error)),
            Ok(()) => (!(slot.row.allowed)(session.opening())).then_some(Ok(Inserted::NotAllowed)),
        };
    }
}

fn fits(what: &Insert, values: &[Value<'_>]) -> Result<(), DbError> {
    let wrong = |text: String| Err(DbError::Statement(text));
    if what.columns.len() != values.len() || key(values).is_none() {
        return wrong(format!("the row has not the columns of {}, or no key", what.table));
    }
    for ((name, kind), value) in what.columns.iter().zip(values) {
        match (kind, value) {
            (_, Value::Null) | (Kind::Int, Value::Int(_)) => {}
            (Kind::Text, Value::Text(text)) if text.contains('\0') => return Err(zero_byte()),
            (Kind::Text, Value::Text(_)) => {}
            (_, Value::TooLarge(number)) => return wrong(format!("{number} does not fit into {name}")),
            (kind, _) => return wrong(format!("{name} holds {kind:?} and was given something else")),
        }
    }
    Ok(())
}

/// Puts them in, table by table. Fails only if a statement does: then the transaction is as good as lost.
pub(super) fn together(session: &PostgresSession<'_>, slots: &mut [Slot]) -> Result<(), DbError> {
    let mut waiting: Vec<usize> = (0..slots.len()).filter(|at| slots[*at].result.is_none()).collect();
    // In the order of their keys, so that two servers never wait for each other.
    waiting.sort_by(|a, b| order(&slots[*a].row, &slots[*b].row));
    while let Some(first) = waiting.first() {
        let what = slots[*first].row.what;
        let mut keys = HashSet::new();
        // One whose key is there already goes with a statement of its own: the answer names keys only.
        let (now, later): (Vec<usize>, Vec<usize>) = waiting.into_iter().partition(|at| {
            let row = &slots[*at].row;
            *row.what == *what && key(&row.values).is_some_and(|key| keys.insert(key))
        });
        drop(keys);
        let new = statement(session, what, &now, slots)?;
        for (at, is_new) in now.into_iter().zip(new) {
            slots[at].result = Some(Ok(if is_new { Inserted::Yes } else { Inserted::Conflict }));
        }
        waiting = later;
    }
    Ok(())
}

fn order(a: &WaitingRow, b: &WaitingRow) -> Ordering {
    let by_key = match (key(&a.values), key(&b.values)) {
        (Some(Key::Number(a)), Some(Key::Number(b))) => a.cmp(&b),
        (Some(Key::Text(a)), Some(Key::Text(b))) => a.cmp(b),
        _ => Ordering::Equal,
    };
    a.what.table.cmp(b.what.table).then(by_key)
}

/// One statement; tells of each row whether it is new.
fn statement(
    session: &PostgresSession<'_>,
    what: &Insert,
    which: &[usize],
    slots: &[Slot],
) -> Result<Vec<bool>, DbError> {
    let types: Vec<Type> = what.columns.iter().map(|(_, kind)| array(*kind)).collect();
    let rows = || which.iter().map(|at| &slots[*at].row.values);
    let columns: Vec<Box<dyn ToSql + Sync + '_>> = what
        .columns
        .iter()
        .enumerate()
        .map(|(place, (_, kind))| -> Box<dyn ToSql + Sync + '_> {
            match kind {
                Kind::Int => Box::new(rows().map(|row| number(&row[place])).collect::<Vec<Option<i64>>>()),
                Kind::Text => Box::new(rows().map(|row| text(&row[place])).collect::<Vec<Option<&str>>>()),
            }
        })
        .collect();
    let parameters: Vec<&(dyn ToSql + Sync)> = columns.iter().map(|column| &**column).collect();
    let answer = session.own(&of_many(what), &types, &parameters)?;
    let new: Vec<Vec<Value<'static>>> = answer.into_iter().map(crate::database::Row::into_values).collect();
    let new: HashSet<Key<'_>> = new.iter().filter_map(|values| key(values)).collect();
    Ok(rows().map(|row| key(row).is_some_and(|key| new.contains(&key))).collect())
}

fn array(kind: Kind) -> Type {
    match kind {
        Kind::Int => Type::INT8_ARRAY,
        Kind::Text => Type::TEXT_ARRAY,
    }
}

fn number(value: &Value<'_>) -> Option<i64> {
    if let Value::Int(number) = value { Some(*number) } else { None }
}

fn text<'a>(value: &'a Value<'_>) -> Option<&'a str> {
    if let Value::Text(text) = value { Some(text) } else { None }
}

/// The statement for many rows: one array a column.
fn of_many(what: &Insert) -> String {
    let names: Vec<&str> = what.columns.iter().map(|(name, _)| *name).collect();
    let places: Vec<String> = (1..=names.len()).map(|n| format!("${n}")).collect();
    let first = names.first().copied().unwrap_or("*");
    let (table, names, places) = (what.table, names.join(", "), places.join(", "));
    format!(
        "INSERT INTO {table} ({names}) SELECT * FROM unnest({places}) ON CONFLICT DO NOTHING RETURNING {first}"
    )
}

/// Puts them in one by one, so that only the one that fails has failed.
pub(super) fn one_by_one(session: &PostgresSession<'_>, slots: &mut [Slot]) {
    for slot in slots.iter_mut().filter(|slot| slot.result.is_none()) {
        slot.result = Some(alone(session, &slot.row));
    }
}

fn alone(session: &PostgresSession<'_>, row: &WaitingRow) -> Result<Inserted, DbError> {
    session.script(SAVEPOINT)?;
    let result = session.execute(row.what.statement(), &row.values);
    session.script(if result.is_ok() { KEEP } else { TAKE_BACK })?;
    Ok(if result? == 1 { Inserted::Yes } else { Inserted::Conflict })
}
