//! Tills while the orders move: some sell, some pay orders that are on their way, some talk to a server that sleeps.

use crate::drill::DrillError;
use crate::scripted_till::{AdoptedSale, ScriptedTill};
use evertill_provisioning::client::ClientError;
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::journal::SignedEntry;
use evertill_shared::order::OrderState;
use evertill_shared::order_number::{GroupTag, OrderNumber};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Between two tries of one request.
const AGAIN: Duration = Duration::from_millis(250);
/// After so many tries a payment was never settled.
const TRIES: u32 = 600;

/// What tills were told.
#[derive(Debug, Default)]
pub(super) struct Done {
    /// Orders that are paid.
    pub paid: Vec<(OrderNumber, i64)>,
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
        self.never_settled += more.never_settled;
        self.waited += more.waited;
        self.slowest = self.slowest.max(more.slowest);
    }
}

/// Orders that are chosen, with the cash for them in the journal and not at the server.
pub(super) struct Waiting {
    till: ScriptedTill,
    pub orders: Vec<(AdoptedSale, SignedEntry)>,
}

impl Waiting {
    /// So many orders with that tag.
    pub async fn of(
        mut till: ScriptedTill,
        tag: GroupTag,
        count: usize,
        done: &mut Done,
    ) -> Result<Self, DrillError> {
        let mut orders = Vec::new();
        while orders.len() < count {
            let order = till.sell_and_choose(700).await?;
            let cash = till.take_cash(&order.sale)?;
            if order.number.tag() == tag {
                orders.push((order, cash));
            } else {
                till.complete(&order, cash).await?;
                done.paid.push((order.number, order.sale.total.minor));
            }
        }
        Ok(Self { till, orders })
    }

    /// Asks until it is known that the order is paid: the same entries each time, so that it is paid once.
    async fn settle(&self, order: &AdoptedSale, cash: &SignedEntry, done: &mut Done) {
        for _ in 0..TRIES {
            match self.till.complete(order, cash.clone()).await {
                Ok(view) if view.state == OrderState::Paid => {
                    return done.paid.push((order.number, order.sale.total.minor));
                }
                _ => done.waited += 1,
            }
            tokio::time::sleep(AGAIN).await;
        }
        done.never_settled += 1;
    }
}

/// Sells for cash until all is over.
pub(super) async fn sell_until(mut till: ScriptedTill, over: Arc<AtomicBool>) -> Done {
    let mut done = Done::default();
    while !over.load(Ordering::Acquire) {
        let began = SystemClock.monotonic();
        match sale(&mut till, &mut done).await {
            Ok(()) => {}
            Err(_) => done.never_settled += 1,
        }
        done.slowest = done.slowest.max(SystemClock.monotonic().saturating_sub(began));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    done
}

/// One sale; what is refused for the moment is asked again.
async fn sale(till: &mut ScriptedTill, done: &mut Done) -> Result<(), ClientError> {
    let sale = till.sell(300)?;
    let mut tries = 0;
    let draft = loop {
        match till.draft(&sale).await {
            Ok(draft) => break draft,
            Err(error) if tries == TRIES => return Err(error),
            Err(_) => (tries, done.waited) = (tries + 1, done.waited + 1),
        }
        tokio::time::sleep(AGAIN).await;
    };
    let order = till.choose(&sale, draft.number)?;
    let cash = till.take_cash(&sale)?;
    loop {
        match till.complete(&order, cash.clone()).await {
            Ok(_) => break,
            Err(error) if tries == TRIES => return Err(error),
            Err(_) => (tries, done.waited) = (tries + 1, done.waited + 1),
        }
        tokio::time::sleep(AGAIN).await;
    }
    done.paid.push((order.number, sale.total.minor));
    Ok(())
}

/// Pays the orders one after the other while they move; when all is over, the rest at once.
pub(super) async fn change_all(waiting: Waiting, pause: Duration, over: Arc<AtomicBool>) -> Done {
    let mut done = Done::default();
    for (order, cash) in &waiting.orders {
        waiting.settle(order, cash, &mut done).await;
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
            let Some((order, cash)) = waiting.orders.get(place) else { return done };
            while !over.load(Ordering::Acquire) {
                // It lies in the sleeping server's line until that wakes, or until the till hangs up and asks again.
                if waiting.till.complete(order, cash.clone()).await.is_err() {
                    done.waited += 1;
                }
                tokio::time::sleep(AGAIN).await;
            }
            waiting.settle(order, cash, &mut done).await;
            done
        });
    }
    while let Some(one) = sent.join_next().await {
        done.add(one.unwrap_or_else(|_| Done { never_settled: 1, ..Done::default() }));
    }
    done
}

/// How many of these numbers, as they stand on old receipts, are answered with their order.
pub(super) async fn check_numbers(till: &mut ScriptedTill, numbers: &[OrderNumber]) -> usize {
    let mut valid = 0;
    for number in numbers {
        let order = till.order(*number).await;
        valid +=
            usize::from(order.is_ok_and(|order| order.number == *number && order.state == OrderState::Paid));
    }
    valid
}
