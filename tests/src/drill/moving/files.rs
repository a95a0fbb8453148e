//! The books as they stand in the files, when no server runs any more.

use super::fill::{BEFORE, Digest, Filled};
use super::{FROM, TO, wrong};
use crate::drill::DrillError;
use crate::store_rig::StoreRig;
use evertill_server::database::Database;
use evertill_server::order_group::outbox::Outbox;
use evertill_server::order_group::{Expected, OrderGroup, StoredGroup};
use evertill_shared::order::OrderState;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How many orders are read at a time by the product's own code.
const PART: u32 = 2_000;

/// What the files say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Books {
    /// Orders of the tag in their new home.
    pub moved: u64,
    /// Orders and entries that are missing there, older than they were, or other than they were, and orders that are
    /// not paid although a till was told so.
    pub lost: u64,
    /// Sales that are paid under two numbers, orders that were written in both homes, homes that both serve, and
    /// sales that nobody made.
    pub doubled: u64,
    /// Drafts that nobody chose, left out because their sale has another number there.
    pub left_out: u64,
    /// Orders that the product's own code reads in their new home, paid in full.
    pub readable: u64,
    /// Whether the old orders are what their tills signed.
    pub is_digest_equal: bool,
    /// Whether as much was paid as the tills were told, to the last cent.
    pub is_money_equal: bool,
}

/// Nobody else can write into the file until what this gives is dropped.
pub(super) fn hold(file: &Path) -> Result<Connection, DrillError> {
    let connection = Connection::open(file).map_err(wrong)?;
    connection.busy_timeout(Duration::from_secs(20)).map_err(wrong)?;
    connection.execute_batch("BEGIN IMMEDIATE").map_err(wrong)?;
    Ok(connection)
}

/// Whether a write into the file could begin now.
pub(super) fn can_be_written(file: &Path) -> bool {
    let Ok(connection) = Connection::open(file) else { return false };
    let patient = connection.busy_timeout(Duration::from_millis(60)).is_ok();
    patient && connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_ok()
}

/// A database that is not where it was.
pub(super) struct Away {
    from: PathBuf,
    to: PathBuf,
}

/// The files of a database.
const BESIDE: [&str; 3] = ["db", "db-wal", "db-shm"];

/// Takes a database that nobody uses out of its place.
pub(super) fn take_away(file: &Path) -> Result<Away, DrillError> {
    let away = Away { from: file.to_owned(), to: file.with_file_name("taken-away.db") };
    rename_all(&away.from, &away.to)?;
    Ok(away)
}

impl Away {
    /// Brings it back, to look at what is in it. Nobody may have put another one into its place.
    pub fn bring_back(self) -> Result<(), DrillError> {
        if self.from.exists() {
            return Err(wrong(format!("somebody made {} anew", self.from.display())));
        }
        rename_all(&self.to, &self.from)
    }
}

fn rename_all(from: &Path, to: &Path) -> Result<(), DrillError> {
    for extension in BESIDE {
        let file = from.with_extension(extension);
        if file.exists() {
            std::fs::rename(&file, to.with_extension(extension)).map_err(wrong)?;
        }
    }
    Ok(())
}

/// Compares the books with what went in and what the tills were told: on both cores.
pub(super) fn compare(
    rig: &StoreRig,
    filled: &Filled,
    paid: &[(OrderNumber, i64)],
) -> Result<Books, DrillError> {
    std::thread::scope(|scope| {
        let digest = scope.spawn(|| Ok::<_, DrillError>((digest(rig)?, readable(rig)?)));
        let books = compare_rows(rig, filled, paid)?;
        let (digest, readable) = digest.join().map_err(|_| wrong("reading broke off"))??;
        Ok(Books { readable, is_digest_equal: digest == filled.digest, ..books })
    })
}

/// The old orders as they stand in the new home.
fn digest(rig: &StoreRig) -> Result<Digest, DrillError> {
    let connection = Connection::open(rig.group_file(TO)).map_err(wrong)?;
    let mut statement = connection
        .prepare(&format!(
            "SELECT o.number, o.paid_minor, s.text, a.text, c.text FROM orders o \
             JOIN journal_entries s ON s.terminal = o.terminal AND s.epoch = o.epoch AND s.sequence = o.sequence \
             JOIN journal_entries a ON a.terminal = o.terminal AND a.epoch = o.epoch AND a.sequence = o.sequence + 1 \
             JOIN journal_entries c ON c.terminal = o.terminal AND c.epoch = o.epoch AND c.sequence = o.sequence + 2 \
             WHERE o.sequence > {BEFORE} AND o.sale = s.text AND o.state = 'paid'"
        ))
        .map_err(wrong)?;
    let (mut rows, mut digest) = (statement.query([]).map_err(wrong)?, Digest::default());
    while let Some(row) = rows.next().map_err(wrong)? {
        let text = |place: usize| -> rusqlite::Result<&str> { Ok(row.get_ref(place)?.as_str()?) };
        let read = || -> rusqlite::Result<_> { Ok((text(0)?, row.get(1)?, [text(2)?, text(3)?, text(4)?])) };
        let (number, paid, entries) = read().map_err(wrong)?;
        digest.add(number, paid, entries);
    }
    Ok(digest)
}

/// How many orders of the tag the product's own code reads there as paid in full.
fn readable(rig: &StoreRig) -> Result<u64, DrillError> {
    let tag = |number: u8| GroupTag::try_from(number).map_err(wrong);
    let base = Connection::open(rig.data_dir().join("base.db")).map_err(wrong)?;
    let base = base.query_row("SELECT id FROM identity", [], |row| row.get(0)).map_err(wrong)?;
    let expected = Expected { base, group: None };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(wrong)?;
    let database = Database::sqlite(&rig.group_file(TO), &StoredGroup::schema(tag(TO)?)).map_err(wrong)?;
    let home = runtime.block_on(StoredGroup::on(tag(TO)?, database.clone(), &expected)).map_err(wrong)?;
    let (moved, from) = (home.serving(tag(FROM)?), tag(FROM)?);
    let (mut below, mut count) = (None, 0);
    loop {
        let part = runtime.block_on(Outbox::sales(moved.as_ref(), from, below, PART)).map_err(wrong)?;
        if let Some(unreadable) = part.left_out.first() {
            return Err(wrong(format!("order {} cannot be read", unreadable.number)));
        }
        let is_whole = |order: &evertill_server::order_group::OrderSummary| {
            order.number.tag() == from && order.state == OrderState::Paid && order.paid == order.total
        };
        count += part.sales.iter().filter(|copy| is_whole(&copy.order)).count() as u64;
        below = part.rest;
        if below.is_none() {
            break;
        }
    }
    runtime.block_on(database.close());
    Ok(count)
}

fn compare_rows(rig: &StoreRig, filled: &Filled, paid: &[(OrderNumber, i64)]) -> Result<Books, DrillError> {
    let connection = Connection::open(rig.group_file(TO)).map_err(wrong)?;
    for (name, tag) in [("old", FROM), ("beside", 1)] {
        let file = rig.group_file(tag).display().to_string();
        connection.execute(&format!("ATTACH DATABASE ?1 AS {name}"), [file]).map_err(wrong)?;
    }
    let number = |statement: &str| -> Result<i64, DrillError> {
        connection.query_row(statement, [], |row| row.get(0)).map_err(wrong)
    };
    let count = |statement: &str| number(statement).map(|count| u64::try_from(count).unwrap_or(0));
    let of_tag = format!("LIKE '%{FROM:02}'");
    let moved = count(&format!("SELECT count(*) FROM main.orders WHERE number {of_tag}"))?;
    let against = |which: &str| {
        count(&format!(
            "SELECT count(*) FROM old.orders o LEFT JOIN main.orders n ON n.number = o.number \
             WHERE o.number {of_tag} AND {which}"
        ))
    };
    let missing =
        against("(n.number IS NULL OR n.version < o.version) AND o.state NOT IN ('draft', 'expired')")?;
    let left_out = against("n.number IS NULL AND o.state IN ('draft', 'expired')")?;
    // What the old home took after the move would be here with another version of its own.
    let written_twice = against(
        "n.version = o.version AND (n.state, n.paid_minor, n.held_minor, n.total_minor, n.sale, n.sale_hash, n.terminal, \
         n.epoch, n.sequence, n.business_day, n.created_at) IS NOT (o.state, o.paid_minor, o.held_minor, o.total_minor, \
         o.sale, o.sale_hash, o.terminal, o.epoch, o.sequence, o.business_day, o.created_at)",
    )?;
    let entries_gone = count(
        "SELECT count(*) FROM old.journal_entries o LEFT JOIN main.journal_entries n ON n.terminal = o.terminal AND \
         n.epoch = o.epoch AND n.sequence = o.sequence WHERE n.hash IS NOT o.hash OR n.text IS NOT o.text OR \
         n.signature IS NOT o.signature",
    )?;
    let stories = |of: &str| count(&format!("SELECT count(*) FROM {of}.story WHERE number {of_tag}"));
    let stories_gone = stories("old")?.saturating_sub(stories("main")?);
    let sold_twice = count(
        "SELECT count(*) FROM main.orders n JOIN beside.orders b ON b.terminal = n.terminal AND b.epoch = n.epoch \
         AND b.sequence = n.sequence WHERE n.state = 'paid' AND b.state = 'paid'",
    )?;
    let still_served =
        count(&format!("SELECT count(*) FROM old.tags WHERE tag = {FROM} AND state <> 'moved'"))?;
    let not_served =
        count(&format!("SELECT 1 - count(*) FROM main.tags WHERE tag = {FROM} AND state = 'serving'"))?;
    let not_paid = not_paid(&connection, paid)?;
    let all = |what: &str| {
        number(&format!(
            "SELECT (SELECT {what} FROM main.orders WHERE state = 'paid') + \
             (SELECT {what} FROM beside.orders WHERE state = 'paid')"
        ))
    };
    let told: i64 = paid.iter().map(|(_, total)| total).sum();
    let is_money_equal = all("coalesce(sum(paid_minor), 0)")? == filled.money + told;
    let made_up =
        u64::try_from(all("count(*)")?).unwrap_or(0).saturating_sub(filled.orders + paid.len() as u64);
    Ok(Books {
        moved,
        lost: missing + entries_gone + stories_gone + not_served + not_paid,
        doubled: written_twice + sold_twice + still_served + made_up,
        left_out,
        is_money_equal,
        ..Books::default()
    })
}

/// How many of the orders that a till was told are paid are not.
fn not_paid(connection: &Connection, paid: &[(OrderNumber, i64)]) -> Result<u64, DrillError> {
    let mut not_paid = 0;
    for (number, total) in paid {
        let home = if number.tag().get() == 1 { "beside" } else { "main" };
        let statement = format!(
            "SELECT count(*) FROM {home}.orders WHERE number = ?1 AND state = 'paid' AND paid_minor = ?2"
        );
        let there: i64 =
            connection.query_row(&statement, (number.as_str(), total), |row| row.get(0)).map_err(wrong)?;
        not_paid += u64::from(there != 1);
    }
    Ok(not_paid)
}
