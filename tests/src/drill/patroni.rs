//! `cargo drill -- patroni`: the primary of a group under Patroni is killed while the shop sells.

use super::DrillError;
use super::selling::{Cashier, Sold};
use crate::books;
use crate::rig::patroni::{PatroniGroup, PatroniOptions};
use crate::rig::place::Place;
use crate::store_rig::{InPostgres, RigOptions, StoreRig, WalletOrder};
use clap::Args;
use evertill_shared::clock::{Clock, SystemClock};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::spawn_blocking;

/// The group in PostgreSQL.
const TAG: u8 = 0;
/// How long Patroni, and then the server, may take. They take seconds.
const PATIENCE: Duration = Duration::from_secs(90);

/// Kills the primary of an order group under Patroni while tills sell: sales go on in the other groups, Patroni promotes
/// a standby, and the server uses the group again by itself. Nothing acknowledged may be lost, no customer charged
/// twice, no customer sent away.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Example:\n  cargo drill -- patroni --json")]
pub struct PatroniDrill {
    /// How many tills sell.
    #[arg(long, default_value_t = 2)]
    pub tills: u8,
    /// How many seconds they sell before the kill, and after the group is back.
    #[arg(long, default_value_t = 8)]
    pub seconds: u64,
    /// Ten times as long.
    #[arg(long)]
    pub long: bool,
    /// The last line printed is one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Sales that were paid.
    pub sold: usize,
    /// Customers who got no number, or could not pay although their money was good.
    pub failed: u32,
    /// Sales that were acknowledged as paid, and are not in the books.
    pub lost: usize,
    /// Sales that were charged more than once, or stand in the books twice.
    pub double_charges: usize,
    /// Sales of which the books and the wallet tell different amounts.
    pub differing: usize,
    /// Sales that had to wait for their group.
    pub waited: usize,
    /// The slowest sale that had not to wait for its group, in milliseconds.
    pub slowest_ms: u128,
    /// From the kill until another member called itself the primary, in milliseconds.
    pub promoted_ms: u128,
    /// From the kill until the first new sale in that group was paid, in milliseconds.
    pub returned_ms: u128,
    /// Sales a second before the kill.
    pub before_per_s: f64,
    /// Sales a second between the kill and the group's return.
    pub during_per_s: f64,
    /// Sales a second after it.
    pub after_per_s: f64,
    /// Whether the old primary came back as a standby.
    pub old_is_standby: bool,
}

impl Report {
    /// Whether every rule held.
    #[must_use]
    pub fn held(&self) -> bool {
        let none = self.failed == 0 && self.lost == 0 && self.double_charges == 0 && self.differing == 0;
        none && self.old_is_standby && self.during_per_s > 0.0 && self.after_per_s > 0.0
    }
}

/// Runs the drill; true if every rule held.
/// # Errors
/// It could not be carried out.
pub fn drill(options: &PatroniDrill) -> Result<bool, DrillError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| DrillError::Other(error.to_string()))?;
    let report = runtime.block_on(run(options))?;
    let show = if options.json { serde_json::to_string } else { serde_json::to_string_pretty };
    println!("{}", show(&report).map_err(|error| DrillError::Other(error.to_string()))?);
    Ok(report.held())
}

/// Runs the drill.
/// # Errors
/// It could not be carried out.
pub async fn run(options: &PatroniDrill) -> Result<Report, DrillError> {
    let seconds = Duration::from_secs(options.seconds * if options.long { 10 } else { 1 });
    eprintln!("starting three PostgreSQL servers under Patroni, and a shop");
    let mut group = blocking(|| PatroniGroup::start(PatroniOptions::default())).await??;
    let place = Place::new("drill", "root")?;
    let postgres = InPostgres::one_group(TAG, group.conninfo());
    let rig_options = RigOptions { postgres, ..RigOptions::default() };
    let rig = StoreRig::open(&place.dir().join("shop"), rig_options).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut tills = Vec::new();
    for number in 1..=options.tills {
        let cashier = Cashier::new(&rig, &format!("Till {number}")).await?;
        tills.push(tokio::spawn(cashier.sell(Arc::clone(&stop))));
    }
    let clock = SystemClock;
    let began = clock.monotonic();
    tokio::time::sleep(seconds).await;

    let old = group.primary().ok_or_else(|| DrillError::Other("the group has no primary".into()))?;
    eprintln!("killing {old}, the primary, with its Patroni");
    let killed = clock.monotonic();
    let (group_back, promoted) = {
        let old = old.clone();
        blocking(move || {
            let found = group.kill(&old).and_then(|()| group.wait_for_other_primary(&old, PATIENCE));
            found.map(|(new, _)| (group, (new, SystemClock.monotonic())))
        })
        .await??
    };
    group = group_back;
    let (new, promoted) = promoted;
    eprintln!("{new} was promoted after {} ms", promoted.saturating_sub(killed).as_millis());
    wait_for_orders(&rig, promoted).await?;
    tokio::time::sleep(seconds).await;
    stop.store(true, Ordering::Release);
    let ended = clock.monotonic();
    let mut cashiers = Vec::new();
    for till in tills {
        cashiers.push(till.await.map_err(|error| DrillError::Other(error.to_string()))??);
    }
    eprintln!("starting {old} again");
    let (group, came_back) = blocking(move || {
        let came_back = group.start_again(&old);
        (group, came_back)
    })
    .await?;
    came_back?;
    let old_is_standby = group.primary().is_some_and(|primary| primary == new);
    let report = report(&rig, &cashiers, [began, killed, promoted, ended], old_is_standby).await;
    // The server ends before its databases do.
    drop(rig);
    blocking(move || drop(group)).await?;
    report
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, DrillError> {
    spawn_blocking(work).await.map_err(|error| DrillError::Other(error.to_string()))
}

/// Waits until the group has orders that were made after the promotion.
async fn wait_for_orders(rig: &StoreRig, since: Duration) -> Result<(), DrillError> {
    let at = rig.group_database(TAG).cloned();
    let login = at.ok_or_else(|| DrillError::Other("group 0 is not in PostgreSQL".into()))?.login();
    let clock = SystemClock;
    let ago = clock.monotonic().saturating_sub(since);
    let since_ms = clock.now().0 - i64::try_from(ago.as_millis()).unwrap_or(0);
    let asked = format!("SELECT count(*) FROM orders WHERE created_at > {since_ms} AND state = 'paid'");
    blocking(move || {
        let came = crate::process::wait_until(PATIENCE, || {
            std::thread::sleep(Duration::from_millis(200));
            let answer =
                login.run(&asked, Duration::from_secs(5)).and_then(crate::rig::postgres::Outcome::rows);
            answer.is_ok_and(|rows| rows.first().is_some_and(|count| count != "0"))
        });
        if came { Ok(()) } else { Err(DrillError::Other("the group was not used again".into())) }
    })
    .await?
}

#[expect(clippy::float_arithmetic, reason = "a figure for people; no money")]
fn rate(sold: &[&Sold], from: Duration, until: Duration) -> f64 {
    let count = sold.iter().filter(|sale| sale.at > from && sale.at <= until).count();
    let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    (count / until.saturating_sub(from).as_secs_f64().max(0.001) * 10.0).round() / 10.0
}

async fn report(
    rig: &StoreRig,
    cashiers: &[Cashier],
    [began, killed, promoted, ended]: [Duration; 4],
    old_is_standby: bool,
) -> Result<Report, DrillError> {
    let sold: Vec<&Sold> = cashiers.iter().flat_map(|cashier| &cashier.sold).collect();
    let booked = books::paid_orders(rig)?;
    let numbers: BTreeSet<&str> = booked.iter().map(|order| order.number.as_str()).collect();
    // What waited for the group was created before; what did not is a new sale.
    let first = sold.iter().filter(|sale| sale.tag == TAG && !sale.waited && sale.at > promoted);
    let returned = first.map(|sale| sale.at).min().unwrap_or(ended);
    let mut ours: BTreeMap<(u16, i64), i64> = BTreeMap::new();
    for order in &booked {
        *ours.entry((order.terminal, order.sale.1)).or_default() += order.paid_minor - order.refunded_minor;
    }
    let theirs = charged(&rig.wallet_control().orders().await?)?;
    let over = |sale: &&(u16, i64)| theirs[*sale] > ours.get(*sale).copied().unwrap_or(i64::MAX);
    let sales: BTreeSet<&(u16, i64)> = ours.keys().chain(theirs.keys()).collect();
    Ok(Report {
        sold: sold.len(),
        failed: cashiers.iter().map(|cashier| cashier.refused + cashier.unpaid).sum(),
        lost: sold.iter().filter(|sale| !numbers.contains(sale.number.as_str())).count(),
        double_charges: theirs.keys().filter(over).count() + books::doubled(&booked).len(),
        differing: sales.iter().filter(|sale| ours.get(**sale) != theirs.get(**sale)).count(),
        waited: sold.iter().filter(|sale| sale.waited).count(),
        slowest_ms: sold.iter().filter(|s| !s.waited).map(|s| s.took).max().unwrap_or_default().as_millis(),
        promoted_ms: promoted.saturating_sub(killed).as_millis(),
        returned_ms: returned.saturating_sub(killed).as_millis(),
        before_per_s: rate(&sold, began, killed),
        during_per_s: rate(&sold, killed, returned),
        after_per_s: rate(&sold, returned, ended),
        old_is_standby,
    })
}

/// What customers are short of, by the wallet's own books: by terminal and sale.
fn charged(orders: &[WalletOrder]) -> Result<BTreeMap<(u16, i64), i64>, DrillError> {
    let mut nets: BTreeMap<(u16, i64), i64> = BTreeMap::new();
    for order in orders {
        let sale = order
            .number
            .get(7..11)
            .and_then(|t| t.parse().ok())
            .zip(order.number.get(16..28).and_then(|s| s.parse().ok()));
        let odd = || DrillError::Other(format!("the wallet has an order {} of nobody's", order.number));
        *nets.entry(sale.ok_or_else(odd)?).or_default() += order.net_minor();
    }
    nets.retain(|_, net| *net != 0);
    Ok(nets)
}
