//! Why a wallet gave no reply that counts, and what that means.

use super::line::{Exchange, Why};
use super::mismatch::{Mismatch, Mismatches};
use evertill_shared::clock::Timestamp;
use evertill_shared::id::ChannelNumber;
use evertill_shared::payment::{DeclineReason, PayOutcome};
use evertill_shared::wallet::Wallet;
use std::fmt::Display;

/// Why there is no reply that counts; `U` says what is wrong with one that came.
#[derive(Debug)]
pub(super) enum Silence<U> {
    /// Surely nothing was sent.
    NotSent(Why),
    /// It may have reached the wallet.
    NoAnswer(String),
    /// A reply that proves nothing.
    Unusable(U),
}

/// What a reply that proves nothing is.
pub(super) trait Reason: Display {
    /// The field, if it is truly the wallet's and about something else than was asked; not if it is garbage, or may be forged.
    fn mismatch(&self) -> Option<&'static str>;
}

/// Whose silence it is.
pub(super) struct Asked<'a> {
    pub wallet: Wallet,
    /// What was called, in the adapter's word.
    pub call: &'a str,
    /// The number that was asked about: the payment's, or the refund's.
    pub number: &'a str,
    /// The payment's.
    pub payment: &'a ChannelNumber,
    pub at: Timestamp,
}

/// What came with status 200; both wallets' older protocols know no other.
pub(super) fn ok<U>(exchange: Exchange) -> Result<Vec<u8>, Silence<U>> {
    match exchange {
        Exchange::Answered(reply) => reply.ok().map_err(Silence::NoAnswer),
        Exchange::NotSent(why) => Err(Silence::NotSent(why)),
        Exchange::NoAnswer(why) => Err(Silence::NoAnswer(why)),
    }
}

impl<U: Reason> Silence<U> {
    /// Says so in the log; and everywhere, if the reply is about something else than was asked.
    pub fn tell(&self, asked: &Asked<'_>, mismatches: &Mismatches) {
        let Asked { wallet, call, number, payment, at } = *asked;
        let Self::Unusable(why) = self else { return self.log(wallet, call, number) };
        let Some(field) = why.mismatch() else { return self.log(wallet, call, number) };
        tracing::error!(%wallet, call, number, %payment, field,
            "the wallet's answer is about something else than was asked: unknown");
        let labels = [("wallet", wallet.to_string()), ("call", call.to_owned()), ("field", field.to_owned())];
        metrics::counter!("evertill_channel_mismatches_total", &labels).increment(1);
        mismatches.note(Mismatch { payment: payment.clone(), call: call.to_owned(), field, at });
    }
}

impl<U: Display> Silence<U> {
    /// Says so in the log; a reply that proves nothing loudly.
    pub fn log(&self, wallet: Wallet, call: &str, number: &str) {
        match self {
            Self::NotSent(why) => {
                tracing::warn!(%wallet, call, number, %why, "the wallet cannot be reached; nothing was sent");
            }
            Self::NoAnswer(why) => {
                tracing::warn!(%wallet, call, number, why, "the wallet gave no answer: unknown")
            }
            Self::Unusable(why) => {
                tracing::error!(%wallet, call, number, %why, "the wallet's reply proves nothing: unknown");
            }
        }
    }

    /// What is true of a charge then.
    pub fn of_a_charge(&self) -> PayOutcome {
        match self {
            Self::NotSent(_) => PayOutcome::Refused(DeclineReason::ChannelUnreachable),
            Self::NoAnswer(_) | Self::Unusable(_) => PayOutcome::Unknown,
        }
    }

    /// In words for IT staff.
    pub fn for_it_staff(&self, wallet: Wallet) -> String {
        match self {
            Self::NotSent(why) => format!("{wallet} cannot be reached: {why}"),
            Self::NoAnswer(why) => format!("{wallet} gives no answer: {why}"),
            Self::Unusable(why) => why.to_string(),
        }
    }
}
