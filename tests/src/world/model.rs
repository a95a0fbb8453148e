//! What an onlooker knows: what tills wrote down and showed to cashiers, what they were told, what managers and IT
//! were told. None of it comes from the servers' own databases; the checker holds those, and the wallet, against it.

use evertill_shared::id::{Attempt, ChannelNumber, SaleKey, TerminalId};
use evertill_shared::journal::{Body, Head, RefundSettled, Settled};
use evertill_shared::order_number::OrderNumber;
use evertill_terminal::journal_store::{Journal, JournalError, JournalStore};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// One sale, as its till has it.
#[derive(Clone, Debug, Default)]
pub struct SaleSeen {
    pub total_minor: i64,
    /// Something was taken off the whole of it.
    pub discounted: bool,
    /// When each sale was closed that was ever written under this name, and its total. There is more than one only where
    /// a disk was put back while nobody could tell the till so: two customers' sales, of which one stays in no book. Never
    /// is more charged under the name than the dearest of them costs.
    pub written: BTreeSet<(i64, i64)>,
    /// Every number that the till ever chose for it.
    pub chosen: BTreeSet<OrderNumber>,
    pub attempts: BTreeMap<Attempt, Option<Settled>>,
    /// What a wallet was asked for by each of them.
    pub asked_minor: BTreeMap<Attempt, i64>,
    /// What each entry of the journal puts into the drawer for it, or takes out.
    pub drawer: BTreeMap<u64, i64>,
    /// It was paid with cash, or the rest of it was.
    pub cash: bool,
    /// A part in cash went back, or stayed as money of nobody's.
    pub part_ended: bool,
    pub voided: bool,
    /// The cashier was shown that it is paid.
    pub shown_paid: bool,
}

impl SaleSeen {
    /// What is in the drawer for it.
    pub fn cash_minor(&self) -> i64 {
        self.drawer.values().sum()
    }

    /// Whether a wallet has paid it, or the rest of it.
    pub fn by_wallet(&self) -> bool {
        self.attempts.values().any(|end| matches!(end, Some(Settled::Paid { .. })))
    }

    /// Whether it is paid.
    pub fn is_paid(&self) -> bool {
        self.cash || self.by_wallet()
    }
}

/// What is known of a till from outside.
#[derive(Clone, Debug, Default)]
pub struct TillSeen {
    /// Its disk was put back to an older image: what it wrote after that is another history.
    pub put_back: bool,
    /// The servers had entries that are not on the disk any more: they must find that out.
    pub must_stop: bool,
    /// It was blocked at some time, by IT or by the server.
    pub blocked: bool,
    /// How often IT has begun to block it or to lift a block.
    pub changes: u64,
    /// How many of those who lift a block have no answer yet: theirs may come after that of whoever blocks it again.
    pub lifting: u64,
    /// Since when it is blocked without a break, by virtual time.
    pub blocked_since: Option<Duration>,
    /// Where its journal ends.
    pub head: Option<Head>,
    /// Entries that were on its disk when their writing was acknowledged: by sequence, the hash.
    pub entries: BTreeMap<u64, String>,
    /// Refunds that it carried out.
    pub refunds: BTreeSet<String>,
    /// Those of which the customer has the money.
    pub refunded: BTreeSet<String>,
    /// Sales that are held, and how many were closed here before that.
    pub held: BTreeMap<u64, usize>,
    /// How many sales were closed for payment here.
    pub closed: usize,
}

/// What was done in a run: a world in which nothing is sold breaks no rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deeds {
    /// Sales that a cashier was shown as paid.
    pub paid: u64,
    /// Of those the ones with something taken off.
    pub discounted: u64,
    /// Of those the ones of which a part was taken in cash and the rest by a wallet.
    pub paid_in_parts: u64,
    /// Sales of which a part was taken in cash that went back, or that nobody came for.
    pub parts_ended: u64,
    /// Sales that were held.
    pub held: u64,
    /// Held sales that were taken in hand again.
    pub recalled: u64,
    /// Of those the ones while which somebody else's was closed for payment at the same till.
    pub recalled_after_others: u64,
    /// Refunds that were carried out, with the money back at the customer.
    pub refunded: u64,
}

impl Deeds {
    /// By what they are called.
    #[must_use]
    pub fn named(&self) -> [(&'static str, u64); 8] {
        [
            ("paid", self.paid),
            ("discounted", self.discounted),
            ("paid_in_parts", self.paid_in_parts),
            ("parts_ended", self.parts_ended),
            ("held", self.held),
            ("recalled", self.recalled),
            ("recalled_after_others", self.recalled_after_others),
            ("refunded", self.refunded),
        ]
    }

    /// What another run did comes to it.
    pub fn add(&mut self, other: &Self) {
        self.paid += other.paid;
        self.discounted += other.discounted;
        self.paid_in_parts += other.paid_in_parts;
        self.parts_ended += other.parts_ended;
        self.held += other.held;
        self.recalled += other.recalled;
        self.recalled_after_others += other.recalled_after_others;
        self.refunded += other.refunded;
    }
}

/// A refund that a manager was told is reserved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundSeen {
    pub order: OrderNumber,
    pub amount_minor: i64,
}

/// The onlooker.
#[derive(Debug, Default)]
pub struct Model {
    pub sales: BTreeMap<SaleKey, SaleSeen>,
    pub by_channel_number: BTreeMap<String, (SaleKey, Attempt, OrderNumber)>,
    pub tills: BTreeMap<TerminalId, TillSeen>,
    pub refunds: BTreeMap<String, RefundSeen>,
    /// Numbers that a server gave for a sale, and when.
    pub offered: BTreeMap<(SaleKey, OrderNumber), Duration>,
    /// When managers first asked for a refund, by their request.
    pub asked: BTreeMap<String, Duration>,
    /// When requests to charge or to give back under a number were first handed to a server.
    pub delivered: BTreeMap<String, Duration>,
    /// What was done about held sales.
    holding: Deeds,
    /// Rules that were broken, in order.
    pub broken: Vec<(&'static str, String)>,
}

impl Model {
    /// A rule was broken.
    pub fn breaks(&mut self, rule: &'static str, how: String) {
        if self.broken.len() < 20 {
            self.broken.push((rule, how));
        }
    }

    pub fn till(&mut self, terminal: TerminalId) -> &mut TillSeen {
        self.tills.entry(terminal).or_default()
    }

    /// The till is on again: what was acknowledged must still be there.
    pub fn journal_opened(&mut self, journal: &JournalStore) {
        let head = journal.head();
        let mut entries = BTreeMap::new();
        for (place, entry) in (1_u64..).zip(journal.entries_after(0, 100_000).unwrap_or_default()) {
            entries.insert(place, entry.hash().to_string());
        }
        let seen = self.till(head.terminal);
        seen.head = Some(head);
        let lost = seen.entries.iter().find(|(place, hash)| entries.get(place) != Some(*hash));
        let lost = lost.map(|(place, _)| *place).filter(|_| !seen.put_back);
        // What was on the disk without having been acknowledged counts from here on: the till goes by it.
        if !seen.put_back {
            seen.entries = entries;
        }
        if let Some(place) = lost {
            let how = format!("entry {place} of {} was acknowledged and is gone", head.terminal);
            self.breaks("nothing-lost", how);
        }
        let bodies: Vec<(u64, Body)> = journal
            .entries_after(0, 100_000)
            .unwrap_or_default()
            .iter()
            .filter_map(|entry| entry.read_unverified().ok())
            .map(|entry| (entry.sequence, entry.body))
            .collect();
        for (sequence, body) in bodies {
            self.takes(head.terminal, head.epoch, sequence, &body);
        }
    }

    /// The till wrote something down, or was told that it could not.
    pub fn journal_written(&mut self, journal: &JournalStore, body: &Body, done: &Result<u64, JournalError>) {
        let head = journal.head();
        let Ok(sequence) = done else { return };
        let seen = self.till(head.terminal);
        seen.head = Some(head);
        seen.entries.insert(*sequence, head.hash.to_string());
        seen.closed += usize::from(matches!(body, Body::Sale(_)));
        self.takes(head.terminal, head.epoch, *sequence, body);
    }

    /// A sale is held.
    pub fn held(&mut self, terminal: TerminalId, id: u64) {
        let seen = self.till(terminal);
        seen.held.insert(id, seen.closed);
        self.holding.held += 1;
    }

    /// A held sale is in hand again.
    pub fn recalled(&mut self, terminal: TerminalId, id: u64) {
        let seen = self.till(terminal);
        let closed = seen.closed;
        // One that was held before a failure that nobody was told of is none that anybody counted.
        let others = seen.held.remove(&id).is_some_and(|before| before < closed);
        self.holding.recalled += 1;
        self.holding.recalled_after_others += u64::from(others);
    }

    /// What has been done so far.
    pub fn deeds(&self) -> Deeds {
        let mut deeds = self.holding;
        for sale in self.sales.values().filter(|sale| sale.shown_paid) {
            deeds.paid += 1;
            deeds.discounted += u64::from(sale.discounted);
            deeds.paid_in_parts += u64::from(sale.by_wallet() && sale.cash_minor() > 0);
        }
        deeds.parts_ended = self.sales.values().filter(|sale| sale.part_ended).count() as u64;
        deeds.refunded = self.tills.values().map(|till| till.refunded.len() as u64).sum();
        deeds
    }

    fn takes(&mut self, terminal: TerminalId, epoch: u16, sequence: u64, body: &Body) {
        let key = |sequence| SaleKey { terminal, epoch, sequence };
        match body {
            Body::Sale(sale) => {
                let seen = self.sales.entry(key(sequence)).or_default();
                seen.total_minor = sale.total.minor;
                seen.discounted = sale.discount.is_some();
                seen.written.insert((sale.at.0, sale.total.minor));
            }
            Body::Adopted { sale, number } => {
                if !self.offered.contains_key(&(key(*sale), *number)) {
                    let how = format!("{} chose {number}, which no server has given it", key(*sale));
                    self.breaks("signed-both-ways", how);
                }
                self.sales.entry(key(*sale)).or_default().chosen.insert(*number);
            }
            Body::CashTaken { sale, given, change } | Body::CashRest { sale, given, change, .. } => {
                let seen = self.sales.entry(key(*sale)).or_default();
                seen.cash = true;
                seen.drawer.insert(sequence, given.minor - change.minor);
            }
            Body::CashPart { sale, amount, .. } => {
                self.sales.entry(key(*sale)).or_default().drawer.insert(sequence, amount.minor);
            }
            Body::CashPartBack { sale, amount, .. } => {
                self.part_ends(key(*sale), sequence, amount.minor);
            }
            // It stays where it is, and is nobody's.
            Body::CashPartKept { sale, amount, .. } => {
                self.part_ends(key(*sale), sequence, amount.minor);
                self.sales.entry(key(*sale)).or_default().voided = true;
            }
            Body::PaymentRequested { sale, attempt, channel_number, number, amount, .. }
            | Body::RestRequested { sale, attempt, channel_number, number, amount, .. } => {
                self.asked_for(key(*sale), *attempt, channel_number, *number);
                let seen = self.sales.entry(key(*sale)).or_default();
                seen.asked_minor.insert(*attempt, amount.minor);
            }
            Body::PaymentSettled { sale, attempt, outcome } => {
                let seen = self.sales.entry(key(*sale)).or_default();
                seen.attempts.insert(*attempt, Some(outcome.clone()));
            }
            Body::SaleVoided { sale } | Body::SaleChanged { sale } => {
                self.sales.entry(key(*sale)).or_default().voided = true;
            }
            Body::RefundCarriedOut { refund, .. } | Body::CashRefund { refund, .. } => {
                self.till(terminal).refunds.insert(refund.0.clone());
            }
            Body::RefundSettled { refund, outcome: RefundSettled::Done } => {
                self.till(terminal).refunded.insert(refund.0.clone());
            }
            Body::RefundSettled { .. }
            | Body::Opened { .. }
            | Body::CartVoided { .. }
            | Body::DrawerOpened { .. }
            | Body::ShiftOpened { .. }
            | Body::CashPaidIn { .. }
            | Body::CashPaidOut { .. }
            | Body::ShiftClosed(_) => {}
        }
    }

    fn part_ends(&mut self, sale: SaleKey, sequence: u64, minor: i64) {
        let seen = self.sales.entry(sale).or_default();
        seen.part_ended = true;
        seen.drawer.insert(sequence, -minor);
    }

    /// What is in the drawer for that sale; nothing is known of a till whose disk was put back.
    pub fn cash_of(&self, sale: &SaleKey) -> i64 {
        let put_back = self.tills.get(&sale.terminal).is_some_and(|till| till.put_back);
        self.sales.get(sale).filter(|_| !put_back).map_or(0, SaleSeen::cash_minor)
    }

    /// What is in a drawer for a sale that is neither paid nor given up: somebody's cash that has no end yet.
    pub fn part_without_end(&self) -> Option<SaleKey> {
        let put_back = |sale: &SaleKey| self.tills.get(&sale.terminal).is_some_and(|till| till.put_back);
        let mut open = self
            .sales
            .iter()
            .filter(|(sale, seen)| seen.cash_minor() != 0 && !seen.is_paid() && !put_back(sale));
        open.next().map(|(sale, _)| *sale)
    }

    fn asked_for(&mut self, sale: SaleKey, attempt: Attempt, number: &ChannelNumber, order: OrderNumber) {
        self.sales.entry(sale).or_default().attempts.entry(attempt).or_insert(None);
        self.by_channel_number.insert(number.as_str().to_owned(), (sale, attempt, order));
    }
}
