//! Refunds, between the server and the till that sold.

use crate::cashier::Cashier;
use crate::clock::Timestamp;
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
    /// How the order was paid, or of one that was paid in parts the part that this refund is about: the money goes back the
    /// same way.
    pub paid_by: PaidBy,
    /// When the server asks the wallet again, while its end is not known. Servers from before this say nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
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
    /// The login of whoever approves it: the refund stands under that name. Empty where a code approves it.
    #[serde(default)]
    pub approver: String,
    /// That person's PIN. Checked by the server, and kept nowhere. Empty where a code approves it.
    #[serde(default = "no_pin")]
    pub pin: SecretText,
    /// The one-time code that a manager made in the console and that was scanned here: it says who approves it. Checked by
    /// the server, and kept nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<SecretText>,
    /// Who serves at the till, if anybody logs in there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cashier: Option<Cashier>,
    /// Nobody approves it here: a manager decides in the console. Only for servers that say that they take it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_console: bool,
}

fn no_pin() -> SecretText {
    SecretText::new(String::new())
}

/// What every code that approves something begins with: no goods, order, payment or person has such a code.
pub const APPROVAL_PREFIX: &str = "EVTA-";

/// Whether that may be a code that approves something, as it is scanned: the prefix, and four times five letters or digits.
#[must_use]
pub fn is_approval_code(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(APPROVAL_PREFIX) else { return false };
    let is_part =
        |part: &str| part.len() == 5 && part.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    rest.split('-').count() == 4 && rest.split('-').all(is_part)
}

/// The server's decision about a refund that a till asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "answer")]
pub enum RefundAnswer {
    /// Its amount is reserved; the till may carry it out.
    Reserved {
        /// The refund, as it stands now.
        order: Box<RefundOrder>,
        /// What goes back of the order's cash part beside it: a refund of its own, with a number of its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cash: Option<Box<RefundOrder>>,
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
    /// The code that was scanned approves nothing here. Nothing was reserved.
    CodeRefused {
        /// Why.
        why: CodeRefused,
    },
    /// It waits for a manager in the console. Nothing is reserved. Sent again, the same request asks how it stands.
    WaitsInConsole,
    /// A manager refused it in the console. Nothing was reserved.
    RefusedInConsole {
        /// The manager's name.
        by: String,
    },
    /// An answer of a newer program: whatever it says, what was asked for is not settled here.
    #[serde(other)]
    NotKnownHere,
}

/// Why a scanned code approves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeRefused {
    /// It is too old.
    Expired,
    /// It has approved something already.
    Used,
    /// It is for less.
    TooMuch,
    /// It is for another order.
    AnotherOrder,
    /// It is for another till.
    AnotherTill,
    /// Whoever made it has left, or may approve nothing any more.
    NotApprover,
    /// This store has made no such code. So a program reads a reason of a newer one, too.
    #[serde(other)]
    Unknown,
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
            code: Some(SecretText::new("EVTA-AAAAA-BBBBB-CCCCC-DDDDD".into())),
            cashier: None,
            in_console: false,
        };
        let printed = format!("{asked:?} {asked:#?}");
        assert!(!printed.contains("4711") && !printed.contains("AAAAA"));
        let json = serde_json::to_string(&asked).unwrap();
        assert_eq!(serde_json::from_str::<AskRefundAtTill>(&json).unwrap(), asked);
    }

    #[test]
    fn a_server_that_does_not_say_when_it_asks_again_is_understood_and_one_that_does_is_too() {
        let number =
            crate::order_number::OrderNumber::new(Timestamp(1_795_183_387_123), 1, 1.try_into().unwrap());
        let order = RefundOrder {
            refund: Refund {
                id: crate::id::RefundId("R1".into()),
                order: number.unwrap(),
                amount: Amount::new(100, Currency::CNY),
                state: crate::refund::RefundState::Unknown,
                requested_by: "Mei".into(),
                reason: "broken".into(),
                requested_at: Timestamp(0),
                refused: None,
            },
            paid_by: PaidBy::Wallet { wallet: crate::wallet::Wallet::Alipay, transaction: "42".into() },
            next_at: None,
        };
        let before = serde_json::to_string(&order).unwrap();
        assert!(!before.contains("next_at"), "{before}");
        assert_eq!(serde_json::from_str::<RefundOrder>(&before).unwrap(), order);
        let now = RefundOrder { next_at: Some(Timestamp(60_000)), ..order };
        let json = serde_json::to_string(&now).unwrap();
        assert_eq!(serde_json::from_str::<RefundOrder>(&json).unwrap(), now);
    }

    #[test]
    fn codes_that_approve_are_like_no_others() {
        assert!(is_approval_code("EVTA-ABCDE-FGH23-JKLMN-PQRST"));
        for other in
            ["EVTA-ABCDE-FGH23-JKLMN", "EVTA-abcde-FGH23-JKLMN-PQRST", "134567890123456789", "", "EVTA-"]
        {
            assert!(!is_approval_code(other), "{other}");
        }
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
            RefundAnswer::CodeRefused { why: CodeRefused::Expired },
        ] {
            let json = serde_json::to_string(&answer).unwrap();
            assert_eq!(serde_json::from_str::<RefundAnswer>(&json).unwrap(), answer, "{json}");
        }
    }
}
