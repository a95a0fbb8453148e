//! `cargo load -- reconcile`: a long day's bill, fetched from the simulated wallet over its own protocol and held against
//! the books in the order groups, by the command that people run by hand. Some rows differ on purpose: exactly those must
//! be found. The rows go straight into both sides' tables, because making them through the server would take minutes; all
//! that knows the tables is in this file.

use super::figures::rounded;
use super::shop::folder;
use super::usage::peak_mib;
use crate::load::{say, wrong};
use crate::simulator::wallet::{Behaviour, Order as WalletOrder, Refund, RefundEnd, TradeState};
use crate::store_rig::{RigError, RigOptions, StoreRig};
use crate::workspace;
use clap::Args;
use evertill_shared::business_day::{BusinessDay, StoreZone, business_day_of, moment_on};
use evertill_shared::clock::{Clock, SystemClock, Timestamp};
use evertill_shared::id::{ChannelNumber, SaleKey, StoreId, TerminalId};
use evertill_shared::order::PaidBy;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::wallet::Wallet;
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Every so manieth payment is refunded in part.
const REFUNDED: u32 = 50;
/// So many payments have another amount in the wallet's books.
const OTHER_AMOUNTS: u32 = 3;
/// So many of ours the wallet has never heard of.
const MISSING: u32 = 2;
const GROUPS: u8 = 3;

/// What is compared.
#[derive(Clone, Debug, Args)]
pub struct ReconcileOptions {
    /// How many payments the day had.
    #[arg(long, default_value_t = 200_000)]
    pub payments: u32,
    /// Whose bill: wechat_pay or alipay.
    #[arg(long, default_value = "wechat_pay")]
    pub wallet: Wallet,
}

/// A payment that both sides are filled with.
struct Sold {
    n: u32,
    at: Timestamp,
    order: OrderNumber,
    channel_number: ChannelNumber,
    minor: i64,
}

impl Sold {
    fn refund(&self) -> Option<(String, i64)> {
        self.n.is_multiple_of(REFUNDED).then(|| (format!("R{}01", self.order), 100))
    }

    fn transaction(&self) -> String {
        format!("42000000{:020}", self.n)
    }
}

/// Runs it; the answer is the report.
/// # Errors
/// The command fails, or finds something else than what differs.
pub async fn run(options: &ReconcileOptions) -> Result<Value, RigError> {
    let dir = folder()?;
    say("making a store");
    let rig_options = RigOptions { groups: GROUPS, ..RigOptions::default() };
    let mut rig = StoreRig::open(dir.path(), rig_options).await?;
    rig.stop_server();
    forget_bills(&rig.base_file()).map_err(wrong)?;
    if let Some(mut wallet) = rig.wallet.take() {
        wallet.stop(Duration::from_secs(5));
    }
    let zone = StoreZone::china();
    // Its bill is there at any time of the day.
    let day = business_day_of(SystemClock.now(), &zone, 0).previous().previous();
    say(format_args!("filling both sides with {} payments of {day}", options.payments));
    let sold = sales(options, day, &zone)?;
    for tag in 0..GROUPS {
        fill_group(&rig.group_file(tag), tag, &sold, options.wallet).map_err(wrong)?;
    }
    let books = match options.wallet {
        Wallet::WeChatPay => dir.path().join("wallet/wallet.db"),
        Wallet::Alipay => dir.path().join("wallet/alipay/wallet.db"),
    };
    fill_wallet(&books, &sold)?;
    rig.start_wallet()?;
    say("comparing");
    let measured = measure(&rig, options, day)?;
    let refunds = sold.iter().filter(|sold| sold.refund().is_some()).count();
    let lines = sold.len() - MISSING as usize + refunds;
    let expected = format!(
        "{lines} lines of the bill, {} rows of our books; {} agree, {OTHER_AMOUNTS} findings, 0 settled by the bill, \
         {MISSING} wait for the next bill",
        sold.len() + refunds,
        lines - OTHER_AMOUNTS as usize
    );
    if !measured.said.contains(&expected) {
        return Err(wrong(format!("it should say {expected:?}, it says {:?}", measured.said)));
    }
    Ok(json!({
        "rows": lines,
        "seconds": rounded(measured.wall.as_secs_f64(), 2),
        "peak_mb": rounded(measured.peak_mib, 1),
        "payments": options.payments,
        "refunds": refunds,
        "findings": OTHER_AMOUNTS,
        "waiting": MISSING,
        "wallet": options.wallet.code(),
        "groups": GROUPS,
    }))
}

/// Late in China's day the store's server has compared the bill of the day before, on which nothing was sold, by itself: after
/// that no earlier day can be compared. This store has never compared any.
fn forget_bills(file: &Path) -> rusqlite::Result<()> {
    let base = Connection::open(file)?;
    ["bill_runs", "bill_findings", "bill_settled", "bill_carried", "bill_leases"]
        .iter()
        .try_for_each(|table| base.execute(&format!("DELETE FROM {table}"), []).map(drop))
}

fn sales(options: &ReconcileOptions, day: BusinessDay, zone: &StoreZone) -> Result<Vec<Sold>, RigError> {
    let start = moment_on(day, 0, zone, 0).ok_or_else(|| wrong("no such day"))?;
    let gap = Duration::from_secs(24 * 3600) / (options.payments + 1);
    let store = StoreId::try_from(1).map_err(wrong)?;
    let sale = |n: u32| {
        let at = start.plus(gap.saturating_mul(n));
        let tag = GroupTag::try_from(u8::try_from(n % u32::from(GROUPS)).map_err(wrong)?).map_err(wrong)?;
        let terminal = TerminalId::try_from(u16::try_from(1 + n % 50).map_err(wrong)?).map_err(wrong)?;
        let key = SaleKey { terminal, epoch: 1, sequence: u64::from(1_000_000 + n / 50) };
        Ok(Sold {
            n,
            at,
            order: OrderNumber::new(at, n % 100_000, tag).map_err(wrong)?,
            channel_number: ChannelNumber::new(store, key, 1),
            minor: i64::from(500 + n % 9_000),
        })
    };
    (0..options.payments).map(sale).collect()
}

/// The paid orders, payments and refunds of one group.
fn fill_group(file: &Path, tag: u8, sold: &[Sold], wallet: Wallet) -> rusqlite::Result<()> {
    let mut connection = Connection::open(file)?;
    connection.execute_batch("PRAGMA synchronous = OFF")?;
    let transaction = connection.transaction()?;
    {
        let mut order = transaction.prepare(
            "INSERT INTO orders (number, terminal, epoch, sequence, sale, sale_hash, state, business_day, currency, \
             total_minor, paid_minor, held_minor, paid_by, created_at, adopted_at, paid_at) \
             VALUES (?1, ?2, 1, ?3, '{}', ?1, 'paid', '2000-01-01', 'CNY', ?4, ?4, ?5, ?6, ?7, ?7, ?7)",
        )?;
        let mut payment = transaction.prepare(
            "INSERT INTO payments (number, attempt, wallet, channel_number, currency, amount_minor, state, sent_at, since, \
             next_at, reversals, reversal_accepted, transaction_number) \
             VALUES (?1, 1, ?2, ?3, 'CNY', ?4, 'paid', ?5, ?5, ?5, 0, 0, ?6)",
        )?;
        let mut refund = transaction.prepare(
            "INSERT INTO refunds (id, number, terminal, request, wallet, currency, amount_minor, state, who, login, why, \
             requested_at, requested_on, carried_out_at, next_at) \
             VALUES (?1, ?2, 1, ?1, ?3, 'CNY', ?4, 'done', 'Li', 'li', 'cold', ?5, '2000-01-01', ?5, ?5)",
        )?;
        for one in sold.iter().filter(|one| one.n % u32::from(GROUPS) == u32::from(tag)) {
            let (number, back) = (one.order.to_string(), one.refund());
            let paid_by = PaidBy::Wallet { wallet, transaction: one.transaction() };
            let paid_by = serde_json::to_string(&paid_by).unwrap_or_default();
            let held = back.as_ref().map_or(0, |(_, minor)| *minor);
            let (terminal, sequence) = (1 + one.n % 50, 1_000_000 + one.n / 50);
            order.execute(params![number, terminal, sequence, one.minor, held, paid_by, one.at.0])?;
            let own = one.channel_number.to_string();
            payment.execute(params![number, wallet.code(), own, one.minor, one.at.0, one.transaction()])?;
            if let Some((id, minor)) = back {
                refund.execute(params![id, number, wallet.code(), minor, one.at.0])?;
            }
        }
    }
    transaction.commit()?;
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
}

/// The same in the wallet's own books, but for what differs.
fn fill_wallet(file: &Path, sold: &[Sold]) -> Result<(), RigError> {
    let mut connection = Connection::open(file).map_err(wrong)?;
    let transaction = connection.transaction().map_err(wrong)?;
    {
        let mut trade =
            transaction.prepare("INSERT INTO trade (name, entry) VALUES (?1, ?2)").map_err(wrong)?;
        for one in sold.iter().filter(|one| !(OTHER_AMOUNTS..OTHER_AMOUNTS + MISSING).contains(&one.n)) {
            let order = wallet_order(one);
            let entry = serde_json::to_string(&order).map_err(wrong)?;
            trade.execute(params![order.number, entry]).map_err(wrong)?;
        }
    }
    transaction.commit().map_err(wrong)
}

fn wallet_order(one: &Sold) -> WalletOrder {
    let total_minor = one.minor + i64::from(one.n < OTHER_AMOUNTS);
    let refunds: Vec<Refund> = one
        .refund()
        .map(|(number, amount_minor)| Refund {
            number,
            refund_id: format!("50300000{:020}", one.n),
            amount_minor,
            accepted_at: one.at,
            arrives_at: one.at,
            notify_url: None,
            end: RefundEnd::Arrives,
        })
        .into_iter()
        .collect();
    WalletOrder {
        number: one.channel_number.to_string(),
        transaction: one.transaction(),
        state: if refunds.is_empty() { TradeState::Success } else { TradeState::Refund },
        total_minor,
        charged_minor: total_minor,
        reversed_minor: 0,
        refunded_minor: refunds.iter().map(|refund| refund.amount_minor).sum(),
        created_at: one.at,
        paid_at: Some(one.at),
        ended_at: None,
        refunds,
        code: String::new(),
        behaviour: Behaviour::Pays,
        description: "常开便利店 Evertill Market".into(),
        device: format!("T{:04}", 1 + one.n % 50),
        queries: 0,
        reversals: 0,
    }
}

struct Measured {
    wall: Duration,
    peak_mib: f64,
    said: String,
}

/// Runs the command and watches the most memory that it holds.
fn measure(rig: &StoreRig, options: &ReconcileOptions, day: BusinessDay) -> Result<Measured, RigError> {
    let start = SystemClock.monotonic();
    let mut child = Command::new(workspace::program("evertill-server"))
        .args(["reconcile", "--channel", options.wallet.code(), "--day", &day.to_string()])
        .arg("--config")
        .arg(rig.store_dir().join("server/server.toml"))
        .current_dir(rig.dir())
        .env("RUST_LOG", "warn")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(wrong)?;
    let mut peak = 0.0_f64;
    while child.try_wait().map_err(wrong)?.is_none() {
        // One that is just ending has none any more.
        peak = peak.max(peak_mib(child.id()).unwrap_or(0.0));
        std::thread::sleep(Duration::from_millis(10));
    }
    let wall = SystemClock.monotonic().saturating_sub(start);
    let output = child.wait_with_output().map_err(wrong)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        return Err(wrong(format!("the command failed: {said}")));
    }
    if peak <= 0.0 {
        return Err(wrong("the kernel did not tell how much memory the command held"));
    }
    Ok(Measured { wall, peak_mib: peak, said })
}
