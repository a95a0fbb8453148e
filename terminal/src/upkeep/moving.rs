//! Another machine in the place of this one. What makes a till that till, its key, never moves: the old machine destroys
//! it, and the new one makes its own and gets a number of its own. So never do two machines sell as one till, whatever is
//! copied or forgotten on the way.

use super::{JOURNAL, SETTINGS, UpkeepError, copy, failed, hold_still, settle, trust_elsewhere};
use crate::config::Identity;
use crate::journal_store::records::SaleRecord;
use crate::journal_store::{
    FOLDER, Inspected, JournalError, archive_files, archive_of, inspect, move_whole, open_read_only,
};
use evertill_provisioning::keystore::FileKeyStore;
use evertill_shared::business_day::business_day_of;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{KeyEpoch, TerminalId};
use evertill_shared::protocol::store::StoreInfo;
use evertill_shared::shift::Shift;
use rusqlite::{Connection, OptionalExtension as _};
use std::fs;
use std::path::{Path, PathBuf};

/// The registration of a till that has left this machine.
const LEFT: &str = "identity.left.json";
const IDENTITY: &str = "identity.json";
/// Where the journals of machines before this one are.
const EARLIER: &str = "earlier";
const DAY_MS: i64 = 24 * 3_600_000;

/// A till that has left its machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Left {
    /// Which.
    pub terminal: TerminalId,
    /// The name of its journal's file from now on.
    pub journal: String,
}

/// What was brought to a new machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// The journal of the machine before.
    pub journal: Inspected,
    /// Where it is, below the till's directory.
    pub place: String,
    /// The settings that were taken over.
    pub settings: Vec<&'static str>,
    /// The place that `till.toml` names for the trust file, if nothing is there on this machine.
    pub trust_missing: Option<PathBuf>,
}

fn put_aside_as(terminal: TerminalId, epoch: KeyEpoch) -> String {
    format!("till-{terminal}-{epoch}.db")
}

/// Ends this machine's life as its till: its key is destroyed and its registration put aside. The journal stays, to be
/// looked at. Asked again after it was stopped half-way, it goes on where it was.
/// # Errors
/// [`UpkeepError::Refused`]: the till runs, or something of it is not over or not at the server, or sales of today could be
/// refunded at no till any more and nobody said that they need not be; nothing was changed then.
pub fn leave(data: &Path, now: Timestamp, without_refunds: bool) -> Result<Left, UpkeepError> {
    let _held = hold_still(data)?;
    let (identity, left) = (data.join(IDENTITY), data.join(LEFT));
    if identity.exists() {
        // Also where another till has left before: whatever that left behind says nothing of this one.
        must_be_over(&data.join(JOURNAL))?;
        let of_now = registration(&identity)?;
        if !without_refunds {
            must_need_no_refunds(&data.join(JOURNAL), &of_now.store, now)?;
        }
        must_be_free(data, &put_aside_as(of_now.terminal, of_now.epoch))?;
        // From here on there is no way back: without a registration the program asks for an enrolment code.
        fs::rename(&identity, &left).map_err(failed(&left))?;
        settle(data)?;
    } else if !left.exists() {
        let text = format!("{} is no till that is registered: there is nothing to leave", data.display());
        return Err(UpkeepError::Refused(text));
    }
    finish(data, &left)
}

fn registration(file: &Path) -> Result<Identity, UpkeepError> {
    let text = fs::read_to_string(file).map_err(failed(file))?;
    serde_json::from_str(&text).map_err(|error| UpkeepError::Refused(format!("{}: {error}", file.display())))
}

/// A sale is refunded on its day only, and only where it was sold.
fn must_need_no_refunds(journal: &Path, store: &StoreInfo, now: Timestamp) -> Result<(), UpkeepError> {
    if !journal.exists() {
        return Ok(());
    }
    let today = business_day_of(now, &store.zone, store.cut_off_minutes);
    let connection = open_read_only(journal)?;
    let sales = sales_since(&connection, Timestamp(now.0.saturating_sub(2 * DAY_MS)))?;
    let of_today = |record: &&SaleRecord| {
        record.is_paid() && business_day_of(record.sale.at, &store.zone, store.cut_off_minutes) == today
    };
    match sales.iter().filter(of_today).count() {
        0 => Ok(()),
        count => Err(UpkeepError::Refused(format!(
            "nothing was changed: {count} sales of today could be refunded only at this till, and only today. Leave when the \
             day is over, or add --without-refunds"
        ))),
    }
}

fn sales_since(connection: &Connection, since: Timestamp) -> Result<Vec<SaleRecord>, JournalError> {
    let mut statement = connection.prepare("SELECT record FROM sale WHERE at_ms >= ?1")?;
    let texts: Vec<String> = statement.query_map([since.0], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(texts.iter().map(|text| serde_json::from_str(text)).collect::<Result<_, _>>()?)
}

/// Nothing that was put aside before is ever written over.
fn must_be_free(data: &Path, name: &str) -> Result<(), UpkeepError> {
    if data.join(JOURNAL).exists() && data.join(name).exists() {
        let text =
            format!("{} is there already: move it elsewhere, then try again", data.join(name).display());
        return Err(UpkeepError::Refused(text));
    }
    Ok(())
}

fn finish(data: &Path, left: &Path) -> Result<Left, UpkeepError> {
    let identity = registration(left)?;
    let name = put_aside_as(identity.terminal, identity.epoch);
    must_be_free(data, &name)?;
    FileKeyStore::new(data).destroy()?;
    if data.join(JOURNAL).exists() {
        move_whole(&data.join(JOURNAL), &data.join(&name))?;
    }
    settle(data)?;
    Ok(Left { terminal: identity.terminal, journal: name })
}

/// Refuses, with everything that stands against it, unless all of the journal is over and at the server.
fn must_be_over(journal: &Path) -> Result<(), UpkeepError> {
    if !journal.exists() {
        return Ok(());
    }
    let head = inspect(journal, None)?.head;
    let connection = open_read_only(journal)?;
    let count = |text: &str| -> Result<u64, JournalError> {
        Ok(connection.query_row(text, [], |row| row.get::<_, i64>(0))?.try_into().unwrap_or(0))
    };
    let unsent = head.sequence.saturating_sub(handed_in(&connection)?);
    let with_part = with_cash_part(&connection)?;
    let open_sales = count("SELECT count(*) FROM sale WHERE is_open = 1")?;
    let open = [
        (
            unsent,
            "entries of the journal are not at the server: let the till run until it says “All sales sent”",
        ),
        (
            count("SELECT count(*) FROM sale WHERE in_cash = 1 AND confirmed = 0")?,
            "cash sales are not at the server: let the till run until it says “All sales sent”. If it never does, the server \
             refuses them: till.log says why, and IT has to settle that first",
        ),
        (open_sales.saturating_sub(with_part), "sales are neither paid nor given up: finish or void them"),
        (
            with_part,
            "sales are not paid, and a part of each is in the drawer in cash: finish them, or give it back. About an earlier \
             customer's cash the till asks between two sales: give it back, or say that nobody came for it",
        ),
        (
            count("SELECT count(*) FROM refund WHERE is_open = 1")?,
            "refunds are not finished: let the till run until they are",
        ),
        (
            count("SELECT (SELECT count(*) FROM held) + (SELECT count(*) FROM cart)")?,
            "sales are held or in hand: finish or void them",
        ),
        (u64::from(shift_is_open(&connection)?), "shift is open: end it"),
    ];
    let against: Vec<String> =
        open.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if against.is_empty() {
        return Ok(());
    }
    Err(UpkeepError::Refused(format!(
        "nothing was changed, for this till has not finished:\n- {}",
        against.join("\n- ")
    )))
}

/// How many of the sales that are not over have a part of them in the drawer.
fn with_cash_part(connection: &Connection) -> Result<u64, JournalError> {
    let mut statement = connection.prepare("SELECT record FROM sale WHERE is_open = 1")?;
    let texts: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let mut count = 0;
    for text in texts {
        let record: SaleRecord = serde_json::from_str(&text)?;
        count += u64::from(record.part.is_some());
    }
    Ok(count)
}

fn handed_in(connection: &Connection) -> Result<u64, JournalError> {
    let text: Option<String> = connection
        .query_row("SELECT value FROM fact WHERE name = 'handed_in'", [], |row| row.get(0))
        .optional()?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
}

fn shift_is_open(connection: &Connection) -> Result<bool, JournalError> {
    let text: Option<String> = connection
        .query_row("SELECT record FROM shift ORDER BY opened DESC LIMIT 1", [], |row| row.get(0))
        .optional()?;
    let shift: Option<Shift> = text.map(|text| serde_json::from_str(&text)).transpose()?;
    Ok(shift.is_some_and(|shift| shift.is_open()))
}

/// Makes an empty directory ready for a till that takes another's place: its settings, and its journal to look at.
/// # Errors
/// [`UpkeepError::Refused`]: the directory is a till's already. What is brought is no whole backup of one.
pub fn bring(data: &Path, backup: &Path) -> Result<Brought, UpkeepError> {
    fs::create_dir_all(data).map_err(failed(data))?;
    for name in [JOURNAL, IDENTITY, LEFT, "key.sealed"] {
        if data.join(name).exists() {
            let text = format!(
                "{} is a till's directory already ({name} is there): name an empty one for the new till",
                data.display()
            );
            return Err(UpkeepError::Refused(text));
        }
    }
    let from = backup.join(JOURNAL);
    if !from.exists() {
        let text = format!(
            "there is no {JOURNAL} in {}: name a directory that `evertill-till backup` has made",
            backup.display()
        );
        return Err(UpkeepError::Refused(text));
    }
    let journal = inspect(&from, None)?;
    if journal.archive_missing {
        let why = format!("the folder {FOLDER} is not in {}", backup.display());
        return Err(UpkeepError::Refused(why));
    }
    let name = put_aside_as(journal.head.terminal, journal.head.epoch);
    let earlier = data.join(EARLIER);
    bring_journal(&from, &earlier, &name)?;
    let mut settings = Vec::new();
    for file in SETTINGS {
        if !data.join(file).exists() && copy(&backup.join(file), &data.join(file))? {
            settings.push(file);
        }
    }
    settle(data)?;
    let trust_missing = trust_elsewhere(data).filter(|named| !named.exists());
    Ok(Brought { journal, place: format!("{EARLIER}/{name}"), settings, trust_missing })
}

fn bring_journal(from: &Path, earlier: &Path, name: &str) -> Result<(), UpkeepError> {
    let archive = earlier.join(FOLDER);
    fs::create_dir_all(&archive).map_err(failed(&archive))?;
    for file in archive_files(&open_read_only(from)?)? {
        // Asked a second time, after it was stopped half-way: what is there was copied whole, or is copied anew.
        let to = archive.join(&file);
        remove_if_there(&to)?;
        copy(&archive_of(from).join(&file), &to)?;
    }
    settle(&archive)?;
    remove_if_there(&earlier.join(name))?;
    copy(from, &earlier.join(name))?;
    settle(earlier)
}

fn remove_if_there(path: &Path) -> Result<(), UpkeepError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::back_up;
    use super::*;
    use crate::controller::tests_identity;
    use crate::journal_store::{Archiving as _, Carts as _, Journal as _, JournalStore};
    use evertill_provisioning::keystore::DeviceKey;
    use evertill_shared::journal::{Body, Head};
    use evertill_shared::money::{Amount, Currency};
    use evertill_shared::order::Sale;
    use evertill_shared::order::line::{Line, TaxRate};
    use evertill_shared::protocol::countersign::{Countersigned, DayStatement};
    use evertill_shared::protocol::store::ServerKeyStatement;
    use std::sync::Arc;
    use tempfile::TempDir;

    const NOW: Timestamp = Timestamp(1_795_183_387_000);
    const TOMORROW: Timestamp = Timestamp(NOW.0 + DAY_MS);

    /// Leaves on the day after.
    fn go(data: &Path) -> Result<Left, UpkeepError> {
        leave(data, TOMORROW, false)
    }

    /// A machine with a till on it.
    pub struct Machine {
        pub dir: TempDir,
        pub data: PathBuf,
    }

    impl Machine {
        pub fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let data = dir.path().join("till");
            fs::create_dir(&data).unwrap();
            fs::write(data.join("till.toml"), "language = \"zh\"\n").unwrap();
            fs::write(data.join("trust.json"), "{}").unwrap();
            tests_identity().write(&data).unwrap();
            Self { dir, data }
        }

        fn key(&self) -> DeviceKey {
            FileKeyStore::with_credentials(&self.data, None).load_or_generate().unwrap()
        }

        pub fn journal(&self) -> JournalStore {
            let start = Head::start(tests_identity().terminal, 1);
            let key = Arc::new(self.key().signing_key("T0001:1").unwrap());
            JournalStore::open(&self.data.join(JOURNAL), start, key, NOW).unwrap()
        }

        /// A till of which everything is over and at the server.
        fn finished() -> Self {
            let machine = Self::new();
            let mut journal = machine.journal();
            let sold = sell(&mut journal);
            journal.confirm_sale(sold, false).unwrap();
            let head = journal.head().sequence;
            journal.set_handed_in(head).unwrap();
            machine
        }
    }

    fn cny(minor: i64) -> Amount {
        Amount::new(minor, Currency::CNY)
    }

    fn sale() -> Body {
        let line = Line::new("p".into(), "Tea".into(), 1, cny(500), TaxRate(1300)).unwrap();
        Body::Sale(Sale::new(7_u32.try_into().unwrap(), NOW, Currency::CNY, vec![line]).unwrap())
    }

    pub fn sell(journal: &mut JournalStore) -> u64 {
        let sold = journal.append(&sale(), NOW).unwrap();
        let cash = Body::CashTaken { sale: sold, given: cny(500), change: cny(0) };
        journal.append(&cash, NOW).unwrap();
        sold
    }

    fn refused(result: Result<impl std::fmt::Debug, UpkeepError>, why: &[&str]) {
        let Err(UpkeepError::Refused(text)) = result else { panic!("{result:?}") };
        for why in why {
            assert!(text.contains(why), "{why:?} is not in: {text}");
        }
    }

    #[test]
    fn a_till_that_has_not_finished_does_not_leave_and_says_everything_that_is_open() {
        let machine = Machine::new();
        let mut journal = machine.journal();
        sell(&mut journal);
        refused(go(&machine.data), &["program is running"]);
        journal.append(&Body::ShiftOpened { float: cny(0), cashier: None, approved_by: None }, NOW).unwrap();
        journal.append(&sale(), NOW).unwrap();
        journal.hold("a", "{}", NOW).unwrap();
        drop(journal);
        let why = ["5 entries", "1 cash sales", "1 sales are neither", "1 sales are held", "1 shift is open"];
        refused(go(&machine.data), &why);
        assert!(machine.data.join(IDENTITY).exists() && machine.data.join("key.sealed").exists());
        assert_eq!(machine.journal().head().sequence, 5, "nothing was changed");
    }

    #[test]
    fn a_till_with_cash_of_a_sale_that_came_to_nothing_says_how_that_ends() {
        let machine = Machine::new();
        let mut journal = machine.journal();
        let sold = journal.append(&sale(), NOW).unwrap();
        journal.append(&Body::CashPart { sale: sold, amount: cny(200), cashier: None }, NOW).unwrap();
        journal.append(&sale(), NOW).unwrap();
        drop(journal);
        let why = ["1 sales are neither", "1 sales are not paid", "nobody came for it"];
        refused(go(&machine.data), &why);
        let (amount, cashier, approved_by) = (cny(200), None, None);
        let mut journal = machine.journal();
        journal.append(&Body::CashPartKept { sale: sold, amount, cashier, approved_by }, NOW).unwrap();
        drop(journal);
        let Err(UpkeepError::Refused(text)) = go(&machine.data) else { panic!("it left") };
        assert!(text.contains("1 sales are neither") && !text.contains("nobody came"), "{text}");
    }

    #[test]
    fn a_till_that_has_left_can_never_sell_as_itself_again() {
        let machine = Machine::finished();
        let left = go(&machine.data).unwrap();
        assert_eq!((left.terminal, left.journal.as_str()), (tests_identity().terminal, "till-T0001-1.db"));
        assert!(!machine.data.join("key.sealed").exists() && !machine.data.join("seal.key").exists());
        assert_eq!(Identity::read(&machine.data).unwrap(), None);
        assert!(!machine.data.join(JOURNAL).exists());
        assert_eq!(inspect(&machine.data.join(&left.journal), None).unwrap().sales, 1, "its books stay");
        assert_eq!(go(&machine.data).unwrap(), left, "once more changes nothing");
        refused(go(machine.dir.path()), &["there is nothing to leave"]);
    }

    #[test]
    fn what_one_till_left_behind_is_no_leave_for_the_next_one_in_the_same_directory() {
        let machine = Machine::finished();
        let kept = machine.data.join(go(&machine.data).unwrap().journal);
        let books = fs::read(&kept).unwrap();
        let next = Identity { terminal: 2_u16.try_into().unwrap(), ..tests_identity() };
        next.write(&machine.data).unwrap();
        let start = Head::start(next.terminal, next.epoch);
        let key = Arc::new(machine.key().signing_key("T0002:1").unwrap());
        let mut journal = JournalStore::open(&machine.data.join(JOURNAL), start, key, NOW).unwrap();
        let sold = sell(&mut journal);
        drop(journal);
        refused(go(&machine.data), &["entries of the journal are not at the server"]);
        assert!(machine.data.join("key.sealed").exists() && machine.data.join(JOURNAL).exists());
        let key = Arc::new(machine.key().signing_key("T0002:1").unwrap());
        let mut journal = JournalStore::open(&machine.data.join(JOURNAL), start, key, NOW).unwrap();
        journal.confirm_sale(sold, false).unwrap();
        journal.set_handed_in(journal.head().sequence).unwrap();
        drop(journal);
        // The books of the one before are not written over either.
        fs::write(machine.data.join("till-T0002-1.db"), "somebody's").unwrap();
        refused(go(&machine.data), &["till-T0002-1.db is there already"]);
        assert!(machine.data.join("key.sealed").exists());
        fs::remove_file(machine.data.join("till-T0002-1.db")).unwrap();
        assert_eq!(go(&machine.data).unwrap().terminal, next.terminal);
        assert_eq!(fs::read(&kept).unwrap(), books);
    }

    #[test]
    fn sales_of_today_keep_a_till_where_it_can_refund_them_unless_somebody_says_otherwise() {
        let machine = Machine::finished();
        refused(leave(&machine.data, NOW, false), &["1 sales of today", "--without-refunds"]);
        assert!(machine.data.join("key.sealed").exists());
        leave(&machine.data, NOW, true).unwrap();
    }

    #[test]
    fn nobody_leaves_while_the_program_runs_though_it_is_not_registered_yet() {
        let machine = Machine::finished();
        let running =
            crate::journal_store::Lock::take(&machine.data.join(super::super::PROGRAM_LOCK)).unwrap();
        refused(go(&machine.data), &["program is running"]);
        assert!(machine.data.join("key.sealed").exists());
        drop(running);
        go(&machine.data).unwrap();
    }

    #[test]
    fn leaving_that_was_stopped_at_any_step_goes_on_where_it_was() {
        let gone = |machine: &Machine, names: &[&str]| {
            for name in names {
                fs::remove_file(machine.data.join(name)).unwrap();
            }
        };
        for step in 0..3 {
            let machine = Machine::finished();
            fs::rename(machine.data.join(IDENTITY), machine.data.join(LEFT)).unwrap();
            match step {
                0 => {}
                1 => gone(&machine, &["key.sealed"]),
                _ => gone(&machine, &["key.sealed", "seal.key"]),
            }
            let left = go(&machine.data).unwrap();
            assert!(!machine.data.join("key.sealed").exists() && !machine.data.join("seal.key").exists());
            assert!(machine.data.join(left.journal).exists(), "step {step}");
        }
    }

    #[test]
    fn a_new_machine_gets_settings_and_books_and_nothing_that_sells() {
        let machine = Machine::finished();
        let copy = machine.dir.path().join("copy");
        back_up(&machine.data, &copy).unwrap();
        let new = machine.dir.path().join("new");
        let brought = bring(&new, &copy).unwrap();
        assert_eq!(brought.settings, ["till.toml", "trust.json"]);
        assert_eq!(inspect(&new.join(&brought.place), None).unwrap(), brought.journal);
        let mut names: Vec<_> = fs::read_dir(&new).unwrap().map(|file| file.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["earlier", "till.toml", "trust.json"]);
        assert!(FileKeyStore::with_credentials(&new, None).load().is_err(), "no key comes along");
        // Stopped half-way and done again: the shop's own settings stay as they are.
        fs::write(new.join("till.toml"), "language = \"en\"\n").unwrap();
        assert_eq!(bring(&new, &copy).unwrap().settings, Vec::<&str>::new());
        assert_eq!(fs::read_to_string(new.join("till.toml")).unwrap(), "language = \"en\"\n");
    }

    #[test]
    fn nothing_is_brought_over_another_till_or_from_what_is_no_backup() {
        let machine = Machine::finished();
        let copy = machine.dir.path().join("copy");
        back_up(&machine.data, &copy).unwrap();
        refused(bring(&machine.data, &copy), &["is a till's directory already"]);
        refused(bring(&machine.dir.path().join("new"), machine.dir.path()), &["there is no till.db"]);
    }

    #[test]
    fn the_archive_comes_along_and_a_backup_without_it_is_refused() {
        let machine = Machine::finished();
        let mut journal = machine.journal();
        let last = journal.entry(3).unwrap();
        let statement = DayStatement {
            store: 7_u32.try_into().unwrap(),
            terminal: tests_identity().terminal,
            epoch: 1,
            day: "2026-11-20".parse().unwrap(),
            from: 1,
            to: 3,
            hash: last.hash(),
            quarantined: 0,
            at: NOW,
        };
        let key = machine.key().signing_key("server-1").unwrap();
        let root = ServerKeyStatement { text: String::new(), signature: String::new() };
        let word = Countersigned::sign(&statement, &key, root).unwrap();
        assert!(journal.keep_countersigned(&word).unwrap());
        let sold = sell(&mut journal);
        journal.confirm_sale(sold, false).unwrap();
        assert_eq!(journal.archive(Timestamp(i64::MAX), 100).unwrap().entries, 3);
        drop(journal);
        let copy = machine.dir.path().join("copy");
        let done = back_up(&machine.data, &copy).unwrap();
        assert_eq!((done.archive_files, done.journal.archived, done.journal.sales), (1, 3, 2));
        let new = machine.dir.path().join("new");
        let brought = bring(&new, &copy).unwrap();
        let there = inspect(&new.join(&brought.place), None).unwrap();
        assert_eq!((there.head.sequence, there.archive_missing), (5, false));
        fs::remove_dir_all(copy.join(FOLDER)).unwrap();
        refused(bring(&machine.dir.path().join("other"), &copy), &["archive"]);
        fs::remove_dir_all(machine.data.join(FOLDER)).unwrap();
        let error = back_up(&machine.data, &machine.dir.path().join("again")).unwrap_err();
        assert!(matches!(error, UpkeepError::Journal(JournalError::Archive { .. })), "{error}");
    }
}
