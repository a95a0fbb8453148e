//! Whether a group's file is the very one that was in use before: a disk that is not mounted, or a wrong one, is
//! never served in its place, and nothing is made there.

use super::OpenFault;
use crate::order_group::Expected;
use ring::rand::{SecureRandom, SystemRandom};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::path::Path;
use std::time::Duration;

/// Looks at a file that must be there, before anything is written.
pub(super) fn is_there(file: &Path, expected: &Expected) -> Result<(), OpenFault> {
    let Some(known) = &expected.group else { return Ok(()) };
    let length = std::fs::metadata(file).map_or(0, |data| data.len());
    if length == 0 {
        return Err(OpenFault::Lost { path: file.to_owned() });
    }
    match read(file) {
        Ok(Some((id, _))) if id == *known => Ok(()),
        Ok(_) => Err(OpenFault::NotTheOne { path: file.to_owned() }),
        // What else is wrong with it is said where it is opened; that writes nothing before it has looked.
        Err(_) => Ok(()),
    }
}

/// Gives a new file its name; gives the name of this one, if it is the one that is expected.
pub(super) fn claim(file: &Path, expected: &Expected) -> Result<String, OpenFault> {
    let in_doubt =
        |error: &dyn std::fmt::Display| OpenFault::Unread { path: file.to_owned(), error: error.to_string() };
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| in_doubt(&"the system gives no random numbers"))?;
    if expected.group.is_none() {
        let connection = open(file).map_err(|error| in_doubt(&error))?;
        connection
            .execute(
                "INSERT INTO identity (one, id, base) VALUES (1, ?1, ?2) ON CONFLICT DO NOTHING",
                (hex::encode(bytes), &expected.base),
            )
            .map_err(|error| in_doubt(&error))?;
    }
    let found = read(file).map_err(|error| in_doubt(&error))?;
    let Some((id, base)) = found else { return Err(OpenFault::NotTheOne { path: file.to_owned() }) };
    if base != expected.base {
        return Err(OpenFault::OtherBase { path: file.to_owned() });
    }
    if expected.group.as_ref().is_some_and(|known| *known != id) {
        return Err(OpenFault::NotTheOne { path: file.to_owned() });
    }
    Ok(id)
}

/// Without making the file.
fn open(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(Duration::from_millis(900))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// The file's name and its base store's; nothing if it has none.
fn read(file: &Path) -> rusqlite::Result<Option<(String, String)>> {
    let connection = open(file)?;
    let table: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'identity')",
        [],
        |row| row.get(0),
    )?;
    if !table {
        return Ok(None);
    }
    connection.query_row("SELECT id, base FROM identity", [], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order_group::sqlite::SqliteGroup;
    use crate::order_group::testing::{NOON, tag};
    use crate::order_group::{Drafts, GroupError, OrderGroup};

    fn expected(base: &str, group: Option<&str>) -> Expected {
        Expected { base: base.into(), group: group.map(str::to_owned) }
    }

    async fn why(group: &SqliteGroup) -> String {
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
        let first = SqliteGroup::start(tag(0), file.clone(), expected("b", None)).unwrap();
        let name = first.identity().unwrap();
        drop(first);
        std::fs::rename(&disk, &away).unwrap();
        let group = SqliteGroup::start(tag(0), file.clone(), expected("b", Some(&name))).unwrap();
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
        drop(SqliteGroup::start(tag(0), file.clone(), expected("b", None)).unwrap());
        let group = SqliteGroup::start(tag(0), file.clone(), expected("b", Some("other"))).unwrap();
        assert!(why(&group).await.contains("not the file"), "{}", why(&group).await);
        let empty = folder.path().join("empty.db");
        std::fs::write(&empty, b"").unwrap();
        let group = SqliteGroup::start(tag(0), empty.clone(), expected("b", Some("other"))).unwrap();
        assert!(why(&group).await.contains("is gone"));
        assert_eq!(std::fs::metadata(&empty).unwrap().len(), 0);
    }

    #[tokio::test]
    async fn a_group_of_another_base_store_is_not_served() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("00.db");
        drop(SqliteGroup::start(tag(0), file.clone(), expected("b", None)).unwrap());
        let group = SqliteGroup::start(tag(0), file, expected("new", None)).unwrap();
        assert!(why(&group).await.contains("another base store"), "{}", why(&group).await);
    }
}
