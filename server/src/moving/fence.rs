//! What a database itself knows of the tags that it serves. Each change is made under an epoch: whoever has an older one
//! than stands there has been overtaken, and changes nothing.

use super::{MoveError, Side};
#[cfg(test)]
use crate::database::Database;
use crate::database::{Row, Sql};
use crate::order_group::{GroupSet, TagHome, TagStanding};
use crate::params;
use evertill_shared::order_number::GroupTag;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether the database takes this move's copies: read in the very transaction that writes them.
pub(super) fn arrives(opening: &[Row], tag: GroupTag, epoch: u64) -> Result<(), MoveError> {
    let mine = |row: &&Row| row.get::<u8>("tag") == Ok(tag.get());
    let row = opening.iter().find(mine).ok_or(MoveError::Overtaken)?;
    let stands = (row.get::<String>("state")?, row.get::<u64>("epoch")?);
    if stands == ("arriving".to_owned(), epoch) { Ok(()) } else { Err(MoveError::Overtaken) }
}

/// How the tag stands there, and under which epoch.
#[cfg(test)]
pub(super) async fn standing(database: &Database, tag: GroupTag) -> Option<(String, u64)> {
    let found = database
        .read(move |sql| -> Result<_, MoveError> {
            let row = sql.row("SELECT state, epoch FROM tags WHERE tag = ?1", &params![tag.get()])?;
            row.map(|row| Ok((row.at(0)?, row.at(1)?))).transpose()
        })
        .await;
    found.ok().flatten()
}

/// Tells a database that it gives out numbers no more, or again.
///
/// # Errors
/// It cannot be told now, or its orders are in other hands by now.
pub async fn tell(groups: &GroupSet, known: TagHome) -> Result<(), String> {
    let state = if known.standing == TagStanding::Active { "active" } else { "draining" };
    let database = groups.home_database(known.home).map_err(|error| error.to_string())?;
    let side = Side { database, name: "group's database" };
    let turned = turn(&side, known.tag, known.epoch, &["active", "draining"], state, None).await;
    turned.map_err(|error| error.to_string())
}

/// Brings the tag from one of these states to `state`. What stands so already is only given the epoch.
pub(super) async fn turn(
    side: &Side,
    tag: GroupTag,
    epoch: u64,
    from: &'static [&'static str],
    state: &'static str,
    moved_to: Option<GroupTag>,
) -> Result<(), MoveError> {
    side.write(move |sql| turn_in(sql, tag, epoch, from, state, moved_to)).await
}

/// A stop of all writing that can be called off. Its own write may stand in a queue long after nobody waits for it any more,
/// and where several connections write, what was asked for later may be done before it: under one epoch the database cannot
/// tell that.
#[derive(Clone, Debug, Default)]
pub(super) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Whatever of it has not begun by now never does anything. What has begun has the tag's row: whoever lets the orders go
    /// after this waits for it.
    pub fn call_off(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Nothing of this tag is written any more, unless it is called off.
    pub async fn freeze(&self, side: &Side, tag: GroupTag, epoch: u64) -> Result<(), MoveError> {
        let stop = self.clone();
        let frozen = side.write(move |sql| {
            // Also beside others that only read the row's state at their beginning.
            sql.rows_locked("SELECT state FROM tags WHERE tag = ?1", &params![tag.get()])?;
            if stop.0.load(Ordering::SeqCst) {
                return Err(MoveError::Later("it came too late to be done".into()));
            }
            turn_in(sql, tag, epoch, &["draining"], "frozen", None)
        });
        frozen.await
    }
}

fn turn_in(
    sql: &dyn Sql,
    tag: GroupTag,
    epoch: u64,
    from: &[&str],
    state: &str,
    moved_to: Option<GroupTag>,
) -> Result<(), MoveError> {
    let found = sql.rows_locked("SELECT state, epoch FROM tags WHERE tag = ?1", &params![tag.get()])?;
    let Some(row) = found.first() else {
        // It was never here: only what arrives may begin here. What is turned away before it came leaves its epoch
        // behind, so that whoever is late with an older one finds the door shut.
        if !matches!(state, "arriving" | "moved") {
            return Err(MoveError::Stop(format!("the database knows nothing of group {tag}")));
        }
        sql.execute(
            "INSERT INTO tags (tag, state, epoch, moved_to) VALUES (?1, ?2, ?3, ?4)",
            &params![tag.get(), state, epoch, moved_to.map(|to| to.to_string())],
        )?;
        return Ok(());
    };
    let (stands, under): (String, u64) = (row.at(0)?, row.at(1)?);
    if under > epoch {
        return Err(MoveError::Overtaken);
    }
    if stands != state && !from.contains(&stands.as_str()) {
        let problem = format!("group {tag} is {stands:?} in this database and cannot become {state:?}");
        return Err(MoveError::Stop(problem));
    }
    sql.execute(
        "UPDATE tags SET state = ?2, epoch = ?3, moved_to = ?4 WHERE tag = ?1",
        &params![tag.get(), state, epoch, moved_to.map(|to| to.to_string())],
    )?;
    Ok(())
}
