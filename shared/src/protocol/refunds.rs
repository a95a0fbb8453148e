//! Refunds, between the server and the till that sold.

use crate::cashier::Cashier;
use crate::journal::SignedEntry;
use crate::money::Amount;
use crate::order::PaidBy;
use crate::refund::{Refund, RefundRefused};
use crate::secret::SecretText;
use serde::{Deserialize, Serialize};

/// A refund that waits for this till.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundOrder {
    /// The refund.
    pub refund: Refund,
    /// How the order was paid: the money goes back the same way.
    pub paid_by: PaidBy,
}

/// The answer to `GET /v1/refunds`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundInbox {
    /// Refunds to carry out, oldest first, and those whose end is not known yet.
    pub refunds: Vec<RefundOrder>,
    /// Groups that could not be asked: their refunds may be missing here.
    pub groups_unreachable: u32,
}

/// The till carries a refund out. May be repeated; the channel is asked under one number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CarryOutRefund {
    /// The entry [`crate::journal::Body::RefundCarriedOut`].
    pub carried_out: SignedEntry,
}

/// A refund is asked for at the till that sold, and approved there by somebody who may: the till only asks, the server
/// decides. Sent again with the same id it asks once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskRefundAtTill {
    /// Made by the till before it asks for the first time. 8 to 40 letters, digits or `-`.
    pub request: String,
    /// How much.
    pub amount: Amount,
    /// Why.
    pub reason: String,
    /// The login of whoever approves it: the refund stands under that name.
    pub approver: String,
    /// That person's PIN. Checked by the server, and kept nowhere.
    pub pin: SecretText,
    /// Who serves at the till, if anybody logs in there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cashier: Option<Cashier>,
}

/// The server's decision about a refund that a till asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum RefundAnswer {
    /// Its amount is reserved; the till may carry it out.
    Reserved {
        /// The refund, as it stands now.
        order: Box<RefundOrder>,
    },
    /// The rules forbid it.
    Refused {
        /// Why.
        why: RefundRefused,
    },
    /// The PIN is not the approver's. Nothing was reserved.
    WrongPin {
        /// So many tries are left before one has to wait.
        tries_left: u32,
    },
    /// Too many wrong PINs, of this person or at this till. Nothing was looked at.
    Wait {
        /// How long, in seconds.
        seconds: u64,
    },
    /// A refund was asked for under this id before, with another amount, reason or approver: that one stands, and this one
    /// had no effect.
    AskedBefore,
    /// Nobody of this login may approve refunds at tills: unknown, left, without a PIN or without the right.
    NotApprover,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn a_pin_that_approves_is_in_no_log() {
        let asked = AskRefundAtTill {
            request: "01234567".into(),
            amount: Amount::new(100, Currency::CNY),
            reason: "broken".into(),
            approver: "li".into(),
            pin: SecretText::new("4711".into()),
            cashier: None,
        };
        assert!(!format!("{asked:?} {asked:#?}").contains("4711"));
        let json = serde_json::to_string(&asked).unwrap();
        assert_eq!(serde_json::from_str::<AskRefundAtTill>(&json).unwrap(), asked);
    }

    #[test]
    fn each_answer_reads_back() {
        let today = "2026-11-20".parse().unwrap();
        let why = RefundRefused::AnotherDay { sold_on: "2026-11-19".parse().unwrap(), today };
        for answer in [
            RefundAnswer::Refused { why },
            RefundAnswer::Refused { why: RefundRefused::NotPaid },
            RefundAnswer::WrongPin { tries_left: 4 },
            RefundAnswer::Wait { seconds: 10 },
            RefundAnswer::AskedBefore,
            RefundAnswer::NotApprover,
        ] {
            let json = serde_json::to_string(&answer).unwrap();
            assert_eq!(serde_json::from_str::<RefundAnswer>(&json).unwrap(), answer, "{json}");
        }
    }
}
