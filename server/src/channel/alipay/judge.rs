//! What an authentic answer means for money: one exhaustive match per call over the documented words.
//!
//! The rule in doubt: unknown. A word counts as a definite "no" only where it proves that nothing was charged
//! under this number, and never will be.

use super::sub_code::{Code as C, SubCode as S};
use super::wire::{Reply, Unusable};
use crate::channel::{ChannelRefund, ChannelRefundOutcome as Refunded, Charge, ShownOrder};
use evertill_shared::id::ChannelNumber;
use evertill_shared::money::Amount;
use evertill_shared::payment::{DeclineReason, PayOutcome, QueryOutcome, ReverseOutcome, ShownOutcome};

/// What the answer to a pay call proves.
/// # Errors
/// It is about something else than was asked.
pub fn pay(reply: &Reply, charge: &Charge) -> Result<PayOutcome, Unusable> {
    let number = charge.number.as_str();
    if reply.code == C::Success {
        reply.same("out_trade_no", number)?;
        reply.same_amount("total_amount", charge.amount)?;
        return Ok(PayOutcome::ConfirmedSuccess { transaction: reply.transaction()? });
    }
    reply.same_if_there("out_trade_no", number)?;
    Ok(match reply.code {
        C::Success | C::Unknown | C::Undocumented => PayOutcome::Unknown,
        C::Waiting => PayOutcome::Waiting,
        C::NotAuthorised | C::MissingParameter | C::InvalidParameter | C::NotPermitted => {
            PayOutcome::ConfirmedFailure(DeclineReason::Configuration)
        }
        C::Business => declined(reply.sub_code).map_or(PayOutcome::Unknown, PayOutcome::ConfirmedFailure),
    })
}

/// Why surely nothing was charged, if the word proves that.
fn declined(word: S) -> Option<DeclineReason> {
    match word {
        S::AuthCodeInvalid => Some(DeclineReason::CodeExpired),
        S::BalanceNotEnough | S::CardNotEnough => Some(DeclineReason::NotEnoughFunds),
        S::BalanceSwitchedOff | S::WalletSwitchedOff | S::CodesSwitchedOff | S::NoInstrument => {
            Some(DeclineReason::CardNotAccepted)
        }
        S::CashierFailed | S::PaymentFailed | S::BuyerIsSeller | S::BuyerForbidden => {
            Some(DeclineReason::PaymentFailed)
        }
        S::Risk | S::TotalExceeded | S::DayLimit | S::MonthLimit | S::BuyerNotCertified => {
            Some(DeclineReason::LimitOrRisk)
        }
        S::InvalidParameter
        | S::AccessForbidden
        | S::ForbiddenWord
        | S::SellerLimit
        | S::SellerMonthLimit
        | S::SellerBlocked => Some(DeclineReason::Configuration),
        // It may have happened.
        S::SystemError | S::SystemErrorMisspelt => None,
        // The number is known there already: it may be paid. Ask about it; never charge it again.
        S::Inconsistent | S::TradePaid | S::TradeClosed | S::BuyerMismatch => None,
        // Not words of this call: they prove nothing here.
        S::TradeNotExist
        | S::TradeNotExistBare
        | S::CancelTooLate
        | S::CancelNotAllowed
        | S::RefundFee
        | S::SellerBalance
        | S::NotWholeTotal
        | S::TradeFinished
        | S::TradeStatus
        | S::Frozen
        | S::Discordant
        | S::RefundNotAllowed
        | S::Undocumented => None,
    }
}

/// Whether the answer says that the payment code is no good because it may have been used before.
#[must_use]
pub fn says_code_was_used(reply: &Reply) -> bool {
    reply.code == C::Business && reply.sub_code == S::AuthCodeInvalid
}

/// No real code is longer, and a longer one would be hard to scan.
const LONGEST_CODE: usize = 512;

/// What the answer to a request for a code proves.
/// # Errors
/// It is about something else than was asked, or holds no code.
pub fn precreate(reply: &Reply, order: &ShownOrder) -> Result<ShownOutcome, Unusable> {
    let number = order.number.as_str();
    if reply.code == C::Success {
        reply.same("out_trade_no", number)?;
        let code = reply.get("qr_code").ok_or(Unusable::Mismatch("qr_code"))?;
        if code.len() > LONGEST_CODE || !code.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(Unusable::Mismatch("qr_code"));
        }
        return Ok(ShownOutcome::Code { content: code.to_owned(), until: order.until });
    }
    reply.same_if_there("out_trade_no", number)?;
    Ok(match reply.code {
        C::Success | C::Waiting | C::Unknown | C::Undocumented => ShownOutcome::Unknown,
        C::NotAuthorised | C::MissingParameter | C::InvalidParameter | C::NotPermitted => {
            ShownOutcome::Refused(DeclineReason::Configuration)
        }
        C::Business => declined(reply.sub_code).map_or(ShownOutcome::Unknown, ShownOutcome::Refused),
    })
}

/// What the answer to a closing proves. "Yes" is believed only after a question has confirmed it; and any other word
/// but "no such trade" may mean that the customer was quicker.
/// # Errors
/// It is about something else than was asked.
pub fn close(reply: &Reply, number: &ChannelNumber) -> Result<ReverseOutcome, Unusable> {
    reply.same_if_there("out_trade_no", number.as_str())?;
    Ok(match (reply.code, reply.sub_code) {
        (C::Success, _) => ReverseOutcome::Reversed,
        (C::Business, S::TradeNotExist | S::TradeNotExistBare) => ReverseOutcome::NoSuchOrder,
        (C::Business, S::TradeStatus | S::TradePaid | S::TradeFinished | S::TradeClosed) => {
            ReverseOutcome::Retry
        }
        _ => ReverseOutcome::Unknown,
    })
}

/// What the answer to a question about an attempt proves.
/// # Errors
/// It is about something else than was asked.
pub fn query(reply: &Reply, number: &ChannelNumber, amount: Amount) -> Result<QueryOutcome, Unusable> {
    if reply.code != C::Success {
        reply.same_if_there("out_trade_no", number.as_str())?;
        return Ok(match (reply.code, reply.sub_code) {
            (C::Business, S::TradeNotExist | S::TradeNotExistBare) => QueryOutcome::NoSuchOrder,
            _ => QueryOutcome::Unknown,
        });
    }
    reply.same("out_trade_no", number.as_str())?;
    reply.get("total_amount").map_or(Ok(()), |_| reply.same_amount("total_amount", amount))?;
    Ok(match reply.get("trade_status").unwrap_or_default() {
        // Finished: paid, and too late for a refund.
        "TRADE_SUCCESS" | "TRADE_FINISHED" => {
            reply.same_amount("total_amount", amount)?;
            QueryOutcome::Paid { transaction: reply.transaction()? }
        }
        "WAIT_BUYER_PAY" => QueryOutcome::Waiting,
        // Never paid, or all of it went back: either way the customer is charged nothing.
        "TRADE_CLOSED" => QueryOutcome::Reversed,
        _ => QueryOutcome::Unknown,
    })
}

/// What the answer to a cancellation proves. "Yes" is believed only after a question has confirmed it, which also
/// settles a "yes" that names no action: then there was nothing to take back, or it did not work.
/// # Errors
/// It is about something else than was asked.
pub fn reverse(reply: &Reply, number: &ChannelNumber) -> Result<ReverseOutcome, Unusable> {
    reply.same_if_there("out_trade_no", number.as_str())?;
    let again = reply.get("retry_flag");
    if again == Some("Y") {
        return Ok(ReverseOutcome::Retry);
    }
    Ok(match reply.code {
        C::Success if again == Some("N") => ReverseOutcome::Reversed,
        C::Business => match reply.sub_code {
            S::TradeNotExist | S::TradeNotExistBare => ReverseOutcome::NoSuchOrder,
            S::CancelTooLate => ReverseOutcome::TooLate,
            // Surely not taken back: in a state that does not allow it, or without the money to give back.
            S::SellerBalance
            | S::TradeFinished
            | S::TradeStatus
            | S::Frozen
            | S::CancelNotAllowed
            | S::RefundFee
            | S::RefundNotAllowed => ReverseOutcome::Retry,
            S::SystemError
            | S::SystemErrorMisspelt
            | S::InvalidParameter
            | S::AccessForbidden
            | S::ForbiddenWord
            | S::AuthCodeInvalid
            | S::Inconsistent
            | S::TradePaid
            | S::TradeClosed
            | S::BalanceNotEnough
            | S::CardNotEnough
            | S::BalanceSwitchedOff
            | S::WalletSwitchedOff
            | S::CodesSwitchedOff
            | S::BuyerForbidden
            | S::DayLimit
            | S::MonthLimit
            | S::BuyerNotCertified
            | S::SellerLimit
            | S::SellerMonthLimit
            | S::SellerBlocked
            | S::NoInstrument
            | S::BuyerIsSeller
            | S::BuyerMismatch
            | S::CashierFailed
            | S::PaymentFailed
            | S::Risk
            | S::TotalExceeded
            | S::NotWholeTotal
            | S::Discordant
            | S::Undocumented => ReverseOutcome::Unknown,
        },
        C::Success
        | C::Waiting
        | C::Unknown
        | C::NotAuthorised
        | C::MissingParameter
        | C::InvalidParameter
        | C::NotPermitted
        | C::Undocumented => ReverseOutcome::Unknown,
    })
}

/// What the answer to a refund proves. It names the trade, not the refund, and how much has gone back of it in all:
/// so "yes" means that it was taken in, and a question about the refund itself must confirm it.
/// # Errors
/// It is about something else than was asked.
pub fn refund(reply: &Reply, refund: &ChannelRefund) -> Result<Refunded, Unusable> {
    if reply.code == C::Success {
        reply.same("out_trade_no", refund.number.as_str())?;
        let all = reply.amount("refund_fee")?;
        if all.currency != refund.amount.currency
            || !(refund.amount.minor..=refund.paid.minor).contains(&all.minor)
        {
            return Err(Unusable::Mismatch("refund_fee"));
        }
        return Ok(Refunded::Processing);
    }
    reply.same_if_there("out_trade_no", refund.number.as_str())?;
    Ok(match reply.code {
        C::Success | C::Waiting | C::Unknown | C::Undocumented => Refunded::Unknown,
        C::NotAuthorised | C::MissingParameter | C::InvalidParameter | C::NotPermitted => {
            Refunded::Refused(reply.words())
        }
        C::Business => match reply.sub_code {
            S::SellerBalance
            | S::NotWholeTotal
            | S::RefundFee
            | S::TradeNotExist
            | S::TradeNotExistBare
            | S::TradeFinished
            | S::TradeStatus
            | S::TradeClosed
            | S::Frozen
            | S::RefundNotAllowed
            | S::InvalidParameter
            | S::AccessForbidden
            | S::ForbiddenWord => Refunded::Refused(reply.words()),
            // A refund of this number may stand already, or may still come: ask, and send the same again.
            S::SystemError
            | S::SystemErrorMisspelt
            | S::CancelTooLate
            | S::CancelNotAllowed
            | S::Discordant
            | S::Inconsistent
            | S::TradePaid
            | S::AuthCodeInvalid
            | S::BalanceNotEnough
            | S::CardNotEnough
            | S::BalanceSwitchedOff
            | S::WalletSwitchedOff
            | S::CodesSwitchedOff
            | S::BuyerForbidden
            | S::DayLimit
            | S::MonthLimit
            | S::BuyerNotCertified
            | S::SellerLimit
            | S::SellerMonthLimit
            | S::SellerBlocked
            | S::NoInstrument
            | S::BuyerIsSeller
            | S::BuyerMismatch
            | S::CashierFailed
            | S::PaymentFailed
            | S::Risk
            | S::TotalExceeded
            | S::Undocumented => Refunded::Unknown,
        },
    })
}

/// What the answer to a question about a refund proves. An answer that tells of no refund means that none has come,
/// or none that worked: it may be sent again under the same number.
/// # Errors
/// It is about something else than was asked.
pub fn query_refund(reply: &Reply, refund: &ChannelRefund) -> Result<Refunded, Unusable> {
    reply.same_if_there("out_trade_no", refund.number.as_str())?;
    reply.same_if_there("out_request_no", &refund.refund.0)?;
    if reply.code != C::Success {
        // Of a trade that is not there, nothing can have gone back.
        let nowhere =
            reply.code == C::Business && matches!(reply.sub_code, S::TradeNotExist | S::TradeNotExistBare);
        return Ok(if nowhere { Refunded::NoSuchRefund } else { Refunded::Unknown });
    }
    Ok(match reply.get("refund_status") {
        None if reply.get("refund_amount").is_none() => Refunded::NoSuchRefund,
        Some("REFUND_SUCCESS") => {
            reply.same("out_trade_no", refund.number.as_str())?;
            reply.same("out_request_no", &refund.refund.0)?;
            reply.same_amount("total_amount", refund.paid)?;
            reply.same_amount("refund_amount", refund.amount)?;
            Refunded::Done
        }
        None | Some(_) => Refunded::Unknown,
    })
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;
