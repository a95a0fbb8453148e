//! Proving a group's ledger: against itself, and against the orders, refunds and payments that it is the account of.

use super::{GroupError, GroupSet, Reply};
use evertill_shared::ledger::{Balances, LedgerFault};
use evertill_shared::order_number::GroupTag;

/// How many orders are proved at once.
const PART: u32 = 500;

/// A part of a group's ledger, proved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProvedPart {
    /// After which number to go on; nothing if all is proved.
    pub last: Option<String>,
    /// How many orders were looked at.
    pub orders: u64,
    /// What was found, by order.
    pub faults: Vec<(String, LedgerFault)>,
    /// What the accounts come to.
    pub balances: Balances,
}

/// What proving a group came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proved {
    /// How many orders there are.
    pub orders: u64,
    /// What was found, by order.
    pub faults: Vec<(String, LedgerFault)>,
    /// What the accounts come to.
    pub balances: Balances,
}

/// A group's ledger.
pub trait Ledger: Send + Sync {
    /// Proves the orders whose numbers come after that text, so many at most.
    fn prove(&self, after: String, most: u32) -> Reply<ProvedPart>;
}

impl GroupSet {
    /// Proves the whole ledger of a tag's orders; `told` hears how many were looked at.
    /// # Errors
    /// See [`GroupError`].
    pub async fn prove(&self, tag: GroupTag, mut told: impl FnMut(u64)) -> Result<Proved, GroupError> {
        let (mut proved, mut after) = (Proved::default(), String::new());
        loop {
            let part = self.for_copies(tag, |g| g.prove(after.clone(), PART)).await?;
            proved.orders = proved.orders.saturating_add(part.orders);
            proved.faults.extend(part.faults);
            proved.balances.add_all(&part.balances);
            told(proved.orders);
            match part.last {
                Some(last) => after = last,
                None => return Ok(proved),
            }
        }
    }
}
