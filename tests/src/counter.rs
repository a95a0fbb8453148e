//! What a cashier does at a till's window, and what the till's own journal says of it afterwards.

use crate::store_rig::{RigError, StoreRig};
use crate::window_till::{StepError, WindowTill};
use evertill_shared::id::{SaleKey, TerminalId};
use evertill_shared::journal::{Body, Entry, Settled};
use evertill_shared::order_number::OrderNumber;
use evertill_terminal::journal_store::open_read_only;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// Barcodes of water (2.00), tea (3.50), cola (3.00) and crisps (6.90).
pub const GOODS: [&str; 4] = ["6901234560015", "6901234560022", "6901234560039", "6901234560091"];
/// What the customer is asked for.
pub const SCAN_PROMPT: &str = "Scan the code on the customer's phone";

/// Registers a new till by its window, and has it activated: it can sell then.
/// # Errors
/// It does not get there.
pub async fn register(rig: &StoreRig, till: &mut WindowTill, name: &str) -> Result<TerminalId, RigError> {
    till.wait("Set up this till")?;
    let code = rig.enrolment_code(name).await?;
    till.tap("Enrolment code")?;
    till.type_text(code.expose())?;
    till.tap("Register")?;
    till.wait("Waiting for activation")?;
    let missing = |what: &str| RigError::Unexpected(format!("the new till {what}"));
    let rows = rig.staff("it").await?.terminals().await?;
    let row = rows.into_iter().find(|row| row.name == name).ok_or_else(|| missing("is not listed"))?;
    let fingerprint = row.fingerprint.ok_or_else(|| missing("has no fingerprint"))?;
    rig.activate(row.terminal, &fingerprint).await?;
    till.wait("Payment code")?;
    Ok(row.terminal)
}

/// Scans so many articles into an empty sale.
/// # Errors
/// They do not come on the screen.
pub fn goods(till: &mut WindowTill, count: usize) -> Result<(), StepError> {
    for code in GOODS.iter().cycle().take(count) {
        till.scan(code)?;
    }
    till.wait(&if count == 1 { "1 item".to_owned() } else { format!("{count} items") })
}

/// The button that says that the customer gave exactly what is due.
/// # Errors
/// There is none.
pub fn exact_amount(till: &mut WindowTill) -> Result<String, StepError> {
    let found = till.labels()?.into_iter().find(|label| label.starts_with("Given ¥"));
    found.ok_or_else(|| StepError::Screen("no amount to tap on the cash page".into()))
}

/// From the cash page to "paid"; gives what the screen names the sale by.
/// # Errors
/// It does not get there.
pub fn take_cash(till: &mut WindowTill) -> Result<String, StepError> {
    till.wait("Confirm cash")?;
    let exact = exact_amount(till)?;
    till.tap(&exact)?;
    till.tap("Confirm cash")?;
    paid(till)
}

/// Takes exact cash for what is in the sale, up to "paid"; gives what the screen names it by.
/// # Errors
/// It does not get there.
pub fn pay_cash(till: &mut WindowTill) -> Result<String, StepError> {
    till.tap("Cash")?;
    take_cash(till)
}

/// Takes the code on a customer's phone for what is in the sale, up to "paid"; gives what the screen names it by.
/// # Errors
/// It does not get there.
pub fn pay_by_code(till: &mut WindowTill, code: &str) -> Result<String, StepError> {
    till.tap("Payment code")?;
    till.wait(SCAN_PROMPT)?;
    till.scan(code)?;
    paid(till)
}

/// Waits until the sale is paid; gives what the screen names it by.
/// # Errors
/// It is not.
pub fn paid(till: &mut WindowTill) -> Result<String, StepError> {
    till.wait("Next sale")?;
    let labels = till.labels()?;
    name_of_sale(&labels).ok_or_else(|| StepError::Screen(format!("paid, but which sale? {labels:?}")))
}

/// `Order 2026…` or `Sale T0001-1-5 is stored…` on the page that says "paid".
#[must_use]
pub fn name_of_sale(labels: &[String]) -> Option<String> {
    let word = |label: &String| label.split_whitespace().nth(1).map(str::to_owned);
    let found =
        labels.iter().find(|l| l.starts_with("Order 2") || (l.starts_with("Sale ") && l.contains("stored")));
    found.and_then(word)
}

/// A till's journal as it stands on the disk, read from outside.
#[derive(Clone, Debug)]
pub struct JournalFile(PathBuf);

impl JournalFile {
    /// That of a till with this folder.
    #[must_use]
    pub fn of(till_dir: &Path) -> Self {
        Self(till_dir.join("till.db"))
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Its entries.
    /// # Errors
    /// It cannot be read.
    pub fn entries(&self) -> Result<Vec<Entry>, StepError> {
        let texts = self.rows("SELECT text FROM entry ORDER BY sequence", |row| row.get::<_, String>(0))?;
        texts.iter().map(|text| serde_json::from_str(text).map_err(unreadable)).collect()
    }

    /// The sales whose last receipt is known to be out.
    /// # Errors
    /// It cannot be read.
    pub fn printed(&self) -> Result<BTreeSet<u64>, StepError> {
        let last = "SELECT about, state FROM print_job WHERE about LIKE 'sale:%' ORDER BY id";
        let jobs = self.rows(last, |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let states: BTreeMap<String, String> = jobs.into_iter().collect();
        let confirmed = states.into_iter().filter(|(_, state)| state == "confirmed");
        confirmed.map(|(about, _)| about.trim_start_matches("sale:").parse().map_err(unreadable)).collect()
    }

    fn rows<T>(
        &self,
        query: &str,
        row: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StepError> {
        let connection = open_read_only(&self.0).map_err(unreadable)?;
        let mut statement = connection.prepare(query).map_err(unreadable)?;
        let rows = statement.query_map([], row).map_err(unreadable)?;
        rows.collect::<Result<_, _>>().map_err(unreadable)
    }
}

fn unreadable(error: impl Display) -> StepError {
    StepError::Screen(format!("the till's journal cannot be read: {error}"))
}

/// What entries say is paid.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paid {
    /// Each sale, and how much.
    pub sales: BTreeMap<u64, i64>,
    /// Sales that are paid more than once.
    pub twice: Vec<u64>,
}

impl Paid {
    /// Told from a journal.
    #[must_use]
    pub fn of(entries: &[Entry]) -> Self {
        let mut totals = BTreeMap::new();
        let mut all = Self::default();
        for entry in entries {
            let sale = match &entry.body {
                Body::Sale(sale) => {
                    totals.insert(entry.sequence, sale.total.minor);
                    continue;
                }
                Body::CashTaken { sale, .. } => *sale,
                Body::PaymentSettled { sale, outcome: Settled::Paid { .. }, .. } => *sale,
                _ => continue,
            };
            let total = totals.get(&sale).copied().unwrap_or_default();
            if all.sales.insert(sale, total).is_some() {
                all.twice.push(sale);
            }
        }
        all
    }
}

/// The sale that the screen named, by its order number or by the till's own number of it, if the journal knows it.
#[must_use]
pub fn sequence_of(name: &str, entries: &[Entry]) -> Option<u64> {
    if let Ok(key) = name.parse::<SaleKey>() {
        return Some(key.sequence);
    }
    let number: OrderNumber = name.parse().ok()?;
    entries.iter().find_map(|entry| match &entry.body {
        Body::Adopted { sale, number: n } if *n == number => Some(*sale),
        _ => None,
    })
}

/// How often one of the wallet's attempts was begun without the one before being surely over.
#[must_use]
pub fn attempts_begun_too_early(entries: &[Entry]) -> usize {
    let mut open = BTreeSet::new();
    let mut early = 0;
    for entry in entries {
        match &entry.body {
            Body::PaymentRequested { sale, .. } => early += usize::from(!open.insert(*sale)),
            Body::PaymentSettled { sale, outcome: Settled::Declined { .. } | Settled::Reversed, .. } => {
                open.remove(sale);
            }
            _ => {}
        }
    }
    early
}

/// Receipts that are no copies, by what their QR code names: how often each came out.
#[must_use]
pub fn originals(till: &WindowTill) -> BTreeMap<String, usize> {
    let mut count = BTreeMap::new();
    for receipt in till.printer.receipts() {
        let text = receipt.text();
        if !text.contains("COPY") && !text.contains("REFUND") {
            receipt.qr_codes().into_iter().for_each(|name| *count.entry(name).or_default() += 1);
        }
    }
    count
}
