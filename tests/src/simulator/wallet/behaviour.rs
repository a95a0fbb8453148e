//! How a customer, and the wallet, behave: per payment code, or by switches for everybody.

use super::bill::BillFault;
use super::book::RefundEnd;
use crate::simulator::wechat::SignsBy;
use evertill_shared::wallet::Wallet;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What happens with one payment code. In JSON: `"pays"`, `{"slow":{"ms":3000}}`, `"MICROPAY_TIMEOUT"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// Pays at once.
    #[default]
    Pays,
    /// Must type a password, and confirms.
    PasswordThenPays {
        /// After so long.
        after_ms: u64,
    },
    /// Must type a password, and leaves it.
    PasswordThenCancels {
        /// After so long.
        after_ms: u64,
    },
    /// Must type a password, and does nothing.
    PasswordNever,
    /// Has not enough money.
    NoFunds,
    /// The card is not taken.
    CardNotSupported,
    /// Risk rules forbid it.
    Risk,
    /// The payment happens; its reply takes long.
    Slow {
        /// So long.
        ms: u64,
    },
    /// The request takes long to arrive; then the payment happens.
    ArrivesLate {
        /// So long.
        ms: u64,
    },
    /// The payment happens; its reply is lost.
    ReplyLost,
    /// The request is lost: nothing happens.
    RequestLost,
    /// The reply says "system error", and the payment happens.
    SystemErrorThenSuccess {
        /// After so long.
        after_ms: u64,
    },
    /// The reply says that the wallet does not know (Alipay's 20000), and the payment happens.
    Unavailable,
    /// Waits for a password through all questions, and succeeds just before the reversal arrives.
    SuccessAfterLastQuery,
    /// Waits for a password, in vain; the money is taken after all, so long after the order was taken back.
    SuccessAfterReversal {
        /// After so long.
        after_ms: u64,
    },
    /// Has not enough money, says the wallet; and it takes it after all, so long later.
    SuccessAfterDecline {
        /// After so long.
        after_ms: u64,
    },
    /// Waits for a password; the first reversal works, its reply is lost.
    ReverseReplyLost,
    /// The payment happens; its reply is signed with a wrong key.
    BadSignature,
    /// The payment happens; its reply is not signed.
    Unsigned,
    /// The payment happens; its reply names another amount.
    WrongAmount,
    /// The payment happens; its reply names another order.
    OtherNumber,
    /// The payment happens; its reply is for another merchant.
    OtherMerchant,
    /// The payment happens; its reply is noise.
    Garbage,
    /// The payment happens; its reply is an HTTP 502.
    ServerError,
    /// The official name: a password is needed; here the customer confirms after ten seconds.
    #[serde(rename = "MICROPAY_USERPAYING")]
    MicropayUserpaying,
    /// The official name: the pay call's reply never comes; the payment happened.
    #[serde(rename = "MICROPAY_TIMEOUT")]
    MicropayTimeout,
    /// The official name: the payment fails after a password was asked for.
    #[serde(rename = "MICROPAY_PAYERROR")]
    MicropayPayerror,
    /// The official name: replies to the pay call and to every question never come; the payment happened.
    #[serde(rename = "MICROPAY_PAY_QUERY_TIMEOUT")]
    MicropayPayQueryTimeout,
}

/// What the customer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum Customer {
    Pays,
    Password { after_ms: u64, confirms: bool },
    Never,
    OnlyAtReversal,
    NoFunds,
    CardNotSupported,
    Risk,
}

/// What happens to one request or its reply. In JSON: `"reply_lost"`, `{"slow":{"ms":3000}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Dropped before it was read.
    RequestLost,
    /// Done; the connection ends without a reply.
    ReplyLost,
    /// Done at once; the reply waits.
    Slow {
        /// So long.
        ms: u64,
    },
    /// Waits, and is done then, whether or not anyone still listens.
    ArrivesLate {
        /// So long.
        ms: u64,
    },
    /// Done; the reply says SYSTEMERROR.
    SystemError,
    /// Done; the reply says that the wallet does not know: Alipay's 20000, WeChat Pay's BANKERROR.
    Unavailable,
    /// Not done; the reply is this error word.
    Refuse {
        /// As documented by the wallet.
        err_code: String,
    },
    /// Done; the reply is signed with a wrong key.
    BadSignature,
    /// Done; the reply is not signed.
    Unsigned,
    /// Done; the reply is altered on its way, after it was signed.
    Altered,
    /// Done; the amounts in the reply are one more.
    WrongAmount,
    /// Done; the reply names another order.
    OtherNumber,
    /// Done; the reply is for another merchant.
    OtherMerchant,
    /// Done; the reply is noise.
    Garbage,
    /// Done; the reply is an HTTP 502.
    ServerError,
    /// Done; the signature is one of the wallet's own probes, which nobody may take (version 3 of WeChat Pay).
    SignTest,
    /// Done; the signature is older than any may be (only where headers are signed, as the next two).
    OldTime,
    /// Done; the reply names a key that nobody knows.
    OtherSerial,
    /// Done; one of the headers that are signed is missing.
    MissingHeader,
}

impl Behaviour {
    pub(in crate::simulator) fn customer(self) -> Customer {
        match self {
            Self::PasswordThenPays { after_ms } => Customer::Password { after_ms, confirms: true },
            Self::PasswordThenCancels { after_ms } => Customer::Password { after_ms, confirms: false },
            Self::MicropayUserpaying => Customer::Password { after_ms: 10_000, confirms: true },
            Self::MicropayPayerror => Customer::Password { after_ms: 1_000, confirms: false },
            Self::SystemErrorThenSuccess { after_ms } if after_ms > 0 => {
                Customer::Password { after_ms, confirms: true }
            }
            Self::PasswordNever | Self::ReverseReplyLost | Self::SuccessAfterReversal { .. } => {
                Customer::Never
            }
            Self::SuccessAfterLastQuery => Customer::OnlyAtReversal,
            Self::NoFunds | Self::SuccessAfterDecline { .. } => Customer::NoFunds,
            Self::CardNotSupported => Customer::CardNotSupported,
            Self::Risk => Customer::Risk,
            _ => Customer::Pays,
        }
    }

    /// What goes wrong with this call about an order that was started with this behaviour; `earlier` counts
    /// the calls of the same kind before.
    pub(in crate::simulator) fn fault(self, endpoint: Endpoint, earlier: u32) -> Option<Fault> {
        match (endpoint, self) {
            (Endpoint::Pay, Self::Slow { ms }) => Some(Fault::Slow { ms }),
            (Endpoint::Pay, Self::ArrivesLate { ms }) => Some(Fault::ArrivesLate { ms }),
            (Endpoint::Pay, Self::ReplyLost | Self::MicropayTimeout | Self::MicropayPayQueryTimeout)
            | (Endpoint::Query, Self::MicropayPayQueryTimeout) => Some(Fault::ReplyLost),
            (Endpoint::Reverse, Self::ReverseReplyLost) if earlier == 0 => Some(Fault::ReplyLost),
            (Endpoint::Pay, Self::RequestLost) => Some(Fault::RequestLost),
            (Endpoint::Pay, Self::SystemErrorThenSuccess { .. }) => Some(Fault::SystemError),
            (Endpoint::Pay, Self::Unavailable) => Some(Fault::Unavailable),
            (Endpoint::Pay, Self::BadSignature) => Some(Fault::BadSignature),
            (Endpoint::Pay, Self::Unsigned) => Some(Fault::Unsigned),
            (Endpoint::Pay, Self::WrongAmount) => Some(Fault::WrongAmount),
            (Endpoint::Pay, Self::OtherNumber) => Some(Fault::OtherNumber),
            (Endpoint::Pay, Self::OtherMerchant) => Some(Fault::OtherMerchant),
            (Endpoint::Pay, Self::Garbage) => Some(Fault::Garbage),
            (Endpoint::Pay, Self::ServerError) => Some(Fault::ServerError),
            _ => None,
        }
    }
}

/// One call of the wallet's interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// Charges a code.
    Pay,
    /// Asks about an order.
    Query,
    /// Takes an order back.
    Reverse,
    /// Gives money back.
    Refund,
    /// Asks about a refund.
    RefundQuery,
    /// Asks for the bill of a day.
    Bill,
    /// Asks for a code to show.
    Create,
    /// Closes an order.
    Close,
    /// Tells the merchant that a shown code was paid.
    Notify,
    /// Fetches the file of a bill.
    BillFile,
    /// Asks for the wallet's certificates.
    Certificates,
}

/// A shop for which the merchant acts as a service provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Partner {
    /// The shop's own number: a `sub_mch_id`, or a `2088…`.
    pub merchant: String,
    /// Its own app, if it has one (WeChat Pay).
    #[serde(default)]
    pub app: Option<String>,
    /// What it has given its provider to act by (Alipay's `app_auth_token`).
    #[serde(default)]
    pub token: Option<String>,
}

/// One of a wallet's domains, which all lead to the same books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Domain {
    /// The first one.
    Main,
    /// The other one.
    Spare,
}

/// What holds for everybody until it is changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {
    /// Faults of the next calls, one each, first in first out.
    pub next: BTreeMap<Endpoint, VecDeque<Fault>>,
    /// The fault of every call.
    pub always: BTreeMap<Endpoint, Fault>,
    /// Every connection ends before it is read.
    pub offline: bool,
    /// The same at these domains alone.
    pub dead_domains: BTreeSet<Domain>,
    /// A reversal while the customer types is refused.
    pub reverse_refused_while_paying: bool,
    /// So many of the next reversals do nothing and ask to be called again.
    pub recall_next: u32,
    /// How far apart refunds of one order must be. Really a minute; at Alipay they need not be.
    pub refund_spacing_ms: u64,
    /// How long a refund takes after it was accepted.
    pub refund_takes_ms: u64,
    /// How the refunds end that are accepted from now on (WeChat Pay).
    pub refund_ends: RefundEnd,
    /// How long a payment code lives. Really a minute.
    pub code_lifetime_ms: u64,
    /// How long the wallet waits for a password before it takes the order back. Really 45 s; Alipay three minutes.
    pub auto_revoke_ms: u64,
    /// Now and then replies hold fields that no documentation knows.
    pub extra_fields: bool,
    /// What is wrong with bills.
    pub bill: Vec<BillFault>,
    /// Which key WeChat Pay's version 3 signs with, unless the merchant names its public key.
    pub signs_by: SignsBy,
    /// The certificates that it hands out.
    pub certificates: Vec<SignsBy>,
    /// The merchant is told nothing.
    pub notifications_off: bool,
    /// How long after the payment the merchant is told first.
    pub notification_delay_ms: u64,
    /// How often the merchant is told each time.
    pub notification_copies: u32,
    /// What is due together is told in the wrong order.
    pub notifications_last_first: bool,
    /// The merchant of the kit is a service provider, and this is its shop: every request must name it.
    pub partner: Option<Partner>,
}

impl Default for Switches {
    fn default() -> Self {
        Self::of(Wallet::WeChatPay)
    }
}

impl Switches {
    /// Whether nobody gets through at that domain.
    #[must_use]
    pub fn is_dead(&self, domain: Domain) -> bool {
        self.offline || self.dead_domains.contains(&domain)
    }

    /// The real limits of that wallet, and nothing that goes wrong.
    #[must_use]
    pub fn of(wallet: Wallet) -> Self {
        let (refund_spacing_ms, auto_revoke_ms) = match wallet {
            Wallet::WeChatPay => (60_000, 45_000),
            Wallet::Alipay => (0, 180_000),
        };
        Self {
            next: BTreeMap::new(),
            always: BTreeMap::new(),
            offline: false,
            dead_domains: BTreeSet::new(),
            reverse_refused_while_paying: false,
            recall_next: 0,
            refund_spacing_ms,
            refund_takes_ms: 0,
            refund_ends: RefundEnd::Arrives,
            code_lifetime_ms: 60_000,
            auto_revoke_ms,
            extra_fields: true,
            bill: Vec::new(),
            signs_by: SignsBy::default(),
            certificates: vec![SignsBy::Certificate],
            notifications_off: false,
            notification_delay_ms: 0,
            notification_copies: 1,
            notifications_last_first: false,
            partner: None,
        }
    }

    /// Takes the fault of this call: a one-shot first, then the lasting one.
    pub(in crate::simulator) fn take_fault(&mut self, endpoint: Endpoint) -> Option<Fault> {
        let once = self.next.get_mut(&endpoint).and_then(VecDeque::pop_front);
        once.or_else(|| self.always.get(&endpoint).cloned())
    }
}
