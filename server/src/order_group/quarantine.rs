//! Taking an order into the books that a blocked till handed in: a person says so, and why.

use super::{GroupError, GroupSet, Reply};
use evertill_shared::clock::Timestamp;
use evertill_shared::order_number::OrderNumber;

/// A person believes an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accept {
    /// Which order.
    pub number: OrderNumber,
    /// Who: the name that others see.
    pub by: String,
    /// The name that they log in with.
    pub login: String,
    /// Why.
    pub reason: String,
    /// The server's clock.
    pub at: Timestamp,
}

/// Who accepted an order, and why. If somebody was quicker, it is they.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// Who: the name that others see.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// Orders of a group that wait for a person.
pub trait Quarantine: Send + Sync {
    /// Takes the order into the books. Repeating it changes nothing and tells who did it.
    fn accept(&self, accept: Accept) -> Reply<Accepted>;
}

impl GroupSet {
    /// Takes an order into the books that a blocked till handed in.
    /// # Errors
    /// [`super::Refusal::NotQuarantined`] if it was never in quarantine; else see [`GroupError`].
    pub async fn accept(&self, accept: Accept) -> Result<Accepted, GroupError> {
        self.write(accept.number.tag(), |g| g.accept(accept.clone())).await
    }
}

#[cfg(test)]
mod tests;
