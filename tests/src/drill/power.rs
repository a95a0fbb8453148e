//! `cargo drill -- power`: the real till in its window, killed (kill -9) at random moments of a busy minute, again and again.

use super::{DrillError, print, say};
use crate::books;
use crate::counter::{self, JournalFile, Paid, attempts_begun_too_early, sequence_of};
use crate::process::wait_until;
use crate::rig::power_cut::Seeded;
use crate::simulator::wechat::Behaviour;
use crate::store_rig::{RigError, RigOptions, StoreRig};
use crate::window_till::{StepError, WindowTill};
use crate::workspace;
use clap::Args;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::journal::Entry;
use serde_json::{Value, json};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{self, AtomicBool};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The name of the till that is killed.
const NAME: &str = "Till 1";
/// What is under way when the till dies has ended so long after its next start.
const PATIENCE: Duration = Duration::from_secs(90);
/// A run that is not long ends after about so much: what was begun is finished.
const LONGEST: Duration = Duration::from_secs(240);
/// At least one sale in so many kills is confirmed on the screen, or it was no busy minute.
const BUSY: usize = 8;

/// Kills the real till (kill -9) at random moments while somebody sells for cash and by payment codes, and starts it again.
/// Every sale that was confirmed on the screen has to be in the journal, once; nothing may be taken twice, at the till,
/// at the server or at the wallet.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  cargo drill -- power --json\n  cargo drill -- power --kills 20 --seed 7\n  cargo drill -- power --long --json"
)]
pub struct PowerOptions {
    /// How often the till is killed. Without `--long` none is begun after 240 s; the report says so (`stopped_early`).
    #[arg(long, default_value_t = 1_000)]
    pub kills: usize,
    /// It is killed this long after it was ready, at the latest.
    #[arg(long, default_value_t = 1_200, value_name = "MS")]
    pub within_ms: u64,
    /// From which all chance is drawn.
    #[arg(long, default_value_t = 20_261_120)]
    pub seed: u64,
    /// As long as it takes, for a release.
    #[arg(long)]
    pub long: bool,
    /// The last line printed is one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Runs the drill and prints its report; true if every rule held.
/// # Errors
/// The till does something else than it should.
pub fn drill(options: &PowerOptions) -> Result<bool, DrillError> {
    let (report, held) = super::on_all_cores(run(options))?;
    print(&report, options.json);
    Ok(held)
}

/// Runs the drill; gives its report, and whether every rule held.
/// # Errors
/// The till does something else than it should.
pub async fn run(options: &PowerOptions) -> Result<(Value, bool), RigError> {
    let began = SystemClock.monotonic();
    workspace::build_window_till().map_err(RigError::Build)?;
    let dir = tempfile::tempdir().map_err(|error| wrong(format!("no folder for the shop: {error}")))?;
    let rig = StoreRig::open(dir.path(), RigOptions::default()).await?;
    let mut till = WindowTill::start(&rig, "till-1")?;
    counter::register(&rig, &mut till, NAME).await?;
    let journal = JournalFile::of(till.dir());
    let mut drill = Drill { rig, till, journal, told: Told::default(), random: Seeded::new(options.seed) };
    let in_time = || options.long || SystemClock.monotonic().saturating_sub(began) < LONGEST;
    let mut kills = 0;
    while kills < options.kills && in_time() {
        drill.until_killed(options.within_ms).await?;
        drill.come_back()?;
        kills += 1;
        if kills.is_multiple_of(50) {
            let sold = drill.told.confirmed.len();
            say(format_args!("{kills} of {} kills, {sold} sales confirmed", options.kills));
        }
    }
    if kills < options.kills {
        let asked = options.kills;
        say(format_args!(
            "only {kills} of {asked} kills were done in the time that there was; --long takes as long as it takes"
        ));
    }
    let verdict = drill.verdict().await?;
    let confirmed = drill.told.confirmed.len();
    let held = verdict.holds() && drill.told.is_right() && kills > 0 && confirmed * BUSY >= kills;
    let report = json!({
        "kills": kills,
        "kills_asked_for": options.kills,
        "stopped_early": kills < options.kills,
        "confirmed": confirmed,
        "lost": verdict.lost,
        "doubled": verdict.doubled,
        "paid": verdict.paid,
        "shown_wrongly": drill.told.shown_wrongly,
        "not_shown": drill.told.not_shown,
        "attempts_begun_too_early": verdict.too_early,
        "receipts_doubled": verdict.receipts_doubled,
        "books_differ": verdict.books_differ,
        "killed_in_a_tender": drill.told.in_tender,
        "seed": options.seed,
        "wall_s": SystemClock.monotonic().saturating_sub(began).as_secs_f64().round(),
    });
    Ok((report, held))
}

fn wrong(what: String) -> RigError {
    RigError::Unexpected(what)
}

/// What the screen said.
#[derive(Debug, Default)]
struct Told {
    /// By which name each sale was shown as paid, in order.
    confirmed: Vec<String>,
    /// Starts after which a sale was shown as paid that was not the last one, or whose receipt was out.
    shown_wrongly: usize,
    /// Starts that showed no end of a sale that had been paid, of which nobody had seen that, and whose receipt was not out.
    not_shown: usize,
    /// Kills after the goods were all there and before the sale was paid.
    in_tender: usize,
}

struct Drill {
    till: WindowTill,
    rig: StoreRig,
    journal: JournalFile,
    told: Told,
    random: Seeded,
}

impl Drill {
    /// Sells until somebody pulls the plug.
    async fn until_killed(&mut self, within_ms: u64) -> Result<(), RigError> {
        let code = self.rig.wallet_control().code(Behaviour::Pays).await?;
        let pause = Duration::from_millis(self.random.below(within_ms.max(1)));
        let pid = self.till.id().ok_or_else(|| wrong("the till does not run".into()))?;
        let (pulled, hand) = pull_the_plug_after(pid, pause);
        let mut codes = vec![code];
        let ended = loop {
            match self.sell(codes.pop()) {
                Ok(()) => {}
                Err(error) => break error,
            }
            if self.random.percent(40) && codes.is_empty() {
                codes.push(self.rig.wallet_control().code(Behaviour::Pays).await?);
            }
        };
        // Looked at first: what went wrong before the plug was pulled is a fault of the till.
        let was_pulled = pulled.load(atomic::Ordering::Acquire);
        hand.join().map_err(|_| wrong("the till could not be killed".into()))?;
        self.till.power_cut();
        if was_pulled { Ok(()) } else { Err(ended.into()) }
    }

    /// A sale, by this code or for cash.
    fn sell(&mut self, code: Option<String>) -> Result<(), StepError> {
        let count = 1 + usize::try_from(self.random.below(3)).unwrap_or(0);
        counter::goods(&mut self.till, count)?;
        self.told.in_tender += 1;
        let name = match code {
            Some(code) => counter::pay_by_code(&mut self.till, &code)?,
            None => counter::pay_cash(&mut self.till)?,
        };
        self.told.in_tender -= 1;
        self.told.confirmed.push(name);
        self.till.tap("Next sale")?;
        self.till.wait("Scan the first item")
    }

    /// After a start: what is still under way ends, and the sale page is empty again.
    fn come_back(&mut self) -> Result<(), RigError> {
        let printed = self.journal.printed()?;
        self.till.power_on()?;
        let ends = ["Next sale", "Scan a payment code", "Void sale"];
        let till = &mut self.till;
        let ready = || till.labels().is_ok_and(|all| all.iter().any(|label| ends.contains(&label.as_str())));
        if !wait_until(PATIENCE, ready) {
            return Err(wrong(format!("the till does not come back: {:?}", self.till.labels())));
        }
        let labels = self.till.labels()?;
        let shows = |label: &str| labels.iter().any(|seen| seen == label);
        if shows("Next sale") {
            let name = counter::paid(&mut self.till)?;
            self.told.shown_again(name, &self.journal.entries()?, &printed);
            self.till.tap("Next sale")?;
        } else {
            self.told.shown_nothing(&self.journal.entries()?, &printed);
            if shows("Scan a payment code") {
                self.till.tap("Back to the sale")?;
            }
            self.till.wait("Void sale")?;
            if self.till.is_enabled("Void sale")? {
                self.till.tap("Void sale")?;
                self.till.tap("Yes, void it")?;
            }
        }
        self.till.wait("Scan the first item")?;
        Ok(self.till.wait_containing("Online", PATIENCE).map(drop)?)
    }

    /// What all books say in the end.
    async fn verdict(&mut self) -> Result<Verdict, RigError> {
        self.till.wait_containing("All sales sent", PATIENCE)?;
        let entries = self.journal.entries()?;
        let mut verdict = Verdict::of(&self.told.confirmed, &entries);
        verdict.receipts_doubled =
            counter::originals(&self.till).values().filter(|count| **count > 1).count();
        let paid = Paid::of(&entries).sales;
        let booked = books::paid_orders(&self.rig)?;
        verdict.doubled += books::doubled(&booked).len();
        let ours = |order: &books::BookedOrder| Some((u64::try_from(order.sale.1).ok()?, order.paid_minor));
        let at_server: BTreeMap<u64, i64> = booked.iter().filter_map(ours).collect();
        let by_wallet: i64 =
            booked.iter().filter(|order| order.by_wallet).map(|order| order.paid_minor).sum();
        let at_wallet: i64 =
            self.rig.wallet_control().orders().await?.iter().map(|order| order.net_minor()).sum();
        verdict.books_differ = usize::from(at_server != paid) + usize::from(by_wallet != at_wallet);
        Ok(verdict)
    }
}

/// Kills the till after a while, from beside.
fn pull_the_plug_after(pid: u32, pause: Duration) -> (Arc<AtomicBool>, JoinHandle<()>) {
    let pulled = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&pulled);
    let hand = thread::spawn(move || {
        thread::sleep(pause);
        told.store(true, atomic::Ordering::Release);
        // The shell's own, so that no unsafe code is needed for one system call.
        let _ = Command::new("sh").args(["-c", &format!("kill -9 {pid}")]).status();
    });
    (pulled, hand)
}

impl Told {
    fn is_right(&self) -> bool {
        self.shown_wrongly + self.not_shown == 0
    }

    /// A start shows no sale as paid: there is none that anybody should see.
    fn shown_nothing(&mut self, entries: &[Entry], printed: &BTreeSet<u64>) {
        let newest = Paid::of(entries).sales.into_keys().next_back();
        let last = self.confirmed.last().and_then(|name| sequence_of(name, entries));
        let is_news = newest > last && newest.is_some_and(|sale| !printed.contains(&sale));
        self.not_shown += usize::from(is_news);
    }

    /// A start shows a sale as paid: the one that was paid last, for the first time, or once more if its receipt was not
    /// known to be out.
    fn shown_again(&mut self, name: String, entries: &[Entry], printed: &BTreeSet<u64>) {
        let newest = Paid::of(entries).sales.into_keys().next_back();
        let shown = sequence_of(&name, entries);
        let last = self.confirmed.last().and_then(|name| sequence_of(name, entries));
        let is_right = shown.is_some()
            && shown == newest
            && match shown.cmp(&last) {
                Ordering::Greater => true,
                Ordering::Equal => !shown.is_some_and(|shown| printed.contains(&shown)),
                Ordering::Less => false,
            };
        if shown > last {
            self.confirmed.push(name);
        }
        self.shown_wrongly += usize::from(!is_right);
    }
}

/// What the books say of what the screen said.
#[derive(Debug, Default, PartialEq, Eq)]
struct Verdict {
    /// Sales that are paid in the journal.
    paid: usize,
    /// Confirmed, and not paid in the journal.
    lost: usize,
    /// Paid twice, or shown as two sales.
    doubled: usize,
    too_early: usize,
    receipts_doubled: usize,
    books_differ: usize,
}

impl Verdict {
    fn of(confirmed: &[String], entries: &[Entry]) -> Self {
        let paid = Paid::of(entries);
        let shown: Vec<Option<u64>> = confirmed.iter().map(|name| sequence_of(name, entries)).collect();
        let is_paid = |sale: &Option<u64>| sale.is_some_and(|sale| paid.sales.contains_key(&sale));
        let known: BTreeSet<u64> = shown.iter().flatten().copied().collect();
        Self {
            paid: paid.sales.len(),
            lost: shown.iter().filter(|sale| !is_paid(sale)).count(),
            doubled: paid.twice.len() + shown.iter().flatten().count() - known.len(),
            too_early: attempts_begun_too_early(entries),
            ..Self::default()
        }
    }

    fn holds(&self) -> bool {
        self.lost + self.doubled + self.too_early + self.receipts_doubled + self.books_differ == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use evertill_shared::clock::Timestamp;
    use evertill_shared::id::TerminalId;
    use evertill_shared::journal::{Body, EntryHash};
    use evertill_shared::money::{Amount, Currency};

    fn entry(sequence: u64, body: Body) -> Entry {
        let terminal = TerminalId::try_from(1).unwrap();
        Entry { terminal, epoch: 1, sequence, previous: EntryHash::NONE, at: Timestamp(1), body }
    }

    fn cash(sequence: u64, sale: u64) -> Entry {
        let yuan = |minor| Amount::new(minor, Currency::CNY);
        entry(sequence, Body::CashTaken { sale, given: yuan(500), change: yuan(50) })
    }

    fn names(sales: &[u64]) -> Vec<String> {
        sales.iter().map(|sale| format!("T0001-1-{sale}")).collect()
    }

    #[test]
    fn what_is_lost_paid_twice_or_shown_as_two_sales_is_found() {
        let entries = [cash(3, 2), cash(6, 5), cash(9, 8)];
        let verdict = |sales: &[u64], entries: &[Entry]| {
            let verdict = Verdict::of(&names(sales), entries);
            (verdict.lost, verdict.doubled, verdict.holds())
        };
        assert_eq!(
            verdict(&[2, 5], &entries),
            (0, 0, true),
            "paid, and never shown: the plug was pulled before"
        );
        assert_eq!(verdict(&[2, 4], &entries), (1, 0, false));
        assert_eq!(verdict(&[2, 2], &entries), (0, 1, false));
        assert_eq!(verdict(&[2], &[cash(3, 2), cash(4, 2)]), (0, 1, false));
        let unknown = vec!["2026112205001005112185401".to_owned()];
        assert_eq!(Verdict::of(&unknown, &entries).lost, 1, "a number that the journal does not know");
    }

    #[test]
    fn a_start_shows_the_last_sale_only_and_not_once_its_receipt_is_out() {
        let entries = [cash(3, 2), cash(6, 5)];
        let out = BTreeSet::from([5]);
        let shown = |before: &[u64], now: u64, printed: &BTreeSet<u64>| {
            let mut told = Told { confirmed: names(before), ..Told::default() };
            told.shown_again(names(&[now]).remove(0), &entries, printed);
            (told.confirmed.len(), told.shown_wrongly)
        };
        assert_eq!(shown(&[2], 5, &out), (2, 0), "for the first time");
        assert_eq!(shown(&[2, 5], 5, &BTreeSet::new()), (2, 0), "once more, without a receipt");
        assert_eq!(shown(&[2, 5], 5, &out), (2, 1));
        assert_eq!(shown(&[], 2, &out), (1, 1), "not the last one");
        assert_eq!(shown(&[2, 5], 2, &out), (2, 1));
    }

    #[test]
    fn a_start_that_hides_a_paid_sale_is_found() {
        let entries = [cash(3, 2), cash(6, 5)];
        let hides = |before: &[u64], printed: &[u64]| {
            let mut told = Told { confirmed: names(before), ..Told::default() };
            told.shown_nothing(&entries, &printed.iter().copied().collect());
            !told.is_right()
        };
        assert!(hides(&[2], &[2]), "nobody has seen that the second one is paid");
        assert!(!hides(&[2], &[2, 5]), "its receipt is out");
        assert!(!hides(&[2, 5], &[]), "it was seen");
        assert!(Told { shown_wrongly: 1, ..Told::default() }.is_right().eq(&false));
    }
}
