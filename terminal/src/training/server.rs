//! The server of the training: pure, in memory, and the only one that the training can ask. It answers as a server does, so
//! that the till that practises needs to know nothing of it, and keeps to the same rules.

mod refunds;

use super::wallet::{By, Charge, Customer, GIVES_UP_AFTER, SHOWN_FOR};
use crate::controller::Moment;
use crate::sync::{Answer, NetError, PaymentQuestion, Request};
use evertill_shared::business_day::{BusinessDay, business_day_of};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{Attempt, SaleKey};
use evertill_shared::journal::{Body, Entry, Head, SignedEntry};
use evertill_shared::money::Amount;
use evertill_shared::order::{OrderState, PaidBy, WalletPart};
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::error::{ApiError, ErrorCode};
use evertill_shared::protocol::orders::{DraftCreated, OrderView, PaymentView, ShownView};
use evertill_shared::protocol::refunds::RefundAnswer;
use evertill_shared::protocol::terminal::{HandIn, HandedIn, TerminalStatus};
use evertill_shared::refund::{Refund, RefundState};
use evertill_shared::signing::VerifyingKey;
use evertill_shared::terminal_state::TerminalState;
use evertill_shared::wallet::Wallet;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long an answer is on its way. More than nothing, so that question and answer never run in a circle.
const ON_ITS_WAY: Duration = Duration::from_millis(150);
/// Numbers of the training are of this day, on which no server of this kind ran: no real order has one of them.
const DAY_OF_NUMBERS: Timestamp = Timestamp(1_577_836_800_000);
/// The tag at the end of the training's numbers.
const TAG: u8 = 99;
/// What a code that the till shows says to whoever scans it with a real phone: there is nothing in it to pay.
const SHOWN: &str = "EVERTILL TRAINING 练习 0.00";

/// One order of the training.
#[derive(Debug)]
struct Order {
    sale: u64,
    total: Amount,
    day: BusinessDay,
    adopted: bool,
    paid_by: Option<PaidBy>,
    charges: BTreeMap<Attempt, Tried>,
    refunds: Vec<Back>,
}

/// A refund of it, and how that was paid which goes back.
#[derive(Clone, Debug)]
struct Back {
    refund: Refund,
    paid_by: PaidBy,
}

/// One attempt to pay it.
#[derive(Clone, Copy, Debug)]
struct Tried {
    wallet: Wallet,
    amount: Amount,
    charge: Charge,
    /// When it began, by the clock on the wall.
    began: Timestamp,
}

/// What is on its way to the till.
#[derive(Debug)]
enum Due {
    Ready(Box<Answer>),
    Payment { sale: u64, attempt: Attempt, number: OrderNumber, question: PaymentQuestion },
}

/// What the training's server is made of.
#[derive(Clone, Debug)]
pub struct Shop {
    /// The key that signs the training's journal.
    pub key: VerifyingKey,
    /// Who the till is in training.
    pub identity: crate::config::Identity,
    /// Which wallets there are to practise with.
    pub wallets: Vec<Wallet>,
    /// The goods that the till has, so that it asks for no others.
    pub catalogue: (u64, String),
    /// A number that keeps this training's order numbers apart from another's.
    pub random: u32,
}

/// The server of one training.
#[derive(Debug)]
pub struct PracticeServer {
    shop: Shop,
    staff_version: u64,
    head: Head,
    orders: BTreeMap<OrderNumber, Order>,
    given: u32,
    due: Vec<(Duration, Due)>,
}

impl PracticeServer {
    /// A server that knows nothing yet.
    #[must_use]
    pub fn new(shop: Shop, staff_version: u64) -> Self {
        let head = Head::start(shop.identity.terminal, shop.identity.epoch);
        let (orders, due) = (BTreeMap::new(), Vec::new());
        Self { shop, staff_version, head, orders, given: 0, due }
    }

    /// The wallet whose practice codes are offered on the screen.
    #[must_use]
    pub fn first_wallet(&self) -> Wallet {
        self.shop.wallets.first().copied().unwrap_or(Wallet::ALL[0])
    }

    /// The till has this list of people: there is no newer one here.
    pub fn set_staff(&mut self, version: u64) {
        self.staff_version = version;
    }

    /// Takes a question; its answer comes from [`PracticeServer::answers`].
    pub fn ask(&mut self, request: Request, now: Moment) {
        let answer = match request {
            Request::Heartbeat => Answer::Heartbeat(Ok(self.status(now))),
            Request::Catalogue { .. } => Answer::Catalogue(Err(nothing_here())),
            Request::Staff { .. } => Answer::Staff(Err(nothing_here())),
            Request::ReceiptTemplate => Answer::ReceiptTemplate(Err(nothing_here())),
            Request::Pictures => Answer::Pictures(Err(nothing_here())),
            Request::Picture { name } => Answer::Picture { name, result: Err(nothing_here()) },
            Request::Countersign { .. } => Answer::Countersign(Err(nothing_here())),
            Request::Draft { sale, body } => {
                Answer::Draft { sale, result: self.draft(sale, &body.sale, now).map_err(|e| refused(e, now)) }
            }
            Request::Adopt { sale, number, body } => {
                let taken = self.adopt(number, &[Some(&body.adopted), body.cash.as_ref()], now);
                Answer::Adopt { sale, result: taken.map(Box::new).map_err(|e| refused(e, now)) }
            }
            Request::Pay { sale, attempt, number, body } => {
                let customer = Customer::of_code(body.auth_code.expose()).map(|(_, customer)| customer);
                // Before the training it was looked whether the code is one for practice. Any other is declined here, and goes
                // nowhere: there is nowhere to go.
                let by = By::Code(customer.unwrap_or(Customer::HasNoMoney));
                return self.pay(sale, attempt, number, (&body.adopted, &body.requested), by, now);
            }
            Request::ShowCode { sale, attempt, number, body } => {
                return self.pay(sale, attempt, number, (&body.adopted, &body.requested), By::Shown, now);
            }
            Request::AskPayment { sale, attempt, number } => {
                return self.look(sale, attempt, number, PaymentQuestion::Ask, now);
            }
            Request::TakeBack { sale, attempt, number, body } => {
                self.begin(attempt, number, (&body.adopted, &body.requested), By::Nothing, now);
                if let Some(charge) = self.charge(number, attempt) {
                    charge.take_back(now.monotonic);
                }
                return self.look(sale, attempt, number, PaymentQuestion::TakeBack, now);
            }
            Request::HandIn { body } => {
                Answer::HandIn(self.hand_in(&body).map_err(|error| refused(error, now)))
            }
            Request::Refunds => Answer::Refunds(Ok(self.inbox())),
            // Whose PIN it is, is looked at before: see [`PracticeServer::reserve`].
            Request::AskRefund { number, request, .. } => {
                Answer::AskRefund { number, request, result: Ok(RefundAnswer::NotApprover) }
            }
            // Nothing waits in a console here.
            Request::AskWaiting { number, request, .. } => {
                let result = Err(refused(ErrorCode::NotFound, now));
                Answer::Waiting { number, request, result }
            }
            Request::CarryOutRefund { refund, body, .. } => {
                let result = self.carry_out(&refund, &body.carried_out).map_err(|error| refused(error, now));
                Answer::CarryOutRefund { refund, result }
            }
        };
        self.later(answer, now);
    }

    /// Says this in a moment.
    pub fn later(&mut self, answer: Answer, now: Moment) {
        self.due.push((now.monotonic + ON_ITS_WAY, Due::Ready(Box::new(answer))));
    }

    /// What has come by now.
    pub fn answers(&mut self, now: Moment) -> Vec<Answer> {
        let (come, due) = std::mem::take(&mut self.due).into_iter().partition(|(at, _)| *at <= now.monotonic);
        self.due = due;
        let come: Vec<(Duration, Due)> = come;
        come.into_iter().map(|(_, due)| self.answer(due, now)).collect()
    }

    fn answer(&mut self, due: Due, now: Moment) -> Answer {
        match due {
            Due::Ready(answer) => *answer,
            Due::Payment { sale, attempt, number, question } => {
                let result = self.view(number, attempt, now).ok_or_else(|| refused(ErrorCode::NotFound, now));
                Answer::Payment { sale, attempt, question, result }
            }
        }
    }

    fn today(&self, now: Moment) -> BusinessDay {
        let store = &self.shop.identity.store;
        business_day_of(now.wall, &store.zone, store.cut_off_minutes)
    }

    fn status(&self, now: Moment) -> TerminalStatus {
        let identity = &self.shop.identity;
        let waiting = self.all_refunds().filter(|refund| refund.state == RefundState::Reserved).count();
        TerminalStatus {
            terminal: identity.terminal,
            name: identity.name.clone(),
            epoch: identity.epoch,
            state: TerminalState::Active,
            store: identity.store.clone(),
            server_time: now.wall,
            business_day: self.today(now),
            journal_head: self.head,
            furthest_used: None,
            catalogue_version: self.shop.catalogue.0,
            catalogue_name: Some(self.shop.catalogue.1.clone()),
            catalogue_parts: true,
            countersigns: false,
            staff_version: self.staff_version,
            receipt_template: None,
            pictures: None,
            refunds_waiting: u32::try_from(waiting).unwrap_or(u32::MAX),
            wallets: self.shop.wallets.clone(),
            shows: self.shop.wallets.clone(),
            splits: true,
            refunds_in_console: false,
            refund_requests: None,
            health: Vec::new(),
        }
    }

    fn read(&self, entry: &SignedEntry) -> Result<Entry, ErrorCode> {
        entry.verify(&self.shop.key).map_err(|_| ErrorCode::BadRequest)
    }

    /// One number for each sale, however often it is asked for.
    fn draft(&mut self, sale: u64, entry: &SignedEntry, now: Moment) -> Result<DraftCreated, ErrorCode> {
        let Body::Sale(sold) = self.read(entry)?.body else { return Err(ErrorCode::BadRequest) };
        let day = self.today(now);
        let known = self.orders.iter().find(|(_, order)| order.sale == sale).map(|(number, _)| *number);
        let number = match known {
            Some(number) => number,
            None => self.new_number()?,
        };
        let new = || Order {
            sale,
            total: sold.total,
            day,
            adopted: false,
            paid_by: None,
            charges: BTreeMap::new(),
            refunds: Vec::new(),
        };
        let order = self.orders.entry(number).or_insert_with(new);
        Ok(DraftCreated { number, business_day: order.day, jumps: 0 })
    }

    fn new_number(&mut self) -> Result<OrderNumber, ErrorCode> {
        self.given += 1;
        let at = DAY_OF_NUMBERS.plus(Duration::from_millis(u64::from(self.given)));
        let tag = TAG.try_into().map_err(|_| ErrorCode::Internal)?;
        OrderNumber::new(at, self.shop.random, tag).map_err(|_| ErrorCode::Internal)
    }

    fn adopt(
        &mut self,
        number: OrderNumber,
        entries: &[Option<&SignedEntry>],
        now: Moment,
    ) -> Result<OrderView, ErrorCode> {
        for entry in entries.iter().flatten() {
            let body = self.read(entry)?.body;
            let order = self.orders.get_mut(&number).ok_or(ErrorCode::NotFound)?;
            match body {
                Body::Adopted { sale, number: chosen } if sale == order.sale && chosen == number => {
                    order.adopted = true;
                }
                Body::CashTaken { sale, given, change } if sale == order.sale => {
                    order.paid_by = Some(PaidBy::Cash { given, change });
                }
                Body::CashRest { sale, given, change, part } if sale == order.sale => {
                    let given = given.checked_add(part).map_err(|_| ErrorCode::BadRequest)?;
                    order.paid_by = Some(PaidBy::Cash { given, change });
                }
                _ => return Err(ErrorCode::BadRequest),
            }
        }
        self.order_view(number, now).ok_or(ErrorCode::NotFound)
    }

    fn order_view(&self, number: OrderNumber, now: Moment) -> Option<OrderView> {
        let (order, identity) = (self.orders.get(&number)?, &self.shop.identity);
        Some(OrderView {
            number,
            sale: SaleKey { terminal: identity.terminal, epoch: identity.epoch, sequence: order.sale },
            state: order.state(),
            business_day: order.day,
            total: order.total,
            paid_by: order.paid_by.clone(),
            payments: order.charges.keys().filter_map(|attempt| self.seen(number, *attempt, now)).collect(),
            refunds: order.refunds.iter().map(|back| back.refund.clone()).collect(),
            quarantined: false,
        })
    }

    fn pay(
        &mut self,
        sale: u64,
        attempt: Attempt,
        number: OrderNumber,
        entries: (&SignedEntry, &SignedEntry),
        by: By,
        now: Moment,
    ) {
        self.begin(attempt, number, entries, by, now);
        self.look(sale, attempt, number, PaymentQuestion::Pay, now);
    }

    /// An attempt begins, unless the wallet has it already: its number is its name.
    fn begin(
        &mut self,
        attempt: Attempt,
        number: OrderNumber,
        (adopted, requested): (&SignedEntry, &SignedEntry),
        by: By,
        now: Moment,
    ) {
        let (wallet, amount) = match self.read(requested).map(|entry| entry.body) {
            Ok(
                Body::PaymentRequested { wallet, amount, .. } | Body::RestRequested { wallet, amount, .. },
            ) => (wallet, amount),
            _ => return,
        };
        if let Err(error) = self.adopt(number, &[Some(adopted)], now) {
            return tracing::error!(?error, "the training's server cannot adopt the training's order");
        }
        if let Some(order) = self.orders.get_mut(&number) {
            let charge = Charge::new(by, now.monotonic);
            order.charges.entry(attempt).or_insert(Tried { wallet, amount, charge, began: now.wall });
        }
    }

    fn look(
        &mut self,
        sale: u64,
        attempt: Attempt,
        number: OrderNumber,
        question: PaymentQuestion,
        now: Moment,
    ) {
        let at = now.monotonic + ON_ITS_WAY;
        self.due.push((at, Due::Payment { sale, attempt, number, question }));
    }

    fn charge(&mut self, number: OrderNumber, attempt: Attempt) -> Option<&mut Charge> {
        Some(&mut self.orders.get_mut(&number)?.charges.get_mut(&attempt)?.charge)
    }

    /// How an attempt stands; what is paid by now pays the order.
    fn view(&mut self, number: OrderNumber, attempt: Attempt, now: Moment) -> Option<PaymentView> {
        let view = self.seen(number, attempt, now)?;
        if view.state == PaymentState::Paid {
            let transaction = view.transaction.clone().unwrap_or_default();
            let order = self.orders.get_mut(&number)?;
            let part = WalletPart { wallet: view.wallet, transaction, amount: view.amount };
            order.paid_by.get_or_insert_with(|| PaidBy::through(order.total, part));
        }
        Some(view)
    }

    fn seen(&self, number: OrderNumber, attempt: Attempt, now: Moment) -> Option<PaymentView> {
        let Tried { wallet, amount, charge, began } = *self.orders.get(&number)?.charges.get(&attempt)?;
        let stand = charge.stand(now.monotonic);
        let wall = |at: Duration| began.plus(at.saturating_sub(charge.began()));
        let (until, over_at) = (began.plus(SHOWN_FOR), began.plus(SHOWN_FOR));
        let content = (stand.state == PaymentState::Waiting).then(|| SHOWN.to_owned());
        Some(PaymentView {
            attempt,
            wallet,
            amount,
            state: stand.state,
            since: wall(stand.since),
            deadline: began.plus(GIVES_UP_AFTER),
            next: None,
            reason: stand.reason,
            transaction: (stand.state == PaymentState::Paid).then(|| format!("TRAINING-{number}-{attempt}")),
            server_time: now.wall,
            shown: (charge.by() == By::Shown).then_some(ShownView { content, until, over_at }),
        })
    }

    fn hand_in(&mut self, body: &HandIn) -> Result<HandedIn, ErrorCode> {
        for signed in &body.entries {
            let entry = self.read(signed)?;
            if entry.sequence == self.head.sequence + 1 && entry.previous == self.head.hash {
                self.head = Head { sequence: entry.sequence, hash: signed.hash(), ..self.head };
            } else if entry.sequence > self.head.sequence {
                return Err(ErrorCode::ChainBroken);
            }
        }
        Ok(HandedIn { head: self.head, quarantined: false })
    }
}

impl Order {
    fn state(&self) -> OrderState {
        match (&self.paid_by, self.adopted) {
            (Some(_), _) => OrderState::Paid,
            (None, true) => OrderState::Adopted,
            (None, false) => OrderState::Draft,
        }
    }
}

/// What only a real server has.
fn nothing_here() -> NetError {
    NetError::NotSent("training has no server".into())
}

fn refused(code: ErrorCode, now: Moment) -> NetError {
    NetError::Refused(ApiError {
        code,
        message: format!("training: {}", code.word()),
        server_time: now.wall,
        retry_after_ms: None,
    })
}
