//! Moves of a tag's orders: how far each is, and which server has it in hand. One server at a time works on a move; if
//! it dies another goes on where it was. Whoever takes it over adds one to the epoch, and whoever had it before is
//! refused from then on, here and by both databases.

use super::audit::{self, AuditKind, NewAudit};
use super::homes::{another_takes, home_of, homes, set_standing, tag_of};
use super::{BaseError, BaseStore};
use crate::database::{DbError, Row, Sql};
use crate::order_group::TagStanding;
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::order_number::GroupTag;
use evertill_shared::protocol::groups::{MovePhase, MoveRow};
use std::time::Duration;

/// How long a move is left alone by other servers after its own was last heard of.
pub const MOVE_LEASE: Duration = Duration::from_secs(10);

/// A move of a tag's orders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoveRecord {
    /// Whose orders.
    pub tag: GroupTag,
    /// The database that has them.
    pub from: GroupTag,
    /// The database that gets them.
    pub to: GroupTag,
    /// How far it is.
    pub phase: MovePhase,
    /// One more each time that a server takes it in hand.
    pub epoch: u64,
    /// How far the copying is, in the copier's own words.
    pub progress: String,
    /// Orders that are in the new home.
    pub copied: u64,
    /// Orders that there are.
    pub total: u64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it last came on.
    pub updated_at: Timestamp,
    /// What is in its way.
    pub problem: Option<String>,
}

/// A move that a server has in hand: both change whenever something is heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoveInHand {
    /// One more each time that a server takes it.
    pub epoch: u64,
    /// Until when it is that server's, unless it says more.
    pub until: Timestamp,
}

/// What came of trying to take a move in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenMove {
    /// It is this server's.
    Taken(Box<MoveRecord>),
    /// Another server has it.
    Elsewhere(MoveInHand),
    /// There is none that is under way.
    Nothing,
}

impl MoveRecord {
    /// As people see it.
    #[must_use]
    pub fn row(&self) -> MoveRow {
        MoveRow {
            from: self.from,
            to: self.to,
            phase: self.phase,
            copied: self.copied,
            total: self.total,
            started_at: self.started_at,
            updated_at: self.updated_at,
            problem: self.problem.clone(),
        }
    }
}

const MOVE: &str = "SELECT tag, from_home, to_home, phase, epoch, progress, copied, total, started_at, updated_at, \
     problem, lease_owner, lease_until FROM moves";

fn read(row: &Row) -> Result<MoveRecord, DbError> {
    let word: String = row.get("phase")?;
    Ok(MoveRecord {
        tag: tag_of(row.get("tag")?)?,
        from: tag_of(row.get("from_home")?)?,
        to: tag_of(row.get("to_home")?)?,
        phase: MovePhase::from_word(&word).ok_or_else(|| DbError::nonsense(word))?,
        epoch: row.get("epoch")?,
        progress: row.get("progress")?,
        copied: row.get("copied")?,
        total: row.get("total")?,
        started_at: Timestamp(row.get("started_at")?),
        updated_at: Timestamp(row.get("updated_at")?),
        problem: row.get("problem")?,
    })
}

pub(super) fn all(sql: &dyn Sql) -> Result<Vec<MoveRecord>, BaseError> {
    let rows = sql.rows(&format!("{MOVE} ORDER BY tag"), &[])?;
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

fn find(sql: &dyn Sql, tag: GroupTag) -> Result<Option<MoveRecord>, BaseError> {
    Ok(all(sql)?.into_iter().find(|one| one.tag == tag))
}

fn begin(sql: &dyn Sql, tag: GroupTag, to: GroupTag, now: Timestamp) -> Result<bool, BaseError> {
    let known = home_of(sql, tag)?;
    if known.home == to {
        return Err(BaseError::Invalid(format!("the orders of group {tag} are there already")));
    }
    if !homes(sql)?.iter().any(|home| home.home == to && home.in_use) {
        return Err(BaseError::Invalid(format!(
            "group {to} is not in use: name one that is, or add it first"
        )));
    }
    match find(sql, tag)? {
        Some(one) if one.phase == MovePhase::Aborting => {
            return Err(BaseError::Invalid(format!(
                "a move of group {tag} is just being taken back: wait until it is, then run this again"
            )));
        }
        Some(one) if one.phase.is_under_way() && one.to == to => return Ok(false),
        // What was in the way may be mended: it begins anew.
        Some(one) if one.is_over() || (one.phase == MovePhase::Stopped && one.to == to) => {}
        Some(one) => {
            let problem = format!(
                "the orders of group {tag} are on their way to group {}: abort that first (group abort {tag})",
                one.to
            );
            return Err(BaseError::Invalid(problem));
        }
        None => {}
    }
    if known.standing == TagStanding::Active {
        another_takes(sql, tag)?;
    }
    let epoch = known.epoch.max(find(sql, tag)?.map_or(0, |one| one.epoch)).saturating_add(1);
    set_standing(sql, tag, known.home, TagStanding::Moving, epoch)?;
    sql.execute(
        "INSERT INTO moves (tag, from_home, to_home, phase, epoch, progress, copied, total, started_at, updated_at, \
         lease_owner, lease_until, problem) VALUES (?1, ?2, ?3, 'draining', ?4, '', 0, 0, ?5, ?5, NULL, 0, NULL) \
         ON CONFLICT (tag) DO UPDATE SET from_home = ?2, to_home = ?3, phase = 'draining', epoch = ?4, \
         progress = '', copied = 0, total = 0, started_at = ?5, updated_at = ?5, lease_owner = NULL, \
         lease_until = 0, problem = NULL",
        &params![tag.get(), known.home.get(), to.get(), epoch, now.0],
    )?;
    Ok(true)
}

impl BaseStore {
    /// Begins to move a tag's orders into another database. Asking for a move that is under way changes nothing; one
    /// that was stopped begins anew.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] says why it cannot be; the database's.
    pub async fn begin_move(
        &self,
        tag: GroupTag,
        to: GroupTag,
        who: String,
        why: String,
    ) -> Result<(), BaseError> {
        let now = self.clock.now();
        self.database
            .write(move |sql| {
                if begin(sql, tag, to, now)? {
                    let why = format!("to {to}: {why}");
                    audit::append(sql, &NewAudit::new(who, AuditKind::GroupMoved, tag, why), now)?;
                }
                Ok(())
            })
            .await
    }

    /// Asks for a move to be put back. Whichever server has it in hand does so.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] if it is too late; [`BaseError::NotFound`] without a move; the database's.
    pub async fn abort_move(&self, tag: GroupTag, who: String, why: String) -> Result<(), BaseError> {
        let now = self.clock.now();
        self.database
            .write(move |sql| {
                let one = find(sql, tag)?.filter(|one| !one.is_over());
                let one = one.ok_or(BaseError::NotFound("move"))?;
                if !one.phase.can_be_aborted() {
                    return Err(BaseError::Invalid(format!(
                        "the orders of group {tag} are in their new home already: move them back instead"
                    )));
                }
                if one.phase != MovePhase::Aborting {
                    // Out of the hands of whoever has it.
                    sql.execute(
                        "UPDATE moves SET phase = 'aborting', epoch = epoch + 1, updated_at = ?2, problem = NULL, \
                         lease_owner = NULL, lease_until = 0 WHERE tag = ?1",
                        &params![tag.get(), now.0],
                    )?;
                    audit::append(sql, &NewAudit::new(who, AuditKind::MoveAborted, tag, why), now)?;
                }
                Ok(())
            })
            .await
    }

    /// The last move of each tag.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn moves(&self) -> Result<Vec<MoveRecord>, BaseError> {
        self.database.read(all).await
    }

    /// Takes a move in hand, if it is under way and nobody else has it. Another server's is taken only if its lease is
    /// over and it is still as it was long ago, in `silent`: the servers' clocks may differ.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn take_move(
        &self,
        tag: GroupTag,
        owner: String,
        silent: Option<MoveInHand>,
    ) -> Result<TakenMove, BaseError> {
        let now = self.clock.now();
        self.database
            .write(move |sql| {
                let rows = sql.rows_locked(&format!("{MOVE} WHERE tag = ?1"), &params![tag.get()])?;
                let Some(row) = rows.first() else { return Ok(TakenMove::Nothing) };
                let one = read(row)?;
                if !one.phase.is_under_way() {
                    return Ok(TakenMove::Nothing);
                }
                let holder: Option<String> = row.get("lease_owner")?;
                let heard = MoveInHand { epoch: one.epoch, until: Timestamp(row.get("lease_until")?) };
                // One that ends long after any lease would was taken by a clock that has been set back since.
                let is_over = heard.until <= now || heard.until > now.plus(20 * MOVE_LEASE);
                let is_free = is_over && silent == Some(heard);
                if holder.is_some_and(|holder| holder != owner) && !is_free {
                    return Ok(TakenMove::Elsewhere(heard));
                }
                let epoch = one.epoch.saturating_add(1);
                sql.execute(
                    "UPDATE moves SET epoch = ?2, lease_owner = ?3, lease_until = ?4 WHERE tag = ?1",
                    &params![tag.get(), epoch, &owner, now.plus(MOVE_LEASE).0],
                )?;
                Ok(TakenMove::Taken(Box::new(MoveRecord { epoch, ..one })))
            })
            .await
    }

    /// Keeps a move in hand. `false` if it is in other hands by now.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn keep_move(&self, tag: GroupTag, epoch: u64) -> Result<bool, BaseError> {
        let until = self.clock.now().plus(MOVE_LEASE);
        self.database
            .write(move |sql| {
                let statement = "UPDATE moves SET lease_until = ?3 WHERE tag = ?1 AND epoch = ?2";
                Ok(sql.execute(statement, &params![tag.get(), epoch, until.0])? == 1)
            })
            .await
    }

    /// Writes down how far a move is, and keeps it in hand. `phase` is the one that it was in: if it is in another by
    /// now, or in other hands, nothing is written.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn save_move(&self, one: MoveRecord, phase: MovePhase) -> Result<bool, BaseError> {
        let now = self.clock.now();
        self.database
            .write(move |sql| {
                let rows = sql.execute(
                    "UPDATE moves SET phase = ?3, progress = ?4, copied = ?5, total = ?6, problem = ?7, \
                     updated_at = ?8, lease_until = ?9 WHERE tag = ?1 AND epoch = ?2 AND phase = ?10",
                    &params![
                        one.tag.get(),
                        one.epoch,
                        one.phase.as_str(),
                        &one.progress,
                        one.copied,
                        one.total,
                        &one.problem,
                        now.0,
                        now.plus(MOVE_LEASE).0,
                        phase.as_str(),
                    ],
                )?;
                Ok(rows == 1)
            })
            .await
    }

    /// Tells all servers where the orders are from now on, under this epoch: in their new home after a move, in the old
    /// one after a move that was put back. `false` if the move is in other hands.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn publish(
        &self,
        one: MoveRecord,
        home: GroupTag,
        standing: TagStanding,
    ) -> Result<bool, BaseError> {
        self.database
            .write(move |sql| {
                if find(sql, one.tag)?
                    .is_none_or(|there| there.epoch != one.epoch || there.phase != one.phase)
                {
                    return Ok(false);
                }
                set_standing(sql, one.tag, home, standing, one.epoch)?;
                Ok(true)
            })
            .await
    }
}
