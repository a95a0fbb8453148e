//! How a group fails: surely not done, perhaps done, or refused by the rules.

use crate::failure::Failure;
use evertill_shared::id::Attempt;
use evertill_shared::order::OrderState;
use evertill_shared::payment::PaymentState;
use evertill_shared::protocol::error::ErrorCode;
use evertill_shared::refund::RefundRefused;
use std::time::Duration;

/// Why a group did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// Surely not done: the group could not be reached, is locked, read-only, full or damaged.
    #[error("the order group cannot be used at the moment ({0}); nothing was done")]
    Unavailable(String),
    /// No answer in time, or the commit ended in doubt: it may have happened, or may yet.
    #[error("it is not known whether this was done: {0}")]
    Unknown(String),
    /// Surely not done: too many requests are waiting for this group.
    #[error("too many requests are waiting; nothing was done")]
    Overloaded,
    /// Of all groups none could take a new order.
    #[error("no order group can take a new order")]
    NoGroupAvailable,
    /// Surely not done: the order is just moving to another database.
    #[error("the order is just moving to another database; nothing was done: ask again in a moment")]
    Moving,
    /// Surely not done: the order is in another database, and this server believed otherwise.
    #[error("the order is in another database by now; nothing was done: ask again in a moment")]
    Elsewhere,
    /// Surely not done: the group gives out no numbers (any more). All else works.
    #[error("the order group takes no new orders")]
    NotTaking,
    /// The rules do not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A fault of ours; surely not done.
    #[error("the order group failed: {0}")]
    Internal(String),
}

/// What the rules do not allow. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No such order, attempt or refund.
    #[error("there is no such {0}: compare the number with the receipt")]
    NotFound(&'static str),
    /// This very request was handled before.
    #[error("this request was handled before: sign it anew to ask again")]
    Replayed,
    /// The same thing came with other content; the text names the field.
    #[error("{0} differs from what was sent before for the same number")]
    Conflict(&'static str),
    /// The order cannot do that where it stands.
    #[error("the order is {0:?}: that is not possible any more")]
    WrongState(OrderState),
    /// The order was paid in another way.
    #[error("the order is already paid in another way: give what was taken back to the customer")]
    PaidOtherwise,
    /// An attempt before this one is not surely over.
    #[error("attempt {attempt} is not surely over ({}): do not charge again before it is",
        state.map_or("not known to the server", PaymentState::as_str))]
    AttemptOpen {
        /// Which attempt stands in the way.
        attempt: Attempt,
        /// Where it stands; `None` if it never arrived.
        state: Option<PaymentState>,
    },
    /// The amount is not the order's.
    #[error("the amount is not the order's total")]
    WrongAmount,
    /// The entry gives money back from another part of the order than the refund is of.
    #[error(
        "the entry gives the money back from another place than it was paid to: what was paid in cash comes out of the drawer, \
         and nothing else"
    )]
    WrongPart,
    /// A person has to look at the order first.
    #[error("the order came from a blocked till and waits for a person to accept it")]
    Quarantined,
    /// There is nothing to accept.
    #[error("the order is not in quarantine: there is nothing to accept")]
    NotQuarantined,
    /// There is no number left for another refund of this order.
    #[error("the order has been refunded in 99 parts: no further part can be numbered")]
    TooManyRefunds,
    /// The refund is not allowed.
    #[error(transparent)]
    Refund(#[from] RefundRefused),
}

impl Refusal {
    fn code(&self) -> ErrorCode {
        match self {
            Self::NotFound(_) => ErrorCode::NotFound,
            Self::Replayed => ErrorCode::Replayed,
            Self::Conflict(_) => ErrorCode::Conflict,
            Self::WrongState(_)
            | Self::PaidOtherwise
            | Self::AttemptOpen { .. }
            | Self::Quarantined
            | Self::NotQuarantined => ErrorCode::WrongState,
            Self::WrongAmount | Self::WrongPart => ErrorCode::BadRequest,
            Self::Refund(_) | Self::TooManyRefunds => ErrorCode::RefundRefused,
        }
    }
}

impl GroupError {
    /// No answer within so long.
    pub(crate) fn silent(limit: Duration) -> Self {
        Self::Unknown(format!("the order group gave no answer within {} ms", limit.as_millis()))
    }

    /// Its word in logs and metrics.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Unknown(_) => "unknown",
            Self::Overloaded => "overloaded",
            Self::NoGroupAvailable => "no_group",
            Self::Refused(_) => "refused",
            Self::Internal(_) => "internal",
            Self::Moving => "moving",
            Self::Elsewhere => "elsewhere",
            Self::NotTaking => "not_taking",
        }
    }

    /// Whether it speaks against the group's health. A refusal is a healthy answer, and one that is overloaded
    /// is alive: to skip it would only drive its load onto the others.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Unknown(_) | Self::Internal(_))
    }

    /// Whether another group may be tried with what is bound to none: a new order, journal entries.
    #[must_use]
    pub fn lets_jump(&self) -> bool {
        let busy_or_moving =
            matches!(self, Self::Overloaded | Self::Moving | Self::Elsewhere | Self::NotTaking);
        self.is_failure() || busy_or_moving
    }

    fn code(&self) -> ErrorCode {
        match self {
            Self::Unavailable(_) | Self::Moving | Self::Elsewhere => ErrorCode::GroupUnavailable,
            Self::Unknown(_) => ErrorCode::OutcomeUnknown,
            Self::Overloaded => ErrorCode::Overloaded,
            Self::NoGroupAvailable | Self::NotTaking => ErrorCode::NoGroupAvailable,
            Self::Refused(refusal) => refusal.code(),
            Self::Internal(_) => ErrorCode::Internal,
        }
    }
}

impl From<GroupError> for Failure {
    fn from(error: GroupError) -> Self {
        let message = match &error {
            GroupError::Refused(refusal) => refusal.to_string(),
            GroupError::Unavailable(_) => {
                "the database of this order cannot be reached; try again soon".into()
            }
            GroupError::Unknown(_) => {
                "the server does not know yet whether this was done; ask again under the same number".into()
            }
            GroupError::Overloaded => "the server is busy; try again in a moment".into(),
            GroupError::Moving | GroupError::Elsewhere => {
                "the order is just moving to another database; try again in a moment".into()
            }
            GroupError::NoGroupAvailable | GroupError::NotTaking => {
                "no new orders can be numbered now; go on offline".into()
            }
            GroupError::Internal(_) => "the server has a fault; tell IT if it stays".into(),
        };
        Self::new(error.code(), message)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.code(), refusal.to_string())
    }
}
