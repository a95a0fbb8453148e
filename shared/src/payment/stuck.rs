//! When a person may say that money which is to go back by itself has gone back in another way.

use crate::money::Amount;
use std::time::Duration;

/// A refusal may pass, as that of an account without money does: so long it is left to the program.
const REFUSED_FOR: Duration = Duration::from_secs(3_600);
/// So long silence, or an answer that settles nothing, is left to the program.
const SILENT_FOR: Duration = Duration::from_secs(24 * 3_600);

/// What is known of money that is to go back by itself and has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// The wallet has taken it in and hands it to nobody.
    pub by_hand: bool,
    /// The wallet has said in words that it would not.
    pub is_refused: bool,
    /// How long it has been open.
    pub open_for: Duration,
}

impl Stuck {
    /// Whether a person may finish it. All of a payment goes back or nothing, and no wallet gives back more than it took: a
    /// request of ours that is still on its way cannot reach the customer beside what the person did.
    #[must_use]
    pub fn may_be_finished(self) -> bool {
        self.by_hand || self.open_for >= SILENT_FOR || self.is_refused && self.open_for >= REFUSED_FOR
    }
}

/// Whether all that was paid has gone back already, by what the wallet says of all refunds of the payment, whoever asked for
/// them. A part is not all: the rest is a person's.
#[must_use]
pub fn is_all_back(went_back: Option<Amount>, paid: Amount) -> bool {
    went_back
        .is_some_and(|back| back.currency == paid.currency && paid.is_positive() && back.minor >= paid.minor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn what_the_wallet_refuses_or_never_answers_a_person_may_finish_after_a_while() {
        let stuck = |by_hand, is_refused, minutes: u64| {
            let open_for = Duration::from_secs(60 * minutes);
            Stuck { by_hand, is_refused, open_for }.may_be_finished()
        };
        assert!(stuck(true, false, 0), "the wallet hands it to nobody");
        assert!(!stuck(false, true, 59) && stuck(false, true, 60));
        assert!(!stuck(false, false, 24 * 60 - 1) && stuck(false, false, 24 * 60));
    }

    #[test]
    fn only_all_of_it_is_back_and_silence_is_nothing() {
        let cny = |minor| Amount::new(minor, Currency::CNY);
        let dollars = Amount::new(700, "USD".parse().unwrap());
        assert!(is_all_back(Some(cny(700)), cny(700)));
        for other in [None, Some(cny(0)), Some(cny(699)), Some(dollars)] {
            assert!(!is_all_back(other, cny(700)), "{other:?}");
        }
        assert!(!is_all_back(Some(cny(0)), cny(0)), "nothing was paid");
    }
}
