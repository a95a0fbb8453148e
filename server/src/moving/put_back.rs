//! Taking away what had arrived of a move that was put back.

use super::copy::AT_A_TIME;
use super::rows::{Chunk, TABLES};
use super::{Ends, MoveError, Side, fence};
use crate::database::Sql;
use crate::params;
use evertill_shared::order_number::GroupTag;

/// Nothing more of this move gets into the new database; what is there is taken away, a few orders at a time.
pub(super) async fn clear(ends: &Ends, back_in: GroupTag) -> Result<(), MoveError> {
    fence::turn(&ends.to, ends.tag, ends.epoch, &["arriving"], "moved", Some(back_in)).await?;
    while clear_some(ends).await? {}
    Ok(())
}

/// Whether there may be more.
async fn clear_some(ends: &Ends) -> Result<bool, MoveError> {
    let (tag, epoch, pattern) = (ends.tag, ends.epoch, ends.pattern());
    let job = move |sql: &dyn Sql| {
        let mine = sql.row("SELECT state, epoch FROM tags WHERE tag = ?1", &params![tag.get()])?;
        match mine {
            Some(row) if row.at::<String>(0)? == "moved" && row.at::<u64>(1)? == epoch => {}
            _ => return Err(MoveError::Overtaken),
        }
        let numbers = sql.rows(
            "SELECT number FROM orders WHERE number LIKE ?1 ORDER BY number LIMIT ?2",
            &params![&pattern, AT_A_TIME],
        )?;
        let (Some(first), Some(last)) = (numbers.first(), numbers.last()) else {
            sql.execute("DELETE FROM outbox WHERE number LIKE ?1", &params![&pattern])?;
            return Ok(false);
        };
        let chunk = Chunk { spans: vec![(first.at(0)?, last.at(0)?)], ..Chunk::default() };
        for span in &chunk.spans {
            for table in TABLES.iter().rev() {
                table.clear(sql, span, &pattern)?;
            }
        }
        Ok(true)
    };
    ends.to.write(job).await
}

/// Forgets which entries came late, if nothing else is leaving.
pub(super) async fn forget_late(from: &Side) -> Result<(), MoveError> {
    from.write(|sql| {
        let leaving = "SELECT tag FROM tags WHERE state IN ('draining', 'frozen') LIMIT 1";
        if sql.row(leaving, &[])?.is_none() {
            sql.execute("DELETE FROM late_entries", &[])?;
        }
        Ok(())
    })
    .await
}
