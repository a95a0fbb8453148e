//! What an authentic reply means for money: one exhaustive match per call over the documented words.
//!
//! The rule in doubt: unknown. A word counts as a definite "no" only where it proves that nothing was charged
//! under this number, and never will be.

use super::error_code::ErrorCode as E;
use super::wire::{Reply, Unusable};
use crate::channel::words;
use crate::channel::{ChannelRefund, ChannelRefundOutcome as Refunded, Charge};
use evertill_shared::id::ChannelNumber;
use evertill_shared::money::{Amount, Currency};
use evertill_shared::payment::{DeclineReason, PayOutcome, QueryOutcome, ReverseOutcome};

/// A payment has no more refunds than this.
const MOST_REFUNDS: i64 = 50;

/// What the reply to a pay call proves.
/// # Errors
/// It is about something else than was asked.
pub fn pay(reply: &Reply, charge: &Charge) -> Result<PayOutcome, Unusable> {
    let Some(error) = reply.error else {
        reply.same("out_trade_no", charge.number.as_str())?;
        reply.same_amount("total_fee", "fee_type", charge.amount)?;
        return Ok(PayOutcome::ConfirmedSuccess { transaction: reply.transaction()? });
    };
    reply.same_if_there("out_trade_no", charge.number.as_str())?;
    let declined = |reason| Ok(PayOutcome::ConfirmedFailure(reason));
    match error {
        E::UserPaying => Ok(PayOutcome::Waiting),
        E::AuthCodeExpired | E::AuthCodeError | E::AuthCodeInvalid => declined(DeclineReason::CodeExpired),
        E::NotEnough => declined(DeclineReason::NotEnoughFunds),
        E::CardNotSupported => declined(DeclineReason::CardNotAccepted),
        E::TradeError => declined(DeclineReason::LimitOrRisk),
        E::SignError
        | E::LackParams
        | E::ParamError
        | E::NotUtf8
        | E::XmlFormatError
        | E::RequirePost
        | E::PostDataEmpty
        | E::NoAuthority
        | E::AppIdNotExist
        | E::MerchantNotExist
        | E::AppMerchantMismatch => declined(DeclineReason::Configuration),
        // The number is known there already: it may be paid. Ask about it; never charge it again.
        E::OrderPaid
        | E::NumberUsed
        | E::OrderClosed
        | E::OrderReversed
        | E::BuyerMismatch
        | E::InvalidRequest => Ok(PayOutcome::Unknown),
        // It may have happened.
        E::SystemError | E::BankError => Ok(PayOutcome::Unknown),
        // Not words of this call: they prove nothing here.
        E::CertificateError
        | E::OrderNotExist
        | E::ReverseExpired
        | E::TradeStateError
        | E::InvalidTransaction
        | E::RetryLater
        | E::TradeOverdue
        | E::BusinessError
        | E::AccountAbnormal
        | E::TooManyRequests
        | E::FrequencyLimited
        | E::RefundMismatch
        | E::RefundNotExist
        | E::NotReady
        | E::Undocumented => Ok(PayOutcome::Unknown),
    }
}

/// Whether the reply says that the payment code is no good because it may have been used before.
#[must_use]
pub fn says_code_was_used(reply: &Reply) -> bool {
    reply.error == Some(E::AuthCodeInvalid)
}

/// What the reply to a question about an attempt proves.
/// # Errors
/// It is about something else than was asked.
pub fn query(reply: &Reply, number: &ChannelNumber, amount: Amount) -> Result<QueryOutcome, Unusable> {
    if let Some(error) = reply.error {
        reply.same_if_there("out_trade_no", number.as_str())?;
        return Ok(match error {
            E::OrderNotExist => QueryOutcome::NoSuchOrder,
            _ => QueryOutcome::Unknown,
        });
    }
    reply.same("out_trade_no", number.as_str())?;
    reply.same_if_there("total_fee", &amount.minor.to_string())?;
    Ok(match reply.get("trade_state").unwrap_or_default() {
        // Money that went back later does not make the payment unpaid: refunds are counted on their own.
        "SUCCESS" | "REFUND" => {
            reply.same_amount("total_fee", "fee_type", amount)?;
            QueryOutcome::Paid { transaction: reply.transaction()? }
        }
        "USERPAYING" | "ACCEPT" => QueryOutcome::Waiting,
        "NOTPAY" => QueryOutcome::NotPaid,
        "CLOSED" | "REVOKED" => QueryOutcome::Reversed,
        "PAYERROR" => QueryOutcome::Failed(DeclineReason::PaymentFailed),
        _ => QueryOutcome::Unknown,
    })
}

/// What the reply to a reversal proves.
/// # Errors
/// It is about something else than was asked.
pub fn reverse(reply: &Reply, number: &ChannelNumber) -> Result<ReverseOutcome, Unusable> {
    reply.same_if_there("out_trade_no", number.as_str())?;
    let again = reply.get("recall") == Some("Y");
    Ok(match reply.error {
        None if again => ReverseOutcome::Retry,
        None => ReverseOutcome::Reversed,
        Some(E::OrderNotExist) => ReverseOutcome::NoSuchOrder,
        Some(E::ReverseExpired) if !again => ReverseOutcome::TooLate,
        // Surely not taken back: while the customer types, or in a state that does not allow it.
        Some(
            E::UserPaying
            | E::TradeStateError
            | E::TradeError
            | E::ReverseExpired
            | E::InvalidTransaction
            | E::InvalidRequest
            | E::NotReady
            | E::FrequencyLimited,
        ) => ReverseOutcome::Retry,
        Some(_) if again => ReverseOutcome::Retry,
        Some(_) => ReverseOutcome::Unknown,
    })
}

/// What the reply to a refund proves. "Success" means accepted, not arrived.
/// # Errors
/// It is about something else than was asked.
pub fn refund(reply: &Reply, refund: &ChannelRefund) -> Result<Refunded, Unusable> {
    let Some(error) = reply.error else {
        reply.same("out_trade_no", refund.number.as_str())?;
        reply.same("out_refund_no", &refund.refund.0)?;
        reply.same_amount("total_fee", "fee_type", refund.paid)?;
        reply.same_amount("refund_fee", "refund_fee_type", refund.amount)?;
        return Ok(Refunded::Processing);
    };
    reply.same_if_there("out_refund_no", &refund.refund.0)?;
    Ok(match error {
        E::NotEnough
        | E::TradeOverdue
        | E::BusinessError
        | E::AccountAbnormal
        | E::OrderNotExist
        | E::InvalidTransaction
        | E::TradeStateError
        | E::ParamError
        | E::LackParams
        | E::NotUtf8
        | E::XmlFormatError
        | E::RequirePost
        | E::PostDataEmpty
        | E::NoAuthority
        | E::AppIdNotExist
        | E::MerchantNotExist
        | E::AppMerchantMismatch
        | E::SignError
        | E::CertificateError => Refunded::Refused(reply.words()),
        // A refund of this number may stand already, or may still come: ask, and send the same again.
        E::SystemError
        | E::BankError
        | E::RetryLater
        | E::TooManyRequests
        | E::FrequencyLimited
        | E::RefundMismatch
        | E::InvalidRequest
        | E::NotReady
        | E::UserPaying
        | E::TradeError
        | E::AuthCodeExpired
        | E::AuthCodeError
        | E::AuthCodeInvalid
        | E::CardNotSupported
        | E::OrderPaid
        | E::NumberUsed
        | E::OrderClosed
        | E::OrderReversed
        | E::BuyerMismatch
        | E::ReverseExpired
        | E::RefundNotExist
        | E::Undocumented => Refunded::Unknown,
    })
}

/// What the reply to a question about a refund proves.
/// # Errors
/// It is about something else than was asked.
pub fn query_refund(reply: &Reply, refund: &ChannelRefund) -> Result<Refunded, Unusable> {
    if let Some(error) = reply.error {
        return Ok(match error {
            E::RefundNotExist => Refunded::NoSuchRefund,
            _ => Refunded::Unknown,
        });
    }
    reply.same("out_trade_no", refund.number.as_str())?;
    reply.same_amount("total_fee", "fee_type", refund.paid)?;
    let found = (0..MOST_REFUNDS)
        .find(|n| reply.get(&format!("out_refund_no_{n}")) == Some(&refund.refund.0))
        .ok_or(Unusable::Mismatch("out_refund_no"))?;
    if reply.get(&format!("refund_fee_{found}")) != Some(&refund.amount.minor.to_string()) {
        return Err(Unusable::Mismatch("refund_fee"));
    }
    is_in_currency(reply, found, refund.amount.currency)?;
    Ok(match reply.get(&format!("refund_status_{found}")).unwrap_or_default() {
        "SUCCESS" => Refunded::Done,
        "REFUNDCLOSE" => Refunded::Closed(words::REFUND_CLOSED.into()),
        "PROCESSING" => Refunded::Processing,
        // The customer's card is gone. The money has left the merchant, so it is not refused; it arrives when somebody has
        // finished it in the wallet's merchant system.
        "CHANGE" => Refunded::NeedsAPerson(words::REFUND_STUCK.into()),
        _ => Refunded::Unknown,
    })
}

/// Each refund may name the currency it was made in.
fn is_in_currency(reply: &Reply, place: i64, currency: Currency) -> Result<(), Unusable> {
    let named = [reply.get(&format!("refund_fee_type_{place}")), reply.get("refund_fee_type")];
    match named.into_iter().flatten().all(|code| code == currency.code()) {
        true => Ok(()),
        false => Err(Unusable::Mismatch("refund_fee_type")),
    }
}

/// What the reply to a question about all refunds of a payment proves: how much of it surely went back. Nothing, where it says
/// nothing definite. Of very many refunds it may show a part: then more went back than this says.
/// # Errors
/// It is about something else than was asked.
pub fn went_back(reply: &Reply, number: &ChannelNumber, paid: Amount) -> Result<Option<Amount>, Unusable> {
    if let Some(error) = reply.error {
        reply.same_if_there("out_trade_no", number.as_str())?;
        let none = (error == E::RefundNotExist).then_some(Amount { minor: 0, ..paid });
        return Ok(none);
    }
    reply.same("out_trade_no", number.as_str())?;
    reply.same_amount("total_fee", "fee_type", paid)?;
    let mut back: i64 = 0;
    for place in 0..reply.count("refund_count", "refund_count")?.min(MOST_REFUNDS) {
        if reply.get(&format!("refund_status_{place}")) == Some("SUCCESS") {
            is_in_currency(reply, place, paid.currency)?;
            let one = reply.count(&format!("refund_fee_{place}"), "refund_fee")?;
            back = back.checked_add(one).ok_or(Unusable::Mismatch("refund_fee"))?;
        }
    }
    Ok(Some(Amount { minor: back, ..paid }))
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
