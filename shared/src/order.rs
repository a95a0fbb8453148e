//! An order: what was sold, and where the order stands.

pub mod line;

use crate::cashier::Cashier;
use crate::clock::Timestamp;
use crate::id::StoreId;
use crate::money::{Amount, Currency, MoneyError};
use crate::wallet::Wallet;
use line::Line;
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

/// What was sold, as the till wrote it into its journal. It never changes afterwards.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sale {
    /// The store that sold.
    pub store: StoreId,
    /// When the sale was closed for payment, by the till's own clock (a claim, not a fact).
    pub at: Timestamp,
    /// The goods.
    pub lines: Vec<Line>,
    /// What is to be paid.
    pub total: Amount,
    /// How much of the total is tax.
    pub tax: Amount,
    /// Who served; nobody at a till where nobody logs in. Entries from before there was this field read as such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cashier: Option<Cashier>,
}

/// Why a sale is not a sale.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SaleError {
    /// Nothing was sold.
    #[error("the sale has no lines")]
    Empty,
    /// More lines than one sale may have.
    #[error("the sale has {0} lines; the most is {max}", max = Sale::MAX_LINES)]
    TooManyLines(usize),
    /// A line is not what it says.
    #[error("line {0} is wrong: {1}")]
    Line(usize, line::LineError),
    /// The lines do not add up to the total or to the tax.
    #[error("the lines add up to {computed}, the sale says {stated}")]
    TotalDiffers {
        /// What the lines add up to.
        computed: Amount,
        /// What the sale claims.
        stated: Amount,
    },
    /// The total is zero or less.
    #[error("there is nothing to pay")]
    NothingToPay,
    /// Arithmetic on money failed.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl Sale {
    /// The most lines that one sale may have.
    pub const MAX_LINES: usize = 1_000;

    /// A sale of these lines, with total and tax computed.
    /// # Errors
    /// No lines, a wrong line, or an amount that does not fit.
    pub fn new(
        store: StoreId,
        at: Timestamp,
        currency: Currency,
        lines: Vec<Line>,
    ) -> Result<Self, SaleError> {
        let (total, tax) = Self::add_up(&lines, currency)?;
        if !total.is_positive() {
            return Err(SaleError::NothingToPay);
        }
        Ok(Self { store, at, lines, total, tax, cashier: None })
    }

    /// The same sale, served by that person.
    #[must_use]
    pub fn served_by(self, cashier: Option<Cashier>) -> Self {
        Self { cashier, ..self }
    }

    /// Whether the sale is what it says: the server checks what a till sent.
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), SaleError> {
        let (total, tax) = Self::add_up(&self.lines, self.total.currency)?;
        if total != self.total {
            return Err(SaleError::TotalDiffers { computed: total, stated: self.total });
        }
        if tax != self.tax {
            return Err(SaleError::TotalDiffers { computed: tax, stated: self.tax });
        }
        if !total.is_positive() {
            return Err(SaleError::NothingToPay);
        }
        Ok(())
    }

    fn add_up(lines: &[Line], currency: Currency) -> Result<(Amount, Amount), SaleError> {
        if lines.is_empty() {
            return Err(SaleError::Empty);
        }
        if lines.len() > Self::MAX_LINES {
            return Err(SaleError::TooManyLines(lines.len()));
        }
        let mut total = Amount::zero(currency);
        let mut tax = Amount::zero(currency);
        for (index, line) in lines.iter().enumerate() {
            line.check().map_err(|error| SaleError::Line(index + 1, error))?;
            total = total.checked_add(line.total)?;
            tax = tax.checked_add(line.tax().map_err(|error| SaleError::Line(index + 1, error))?)?;
        }
        Ok((total, tax))
    }
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
