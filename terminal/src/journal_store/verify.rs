//! Following a journal file's chain, entry by entry.

use super::checkpoint::{Checkpoint, Running};
use super::error::JournalError;
use super::records::{self, Changed, Records, RefundRecord, RuleBroken, SaleRecord};
use super::shifts;
use evertill_shared::id::{RefundId, TerminalId};
use evertill_shared::journal::{Chain, Entry, Head, SignedEntry};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::shift::Shift;
use evertill_shared::signing::VerifyingKey;
use rusqlite::{Connection, OptionalExtension as _};
use std::collections::{BTreeMap, HashMap};

/// The head that the file itself claims; `None` in a file without entries.
/// # Errors
/// The file cannot be read, or the head is not one.
pub fn stored_head(connection: &Connection) -> Result<Option<Head>, JournalError> {
    let row = connection
        .query_row("SELECT terminal, epoch, sequence, hash FROM head WHERE only = 1", [], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, i64>(1)?,
                row.get::<_, i64>(2)?,
                row.get::<_, String>(3)?,
            ))
        })
        .optional()?;
    let Some((terminal, epoch, sequence, hash)) = row else { return Ok(None) };
    let bad = |what: &str| JournalError::Unreadable(format!("the head's {what} is not one"));
    let terminal = u16::try_from(terminal).ok().and_then(|number| TerminalId::try_from(number).ok());
    Ok(Some(Head {
        terminal: terminal.ok_or_else(|| bad("terminal"))?,
        epoch: epoch.try_into().map_err(|_| bad("epoch"))?,
        sequence: sequence.try_into().map_err(|_| bad("sequence"))?,
        hash: hash.parse().map_err(|_| bad("hash"))?,
    }))
}

/// The first entry, not believed yet: it names the till and the key that the rest is verified with.
/// # Errors
/// There is none, or it is not an entry.
pub fn first_entry(connection: &Connection) -> Result<Entry, JournalError> {
    let damaged = |why: String| JournalError::Damaged { entry: 1, why };
    let mut statement = connection.prepare("SELECT text FROM entry ORDER BY sequence LIMIT 1")?;
    let mut rows = statement.query([])?;
    let row = rows.next()?.ok_or_else(|| damaged("the journal is empty".into()))?;
    let text: String = row.get(0).map_err(|_| damaged("its text is not text".into()))?;
    let signed = SignedEntry { text, signature: String::new() };
    signed.read_unverified().map_err(|error| damaged(error.to_string()))
}

/// Follows every entry of the file that comes after `start` and compares the end with the head that the file claims. Calls
/// `each` for every entry that is right.
/// # Errors
/// [`JournalError::Damaged`] names the first entry that is wrong, and why.
pub fn follow(
    connection: &Connection,
    start: Head,
    key: VerifyingKey,
    each: impl FnMut(&Entry) -> Result<(), JournalError>,
) -> Result<Head, JournalError> {
    follow_from(connection, start, key, None, each).map(|(head, _)| head)
}

/// As [`follow`]; up to the checkpoint the signatures are taken as verified if all of it is as it was then.
pub fn follow_from(
    connection: &Connection,
    start: Head,
    key: VerifyingKey,
    known: Option<&Checkpoint>,
    mut each: impl FnMut(&Entry) -> Result<(), JournalError>,
) -> Result<(Head, Running), JournalError> {
    let mut chain = Chain::resume(start, key);
    let from = known.map_or(start.sequence + 1, |checkpoint| checkpoint.from.max(start.sequence + 1));
    let mut running = Running::from(from);
    let known_to = known.map_or(0, |checkpoint| checkpoint.head.sequence);
    let mut statement =
        connection.prepare("SELECT sequence, text, signature FROM entry ORDER BY sequence")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let expected = chain.head().sequence + 1;
        let damaged = |why: String| JournalError::Damaged { entry: expected, why };
        let place: i64 = row.get(0).map_err(|_| damaged("its place is not a number".into()))?;
        let text: String = row.get(1).map_err(|_| damaged("its text is not text".into()))?;
        let signature: String = row.get(2).map_err(|_| damaged("its signature is not text".into()))?;
        if u64::try_from(place) != Ok(expected) {
            return Err(damaged(format!("it is missing: the next one in the file stands at {place}")));
        }
        running.take(expected, &text, &signature);
        let signed = SignedEntry { text, signature };
        let entry = if (from..=known_to).contains(&expected) {
            link(&mut chain, key, &signed).ok_or_else(|| damaged("it is not as it was".into()))?
        } else {
            chain.push(&signed).map_err(|error| JournalError::of_chain(expected, &error))?
        };
        each(&entry)?;
        if let Some(checkpoint) = known.filter(|checkpoint| checkpoint.head.sequence == expected)
            && (checkpoint.head != chain.head() || checkpoint.digest != running.text())
        {
            return Err(damaged("something before it is not as it was".into()));
        }
    }
    check_end(connection, chain.head())?;
    Ok((chain.head(), running))
}

/// Takes the next entry without looking at its signature.
fn link(chain: &mut Chain, key: VerifyingKey, signed: &SignedEntry) -> Option<Entry> {
    let entry = signed.read_unverified().ok()?;
    let head = chain.head();
    let fits = (entry.terminal, entry.epoch) == (head.terminal, head.epoch)
        && entry.sequence == head.sequence + 1
        && entry.previous == head.hash;
    *chain = Chain::resume(Head { sequence: entry.sequence, hash: signed.hash(), ..head }, key);
    fits.then_some(entry)
}

fn check_end(connection: &Connection, end: Head) -> Result<(), JournalError> {
    match stored_head(connection)? {
        Some(head) if head == end => Ok(()),
        None if end.sequence == 0 => Ok(()),
        Some(head) if head.sequence > end.sequence => Err(JournalError::Damaged {
            entry: end.sequence + 1,
            why: format!("it is missing: the journal once had {} entries", head.sequence),
        }),
        _ => Err(JournalError::Damaged {
            entry: end.sequence,
            why: "the head that was stored with the last entry does not fit it".into(),
        }),
    }
}

/// The sales and refunds of a journal as they follow from its entries alone.
#[derive(Debug, Default)]
pub struct Rebuilt {
    /// Sales by sequence.
    pub sales: HashMap<u64, SaleRecord>,
    /// Refunds by id.
    pub refunds: HashMap<RefundId, RefundRecord>,
    /// Shifts by the place of the entry that opened them.
    pub shifts: BTreeMap<u64, Shift>,
    /// Which sale adopted which order number.
    numbers: HashMap<OrderNumber, u64>,
}

impl Rebuilt {
    /// Of a journal whose earlier entries are in the archive: the newest shift of those is known.
    #[must_use]
    pub fn after(last_shift: Option<&Shift>) -> Self {
        let shifts = last_shift.map(|shift| (shift.opened, shift.clone())).into_iter().collect();
        Self { shifts, ..Self::default() }
    }

    /// Takes the next entry in.
    /// # Errors
    /// The rule that it breaks.
    pub fn take(&mut self, entry: &Entry) -> Result<(), RuleBroken> {
        let changed = records::apply(self, entry.sequence, entry.at, &entry.body)?;
        if let Some(shift) = shifts::apply(self, entry.sequence, entry.at, &entry.body, &changed)? {
            self.shifts.insert(shift.opened, shift);
        }
        match changed {
            Changed::Nothing => {}
            Changed::Sale(record) => {
                self.numbers.extend(record.number().map(|number| (number, record.sequence)));
                self.sales.insert(record.sequence, *record);
            }
            Changed::Refund(record) => drop(self.refunds.insert(record.id.clone(), *record)),
        }
        Ok(())
    }
}

impl Records for Rebuilt {
    type Error = RuleBroken;
    fn sale_record(&self, sequence: u64) -> Result<Option<SaleRecord>, RuleBroken> {
        Ok(self.sales.get(&sequence).cloned())
    }
    fn refund_record(&self, id: &RefundId) -> Result<Option<RefundRecord>, RuleBroken> {
        Ok(self.refunds.get(id).cloned())
    }
    fn sale_of_order(&self, number: OrderNumber) -> Result<Option<SaleRecord>, RuleBroken> {
        Ok(self.numbers.get(&number).and_then(|sequence| self.sales.get(sequence)).cloned())
    }
    fn last_shift(&self) -> Result<Option<Shift>, RuleBroken> {
        Ok(self.shifts.last_key_value().map(|(_, shift)| shift.clone()))
    }
}
