//! What an authentic reply means for money: one exhaustive match per call over the documented words.
//!
//! The rule in doubt: unknown. A word counts as a definite "no" only where it proves that nothing was charged
//! under this number, and never will be.

use super::error_code::ErrorCode as E;
use super::wire::{Reply, Unusable, same, same_amount, same_if_there, text, transaction};
use crate::channel::bills::BillFailure;
use crate::channel::wechat::SubMerchant;
use crate::channel::words;
use crate::channel::{ChannelRefund, ChannelRefundOutcome as Refunded, Charge, ShownOrder};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::ChannelNumber;
use evertill_shared::money::Amount;
use evertill_shared::payment::{DeclineReason, PayOutcome, QueryOutcome, ReverseOutcome, ShownOutcome};
use serde_json::Value;
use std::time::Duration;

/// How long a code that the customer scans lives, whatever was asked for.
const CODE_LIFE: Duration = Duration::from_secs(2 * 60 * 60);

/// What every code that the wallet hands out begins with.
const CODE: &str = "weixin://";

/// Whom every answer must be addressed to.
#[derive(Clone, Copy, Debug)]
pub struct Us<'a> {
    /// Our app.
    pub app_id: &'a str,
    /// Our merchant number.
    pub merchant_id: &'a str,
    /// The shop that we act for, as a service provider.
    pub shop: Option<&'a SubMerchant>,
}

impl Us<'_> {
    /// Compares app and merchant with ours, and the shop.
    pub(super) fn addressed(self, said: &Value) -> Result<(), Unusable> {
        if let Some(shop) = self.shop {
            same(said, "/sp_appid", self.app_id)?;
            same(said, "/sp_mchid", self.merchant_id)?;
            same(said, "/sub_mchid", &shop.merchant_id)?;
            return shop.app_id.as_ref().map_or(Ok(()), |app| same_if_there(said, "/sub_appid", app));
        }
        same(said, "/appid", self.app_id)?;
        same(said, "/mchid", self.merchant_id)
    }
}

/// What the reply to the wish for a code proves. An answer holds nothing of the order: the code is one that was made
/// for somebody. So the till shows it, and what is paid is asked under our number.
/// # Errors
/// It is no code.
pub fn create(reply: &Reply, order: &ShownOrder, now: Timestamp) -> Result<ShownOutcome, Unusable> {
    match reply {
        Reply::Good(said) => {
            let content = text(said, "/code_url").filter(|code| {
                code.starts_with(CODE) && code.len() <= 512 && !code.contains(char::is_whitespace)
            });
            let content = content.ok_or(Unusable::Mismatch("/code_url"))?.to_owned();
            Ok(ShownOutcome::Code { content, until: order.until.min(now.plus(CODE_LIFE)) })
        }
        Reply::Error(code, _) => Ok(match code {
            code if code.is_configuration() => ShownOutcome::Refused(DeclineReason::Configuration),
            E::RuleLimit | E::TradeError | E::AccountError => {
                ShownOutcome::Refused(DeclineReason::LimitOrRisk)
            }
            // The number is known there already, or it is not said whether it is.
            _ => ShownOutcome::Unknown,
        }),
    }
}

/// What the reply to the charge of a code proves.
/// # Errors
/// It is about something else than was asked.
pub fn pay(reply: &Reply, charge: &Charge, us: Us<'_>) -> Result<PayOutcome, Unusable> {
    let declined = |reason| Ok(PayOutcome::ConfirmedFailure(reason));
    let code = match reply {
        Reply::Good(said) => return pay_answered(said, charge, us),
        Reply::Error(code, _) => *code,
    };
    match code {
        E::UserPaying => Ok(PayOutcome::Waiting),
        E::AuthCodeExpired | E::AuthCodeError | E::AuthCodeInvalid => declined(DeclineReason::CodeExpired),
        E::NotEnough | E::NotEnoughV2 => declined(DeclineReason::NotEnoughFunds),
        E::CardNotSupported => declined(DeclineReason::CardNotAccepted),
        E::TradeError | E::RuleLimit | E::AccountError => declined(DeclineReason::LimitOrRisk),
        E::SignError | E::ParamError | E::NoAuthority | E::MerchantNotExist | E::AppMerchantMismatch => {
            declined(DeclineReason::Configuration)
        }
        // The number is known there already: it may be paid. Ask about it; never charge it again.
        E::OrderPaid
        | E::NumberUsed
        | E::OrderClosed
        | E::OrderClosedV2
        | E::OrderReversed
        | E::BuyerMismatch
        | E::InvalidRequest => Ok(PayOutcome::Unknown),
        // It may have happened.
        E::SystemError | E::SystemErrorV2 | E::BankError | E::BankErrorV2 => Ok(PayOutcome::Unknown),
        // Not words of this call: they prove nothing here.
        E::UserAccountAbnormal
        | E::OrderNotExist
        | E::OrderNotExistV2
        | E::ResourceNotExists
        | E::ReverseExpired
        | E::TradeStateError
        | E::InvalidTransaction
        | E::TradeOverdue
        | E::FrequencyLimited
        | E::RateLimited
        | E::NoStatement
        | E::StatementCreating
        | E::Undocumented => Ok(PayOutcome::Unknown),
    }
}

/// Status 200 is not "paid": the state says so. "Waiting" may come with nothing but the state.
fn pay_answered(said: &Value, charge: &Charge, us: Us<'_>) -> Result<PayOutcome, Unusable> {
    same_if_there(said, "/out_trade_no", charge.number.as_str())?;
    match text(said, "/trade_state") {
        Some("SUCCESS") => {
            us.addressed(said)?;
            same(said, "/out_trade_no", charge.number.as_str())?;
            same_amount(said, "/amount/total", charge.amount)?;
            Ok(PayOutcome::ConfirmedSuccess { transaction: transaction(said)? })
        }
        Some("USERPAYING" | "ACCEPT") => Ok(PayOutcome::Waiting),
        _ => Ok(PayOutcome::Unknown),
    }
}

/// Whether the reply says that the payment code is no good because it may have been used before.
#[must_use]
pub fn says_code_was_used(reply: &Reply) -> bool {
    matches!(reply, Reply::Error(E::AuthCodeInvalid, _))
}

/// What the reply to a question about an order proves.
/// # Errors
/// It is about something else than was asked.
pub fn query(
    reply: &Reply,
    number: &ChannelNumber,
    amount: Amount,
    us: Us<'_>,
) -> Result<QueryOutcome, Unusable> {
    let said = match reply {
        Reply::Good(said) => said,
        Reply::Error(E::OrderNotExist | E::OrderNotExistV2 | E::ResourceNotExists, _) => {
            return Ok(QueryOutcome::NoSuchOrder);
        }
        Reply::Error(..) => return Ok(QueryOutcome::Unknown),
    };
    us.addressed(said)?;
    same(said, "/out_trade_no", number.as_str())?;
    if said.pointer("/amount/total").is_some() {
        same_amount(said, "/amount/total", amount)?;
    }
    Ok(match text(said, "/trade_state").unwrap_or_default() {
        // Money that went back later does not make the payment unpaid: refunds are counted on their own.
        "SUCCESS" | "REFUND" => {
            same_amount(said, "/amount/total", amount)?;
            QueryOutcome::Paid { transaction: transaction(said)? }
        }
        "USERPAYING" | "ACCEPT" => QueryOutcome::Waiting,
        "NOTPAY" => QueryOutcome::NotPaid,
        "CLOSED" | "REVOKED" => QueryOutcome::Reversed,
        "PAYERROR" => QueryOutcome::Failed(DeclineReason::PaymentFailed),
        _ => QueryOutcome::Unknown,
    })
}

/// Whether an order was made as a code that we show (and not by charging a customer's); nothing if the reply does not
/// say so.
/// # Errors
/// It is about something else than was asked.
pub fn was_shown(
    reply: &Reply,
    number: &ChannelNumber,
    amount: Amount,
    us: Us<'_>,
) -> Result<Option<bool>, Unusable> {
    let Reply::Good(said) = reply else { return Ok(None) };
    query(reply, number, amount, us)?;
    Ok(match text(said, "/trade_type") {
        Some("NATIVE") => Some(true),
        Some("MICROPAY") => Some(false),
        _ => None,
    })
}

/// What the reply to closing an order proves. It holds nothing of the order: whoever closes asks afterwards.
#[must_use]
pub fn close(reply: &Reply) -> ReverseOutcome {
    match reply {
        Reply::Good(Value::Null) => ReverseOutcome::Reversed,
        Reply::Good(_) => ReverseOutcome::Unknown,
        Reply::Error(code, _) => match code {
            E::OrderClosed | E::OrderClosedV2 => ReverseOutcome::Reversed,
            _ => not_taken_back(*code),
        },
    }
}

/// What the reply to a reversal proves.
/// # Errors
/// It is about something else than was asked.
pub fn reverse(reply: &Reply, number: &ChannelNumber, us: Us<'_>) -> Result<ReverseOutcome, Unusable> {
    match reply {
        Reply::Good(said) => {
            us.addressed(said)?;
            same(said, "/out_trade_no", number.as_str())?;
            Ok(ReverseOutcome::Reversed)
        }
        Reply::Error(E::ReverseExpired, _) => Ok(ReverseOutcome::TooLate),
        Reply::Error(code, _) => Ok(not_taken_back(*code)),
    }
}

fn not_taken_back(code: E) -> ReverseOutcome {
    match code {
        E::OrderNotExist | E::OrderNotExistV2 | E::ResourceNotExists => ReverseOutcome::NoSuchOrder,
        // Surely not taken back: while the customer pays, or in a state that does not allow it.
        E::UserPaying
        | E::OrderPaid
        | E::TradeStateError
        | E::TradeError
        | E::ReverseExpired
        | E::InvalidTransaction
        | E::InvalidRequest
        | E::FrequencyLimited
        | E::RateLimited => ReverseOutcome::Retry,
        _ => ReverseOutcome::Unknown,
    }
}

/// What the reply to a refund proves. Accepted is not arrived. A refusal is confirmed by asking before it counts,
/// because a refund of this number may stand all the same.
/// # Errors
/// It is about something else than was asked.
pub fn refund(reply: &Reply, refund: &ChannelRefund) -> Result<Refunded, Unusable> {
    let (code, words) = match reply {
        Reply::Good(said) => return refund_answered(said, refund),
        Reply::Error(code, words) => (*code, words),
    };
    Ok(match code {
        E::NotEnough
        | E::NotEnoughV2
        | E::UserAccountAbnormal
        | E::TradeOverdue
        | E::OrderNotExist
        | E::OrderNotExistV2
        | E::ResourceNotExists
        | E::TradeStateError
        | E::InvalidRequest
        | E::RuleLimit => Refunded::Refused(words.clone()),
        code if code.is_configuration() => Refunded::Refused(words.clone()),
        _ => Refunded::Unknown,
    })
}

/// What the reply to a question about a refund proves.
/// # Errors
/// It is about something else than was asked.
pub fn query_refund(reply: &Reply, refund: &ChannelRefund) -> Result<Refunded, Unusable> {
    match reply {
        Reply::Good(said) => refund_answered(said, refund),
        Reply::Error(E::ResourceNotExists, _) => Ok(Refunded::NoSuchRefund),
        Reply::Error(..) => Ok(Refunded::Unknown),
    }
}

fn refund_answered(said: &Value, refund: &ChannelRefund) -> Result<Refunded, Unusable> {
    same(said, "/out_trade_no", refund.number.as_str())?;
    same(said, "/out_refund_no", &refund.refund.0)?;
    same_amount(said, "/amount/total", refund.paid)?;
    same_amount(said, "/amount/refund", refund.amount)?;
    Ok(match text(said, "/status").unwrap_or_default() {
        "SUCCESS" => Refunded::Done,
        "CLOSED" => Refunded::Closed(words::REFUND_CLOSED.into()),
        "PROCESSING" => Refunded::Processing,
        // The customer's card is gone. The money has left the merchant, so it is not refused; it arrives when somebody has
        // finished it in the wallet's merchant system.
        "ABNORMAL" => Refunded::NeedsAPerson(words::REFUND_STUCK.into()),
        _ => Refunded::Unknown,
    })
}

/// Where a bill lies and what its bytes come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillAt {
    /// Path and query; the host that the answer names is never called.
    pub target: String,
    /// SHA-1 of the file, in hex.
    pub hash: String,
}

/// What the reply to the wish for a bill says.
/// # Errors
/// There is no bill, or not yet.
pub fn bill(reply: &Reply) -> Result<BillAt, BillFailure> {
    let said = match reply {
        Reply::Good(said) => said,
        Reply::Error(E::NoStatement | E::StatementCreating, _) => return Err(BillFailure::NotReady),
        Reply::Error(_, words) => return Err(BillFailure::NoAnswer(words.clone())),
    };
    let bad = |what: &str| BillFailure::Bad(format!("the answer's {what} is missing or not known"));
    if text(said, "/hash_type") != Some("SHA1") {
        return Err(bad("hash_type"));
    }
    let hex = |hash: &&str| hash.len() == 40 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    let hash = text(said, "/hash_value").filter(hex).ok_or_else(|| bad("hash_value"))?;
    let target = text(said, "/download_url").and_then(|url| {
        let (_, rest) = url.split_once("://")?;
        let target = &rest[rest.find('/')?..];
        let plain = target.len() <= 2048 && target.bytes().all(|b| b.is_ascii_graphic() && b != b'#');
        (plain && target.starts_with(super::wire::BILL_FILE)).then(|| target.to_owned())
    });
    Ok(BillAt { target: target.ok_or_else(|| bad("download_url"))?, hash: hash.to_ascii_lowercase() })
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
