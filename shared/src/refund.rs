//! Refunds: who may give back how much of an order, and the life of one refund (rules *never-over*,
//! *same-till-same-day*).
//!
//! A refund is reserved when the manager asks for it, so that any number of managers and retries can never
//! give back more than was paid. It is carried out by the till that sold, and by no other.

use crate::business_day::BusinessDay;
use crate::clock::Timestamp;
use crate::id::{RefundId, TerminalId};
use crate::money::Amount;
use crate::order::OrderState;
use crate::order_number::OrderNumber;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where a refund stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// A manager asked for it; its amount is reserved; it waits for its till.
    Reserved,
    /// The till signed that it carries it out; the channel is being asked.
    Sent,
    /// The money went back.
    Done,
    /// Surely not done. What was reserved is free again.
    Refused,
    /// The channel's answer did not come; it is asked again under the same number. So a program reads a state of a newer
    /// one, too.
    #[serde(other)]
    Unknown,
}

impl RefundState {
    /// Every state there is.
    pub const ALL: [Self; 5] = [Self::Reserved, Self::Sent, Self::Unknown, Self::Done, Self::Refused];

    /// Whether nothing more can happen to it.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Refused)
    }

    /// Whether its amount counts against what was paid.
    #[must_use]
    pub fn holds_money(self) -> bool {
        self != Self::Refused
    }

    /// The word in the database.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reserved => "reserved",
            Self::Sent => "sent",
            Self::Unknown => "unknown",
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }

    /// Reads the word in the database.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// What may happen to a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundEvent {
    /// The till signed that it carries it out.
    CarriedOut,
    /// The money surely went back.
    Confirmed,
    /// The channel surely refused, or the request was withdrawn before the till took it.
    Refused,
    /// No definite answer.
    NoAnswer,
    /// The wallet says that it has the request and works on it: it will be done.
    UnderWay,
}

/// The refund cannot do that where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a refund that is {state:?} cannot take {event:?}")]
pub struct RefundMisstep {
    /// Where it stands.
    pub state: RefundState,
    /// What was reported.
    pub event: RefundEvent,
}

impl RefundState {
    /// The state after `event`.
    /// # Errors
    /// The event is not possible from here; a final state is never reopened.
    pub fn on(self, event: RefundEvent) -> Result<Self, RefundMisstep> {
        use RefundEvent as E;
        match (self, event) {
            (Self::Reserved | Self::Sent, E::CarriedOut) => Ok(Self::Sent),
            // A repeated order to carry out changes nothing: the same number is asked about.
            (Self::Unknown, E::CarriedOut | E::NoAnswer | E::UnderWay)
            | (Self::Sent, E::NoAnswer | E::UnderWay) => Ok(Self::Unknown),
            (Self::Done, E::CarriedOut | E::Confirmed) | (Self::Sent | Self::Unknown, E::Confirmed) => {
                Ok(Self::Done)
            }
            (Self::Reserved | Self::Sent | Self::Unknown | Self::Refused, E::Refused) => Ok(Self::Refused),
            _ => Err(RefundMisstep { state: self, event }),
        }
    }

    /// What a refund is that was taken for refused, though the wallet says now that the money went back, or will: an
    /// earlier request under its number was carried out late. It must hold its money again.
    #[must_use]
    pub fn taken_up_again(self, event: RefundEvent) -> Option<Self> {
        match (self, event) {
            (Self::Refused, RefundEvent::Confirmed) => Some(Self::Done),
            (Self::Refused, RefundEvent::UnderWay) => Some(Self::Unknown),
            _ => None,
        }
    }
}

/// Whether the wallet's "refused" is the last word about a refund's number. It is of the one request that it answers; an
/// earlier one under the same number, whose answer did not come, may be on its way still, and be carried out. `asked_at`
/// is when the latest of those was sent; no request lives longer than `alive`.
#[must_use]
pub fn refusal_is_final(asked_at: Option<Timestamp>, now: Timestamp, alive: Duration) -> bool {
    asked_at.is_none_or(|at| now.since(at) >= alive)
}

/// What must be known of an order to decide about a refund. All of it comes from the order's own group, in
/// the transaction that reserves (rule *no-guess-from-copies*).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refundable {
    /// Where the order stands.
    pub state: OrderState,
    /// Which till sold.
    pub terminal: TerminalId,
    /// On which business day of the store.
    pub business_day: BusinessDay,
    /// What was paid.
    pub paid: Amount,
    /// What refunds that are not refused hold already.
    pub held: Amount,
}

/// A request to give money back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRequest {
    /// How much.
    pub amount: Amount,
    /// The business day at the moment the server received the request, by the server's clock. Decided once.
    pub received_on: BusinessDay,
}

/// Why a refund is refused. Each has its own words for the person who asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reason")]
pub enum RefundRefused {
    /// There is nothing to give back.
    #[error("the order is not paid, so there is nothing to refund")]
    NotPaid,
    /// Yesterday's order.
    #[error("the order is of {sold_on}, today is {today}: refund it in the wallet's own merchant system")]
    AnotherDay {
        /// The order's business day.
        sold_on: BusinessDay,
        /// The day on which it was asked.
        today: BusinessDay,
    },
    /// More than is left.
    #[error("{asked} was asked for, only {left} of the order is left to refund")]
    TooMuch {
        /// What was asked for.
        asked: Amount,
        /// What may still be refunded.
        left: Amount,
    },
    /// Zero or less, or another currency.
    #[error("the amount must be more than zero, in the order's own currency")]
    BadAmount,
    /// Another till tries to carry it out.
    #[error("only {sold_at} may carry out this refund: it sold the order")]
    AnotherTill {
        /// The till that sold.
        sold_at: TerminalId,
    },
    /// The manager withdrew the request, or the day ended before the till took it.
    #[error("the refund was withdrawn")]
    Withdrawn,
    /// The channel surely refused.
    #[error("the wallet refused the refund: {message}")]
    ByChannel {
        /// The wallet's own words.
        message: String,
    },
    /// For a reason that only a newer program knows.
    #[error("the refund is refused for a reason that this program does not know: bring it up to date")]
    #[serde(other)]
    NotKnownHere,
}

impl Refundable {
    /// Whether the refund may be reserved (rules *never-over*, *same-till-same-day*).
    /// # Errors
    /// Why not.
    pub fn may_reserve(&self, request: &RefundRequest) -> Result<(), RefundRefused> {
        if self.state != OrderState::Paid {
            return Err(RefundRefused::NotPaid);
        }
        if !request.amount.is_positive() || request.amount.currency != self.paid.currency {
            return Err(RefundRefused::BadAmount);
        }
        if request.received_on != self.business_day {
            return Err(RefundRefused::AnotherDay { sold_on: self.business_day, today: request.received_on });
        }
        let left = self.left().ok_or(RefundRefused::BadAmount)?;
        if request.amount.minor > left.minor {
            return Err(RefundRefused::TooMuch { asked: request.amount, left });
        }
        Ok(())
    }

    /// Whether that till may carry out a refund of this order.
    /// # Errors
    /// It is not the till that sold.
    pub fn may_carry_out(&self, terminal: TerminalId) -> Result<(), RefundRefused> {
        if terminal == self.terminal {
            Ok(())
        } else {
            Err(RefundRefused::AnotherTill { sold_at: self.terminal })
        }
    }

    /// What may still be given back; `None` if the books hold nonsense.
    #[must_use]
    pub fn left(&self) -> Option<Amount> {
        self.paid.checked_sub(self.held).ok()
    }
}

/// What some pieces of a line cost of what was paid for all of them: never more, and together all of it. Nothing if so
/// many were not sold.
#[must_use]
pub fn share_of_line(total: Amount, quantity: u32, pieces: u32) -> Option<Amount> {
    if pieces > quantity || quantity == 0 {
        return None;
    }
    let share = i128::from(total.minor) * i128::from(pieces) / i128::from(quantity);
    Some(Amount::new(i64::try_from(share).ok()?, total.currency))
}

/// One refund, as managers and tills see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// Its number; the channel sees the same one at every retry.
    pub id: RefundId,
    /// Of which order.
    pub order: OrderNumber,
    /// How much.
    pub amount: Amount,
    /// Where it stands.
    pub state: RefundState,
    /// Who asked.
    pub requested_by: String,
    /// Why.
    pub reason: String,
    /// When the server received the request.
    pub requested_at: Timestamp,
    /// Why it was refused, if it was.
    pub refused: Option<RefundRefused>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;
    use proptest::prelude::*;

    const EVENTS: [RefundEvent; 5] = [
        RefundEvent::CarriedOut,
        RefundEvent::Confirmed,
        RefundEvent::Refused,
        RefundEvent::NoAnswer,
        RefundEvent::UnderWay,
    ];

    fn cny(minor: i64) -> Amount {
        Amount::new(minor, Currency::CNY)
    }

    fn day(text: &str) -> BusinessDay {
        serde_json::from_value(serde_json::Value::from(text)).unwrap()
    }

    fn order(paid: i64, held: i64) -> Refundable {
        Refundable {
            state: OrderState::Paid,
            terminal: TerminalId::try_from(3).unwrap(),
            business_day: day("2026-11-20"),
            paid: cny(paid),
            held: cny(held),
        }
    }

    fn ask(amount: i64, on: &str) -> RefundRequest {
        RefundRequest { amount: cny(amount), received_on: day(on) }
    }

    #[test]
    fn never_more_than_is_left() {
        assert_eq!(order(1000, 400).may_reserve(&ask(600, "2026-11-20")), Ok(()));
        let refused = order(1000, 400).may_reserve(&ask(601, "2026-11-20"));
        assert_eq!(refused, Err(RefundRefused::TooMuch { asked: cny(601), left: cny(600) }));
        assert_eq!(order(1000, 0).may_reserve(&ask(0, "2026-11-20")), Err(RefundRefused::BadAmount));
        assert_eq!(order(1000, 0).may_reserve(&ask(-5, "2026-11-20")), Err(RefundRefused::BadAmount));
    }

    #[test]
    fn yesterdays_and_tomorrows_orders_are_refused() {
        for on in ["2026-11-19", "2026-11-21"] {
            let refused = order(1000, 0).may_reserve(&ask(1, on));
            assert!(matches!(refused, Err(RefundRefused::AnotherDay { .. })), "{on}");
        }
    }

    #[test]
    fn only_the_till_that_sold_may_carry_out() {
        let order = order(1000, 0);
        assert_eq!(order.may_carry_out(order.terminal), Ok(()));
        let other = TerminalId::try_from(4).unwrap();
        assert_eq!(order.may_carry_out(other), Err(RefundRefused::AnotherTill { sold_at: order.terminal }));
    }

    #[test]
    fn a_refusal_is_final_once_nothing_can_be_on_its_way_any_more() {
        let (alive, at) = (Duration::from_secs(120), Timestamp(1_000_000));
        assert!(refusal_is_final(None, at, alive), "the first request, and it was answered");
        for (later, is_final) in [(0, false), (119, false), (120, true)] {
            assert_eq!(refusal_is_final(Some(at), at.plus(Duration::from_secs(later)), alive), is_final);
        }
        assert!(!refusal_is_final(Some(at), Timestamp(0), alive), "the clock was set back");
    }

    #[test]
    fn an_unpaid_order_has_nothing_to_refund() {
        let unpaid = Refundable { state: OrderState::Adopted, ..order(1000, 0) };
        assert_eq!(unpaid.may_reserve(&ask(1, "2026-11-20")), Err(RefundRefused::NotPaid));
    }

    #[test]
    fn pieces_of_a_line_cost_no_more_than_the_line() {
        let cny = |minor| Amount::new(minor, Currency::CNY);
        assert_eq!(share_of_line(cny(1000), 3, 1), Some(cny(333)));
        assert_eq!(share_of_line(cny(1000), 3, 3), Some(cny(1000)));
        assert_eq!(share_of_line(cny(1000), 3, 0), Some(cny(0)));
        assert_eq!((share_of_line(cny(1000), 3, 4), share_of_line(cny(1000), 0, 0)), (None, None));
    }

    proptest! {
        #[test]
        fn never_over_shares_of_a_line_stay_within_it(
            total in 0_i64..i64::MAX, quantity in 1_u32..1000, a in 0_u32..1000, b in 0_u32..1000,
        ) {
            let total = Amount::new(total, Currency::CNY);
            if let (Some(one), Some(other)) = (share_of_line(total, quantity, a), share_of_line(total, quantity, b)) {
                prop_assert!(a > b || one.minor <= other.minor);
                if a + b <= quantity {
                    prop_assert!(i128::from(one.minor) + i128::from(other.minor) <= i128::from(total.minor));
                }
            }
        }

        /// Against a reference: any sequence of reports leaves a refund either holding its money or surely
        /// refused, and nothing reopens an end.
        #[test]
        fn a_final_refund_never_changes(events in prop::collection::vec(0_usize..5, 0..30)) {
            let mut state = RefundState::Reserved;
            let mut ended = None;
            for event in events {
                if let Ok(next) = state.on(EVENTS[event]) {
                    state = next;
                }
                if let Some(end) = ended {
                    prop_assert_eq!(state, end);
                } else if state.is_final() {
                    ended = Some(state);
                }
            }
        }

        /// Any number of racing requests, each decided on the books as they then stand.
        #[test]
        fn reservations_never_exceed_what_was_paid(paid in 1_i64..5_000, asks in prop::collection::vec(-5_i64..2_000, 0..64)) {
            let mut order = order(paid, 0);
            for amount in asks {
                if order.may_reserve(&ask(amount, "2026-11-20")).is_ok() {
                    order.held = order.held.checked_add(cny(amount)).unwrap();
                }
                prop_assert!(order.held.minor <= paid);
            }
        }
    }
}
