//! A copy of a till's directory, made while the till sells: the journal by SQLite's own backup, the archive, the settings.
//! It is evidence and something to look in. Nothing sells from it: it has no key.

use super::{JOURNAL, SETTINGS, TRUST, UpkeepError, copy, failed, settle, trust_elsewhere};
use crate::journal_store::{
    FOLDER, Inspected, JournalError, archive_files, archive_of, inspect, open_read_only,
};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OptionalExtension as _};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often a journal that is just being written to is asked again, and how long is waited in between.
const TRIES: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);

/// What was copied, and found right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// The journal in the copy, followed from its first entry.
    pub journal: Inspected,
    /// The last of its entries that the server had.
    pub handed_in: u64,
    /// How many files of the archive there are.
    pub archive_files: usize,
    /// Which settings there are.
    pub settings: Vec<&'static str>,
    /// Where the trust file is, if `till.toml` names another place than the till's directory. Its copy is in the directory.
    pub trust_from: Option<PathBuf>,
}

/// Copies what is in the till's directory into a new one, and follows the copy's journal to its end.
/// # Errors
/// There is no journal; the place is not empty; something cannot be copied, or is wrong in the copy. What was begun stays
/// there, and is no backup.
pub fn back_up(data: &Path, to: &Path) -> Result<BackedUp, UpkeepError> {
    let journal = data.join(JOURNAL);
    if !journal.exists() {
        let text = format!("there is no journal in {}: name the till's directory", data.display());
        return Err(UpkeepError::Refused(text));
    }
    fs::create_dir_all(to).map_err(failed(to))?;
    if fs::read_dir(to).map_err(failed(to))?.next().is_some() {
        let text = format!("{} is not empty: name a new directory for each backup", to.display());
        return Err(UpkeepError::Refused(text));
    }
    let copied = to.join(JOURNAL);
    let handed_in = copy_journal(&journal, &copied)?;
    let names = archive_files(&open_read_only(&copied)?)?;
    copy_archive(&archive_of(&journal), &archive_of(&copied), &names)?;
    let trust_from = trust_elsewhere(data);
    let mut settings = Vec::new();
    for name in SETTINGS {
        let from = trust_from.as_ref().filter(|_| name == TRUST).cloned();
        if copy(&from.unwrap_or_else(|| data.join(name)), &to.join(name))? {
            settings.push(name);
        }
    }
    settle(to)?;
    let found = inspect(&copied, None)?;
    Ok(BackedUp { journal: found, handed_in, archive_files: names.len(), settings, trust_from })
}

/// Copies the journal as it is at one moment, all of it in one file. Gives how far the server had it.
fn copy_journal(from: &Path, to: &Path) -> Result<u64, UpkeepError> {
    let source = open_read_only(from)?;
    let mut target = Connection::open(to).map_err(JournalError::from)?;
    copy_database(&source, &mut target)?;
    let whole: String =
        target.query_row("PRAGMA integrity_check", [], |row| row.get(0)).map_err(JournalError::from)?;
    if whole != "ok" {
        return Err(JournalError::Unreadable(whole).into());
    }
    target.pragma_update(None, "journal_mode", "DELETE").map_err(JournalError::from)?;
    let handed_in: Option<String> = target
        .query_row("SELECT value FROM fact WHERE name = 'handed_in'", [], |row| row.get(0))
        .optional()
        .map_err(JournalError::from)?;
    Ok(handed_in.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// In one step, so that a till that goes on selling does not make it begin again for ever.
fn copy_database(source: &Connection, target: &mut Connection) -> Result<(), JournalError> {
    let backup = Backup::new(source, target)?;
    for _ in 0..TRIES {
        match backup.step(-1)? {
            StepResult::Done => return Ok(()),
            _ => std::thread::sleep(PAUSE),
        }
    }
    Err(JournalError::InUse)
}

fn copy_archive(from: &Path, to: &Path, names: &[String]) -> Result<(), UpkeepError> {
    if names.is_empty() {
        return Ok(());
    }
    fs::create_dir_all(to).map_err(failed(to))?;
    for name in names {
        if !copy(&from.join(name), &to.join(name))? {
            let why = format!("it is not in {}", from.display());
            return Err(JournalError::Archive { file: format!("{FOLDER}/{name}"), why }.into());
        }
    }
    settle(to)
}

#[cfg(test)]
mod tests {
    use super::super::moving::tests::{Machine, sell};
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn a_till_that_sells_is_copied_as_it_is_at_one_moment() {
        let machine = Machine::new();
        let mut journal = machine.journal();
        for _ in 0..50 {
            sell(&mut journal);
        }
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Acquire) {
                    sell(&mut journal);
                }
            });
            for nth in 0..5 {
                let to = machine.dir.path().join(format!("copy-{nth}"));
                let done = back_up(&machine.data, &to);
                if done.is_err() {
                    stop.store(true, Ordering::Release);
                }
                let done = done.unwrap();
                assert!(done.journal.head.sequence > 100, "{done:?}");
                assert_eq!(done.settings, ["till.toml", "trust.json"]);
                let mut names: Vec<_> =
                    fs::read_dir(&to).unwrap().map(|file| file.unwrap().file_name()).collect();
                names.sort();
                assert_eq!(names, ["till.db", "till.toml", "trust.json"], "no key, no registration");
            }
            stop.store(true, Ordering::Release);
        });
    }

    #[test]
    fn a_trust_file_that_is_elsewhere_is_in_the_backup_and_whoever_brings_it_is_told() {
        let machine = Machine::new();
        drop(machine.journal());
        let elsewhere = machine.dir.path().join("shop-trust.json");
        fs::remove_file(machine.data.join("trust.json")).unwrap();
        fs::write(&elsewhere, "{\"the\":\"shop's\"}").unwrap();
        fs::write(machine.data.join("till.toml"), format!("trust = {:?}\n", elsewhere.to_str().unwrap()))
            .unwrap();
        let copy = machine.dir.path().join("copy");
        let done = back_up(&machine.data, &copy).unwrap();
        assert_eq!(
            (done.settings, done.trust_from),
            (vec!["till.toml", "trust.json"], Some(elsewhere.clone()))
        );
        assert_eq!(fs::read(copy.join("trust.json")).unwrap(), fs::read(&elsewhere).unwrap());
        let there = machine.dir.path().join("there");
        assert_eq!(super::super::bring(&there, &copy).unwrap().trust_missing, None, "it is there still");
        fs::remove_file(&elsewhere).unwrap();
        let there = machine.dir.path().join("another");
        let brought = super::super::bring(&there, &copy).unwrap();
        assert_eq!(brought.trust_missing, Some(elsewhere));
        assert!(there.join("trust.json").exists());
    }

    #[test]
    fn a_backup_goes_into_an_empty_place_only_and_is_of_a_till() {
        let machine = Machine::new();
        drop(machine.journal());
        let refused = |data: &Path, to: &Path, why: &str| {
            let error = back_up(data, to).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        };
        refused(machine.dir.path(), &machine.dir.path().join("x"), "there is no journal");
        refused(&machine.data, &machine.data, "is not empty");
    }

    #[test]
    fn a_copy_of_a_damaged_journal_is_no_backup() {
        let machine = Machine::new();
        let mut journal = machine.journal();
        sell(&mut journal);
        drop(journal);
        let connection = Connection::open(machine.data.join(JOURNAL)).unwrap();
        let sql =
            "DROP TRIGGER entry_is_append_only_u; UPDATE entry SET text = text || ' ' WHERE sequence = 2";
        connection.execute_batch(sql).unwrap();
        let error = back_up(&machine.data, &machine.dir.path().join("copy")).unwrap_err();
        assert!(matches!(error, UpkeepError::Journal(JournalError::Damaged { entry: 2, .. })), "{error}");
    }
}
