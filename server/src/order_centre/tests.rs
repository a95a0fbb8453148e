mod accounts;
mod charging;
mod crashing;
mod doubles;
mod giving_back;
mod interfaces;
mod isolation;
mod leases;
mod lost;
mod mismatches;
mod refunding;
mod sharing;
mod showing;
pub(super) mod wallet;

use super::*;
use crate::order_group::testing::{Rig, guard, store, tag};
use crate::order_group::{Adoption, GroupError, KeptEntry, NewPayment, NewRefund, PaymentNews, SaleOfTill};
use evertill_shared::clock::Clock;
use evertill_shared::id::ChannelNumber;
use evertill_shared::order_number::OrderNumber;
use evertill_shared::payment::{Event, PayOutcome, PaymentState};
use evertill_shared::secret::AuthCode;
use wallet::ScriptedWallet;

fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn settings() -> CentreSettings {
    let answer_wait = Duration::from_millis(300);
    CentreSettings { answer_wait, charges_per_channel: 8, calls_per_channel: 8, ..Default::default() }
}

/// A shop with one group, WeChat Pay, and an order centre.
struct Shop {
    rig: Rig,
    wechat: Arc<ScriptedWallet>,
    centre: OrderCentre,
}

impl Shop {
    fn new() -> Self {
        Self::with(1, ScriptedWallet::new(Wallet::WeChatPay))
    }

    fn with(groups: u8, wechat: Arc<ScriptedWallet>) -> Self {
        let rig = Rig::new(groups);
        let centre = centre(rig.groups.clone(), &[&wechat], &rig);
        Self { rig, wechat, centre }
    }

    /// An order that the till has chosen, ready to be charged.
    async fn order(&self, minor: i64) -> Sold {
        let sale = self.rig.till.sale(minor);
        let number = self.rig.draft(&sale).await.number;
        let adoption = self.rig.till.adoption(&sale, number, self.rig.clock.now());
        Sold { sale, number, adoption }
    }

    fn request(&self, sold: &Sold, attempt: Attempt, code: &str) -> NewCharge {
        let requested = self.rig.till.requested(&sold.sale, sold.number, attempt);
        charge(sold, requested, attempt, code)
    }

    async fn pay(&self, sold: &Sold, attempt: Attempt, code: &str) -> Result<PaymentView, GroupError> {
        self.centre.start(self.request(sold, attempt, code)).await
    }

    async fn state(&self, sold: &Sold, attempt: Attempt) -> PaymentState {
        self.rig.groups.payment(sold.number, attempt).await.unwrap().payment.state
    }

    /// Lets time pass, sweeping every second.
    async fn pass(&self, time: Duration) {
        for _ in 0..time.as_secs() {
            self.rig.clock.advance(seconds(1));
            for tag in self.rig.groups.tags() {
                self.centre.sweep(tag).await.unwrap().finish().await;
            }
        }
    }

    /// A refund that a manager asked for.
    async fn asked(&self, sold: &Sold, minor: i64, request: &str) -> crate::order_group::RefundRecord {
        let at = self.rig.clock.now();
        let new = NewRefund {
            number: sold.number,
            request: request.into(),
            amount: crate::order_group::testing::cny(minor),
            reason: "broken".into(),
            by: "Mei".into(),
            login: "mei".into(),
            asked_at: None,
            at,
            today: self.rig.groups.business_day(at),
        };
        self.rig.groups.reserve_refund(new).await.unwrap()
    }
}

fn centre(groups: GroupSet, channels: &[&Arc<ScriptedWallet>], rig: &Rig) -> OrderCentre {
    let channels = channels.iter().map(|channel| Arc::clone(channel) as Arc<dyn Channel>).collect();
    let clock = Arc::clone(&rig.clock) as Arc<dyn Clock>;
    OrderCentre::new(groups, channels, Policies::default(), clock, settings())
}

/// A sale, its number, and the till's choice of it.
#[derive(Clone)]
struct Sold {
    sale: SaleOfTill,
    number: OrderNumber,
    adoption: Adoption,
}

fn charge(sold: &Sold, requested: KeptEntry, attempt: Attempt, code: &str) -> NewCharge {
    NewCharge {
        adoption: sold.adoption.clone(),
        requested,
        cash_part: None,
        attempt,
        wallet: Wallet::WeChatPay,
        channel_number: ChannelNumber::new(store().id, sold.sale.key, attempt),
        amount: sold.sale.sale.total,
        means: Means::Scanned(AuthCode::new(code.into())),
        guard: guard(),
    }
}
