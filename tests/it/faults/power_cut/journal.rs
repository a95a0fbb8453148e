//! The till's journal: a sale that the cashier saw as kept is there when the till starts again.

use super::{luck, record, recorded_folder, workbench};
use crate::shop::{place, seed};
use evertill_shared::clock::{Clock, SystemClock, Timestamp};
use evertill_shared::id::{StoreId, TerminalId};
use evertill_shared::journal::{Body, Head};
use evertill_shared::money::{Amount, Currency};
use evertill_shared::order::Sale;
use evertill_shared::order::line::{Line, TaxRate};
use evertill_shared::signing::SigningKey;
use evertill_terminal::journal_store::{Journal, JournalError, JournalStore};
use evertill_tests::rig::power_cut::{Seeded, put};
use std::path::Path;
use std::sync::Arc;

const WRITES: &str = "EVERTILL_TEST_JOURNAL_OF";
const PRICE: Amount = Amount::new(500, Currency::CNY);

fn open(folder: &Path, now: Timestamp) -> Result<JournalStore, JournalError> {
    let key = SigningKey::from_seed(&[7; 32], "T0001:1".into()).unwrap();
    let start = Head::start(TerminalId::try_from(1).unwrap(), 1);
    JournalStore::open(&folder.join("till.db"), start, Arc::new(key), now)
}

/// Not a test by itself: the till whose power is cut.
#[test]
fn sells_for_cash_until_it_is_killed() {
    let (Some(folder), Ok(_)) = (recorded_folder(), std::env::var(WRITES)) else { return };
    let tell = |sequence: u64| println!("acknowledged {sequence} {}", SystemClock.now().0);
    let mut journal = open(&folder, SystemClock.now()).unwrap();
    loop {
        let at = SystemClock.now();
        let line = Line::new("P001".into(), "Article".into(), 1, PRICE, TaxRate(1300)).unwrap();
        let store = StoreId::try_from(1).unwrap();
        let sale = Sale::new(store, at, Currency::CNY, vec![line]).unwrap();
        let sale = journal.append(&Body::Sale(sale), at).unwrap();
        tell(sale);
        let change = Amount::zero(Currency::CNY);
        tell(journal.append(&Body::CashTaken { sale, given: PRICE, change }, at).unwrap());
        if sale.is_multiple_of(5) {
            journal.confirm_sale(sale, false).unwrap();
        }
    }
}

#[test]
fn nothing_lost_a_sale_that_the_till_kept_is_there_after_a_power_cut() {
    let place = place("power-cut-till");
    let seed = seed();
    let test = "power_cut::journal::sells_for_cash_until_it_is_killed";
    let (told, recording) = record(&place, test, &[(WRITES, "till")], 90);
    let bench = workbench(&place);
    let mut random = Seeded::new(seed);
    let cuts = recording.cuts(110, &mut random);
    let mut replay = recording.replay();
    let mut checked = 0;
    for cut in &cuts {
        replay.advance(*cut);
        let kept = told.iter().rfind(|told| told.at_us <= replay.at_us()).map_or(0, |told| told.number);
        let luck = luck(&mut random);
        put(&replay.cut(luck, &mut random), &bench).unwrap();
        let journal = open(&bench, SystemClock.now())
            .unwrap_or_else(|error| panic!("seed {seed}, cut {cut}, {luck:?}: {error}"));
        let head = journal.head().sequence;
        assert!(
            head >= kept,
            "seed {seed}, cut {cut}, {luck:?}: {kept} was kept, the journal ends at {head}"
        );
        let sales = journal.recent_sales(10_000).unwrap();
        let paid = sales.iter().filter(|sale| sale.record.is_paid()).count();
        // One entry opens the journal, then each sale has two; the last may be open.
        assert_eq!(paid as u64, (head - 1) / 2, "seed {seed}, cut {cut}: books and entries differ");
        checked += usize::from(kept > 0);
    }
    println!("{} syncs, {} cuts, {checked} of them after the first sale", recording.syncs(), cuts.len());
    assert!(checked > 50, "hardly anything was checked: {checked}");
}
