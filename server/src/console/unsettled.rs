//! What is not settled: every payment, refund and give-back that the order centre still works on, oldest first; what it
//! does next, and what a person can do.

use super::frame::{Badge, Frame, Notice, Tab, Tone, may_open, ok};
use super::given_back;
use super::order_view::{deadline, next_step};
use super::pages::Asked;
use super::problem::Problem;
use super::say;
use super::visitor::Visit;
use super::words::{Words, fill};
use crate::app::App;
use crate::order_group::overview::Unsettled;
use crate::order_group::{GiveBack, PaymentRecord, RefundRecord};
use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{AccountId, TerminalId};
use evertill_shared::money::Amount;
use evertill_shared::order::PaidBy;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::PaymentState;
use evertill_shared::refund::RefundState;
use evertill_shared::wallet::Wallet;
use std::time::Duration;

/// What is open for longer does not settle by itself as a rule.
const LONG: Duration = Duration::from_secs(3600);

struct Row {
    number: String,
    grouped: String,
    kind: &'static str,
    terminal: String,
    wallet: String,
    own: String,
    amount: String,
    badges: Vec<Badge>,
    since: String,
    next: String,
    deed: String,
}

#[derive(Template)]
#[template(path = "unsettled.html")]
struct Page {
    f: Frame,
    notices: Vec<Notice>,
    rows: Vec<Row>,
    earlier: Option<String>,
    later: Option<String>,
    zone_note: String,
}

/// The page.
pub(super) async fn page(
    State(app): State<App>,
    Query(asked): Query<Asked>,
    visit: Visit,
) -> Result<Response, Problem> {
    if !may_open(visit.who.role, Tab::Unsettled) {
        return Err(Problem::Forbidden);
    }
    let (t, now) = (visit.words(), app.clock.now());
    let page = asked.page();
    let mut open = app.groups.unsettled(page.most()).await;
    let unreachable = std::mem::take(&mut open.unreachable);
    let all = by_age(open);
    let (earlier, later) = page.beside(&all, "/console/unsettled");
    let page = Page {
        f: visit.frame(Tab::Unsettled),
        notices: page.notices(&all, &unreachable, (t.open_missing, t.unsettled_more)),
        rows: page.of(&all).map(|one| one.row(&app, now, &visit)).collect(),
        earlier,
        later,
        zone_note: fill(t.times_in, &[visit.store.zone.name()]),
    };
    Ok(ok(&page))
}

/// As a sentence begins.
fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string());
    first.unwrap_or_default() + characters.as_str()
}

/// One thing that is not settled.
enum Open {
    Payment(PaymentRecord),
    Refund(RefundRecord),
    GiveBack(GiveBack),
}

fn by_age(open: Unsettled) -> Vec<Open> {
    let payments = open.payments.into_iter().map(Open::Payment);
    let refunds = open.refunds.into_iter().map(Open::Refund);
    let mut all: Vec<Open> =
        payments.chain(refunds).chain(open.give_backs.into_iter().map(Open::GiveBack)).collect();
    all.sort_by_key(|one| (one.begun(), one.order()));
    all
}

impl Open {
    /// Since when it is open.
    fn begun(&self) -> Timestamp {
        match self {
            Self::Payment(record) => record.payment.sent_at,
            Self::Refund(record) => record.refund.requested_at,
            Self::GiveBack(open) => open.since,
        }
    }

    fn order(&self) -> OrderNumber {
        match self {
            Self::Payment(record) => record.number,
            Self::Refund(record) => record.refund.order,
            Self::GiveBack(open) => open.number,
        }
    }

    fn amount(&self) -> Amount {
        match self {
            Self::Payment(record) => record.payment.amount,
            Self::Refund(record) => record.refund.amount,
            Self::GiveBack(open) => open.amount,
        }
    }

    fn terminal(&self) -> TerminalId {
        match self {
            Self::Payment(record) => record.terminal,
            Self::Refund(record) => record.terminal,
            Self::GiveBack(open) => open.terminal,
        }
    }

    /// The number under which the wallet knows it.
    fn own_number(&self) -> String {
        match self {
            Self::Payment(record) => record.payment.channel_number.to_string(),
            Self::Refund(record) => record.refund.id.0.clone(),
            Self::GiveBack(open) => open.refund().0,
        }
    }

    fn account(&self) -> Option<(Wallet, AccountId)> {
        match self {
            Self::Payment(record) => Some((record.payment.wallet, record.payment.account)),
            Self::Refund(RefundRecord { paid_by: PaidBy::Wallet { wallet, .. }, account, .. }) => {
                Some((*wallet, *account))
            }
            Self::Refund(_) => None,
            Self::GiveBack(open) => Some((open.wallet, open.account)),
        }
    }

    fn kind(&self, t: &'static Words) -> &'static str {
        match self {
            Self::Payment(_) => t.bill_payment,
            Self::Refund(_) => t.bill_refund,
            Self::GiveBack(_) => t.give_back,
        }
    }

    fn badge(&self, t: &'static Words) -> Badge {
        match self {
            Self::Payment(record) => {
                let (tone, word) = say::payment(record.payment.state, t);
                Badge::new(tone, word)
            }
            Self::Refund(record) => {
                let (tone, word) = say::refund(record.refund.state, record.terminal, t);
                Badge::new(tone, word)
            }
            Self::GiveBack(open) if open.words.is_some() => Badge::new(Tone::Bad, t.give_back_refused),
            Self::GiveBack(_) => Badge::new(Tone::Wait, t.give_back_open),
        }
    }

    /// What happens by itself, and when.
    fn next(&self, app: &App, now: Timestamp, visit: &Visit) -> String {
        let t = visit.words();
        match self {
            Self::Payment(record) => {
                let policies = &app.centre.policies();
                let next = capital(&next_step(record, policies, now, visit).unwrap_or_default());
                if record.payment.state == PaymentState::Reversing {
                    return next;
                }
                format!("{next} · {}: {}", t.deadline, deadline(record, policies, now, visit))
            }
            Self::Refund(record) if record.refund.state == RefundState::Reserved => {
                fill(t.refund_next_till, &[&record.terminal.to_string()])
            }
            Self::Refund(record) => fill(t.refund_next_ask, &[&visit.time(record.next_at.max(now))]),
            Self::GiveBack(open) => fill(t.give_back_next, &[&visit.time(open.next_at.max(now))]),
        }
    }

    /// What a person can do.
    fn deed(&self, (is_long, now): (bool, Timestamp), t: &'static Words) -> String {
        let look_up = || fill(t.do_look_up, &[&self.own_number()]);
        match self {
            Self::GiveBack(GiveBack { by_hand: true, .. })
            | Self::Refund(RefundRecord { by_hand: true, .. }) => fill(t.do_finish, &[&self.own_number()]),
            Self::GiveBack(open) if open.may_be_finished(now) => {
                given_back::finish(open, open.words.as_deref(), t)
            }
            Self::GiveBack(GiveBack { words: Some(words), .. }) => {
                format!("{} {}", fill(t.wallet_says, &[words]), look_up())
            }
            Self::Refund(record) if record.refund.state == RefundState::Reserved => {
                fill(t.do_refund_at_till, &[&record.terminal.to_string()])
            }
            _ if is_long => look_up(),
            Self::Payment(record) if record.payment.state == PaymentState::Waiting => {
                t.do_wait_customer.to_owned()
            }
            Self::Payment(_) => t.do_wait_payment.to_owned(),
            Self::Refund(_) | Self::GiveBack(_) => t.do_wait_refund.to_owned(),
        }
    }

    fn row(&self, app: &App, now: Timestamp, visit: &Visit) -> Row {
        let t = visit.words();
        let (number, is_long) = (self.order(), now.since(self.begun()) > LONG);
        let today = app.base.business_day(now).to_string();
        let long = is_long.then(|| Badge::new(Tone::Doubt, t.unsettled_long));
        Row {
            number: number.to_string(),
            grouped: number.grouped(),
            kind: self.kind(t),
            terminal: self.terminal().to_string(),
            wallet: self
                .account()
                .map_or_else(|| t.cash.to_owned(), |(wallet, account)| say::account(wallet, account, t)),
            own: self.own_number(),
            amount: self.amount().to_string(),
            badges: std::iter::once(self.badge(t)).chain(long).collect(),
            since: fill(t.since, &[&say::time_on(self.begun(), &visit.store.zone, &today)]),
            next: self.next(app, now, visit),
            deed: self.deed((is_long, now), t),
        }
    }
}
