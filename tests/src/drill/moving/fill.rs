//! A group as it is after some years: orders that tills sold, chose and took cash for, each signed by its till, in a
//! chain. The values are made by the product's own code and go straight into the file, in large transactions: through
//! the server a million of them would take an hour. The drill reads them back by the product's own code afterwards.

use crate::drill::DrillError;
use crate::store_rig::CATALOGUE;
use evertill_provisioning::keystore::DeviceKey;
use evertill_server::order_group::Fact;
use evertill_shared::business_day::{StoreZone, business_day_of};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{StoreId, TerminalId};
use evertill_shared::journal::{Body, Entry, Head, SignedEntry};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::line::Line;
use evertill_shared::order::{PaidBy, Sale};
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::protocol::catalogue::Product;
use evertill_shared::protocol::enrol::terminal_key_id;
use evertill_shared::signing::SigningKey;
use ring::digest::{Context, SHA256};
use rusqlite::{Connection, Transaction, params};
use std::fmt::Display;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// How many tills have sold them; the first of them is one that asks for its orders later.
const TILLS: usize = 50;
/// The sequence before these sales: far above those of the drill.
pub(super) const BEFORE: u64 = 1_000_000;
/// Between two of them: two thousand a day.
const GAP: Duration = Duration::from_millis(43_200);
/// How many are handed over, and how many go into one transaction.
const PART: usize = 500;
const PARTS_AT_ONCE: usize = 60;
/// How many parts wait to be written.
const WAITING: usize = 20;

/// Whose orders they are.
pub(super) struct Years<'a> {
    pub store: StoreId,
    pub zone: &'a StoreZone,
    pub tag: GroupTag,
    pub until: Timestamp,
    /// The till that asks for its orders later, and its key.
    pub till: (TerminalId, &'a DeviceKey),
}

/// What went in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filled {
    pub orders: u64,
    pub money: i64,
    pub digest: Digest,
    /// The numbers of the till that asks for its orders later.
    pub numbers: Vec<OrderNumber>,
}

/// The sum of the checksums of all orders, in whatever order they come: of each its number, what was paid, and what its
/// till signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Digest(u128);

impl Digest {
    pub fn add(&mut self, number: &str, paid: i64, entries: [&str; 3]) {
        let mut context = Context::new(&SHA256);
        context.update(number.as_bytes());
        context.update(&paid.to_be_bytes());
        for text in entries {
            context.update(&(text.len() as u64).to_be_bytes());
            context.update(text.as_bytes());
        }
        let sum = context.finish();
        let first = sum.as_ref().first_chunk().copied().unwrap_or_default();
        self.0 = self.0.wrapping_add(u128::from_be_bytes(first));
    }
}

/// An order with the three entries of its till.
struct OldOrder {
    number: OrderNumber,
    head: Head,
    at: Timestamp,
    total: Amount,
    entries: [SignedEntry; 3],
}

pub(super) fn wrong(what: impl Display) -> DrillError {
    DrillError::Other(what.to_string())
}

/// Fills the file of a group that nobody has open.
pub(super) fn fill(file: &Path, orders: usize, years: &Years<'_>) -> Result<Filled, DrillError> {
    std::thread::scope(|scope| {
        let (send, received) = mpsc::sync_channel(WAITING);
        for half in 0..2 {
            let send = send.clone();
            scope.spawn(move || {
                let made = sign_half(half, orders, years, &send);
                if let Err(error) = made {
                    let _ = send.send(Err(error));
                }
            });
        }
        drop(send);
        write(file, &received, years)
    })
}

/// A till's pen: its key, and where its journal ends.
struct Pen {
    key: SigningKey,
    head: Head,
}

impl Pen {
    fn new(index: usize, years: &Years<'_>) -> Result<Self, DrillError> {
        let terminal = match index {
            0 => years.till.0,
            _ => TerminalId::try_from(u16::try_from(900 + index).map_err(wrong)?).map_err(wrong)?,
        };
        let key = match index {
            0 => years.till.1.signing_key(terminal_key_id(terminal, 1)).map_err(wrong)?,
            _ => {
                let seed = [u8::try_from(index).map_err(wrong)?; 32];
                SigningKey::from_seed(&seed, terminal_key_id(terminal, 1)).map_err(wrong)?
            }
        };
        Ok(Self { key, head: Head { sequence: BEFORE, ..Head::start(terminal, 1) } })
    }

    fn write(&mut self, at: Timestamp, body: Body) -> Result<SignedEntry, DrillError> {
        let Head { terminal, epoch, sequence, hash } = self.head;
        let entry = Entry { terminal, epoch, sequence: sequence + 1, previous: hash, at, body };
        let signed = SignedEntry::sign(&entry, &self.key).map_err(wrong)?;
        self.head = Head { sequence: entry.sequence, hash: signed.hash(), ..self.head };
        Ok(signed)
    }
}

type Parts = mpsc::SyncSender<Result<Vec<OldOrder>, DrillError>>;

/// Every second till's orders, by age.
fn sign_half(half: usize, orders: usize, years: &Years<'_>, send: &Parts) -> Result<(), DrillError> {
    let goods: Vec<Product> = serde_json::from_str(CATALOGUE).map_err(wrong)?;
    let mut pens = (0..TILLS).map(|index| Pen::new(index, years)).collect::<Result<Vec<_>, _>>()?;
    let mut part = Vec::with_capacity(PART);
    for n in 0..orders {
        let (index, pens_in_all) = (n % TILLS, pens.len());
        let Some(pen) = pens.get_mut(index).filter(|_| pens_in_all > 0 && index % 2 == half) else {
            continue;
        };
        part.push(sell(pen, n, orders, &goods, years)?);
        if part.len() == PART && send.send(Ok(std::mem::take(&mut part))).is_err() {
            return Ok(());
        }
    }
    let _ = send.send(Ok(part));
    Ok(())
}

fn sell(
    pen: &mut Pen,
    n: usize,
    orders: usize,
    goods: &[Product],
    years: &Years<'_>,
) -> Result<OldOrder, DrillError> {
    let age = GAP.saturating_mul(u32::try_from(orders - n).map_err(wrong)?);
    let at = years.until.minus(age);
    let chosen = goods.iter().cycle().skip(n % goods.len().max(1)).take(2);
    let lines = chosen
        .map(|p| {
            Line::new(p.id.clone(), p.name.clone(), 1 + u32::from(n.is_multiple_of(3)), p.price, p.tax_rate)
        })
        .collect::<Result<Vec<_>, _>>()
        .map_err(wrong)?;
    let sale = Sale::new(years.store, at, Currency::CNY, lines).map_err(wrong)?;
    let total = sale.total;
    let random = u32::try_from(n % 100_000).map_err(wrong)?;
    let number = OrderNumber::new(at, random, years.tag).map_err(wrong)?;
    let sold = pen.write(at, Body::Sale(sale))?;
    let head = pen.head;
    let adopted = pen.write(at, Body::Adopted { sale: head.sequence, number })?;
    let change = Amount::zero(total.currency);
    let cash = pen.write(at, Body::CashTaken { sale: head.sequence, given: total, change })?;
    Ok(OldOrder { number, head, at, total, entries: [sold, adopted, cash] })
}

fn write(
    file: &Path,
    parts: &mpsc::Receiver<Result<Vec<OldOrder>, DrillError>>,
    years: &Years<'_>,
) -> Result<Filled, DrillError> {
    let mut connection = Connection::open(file).map_err(wrong)?;
    // Nobody would miss this file after a power cut.
    connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -524288").map_err(wrong)?;
    let mut filled = Filled::default();
    let mut waiting = parts.iter().peekable();
    while waiting.peek().is_some() {
        let transaction = connection.transaction().map_err(wrong)?;
        for part in waiting.by_ref().take(PARTS_AT_ONCE) {
            for order in part? {
                insert(&transaction, &order, years).map_err(wrong)?;
                filled.orders += 1;
                filled.money += order.total.minor;
                let entries = order.entries.each_ref().map(|entry| entry.text.as_str());
                filled.digest.add(order.number.as_str(), order.total.minor, entries);
                if order.head.terminal == years.till.0 {
                    filled.numbers.push(order.number);
                }
            }
        }
        transaction.commit().map_err(wrong)?;
    }
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").map_err(wrong)?;
    Ok(filled)
}

const ORDER: &str = "INSERT INTO orders (number, terminal, epoch, sequence, sale, sale_hash, state, business_day, \
     currency, total_minor, paid_minor, paid_by, created_at, adopted_at, paid_at, version, created_by) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'paid', ?7, ?8, ?9, ?9, ?10, ?11, ?11, ?11, 2, 'server-1:00000000')";

const ENTRY: &str = "INSERT INTO journal_entries (terminal, epoch, sequence, hash, text, signature, quarantined) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)";

const STORY: &str = "INSERT INTO story (number, at, what) VALUES (?1, ?2, ?3)";

fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

/// The rows that such a sale leaves behind.
fn insert(transaction: &Transaction<'_>, order: &OldOrder, years: &Years<'_>) -> rusqlite::Result<()> {
    let (Head { terminal, epoch, sequence, .. }, total) = (order.head, order.total);
    let change = Amount::zero(total.currency);
    let sequence = i64::try_from(sequence).unwrap_or(i64::MAX);
    let (number, day) = (order.number.as_str(), business_day_of(order.at, years.zone, 0).to_string());
    transaction.prepare_cached(ORDER)?.execute(params![
        number,
        terminal.get(),
        epoch,
        sequence,
        order.entries[0].text,
        order.entries[0].hash().to_string(),
        day,
        total.currency.code(),
        total.minor,
        json(&PaidBy::Cash { given: total, change })?,
        order.at.0,
    ])?;
    for (place, entry) in (sequence..).zip(&order.entries) {
        let row =
            params![terminal.get(), epoch, place, entry.hash().to_string(), entry.text, entry.signature];
        transaction.prepare_cached(ENTRY)?.execute(row)?;
    }
    let facts =
        [Fact::Adopted { quarantined: false }, Fact::CashTaken { given: total, change, quarantined: false }];
    for fact in &facts {
        transaction.prepare_cached(STORY)?.execute(params![number, order.at.0, json(fact)?])?;
    }
    Ok(())
}
