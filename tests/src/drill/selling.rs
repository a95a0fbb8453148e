//! A till that goes on selling while something breaks: it never charges anew what is not known, and puts a sale that
//! has to wait for its group aside.

use super::DrillError;
use crate::scripted_till::{AdoptedSale, ScriptedTill};
use crate::simulator::wechat::Behaviour;
use crate::store_rig::{StoreRig, WalletControl};
use evertill_shared::clock::{Clock, SystemClock};
use evertill_shared::journal::SignedEntry;
use evertill_shared::payment::PaymentState;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Between two sales, and before asking again.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a sale that was put aside is asked after in the end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A sale that the till was told is paid.
#[derive(Clone, Debug)]
pub struct Sold {
    /// The order's number.
    pub number: String,
    /// Its group.
    pub tag: u8,
    /// When it was told, by the monotonic clock.
    pub at: Duration,
    /// How long that took; waiting aside counts.
    pub took: Duration,
    /// Whether it had to wait for its group.
    pub waited: bool,
}

struct Aside {
    order: AdoptedSale,
    requested: SignedEntry,
    code: String,
    began: Duration,
}

/// A till and its cashier.
pub struct Cashier {
    till: ScriptedTill,
    wallet: WalletControl,
    aside: Vec<Aside>,
    /// What was sold.
    pub sold: Vec<Sold>,
    /// Customers who got no number and left.
    pub refused: u32,
    /// Payments that surely did not happen.
    pub unpaid: u32,
}

fn now() -> Duration {
    SystemClock.monotonic()
}

impl Cashier {
    /// A new till of that name, active.
    /// # Errors
    /// See [`DrillError`].
    pub async fn new(rig: &StoreRig, name: &str) -> Result<Self, DrillError> {
        let (till, wallet) = (rig.scripted_till(name).await?, rig.wallet_control());
        Ok(Self { till, wallet, aside: Vec::new(), sold: Vec::new(), refused: 0, unpaid: 0 })
    }

    /// Sells until told to stop, then waits for what was put aside.
    /// # Errors
    /// The wallet is out of order, or something put aside never settles.
    pub async fn sell(mut self, stop: Arc<AtomicBool>) -> Result<Self, DrillError> {
        let mut minor = 100;
        while !stop.load(Ordering::Acquire) {
            minor = if minor > 9_000 { 100 } else { minor + 10 };
            self.one(minor).await?;
            tokio::time::sleep(PAUSE).await;
        }
        for aside in std::mem::take(&mut self.aside) {
            self.settle(aside).await?;
        }
        Ok(self)
    }

    async fn one(&mut self, minor: i64) -> Result<(), DrillError> {
        let began = now();
        let sale = self.till.sell(minor)?;
        let code = self.wallet.code(Behaviour::Pays).await?;
        let Ok(draft) = self.till.draft(&sale).await else {
            self.refused += 1;
            return Ok(());
        };
        let order = self.till.choose(&sale, draft.number)?;
        let requested = self.till.request(&order, 1)?;
        match self.till.charge(&order, &requested, &code).await {
            Ok(view) if view.state == PaymentState::Paid => self.paid(&order, began, false),
            Ok(view) if view.state.is_final() => self.unpaid += 1,
            _ => self.aside.push(Aside { order, requested, code, began }),
        }
        Ok(())
    }

    fn paid(&mut self, order: &AdoptedSale, began: Duration, waited: bool) {
        let (at, number) = (now(), order.number);
        let took = at.saturating_sub(began);
        self.sold.push(Sold { number: number.to_string(), tag: number.tag().get(), at, took, waited });
    }

    /// Sends the same intent again, under the same number, until it is known what came of it.
    async fn settle(&mut self, aside: Aside) -> Result<(), DrillError> {
        let Aside { order, requested, code, began } = aside;
        let until = now() + PATIENCE;
        let mut last = String::new();
        while now() < until {
            match self.till.charge(&order, &requested, &code).await {
                Ok(view) if view.state == PaymentState::Paid => {
                    self.paid(&order, began, true);
                    return Ok(());
                }
                Ok(view) if view.state.is_final() => {
                    self.unpaid += 1;
                    return Ok(());
                }
                Ok(view) => last = format!("{:?}", view.state),
                Err(error) => last = error.to_string(),
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(DrillError::Other(format!("order {} is still not settled: {last}", order.number)))
    }
}
