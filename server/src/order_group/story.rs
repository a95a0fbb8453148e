//! The story of an order: all that happened to it, for the people who look into it.

use evertill_shared::cashier::Cashier;
use evertill_shared::clock::Timestamp;
use evertill_shared::id::{AccountId, Attempt, ChannelNumber, RefundId, TerminalId};
use evertill_shared::money::Amount;
use evertill_shared::payment::{DeclineReason, Others, PaymentState};
use evertill_shared::refund::RefundState;
use evertill_shared::wallet::Wallet;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Something that happened to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "fact")]
pub enum Fact {
    /// A number was given out.
    DraftCreated {
        /// By which server.
        server: String,
    },
    /// The draft was never adopted and is too old.
    DraftExpired,
    /// The till chose this number.
    Adopted {
        /// It came from a blocked till.
        quarantined: bool,
    },
    /// Cash was taken.
    CashTaken {
        /// What the customer handed over.
        given: Amount,
        /// What went back.
        change: Amount,
        /// It came from a blocked till.
        quarantined: bool,
    },
    /// A part was taken in cash before the wallet was asked for the rest, and is in the drawer while this attempt is open.
    CashPart {
        /// For which try; nothing in stories from before it was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempt: Option<Attempt>,
        /// How much.
        amount: Amount,
    },
    /// It came from a blocked till, and a person takes it into the books.
    AcceptedFromQuarantine {
        /// Who: the name that others see.
        who: String,
        /// The name that they log in with.
        login: String,
        /// Why.
        why: String,
    },
    /// A wallet is being asked for the money.
    PaymentSent {
        /// Which try.
        attempt: Attempt,
        /// Whose wallet.
        wallet: Wallet,
        /// How much.
        amount: Amount,
        /// The number that the wallet sees.
        channel_number: ChannelNumber,
    },
    /// An attempt stands elsewhere now.
    PaymentIs {
        /// Which try.
        attempt: Attempt,
        /// Where it stands.
        state: PaymentState,
        /// Why it was declined or is being taken back.
        reason: Option<DeclineReason>,
        /// The wallet's number of the transaction.
        transaction: Option<String>,
    },
    /// The till wants an attempt taken back instead of waiting on.
    TakeBackAsked {
        /// Which try.
        attempt: Attempt,
    },
    /// The record of an attempt was lost, and more of the merchant's accounts than one know its number: at these it is taken
    /// back.
    KnownAtOthers {
        /// Which try.
        attempt: Attempt,
        /// Where.
        accounts: Vec<AccountId>,
    },
    /// Another of the merchant's accounts has the money of an attempt as well, and does not take the payment back any more: it
    /// goes back from there as a refund, and people are told.
    PaidAtAnother {
        /// Which try.
        attempt: Attempt,
        /// Where.
        account: AccountId,
    },
    /// That money went back.
    GivenBackAt {
        /// Which try.
        attempt: Attempt,
        /// From where.
        account: AccountId,
        /// The number under which it went back.
        refund: RefundId,
        /// How much.
        amount: Amount,
    },
    /// The wallet says "paid" of an attempt that is over: the money goes back by itself, and people are told.
    LateSuccess {
        /// Which try.
        attempt: Attempt,
        /// The wallet's number of the transaction.
        transaction: String,
    },
    /// An attempt took money though the order was paid already: it goes back by itself, and people are told.
    PaidTwice {
        /// Which try.
        attempt: Attempt,
    },
    /// What an attempt took though nobody needed it went back.
    GivenBack {
        /// Which try.
        attempt: Attempt,
        /// The number under which it went back.
        refund: RefundId,
        /// How much.
        amount: Amount,
    },
    /// The wallet's authentic answer was about something else than was asked, or left it out. It counts as no answer.
    OtherThanAsked {
        /// Which try.
        attempt: Attempt,
        /// What was called, in the wallet's or the adapter's word.
        call: String,
        /// The field.
        field: String,
    },
    /// It had gone back already: somebody gave it back at the wallet itself.
    WentBack {
        /// Which try.
        attempt: Attempt,
        /// How much.
        amount: Amount,
    },
    /// The wallet has nothing to give back of it: it has taken the payment back itself.
    NothingToGiveBack {
        /// Which try.
        attempt: Attempt,
    },
    /// The wallet would not give it back. It is asked again; a person should look at it.
    NotGivenBack {
        /// Which try.
        attempt: Attempt,
        /// The wallet's words.
        message: String,
    },
    /// Somebody asked for money to go back.
    RefundAsked {
        /// The refund's number.
        refund: RefundId,
        /// How much.
        amount: Amount,
        /// Who.
        by: String,
        /// The name that they log in with.
        login: String,
        /// Why.
        reason: String,
    },
    /// The till that sold carries it out.
    RefundCarriedOut {
        /// The refund's number.
        refund: RefundId,
        /// Which till.
        terminal: TerminalId,
        /// Who, if anybody logs in there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cashier: Option<Cashier>,
    },
    /// A refund stands elsewhere now.
    RefundIs {
        /// The refund's number.
        refund: RefundId,
        /// Where it stands.
        state: RefundState,
        /// The wallet's words, if it refused.
        message: Option<String>,
    },
    /// The wallet has a refund's money and cannot hand it over: a person finishes it at the wallet.
    RefundNeedsAPerson {
        /// The refund's number.
        refund: RefundId,
        /// What the wallet says.
        message: String,
    },
    /// A person says that they have finished it at the wallet.
    FinishedByHand {
        /// The refund's number.
        refund: RefundId,
        /// The account that it goes back from, if it is another than the attempt's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        account: Option<AccountId>,
        /// Who.
        who: String,
        /// The name that they log in with.
        login: String,
        /// How it was done.
        why: String,
    },
    /// The wallet says something about a refund that was settled otherwise: for a person to look at.
    RefundContradicted {
        /// The refund's number.
        refund: RefundId,
        /// Where it stands, and stays.
        state: RefundState,
    },
    /// Written by a program that is newer than this one. Never written: it is what a fact is read as that is not among these. The order
    /// itself, its payments and refunds stand in columns of their own and are read as ever; but nobody here knows what this says,
    /// so what is decided by the story alone is left to a program that does.
    #[serde(other)]
    NotKnownHere,
}

impl Fact {
    /// Whether it says that a person has finished that refund, of that account. Who names no account means whichever had it.
    pub(crate) fn is_finished(&self, of: &RefundId, at: Option<AccountId>) -> bool {
        let Self::FinishedByHand { refund, account, .. } = self else { return false };
        refund == of && (at.is_none() || *account == at)
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blocked = |quarantined: bool| if quarantined { " (from a blocked till)" } else { "" };
        match self {
            Self::DraftCreated { server } => write!(f, "Number given out by {server}"),
            Self::DraftExpired => f.write_str("Draft expired: the till never chose this number"),
            Self::Adopted { quarantined } => write!(f, "Till chose this number{}", blocked(*quarantined)),
            Self::CashTaken { given, change, quarantined } => {
                write!(f, "Paid in cash: {given} given, {change} back{}", blocked(*quarantined))
            }
            Self::CashPart { attempt: None, amount } => write!(f, "{amount} of it taken in cash before"),
            Self::CashPart { attempt: Some(attempt), amount } => {
                write!(f, "Attempt {attempt}: {amount} is in the drawer in cash, the rest is asked for")
            }
            Self::AcceptedFromQuarantine { who, login, why } => {
                write!(f, "Accepted from quarantine by {who} ({login}): {why}")
            }
            Self::PaymentSent { attempt, wallet, amount, channel_number } => {
                write!(f, "Attempt {attempt}: {amount} asked of {wallet} as {channel_number}")
            }
            Self::PaymentIs { attempt, state, reason, transaction } => {
                write!(f, "Attempt {attempt}: {}", state.as_str())?;
                reason.iter().try_for_each(|reason| write!(f, " ({reason:?})"))?;
                transaction.iter().try_for_each(|number| write!(f, ", transaction {number}"))
            }
            Self::TakeBackAsked { attempt } => write!(f, "Attempt {attempt}: the till asked to take it back"),
            Self::KnownAtOthers { attempt, accounts } => write!(
                f,
                "Attempt {attempt}: more accounts than one know it. It is ended at {}",
                named(accounts)
            ),
            Self::PaidAtAnother { attempt, account } => write!(
                f,
                "Attempt {attempt}: account {account} has the money as well, too late to be taken back. It goes back from \
                 there by itself"
            ),
            Self::GivenBackAt { attempt, account, refund, amount } => {
                write!(
                    f,
                    "Attempt {attempt}: {amount} went back by itself from account {account} as {refund}"
                )
            }
            Self::LateSuccess { attempt, transaction } => write!(
                f,
                "Attempt {attempt}: the wallet says PAID after it was over (transaction {transaction}). \
                 The money goes back by itself"
            ),
            Self::PaidTwice { attempt } => write!(
                f,
                "Attempt {attempt}: PAID although the order was paid already. The money goes back by itself"
            ),
            Self::GivenBack { attempt, refund, amount } => {
                write!(f, "Attempt {attempt}: {amount} went back by itself as {refund}")
            }
            Self::OtherThanAsked { attempt, call, field } => write!(
                f,
                "Attempt {attempt}: an answer of the wallet ({call}) has another {field} than was asked about, or none. It \
                 counts as no answer"
            ),
            Self::WentBack { attempt, amount } => {
                write!(f, "Attempt {attempt}: {amount} had been given back at the wallet itself")
            }
            Self::NothingToGiveBack { attempt } => {
                write!(f, "Attempt {attempt}: the wallet holds nothing to give back")
            }
            Self::NotGivenBack { attempt, message } => write!(
                f,
                "Attempt {attempt}: the wallet would not give the money back ({message}). Tried again; look at \
                 it in the wallet's merchant system"
            ),
            Self::RefundAsked { refund, amount, by, login, reason } => {
                write!(f, "Refund {refund} of {amount} asked by {by} ({login}): {reason}")
            }
            Self::RefundCarriedOut { refund, terminal, cashier } => {
                write!(f, "Refund {refund}: sent by {terminal}")?;
                cashier.iter().try_for_each(|who| write!(f, " ({}, {})", who.name, who.login))
            }
            Self::RefundIs { refund, state, message } => {
                write!(f, "Refund {refund}: {}", state.as_str())?;
                message.iter().try_for_each(|message| write!(f, " ({message})"))
            }
            Self::RefundNeedsAPerson { refund, message } => {
                write!(f, "Refund {refund}: has not reached the customer ({message})")
            }
            Self::FinishedByHand { refund, account, who, login, why } => {
                write!(f, "Refund {refund}")?;
                account.iter().try_for_each(|account| write!(f, " from account {account}"))?;
                write!(f, ": finished at the wallet by {who} ({login}): {why}")
            }
            Self::RefundContradicted { refund, state } => write!(
                f,
                "Refund {refund}: the wallet now says otherwise than {}. Compare with the wallet's merchant \
                 system",
                state.as_str()
            ),
            Self::NotKnownHere => {
                f.write_str("Something that a newer program wrote and this one cannot read")
            }
        }
    }
}

/// Accounts in a row, by their numbers.
pub(crate) fn named(accounts: &[AccountId]) -> String {
    accounts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Whether all of a story is known here: what rests on there being no line of a kind in it cannot be decided otherwise.
pub(crate) fn is_whole(story: &[StoryLine]) -> bool {
    story.iter().all(|line| line.what != Fact::NotKnownHere)
}

/// What a story says of the accounts at which an attempt is ended, because another is kept; and from which its money goes
/// back.
pub(crate) fn others_of(story: &[StoryLine], own: Attempt) -> Others {
    let mut others = Others::default();
    for line in story {
        match &line.what {
            Fact::KnownAtOthers { attempt, accounts } if *attempt == own => others.told.extend(accounts),
            Fact::PaidAtAnother { attempt, account } | Fact::GivenBackAt { attempt, account, .. }
                if *attempt == own =>
            {
                others.given_back.push(*account);
            }
            _ => {}
        }
    }
    others
}

/// A fact and when it became one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoryLine {
    /// By the server's clock.
    pub at: Timestamp,
    /// What happened.
    pub what: Fact,
}
