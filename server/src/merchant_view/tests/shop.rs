//! Three groups, a till, and a view of them.

use super::super::{DayTotals, MerchantView, TenderTotal, VIEW};
use super::postgres::Server;
use crate::database::postgres::PostgresSettings;
use crate::database::{Database, DbError};
use crate::order_group::outbox::{OutboxPart, SaleCopy};
use crate::order_group::testing::{ManualClock, Rig, Till, cny, guard, store, tag};
use crate::order_group::{
    Adopt, Adoption, CarryOut, Expected, GroupSet, Lease, Limits, NewPayment, NewRefund, OrderDetail,
    OrderSummary, PaymentNews, Policies, RefundNews, RefundRecord, StoredGroup,
};
use crate::params;
use evertill_shared::business_day::BusinessDay;
use evertill_shared::clock::Clock;
use evertill_shared::id::ChannelNumber;
use evertill_shared::order::PaidBy;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::payment::{Event, PayOutcome, Payment, Policy};
use evertill_shared::refund::{RefundEvent, RefundState};
use evertill_shared::wallet::Wallet;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

pub struct Shop {
    pub rig: Rig,
    pub view: MerchantView,
    pub view_database: Database,
    /// The groups' databases, beside the groups.
    pub homes: Vec<Database>,
    _server: Option<Arc<Server>>,
}

/// A number that follows from the one before: the histories are the same in each run.
pub fn chance(seed: &mut u64, below: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below
}

pub fn tags() -> [GroupTag; 3] {
    [tag(0), tag(1), tag(2)]
}

impl Shop {
    pub async fn on_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let open = |tag: GroupTag| {
            let file = folder.path().join(format!("groups/{tag}.db"));
            Database::sqlite(&file, &StoredGroup::schema(tag)).unwrap()
        };
        let homes = tags().map(open).to_vec();
        let view = Database::sqlite(&folder.path().join("view.db"), &VIEW).unwrap();
        Self::of(homes, view, folder, None).await
    }

    pub async fn on_postgres() -> Self {
        let server = Server::shared();
        // Few connections: stories share one server.
        let few = async || PostgresSettings { writers: 1, readers: 2, ..server.database().await };
        let mut homes = Vec::new();
        for tag in tags() {
            homes.push(Database::postgres(few().await, &StoredGroup::schema(tag)).unwrap());
        }
        let view = Database::postgres(few().await, &VIEW).unwrap();
        Self::of(homes, view, tempfile::tempdir().unwrap(), Some(server)).await
    }

    async fn of(
        homes: Vec<Database>,
        view_database: Database,
        folder: tempfile::TempDir,
        server: Option<Arc<Server>>,
    ) -> Self {
        let clock = ManualClock::new();
        let groups = groups_on(&homes, &clock, "server-1").await;
        let view = MerchantView::on(view_database.clone(), Arc::clone(&clock) as Arc<dyn Clock>);
        let rig = Rig { folder: Arc::new(folder), clock, groups, till: Till::new(1) };
        Self { rig, view, view_database, homes, _server: server }
    }

    pub fn is_on_postgres(&self) -> bool {
        self._server.is_some()
    }

    /// Another server of the same shop.
    pub async fn another(&self, name: &str) -> (GroupSet, MerchantView) {
        let clock = Arc::clone(&self.rig.clock) as Arc<dyn Clock>;
        let view = MerchantView::on(self.view_database.clone(), clock);
        (groups_on(&self.homes, &self.rig.clock, name).await, view)
    }

    pub fn day(&self) -> BusinessDay {
        self.rig.groups.business_day(self.rig.clock.now())
    }

    /// Changes something behind everybody's back.
    pub async fn tamper(database: &Database, statement: &'static str) -> u64 {
        let done = database.write(move |sql| sql.execute(statement, &params![])).await;
        done.map_err(|error: DbError| error).unwrap()
    }

    /// Has the order's own database say how it was paid in words that mean nothing; gives the words that it had.
    pub async fn spoil(&self, number: OrderNumber) -> String {
        let spoilt =
            self.homes[usize::from(number.tag().get())].write(move |sql| -> Result<String, DbError> {
                let was =
                    sql.value("SELECT paid_by FROM orders WHERE number = ?1", &params![number.as_str()])?;
                let statement = "UPDATE orders SET paid_by = 'no words' WHERE number = ?1";
                assert_eq!(sql.execute(statement, &params![number.as_str()])?, 1);
                Ok(was.unwrap())
            });
        spoilt.await.unwrap()
    }

    /// Puts those words back.
    pub async fn mend(&self, number: OrderNumber, was: &str) {
        let was = was.to_owned();
        let mended = self.homes[usize::from(number.tag().get())].write(move |sql| {
            sql.execute("UPDATE orders SET paid_by = ?2 WHERE number = ?1", &params![number.as_str(), was])
        });
        let mended: Result<u64, DbError> = mended.await;
        assert_eq!(mended.unwrap(), 1);
    }

    /// One number from a database.
    pub async fn number(database: &Database, statement: &'static str) -> i64 {
        let found = database.read(move |sql| sql.value(statement, &params![])).await;
        found.map_err(|error: DbError| error).unwrap().unwrap()
    }

    /// Feeds until no outbox has anything more, and all is in.
    pub async fn settle(&self) {
        let feeders = self.view.spawn_feeders(self.rig.groups.clone());
        for _ in 0..2_000 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            self.view.catch_up(Duration::from_millis(50)).await;
            let mut left = 0;
            for home in &self.homes {
                left += Self::number(home, "SELECT count(*) FROM outbox").await;
            }
            let page = self.view.page(self.day(), None).await.unwrap();
            if left == 0 && page.complete_until(&tags()).is_some() {
                return drop(feeders);
            }
        }
        panic!("the view does not settle");
    }

    /// The view says what the groups say.
    pub async fn check(&self) {
        let day = self.day();
        let sales = super::super::SaleFilter { most: 10_000, ..super::super::SaleFilter::of_day(day) };
        let page = self.view.page(day, Some(sales)).await.unwrap();
        let sold = self.sold().await;
        let summaries: Vec<OrderSummary> = sold.iter().map(|order| order.summary.clone()).collect();
        assert_eq!(page.list.sales, summaries);
        assert_eq!(page.totals, added_up(&sold));
        assert!(!page.list.sales.is_empty());
    }

    /// Every sale, as its group has it, newest first.
    async fn sold(&self) -> Vec<OrderDetail> {
        let mut numbers = BTreeSet::new();
        for home in &self.homes {
            let statement = "SELECT number FROM orders WHERE state NOT IN ('draft', 'expired')";
            let rows = home.read(move |sql| sql.rows(statement, &params![])).await;
            let rows = rows.map_err(|error: DbError| error).unwrap();
            numbers
                .extend(rows.iter().map(|row| row.at::<String>(0).unwrap().parse::<OrderNumber>().unwrap()));
        }
        let mut sold = Vec::new();
        for number in numbers.into_iter().rev() {
            sold.push(self.rig.groups.order(number).await.unwrap());
        }
        sold
    }

    /// Something happens in the shop.
    pub async fn anything(&self, seed: &mut u64, numbers: &mut Vec<OrderNumber>) {
        self.rig.clock.advance(Duration::from_millis(chance(seed, 50)));
        let minor = 100 + i64::try_from(chance(seed, 900)).unwrap();
        match chance(seed, 8) {
            0 | 1 => numbers.push(self.rig.cash_order(minor).await),
            2 => drop(self.rig.draft(&self.rig.till.sale(minor)).await),
            3 => {
                let sale = self.rig.till.sale(minor);
                let number = self.rig.draft(&sale).await.number;
                self.rig.adopt(&sale, number).await;
                numbers.push(number);
            }
            4 => numbers.push(self.quarantined(minor).await),
            5 => numbers.push(self.wallet(minor, chance(seed, 4)).await),
            _ => {
                let Some(number) = pick(seed, numbers) else { return };
                // A little, or nearly all: then a part of it goes back in cash where some was paid so.
                let most = [60, 900][usize::try_from(chance(seed, 2)).unwrap()];
                let ask = self.ask(number, 1 + i64::try_from(chance(seed, most)).unwrap(), *seed);
                // Not each of them can be refunded.
                if let Ok(record) = self.rig.groups.reserve_refund(ask).await {
                    self.go_on_with(&record, chance(seed, 5)).await;
                }
            }
        }
    }

    /// What becomes of a refund, and of the part of it that goes back in cash beside the wallet's: each in its own time.
    pub async fn go_on_with(&self, record: &RefundRecord, how: u64) {
        let beside = record.beside.as_deref();
        let carried_out: Vec<&RefundRecord> = match how {
            0 => vec![],
            // The cash first: it is done at once, and the wallet's part may never be begun.
            1 => beside.into_iter().collect(),
            2 => vec![record],
            _ => std::iter::once(record).chain(beside).collect(),
        };
        for record in carried_out {
            self.rig.groups.carry_out_refund(self.carry_out(record)).await.unwrap();
            let is_wallets = record.paid_by.wallet().is_some();
            if is_wallets && how > 2 {
                let events = [RefundEvent::Refused, RefundEvent::Confirmed];
                self.wallet_says(record, events[usize::from(how > 3)]).await;
            }
        }
    }

    async fn wallet_says(&self, record: &RefundRecord, event: RefundEvent) {
        let (at, refund) = (self.rig.clock.now(), record.refund.id.clone());
        let news = RefundNews { number: record.refund.order, refund, event, message: None, at, next_at: at };
        self.rig.groups.record_refund(news).await.unwrap();
    }

    pub fn ask(&self, number: OrderNumber, minor: i64, request: u64) -> NewRefund {
        NewRefund {
            number,
            request: format!("request-{request}"),
            amount: cny(minor),
            reason: "too cold".into(),
            by: "Mei".into(),
            login: "mei".into(),
            asked_at: None,
            at: self.rig.clock.now(),
            today: self.day(),
        }
    }

    fn carry_out(&self, record: &RefundRecord) -> CarryOut {
        let (number, refund, amount) = (record.refund.order, record.refund.id.clone(), record.refund.amount);
        let now = self.rig.clock.now();
        let till = &self.rig.till;
        CarryOut {
            cashier: None,
            number,
            entry: match record.paid_by {
                PaidBy::Cash { .. } => till.gives_cash(&refund, number, amount),
                _ => till.carries_out(&refund, number, amount),
            },
            refund,
            amount,
            terminal: self.rig.till.terminal,
            lease: Lease { owner: "s".into(), now, until: now.plus(Duration::from_secs(10)) },
            guard: guard(),
        }
    }

    async fn quarantined(&self, minor: i64) -> OrderNumber {
        let sale = self.rig.till.sale(minor);
        let number = self.rig.draft(&sale).await.number;
        let adoption =
            Adoption { quarantine: true, ..self.rig.till.adoption(&sale, number, self.rig.clock.now()) };
        let cash = Some(self.rig.till.cash(&sale));
        let adopt = Adopt { adoption, cash, policies: Policies::default(), guard: guard() };
        self.rig.groups.adopt(adopt).await.unwrap();
        number
    }

    /// An order whose payment through a wallet is under way (0), or ended well; after a part was taken in cash (3).
    pub async fn wallet(&self, minor: i64, ends: u64) -> OrderNumber {
        let (rig, now) = (&self.rig, self.rig.clock.now());
        let sale = rig.till.sale(minor);
        let number = rig.draft(&sale).await.number;
        let channel = ChannelNumber::new(store().id, sale.key, 1);
        let cash = cny(minor / 3);
        let (amount, requested, cash_part) = match ends {
            3 => {
                let (part, rest) = (rig.till.part(&sale, cash), cny(minor - cash.minor));
                (rest, rig.till.rest_requested(&sale, number, 1, (rest, cash)), Some(part))
            }
            _ => (sale.sale.total, rig.till.requested(&sale, number, 1), None),
        };
        let intent = Payment::intent(1, Wallet::WeChatPay, channel, amount, now, &Policy::default());
        let payment = NewPayment {
            adoption: rig.till.adoption(&sale, number, now),
            requested,
            cash_part,
            intent,
            lease: Lease { owner: "s".into(), now, until: now.plus(Duration::from_secs(10)) },
            guard: guard(),
        };
        rig.groups.start_payment(payment).await.unwrap();
        if ends > 0 {
            let event = Event::Pay(PayOutcome::ConfirmedSuccess { transaction: format!("42{number}") });
            let news =
                PaymentNews { number, attempt: 1, event, found_at: None, at: now, policy: Policy::default() };
            rig.groups.record_payment(news).await.unwrap();
        }
        number
    }

    /// A part of an outbox, as a feeder would read it.
    pub async fn part(&self, tag: GroupTag, most: u32) -> OutboxPart {
        self.rig.groups.outbox(tag, most).await.unwrap()
    }

    pub async fn take_in(&self, tag: GroupTag, sales: Vec<SaleCopy>) {
        self.view.take_in(tag, sales, None, None).await.unwrap();
    }
}

/// What the sales of a day come to, by tender; cash first. What went back by what each refund says of itself.
fn added_up(sold: &[OrderDetail]) -> DayTotals {
    let mut totals = DayTotals::default();
    for detail in sold {
        let order = &detail.summary;
        let Some(paid_by) = &order.paid_by else { continue };
        if order.quarantined {
            totals.quarantined += 1;
            continue;
        }
        let parts = paid_by.parts_of(order.paid);
        let back = |from: Option<Wallet>, counts: fn(RefundState) -> bool| -> i64 {
            let of = detail.refunds.iter().filter(|record| record.paid_by.wallet() == from);
            of.filter(|record| counts(record.refund.state)).map(|record| record.refund.amount.minor).sum()
        };
        let of = |wallet, paid_minor| TenderTotal {
            wallet,
            orders: u64::from(wallet == paid_by.wallet()),
            paid_minor,
            refunded_minor: back(wallet, |state| state == RefundState::Done),
            held_minor: back(wallet, RefundState::holds_money),
        };
        let (by_wallet, in_cash) = (of(paid_by.wallet(), parts.wallet.minor), of(None, parts.cash.minor));
        for one in [by_wallet, in_cash].into_iter().filter(|one| one.paid_minor > 0) {
            match totals.tenders.iter_mut().find(|sum| sum.wallet == one.wallet) {
                None => totals.tenders.push(one),
                Some(sum) => {
                    sum.orders += one.orders;
                    sum.paid_minor += one.paid_minor;
                    sum.refunded_minor += one.refunded_minor;
                    sum.held_minor += one.held_minor;
                }
            }
        }
    }
    totals.tenders.sort_by_key(|sum| sum.wallet.map(Wallet::code));
    totals
}

pub fn pick(seed: &mut u64, numbers: &[OrderNumber]) -> Option<OrderNumber> {
    let most = u64::try_from(numbers.len()).unwrap();
    (most > 0).then(|| numbers[usize::try_from(chance(seed, most)).unwrap()])
}

async fn groups_on(homes: &[Database], clock: &Arc<ManualClock>, server: &str) -> GroupSet {
    let mut groups: Vec<Arc<dyn crate::order_group::OrderGroup>> = Vec::new();
    for (tag, home) in tags().into_iter().zip(homes) {
        groups.push(Arc::new(StoredGroup::on(tag, home.clone(), &Expected::default()).await.unwrap()));
    }
    let limits = Limits { call_ms: 10_000, ..Limits::default() };
    GroupSet::of(groups, limits, store(), server, Arc::clone(clock) as Arc<dyn Clock>).unwrap()
}
