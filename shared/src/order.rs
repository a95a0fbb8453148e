//! An order: what was sold, and where the order stands.

pub mod age;
mod apportion;
pub mod discount;
pub mod line;
mod parts;
mod sale;
pub mod serial;

pub use parts::{Parts, WalletPart, rest_after};
pub use sale::{Sale, SaleError, spread};

use crate::money::Amount;
use crate::wallet::Wallet;
use serde::{Deserialize, Serialize};

/// How a sale is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tender {
    /// Notes and coins.
    Cash,
    /// The customer's payment code, scanned by the till; which wallet shows when it is scanned.
    PaymentCode,
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// A number was given out; the till has not chosen it yet. Cannot be charged or counted.
    Draft,
    /// The till chose this number, and no other, for the sale.
    Adopted,
    /// Paid in full.
    Paid,
    /// A draft that was never adopted and is too old.
    Expired,
    /// Taken back before it was paid.
    Void,
}

/// What may happen to an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderEvent {
    /// The till signed that this number is the sale's.
    Adopt,
    /// Money has surely arrived: the channel said so, or cash was taken.
    Pay,
    /// The draft was left lying.
    Expire,
    /// The sale was given up before payment.
    Void,
}

/// The order cannot do that where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {state:?} cannot {event:?}")]
pub struct OrderRefused {
    /// Where it stands.
    pub state: OrderState,
    /// What was asked.
    pub event: OrderEvent,
}

impl OrderState {
    /// The state after `event`. Repeating what has already happened changes nothing.
    /// # Errors
    /// The event is not possible from here.
    pub fn on(self, event: OrderEvent) -> Result<Self, OrderRefused> {
        use OrderEvent as E;
        match (self, event) {
            // An expired draft had never been shown to anybody: the till may still choose its number, for
            // instance when it comes back after a day without a line.
            (Self::Draft | Self::Adopted | Self::Expired, E::Adopt) => Ok(Self::Adopted),
            (Self::Paid, E::Adopt | E::Pay) | (Self::Adopted, E::Pay) => Ok(Self::Paid),
            (Self::Draft | Self::Expired, E::Expire) => Ok(Self::Expired),
            (Self::Draft | Self::Adopted | Self::Void | Self::Expired, E::Void) => Ok(Self::Void),
            _ => Err(OrderRefused { state: self, event }),
        }
    }

    /// Whether money may be asked for.
    #[must_use]
    pub fn may_be_charged(self) -> bool {
        self == Self::Adopted
    }

    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Adopted => "adopted",
            Self::Paid => "paid",
            Self::Expired => "expired",
            Self::Void => "void",
        }
    }

    /// Reads the word in the database.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Draft, Self::Adopted, Self::Paid, Self::Expired, Self::Void]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// How an order was paid, as far as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "by")]
pub enum PaidBy {
    /// In cash.
    Cash {
        /// What the customer handed over.
        given: Amount,
        /// What went back.
        change: Amount,
    },
    /// Through a wallet.
    Wallet {
        /// Which one.
        wallet: Wallet,
        /// The wallet's own number of the transaction.
        transaction: String,
    },
    /// In parts, which together are the total.
    Split {
        /// What was taken in cash.
        cash: Amount,
        /// What came through wallets, in the order in which it came. One, as long as tills ask for no more.
        wallets: Vec<WalletPart>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STATES: [OrderState; 5] =
        [OrderState::Draft, OrderState::Adopted, OrderState::Paid, OrderState::Expired, OrderState::Void];
    const EVENTS: [OrderEvent; 4] =
        [OrderEvent::Adopt, OrderEvent::Pay, OrderEvent::Expire, OrderEvent::Void];

    #[test]
    fn only_an_adopted_order_can_be_charged_or_become_paid() {
        for state in STATES {
            assert_eq!(state.may_be_charged(), state == OrderState::Adopted);
            let paid = state.on(OrderEvent::Pay).is_ok();
            assert_eq!(paid, matches!(state, OrderState::Adopted | OrderState::Paid), "{state:?}");
        }
    }

    #[test]
    fn a_paid_order_never_leaves_paid() {
        for event in EVENTS {
            assert!(matches!(OrderState::Paid.on(event), Ok(OrderState::Paid) | Err(_)));
        }
    }

    #[test]
    fn a_repeated_event_changes_nothing() {
        for state in STATES {
            for event in EVENTS {
                if let Ok(next) = state.on(event) {
                    assert_eq!(next.on(event), Ok(next), "{state:?} {event:?}");
                }
            }
        }
    }

    /// What has happened to an order, told as plain facts instead of states: the reference.
    #[derive(Default)]
    struct Facts {
        adopted: bool,
        paid: bool,
        expired: bool,
        void: bool,
    }

    impl Facts {
        /// Whether the event may happen; if so it has happened.
        fn may(&mut self, event: OrderEvent) -> bool {
            let may = match event {
                OrderEvent::Adopt => !self.void,
                OrderEvent::Pay => self.adopted && !self.void,
                OrderEvent::Expire => !self.adopted && !self.void,
                OrderEvent::Void => !self.paid,
            };
            if may {
                match event {
                    OrderEvent::Adopt => (self.adopted, self.expired) = (true, false),
                    OrderEvent::Pay => self.paid = true,
                    OrderEvent::Expire => self.expired = true,
                    OrderEvent::Void => self.void = true,
                }
            }
            may
        }

        fn state(&self) -> OrderState {
            match self {
                Self { void: true, .. } => OrderState::Void,
                Self { paid: true, .. } => OrderState::Paid,
                Self { adopted: true, .. } => OrderState::Adopted,
                Self { expired: true, .. } => OrderState::Expired,
                _ => OrderState::Draft,
            }
        }
    }

    proptest! {
        #[test]
        fn an_order_does_what_its_facts_allow_and_nothing_else(events in prop::collection::vec(0_usize..4, 0..40)) {
            let (mut state, mut facts) = (OrderState::Draft, Facts::default());
            for event in events.into_iter().map(|i| EVENTS[i]) {
                let next = state.on(event);
                prop_assert_eq!(next.is_ok(), facts.may(event), "{:?} {:?}", state, event);
                state = next.unwrap_or(state);
                prop_assert_eq!(state, facts.state());
            }
        }
    }

    #[test]
    fn states_read_back_from_their_words() {
        for state in STATES {
            assert_eq!(OrderState::from_word(state.as_str()), Some(state));
        }
    }
}
