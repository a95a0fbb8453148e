//! Files.

use super::{BATCH, COMMITS, RowCost};
use crate::load::usage::cpu_of_this_thread;
use crate::load::wrong;
use crate::store_rig::RigError;
use evertill_shared::clock::{Clock, SystemClock};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

pub(super) fn orders_in(file: &Path) -> Result<usize, RigError> {
    let connection = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(wrong)?;
    let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    let orders = connection.query_row("SELECT count(*) FROM orders", [], count).map_err(wrong)?;
    usize::try_from(orders).map_err(wrong)
}

pub(super) fn row_cost(file: &Path, bytes: usize) -> Result<RowCost, RigError> {
    let mut connection = rows_in(file).map_err(wrong)?;
    let text = "x".repeat(bytes.saturating_sub(25));
    let mut next = 0_u64;
    let mut commits = |count: u32, connection: &mut Connection| -> rusqlite::Result<()> {
        for _ in 0..count {
            let transaction = connection.transaction()?;
            {
                let mut insert =
                    transaction.prepare_cached("INSERT INTO rows (number, text) VALUES (?1, ?2)")?;
                for _ in 0..BATCH {
                    next += 1;
                    insert.execute((format!("{next:025}"), &text))?;
                }
            }
            transaction.commit()?;
        }
        Ok(())
    };
    commits(COMMITS / 4, &mut connection).map_err(wrong)?;
    let (cpu, wall) = (cpu_of_this_thread()?, SystemClock.monotonic());
    commits(COMMITS, &mut connection).map_err(wrong)?;
    let rows = BATCH * COMMITS;
    Ok(RowCost {
        cpu: cpu_of_this_thread()?.saturating_sub(cpu) / rows,
        wall: SystemClock.monotonic().saturating_sub(wall) / rows,
    })
}

fn rows_in(file: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(file)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.execute_batch("CREATE TABLE rows (number TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT")?;
    Ok(connection)
}
