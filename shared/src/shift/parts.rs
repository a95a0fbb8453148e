//! What is in a drawer of sales that are not paid yet, by the entries that a till hands in: whoever asks for the rest of such a
//! sale names that sum, and the drawer's own entries must say the same.
//!
//! Nothing is refused here: what a till has signed has happened. What does not agree is said ([`PartDoubt`]).

use crate::journal::{Body, Entry, Settled};
use crate::money::Amount;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The parts in cash that are in a drawer, by the sequence of their sale's entry. One that went back is not in it.
pub type Parts = BTreeMap<u64, Amount>;

/// An entry names another sum of cash for a sale than the entries before it brought into the drawer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartDoubt {
    /// The sequence of the sale's entry.
    pub sale: u64,
    /// What the entry says that is in the drawer for it, or goes back.
    pub said: Amount,
    /// What is there by the entries before.
    pub held: Amount,
}

/// What an entry says of the cash part of a sale.
enum Says {
    /// So much is taken.
    Taken(Amount),
    /// So much goes back.
    Back(Amount),
    /// So much is there; nothing if the entry knows of no part. The sale goes on.
    Holds(Option<Amount>),
    /// The same, and the sale has come to its end.
    HeldToTheEnd(Option<Amount>),
    /// The sale is paid; what it held was said before.
    Paid,
}

fn says(body: &Body) -> Option<(u64, Says)> {
    Some(match body {
        Body::CashPart { sale, amount, .. } => (*sale, Says::Taken(*amount)),
        // It stays in the drawer, but for no sale any more.
        Body::CashPartBack { sale, amount, .. } | Body::CashPartKept { sale, amount, .. } => {
            (*sale, Says::Back(*amount))
        }
        Body::RestRequested { sale, cash, .. } => (*sale, Says::Holds(Some(*cash))),
        Body::CashRest { sale, part, .. } => (*sale, Says::HeldToTheEnd(Some(*part))),
        Body::PaymentRequested { sale, .. } => (*sale, Says::Holds(None)),
        Body::CashTaken { sale, .. } | Body::SaleVoided { sale } | Body::SaleChanged { sale } => {
            (*sale, Says::HeldToTheEnd(None))
        }
        Body::PaymentSettled { sale, outcome: Settled::Paid { .. }, .. } => (*sale, Says::Paid),
        // Named one by one: whoever adds an entry that moves such a part has to say so here.
        Body::PaymentSettled { outcome: Settled::Declined { .. } | Settled::Reversed, .. }
        | Body::Opened { .. }
        | Body::Sale(_)
        | Body::Adopted { .. }
        | Body::CartVoided { .. }
        | Body::RefundCarriedOut { .. }
        | Body::CashRefund { .. }
        | Body::RefundSettled { .. }
        | Body::DrawerOpened { .. }
        | Body::ShiftOpened { .. }
        | Body::CashPaidIn { .. }
        | Body::CashPaidOut { .. }
        | Body::ShiftClosed(_) => return None,
    })
}

/// Brings the parts forward by an entry. What comes back is in doubt: the entry says otherwise than those before it.
pub fn follow_parts(parts: &mut Parts, entry: &Entry) -> Option<PartDoubt> {
    let (sale, says) = says(&entry.body)?;
    let held = parts.get(&sale).copied();
    match says {
        Says::Taken(amount) => {
            // There is one at a time; what two come to no rest can name.
            let both = held.map_or(Ok(amount), |held| held.checked_add(amount));
            parts.insert(sale, both.unwrap_or(amount));
            None
        }
        Says::Back(amount) => {
            let left = held.and_then(|held| held.checked_sub(amount).ok()).filter(|left| left.is_positive());
            match left {
                Some(left) => parts.insert(sale, left),
                None => parts.remove(&sale),
            };
            doubt(sale, Some(amount), held)
        }
        Says::Holds(said) => doubt(sale, said, held),
        Says::HeldToTheEnd(said) => {
            parts.remove(&sale);
            doubt(sale, said, held)
        }
        Says::Paid => {
            parts.remove(&sale);
            None
        }
    }
}

fn doubt(sale: u64, said: Option<Amount>, held: Option<Amount>) -> Option<PartDoubt> {
    let currency = said.or(held)?.currency;
    let none = Amount::zero(currency);
    let (said, held) = (said.unwrap_or(none), held.unwrap_or(none));
    (said != held).then_some(PartDoubt { sale, said, held })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::id::{ChannelNumber, SaleKey, StoreId, TerminalId};
    use crate::journal::EntryHash;
    use crate::money::Currency;
    use crate::order_number::OrderNumber;
    use crate::wallet::Wallet;
    use proptest::prelude::*;

    fn yuan(minor: i64) -> Amount {
        Amount::new(minor, Currency::CNY)
    }

    fn terminal() -> TerminalId {
        TerminalId::try_from(1).unwrap()
    }

    fn entry(body: Body) -> Entry {
        let (epoch, sequence, previous) = (1, 9, EntryHash::NONE);
        Entry { terminal: terminal(), epoch, sequence, previous, at: Timestamp(7), body }
    }

    /// As an older till writes it, so that whatever is added to these entries changes nothing here.
    fn body(kind: &str, sale: u64, minor: i64) -> Body {
        let amount = serde_json::json!({ "minor": minor, "currency": "CNY" });
        serde_json::from_value(serde_json::json!({ "kind": kind, "sale": sale, "amount": amount })).unwrap()
    }

    fn part(sale: u64, minor: i64) -> Body {
        body("cash_part", sale, minor)
    }

    fn back(sale: u64, minor: i64) -> Body {
        body("cash_part_back", sale, minor)
    }

    /// The wallet is asked for 300, with so much in the drawer; nothing for the whole.
    fn asked(sale: u64, cash: Option<i64>) -> Body {
        let at = Timestamp(1_763_647_387_123);
        let number = OrderNumber::new(at, 48_151, 92.try_into().unwrap()).unwrap();
        let key = SaleKey { terminal: terminal(), epoch: 1, sequence: sale };
        let channel_number = ChannelNumber::new(StoreId::try_from(7).unwrap(), key, 1);
        let (attempt, wallet, amount) = (1, Wallet::WeChatPay, yuan(300));
        match cash.map(yuan) {
            Some(cash) => Body::RestRequested { sale, number, attempt, wallet, channel_number, amount, cash },
            None => Body::PaymentRequested { sale, number, attempt, wallet, channel_number, amount },
        }
    }

    fn rest(sale: u64, part: i64) -> Body {
        Body::CashRest { sale, given: yuan(300), change: yuan(0), part: yuan(part) }
    }

    fn paid(sale: u64) -> Body {
        let outcome = Settled::Paid { transaction: "T".into() };
        Body::PaymentSettled { sale, attempt: 1, outcome }
    }

    fn declined(sale: u64) -> Body {
        let outcome = Settled::Reversed;
        Body::PaymentSettled { sale, attempt: 1, outcome }
    }

    /// What is doubted of these entries, by said and held; and what is in the drawer after them.
    fn told(bodies: Vec<Body>) -> (Vec<(i64, i64)>, Parts) {
        let mut parts = Parts::new();
        let mut doubts = Vec::new();
        for body in bodies {
            doubts.extend(follow_parts(&mut parts, &entry(body)));
        }
        (doubts.into_iter().map(|doubt| (doubt.said.minor, doubt.held.minor)).collect(), parts)
    }

    #[test]
    fn nothing_is_in_doubt_where_the_drawer_holds_what_the_rest_names() {
        let stories = [
            vec![part(2, 200), asked(2, Some(200)), paid(2)],
            vec![part(2, 200), asked(2, Some(200)), declined(2), rest(2, 200)],
            vec![part(2, 200), asked(2, Some(200)), declined(2), back(2, 200), asked(2, None), paid(2)],
            vec![part(2, 200), back(2, 200), part(2, 100), asked(2, Some(100)), paid(2)],
            vec![part(2, 200), back(2, 200), Body::SaleVoided { sale: 2 }],
            vec![part(2, 200), body("cash_part_kept", 2, 200)],
            vec![asked(2, None), declined(2), Body::CashTaken { sale: 2, given: yuan(9), change: yuan(1) }],
        ];
        for story in stories {
            let (doubts, parts) = told(story.clone());
            assert!(doubts.is_empty() && parts.is_empty(), "{story:?}: {doubts:?} {parts:?}");
        }
        let (doubts, parts) = told(vec![part(2, 200), part(5, 70), asked(5, Some(70)), declined(5)]);
        assert_eq!((doubts, parts), (vec![], Parts::from([(2, yuan(200)), (5, yuan(70))])));
    }

    #[test]
    fn a_rest_that_names_a_sum_that_the_drawer_does_not_hold_is_in_doubt() {
        for (story, doubt) in [
            (vec![asked(2, Some(200))], (200, 0)),
            (vec![rest(2, 200)], (200, 0)),
            (vec![part(2, 100), asked(2, Some(200))], (200, 100)),
            (vec![part(2, 100), rest(2, 200)], (200, 100)),
            (vec![part(3, 200), asked(2, Some(200))], (200, 0)),
            // It went back in between, as the entry that is sent beside the request cannot show.
            (vec![part(2, 200), back(2, 200), asked(2, Some(200))], (200, 0)),
            (vec![part(2, 200), part(2, 100), asked(2, Some(200))], (200, 300)),
            (vec![part(2, 200), asked(2, Some(200)), rest(2, 200), rest(2, 200)], (200, 0)),
            // And cash that is there, and nobody says so.
            (vec![part(2, 200), asked(2, None)], (0, 200)),
            (vec![part(2, 200), Body::SaleVoided { sale: 2 }], (0, 200)),
            (vec![part(2, 200), Body::SaleChanged { sale: 2 }], (0, 200)),
            // What goes back was never there, or is another sum.
            (vec![back(2, 200)], (200, 0)),
            (vec![part(2, 200), body("cash_part_kept", 2, 100)], (100, 200)),
            (vec![part(2, 200), back(2, 150)], (150, 200)),
            (vec![part(2, 200), back(2, i64::MIN)], (i64::MIN, 200)),
        ] {
            assert_eq!(told(story.clone()).0, [doubt], "{story:?}");
        }
        let dollars = Body::CashRest {
            sale: 2,
            given: yuan(300),
            change: yuan(0),
            part: Amount::new(200, "USD".parse().unwrap()),
        };
        assert_eq!(told(vec![part(2, 200), dollars]).0, [(200, 200)], "of another currency");
    }

    proptest! {
        /// Whatever a till signs, cash is named only where it is, or somebody is told.
        #[test]
        fn whoever_names_cash_without_a_doubt_has_it(
            story in prop::collection::vec((0_u8..6, 1_i64..4), 0..40),
        ) {
            let (mut parts, mut held) = (Parts::new(), 0_i64);
            for (kind, minor) in story {
                let body = match kind {
                    0 => part(2, minor),
                    1 => back(2, minor),
                    2 => asked(2, Some(minor)),
                    3 => rest(2, minor),
                    4 => asked(2, None),
                    _ => paid(2),
                };
                let said = match kind { 1..4 => Some(minor), 4 => Some(0), _ => None };
                let doubt = follow_parts(&mut parts, &entry(body));
                prop_assert_eq!(doubt.is_some(), said.is_some_and(|said| said != held));
                held = match kind {
                    0 => held + minor,
                    1 => (held - minor).max(0),
                    3 | 5 => 0,
                    _ => held,
                };
                prop_assert_eq!(parts.get(&2).map_or(0, |part| part.minor), held);
            }
        }
    }
}
