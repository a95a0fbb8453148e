//! Tills while the orders move: some sell, some pay orders that are on their way, some talk to a server that sleeps. Most
//! customers pay in cash, some by the codes on their phones.

use crate::drill::DrillError;
use crate::scripted_till::{AdoptedSale, ScriptedTill};
use crate::simulator::wechat::Behaviour;
use crate::store_rig::WalletControl;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::journal::SignedEntry;
use evertill_shared::order::OrderState;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use evertill_shared::payment::PaymentState;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Between two tries of one request.
const AGAIN: Duration = Duration::from_millis(250);
/// After so many tries a payment was never settled.
const TRIES: u32 = 600;
/// One in so many customers pays by a code.
const BY_CODE: u64 = 3;

/// What tills were told.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Orders that are paid.
    pub paid: Vec<(OrderNumber, i64)>,
    /// Those of them that a wallet paid.
    pub by_code: Vec<(OrderNumber, i64)>,
    /// Orders of which no server ever said that they are.
    pub never_settled: usize,
    /// Requests that had to be asked again.
    pub waited: u64,
    /// The longest that a request of a till that sells was waited for.
    pub slowest: Duration,
}

impl Done {
    pub fn add(&mut self, more: Self) {
        self.paid.extend(more.paid);
        self.by_code.extend(more.by_code);
        self.never_settled += more.never_settled;
        self.waited += more.waited;
        self.slowest = self.slowest.max(more.slowest);
    }
}

/// An order that is chosen and not paid.
pub(super) struct Open {
    order: AdoptedSale,
    /// The cash for it is in the journal, and not at the server; nothing if the customer is going to show a code.
    cash: Option<SignedEntry>,
}

/// Orders that wait to be paid.
pub(super) struct Waiting {
    till: ScriptedTill,
    wallet: WalletControl,
    pub orders: Vec<Open>,
}

impl Waiting {
    /// So many orders with that tag, to be paid in cash, or some of them by codes.
    pub async fn of(
        mut till: ScriptedTill,
        wallet: WalletControl,
        (tag, count, some_by_code): (GroupTag, usize, bool),
        done: &mut Done,
    ) -> Result<Self, DrillError> {
        let mut orders = Vec::new();
        while orders.len() < count {
            let order = till.sell_and_choose(700).await?;
            if order.number.tag() != tag {
                let cash = till.take_cash(&order.sale)?;
                till.complete(&order, cash).await?;
                done.paid.push((order.number, order.sale.total.minor));
                continue;
            }
            let by_code = some_by_code && (orders.len() as u64).is_multiple_of(BY_CODE);
            let cash = if by_code { None } else { Some(till.take_cash(&order.sale)?) };
            orders.push(Open { order, cash });
        }
        Ok(Self { till, wallet, orders })
    }
}

/// Brings a cash sale to the server, and asks until it is known that the order is paid: the same entries each time, so
/// that it is paid once.
async fn settle(till: &ScriptedTill, order: &AdoptedSale, cash: &SignedEntry, done: &mut Done) {
    for _ in 0..TRIES {
        match till.complete(order, cash.clone()).await {
            Ok(view) if view.state == OrderState::Paid => {
                return done.paid.push((order.number, order.sale.total.minor));
            }
            _ => done.waited += 1,
        }
        tokio::time::sleep(AGAIN).await;
    }
    done.never_settled += 1;
}

/// Charges the customer's code, and asks until it is known what came of it: the same intent each time, so that it is
/// charged once. A customer who surely was not charged pays in cash.
async fn charge(
    till: &mut ScriptedTill,
    wallet: &WalletControl,
    order: &AdoptedSale,
    done: &mut Done,
) -> Result<(), DrillError> {
    let code = wallet.code(Behaviour::Pays).await?;
    let requested = till.request(order, 1)?;
    for _ in 0..TRIES {
        match till.charge(order, &requested, &code).await.map(|view| view.state) {
            Ok(PaymentState::Paid) => {
                let paid = (order.number, order.sale.total.minor);
                done.by_code.push(paid);
                done.paid.push(paid);
                return Ok(());
            }
            Ok(PaymentState::Declined | PaymentState::Reversed) => {
                let cash = till.take_cash(&order.sale)?;
                settle(till, order, &cash, done).await;
                return Ok(());
            }
            _ => done.waited += 1,
        }
        tokio::time::sleep(AGAIN).await;
    }
    done.never_settled += 1;
    Ok(())
}

/// Sells until all is over.
pub(super) async fn sell_until(mut till: ScriptedTill, wallet: WalletControl, over: Arc<AtomicBool>) -> Done {
    let (mut done, mut customers) = (Done::default(), 0_u64);
    while !over.load(Ordering::Acquire) {
        let began = SystemClock.monotonic();
        customers += 1;
        let by_code = customers.is_multiple_of(BY_CODE).then_some(&wallet);
        if sale(&mut till, by_code, &mut done).await.is_err() {
            done.never_settled += 1;
        }
        done.slowest = done.slowest.max(SystemClock.monotonic().saturating_sub(began));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    done
}

/// One sale; what is refused for the moment is asked again.
async fn sale(
    till: &mut ScriptedTill,
    by_code: Option<&WalletControl>,
    done: &mut Done,
) -> Result<(), DrillError> {
    let sale = till.sell(300)?;
    let mut tries = 0;
    let draft = loop {
        match till.draft(&sale).await {
            Ok(draft) => break draft,
            Err(error) if tries == TRIES => return Err(error.into()),
            Err(_) => (tries, done.waited) = (tries + 1, done.waited + 1),
        }
        tokio::time::sleep(AGAIN).await;
    };
    let order = till.choose(&sale, draft.number)?;
    if let Some(wallet) = by_code {
        return charge(till, wallet, &order, done).await;
    }
    let cash = till.take_cash(&sale)?;
    settle(till, &order, &cash, done).await;
    Ok(())
}

/// Pays the orders one after the other while they move; when all is over, the rest at once.
pub(super) async fn change_all(mut waiting: Waiting, pause: Duration, over: Arc<AtomicBool>) -> Done {
    let mut done = Done::default();
    for Open { order, cash } in std::mem::take(&mut waiting.orders) {
        let Waiting { till, wallet, .. } = &mut waiting;
        if let Some(cash) = cash {
            settle(till, &order, &cash, &mut done).await;
        } else if charge(till, wallet, &order, &mut done).await.is_err() {
            done.never_settled += 1;
        }
        if !over.load(Ordering::Acquire) {
            tokio::time::sleep(pause).await;
        }
    }
    done
}

/// Sends these payments to a server that is about to sleep, or sleeps, and asks again and again until it has woken.
pub(super) async fn wake_and_pay(waiting: Arc<Waiting>, which: Range<usize>, over: Arc<AtomicBool>) -> Done {
    let mut done = Done::default();
    let mut sent = tokio::task::JoinSet::new();
    for place in which {
        let (waiting, over) = (Arc::clone(&waiting), Arc::clone(&over));
        sent.spawn(async move {
            let mut done = Done::default();
            let Some(Open { order, cash: Some(cash) }) = waiting.orders.get(place) else { return done };
            while !over.load(Ordering::Acquire) {
                // It lies in the sleeping server's line until that wakes, or until the till hangs up and asks again.
                if waiting.till.complete(order, cash.clone()).await.is_err() {
                    done.waited += 1;
                }
                tokio::time::sleep(AGAIN).await;
            }
            settle(&waiting.till, order, cash, &mut done).await;
            done
        });
    }
    while let Some(one) = sent.join_next().await {
        done.add(one.unwrap_or_else(|_| Done { never_settled: 1, ..Done::default() }));
    }
    done
}

/// How many of these numbers, as they stand on old receipts, are answered with their order.
pub(super) async fn check_numbers(till: &ScriptedTill, numbers: &[OrderNumber]) -> usize {
    let mut valid = 0;
    for number in numbers {
        let order = till.order(*number).await;
        valid +=
            usize::from(order.is_ok_and(|order| order.number == *number && order.state == OrderState::Paid));
    }
    valid
}
