//! `cargo drill -- channels`: payments over both wallets, with everything that goes wrong on the way, on a turned clock.
//!
//! Shop after shop is lived through: the real order groups, order centre and adapters of two servers, the real desks of
//! both simulated wallets with their real bytes and signatures, and customers who type their passwords, late, or never.
//! Some scan the code that the till shows: at once, late, after it was closed, or not at all.
//! Requests and replies are lost, arrive twice, are forged; commits end without an answer; servers are killed between a
//! charge and its record; one of a wallet's domains is dead; managers give money back; wallets refuse to take back, and take
//! money after they have said that they will not, some of it hours later. Then the books are compared, payment by payment. And the mornings after
//! come: the product fetches the bills and compares them, and its ledger must come to what they say. The same is done with
//! bugs planted, each of which must be found.

mod books;
mod customer;
mod mornings;
mod shop;
mod way;

use super::{DrillError, print, say};
use crate::simulator::{alipay, wechat};
use crate::world::{Mutation, Template};
use books::Found;
use clap::Args;
use evertill_shared::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Customers of one shop, all in all.
const OF_A_SHOP: u64 = 1_000;
/// The same with a bug planted, and how many such shops it may survive.
const WITH_A_BUG: u64 = 250;
const SHOPS_OF_A_BUG: u64 = 8;
/// Threads, each with shops of its own.
const THREADS: u64 = 2;
/// With fewer customers it is left to chance whether everything happens.
const ALL_TAKE_PART: u64 = 400;
/// The bugs that are planted: the mistakes that widely used payment code makes. The last three show in nothing but the ledger
/// and the bills.
const BUGS: [Mutation; 9] = [
    Mutation::TrustsATimeOut,
    Mutation::NeverReverses,
    Mutation::TrustsAReversalUnheard,
    Mutation::NeverAsksAfterTheEnd,
    Mutation::TriesAgainUnderANewNumber,
    Mutation::LeavesCodesOpen,
    Mutation::RenumbersRefunds,
    Mutation::ForgetsALateSuccess,
    Mutation::BooksRefundsElsewhere,
];

/// Has so many customers pay through both wallets while replies, requests and servers are lost, and holds our books against
/// the wallets', and our ledger against their bills, when all is settled. Plants bugs, each of which must be found. It takes
/// as long as so many payments take.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  cargo drill -- channels --json\n  cargo drill -- channels --payments 2000"
)]
pub struct ChannelsOptions {
    /// How many customers pay.
    #[arg(long, default_value_t = 100_000)]
    pub payments: u64,
    /// From which all chance is drawn.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Plants no bugs.
    #[arg(long)]
    pub no_bugs: bool,
    /// Ten times as many customers.
    #[arg(long)]
    pub long: bool,
    /// The last line printed is one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Runs the drill and prints its report; true if every rule held and every bug was found.
/// # Errors
/// A shop cannot be made.
pub fn drill(options: &ChannelsOptions) -> Result<bool, DrillError> {
    let (report, held) = run(options)?;
    print(&report, options.json);
    Ok(held)
}

/// Runs the drill; gives its report, and whether every rule held and every bug was found.
/// # Errors
/// A shop cannot be made.
pub fn run(options: &ChannelsOptions) -> Result<(Value, bool), DrillError> {
    let began = SystemClock.monotonic();
    let passed = || SystemClock.monotonic().saturating_sub(began);
    let bugs: &[Mutation] = if options.no_bugs { &[] } else { &BUGS };
    let missed = on_all_threads(bugs.len() as u64, &|ground, nth| {
        let Some(bug) = bugs.get(usize::try_from(nth).unwrap_or(0)).copied() else {
            return Ok(Found::default());
        };
        Mutation::begin_anew();
        for again in 0..SHOPS_OF_A_BUG {
            let found = ground.live(options.seed + again, WITH_A_BUG, Some(bug))?;
            if found.broken_by(bug) > 0 {
                say(format!("{} was found", bug.name()));
                return Ok(Found::default());
            }
            if !found.holds() {
                say(format!("{} broke something else: {found:?}", bug.name()));
            }
        }
        let why = if bug.never_fired().is_empty() { "" } else { ": it never did anything" };
        say(format!("{} was NOT found{why}", bug.name()));
        Ok(Found { bugs_missed: 1, ..Found::default() })
    })?
    .bugs_missed;
    let asked = if options.long { options.payments.saturating_mul(10) } else { options.payments };
    let shops = asked.div_ceil(OF_A_SHOP);
    let lived = AtomicU64::new(0);
    let found = on_all_threads(shops, &|ground, nth| {
        let customers = OF_A_SHOP.min(asked - nth * OF_A_SHOP);
        let found = ground.live(options.seed + 1 + nth, customers, None)?;
        if !found.holds() {
            say(format!("the shop of seed {} breaks a rule: {found:?}", options.seed + 1 + nth));
        }
        let lived = lived.fetch_add(1, Ordering::Relaxed) + 1;
        if lived.is_multiple_of(5) {
            say(format!("{lived} of {shops} shops, {} s", passed().as_secs()));
        }
        Ok(found)
    })?;
    let all_took_part = asked < ALL_TAKE_PART || found.all_took_part();
    if !all_took_part {
        say(
            "something that was to take part did not: a wallet, refunds, a spare domain, or a late success in a bill",
        );
    }
    let held = found.holds() && found.payments == asked && missed == 0 && all_took_part;
    Ok((report(&found, (bugs.len() as u64, missed), passed()), held))
}

fn report(found: &Found, (bugs, missed): (u64, u64), wall: Duration) -> Value {
    json!({
        "payments": found.payments,
        "unsettled": found.unsettled,
        "double_charges": found.double_charges,
        "released_unpaid": found.released_unpaid,
        "books_minus_bills": found.books_minus_bills,
        "books_minus_orders": found.books_minus_orders,
        "findings": found.findings,
        "unmatched": found.unmatched,
        "ledger_faults": found.ledger_faults,
        "days_compared": found.days_compared,
        "days_not_compared": found.days_not_compared,
        "bill_lines": found.bill_lines,
        "paid_wechat_pay": found.paid[0],
        "paid_alipay": found.paid[1],
        "refunds": found.refunds,
        "calls_to_spare_domains": found.to_spare_domains,
        "longest_unknown_s": found.longest_unknown.as_secs(),
        "attempts": found.attempts,
        "codes_shown": found.codes_shown,
        "scanned_in_vain": found.scanned_in_vain,
        "released": found.released,
        "charged_not_released": found.charged_not_released,
        "wrongly_over": found.wrongly_over,
        "late_successes": found.late_successes,
        "late_by_bill": found.late_by_bill,
        "killed_between": found.killed_between,
        "servers_killed": found.servers_killed,
        "longest_to_give_back_s": found.longest_to_give_back.as_secs(),
        "bugs": bugs,
        "bugs_found": bugs - missed,
        "wall_s": wall.as_secs(),
    })
}

/// What shops are made from.
struct Ground {
    template: Template,
    wechat: wechat::Kit,
    alipay: alipay::Kit,
    /// A folder with each wallet's papers.
    papers: [tempfile::TempDir; 2],
}

impl Ground {
    fn make() -> Result<Self, DrillError> {
        let other = |error: &dyn std::fmt::Display| DrillError::Other(error.to_string());
        let folder = || tempfile::tempdir().map_err(|e| other(&e));
        let papers = [folder()?, folder()?];
        let wechat = wechat::Kit::open_or_make(papers[0].path()).map_err(|e| other(&e))?;
        let alipay = alipay::Kit::open_or_make(papers[1].path()).map_err(|e| other(&e))?;
        Ok(Self { template: Template::make()?, wechat, alipay, papers })
    }

    fn wechat_kit(&self) -> (&wechat::Kit, &Path) {
        (&self.wechat, self.papers[0].path())
    }

    fn alipay_kit(&self) -> (&alipay::Kit, &Path) {
        (&self.alipay, self.papers[1].path())
    }

    /// Opens a shop, lets so many customers in, waits until all is settled, compares the books, and lets the bills come.
    fn live(&self, seed: u64, customers: u64, bug: Option<Mutation>) -> Result<Found, DrillError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.map_err(|error| DrillError::Other(error.to_string()))?;
        let found = runtime.block_on(async {
            let shop = shop::Shop::open(self, seed, bug).map_err(DrillError::Other)?;
            shop.serve(customers).await;
            let mut found = books::compare(&shop);
            shop.close();
            mornings::come(&shop, &mut found).await.map_err(DrillError::Other)?;
            found.unsettled += books::still_out_of_pocket(&shop);
            Ok(found)
        });
        runtime.shutdown_background();
        found
    }
}

/// Lives through so many shops, on all threads.
fn on_all_threads(
    shops: u64,
    live: &(impl Fn(&Ground, u64) -> Result<Found, DrillError> + Sync),
) -> Result<Found, DrillError> {
    let (next, total) = (AtomicU64::new(0), Mutex::new(Found::default()));
    let work = || -> Result<(), DrillError> {
        let ground = Ground::make()?;
        loop {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            if nth >= shops {
                return Ok(());
            }
            let found = live(&ground, nth)?;
            total.lock().unwrap_or_else(PoisonError::into_inner).add(&found);
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().map_err(|_| DrillError::Other("a shop broke down: a bug of its own".into()))?
        })
    })?;
    Ok(total.into_inner().unwrap_or_else(PoisonError::into_inner))
}
