//! The end of a shift of thousands of sales of which the server has none: what the till reads and writes between the
//! touch that confirms the count and the report on the screen, on a disk that is waited for.

use crate::load::wrong;
use crate::store_rig::RigError;
use evertill_shared::clock::{Clock, SystemClock, Timestamp};
use evertill_shared::id::{StoreId, TerminalId};
use evertill_shared::journal::{Body, Head};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::Sale;
use evertill_shared::order::line::{Line, TaxRate};
use evertill_shared::shift::{Counted, Pending};
use evertill_shared::signing::SigningKey;
use evertill_terminal::journal_store::{Journal as _, JournalStore};
use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

/// The till that closes.
const KEY: &str = "T0001:1";

/// Milliseconds from the confirmed count to the end in the journal and what the report says, after so many sales.
pub(super) fn measure(dir: &Path, sales: u32, now: Timestamp) -> Result<f64, RigError> {
    let failed = |error: &dyn Display| wrong(format!("the journal for the end of a shift: {error}"));
    let key = SigningKey::from_seed(&[7; 32], KEY.into()).map_err(|e| failed(&e))?;
    let terminal = TerminalId::try_from(1).map_err(|e| failed(&e))?;
    let path = dir.join("closing.db");
    let mut journal =
        JournalStore::open(&path, Head::start(terminal, 1), Arc::new(key), now).map_err(|e| failed(&e))?;
    let cny = |minor| Amount::new(minor, Currency::CNY);
    let opened = Body::ShiftOpened { float: cny(10_000), cashier: None, approved_by: None };
    journal.append(&opened, now).map_err(|e| failed(&e))?;
    let store = StoreId::try_from(7).map_err(|e| failed(&e))?;
    for _ in 0..sales {
        let line = Line::new("p".into(), "Tea".into(), 1, cny(450), TaxRate(1300)).map_err(|e| failed(&e))?;
        let sale = Sale::new(store, now, Currency::CNY, vec![line]).map_err(|e| failed(&e))?;
        let sale = journal.append(&Body::Sale(sale), now).map_err(|e| failed(&e))?;
        let taken = Body::CashTaken { sale, given: cny(500), change: cny(50) };
        journal.append(&taken, now).map_err(|e| failed(&e))?;
    }
    let began = SystemClock.monotonic();
    let shift = journal.last_shift().map_err(|e| failed(&e))?.ok_or_else(|| wrong("no shift is open"))?;
    let unsent = journal.unsent().map_err(|e| failed(&e))?;
    let open = journal.open_sales().map_err(|e| failed(&e))?.len();
    let pending = Pending { unsent: u32::try_from(unsent.sales).unwrap_or(u32::MAX), ..Pending::default() };
    let counted = vec![Counted { value_minor: 100, pieces: 1 }];
    let end = Body::ShiftClosed(Box::new(shift.closing(counted, pending)));
    journal.append(&end, now).map_err(|e| failed(&e))?;
    let ended = journal.last_shift().map_err(|e| failed(&e))?;
    let took = SystemClock.monotonic().saturating_sub(began).as_secs_f64() * 1e3;
    let counts = ended.map_or(0, |shift| shift.totals.cash_sales.count);
    if (unsent.sales, open, u64::from(counts)) != (u64::from(sales), 0, u64::from(sales)) {
        return Err(wrong(format!(
            "{sales} sales were made, and {counts} are in the shift, {} unsent",
            unsent.sales
        )));
    }
    Ok(took)
}
