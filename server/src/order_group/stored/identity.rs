//! Whether a group's database is the very one that was in use before: a disk that is not mounted, or a wrong one, is
//! never served in its place, and nothing is made there.

use super::open::GroupOpenError;
use crate::database::postgres::{self, Found, PostgresSettings};
use crate::database::{Database, DbError, Sql};
use crate::order_group::Expected;
use crate::params;
use evertill_shared::order_number::GroupTag;
use ring::rand::{SecureRandom, SystemRandom};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::path::Path;
use std::time::Duration;

/// Looks at a file that must be there, before anything is written.
pub(super) fn file_is_there(file: &Path, tag: GroupTag, expected: &Expected) -> Result<(), GroupOpenError> {
    let Some(known) = &expected.group else { return Ok(()) };
    let length = std::fs::metadata(file).map_or(0, |data| data.len());
    if length == 0 {
        return Err(GroupOpenError::Lost { place: file.display().to_string() });
    }
    match name_in(file) {
        Ok(Some(id)) if id == *known => Ok(()),
        Ok(_) => Err(GroupOpenError::NotTheOne(tag)),
        // What else is wrong with it is said where it is opened; that writes nothing before it has looked.
        Err(_) => Ok(()),
    }
}

/// The same of a PostgreSQL database. Whether it is the very one is found when it is claimed; only one with nothing
/// in it would be filled before that.
pub(super) fn database_is_there(
    settings: &PostgresSettings,
    expected: &Expected,
) -> Result<(), GroupOpenError> {
    if expected.group.is_some() && postgres::looks(settings)? == Found::Nothing {
        return Err(GroupOpenError::Lost { place: settings.place() });
    }
    Ok(())
}

/// The file's name; nothing if it has none. Makes no file.
fn name_in(file: &Path) -> rusqlite::Result<Option<String>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::from_millis(900))?;
    let table: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'identity')",
        [],
        |row| row.get(0),
    )?;
    if !table {
        return Ok(None);
    }
    connection.query_row("SELECT id FROM identity", [], |row| row.get(0)).optional()
}

/// Why a database is not claimed.
enum Unclaimed {
    NotTheOne,
    OtherBase,
    Failed(DbError),
}

impl From<DbError> for Unclaimed {
    fn from(error: DbError) -> Self {
        Self::Failed(error)
    }
}

/// Gives a new database its name, and its group's tag to serve; gives the name of this one, if it is the one that
/// is expected.
pub(super) async fn claim(
    database: &Database,
    tag: GroupTag,
    expected: &Expected,
) -> Result<String, GroupOpenError> {
    let mut bytes = [0; 16];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| GroupOpenError::Unread { tag, error: "the system gives no random numbers".into() })?;
    let (fresh, expected) = (hex::encode(bytes), expected.clone());
    let claimed = database.write(move |sql| claim_in(sql, tag, &fresh, &expected)).await;
    claimed.map_err(|error| match error {
        Unclaimed::NotTheOne => GroupOpenError::NotTheOne(tag),
        Unclaimed::OtherBase => GroupOpenError::OtherBase(tag),
        Unclaimed::Failed(error) => GroupOpenError::unread(tag, &error),
    })
}

fn claim_in(sql: &dyn Sql, tag: GroupTag, fresh: &str, expected: &Expected) -> Result<String, Unclaimed> {
    if expected.group.is_none() {
        sql.execute(
            "INSERT INTO identity (one, id, base) VALUES (1, ?1, ?2) ON CONFLICT DO NOTHING",
            &params![fresh, &expected.base],
        )?;
    }
    let found = sql.row("SELECT id, base FROM identity", &params![])?.ok_or(Unclaimed::NotTheOne)?;
    let (id, base): (String, String) = (found.at(0)?, found.at(1)?);
    if base != expected.base {
        return Err(Unclaimed::OtherBase);
    }
    if expected.group.as_ref().is_some_and(|known| *known != id) {
        return Err(Unclaimed::NotTheOne);
    }
    // Rows stay for ever, also of tags that have moved away: a database that has one is not new.
    if sql.opening().is_empty() {
        sql.execute(
            "INSERT INTO tags (tag, state, epoch) VALUES (?1, 'active', 1) ON CONFLICT DO NOTHING",
            &params![tag.get()],
        )?;
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order_group::stored::StoredGroup;
    use crate::order_group::testing::{NOON, tag};
    use crate::order_group::{Drafts, GroupError, OrderGroup, Place};

    fn expected(base: &str, group: Option<&str>) -> Expected {
        Expected { base: base.into(), group: group.map(str::to_owned) }
    }

    fn started(tag: GroupTag, file: std::path::PathBuf, expected: Expected) -> std::io::Result<StoredGroup> {
        StoredGroup::start(tag, Place::Sqlite(file), expected)
    }

    async fn why(group: &StoredGroup) -> String {
        match group.probe("s".into(), NOON).await {
            Err(GroupError::Unavailable(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_group_whose_disk_is_not_there_is_waited_for_and_not_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (disk, away) = (folder.path().join("disk"), folder.path().join("away"));
        let file = disk.join("00.db");
        let first = started(tag(0), file.clone(), expected("b", None)).unwrap();
        let name = first.identity().unwrap();
        drop(first);
        std::fs::rename(&disk, &away).unwrap();
        let group = started(tag(0), file.clone(), expected("b", Some(&name))).unwrap();
        assert!(why(&group).await.contains("is gone"), "{}", why(&group).await);
        assert!(!disk.exists(), "nothing is made in its place");
        std::fs::rename(&away, &disk).unwrap();
        for _ in 0..50 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            if group.probe("s".into(), NOON).await.is_ok() {
                break;
            }
        }
        assert_eq!(group.identity(), Some(name), "it is back by itself");
    }

    #[tokio::test]
    async fn an_empty_file_or_another_groups_is_not_served_and_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("00.db");
        drop(started(tag(0), file.clone(), expected("b", None)).unwrap());
        let group = started(tag(0), file.clone(), expected("b", Some("other"))).unwrap();
        assert!(why(&group).await.contains("not the one"), "{}", why(&group).await);
        let empty = folder.path().join("empty.db");
        std::fs::write(&empty, b"").unwrap();
        let group = started(tag(0), empty.clone(), expected("b", Some("other"))).unwrap();
        assert!(why(&group).await.contains("is gone"));
        assert_eq!(std::fs::metadata(&empty).unwrap().len(), 0);
    }

    #[tokio::test]
    async fn a_group_of_another_base_store_is_not_served() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("00.db");
        drop(started(tag(0), file.clone(), expected("b", None)).unwrap());
        let group = started(tag(0), file, expected("new", None)).unwrap();
        assert!(why(&group).await.contains("another base store"), "{}", why(&group).await);
    }
}
