//! A shift as a server sees it: brought forward by the entries that a till hands in, without the sales themselves. What moved
//! through the drawer is added up anew; what the till says of its wallets and of refunds stands in the end of the shift, and
//! is the till's own word.
//!
//! Nothing is refused here: what a till has signed has happened. What does not agree is said ([`Differs`]).

use super::{Closed, Closing, Tally, counted_minor};
use crate::cashier::Cashier;
use crate::clock::Timestamp;
use crate::journal::{Body, CashReason, DrawerReason, Entry};
use crate::money::Amount;
use serde::{Deserialize, Serialize};

/// So many acts of one shift are listed; those after them are only added up.
const MOST_ACTS: usize = 200;

/// Something that was done with the drawer without a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Deed {
    /// Money was put in.
    PaidIn {
        /// How much.
        amount: Amount,
        /// What for.
        reason: CashReason,
    },
    /// Money was taken out.
    PaidOut {
        /// How much.
        amount: Amount,
        /// What for.
        reason: CashReason,
    },
    /// It was opened.
    NoSale {
        /// What for.
        reason: DrawerReason,
    },
    /// The cash part of a sale that was not paid so went back to the customer.
    PartBack {
        /// How much.
        amount: Amount,
        /// After the sale had been left.
        later: bool,
    },
    /// Nobody came for the cash part of a sale: it stays, as money that was put in.
    PartKept {
        /// How much.
        amount: Amount,
    },
}

/// A deed, who did it, and who approved it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// The place of its entry.
    pub entry: u64,
    /// When, by the till's clock.
    pub at: Timestamp,
    /// What was done.
    pub deed: Deed,
    /// Who did it; nobody at a till where nobody logs in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cashier: Option<Cashier>,
    /// Who approved it, if somebody had to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<Cashier>,
}

/// What the end of a shift says otherwise than the entries before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Differs {
    /// What was in the drawer at the beginning.
    Float,
    /// Sales in cash.
    CashSales,
    /// Money put into the drawer.
    PaidIn,
    /// Money taken out of it.
    PaidOut,
    /// Cash parts that went back.
    PartsBack,
    /// Sales that were given up.
    Voids,
    /// How often the drawer was opened without a sale.
    NoSales,
    /// What should have been in the drawer is not the sum of what moved.
    Expected,
    /// What was counted is no sum.
    Counted,
}

/// A shift.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Book {
    /// The place of the entry that opened it: its name within the journal.
    pub opened: u64,
    /// When, by the till's clock; nothing if only the end was seen, and not what came before.
    pub at: Option<Timestamp>,
    /// What was counted into the drawer.
    pub float: Amount,
    /// Who opened it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cashier: Option<Cashier>,
    /// Who approved that, if somebody had to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<Cashier>,
    /// Sales paid in cash.
    pub cash_sales: Tally,
    /// Money put into the drawer.
    pub paid_in: Tally,
    /// Money taken out of it.
    pub paid_out: Tally,
    /// Cash parts of sales that went back to the customers; in no other sum.
    #[serde(default)]
    pub parts_back: Tally,
    /// Sales that were given up.
    pub voids: u32,
    /// How often the drawer was opened without a sale.
    pub no_sales: u32,
    /// How often it was opened to be counted. It has to be, once.
    #[serde(default)]
    pub counts_begun: u32,
    /// Entries of it were handed in that were not looked at: to a server from before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_gap: bool,
    /// The first of these, one by one.
    pub acts: Vec<Act>,
    /// Its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Closed>,
}

impl Book {
    fn new(opened: u64, at: Option<Timestamp>, float: Amount) -> Self {
        Self {
            opened,
            at,
            float,
            cashier: None,
            approved_by: None,
            cash_sales: Tally::default(),
            paid_in: Tally::default(),
            paid_out: Tally::default(),
            parts_back: Tally::default(),
            voids: 0,
            no_sales: 0,
            counts_begun: 0,
            has_gap: false,
            acts: Vec::new(),
            closed: None,
        }
    }

    /// One of which nothing is known but where it begins.
    #[must_use]
    pub fn not_known(opened: u64, float: Amount) -> Self {
        Self::new(opened, None, float)
    }

    /// Whether it has not ended yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.closed.is_none()
    }

    /// Whether all of it was seen, from its beginning on.
    #[must_use]
    pub fn seen_whole(&self) -> bool {
        self.at.is_some() && !self.has_gap
    }

    /// When it began, or ended if that is all that is known of it.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.at.or(self.closed.as_ref().map(|closed| closed.at)).unwrap_or(Timestamp(0))
    }

    /// What the drawer holds by what was seen to move, in minor units, before cash went back for refunds: whether a refund
    /// was paid from the drawer only the till knows.
    #[must_use]
    pub fn drawer_minor(&self) -> i64 {
        let sum = [self.float.minor, self.cash_sales.minor, self.paid_in.minor]
            .into_iter()
            .fold(0_i64, i64::saturating_add);
        sum.saturating_sub(self.paid_out.minor)
    }

    /// What the end says otherwise than the entries before it. Nothing before the end, and of a shift that was not
    /// seen as a whole only what its end says of itself.
    #[must_use]
    pub fn differs(&self) -> Vec<Differs> {
        let Some(Closed { closing, .. }) = &self.closed else { return Vec::new() };
        let totals = &closing.totals;
        let seen = self.seen_whole();
        let checks = [
            (
                seen && (totals.float_minor, totals.currency) != (self.float.minor, self.float.currency),
                Differs::Float,
            ),
            (seen && totals.cash_sales != self.cash_sales, Differs::CashSales),
            (seen && totals.paid_in != self.paid_in, Differs::PaidIn),
            (seen && totals.paid_out != self.paid_out, Differs::PaidOut),
            (seen && totals.parts_back != self.parts_back, Differs::PartsBack),
            (seen && totals.voids.count != self.voids, Differs::Voids),
            (seen && totals.no_sales != self.no_sales, Differs::NoSales),
            (closing.expected != totals.expected(), Differs::Expected),
            (counted_minor(&closing.counted).is_none(), Differs::Counted),
        ];
        checks.into_iter().filter(|(differs, _)| *differs).map(|(_, what)| what).collect()
    }

    fn act(&mut self, entry: &Entry, deed: Deed, cashier: &Option<Cashier>, approved_by: &Option<Cashier>) {
        match deed {
            Deed::PaidIn { amount, .. } if amount.currency == self.float.currency => {
                self.paid_in.add(amount.minor)
            }
            Deed::PaidOut { amount, .. } if amount.currency == self.float.currency => {
                self.paid_out.add(amount.minor);
            }
            Deed::NoSale { .. } => self.no_sales = self.no_sales.saturating_add(1),
            Deed::PartBack { amount, .. } if amount.currency == self.float.currency => {
                self.cash_sales.move_part(amount.minor.saturating_neg());
                self.parts_back.add(amount.minor);
            }
            Deed::PartKept { amount } if amount.currency == self.float.currency => {
                self.cash_sales.move_part(amount.minor.saturating_neg());
                self.paid_in.add(amount.minor);
            }
            Deed::PaidIn { .. } | Deed::PaidOut { .. } | Deed::PartBack { .. } | Deed::PartKept { .. } => {}
        }
        if self.acts.len() < MOST_ACTS {
            let (cashier, approved_by) = (cashier.clone(), approved_by.clone());
            self.acts.push(Act { entry: entry.sequence, at: entry.at, deed, cashier, approved_by });
        }
    }

    /// Takes an entry in; false if it says nothing of a shift.
    fn take(&mut self, entry: &Entry) -> bool {
        match &entry.body {
            Body::CashTaken { given, change, .. } | Body::CashRest { given, change, .. }
                if given.currency == self.float.currency =>
            {
                self.cash_sales.add(given.minor.saturating_sub(change.minor));
            }
            Body::CashPart { amount, .. } if amount.currency == self.float.currency => {
                self.cash_sales.move_part(amount.minor);
            }
            Body::CashPartBack { amount, later, cashier, approved_by, .. } => {
                let deed = Deed::PartBack { amount: *amount, later: *later };
                self.act(entry, deed, cashier, approved_by);
            }
            Body::CashPartKept { amount, cashier, approved_by, .. } => {
                self.act(entry, Deed::PartKept { amount: *amount }, cashier, approved_by);
            }
            Body::SaleVoided { .. } | Body::CartVoided { .. } => self.voids = self.voids.saturating_add(1),
            Body::CashPaidIn { amount, reason, cashier, approved_by } => {
                self.act(entry, Deed::PaidIn { amount: *amount, reason: *reason }, cashier, approved_by);
            }
            Body::CashPaidOut { amount, reason, cashier, approved_by } => {
                self.act(entry, Deed::PaidOut { amount: *amount, reason: *reason }, cashier, approved_by);
            }
            // To count it the drawer has to be opened, once.
            Body::DrawerOpened { reason: DrawerReason::Count, .. } if self.counts_begun == 0 => {
                self.counts_begun = 1;
            }
            Body::DrawerOpened { reason, cashier, approved_by } => {
                self.act(entry, Deed::NoSale { reason: *reason }, cashier, approved_by);
            }
            _ => return false,
        }
        true
    }
}

/// The shifts that these entries begin, change or end, as they stand after them: `open` is the one that was open before.
/// The entries are those of one journal, in order.
#[must_use]
pub fn follow(open: Option<Book>, entries: &[Entry]) -> Vec<Book> {
    let (mut open, mut changed) = (open, false);
    let mut done: Vec<Book> = Vec::new();
    for entry in entries {
        match &entry.body {
            Body::ShiftOpened { float, cashier, approved_by } => {
                // A till that signs a second beginning leaves the first shift without an end, for people to see.
                done.extend(open.take().filter(|_| changed));
                let book = Book::new(entry.sequence, Some(entry.at), *float);
                open = Some(Book { cashier: cashier.clone(), approved_by: approved_by.clone(), ..book });
                changed = true;
            }
            Body::ShiftClosed(closing) => {
                let own = open.take_if(|book| book.opened == closing.shift);
                done.push(ended(own, entry, closing));
            }
            _ => changed |= open.as_mut().is_some_and(|book| book.take(entry)),
        }
    }
    done.extend(open.filter(|_| changed));
    done
}

fn ended(own: Option<Book>, entry: &Entry, closing: &Closing) -> Book {
    let float = Amount::new(closing.totals.float_minor, closing.totals.currency);
    // No end names a beginning after itself, whatever was signed.
    let opened = closing.shift.min(entry.sequence);
    let mut book = own.unwrap_or_else(|| Book::new(opened, None, float));
    book.closed = Some(Closed { entry: entry.sequence, at: entry.at, closing: closing.clone() });
    book
}

#[cfg(test)]
mod tests {
    use super::super::{Counted, Fact, Pending, Place, Shift};
    use super::*;
    use crate::journal::EntryHash;
    use crate::money::Currency;
    use proptest::prelude::*;

    fn yuan(minor: i64) -> Amount {
        Amount::new(minor, Currency::CNY)
    }

    fn person(login: &str) -> Option<Cashier> {
        Some(Cashier { login: login.into(), name: login.into() })
    }

    fn entry(sequence: u64, body: Body) -> Entry {
        let at = Timestamp(1_000 + i64::try_from(sequence).unwrap());
        let terminal = crate::id::TerminalId::try_from(1).unwrap();
        Entry { terminal, epoch: 1, sequence, previous: EntryHash::NONE, at, body }
    }

    fn begin(float: i64) -> Body {
        Body::ShiftOpened { float: yuan(float), cashier: person("mei"), approved_by: None }
    }

    fn cash(minor: i64) -> Body {
        Body::CashTaken { sale: 1, given: yuan(minor + 50), change: yuan(50) }
    }

    fn out(minor: i64) -> Body {
        let (cashier, approved_by) = (person("mei"), person("li"));
        Body::CashPaidOut { amount: yuan(minor), reason: CashReason::Supplier, cashier, approved_by }
    }

    fn part_back(minor: i64) -> Body {
        let (cashier, approved_by) = (person("mei"), person("li"));
        Body::CashPartBack { sale: 1, amount: yuan(minor), later: true, cashier, approved_by }
    }

    fn drawer(reason: DrawerReason) -> Body {
        Body::DrawerOpened { reason, cashier: person("mei"), approved_by: None }
    }

    /// A shift by the till's own rules, and the entries that it writes of it.
    fn till(facts: &[(u8, i64)]) -> (Shift, Vec<Entry>) {
        let mut shift = Shift::open(1, Timestamp(1_001), yuan(10_000), person("mei")).unwrap();
        let mut entries = vec![entry(1, begin(10_000))];
        for (kind, minor) in facts {
            let (fact, body) = match kind {
                0 => (Fact::Sold { wallet: None, amount: yuan(*minor), tax: yuan(0) }, cash(*minor)),
                1 => {
                    let reason = CashReason::Safe;
                    let body =
                        Body::CashPaidIn { amount: yuan(*minor), reason, cashier: None, approved_by: None };
                    (Fact::PaidIn(yuan(*minor)), body)
                }
                2 => (Fact::PaidOut(yuan(*minor)), out(*minor)),
                3 => (Fact::NoSale, drawer(DrawerReason::ChangeMoney)),
                4 => (Fact::CountBegun, drawer(DrawerReason::Count)),
                5 => (Fact::Voided(yuan(*minor)), Body::SaleVoided { sale: 1 }),
                7 => (
                    Fact::CashPart(yuan(*minor)),
                    Body::CashPart { sale: 1, amount: yuan(*minor), cashier: None },
                ),
                8 => (Fact::CashPartBack(yuan(*minor)), part_back(*minor)),
                11 => {
                    let (cashier, approved_by) = (person("mei"), person("li"));
                    let body = Body::CashPartKept { sale: 1, amount: yuan(*minor), cashier, approved_by };
                    (Fact::CashPartKept(yuan(*minor)), body)
                }
                9 => {
                    let (given, change, part) = (yuan(minor + 50), yuan(50), yuan(70));
                    let fact = Fact::Sold { wallet: None, amount: yuan(*minor), tax: yuan(0) };
                    (fact, Body::CashRest { sale: 1, given, change, part })
                }
                _ => {
                    let body = Body::CartVoided { lines: 1, total: yuan(*minor), cashier: None };
                    (Fact::Voided(yuan(*minor)), body)
                }
            };
            shift.take(&fact);
            entries.push(entry(u64::try_from(entries.len()).unwrap() + 1, body));
        }
        (shift, entries)
    }

    fn end(shift: &Shift, counted: u32, sequence: u64) -> Entry {
        let counted = vec![Counted { value_minor: 100, pieces: counted }];
        entry(sequence, Body::ShiftClosed(Box::new(shift.closing(counted, Pending::default()))))
    }

    #[test]
    fn a_shift_is_told_from_its_entries_whoever_did_what() {
        let (shift, mut entries) = till(&[(0, 450), (2, 3_000), (3, 0), (0, 50)]);
        entries.push(entry(6, drawer(DrawerReason::Count)));
        let [book] = &follow(None, &entries)[..] else { panic!() };
        assert!(book.is_open() && book.differs().is_empty());
        assert_eq!(
            (book.cash_sales, book.paid_out.minor, book.no_sales),
            (Tally { count: 2, minor: 500 }, 3_000, 1)
        );
        assert_eq!(book.drawer_minor(), 7_500);
        assert_eq!(book.acts.len(), 2, "opening the drawer to count it is no act of its own");
        assert_eq!(book.acts[0].approved_by, person("li"));
        let [ended] = &follow(Some(book.clone()), &[end(&shift, 74, 7)])[..] else { panic!() };
        assert_eq!(ended.differs(), []);
        let closing = &ended.closed.as_ref().unwrap().closing;
        assert_eq!((closing.expected.minor, closing.over_minor()), (7_500, -100));
        assert_eq!(follow(None, &[entry(8, drawer(DrawerReason::Other))]), [], "between two shifts");
    }

    #[test]
    fn a_cash_part_is_in_the_drawer_from_the_moment_it_was_taken_and_counts_no_sale() {
        let (shift, entries) = till(&[(7, 5_000), (0, 450), (7, 300), (8, 300)]);
        let [book] = &follow(None, &entries)[..] else { panic!() };
        assert_eq!(book.cash_sales, Tally { count: 1, minor: 5_450 });
        assert_eq!((book.drawer_minor(), shift.totals.expected().minor), (15_450, 15_450));
    }

    #[test]
    fn a_cash_part_that_went_back_is_counted_and_says_who_gave_it() {
        let (shift, mut entries) = till(&[(7, 300), (8, 300)]);
        let once = Tally { count: 1, minor: 300 };
        let [book] = &follow(None, &entries)[..] else { panic!() };
        assert_eq!((book.parts_back, shift.totals.parts_back), (once, once));
        let [act] = &book.acts[..] else { panic!("{:?}", book.acts) };
        assert_eq!(act.deed, Deed::PartBack { amount: yuan(300), later: true });
        assert_eq!((&act.cashier, &act.approved_by), (&person("mei"), &person("li")));
        // One more, of which the till's own sums know nothing; the drawer's sum is what it was.
        entries.push(entry(4, Body::CashPart { sale: 2, amount: yuan(5), cashier: None }));
        entries.push(entry(5, part_back(5)));
        entries.push(end(&shift, 100, 6));
        let [book] = &follow(None, &entries)[..] else { panic!() };
        assert_eq!(book.differs(), [Differs::PartsBack]);
    }

    #[test]
    fn a_cash_part_that_nobody_came_for_stays_in_the_drawer_as_money_that_was_put_in() {
        let (shift, entries) = till(&[(0, 450), (7, 300), (11, 300)]);
        let [book] = &follow(None, &entries)[..] else { panic!() };
        let (sold, kept) = (Tally { count: 1, minor: 450 }, Tally { count: 1, minor: 300 });
        assert_eq!((book.cash_sales, book.paid_in, book.parts_back), (sold, kept, Tally::default()));
        assert_eq!((shift.totals.cash_sales, shift.totals.paid_in), (sold, kept));
        assert_eq!((book.drawer_minor(), shift.totals.expected().minor), (10_750, 10_750));
        assert_eq!(book.acts[0].deed, Deed::PartKept { amount: yuan(300) });
    }

    #[test]
    fn an_end_that_leaves_something_out_is_found() {
        let (shift, mut entries) = till(&[(0, 450)]);
        // The till's own sums know nothing of this one.
        entries.push(entry(3, out(2_000)));
        entries.push(end(&shift, 104, 4));
        let [book] = &follow(None, &entries)[..] else { panic!() };
        assert_eq!(book.differs(), [Differs::PaidOut]);
        let mut wrong = shift.closing(vec![], Pending::default());
        wrong.expected = yuan(1);
        let body = Body::ShiftClosed(Box::new(wrong));
        let alone = follow(None, &[entry(4, body)]);
        assert_eq!(
            (alone[0].at, alone[0].differs()),
            (None, vec![Differs::Expected]),
            "only the end was seen"
        );
    }

    #[test]
    fn an_end_of_a_shift_that_has_not_begun_stands_under_its_own_place() {
        let shift = Shift::open(u64::MAX, Timestamp(1_001), yuan(100), None).unwrap();
        assert_eq!(follow(None, &[end(&shift, 1, 7)])[0].opened, 7);
    }

    #[test]
    fn a_second_beginning_leaves_the_first_shift_without_an_end() {
        let entries = [entry(1, begin(100)), entry(2, cash(5)), entry(3, begin(200)), entry(4, cash(7))];
        let books = follow(None, &entries);
        let stand: Vec<_> =
            books.iter().map(|book| (book.opened, book.cash_sales.minor, book.is_open())).collect();
        assert_eq!(stand, [(1, 5, true), (3, 7, true)]);
    }

    proptest! {
        /// However the entries come in pieces, the server's sums are those of the till, and its account balances: what was
        /// there, came and went is what was counted, less what is over.
        #[test]
        fn the_account_is_the_tills_and_balances(
            facts in prop::collection::vec((0_u8..12, 1_i64..10_000), 0..20),
            cut in 0_usize..20,
            counted in 0_u32..500,
            refund in 0_i64..500,
        ) {
            let (mut shift, mut entries) = till(&facts);
            shift.take(&Fact::Refunded { from: Place::Drawer, amount: yuan(refund) });
            entries.push(end(&shift, counted, u64::try_from(entries.len()).unwrap() + 1));
            let (first, second) = entries.split_at(cut.min(entries.len()));
            let open = follow(None, first).pop().filter(Book::is_open);
            let books = if second.is_empty() { follow(None, first) } else { follow(open, second) };
            prop_assert_eq!(&books, &follow(None, &entries));
            let book = books.last().unwrap();
            prop_assert_eq!(book.differs(), vec![]);
            let closing = &book.closed.as_ref().unwrap().closing;
            let refunds = closing.totals.cash_refunds.minor;
            prop_assert_eq!(book.drawer_minor() - refunds + closing.over_minor(), closing.counted().minor);
        }
    }
}
