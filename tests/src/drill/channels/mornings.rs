//! The mornings after: the product itself fetches the bills of both wallets and compares them, and its ledger is held
//! against what they say. What only a bill shows goes back in the meantime. Nothing in here looks into the wallets' own books.

use super::books::Found;
use super::customer::LATEST_HOURS;
use super::shop::{Desk, Shop};
use evertill_server::base_store::{BillRun, BillsOf};
use evertill_server::channel::bills::BillFailure;
use evertill_server::reconciling::NotDone;
use evertill_shared::business_day::{BusinessDay, StoreZone, business_day_of, moment_on};
use evertill_shared::id::AccountId;
use evertill_shared::ledger::Account;
use evertill_shared::reconciliation::{BillRow, CARRY_DAYS, Category, Movement, Progress};
use evertill_shared::wallet::Wallet;
use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

/// Half past ten, by China's clock: the bills are there.
const MINUTES: u16 = 10 * 60 + 30;
/// A bill that did not come is asked for again after so long, and so often: past the time after which it is believed that
/// there was no trade.
const AGAIN: Duration = Duration::from_secs(30 * 60);
const TRIES: u32 = 30;

/// Lets the mornings come until every row has met its counterpart or was filed, and adds up what differs.
/// # Errors
/// The books cannot be read.
pub async fn come(shop: &Shop, found: &mut Found) -> Result<(), String> {
    // By then whoever pays late has paid.
    let last = shop.clock.now().plus(Duration::from_secs((LATEST_HOURS + 1) * 3_600));
    let last = business_day_of(last, &StoreZone::china(), 0);
    let desk = shop.desk().await?;
    let mut bills = BTreeMap::new();
    for wallet in Wallet::ALL {
        bills.insert(wallet, bills_of(shop, &desk, (wallet, last), found).await?);
    }
    let ledger = ledger(&desk, found).await?;
    for wallet in Wallet::ALL {
        let receivable = ledger.get(Account::Receivable(wallet).as_str()).copied().unwrap_or(0);
        let billed = bills.get(&wallet).copied().unwrap_or(0);
        found.books_minus_bills += receivable.abs_diff(billed);
    }
    Ok(())
}

fn day_now(shop: &Shop) -> BusinessDay {
    business_day_of(shop.clock.now(), &StoreZone::china(), 0)
}

/// Every day of a wallet from the opening on; gives what all bills come to: what was paid less what went back.
async fn bills_of(
    shop: &Shop,
    desk: &Desk,
    (wallet, mut last): (Wallet, BusinessDay),
    found: &mut Found,
) -> Result<i64, String> {
    let (mut day, mut net) = (shop.opened_on, 0);
    loop {
        let morning = moment_on(day.next(), MINUTES, &StoreZone::china(), 0);
        let morning = morning.ok_or_else(|| format!("{day} is no day that can be"))?;
        tokio::time::sleep(morning.since(shop.clock.now())).await;
        let Some(run) = compared(desk, wallet, day).await? else {
            found.days_not_compared += 1;
            return Ok(net);
        };
        net += net_of_bill(desk, wallet, day).await?;
        found.days_compared += 1;
        found.bill_lines += run.figures.bill_rows;
        count_findings(shop, desk, &run, found).await?;
        if run.figures.settled > 0 {
            // What goes back of it goes back now, and stands in the bill of today.
            last = last.max(day_now(shop));
        }
        let latest = (0..CARRY_DAYS).fold(last, |day, _| day.next());
        if day >= last && (run.figures.carried == 0 || day >= latest) {
            found.unmatched += run.figures.carried;
            return Ok(net);
        }
        day = day.next();
    }
}

/// People are told of a success that came hours after the end, and of nothing else.
async fn count_findings(shop: &Shop, desk: &Desk, run: &BillRun, found: &mut Found) -> Result<(), String> {
    let of = BillsOf::new(run.channel, AccountId::OF_THE_FILE);
    let all = desk.base.bill_findings(of, run.day, (0, u32::MAX)).await.map_err(|error| error.to_string())?;
    let hours_late = shop.hours_late.lock().unwrap_or_else(PoisonError::into_inner);
    for finding in all {
        let is_late = finding.category == Category::PaidThereNotHere
            && finding.order.is_some()
            && hours_late.contains(&finding.number);
        if is_late {
            found.late_by_bill += 1;
        } else {
            found.findings += 1;
        }
    }
    Ok(())
}

/// What came of comparing a day; nothing if it is refused for good.
async fn compared(desk: &Desk, wallet: Wallet, day: BusinessDay) -> Result<Option<BillRun>, String> {
    let of = BillsOf::new(wallet, AccountId::OF_THE_FILE);
    for _ in 0..TRIES {
        match desk.reconciler.compare(of, day, |_| ()).await {
            Ok(run) => return Ok(Some(run)),
            Err(NotDone::Later(_) | NotDone::Refused(_)) => tokio::time::sleep(AGAIN).await,
            Err(other) => return Err(other.to_string()),
        }
    }
    Ok(None)
}

/// What a day's bill comes to, as the adapter reads it.
async fn net_of_bill(desk: &Desk, wallet: Wallet, day: BusinessDay) -> Result<i64, String> {
    let accounts = desk.centre.accounts_at(wallet);
    let bills = accounts.iter().find_map(|(_, channel)| channel.bills());
    let bills = bills.ok_or_else(|| format!("{wallet} has no bills"))?;
    for _ in 0..TRIES {
        match bills.bill(day).await {
            Ok(rows) => return Ok(rows.iter().map(moved).sum()),
            // There was no trade.
            Err(BillFailure::NotReady) => return Ok(0),
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
    Err(format!("the bill of {wallet} of {day} does not come"))
}

fn moved(line: &BillRow) -> i64 {
    match (line.movement, line.revoked, line.progress) {
        (_, true, _) | (Movement::Refund, _, Progress::Done) => -line.amount.minor,
        (Movement::Payment, false, Progress::Done) => line.amount.minor,
        (_, false, Progress::UnderWay | Progress::Failed) => 0,
    }
}

/// What each account of the ledger comes to in all groups, once every group is proved.
async fn ledger(desk: &Desk, found: &mut Found) -> Result<BTreeMap<String, i64>, String> {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for tag in desk.groups.tags() {
        let proved = desk.groups.prove(tag, |_| ()).await.map_err(|error| error.to_string())?;
        found.ledger_faults += proved.faults.len() as u64;
        for (_, account, debit, credit) in proved.balances.accounts() {
            *sums.entry(account.to_owned()).or_default() += debit - credit;
        }
    }
    Ok(sums)
}
