//! Our books against the wallets', payment by payment; and what was found, there and in the bills.

use super::shop::Shop;
use crate::simulator::wallet::Order;
use crate::world::Mutation;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// What was found in one shop, or in all of them.
#[derive(Debug, Default)]
pub struct Found {
    /// Customers who came to pay.
    pub payments: u64,
    /// Codes that were charged, or were to be.
    pub attempts: u64,
    /// Codes that tills have shown.
    pub codes_shown: u64,
    /// Scans of such a code that the wallet did not let pay any more.
    pub scanned_in_vain: u64,
    /// Payments, and money that goes back, without an end; and customers who still wait.
    pub unsettled: u64,
    /// Sales for which more is taken than they cost.
    pub double_charges: u64,
    /// Sales whose goods were given away and for which less is taken than they cost.
    pub released_unpaid: u64,
    /// Sales for which money is taken and whose goods were not given away.
    pub charged_not_released: u64,
    /// Attempts that were called over although the wallet had taken the money, and had not said otherwise.
    pub wrongly_over: u64,
    /// By how much our books and the wallets' own differ, added up payment by payment, in minor units.
    pub books_minus_orders: u64,
    /// By how much what our ledger says that the wallets owe differs from what all their bills come to, in minor units.
    pub books_minus_bills: u64,
    /// What the product found when it compared the bills.
    pub findings: u64,
    /// Rows that wait for their counterpart after the last bill.
    pub unmatched: u64,
    /// What is wrong with the ledger itself.
    pub ledger_faults: u64,
    /// Days of wallets that were compared, that were refused for good, and the lines that the bills had.
    pub days_compared: u64,
    pub days_not_compared: u64,
    pub bill_lines: u64,
    /// Payments that were made by WeChat Pay, and by Alipay.
    pub paid: [u64; 2],
    /// Refunds that managers asked for and that were carried out.
    pub refunds: u64,
    /// Calls that a wallet's other domain answered.
    pub to_spare_domains: u64,
    /// The longest time from an intent to its end.
    pub longest_unknown: Duration,
    /// The longest time from a success that nobody needed to its going back.
    pub longest_to_give_back: Duration,
    /// Sales whose goods were given away.
    pub released: u64,
    /// Payments that a wallet took after it had said that it would not.
    pub late_successes: u64,
    /// Payments that a wallet took hours later, so that only its bill told of them.
    pub late_by_bill: u64,
    /// Charges whose server was dead before it could write them down.
    pub killed_between: u64,
    /// Servers that were killed.
    pub servers_killed: u64,
    /// Planted bugs that were not found.
    pub bugs_missed: u64,
}

impl Found {
    /// Whether every rule held.
    pub fn holds(&self) -> bool {
        let wrong = [
            self.unsettled,
            self.double_charges,
            self.released_unpaid,
            self.charged_not_released,
            self.wrongly_over,
            self.books_minus_orders,
            self.books_minus_bills,
            self.findings,
            self.unmatched,
            self.ledger_faults,
            self.days_not_compared,
        ];
        wrong.iter().all(|count| *count == 0)
    }

    /// Whether both wallets were paid about evenly, managers gave money back, domains that are not the first answered, and
    /// somebody paid so late that only the bill told of it.
    pub fn all_took_part(&self) -> bool {
        let [fewer, more] =
            if self.paid[0] < self.paid[1] { self.paid } else { [self.paid[1], self.paid[0]] };
        2 * more <= 3 * fewer && self.refunds > 0 && self.to_spare_domains > 0 && self.late_by_bill > 0
    }

    /// How often, or by how much, that bug has broken what it is there to break; anything else that is broken beside it
    /// does not count.
    pub fn broken_by(&self, bug: Mutation) -> u64 {
        match bug {
            // The till was told that no money was taken.
            Mutation::TrustsATimeOut => self.wrongly_over,
            // What is taken back in vain comes to no end.
            Mutation::NeverReverses => self.unsettled,
            // Neither side knows the other's numbers.
            Mutation::RenumbersRefunds => self.findings,
            // The bills have money of attempts that were over, although it was taken soon enough to be asked about.
            Mutation::TrustsAReversalUnheard
            | Mutation::NeverAsksAfterTheEnd
            | Mutation::TriesAgainUnderANewNumber
            | Mutation::LeavesCodesOpen => self.findings,
            // The bills have money of which our ledger knows nothing, or somewhere else.
            _ => self.books_minus_bills,
        }
    }

    /// Takes in what was found in another shop.
    pub fn add(&mut self, other: &Self) {
        self.payments += other.payments;
        self.attempts += other.attempts;
        self.codes_shown += other.codes_shown;
        self.scanned_in_vain += other.scanned_in_vain;
        self.unsettled += other.unsettled;
        self.double_charges += other.double_charges;
        self.released_unpaid += other.released_unpaid;
        self.charged_not_released += other.charged_not_released;
        self.wrongly_over += other.wrongly_over;
        self.books_minus_orders += other.books_minus_orders;
        self.books_minus_bills += other.books_minus_bills;
        self.findings += other.findings;
        self.unmatched += other.unmatched;
        self.ledger_faults += other.ledger_faults;
        self.days_compared += other.days_compared;
        self.days_not_compared += other.days_not_compared;
        self.bill_lines += other.bill_lines;
        self.paid[0] += other.paid[0];
        self.paid[1] += other.paid[1];
        self.refunds += other.refunds;
        self.to_spare_domains += other.to_spare_domains;
        self.longest_unknown = self.longest_unknown.max(other.longest_unknown);
        self.longest_to_give_back = self.longest_to_give_back.max(other.longest_to_give_back);
        self.released += other.released;
        self.late_successes += other.late_successes;
        self.late_by_bill += other.late_by_bill;
        self.killed_between += other.killed_between;
        self.servers_killed += other.servers_killed;
        self.bugs_missed += other.bugs_missed;
    }
}

/// An attempt as our books have it.
struct Booked {
    sale: u64,
    total_minor: i64,
    channel_number: String,
    state: String,
    /// A success is known of it, whatever its state.
    success: bool,
    /// What became of the money that nobody needed: `open`, `done`, `nothing_taken`.
    given_back: Option<String>,
    /// What managers have given back of it, and how often.
    refunded_minor: i64,
    refunds: u64,
    by_alipay: bool,
    sent_at: i64,
    since: i64,
}

const BOOKED: &str = "SELECT o.sequence, o.total_minor, p.channel_number, p.state, \
     p.transaction_number IS NOT NULL, g.state, p.sent_at, p.since, r.minor, r.many, p.wallet = 'alipay' \
     FROM payments p JOIN orders o ON o.number = p.number \
     LEFT JOIN give_backs g ON g.number = p.number AND g.attempt = p.attempt \
     LEFT JOIN (SELECT number, sum(amount_minor) AS minor, count(*) AS many FROM refunds WHERE state = 'done' \
                GROUP BY number) r ON r.number = p.number AND p.state = 'paid'";

/// # Panics
/// When our books cannot be read: books without payments differ from nothing.
#[expect(clippy::panic, reason = "a comparison with books that cannot be read proves nothing")]
fn booked(connection: &Connection) -> Vec<Booked> {
    let read = || -> rusqlite::Result<Vec<Booked>> {
        let mut statement = connection.prepare(BOOKED)?;
        let rows = statement.query_map([], |row| {
            Ok(Booked {
                sale: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
                total_minor: row.get(1)?,
                channel_number: row.get(2)?,
                state: row.get(3)?,
                success: row.get(4)?,
                given_back: row.get(5)?,
                sent_at: row.get(6)?,
                since: row.get(7)?,
                refunded_minor: row.get::<_, Option<i64>>(8)?.unwrap_or(0),
                refunds: row.get::<_, Option<u32>>(9)?.map_or(0, u64::from),
                by_alipay: row.get(10)?,
            })
        })?;
        rows.collect()
    };
    read().unwrap_or_else(|error| panic!("our books cannot be read: {error}: {BOOKED}"))
}

impl Booked {
    fn is_over(&self) -> bool {
        matches!(self.state.as_str(), "paid" | "declined" | "reversed")
    }

    /// What our books say that the customer is out of pocket for it.
    fn net_minor(&self) -> i64 {
        let went_back = self.given_back.as_deref().is_some_and(|state| state != "open");
        let paid = if self.success && !went_back { self.total_minor } else { 0 };
        paid - self.refunded_minor
    }

    /// The till was told that no money was taken, and it had been: found later, and given back, but not true then.
    fn is_wrongly_over(&self, order: &Order) -> bool {
        let taken = order.charged_minor > order.reversed_minor && !order.was_paid_late();
        taken && matches!(self.state.as_str(), "declined" | "reversed")
    }

    fn unknown_for(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.since - self.sent_at).unwrap_or(0))
    }
}

/// How many customers are out of pocket for what they paid late, after the mornings too.
pub fn still_out_of_pocket(shop: &Shop) -> u64 {
    let wallets = [&*shop.way.wechat, &*shop.way.alipay];
    let orders = wallets.into_iter().flat_map(|wallet| wallet.orders().unwrap_or_default());
    orders.filter(|order| order.was_paid_late() && order.net_minor() != 0).count() as u64
}

/// Compares all, when nothing is under way any more or never will come to its end.
pub fn compare(shop: &Shop) -> Found {
    let ours: Vec<Booked> = shop.databases.iter().flat_map(|database| database.look(booked)).collect();
    let wallets = [&*shop.way.wechat, &*shop.way.alipay];
    let theirs = wallets.into_iter().flat_map(|wallet| wallet.orders().unwrap_or_default());
    let theirs: BTreeMap<String, Order> = theirs.map(|order| (order.number.clone(), order)).collect();
    let customers = shop.customers.load(Ordering::Relaxed);
    let mut found = Found {
        payments: customers,
        attempts: ours.len() as u64,
        codes_shown: shop.codes_shown.load(Ordering::Relaxed),
        scanned_in_vain: shop.scanned_in_vain.load(Ordering::Relaxed),
        unsettled: customers - shop.served.load(Ordering::Relaxed),
        killed_between: shop.way.killed_between.load(Ordering::Relaxed),
        servers_killed: shop.servers_killed.load(Ordering::Relaxed),
        to_spare_domains: shop.way.to_spare_domains.load(Ordering::Relaxed),
        ..Found::default()
    };
    let released = shop.released.lock().unwrap_or_else(PoisonError::into_inner).clone();
    found.released = released.len() as u64;
    let known: BTreeSet<&str> = ours.iter().map(|booked| booked.channel_number.as_str()).collect();
    for order in theirs.values() {
        if !known.contains(order.number.as_str()) {
            found.books_minus_orders += order.net_minor().unsigned_abs();
        }
        found.late_successes += u64::from(order.was_paid_late());
        let back = order.refunds.last().filter(|_| order.was_paid_late()).map(|refund| refund.accepted_at);
        if let Some((back, paid)) = back.zip(order.paid_at) {
            found.longest_to_give_back = found.longest_to_give_back.max(back.since(paid));
        }
    }
    let mut sales: BTreeMap<u64, (i64, i64)> = BTreeMap::new();
    for booked in &ours {
        let open = !booked.is_over() || booked.given_back.as_deref() == Some("open");
        found.unsettled += u64::from(open);
        found.longest_unknown = found.longest_unknown.max(booked.unknown_for());
        let order = theirs.get(&booked.channel_number);
        let net = order.map_or(0, Order::net_minor);
        found.wrongly_over += u64::from(order.is_some_and(|order| booked.is_wrongly_over(order)));
        found.books_minus_orders += net.abs_diff(booked.net_minor());
        found.paid[usize::from(booked.by_alipay)] += u64::from(booked.state == "paid");
        found.refunds += booked.refunds;
        let sale = sales.entry(booked.sale).or_insert((booked.total_minor, 0));
        // What a manager gives back is no less for the goods.
        sale.1 += net + booked.refunded_minor;
    }
    for sale in &released {
        found.released_unpaid += u64::from(sales.get(sale).is_none_or(|(total, net)| net < total));
    }
    for (sale, (total, net)) in &sales {
        found.double_charges += u64::from(net > total);
        found.charged_not_released += u64::from(*net > 0 && !released.contains(sale));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_is_found_by_what_it_must_break_and_by_nothing_else() {
        let stuck = Found { unsettled: 3, charged_not_released: 1, ..Found::default() };
        assert!(!stuck.holds());
        assert_eq!(stuck.broken_by(Mutation::NeverReverses), 3);
        for bug in [Mutation::TrustsATimeOut, Mutation::NeverAsksAfterTheEnd, Mutation::LeavesCodesOpen] {
            assert_eq!(stuck.broken_by(bug), 0);
        }
        let told_wrong = Found { wrongly_over: 2, ..Found::default() };
        assert_eq!(told_wrong.broken_by(Mutation::TrustsATimeOut), 2);
        assert_eq!(told_wrong.broken_by(Mutation::TriesAgainUnderANewNumber), 0);
        let payment_by_payment = Found { books_minus_orders: 5, ..Found::default() };
        assert!(!payment_by_payment.holds());
        assert_eq!(
            payment_by_payment.broken_by(Mutation::ForgetsALateSuccess),
            0,
            "only the ledger shows it"
        );
    }

    #[test]
    fn a_wallet_that_is_hardly_used_did_not_take_part() {
        let found =
            |paid| Found { paid, refunds: 1, to_spare_domains: 1, late_by_bill: 1, ..Found::default() };
        assert!(found([40, 60]).all_took_part() && found([60, 40]).all_took_part());
        assert!(!found([30, 60]).all_took_part() && !found([60, 30]).all_took_part());
        assert!(!Found { refunds: 0, ..found([50, 50]) }.all_took_part());
        assert!(!Found { late_by_bill: 0, ..found([50, 50]) }.all_took_part());
    }

    #[test]
    #[should_panic(expected = "our books cannot be read")]
    fn books_that_cannot_be_read_are_not_empty_books() {
        booked(&Connection::open_in_memory().unwrap());
    }
}
