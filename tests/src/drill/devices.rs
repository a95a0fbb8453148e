//! `cargo drill -- devices`: receipts and scans by the thousand, while everything happens to printers and lines that
//! happens to them in shops, at every byte. In virtual time, from one seed.

mod codes;
mod keys;
mod ledger;
mod receipts;
mod reports;
mod room;
mod scans;

use super::{DrillError, print, say};
use clap::Args;
use evertill_shared::clock::{Clock, SystemClock};
use ledger::{Found, Passes};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Mutex;

/// Prints receipts while the printer runs out of paper, is opened, loses its power and its line, and scans codes over lines
/// that split, merge and garble them, by keyboards that people type on and by USB reports. No receipt may be lost or doubled unasked, no scan wrong or lost.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  cargo drill -- devices --json\n  cargo drill -- devices --receipts 500 --scans 5000 --seed 7"
)]
pub struct DevicesOptions {
    /// How many receipts are printed.
    #[arg(long, default_value_t = 10_000)]
    pub receipts: u64,
    /// How many codes are scanned.
    #[arg(long, default_value_t = 100_000)]
    pub scans: u64,
    /// From which all chance is drawn.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// The last line printed is one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Runs the drill and prints its report; true if every rule held.
/// # Errors
/// A till cannot keep its books.
pub fn drill(options: &DevicesOptions) -> Result<bool, DrillError> {
    let (report, held) = run(options)?;
    print(&report, options.json);
    Ok(held)
}

/// Runs the drill; gives its report, and whether every rule held.
/// # Errors
/// A till cannot keep its books.
pub fn run(options: &DevicesOptions) -> Result<(Value, bool), DrillError> {
    let began = SystemClock.monotonic();
    let printed = all_receipts(options)?;
    say("the receipts are printed");
    let by_kind = all_scans(options);
    let scanned = by_kind.all();
    for problem in printed.problems.iter().take(5) {
        say(format!("the printer did not understand: {problem}"));
    }
    let held = printed.lost + printed.doubled + printed.drawers_doubled == 0
        && printed.problems.is_empty()
        && printed.receipts == options.receipts
        && scanned.wrong + scanned.lost == 0
        && scanned.scans == options.scans;
    let report = json!({
        "receipts": printed.receipts,
        "receipts_lost": printed.lost,
        "receipts_doubled": printed.doubled,
        "receipts_unknown": printed.unknown,
        "copies_offered_and_taken": printed.copies,
        "begun_later": printed.begun_later,
        "printer_faults": printed.faults,
        "places_of_faults": printed.places.len(),
        "drawers_doubled": printed.drawers_doubled,
        "not_understood": printed.problems.len(),
        "scans": scanned.scans,
        "scans_wrong": scanned.wrong,
        "scans_lost": scanned.lost,
        "scans_refused": scanned.refused,
        "scans_refused_serial": by_kind.serial.refused,
        "scans_refused_keyboards": by_kind.keyboards.refused,
        "scans_refused_reports": by_kind.reports.refused,
        "scans_garbled": scanned.garbled,
        "seed": options.seed,
        "wall_s": SystemClock.monotonic().saturating_sub(began).as_secs_f64(),
    });
    Ok((report, held))
}

/// A folder for the tills' books, in memory where the system has such a place: what a disk forgets is another drill.
fn folder() -> Result<tempfile::TempDir, DrillError> {
    let memory = PathBuf::from("/dev/shm");
    let made = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir());
    made.map_err(|error| DrillError::Other(format!("no folder for the tills' books: {error}")))
}

/// The share of `all` that falls to the one of `count` with this number.
fn share(all: u64, count: usize, nth: usize) -> u64 {
    let (count, nth) = (count as u64, nth as u64);
    all / count + u64::from(nth < all % count)
}

fn all_receipts(options: &DevicesOptions) -> Result<receipts::Found, DrillError> {
    let folder = folder()?;
    let stands = receipts::stands();
    let found = Mutex::new(Ok(receipts::Found::default()));
    each_of_two(&stands, |nth, stand| {
        let (asked, place) = (share(options.receipts, stands.len(), nth), (nth, stands.len()));
        let books = folder.path().join(format!("till-{nth}.db"));
        let sold = receipts::sell(stand, asked, place, options.seed, &books);
        if let Ok(mut all) = found.lock() {
            match (sold, all.as_mut()) {
                (Ok(sold), Ok(all)) => all.add(sold),
                (Err(error), _) => *all = Err(error),
                _ => {}
            }
        }
    });
    found.into_inner().unwrap_or_else(|_| Err(DrillError::Other("a till stopped".into())))
}

/// A scanner of whatever kind.
enum AnyScanner {
    Serial(scans::Scanner),
    Keyboard(keys::Keyboard),
    Reports(reports::Reporter),
}

impl AnyScanner {
    fn all() -> Vec<Self> {
        let serial = scans::scanners().into_iter().map(Self::Serial);
        let keyboards = keys::keyboards().into_iter().map(Self::Keyboard);
        serial.chain(keyboards).chain(reports::reporters().into_iter().map(Self::Reports)).collect()
    }

    /// Scans so many codes.
    fn scan(&self, scans: u64, seed: u64, passes: Passes) -> Found {
        match self {
            Self::Serial(scanner) => scans::scan(*scanner, scans, seed, passes),
            Self::Keyboard(keyboard) => keys::scan(*keyboard, scans, seed, passes),
            Self::Reports(reporter) => reports::scan(*reporter, scans, seed, passes),
        }
    }
}

/// What was found at the scanners of each kind.
#[derive(Clone, Debug, Default)]
struct Scanned {
    serial: Found,
    keyboards: Found,
    reports: Found,
}

impl Scanned {
    fn of(&mut self, scanner: &AnyScanner) -> &mut Found {
        match scanner {
            AnyScanner::Serial(_) => &mut self.serial,
            AnyScanner::Keyboard(_) => &mut self.keyboards,
            AnyScanner::Reports(_) => &mut self.reports,
        }
    }

    fn all(&self) -> Found {
        let mut all = self.serial.clone();
        all.add(&self.keyboards);
        all.add(&self.reports);
        all
    }
}

fn all_scans(options: &DevicesOptions) -> Scanned {
    let scanners = AnyScanner::all();
    let found = Mutex::new(Scanned::default());
    each_of_two(&scanners, |nth, scanner| {
        let asked = share(options.scans, scanners.len(), nth);
        let one = scanner.scan(asked, options.seed + nth as u64, ledger::honest());
        if let Ok(mut all) = found.lock() {
            all.of(scanner).add(&one);
        }
    });
    found.into_inner().unwrap_or_default()
}

/// Does it for all, two at a time; what comes of one does not depend on the others.
fn each_of_two<T: Sync>(all: &[T], work: impl Fn(usize, &T) + Sync) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let nth = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(one) = all.get(nth) else { return };
                    work(nth, one);
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::ledger::{Word, honest};
    use super::*;

    /// A scanner of each kind, and for keyboards one of each way to tell codes.
    fn some() -> Vec<AnyScanner> {
        let serial = scans::scanners().into_iter().take(1).map(AnyScanner::Serial);
        let keyboards = keys::keyboards().into_iter().take(2).map(AnyScanner::Keyboard);
        let reports = reports::reporters().into_iter().take(1).map(AnyScanner::Reports);
        serial.chain(keyboards).chain(reports).collect()
    }

    #[test]
    fn drivers_as_they_are_lose_nothing_and_refuse_something() {
        for scanner in some() {
            let found = scanner.scan(1_000, 5, honest());
            assert_eq!((found.wrong, found.lost), (0, 0), "{found:?}");
            assert!(found.refused > 0, "{found:?}");
        }
    }

    #[test]
    fn a_driver_that_says_nothing_of_a_code_cut_by_a_pulled_plug_is_found_out() {
        for scanner in some() {
            let silent: Passes = Box::new(|word| !matches!(word, Word::Refused { device_lost: true, .. }));
            let found = scanner.scan(1_000, 5, silent);
            assert!(found.lost > 0, "{found:?}");
        }
    }

    #[test]
    fn a_driver_that_swallows_ten_codes_after_a_refusal_is_found_out() {
        for scanner in some() {
            let (mut refused, mut swallowed) = (false, 0);
            let swallowing: Passes = Box::new(move |word| {
                refused |= matches!(word, Word::Refused { .. });
                let swallow = refused && swallowed < 10 && matches!(word, Word::Code(_));
                swallowed += u64::from(swallow);
                !swallow
            });
            let found = scanner.scan(200, 5, swallowing);
            assert!(found.lost >= 8, "two may have been garbled themselves: {found:?}");
        }
    }
}
