//! The books as they stand in the files, when no server runs any more.

use crate::drill::DrillError;
use crate::store_rig::StoreRig;
use evertill_shared::id::TerminalId;
use evertill_shared::order_number::OrderNumber;
use rusqlite::Connection;
use std::path::Path;
use std::time::Duration;

/// How many old numbers are read.
const SOME: usize = 500;

/// What the files say.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// Orders of the tag in their new home.
    pub moved: u64,
    /// Orders that are missing there, older than they were, or not paid although a till was told so.
    pub lost: usize,
    /// Sales that are paid under two numbers, orders that were written in both homes, and homes that both serve.
    pub doubled: u64,
    /// Drafts that nobody chose, left out because their sale has another number there.
    pub left_out: u64,
}

fn wrong(what: rusqlite::Error) -> DrillError {
    DrillError::Other(what.to_string())
}

/// Whether a write into the file could begin now.
pub(super) fn can_be_written(file: &Path) -> bool {
    let Ok(connection) = Connection::open(file) else { return false };
    let patient = connection.busy_timeout(Duration::from_millis(400)).is_ok();
    patient && connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_ok()
}

/// Some numbers of paid orders that this till sold, from all of time.
pub(super) fn numbers_of(
    rig: &StoreRig,
    group: u8,
    terminal: TerminalId,
) -> Result<Vec<OrderNumber>, DrillError> {
    let connection = Connection::open(rig.group_file(group)).map_err(wrong)?;
    let mut statement = connection
        .prepare("SELECT number FROM orders WHERE terminal = ?1 AND state = 'paid' ORDER BY number")
        .map_err(wrong)?;
    let numbers = statement.query_map([terminal.get()], |row| row.get::<_, String>(0)).map_err(wrong)?;
    let numbers: Vec<String> = numbers.collect::<Result<_, _>>().map_err(wrong)?;
    let step = (numbers.len() / SOME).max(1);
    let parsed = |number: &String| number.parse().map_err(|_| DrillError::Other(format!("{number} is none")));
    numbers.iter().step_by(step).map(parsed).collect()
}

/// Compares the books with what the tills were told.
pub(super) fn compare(
    rig: &StoreRig,
    from: u8,
    to: u8,
    paid: &[(OrderNumber, i64)],
) -> Result<Books, DrillError> {
    let connection = Connection::open(rig.group_file(to)).map_err(wrong)?;
    for (name, tag) in [("old", from), ("beside", 1)] {
        let file = rig.group_file(tag).display().to_string();
        connection.execute(&format!("ATTACH DATABASE ?1 AS {name}"), [file]).map_err(wrong)?;
    }
    let count = |statement: &str| -> Result<u64, DrillError> {
        let count: i64 = connection.query_row(statement, [], |row| row.get(0)).map_err(wrong)?;
        Ok(u64::try_from(count).unwrap_or(0))
    };
    let of_tag = format!("LIKE '%{from:02}'");
    let moved = count(&format!("SELECT count(*) FROM main.orders WHERE number {of_tag}"))?;
    let missing = |which: &str| {
        count(&format!(
            "SELECT count(*) FROM old.orders o LEFT JOIN main.orders n ON n.number = o.number \
             WHERE o.number {of_tag} AND {which}"
        ))
    };
    let lost =
        missing("(n.number IS NULL OR n.version < o.version) AND o.state NOT IN ('draft', 'expired')")?;
    let left_out = missing("n.number IS NULL AND o.state IN ('draft', 'expired')")?;
    // What the old home took after the move would be here with another version of its own.
    let written_twice =
        missing("n.version = o.version AND (n.state <> o.state OR n.paid_minor <> o.paid_minor)")?;
    let sold_twice = count(
        "SELECT count(*) FROM main.orders n JOIN beside.orders b ON b.terminal = n.terminal AND b.epoch = n.epoch \
         AND b.sequence = n.sequence WHERE n.state = 'paid' AND b.state = 'paid'",
    )?;
    let still_served =
        count(&format!("SELECT count(*) FROM old.tags WHERE tag = {from} AND state <> 'moved'"))?;
    let not_served =
        count(&format!("SELECT 1 - count(*) FROM main.tags WHERE tag = {from} AND state = 'serving'"))?;
    let mut not_paid = 0;
    for (number, total) in paid {
        let home = if number.tag().get() == 1 { "beside" } else { "main" };
        let statement = format!(
            "SELECT count(*) FROM {home}.orders WHERE number = ?1 AND state = 'paid' AND paid_minor = ?2"
        );
        let there: i64 =
            connection.query_row(&statement, (number.as_str(), total), |row| row.get(0)).map_err(wrong)?;
        not_paid += usize::from(there != 1);
    }
    let lost = usize::try_from(lost + not_served).unwrap_or(usize::MAX).saturating_add(not_paid);
    Ok(Books { moved, lost, doubled: written_twice + sold_twice + still_served, left_out })
}
