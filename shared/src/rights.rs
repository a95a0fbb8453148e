//! What a person may do with money at a till, by role. A closed list: what is not on it needs no right.
//!
//! Whoever does not hold a right asks somebody who does, and that person's name stands on what was approved. At the
//! till rights rest on PINs, so they say who answers for it; the server looks again at what was handed in.

mod used;
pub use used::{Used, names_somebody, used};

use crate::protocol::staff::Role;
use serde::{Deserialize, Serialize};

/// Something that not everybody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Take something off a line or off the whole sale.
    Discount,
    /// Sell at another price than the catalogue's.
    OverridePrice,
    /// Give money back for an order.
    Refund,
    /// Open the drawer without a sale.
    NoSale,
    /// Put money into the drawer, or take some out, without a sale.
    PayInOut,
    /// Begin a shift with a counted float.
    OpenShift,
    /// Count the drawer blind and end the shift.
    CloseShift,
    /// See what the drawer should hold before it is counted (X report).
    ReadShift,
    /// Set up the till's devices.
    SetUp,
    /// End the till's program where it is all that there is on the screen (kiosk).
    LeaveKiosk,
    /// Switch the till to training. What is sold there is sold to nobody: whoever takes a customer's cash there keeps it.
    Train,
}

impl Right {
    /// Every right there is.
    pub const ALL: [Self; 11] = [
        Self::Discount,
        Self::OverridePrice,
        Self::Refund,
        Self::NoSale,
        Self::PayInOut,
        Self::OpenShift,
        Self::CloseShift,
        Self::ReadShift,
        Self::SetUp,
        Self::LeaveKiosk,
        Self::Train,
    ];

    /// Whether somebody of this role holds it. Managers hold all of them. A cashier begins and ends a shift, because the
    /// count is blind and over or short is written down; nothing else. IT looks after tills and moves no money.
    #[must_use]
    pub fn held_by(self, role: Role) -> bool {
        match role {
            Role::Manager => true,
            Role::Cashier => matches!(self, Self::OpenShift | Self::CloseShift),
            Role::It => matches!(self, Self::SetUp | Self::LeaveKiosk | Self::Train),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn managers_hold_all_rights_cashiers_two_and_it_none_of_money() {
        let held = |role| Right::ALL.into_iter().filter(|right| right.held_by(role)).collect::<Vec<_>>();
        assert_eq!(held(Role::Manager), Right::ALL);
        assert_eq!(held(Role::Cashier), [Right::OpenShift, Right::CloseShift]);
        assert_eq!(held(Role::It), [Right::SetUp, Right::LeaveKiosk, Right::Train]);
    }

    #[test]
    fn every_right_has_a_word_of_its_own() {
        let words: std::collections::BTreeSet<String> =
            Right::ALL.iter().map(|right| serde_json::to_string(right).unwrap()).collect();
        assert_eq!(words.len(), Right::ALL.len());
    }
}
