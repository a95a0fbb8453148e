//! Which databases hold orders, and which of them serves which tag: the map that all servers go by.

use super::audit::{self, AuditKind, NewAudit};
use super::moves::{self, MoveRecord};
use super::{BaseError, BaseStore};
use crate::database::{DbError, Row, Sql};
use crate::order_group::{Expected, TagHome, TagStanding};
use crate::params;
use evertill_shared::clock::Timestamp;
use evertill_shared::order_number::GroupTag;
use evertill_shared::protocol::groups::{GroupRow, MovePhase};

/// A database that holds orders, as it was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HomeRecord {
    /// The tag that it was made with.
    pub home: GroupTag,
    /// Where it is: JSON.
    pub place: String,
    /// Whether it is in use.
    pub in_use: bool,
    /// What it must say of itself.
    pub expected: Expected,
}

pub(super) fn tag_of(number: u8) -> Result<GroupTag, DbError> {
    GroupTag::try_from(number).map_err(DbError::nonsense)
}

fn tag_home(row: &Row) -> Result<TagHome, DbError> {
    let word: String = row.get("state")?;
    let standing = TagStanding::from_word(&word).ok_or_else(|| DbError::nonsense(word))?;
    let (tag, home) = (tag_of(row.get("tag")?)?, tag_of(row.get("home")?)?);
    Ok(TagHome { tag, home, standing, epoch: row.get("epoch")? })
}

pub(super) fn homes_of_tags(sql: &dyn Sql) -> Result<Vec<TagHome>, BaseError> {
    let rows = sql.rows("SELECT tag, home, state, epoch FROM tag_homes ORDER BY tag", &[])?;
    Ok(rows.iter().map(tag_home).collect::<Result<_, _>>()?)
}

pub(super) fn home_of(sql: &dyn Sql, tag: GroupTag) -> Result<TagHome, BaseError> {
    let all = homes_of_tags(sql)?;
    all.into_iter().find(|known| known.tag == tag).ok_or(BaseError::NotFound("order group"))
}

pub(super) fn homes(sql: &dyn Sql) -> Result<Vec<HomeRecord>, BaseError> {
    let base: Option<String> = sql.value("SELECT id FROM identity", &[])?;
    let base = base.unwrap_or_default();
    let rows = sql.rows(
        "SELECT h.home, h.place, h.state, g.id FROM homes h LEFT JOIN group_identities g ON g.tag = h.home \
         ORDER BY h.home",
        &[],
    )?;
    let home = |row: &Row| {
        let expected = Expected { base: base.clone(), group: row.at(3)? };
        let in_use = row.at::<String>(2)? == "in_use";
        Ok(HomeRecord { home: tag_of(row.at(0)?)?, place: row.at(1)?, in_use, expected })
    };
    rows.iter().map(home).collect()
}

pub(super) fn set_standing(
    sql: &dyn Sql,
    tag: GroupTag,
    home: GroupTag,
    standing: TagStanding,
    epoch: u64,
) -> Result<(), BaseError> {
    sql.execute(
        "UPDATE tag_homes SET home = ?2, state = ?3, epoch = ?4 WHERE tag = ?1",
        &params![tag.get(), home.get(), standing.as_str(), epoch],
    )?;
    Ok(())
}

/// New orders need a place to go to.
pub(super) fn another_takes(sql: &dyn Sql, tag: GroupTag) -> Result<(), BaseError> {
    let others = homes_of_tags(sql)?;
    if others.iter().any(|other| other.tag != tag && other.standing == TagStanding::Active) {
        return Ok(());
    }
    Err(BaseError::Invalid(format!("group {tag} is the last one that takes new orders: add another first")))
}

fn insert(sql: &dyn Sql, home: GroupTag, place: &str, now: Timestamp) -> Result<bool, BaseError> {
    let new = sql.execute(
        "INSERT INTO homes (home, place, state, added_at) VALUES (?1, ?2, 'in_use', ?3) ON CONFLICT DO NOTHING",
        &params![home.get(), place, now.0],
    )?;
    sql.execute(
        "INSERT INTO tag_homes (tag, home, state, epoch) VALUES (?1, ?1, 'active', 1) ON CONFLICT DO NOTHING",
        &params![home.get()],
    )?;
    Ok(new == 1)
}

impl BaseStore {
    /// Writes down the groups of a server's own settings, if they are new to the store. What is known of a group
    /// stays: whether it is in use and where its orders are is the store's to say.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn introduce_homes(&self, places: Vec<(GroupTag, String)>) -> Result<(), BaseError> {
        let now = self.clock.now();
        let known = self.homes().await?;
        let is_new = |home: &GroupTag| !known.iter().any(|record| record.home == *home);
        if !places.iter().any(|(home, _)| is_new(home)) {
            return Ok(());
        }
        self.database
            .write(move |sql| {
                places.iter().try_for_each(|(home, place)| insert(sql, *home, place, now).map(drop))
            })
            .await
    }

    /// Adds a group, whose database is open and known by name.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] if the tag was ever used; the database's.
    pub async fn add_home(
        &self,
        home: GroupTag,
        place: String,
        who: String,
        why: String,
    ) -> Result<(), BaseError> {
        let now = self.clock.now();
        self.database
            .write(move |sql| {
                if homes(sql)?.iter().any(|known| known.place == place) {
                    return Err(BaseError::Invalid("another group has this database: name another".into()));
                }
                if !insert(sql, home, &place, now)? {
                    return Err(used(home));
                }
                audit::append(sql, &NewAudit::new(who, AuditKind::GroupAdded, home, why), now)
            })
            .await
    }

    /// All databases that hold or held orders.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn homes(&self) -> Result<Vec<HomeRecord>, BaseError> {
        self.database.read(homes).await
    }

    /// All databases, and where each tag's orders are, as of one moment.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn map(&self) -> Result<(Vec<HomeRecord>, Vec<TagHome>), BaseError> {
        self.database.read(|sql| Ok((homes(sql)?, homes_of_tags(sql)?))).await
    }

    /// Whether that tag was ever used.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] if it was.
    pub async fn tag_is_free(&self, tag: GroupTag) -> Result<(), BaseError> {
        if self.homes().await?.iter().any(|known| known.home == tag) { Err(used(tag)) } else { Ok(()) }
    }

    /// New orders go to other groups from now on; gives the epoch under which the database is to be told.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] if no other takes any; the database's.
    pub async fn drain(&self, tag: GroupTag, who: String, why: String) -> Result<TagHome, BaseError> {
        let now = self.clock.now();
        self.database
            .write(move |sql| {
                let known = home_of(sql, tag)?;
                match known.standing {
                    TagStanding::Draining => Ok(known),
                    TagStanding::Active => {
                        another_takes(sql, tag)?;
                        let epoch = known.epoch.saturating_add(1);
                        set_standing(sql, tag, known.home, TagStanding::Draining, epoch)?;
                        audit::append(sql, &NewAudit::new(who, AuditKind::GroupDrained, tag, why), now)?;
                        Ok(TagHome { standing: TagStanding::Draining, epoch, ..known })
                    }
                    TagStanding::Moving | TagStanding::Serving => Err(BaseError::Invalid(format!(
                        "group {tag} takes no new orders as it is: its orders are moving or have moved"
                    ))),
                }
            })
            .await
    }

    /// A drained group takes new orders again.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] if it is not drained; the database's.
    pub async fn undrain(&self, tag: GroupTag, who: String, why: String) -> Result<TagHome, BaseError> {
        let now = self.clock.now();
        self.database
            .write(move |sql| {
                let known = home_of(sql, tag)?;
                if known.standing == TagStanding::Active {
                    return Ok(known); // pressed twice: the database is told again
                }
                if known.standing != TagStanding::Draining || known.home != tag {
                    return Err(BaseError::Invalid(format!("group {tag} has nothing to take back")));
                }
                let epoch = known.epoch.saturating_add(1);
                set_standing(sql, tag, known.home, TagStanding::Active, epoch)?;
                audit::append(sql, &NewAudit::new(who, AuditKind::MoveAborted, tag, why), now)?;
                Ok(TagHome { standing: TagStanding::Active, epoch, ..known })
            })
            .await
    }

    /// Leaves a database out for good, if it serves nothing any more.
    ///
    /// # Errors
    /// [`BaseError::Invalid`] if it does; the database's.
    pub async fn retire_home(&self, home: GroupTag, who: String, why: String) -> Result<(), BaseError> {
        let now = self.clock.now();
        self.database
            .write(move |sql| {
                let tags = homes_of_tags(sql)?;
                let known = homes(sql)?.into_iter().find(|known| known.home == home);
                let Some(known) = known else { return Err(BaseError::NotFound("order group")) };
                if !known.in_use {
                    return Ok(());
                }
                if let Some(served) = tags.iter().find(|tag| tag.home == home) {
                    return Err(BaseError::Invalid(format!(
                        "the database of group {home} serves the orders of group {0}: move them away first \
                         (group move {0} --to …)",
                        served.tag
                    )));
                }
                // A move that is not wound up still has something to say to this database; so has one that was stopped.
                let needed = |one: &MoveRecord| !one.is_over() && (one.from == home || one.to == home);
                if let Some(one) = moves::all(sql)?.iter().find(|one| needed(one)) {
                    return Err(BaseError::Invalid(format!(
                        "the move of group {0} is not over: wait for it, or abort it first (group abort {0})",
                        one.tag
                    )));
                }
                sql.execute("UPDATE homes SET state = 'retired' WHERE home = ?1", &params![home.get()])?;
                audit::append(sql, &NewAudit::new(who, AuditKind::GroupRetired, home, why), now)
            })
            .await
    }

    /// The groups as people see them.
    ///
    /// # Errors
    /// [`BaseError`].
    pub async fn group_rows(&self) -> Result<Vec<GroupRow>, BaseError> {
        let read = |sql: &dyn Sql| Ok::<_, BaseError>((homes(sql)?, homes_of_tags(sql)?, moves::all(sql)?));
        let (homes, tags, moves) = self.database.read(read).await?;
        let row = |home: HomeRecord| {
            let own = tags.iter().find(|tag| tag.tag == home.home);
            let last_move = moves.iter().find(|one| one.tag == home.home);
            let serves = tags.iter().filter(|tag| tag.home == home.home).map(|tag| tag.tag);
            GroupRow {
                tag: home.home,
                place: home.place,
                in_use: home.in_use,
                standing: own.map(|tag| tag.standing.as_str().to_owned()).unwrap_or_default(),
                home: own.map_or(home.home, |tag| tag.home),
                serves: serves.collect(),
                last_move: last_move.map(MoveRecord::row),
            }
        };
        Ok(homes.into_iter().map(row).collect())
    }
}

fn used(tag: GroupTag) -> BaseError {
    BaseError::Invalid(format!(
        "the tag {tag} was used before: a tag is one group's for ever. Choose another"
    ))
}

impl MoveRecord {
    /// Whether it may be begun anew.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, MovePhase::Done | MovePhase::Aborted)
    }
}
