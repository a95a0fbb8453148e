//! Bugs of the adapters of wallets.

use super::Mutation;
use crate::world::chance::Chance;
use crate::world::engine::{Lane, SimDatabase};
use evertill_server::channel::{
    Answer, Channel, ChannelRefund, ChannelRefundOutcome, Charge, NotificationError, Notified, ShownCodes,
    ShownOrder,
};
use evertill_shared::id::{ChannelNumber, RefundId};
use evertill_shared::money::Amount;
use evertill_shared::payment::{DeclineReason, PayOutcome, QueryOutcome, ReverseOutcome, ShownOutcome};
use evertill_shared::wallet::Wallet;
use rusqlite::OptionalExtension as _;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// A wallet's adapter with a bug in it.
pub struct BentChannel {
    mutation: Mutation,
    honest: Arc<dyn Channel>,
    chance: Mutex<Chance>,
    /// Numbers that the bug takes for reversed.
    believed: Mutex<BTreeSet<ChannelNumber>>,
    /// One for all wallets.
    lane: Option<Lane>,
    /// Where a bug looks up what a sale costs.
    groups: Vec<Arc<SimDatabase>>,
}

impl BentChannel {
    pub fn new(mutation: Mutation, honest: Arc<dyn Channel>, chance: Chance, lane: Option<Lane>) -> Self {
        let (chance, believed) = (Mutex::new(chance), Mutex::default());
        Self { mutation, honest, chance, believed, lane, groups: Vec::new() }
    }

    /// With the books to look into.
    pub fn with_groups(self, groups: Vec<Arc<SimDatabase>>) -> Self {
        Self { groups, ..self }
    }

    fn draw(&self) -> u64 {
        self.chance.lock().unwrap_or_else(PoisonError::into_inner).next()
    }

    /// The wallet has said so: that is remembered, and not asked any more.
    fn is_over(&self, number: &ChannelNumber) {
        if self.mutation == Mutation::NeverAsksAfterTheEnd {
            self.believed.lock().unwrap_or_else(PoisonError::into_inner).insert(number.clone());
        }
    }

    async fn pay_bent(&self, charge: &Charge) -> PayOutcome {
        let _turn = match &self.lane {
            Some(lane) => {
                self.mutation.fires(0);
                Some(lane.lock().await)
            }
            None => None,
        };
        let mut charge = charge.clone();
        charge.amount = self.in_full(&charge.number, charge.amount);
        if self.mutation == Mutation::NumberNotFromTheSale {
            self.mutation.fires(0);
            charge.number = other_number(&format!("E{:031}", self.draw() >> 8), &charge.number);
        }
        let outcome = self.honest.pay(&charge).await;
        if matches!(outcome, PayOutcome::ConfirmedFailure(_)) {
            self.is_over(&charge.number);
        }
        match (self.mutation, &outcome) {
            (Mutation::TrustsATimeOut, PayOutcome::Unknown) => {
                self.mutation.fires(0);
                PayOutcome::ConfirmedFailure(DeclineReason::PaymentFailed)
            }
            (Mutation::TriesAgainUnderANewNumber, PayOutcome::Unknown) => {
                self.mutation.fires(0);
                let number = charge.number.as_str();
                let next = format!("{}{:03}", &number[..number.len() - 3], 2);
                charge.number = other_number(&next, &charge.number);
                self.honest.pay(&charge).await
            }
            _ => outcome,
        }
    }
}

/// A channel number of these digits.
fn other_number(text: &str, otherwise: &ChannelNumber) -> ChannelNumber {
    let clipped: String = text.chars().take(31).collect();
    serde_json::from_value(serde_json::Value::String(clipped)).unwrap_or_else(|_| otherwise.clone())
}

impl Channel for BentChannel {
    fn wallet(&self) -> Wallet {
        self.honest.wallet()
    }

    fn pay<'a>(&'a self, charge: &'a Charge) -> Answer<'a, PayOutcome> {
        Box::pin(self.pay_bent(charge))
    }

    fn query<'a>(&'a self, number: &'a ChannelNumber, amount: Amount) -> Answer<'a, QueryOutcome> {
        Box::pin(async move {
            if self.believed.lock().unwrap_or_else(PoisonError::into_inner).contains(number) {
                if self.mutation == Mutation::NeverAsksAfterTheEnd {
                    self.mutation.fires(0);
                }
                return QueryOutcome::Reversed;
            }
            let outcome = self.honest.query(number, amount).await;
            if outcome == QueryOutcome::Reversed {
                self.is_over(number);
            }
            match (self.mutation, outcome) {
                (Mutation::BelievesNoSuchOrder, QueryOutcome::NoSuchOrder) => {
                    self.mutation.fires(0);
                    QueryOutcome::Reversed
                }
                (_, outcome) => outcome,
            }
        })
    }

    fn reverse<'a>(&'a self, number: &'a ChannelNumber) -> Answer<'a, ReverseOutcome> {
        Box::pin(async move {
            if self.mutation == Mutation::NeverReverses {
                self.mutation.fires(0);
                return ReverseOutcome::Reversed;
            }
            match (self.mutation, self.honest.reverse(number).await) {
                (Mutation::TrustsAReversalUnheard, ReverseOutcome::Unknown) => {
                    self.mutation.fires(0);
                    self.believed.lock().unwrap_or_else(PoisonError::into_inner).insert(number.clone());
                    ReverseOutcome::Reversed
                }
                // It says yes to what it does not know, too; nobody asks what there was to cancel.
                (Mutation::TakesNotKnownForClosed, ReverseOutcome::Reversed)
                    if self.wallet() == Wallet::Alipay =>
                {
                    self.mutation.fires(0);
                    self.believed.lock().unwrap_or_else(PoisonError::into_inner).insert(number.clone());
                    ReverseOutcome::Reversed
                }
                (_, outcome) => outcome,
            }
        })
    }

    fn refund<'a>(&'a self, refund: &'a ChannelRefund) -> Answer<'a, ChannelRefundOutcome> {
        Box::pin(async move {
            let mut refund = refund.clone();
            if self.mutation == Mutation::RenumbersRefunds {
                self.mutation.fires(0);
                refund.refund = RefundId(format!("{}-{}", refund.refund.0, self.draw() % 1_000));
            }
            self.honest.refund(&refund).await
        })
    }

    fn query_refund<'a>(&'a self, refund: &'a ChannelRefund) -> Answer<'a, ChannelRefundOutcome> {
        self.honest.query_refund(refund)
    }

    fn shown(&self) -> Option<&dyn ShownCodes> {
        self.honest.shown().map(|_| self as &dyn ShownCodes)
    }
}

impl BentChannel {
    /// What the wallet itself says, which shows codes if this is asked at all.
    fn codes(&self) -> Result<&dyn ShownCodes, NotificationError> {
        self.honest.shown().ok_or(NotificationError::Unreadable("no codes are shown"))
    }
}

impl ShownCodes for BentChannel {
    fn create<'a>(&'a self, order: &'a ShownOrder) -> Answer<'a, ShownOutcome> {
        Box::pin(async move {
            match self.codes() {
                Ok(codes) => {
                    let amount = self.in_full(&order.number, order.amount);
                    codes.create(&ShownOrder { amount, ..order.clone() }).await
                }
                Err(_) => ShownOutcome::Unknown,
            }
        })
    }

    fn close<'a>(&'a self, number: &'a ChannelNumber) -> Answer<'a, ReverseOutcome> {
        Box::pin(async move {
            if self.mutation == Mutation::LeavesCodesOpen {
                self.mutation.fires(0);
                self.believed.lock().unwrap_or_else(PoisonError::into_inner).insert(number.clone());
                return ReverseOutcome::Reversed;
            }
            let said = match self.codes() {
                Ok(codes) => codes.close(number).await,
                Err(_) => ReverseOutcome::Unknown,
            };
            if (self.mutation, &said) == (Mutation::TrustsAReversalUnheard, &ReverseOutcome::Unknown) {
                self.believed.lock().unwrap_or_else(PoisonError::into_inner).insert(number.clone());
                return ReverseOutcome::Reversed;
            }
            said
        })
    }

    fn was_shown<'a>(&'a self, number: &'a ChannelNumber, amount: Amount) -> Answer<'a, Option<bool>> {
        Box::pin(async move { self.codes().ok()?.was_shown(number, amount).await })
    }

    fn notification(&self, headers: &[(String, String)], body: &[u8]) -> Result<Notified, NotificationError> {
        self.codes()?.notification(headers, body)
    }

    fn thanks(&self) -> (u16, &'static str, Vec<u8>) {
        self.codes().map_or((500, "text/plain", Vec::new()), |codes| codes.thanks())
    }
}

impl BentChannel {
    /// What the wallet is asked for: with that bug all that the sale costs, whatever is in the drawer.
    fn in_full(&self, number: &ChannelNumber, amount: Amount) -> Amount {
        const TOTAL: &str = "SELECT o.total_minor FROM orders o JOIN payments p ON p.number = o.number \
             WHERE p.channel_number = ?1";
        if self.mutation != Mutation::ChargesTheRestInFull {
            return amount;
        }
        let total_in = |connection: &rusqlite::Connection| -> Option<i64> {
            connection.query_row(TOTAL, [number.as_str()], |row| row.get(0)).optional().ok().flatten()
        };
        let total = self.groups.iter().find_map(|group| group.look(total_in)).unwrap_or(amount.minor);
        if total != amount.minor {
            self.mutation.fires(0);
        }
        Amount::new(total, amount.currency)
    }
}
