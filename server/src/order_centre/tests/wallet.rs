//! A wallet that keeps its own truth: it charges or does not, whatever it answers.

use crate::channel::mismatch::Mismatches;
use crate::channel::{Answer, Channel, ChannelRefund, ChannelRefundOutcome, Charge};
use evertill_shared::id::{ChannelNumber, Interface};
use evertill_shared::money::Amount;
use evertill_shared::payment::{DeclineReason, PayOutcome, QueryOutcome, ReverseOutcome};
use evertill_shared::wallet::Wallet;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use tokio::sync::Notify;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Good,
    /// The request never arrives; nobody knows.
    LosesRequest,
    /// The request arrives and has its effect; the answer is lost.
    LosesAnswer,
    /// The request has its effect, and no answer ever comes.
    Hangs,
    /// The request has not arrived yet: it does when it is let through.
    OnItsWay,
}

/// What the customer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Customer {
    Pays,
    HasNoMoney,
    MustTypeAPassword,
    /// Shows a code that the adapter itself refuses: nothing is sent.
    ShowsNonsense,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Open,
    Paid,
    Failed,
    Reversed,
}

pub(crate) struct Books {
    pub pay: Line,
    pub query: Line,
    pub reverse: Line,
    pub refund: Line,
    pub customer: Customer,
    pub refuses_refunds: bool,
    /// The customers' cards are gone: money leaves, and waits for a person.
    pub refunds_need_a_person: bool,
    /// What is asked to go back is taken in and closed for good under its number.
    pub closes_refunds: bool,
    /// The numbers of refunds that it has closed.
    pub closed: BTreeSet<String>,
    /// By channel number: where it stands, and the money in the store's account.
    pub payments: BTreeMap<String, (Standing, i64)>,
    /// By refund number.
    pub refunds: BTreeMap<String, i64>,
    /// What was given back of a payment in the wallet's merchant system.
    pub by_the_merchant: BTreeMap<String, i64>,
    /// It says of a payment how much went back.
    pub tells_of_refunds: bool,
    pub pay_calls: Vec<String>,
    pub queries: u32,
    pub refund_calls: u32,
    pub reverse_calls: u32,
    /// By which version of its interface codes are charged, as it is set up now.
    pub interface: Interface,
    /// By which version each call was, that charged or took back or gave back or asked about that.
    pub called_by: Vec<Interface>,
    codes: BTreeSet<String>,
}

impl Books {
    /// The money that the store has got and not given back.
    pub(crate) fn net(&self) -> i64 {
        let paid: i64 = self.payments.values().map(|(_, minor)| minor).sum();
        paid - self.refunds.values().chain(self.by_the_merchant.values()).sum::<i64>()
    }
}

type Look = Box<dyn Fn(&ChannelNumber) + Send + Sync>;

pub(crate) struct ScriptedWallet {
    wallet: Wallet,
    books: Mutex<Books>,
    look: Mutex<Option<Look>>,
    pub heard: Mismatches,
    pub arrived: Notify,
    /// Lets a request through that is on its way.
    pub through: Notify,
}

impl ScriptedWallet {
    pub(crate) fn new(wallet: Wallet) -> Arc<Self> {
        let books = Books {
            pay: Line::Good,
            query: Line::Good,
            reverse: Line::Good,
            refund: Line::Good,
            customer: Customer::Pays,
            refuses_refunds: false,
            refunds_need_a_person: false,
            closes_refunds: false,
            closed: BTreeSet::new(),
            payments: BTreeMap::new(),
            refunds: BTreeMap::new(),
            by_the_merchant: BTreeMap::new(),
            tells_of_refunds: true,
            pay_calls: Vec::new(),
            queries: 0,
            refund_calls: 0,
            reverse_calls: 0,
            interface: Interface::NOT_KNOWN,
            called_by: Vec::new(),
            codes: BTreeSet::new(),
        };
        Arc::new(Self {
            wallet,
            books: Mutex::new(books),
            look: Mutex::new(None),
            heard: Mismatches::default(),
            arrived: Notify::new(),
            through: Notify::new(),
        })
    }

    pub(crate) fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap()
    }

    /// Called for each charge, and for each call about a refund, before anything else.
    pub(crate) fn look(&self, look: impl Fn(&ChannelNumber) + Send + Sync + 'static) {
        *self.look.lock().unwrap() = Some(Box::new(look));
    }

    fn looked_at(&self, number: &ChannelNumber) {
        if let Some(look) = &*self.look.lock().unwrap() {
            look(number);
        }
    }

    fn charge(&self, charge: &Charge) -> PayOutcome {
        let mut books = self.books();
        let number = charge.number.as_str().to_owned();
        if !books.codes.insert(charge.auth_code.expose().to_owned()) {
            return PayOutcome::ConfirmedFailure(DeclineReason::CodeExpired);
        }
        if let Some((standing, _)) = books.payments.get(&number) {
            return match standing {
                Standing::Paid => PayOutcome::ConfirmedSuccess { transaction: format!("W{number}") },
                _ => PayOutcome::Unknown,
            };
        }
        let (standing, minor, outcome) = match books.customer {
            Customer::Pays => {
                let transaction = format!("W{number}");
                (Standing::Paid, charge.amount.minor, PayOutcome::ConfirmedSuccess { transaction })
            }
            Customer::HasNoMoney => {
                let reason = DeclineReason::NotEnoughFunds;
                (Standing::Failed, 0, PayOutcome::ConfirmedFailure(reason))
            }
            Customer::MustTypeAPassword => (Standing::Open, 0, PayOutcome::Waiting),
            Customer::ShowsNonsense => return PayOutcome::Refused(DeclineReason::CodeExpired),
        };
        books.payments.insert(number, (standing, minor));
        outcome
    }

    /// The customer types the password, or the wallet is late.
    pub(crate) fn confirm(&self, number: &str, minor: i64) {
        self.books().payments.insert(number.to_owned(), (Standing::Paid, minor));
    }
}

async fn by<T>(line: Line, unknown: T, act: impl FnOnce() -> T) -> T {
    match line {
        Line::LosesRequest => unknown,
        Line::Good => act(),
        Line::LosesAnswer => {
            act();
            unknown
        }
        Line::Hangs => {
            act();
            std::future::pending().await
        }
        Line::OnItsWay => unreachable!("only charges are held up"),
    }
}

fn done(books: &Books) -> ChannelRefundOutcome {
    match books.refunds_need_a_person {
        true => ChannelRefundOutcome::NeedsAPerson("the card is gone".into()),
        false => ChannelRefundOutcome::Done,
    }
}

fn closed() -> ChannelRefundOutcome {
    ChannelRefundOutcome::Closed("the account had not enough money".into())
}

impl Channel for ScriptedWallet {
    fn mismatches(&self) -> Option<&Mismatches> {
        Some(&self.heard)
    }

    fn wallet(&self) -> Wallet {
        self.wallet
    }

    fn pay<'a>(&'a self, charge: &'a Charge) -> Answer<'a, PayOutcome> {
        Box::pin(async move {
            self.looked_at(&charge.number);
            let line = {
                let mut books = self.books();
                books.pay_calls.push(charge.number.as_str().to_owned());
                books.called_by.push(charge.interface);
                books.pay
            };
            let line = if line == Line::OnItsWay {
                self.through.notified().await;
                Line::Good
            } else {
                line
            };
            by(line, PayOutcome::Unknown, || {
                let outcome = self.charge(charge);
                self.arrived.notify_one();
                outcome
            })
            .await
        })
    }

    fn query<'a>(&'a self, number: &'a ChannelNumber, amount: Amount) -> Answer<'a, QueryOutcome> {
        let line = {
            let mut books = self.books();
            books.queries += 1;
            books.query
        };
        Box::pin(by(line, QueryOutcome::Unknown, move || match self.books().payments.get(number.as_str()) {
            None => QueryOutcome::NoSuchOrder,
            Some((Standing::Open, _)) => QueryOutcome::Waiting,
            Some((Standing::Failed, _)) => QueryOutcome::Failed(DeclineReason::PaymentFailed),
            Some((Standing::Reversed, _)) => QueryOutcome::Reversed,
            Some((Standing::Paid, minor)) if *minor == amount.minor => {
                QueryOutcome::Paid { transaction: format!("W{number}") }
            }
            Some(_) => QueryOutcome::Unknown,
        }))
    }

    fn reverse<'a>(&'a self, number: &'a ChannelNumber) -> Answer<'a, ReverseOutcome> {
        let line = {
            let mut books = self.books();
            books.reverse_calls += 1;
            books.reverse
        };
        Box::pin(by(line, ReverseOutcome::Unknown, || match self.books().payments.get_mut(number.as_str()) {
            None => ReverseOutcome::NoSuchOrder,
            Some(payment) => {
                *payment = (Standing::Reversed, 0);
                ReverseOutcome::Reversed
            }
        }))
    }

    fn reverse_made_by<'a>(
        &'a self,
        number: &'a ChannelNumber,
        interface: Interface,
    ) -> Answer<'a, ReverseOutcome> {
        self.books().called_by.push(interface);
        self.reverse(number)
    }

    fn interface(&self) -> Interface {
        self.books().interface
    }

    fn refund<'a>(&'a self, refund: &'a ChannelRefund) -> Answer<'a, ChannelRefundOutcome> {
        self.looked_at(&refund.number);
        let line = {
            let mut books = self.books();
            books.refund_calls += 1;
            books.called_by.push(refund.interface);
            books.refund
        };
        Box::pin(by(line, ChannelRefundOutcome::Unknown, || {
            let mut books = self.books();
            if books.refuses_refunds {
                return ChannelRefundOutcome::Refused("no money in the account".into());
            }
            if books.closes_refunds && !books.refunds.contains_key(&refund.refund.0) {
                books.closed.insert(refund.refund.0.clone());
            }
            if books.closed.contains(&refund.refund.0) {
                return closed();
            }
            let paid = books.payments.get(refund.number.as_str()).map_or(0, |(_, minor)| *minor);
            let others: i64 =
                books.refunds.iter().filter(|(id, _)| **id != refund.refund.0).map(|(_, minor)| minor).sum();
            let others = others + books.by_the_merchant.get(refund.number.as_str()).copied().unwrap_or(0);
            if paid != refund.paid.minor || others + refund.amount.minor > paid {
                return ChannelRefundOutcome::Refused("more than was paid".into());
            }
            books.refunds.insert(refund.refund.0.clone(), refund.amount.minor);
            done(&books)
        }))
    }

    fn went_back<'a>(&'a self, number: &'a ChannelNumber, paid: Amount) -> Answer<'a, Option<Amount>> {
        let line = self.books().query;
        Box::pin(by(line, None, move || {
            let books = self.books();
            let back = books.by_the_merchant.get(number.as_str()).copied().unwrap_or(0);
            books.tells_of_refunds.then_some(Amount { minor: back, ..paid })
        }))
    }

    fn query_refund<'a>(&'a self, refund: &'a ChannelRefund) -> Answer<'a, ChannelRefundOutcome> {
        self.looked_at(&refund.number);
        let line = {
            let mut books = self.books();
            books.called_by.push(refund.interface);
            books.query
        };
        Box::pin(by(line, ChannelRefundOutcome::Unknown, || {
            let books = self.books();
            if books.closed.contains(&refund.refund.0) {
                return closed();
            }
            let known = books.refunds.contains_key(&refund.refund.0);
            if known { done(&books) } else { ChannelRefundOutcome::NoSuchRefund }
        }))
    }
}
