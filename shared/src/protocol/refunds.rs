//! Refunds, between the server and the till that sold.

use crate::journal::SignedEntry;
use crate::order::PaidBy;
use crate::refund::Refund;
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
